use eyas_tensor::Tensor;

use crate::binder::{Found, Surroundings, bind_plan};
use crate::binding::{Binding, Bindings, Bound};
use crate::bound_plan::Base;
use crate::device::{DeviceMemory, Event, Graph, Moment, Piece, Queue};
use crate::device_plan::{DeviceCall, DevicePlaces, DevicePlan, Ground, run};
use crate::device_states::DeviceStates;
use crate::executor::Fault;
use crate::resident::Resident;
use crate::{
    Device, DeviceError, DeviceNeeds, EntryPoint, KernelSet, ParameterKind, RuntimeError,
    SessionOptions, fault,
};

use std::sync::Arc;
use std::time::Duration;

/// A session's memory on a device, and its queues.
#[derive(Debug)]
pub(crate) struct DeviceRunner {
    device: Device,
    // In this order: the queues wait for their work before memory is freed.
    compute: Queue,
    copies: Option<Copies>,
    bindings: Bindings<DeviceWork>,
    states: DeviceStates,
    arena: Option<DeviceMemory>,
    scratch: Option<DeviceMemory>,
    resident: Arc<Resident>,
    places: DevicePlaces,
}

/// Queues that bring inputs and outputs while another run computes.
#[derive(Debug)]
struct Copies {
    up: Queue,
    down: Queue,
}

/// A plan under a binding.
#[derive(Debug)]
struct DeviceWork {
    plan: DevicePlan,
    /// Whether it is recorded once and replayed.
    recorded: bool,
    /// A run has one of them; the second is for a run that begins before the last has ended.
    passed: [Option<Passed>; 2],
}

/// What a run is given and gives, always in the same place.
#[derive(Debug)]
struct Passed {
    inputs: Vec<DeviceMemory>,
    /// None of a state's next value.
    outputs: Vec<Option<DeviceMemory>>,
    failures: DeviceMemory,
    /// The least recently recorded first.
    graphs: Vec<(Key, Graph)>,
    /// The inputs are there.
    uploaded: Event,
    /// The outputs are.
    computed: Event,
}

/// The addresses that may change from run to run, and for which a graph was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Key {
    arena: u64,
    scratch: u64,
    states: Vec<u64>,
    outputs: Vec<u64>,
}

/// Graphs that are kept for one binding: states take turns in two places.
const GRAPHS: usize = 4;

impl DeviceRunner {
    pub(crate) fn new(set: &KernelSet, device: &Device) -> Result<DeviceRunner, RuntimeError> {
        let resident = Resident::of(set, device)?;
        let states = DeviceStates::new(set, device).map_err(|error| match error {
            DeviceError::OutOfMemory { .. } => RuntimeError::DeviceMemory {
                device: device.to_string(),
                free: device.free_memory(),
                needs: Box::new(DeviceNeeds {
                    states: DeviceStates::bytes(set),
                    ..DeviceNeeds::default()
                }),
            },
            error => error.into(),
        })?;
        Ok(DeviceRunner {
            device: device.clone(),
            compute: device.queue()?,
            copies: None,
            bindings: Bindings::new(set.program.entries.len()),
            states,
            arena: None,
            scratch: None,
            resident,
            places: DevicePlaces::default(),
        })
    }

    pub(crate) fn device(&self) -> &Device {
        &self.device
    }

    /// What was worked out for the last inputs, and the bytes of the arena.
    pub(crate) fn last(&self, entry: usize) -> Option<(&Bound, usize)> {
        let binding = self.bindings.first(entry)?;
        Some((&binding.bound, binding.work.plan.arena))
    }

    /// Makes the binding for these inputs the first of the entry point's.
    pub(crate) fn bind(
        &mut self,
        set: &KernelSet,
        entry: usize,
        inputs: &[&Tensor],
        options: &SessionOptions,
    ) -> Result<(), RuntimeError> {
        if self.bindings.find(entry, inputs) {
            return Ok(());
        }
        let target = &set.program.targets[self.resident.target];
        let bound = Bound::new(set, target, entry, inputs)?;
        let surroundings = Surroundings {
            name: &set.program.entries[entry].name,
            functions: &target.code.functions,
            binding: &bound.dims,
            counters: &Default::default(),
            constant: &|number| self.resident.constant(number),
            lookup: &|path| self.find(set, path),
            call: &DeviceCall::new,
            inputs: &bound.input_bytes,
            outputs: &bound.output_bytes,
        };
        let plan = bind_plan(bound.choice.plan(&target.entries[entry]), &surroundings)?;
        let needs = needs(&plan, &bound, &set.program.entries[entry]);
        let needed = needs.arena + needs.scratch + needs.passed;
        match options.memory_limit {
            Some(limit) if needed > limit as u128 => {
                return Err(RuntimeError::MemoryLimit { needed, limit });
            }
            Some(_) | None => {}
        }
        let work = DeviceWork {
            recorded: !options.stepwise && plan.can_be_recorded(),
            plan,
            passed: [None, None],
        };
        let binding = Binding { bound, work };
        self.bindings.insert(entry, options.bindings, binding);
        Ok(())
    }

