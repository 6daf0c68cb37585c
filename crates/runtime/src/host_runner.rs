use eyas_tensor::Tensor;

use crate::binder::{Found, Surroundings, bind_plan};
use crate::binding::{Binding, Bindings, Bound};
use crate::bound_plan::Base;
use crate::host::{Address, HostCall, HostPlan, Passed, Workspace, constant, parameter, run};
use crate::memory::physical_memory;
use crate::states::States;
use crate::{KernelSet, ParameterKind, RuntimeError, SessionOptions, fault};

/// A session's memory on the host.
#[derive(Debug)]
pub(crate) struct HostRunner {
    states: States,
    bindings: Bindings<HostPlan>,
    workspace: Workspace,
    inputs: Vec<Address>,
    outputs: Vec<Address>,
}

fn threads(options: &SessionOptions) -> usize {
    options.pool.as_ref().map_or(1, |pool| pool.threads())
}

impl HostRunner {
    pub(crate) fn new(set: &KernelSet) -> Result<HostRunner, RuntimeError> {
        set.target()?;
        Ok(HostRunner {
            states: States::new(set)?,
            bindings: Bindings::new(set.program.entries.len()),
            workspace: Workspace::default(),
            inputs: Vec::new(),
            outputs: Vec::new(),
        })
    }

    /// What was worked out for the last inputs, and the bytes of the arena.
    pub(crate) fn last(&self, entry: usize) -> Option<(&Bound, usize)> {
        let binding = self.bindings.first(entry)?;
        Some((&binding.bound, binding.work.arena))
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
        let (target, active) = set.target()?;
        let bound = Bound::new(set, target, entry, inputs)?;
        let threads = threads(options);
        let point = &set.program.entries[entry];
        let surroundings = Surroundings {
            name: &point.name,
            functions: &target.code.functions,
            binding: &bound.dims,
            counters: &Default::default(),
            constant: &|number| constant(&set.program.constants, number),
            lookup: &|path| find(set, &self.states, path),
            call: &|function, work| HostCall::new(&active.memory, threads, function, work),
            inputs: &bound.input_bytes,
            outputs: &bound.output_bytes,
        };
        let plan = bind_plan(bound.choice.plan(&target.entries[entry]), &surroundings)?;
        let limit = options.memory_limit.unwrap_or_else(physical_memory);
        let workspace = Workspace::needed(&plan, threads);
        let workspace = workspace.map_or(u128::from(u64::MAX), |bytes| bytes as u128);
        let given = point.outputs.iter().zip(&bound.output_bytes);
        let given = given.filter(|(output, _)| output.state.is_none());
        let needed = workspace + given.map(|(_, &bytes)| bytes as u128).sum::<u128>();
        if needed > limit as u128 {
            return Err(RuntimeError::MemoryLimit { needed, limit });
        }
        let work = plan;
        let binding = Binding { bound, work };
        self.bindings.insert(entry, options.bindings, binding);
        Ok(())
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
        let Some(binding) = self.bindings.first(entry) else {
            return Ok(());
        };
        let point = &set.program.entries[entry];
        let prepared = self.workspace.prepare(&binding.work, threads(options));
        prepared.map_err(RuntimeError::OutOfMemory)?;
        if options.poison {
            self.workspace.poison();
        }
        self.inputs.clear();
        let addresses = inputs.iter();
        let addresses = addresses.map(|tensor| Address(tensor.bytes().as_ptr().cast_mut()));
        self.inputs.extend(addresses);
        self.outputs.clear();
        let mut given = outputs.iter_mut();
        for output in &point.outputs {
            let address = match &output.state {
                Some(path) => self.states.next(path),
                None => given
                    .next()
                    .map(|tensor| Address(tensor.bytes_mut().as_mut_ptr())),
            };
            // Both are there: outputs were counted, and each such state has room for a next value.
            self.outputs.push(address.unwrap_or(Address::NOWHERE));
        }
        let passed = Passed {
            inputs: &self.inputs,
            outputs: &self.outputs,
            states: self.states.current(),
        };
        let pool = options.pool.as_deref();
        // SAFETY: the binding was made for these inputs, outputs and states and this kernel set,
        // all of which are there until the run is done; outputs and session are borrowed for
        // writing, so nobody else has them. That functions are kernels is what loading a kernel
        // set trusts in.
        let outcome = unsafe { run(&binding.work, &mut self.workspace, &passed, pool) };
        match outcome {
            Ok(()) => {
                let kept = point
                    .outputs
                    .iter()
                    .filter_map(|output| output.state.as_deref());
                self.states.advance(kept);
                Ok(())
            }
            Err(cause) => {
                let (target, _) = set.target()?;
                let plan = binding.bound.choice.plan(&target.entries[entry]);
                let functions = &target.code.functions;
                Err(fault::explain(&cause, &point.name, plan, functions))
            }
        }
    }

    /// The value that a state has now.
    pub(crate) fn state(&self, set: &KernelSet, path: &str) -> Option<Tensor> {
        self.states.get(set, path)
    }

    /// Gives all states their first values back.
    pub(crate) fn reset(&mut self, set: &KernelSet) {
        self.states.reset(set);
    }
}

/// The memory of a parameter or state.
fn find(set: &KernelSet, states: &States, path: &str) -> Option<Found<Address>> {
    let declared = set.program.parameters.get(path);
    if declared.is_some_and(|declared| declared.kind == ParameterKind::State) {
        let (number, bytes) = states.find(path)?;
        let base = Base::State(number);
        return Some(Found { base, bytes });
    }
    parameter(&set.values, path)
}
