use std::collections::{BTreeMap, BTreeSet};

use eyas_ir::{Constant, Entry, Graph, Module, NodeId, Op, TensorType, Value};
use eyas_kernels::Kernel;
use eyas_plan::{Buffer, BufferId, LiveRange, Operand, Place, Plan, PlanInput, PlanOutput, Step};
use eyas_tensor::{Dim, DimError};

use crate::arguments::Home;
use crate::graph_writer::{Around, write_graph};
use crate::live::set_live_ranges;
use crate::lowered::lower;
use crate::naming::Naming;
use crate::pack::Packing;
use crate::unused::remove_unused;
use crate::{Claim, ClaimGraph, DerivedPlan, EntryPlan, Options, Program, ScheduleError, check};

/// Kernels and plans for a module: for its entry points, its derived parameters, and the
/// parameters that packing derives. Debug builds check the result (see [`check`]).
///
/// # Errors
/// [`ScheduleError`].
pub fn schedule(module: &Module, options: &Options) -> Result<Program, ScheduleError> {
    let lowered = lower(module)?;
    let unpacked = Options {
        panel_width: None,
        ..*options
    };
    let mut scheduler = Scheduler {
        module: &lowered.module,
        names: &lowered.names,
        options,
        kernels: Vec::new(),
        claims: Vec::new(),
        constants: Vec::new(),
        constant_numbers: BTreeMap::new(),
        naming: Naming::default(),
        packings: Vec::new(),
        merged: BTreeSet::new(),
        plan: PlanDraft::default(),
    };
    let mut program = Program::default();
    for entry in &lowered.module.entries {
        let plan = scheduler.entry(entry)?;
        let name = entry.name.clone();
        program.entries.push(EntryPlan { name, plan });
    }
    // What computes a derived parameter reads no packed ones: those are computed later.
    scheduler.options = &unpacked;
    for derived in &lowered.module.derived {
        let graph = scheduler.graph(derived.graph)?;
        let around = derived
            .counters
            .iter()
            .map(|(variable, start, count)| Around {
                variable: variable.clone(),
                start: Dim::from(*start),
                count: Dim::from(*count),
            });
        let claim = ClaimGraph::Module(derived.graph);
        let plan = scheduler.plan(graph, claim, &[], around.collect())?;
        program.derived.push(DerivedPlan {
            path: derived.path.clone(),
            ty: derived.ty.clone(),
            counters: derived.counters.clone(),
            plan,
            packing: None,
        });
    }
    let mut number = 0;
    while let Some(packing) = scheduler.packings.get(number).cloned() {
        number += 1;
        let claim = ClaimGraph::Packing(program.derived.len());
        let plan = scheduler.plan(&packing.graph, claim, &[], Vec::new())?;
        program.derived.push(DerivedPlan {
            path: packing.path,
            ty: packing.ty,
            counters: packing.counters,
            plan,
            packing: Some(packing.graph),
        });
    }
    let mut numbers = Vec::with_capacity(scheduler.kernels.len());
    for (number, (kernel, claim)) in scheduler.kernels.iter().zip(scheduler.claims).enumerate() {
        numbers.push(program.kernels.len());
        if !scheduler.merged.contains(&number) {
            program.kernels.push(kernel.coalesced());
            program.claims.push(claim);
        }
    }
    let entries = program.entries.iter_mut().map(|entry| &mut entry.plan);
    for plan in entries.chain(program.derived.iter_mut().map(|derived| &mut derived.plan)) {
        renumber(&mut plan.steps, &numbers);
    }
    program.constants = scheduler.constants;
    if cfg!(debug_assertions) {
        check(module, &program).map_err(|error| ScheduleError::Internal(error.to_string()))?;
    }
    Ok(program)
}

/// Gives launches the new numbers of their kernels.
fn renumber(steps: &mut [Step], numbers: &[usize]) {
    for step in steps {
        match step {
            Step::Launch(launch) => launch.kernel = numbers[launch.kernel],
            Step::Loop(looped) => renumber(&mut looped.body, numbers),
            Step::If(branches) => {
                renumber(&mut branches.then, numbers);
                renumber(&mut branches.otherwise, numbers);
            }
        }
    }
}

/// What all plans of a program share.
pub(crate) struct Scheduler<'m> {
    pub(crate) module: &'m Module,
    pub(crate) names: &'m [BTreeMap<NodeId, &'static str>],
    pub(crate) options: &'m Options,
    pub(crate) kernels: Vec<Kernel>,
    pub(crate) claims: Vec<Claim>,
    constants: Vec<Constant>,
    constant_numbers: BTreeMap<Constant, usize>,
    pub(crate) naming: Naming,
    pub(crate) packings: Vec<Packing>,
    /// Kernels that are a part of another.
    pub(crate) merged: BTreeSet<usize>,
    /// The plan that is written.
    pub(crate) plan: PlanDraft,
}

