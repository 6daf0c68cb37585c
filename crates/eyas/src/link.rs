//! From kernels, plans and code to a kernel set.

use std::collections::BTreeMap;

use eyas_ir::Constant;
use eyas_kernels::Kernel;
use eyas_plan::Machine;
use eyas_runtime::{
    DerivedParameter, EntryPlans, EntryPoint, KernelOrigin, KernelSet, KernelSetParts,
    ParameterKind, ParameterPart, Provenance, SpecialisedPlan, TargetCode, ValueOrigin,
};
use eyas_schedule::Program;

use crate::compiler::{Compiler, Optimised, Target, places};
use crate::fault::{compile_fault, runtime_fault};
use crate::{Error, Source};

/// The kernel set; parameters have the values of their initialisers unless the compiler was
/// given weights, which are bound later.
pub(crate) fn link(
    compiler: &Compiler,
    source: &Source,
    optimised: &Optimised,
    targets: Vec<Target>,
    constants: &[Constant],
) -> Result<KernelSet, Error> {
    let module = &optimised.module;
    let Some((first, kernels)) = targets
        .first()
        .map(|target| (&target.program, target.kernels.clone()))
    else {
        return Err(compile_fault(source, "no machine was asked for"));
    };
    let derived = derived(&targets);
    let entries = first.entries.iter().map(|entry| EntryPoint {
        name: entry.name.clone(),
        inputs: entry.plan.inputs.clone(),
        outputs: entry.plan.outputs.clone(),
    });
    let parts = KernelSetParts {
        symbols: module
            .symbols
            .iter()
            .map(|symbol| symbol.name.clone())
            .collect(),
        facts: module.facts.clone(),
        parameters: parameters(compiler, source, optimised)?,
        derived_values: BTreeMap::new(),
        entries: entries.collect(),
        constants: constants
            .iter()
            .map(|constant| constant.tensor().clone())
            .collect(),
        provenance: provenance(compiler, source, optimised, &kernels),
        targets: targets
            .into_iter()
            .map(|target| target_code(compiler, target, &derived))
            .collect(),
        derived,
    };
    let set = KernelSet::new(parts).map_err(|error| runtime_fault(&error, Some(source)))?;
    match compiler.weights {
        Some(_) => Ok(set),
        None => set
            .bind(BTreeMap::new())
            .map_err(|error| runtime_fault(&error, Some(source))),
    }
}

fn parameters(
    compiler: &Compiler,
    source: &Source,
    optimised: &Optimised,
) -> Result<BTreeMap<String, ParameterPart>, Error> {
    let mut module = optimised.module.clone();
    if compiler.weights.is_some() {
        let state = eyas_ir::ParameterKind::State;
        for declaration in module.parameters.values_mut() {
            if declaration.kind != state {
                declaration.initialiser = None;
            }
        }
    }
    let mut values = eyas_reference::initialise(&module, 0)
        .map_err(|error| compile_fault(source, &error.to_string()))?;
    let parts = module.parameters.into_iter().map(|(path, declaration)| {
        let part = ParameterPart {
            ty: declaration.ty,
            kind: match declaration.kind {
                eyas_ir::ParameterKind::Parameter => ParameterKind::Parameter,
                eyas_ir::ParameterKind::State => ParameterKind::State,
            },
            value: values.remove(&path),
            origin: ValueOrigin::Initialised,
        };
        (path, part)
    });
    Ok(parts.collect())
}

/// The derived parameters of all programs: machines pack weights in their own ways, and a
/// specialised plan may read what the general one does not.
fn derived(targets: &[Target]) -> Vec<DerivedParameter> {
    let mut all: Vec<DerivedParameter> = Vec::new();
    let programs = targets.iter().flat_map(programs);
    for derived in programs.flat_map(|program| &program.derived) {
        if all.iter().all(|known| known.path != derived.path) {
            all.push(DerivedParameter {
                path: derived.path.clone(),
                ty: derived.ty.clone(),
                counters: derived.counters.clone(),
            });
        }
    }
    all
}

/// The general program and the specialised ones.
fn programs(target: &Target) -> impl Iterator<Item = &Program> {
    std::iter::once(&target.program).chain(&target.specialised)
}

fn target_code(compiler: &Compiler, target: Target, derived: &[DerivedParameter]) -> TargetCode {
    let plan = |wanted: &DerivedParameter| {
        let mut known = programs(&target).flat_map(|program| &program.derived);
        known
            .find(|known| known.path == wanted.path)
            .map(|known| known.plan.clone())
    };
    let derived = derived.iter().map(plan).collect();
    let Target {
        machine,
        program,
        specialised,
        code,
        kernels: _,
        listings: _,
    } = target;
    let plans = program
        .entries
        .into_iter()
        .enumerate()
        .map(|(place, entry)| {
            let points = compiler.specialize.iter().zip(&specialised);
            let specialised = points.map(|(binding, point)| SpecialisedPlan {
                binding: binding.clone(),
                plan: point.entries[place].plan.clone(),
            });
            EntryPlans {
                generic: entry.plan,
                specialised: specialised.collect(),
            }
        });
    TargetCode {
        machine,
        entries: plans.collect(),
        derived,
        code,
    }
}

fn provenance(
    compiler: &Compiler,
    source: &Source,
    optimised: &Optimised,
    kernels: &[Kernel],
) -> Provenance {
    let machines = compiler.machines.iter();
    let machines: Vec<String> = machines.map(Machine::to_string).collect();
    let mut places = places(source, kernels);
    let mut options = BTreeMap::from([
        ("machines".to_owned(), machines.join(",")),
        (
            "math".to_owned(),
            format!("{:?}", compiler.math).to_lowercase(),
        ),
        ("wide".to_owned(), compiler.wide.to_string()),
    ]);
    for (symbol, value) in &compiler.bind {
        options.insert(format!("bind {symbol}"), value.to_string());
    }
    let rules = optimised.report.fired().into_iter();
    let kernels = kernels.iter().map(|kernel| {
        let origin = KernelOrigin {
            labels: kernel.origin.labels.iter().cloned().collect(),
            spans: places.remove(&kernel.name).unwrap_or_default(),
        };
        (kernel.name.clone(), origin)
    });
    Provenance {
        compiler: concat!("eyas ", env!("CARGO_PKG_VERSION")).to_owned(),
        options,
        rules: rules.map(|(rule, count)| (rule, count as u64)).collect(),
        source_hash: Some(source.hash()),
        frozen: Vec::new(),
        kernels: kernels.collect(),
    }
}
