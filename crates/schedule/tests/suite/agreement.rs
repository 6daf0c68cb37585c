use std::collections::BTreeMap;

use eyas_ir::Module;
use eyas_plan::{Place, Plan};
use eyas_reference::{Arrangement, Evaluator, PlanValues, Storage, run_plan};
use eyas_schedule::{DerivedPlan, Options, Program, schedule};
use eyas_tensor::Tensor;

/// The ways to schedule that every module is tested in.
pub fn all_options() -> [Options; 4] {
    [
        (None, false),
        (None, true),
        (Some(4), true),
        (Some(16), true),
    ]
    .map(|(panel_width, fuse)| Options { panel_width, fuse })
}

/// The derived parameters, computed by their plans.
pub fn derive(
    program: &Program,
    parameters: &BTreeMap<String, Tensor>,
) -> BTreeMap<String, Tensor> {
    let mut all = parameters.clone();
    let constants: Vec<Tensor> = program
        .constants
        .iter()
        .map(|c| c.tensor().clone())
        .collect();
    for derived in &program.derived {
        for counters in instances(derived) {
            let mut plan = derived.plan.clone();
            fill_in(&mut plan, &counters);
            let values = PlanValues {
                constants: &constants,
                parameters: &all,
                states: &BTreeMap::new(),
            };
            let bindings = BTreeMap::new();
            let kernels = &program.kernels;
            let found = run_plan(&plan, kernels, &[], &values, &bindings, Arrangement::Arena);
            let path = filled(&derived.path, &counters);
            all.insert(path, found.unwrap().remove(0));
        }
    }
    all
}

fn instances(derived: &DerivedPlan) -> Vec<Vec<(String, i64)>> {
    let mut instances = vec![Vec::new()];
    for (name, start, count) in &derived.counters {
        instances = instances
            .into_iter()
            .flat_map(|instance: Vec<(String, i64)>| {
                (*start..start + count).map(move |value| {
                    let mut instance = instance.clone();
                    instance.push((name.clone(), value));
                    instance
                })
            })
            .collect();
    }
    instances
}

fn filled(path: &str, counters: &[(String, i64)]) -> String {
    let mut path = path.to_owned();
    for (name, value) in counters {
        path = path.replace(&format!("{{{name}}}"), &value.to_string());
    }
    path
}

fn fill_in(plan: &mut Plan, counters: &[(String, i64)]) {
    for buffer in &mut plan.buffers {
        if let Place::Parameter(path) = &mut buffer.place {
            *path = filled(path, counters);
        }
    }
}

/// The outputs of an entry point's plan.
pub fn run(
    program: &Program,
    entry: &str,
    inputs: &[Tensor],
    parameters: &BTreeMap<String, Tensor>,
    bindings: &BTreeMap<String, i64>,
    arrangement: Arrangement,
) -> Vec<Tensor> {
    let all = derive(program, parameters);
    let constants: Vec<Tensor> = program
        .constants
        .iter()
        .map(|c| c.tensor().clone())
        .collect();
    let values = PlanValues {
        constants: &constants,
        parameters: &all,
        states: &all,
    };
    let plan = program
        .entries
        .iter()
        .find(|plan| plan.name == entry)
        .unwrap();
    run_plan(
        &plan.plan,
        &program.kernels,
        inputs,
        &values,
        bindings,
        arrangement,
    )
    .unwrap()
}

/// Schedules a module in every way and compares each with the evaluator.
pub fn agrees(
    module: &Module,
    entry: &str,
    inputs: &[Tensor],
    parameters: &BTreeMap<String, Tensor>,
    tolerance: f64,
) {
    module.verify().unwrap();
    let evaluator = Evaluator::new(module)
        .storage(Storage::Exact)
        .parameters(parameters.clone());
    let expected = evaluator.run(entry, inputs).unwrap();
    let tensors = expected.tensors().unwrap();
    for options in all_options() {
        let program = schedule(module, &options).unwrap();
        for arrangement in [Arrangement::Apart, Arrangement::Arena] {
            let bindings = &expected.bindings;
            let found = run(&program, entry, inputs, parameters, bindings, arrangement);
            assert_eq!(found.len(), tensors.len());
            for (found, (name, expected)) in found.iter().zip(&tensors) {
                let error = found.relative_error(expected);
                assert!(
                    error <= tolerance,
                    "{options:?} {arrangement:?}: `{name}` is off by {error:e}:\n{found:?}\n{expected:?}"
                );
            }
        }
    }
}