    /// The memory of a parameter or state.
    fn find(&self, set: &KernelSet, path: &str) -> Option<Found<u64>> {
        let declared = set.program.parameters.get(path);
        if declared.is_some_and(|declared| declared.kind == ParameterKind::State) {
            let (number, bytes) = self.states.find(path)?;
            let base = Base::State(number);
            return Some(Found { base, bytes });
        }
        self.resident.parameter(path)
    }

    /// Runs with inputs that were bound, and outputs of the right types.
    pub(crate) fn run(
        &mut self,
        set: &KernelSet,
        entry: usize,
        inputs: &[&Tensor],
        outputs: &mut [Tensor],
        options: &SessionOptions,
    ) -> Result<(), RuntimeError> {
        let point = &set.program.entries[entry];
        self.reserve(point, entry, 0)?;
        let outcome = self.upload(entry, 0, inputs, false);
        let outcome = outcome.and_then(|()| self.compute(set, entry, 0, options));
        let outcome = outcome.and_then(|()| self.download(point, entry, 0, outputs, false));
        self.explained(set, entry, outcome)?;
        let kept = point
            .outputs
            .iter()
            .filter_map(|output| output.state.as_deref());
        self.states.advance(kept);
        Ok(())
    }

    /// Runs again and again with inputs that were bound and are put there once, and outputs of the
    /// right types that are brought back once: how long each run took.
    pub(crate) fn time(
        &mut self,
        set: &KernelSet,
        entry: usize,
        inputs: &[&Tensor],
        outputs: &mut [Tensor],
        runs: usize,
        options: &SessionOptions,
    ) -> Result<Vec<Duration>, RuntimeError> {
        if runs == 0 {
            return Ok(Vec::new());
        }
        let point = &set.program.entries[entry];
        self.reserve(point, entry, 0)?;
        let outcome = self.upload(entry, 0, inputs, false);
        self.explained(set, entry, outcome)?;
        let moments = (0..=runs).map(|_| self.compute.moment());
        let mut moments: Vec<Moment> = moments.collect::<Result<_, _>>()?;
        for (run, moment) in moments.iter_mut().enumerate() {
            if run > 0 {
                let outcome = self.compute(set, entry, 0, options);
                self.explained(set, entry, outcome)?;
                let kept = point.outputs.iter();
                self.states
                    .advance(kept.filter_map(|output| output.state.as_deref()));
            }
            self.compute.mark(moment)?;
        }
        let outcome = self.download(point, entry, 0, outputs, false);
        self.explained(set, entry, outcome)?;
        let times = moments.windows(2).map(|pair| pair[1].since(&pair[0]));
        Ok(times.collect::<Result<_, _>>()?)
    }

    /// Begins a run with inputs that were bound, in one of two places, whose run before has ended. The
    /// entry point changes no state.
    pub(crate) fn begin(
        &mut self,
        set: &KernelSet,
        entry: usize,
        slot: usize,
        inputs: &[&Tensor],
        options: &SessionOptions,
    ) -> Result<(), RuntimeError> {
        if self.copies.is_none() {
            let [up, down] = [self.device.queue()?, self.device.queue()?];
            self.copies = Some(Copies { up, down });
        }
        self.reserve(&set.program.entries[entry], entry, slot)?;
        let outcome = self.upload(entry, slot, inputs, true);
        let outcome = outcome.and_then(|()| self.compute(set, entry, slot, options));
        self.explained(set, entry, outcome)
    }

    /// Waits for a run that was begun in a place, and writes its outputs into tensors of their types.
    pub(crate) fn end(
        &mut self,
        set: &KernelSet,
        entry: usize,
        slot: usize,
        outputs: &mut [Tensor],
    ) -> Result<(), RuntimeError> {
        let point = &set.program.entries[entry];
        let outcome = self.download(point, entry, slot, outputs, true);
        self.explained(set, entry, outcome)
    }