impl<'m> Scheduler<'m> {
    /// The number of a constant.
    pub(crate) fn constant(&mut self, value: &Constant) -> usize {
        let next = self.constants.len();
        let number = *self.constant_numbers.entry(value.clone()).or_insert(next);
        if number == next {
            self.constants.push(value.clone());
        }
        number
    }

    pub(crate) fn graph(&self, id: eyas_ir::GraphId) -> Result<&'m Graph, ScheduleError> {
        let graph = self.module.graphs.get(id.0);
        graph.ok_or_else(|| ScheduleError::Malformed(format!("there is no graph {}", id.0)))
    }

    fn entry(&mut self, entry: &Entry) -> Result<Plan, ScheduleError> {
        let graph = self.graph(entry.graph)?;
        let states: Vec<(usize, String)> = entry
            .states
            .iter()
            .map(|state| (state.output, state.path.clone()))
            .collect();
        self.plan(graph, ClaimGraph::Module(entry.graph), &states, Vec::new())
    }

    /// The plan of a graph that nothing is left open in.
    fn plan(
        &mut self,
        graph: &Graph,
        claim: ClaimGraph,
        states: &[(usize, String)],
        around: Vec<Around>,
    ) -> Result<Plan, ScheduleError> {
        self.plan = PlanDraft::default();
        self.plan.symbols = self.module.symbols.iter().map(|s| s.name.clone()).collect();
        let mut plan = Plan::default();
        let mut inputs = Vec::new();
        for (number, &node) in graph.inputs().iter().enumerate() {
            let ty = graph.type_of(Value { node, result: 0 }).clone();
            let name = match &graph.node(node).op {
                Op::Input { name } => name.clone(),
                _ => String::new(),
            };
            inputs.push(Some(self.plan.given(Place::Input(number), &ty)?));
            self.plan.name_last(&name);
            plan.inputs.push(PlanInput { name, ty });
        }
        let mut targets = Vec::new();
        for (number, (name, value)) in graph.outputs().iter().enumerate() {
            let ty = graph.type_of(*value).clone();
            targets.push(Some(self.plan.given(Place::Output(number), &ty)?));
            self.plan.name_last(name);
            let state = states.iter().find(|(output, _)| *output == number);
            plan.outputs.push(PlanOutput {
                name: name.clone(),
                ty,
                state: state.map(|(_, path)| path.clone()),
            });
        }
        plan.steps = write_graph(self, graph, claim, &inputs, &targets, around)?;
        plan.buffers = std::mem::take(&mut self.plan.buffers);
        remove_unused(&mut plan);
        set_live_ranges(&plan.steps, &mut plan.buffers);
        Ok(plan)
    }
}

/// The memory of the plan that is written.
#[derive(Debug, Default)]
pub(crate) struct PlanDraft {
    pub(crate) buffers: Vec<Buffer>,
    known: BTreeMap<Place, BufferId>,
    symbols: Vec<String>,
    trips: usize,
}

impl PlanDraft {
    /// Memory that nothing lies in yet.
    pub(crate) fn arena(&mut self, ty: &TensorType) -> Result<Home, DimError> {
        self.add(Place::Arena, ty)
    }

    /// Memory that is there already, or that somebody else wants written.
    pub(crate) fn given(&mut self, place: Place, ty: &TensorType) -> Result<Home, DimError> {
        if let Some(&buffer) = self.known.get(&place) {
            return home(buffer, ty);
        }
        let home = self.add(place.clone(), ty)?;
        self.known.insert(place, home.operand.buffer);
        Ok(home)
    }

    fn add(&mut self, place: Place, ty: &TensorType) -> Result<Home, DimError> {
        let buffer = BufferId(self.buffers.len());
        let name = match &place {
            Place::Parameter(path) | Place::State(path) => path.clone(),
            Place::Constant(number) => format!("constant{number}"),
            Place::Input(_) | Place::Output(_) | Place::Arena => String::new(),
        };
        self.buffers.push(Buffer {
            name,
            ty: ty.clone(),
            place,
            live: LiveRange { first: 0, last: 0 },
        });
        home(buffer, ty)
    }

    fn name_last(&mut self, name: &str) {
        if let Some(buffer) = self.buffers.last_mut() {
            name.clone_into(&mut buffer.name);
        }
    }

    /// A symbol for the number of an iteration that no dim has.
    pub(crate) fn trip(&mut self) -> String {
        loop {
            let name = format!("trip{}", self.trips);
            self.trips += 1;
            if !self.symbols.contains(&name) {
                return name;
            }
        }
    }
}

fn home(buffer: BufferId, ty: &TensorType) -> Result<Home, DimError> {
    Ok(Home {
        operand: Operand::from(buffer),
        dtype: ty.dtype,
        length: ty.element_count()?,
    })
}