    /// Waits for all that is under way.
    pub(crate) fn settle(&mut self) -> Result<(), RuntimeError> {
        Ok(self.compute.synchronize()?)
    }

    /// The value that a state has now.
    pub(crate) fn state(&self, set: &KernelSet, path: &str) -> Option<Tensor> {
        self.states.get(set, &self.device, path)
    }

    /// Gives all states their first values back.
    pub(crate) fn reset(&mut self) {
        self.states.reset();
    }

    /// Memory for a run in a place. What other bindings hold goes where there is too little.
    fn reserve(
        &mut self,
        point: &EntryPoint,
        entry: usize,
        slot: usize,
    ) -> Result<(), RuntimeError> {
        match self.try_reserve(point, entry, slot) {
            Err(DeviceError::OutOfMemory { .. }) => {}
            outcome => return Ok(outcome?),
        }
        self.compute.synchronize()?;
        for binding in self.bindings.others(entry) {
            binding.work.passed = [None, None];
        }
        match self.try_reserve(point, entry, slot) {
            Err(DeviceError::OutOfMemory { .. }) => Err(self.too_much(point, entry)),
            outcome => Ok(outcome?),
        }
    }

    fn try_reserve(
        &mut self,
        point: &EntryPoint,
        entry: usize,
        slot: usize,
    ) -> Result<(), DeviceError> {
        let Some(Binding { bound, work }) = self.bindings.first_mut(entry) else {
            return Ok(());
        };
        let grown = [
            (&mut self.arena, work.plan.arena),
            (&mut self.scratch, work.plan.scratch),
        ];
        for (memory, bytes) in grown {
            if memory.as_ref().map_or(0, DeviceMemory::bytes) < bytes {
                // The old piece goes first, and not before runs are done with it.
                self.compute.synchronize()?;
                *memory = None;
                *memory = Some(self.device.allocate(bytes)?);
            }
        }
        if work.passed[slot].is_some() {
            return Ok(());
        }
        let allocate = |&bytes: &usize| self.device.allocate(bytes);
        let outputs = point.outputs.iter().zip(&bound.output_bytes);
        let outputs = outputs.map(|(output, bytes)| match output.state {
            Some(_) => Ok(None),
            None => allocate(bytes).map(Some),
        });
        work.passed[slot] = Some(Passed {
            inputs: bound
                .input_bytes
                .iter()
                .map(allocate)
                .collect::<Result<_, _>>()?,
            outputs: outputs.collect::<Result<_, _>>()?,
            failures: allocate(&work.plan.failure_bytes())?,
            graphs: Vec::new(),
            uploaded: self.compute.event()?,
            computed: self.compute.event()?,
        });
        Ok(())
    }

    fn too_much(&mut self, point: &EntryPoint, entry: usize) -> RuntimeError {
        self.arena = None;
        self.scratch = None;
        let mut needs_of = DeviceNeeds::default();
        if let Some(Binding { bound, work }) = self.bindings.first_mut(entry) {
            work.passed = [None, None];
            needs_of = needs(&work.plan, bound, point);
        }
        RuntimeError::DeviceMemory {
            device: self.device.to_string(),
            free: self.device.free_memory(),
            needs: Box::new(DeviceNeeds {
                parameters: self.resident.bytes(),
                ..needs_of
            }),
        }
    }

    fn upload(
        &mut self,
        entry: usize,
        slot: usize,
        inputs: &[&Tensor],
        aside: bool,
    ) -> Result<(), Fault> {
        let (Some(binding), copies) = (self.bindings.first(entry), &mut self.copies) else {
            return Ok(());
        };
        let Some(passed) = &binding.work.passed[slot] else {
            return Ok(());
        };
        let queue = match copies {
            Some(copies) if aside => &mut copies.up,
            Some(_) | None => &mut self.compute,
        };
        for (memory, tensor) in passed.inputs.iter().zip(inputs) {
            queue.upload(memory.address(), tensor.bytes())?;
        }
        if aside {
            queue.signal(&passed.uploaded)?;
            self.compute.wait(&passed.uploaded)?;
        }
        Ok(())
    }

    fn compute(
        &mut self,
        set: &KernelSet,
        entry: usize,
        slot: usize,
        options: &SessionOptions,
    ) -> Result<(), Fault> {
        let Some(Binding { work, .. }) = self.bindings.first_mut(entry) else {
            return Ok(());
        };
        let DeviceWork {
            plan,
            recorded,
            passed,
        } = work;
        let Some(passed) = &mut passed[slot] else {
            return Ok(());
        };
        let queue = &mut self.compute;
        self.states.prepare(set, queue)?;
        let address = |memory: &Option<DeviceMemory>| {
            let memory = memory.as_ref();
            memory.map_or(0, DeviceMemory::address)
        };
        let (arena, scratch) = (address(&self.arena), address(&self.scratch));
        if options.poison {
            queue.poison(arena, plan.arena)?;
            queue.poison(scratch, plan.scratch)?;
            for output in passed.outputs.iter().flatten() {
                queue.poison(output.address(), output.bytes())?;
            }
        }
        let outputs = set.program.entries[entry].outputs.iter();
        let outputs = outputs.zip(&passed.outputs);
        let outputs = outputs.map(|(output, memory)| match &output.state {
            // It is there: each such state has room for a next value.
            Some(path) => self.states.next(path).unwrap_or(0),
            None => address(memory),
        });
        let key = Key {
            arena,
            scratch,
            states: self.states.current().to_vec(),
            outputs: outputs.collect(),
        };
        let inputs: Vec<u64> = passed.inputs.iter().map(DeviceMemory::address).collect();
        let ground = Ground {
            module: &self.resident.module,
            arena,
            scratch,
            failures: passed.failures.address(),
            inputs: &inputs,
            outputs: &key.outputs,
            states: &key.states,
            stepwise: options.stepwise,
        };
        let places = &mut self.places;
        if *recorded {
            let known = passed.graphs.iter().position(|(known, _)| *known == key);
            let known = match known {
                Some(place) => place,
                None => {
                    let graph = queue.capture(|queue| run(plan, &ground, queue, places))?;
                    if passed.graphs.len() == GRAPHS {
                        // It may still be under way.
                        queue.synchronize()?;
                        passed.graphs.remove(0);
                    }
                    passed.graphs.push((key, graph));
                    passed.graphs.len() - 1
                }
            };
            queue.replay(&passed.graphs[known].1)?;
        } else {
            run(plan, &ground, queue, places)?;
        }
        queue.signal(&passed.computed)?;
        Ok(())
    }

    fn download(
        &mut self,
        point: &EntryPoint,
        entry: usize,
        slot: usize,
        outputs: &mut [Tensor],
        aside: bool,
    ) -> Result<(), Fault> {
        let Some(Binding { work, .. }) = self.bindings.first(entry) else {
            return Ok(());
        };
        let Some(passed) = &work.passed[slot] else {
            return Ok(());
        };
        let queue = match &mut self.copies {
            Some(copies) if aside => &mut copies.down,
            Some(_) | None => &mut self.compute,
        };
        if aside {
            queue.wait(&passed.computed)?;
        }
        let mut records = vec![0; work.plan.failure_bytes()];
        let mut pieces = vec![Piece {
            from: passed.failures.address(),
            to: &mut records,
        }];
        let given = point.outputs.iter().zip(&passed.outputs);
        let given = given.filter(|(output, _)| output.state.is_none());
        let given = given.filter_map(|(_, memory)| memory.as_ref());
        pieces.extend(given.zip(outputs).map(|(memory, tensor)| Piece {
            from: memory.address(),
            to: tensor.bytes_mut(),
        }));
        queue.download(&mut pieces)?;
        work.plan.failed(&records).map_or(Ok(()), Err)
    }

    /// The error that a fault is, with names.
    fn explained(
        &self,
        set: &KernelSet,
        entry: usize,
        outcome: Result<(), Fault>,
    ) -> Result<(), RuntimeError> {
        let (Err(cause), Some(binding)) = (&outcome, self.bindings.first(entry)) else {
            return Ok(());
        };
        let target = &set.program.targets[self.resident.target];
        let plan = binding.bound.choice.plan(&target.entries[entry]);
        let name = &set.program.entries[entry].name;
        Err(fault::explain(cause, name, plan, &target.code.functions))
    }
}

/// What a run takes besides parameters and states.
fn needs(plan: &DevicePlan, bound: &Bound, point: &EntryPoint) -> DeviceNeeds {
    let given = point.outputs.iter().zip(&bound.output_bytes);
    let given = given.filter(|(output, _)| output.state.is_none());
    let passed = given.map(|(_, bytes)| bytes).chain(&bound.input_bytes);
    let passed: u128 = passed.map(|&bytes| bytes as u128).sum();
    DeviceNeeds {
        arena: plan.arena as u128,
        scratch: plan.scratch as u128,
        passed: passed + plan.failure_bytes() as u128,
        ..DeviceNeeds::default()
    }
}
