use std::collections::BTreeMap;
use std::sync::Arc;

use eyas_plan::Plan;
use eyas_tensor::{Tensor, TensorError};

use crate::binding::Binding;
use crate::bound_plan::Address;
use crate::executor::{Passed, Workspace, execute};
use crate::memory::physical_memory;
use crate::states::States;
use crate::{EntryPoint, KernelSet, Outputs, RuntimeError, SessionOptions, fault};

/// Runs the entry points of a kernel set, one run at a time: it owns the memory that runs need,
/// the states, and what was worked out for the shapes of late.
#[derive(Debug)]
pub struct Session {
    set: Arc<KernelSet>,
    options: SessionOptions,
    entry: usize,
    states: States,
    /// For each entry point, the last used first.
    bindings: Vec<Vec<Binding>>,
    workspace: Workspace,
    inputs: Vec<Address>,
    outputs: Vec<Address>,
}

impl Session {
    /// A session that runs the first entry point on the caller's thread alone.
    ///
    /// # Errors
    /// See [`Session::with_options`].
    pub fn new(set: &Arc<KernelSet>) -> Result<Session, RuntimeError> {
        Session::with_options(set, SessionOptions::default())
    }

    /// A session that runs the first entry point.
    ///
    /// # Errors
    /// [`RuntimeError::UnsupportedCpu`], [`RuntimeError::MissingValues`] where weights are still
    /// to be bound, [`RuntimeError::UnknownEntry`] where there is nothing to be called.
    pub fn with_options(
        set: &Arc<KernelSet>,
        options: SessionOptions,
    ) -> Result<Session, RuntimeError> {
        set.target()?;
        let declared = set.program.parameters.keys();
        let missing = declared.filter(|path| !set.values.contains_key(*path));
        let missing: Vec<String> = missing.cloned().collect();
        if !missing.is_empty() {
            return Err(RuntimeError::MissingValues(missing));
        }
        if set.program.entries.is_empty() {
            return Err(RuntimeError::UnknownEntry {
                name: String::new(),
                known: Vec::new(),
            });
        }
        let entries = set.program.entries.len();
        Ok(Session {
            states: States::new(set)?,
            set: set.clone(),
            options,
            entry: 0,
            bindings: std::iter::repeat_with(Vec::new).take(entries).collect(),
            workspace: Workspace::default(),
            inputs: Vec::new(),
            outputs: Vec::new(),
        })
    }

    /// Lets the next runs be those of another entry point; states are the same.
    ///
    /// # Errors
    /// [`RuntimeError::UnknownEntry`].
    pub fn select(&mut self, entry: &str) -> Result<(), RuntimeError> {
        self.entry = self.set.entry(entry)?;
        Ok(())
    }

    /// The entry point that is run.
    pub fn entry(&self) -> &EntryPoint {
        &self.set.program.entries[self.entry]
    }

    /// The kernel set.
    pub fn kernel_set(&self) -> &Arc<KernelSet> {
        &self.set
    }

    /// Runs with inputs by name.
    ///
    /// # Errors
    /// Inputs that are missing, unknown or of the wrong type, contradicting extents, too little
    /// memory, and an index out of range.
    pub fn run(&mut self, inputs: &[(&str, &Tensor)]) -> Result<Outputs, RuntimeError> {
        let ordered = self.order(inputs)?;
        self.run_ordered(&ordered)
    }

    /// Runs with inputs in the entry point's order.
    ///
    /// # Errors
    /// As [`Session::run`].
    pub fn run_ordered(&mut self, inputs: &[&Tensor]) -> Result<Outputs, RuntimeError> {
        self.bind(inputs)?;
        let entry = &self.set.program.entries[self.entry];
        let shapes = &self.bindings[self.entry][0].outputs;
        let given = entry.outputs.iter().zip(shapes);
        let given = given.filter(|(output, _)| output.state.is_none());
        let tensors = given.map(|(output, shape)| Tensor::zeros(output.ty.dtype, shape));
        let mut tensors = tensors.collect::<Result<Vec<Tensor>, TensorError>>()?;
        self.run_bound(inputs, &mut tensors)?;
        let entry = &self.set.program.entries[self.entry];
        let names = entry.outputs.iter().filter(|output| output.state.is_none());
        let names = names.map(|output| output.name.clone());
        Ok(Outputs(names.zip(tensors).collect()))
    }

    /// Runs with inputs in the entry point's order and writes the outputs into tensors of their
    /// types. Nothing is allocated where the inputs have the shapes of the run before.
    ///
    /// # Errors
    /// As [`Session::run`]; [`RuntimeError::OutputCount`] and [`RuntimeError::WrongOutput`].
    pub fn run_into(
        &mut self,
        inputs: &[&Tensor],
        outputs: &mut [Tensor],
    ) -> Result<(), RuntimeError> {
        self.bind(inputs)?;
        let entry = &self.set.program.entries[self.entry];
        let shapes = &self.bindings[self.entry][0].outputs;
        let given = entry.outputs.iter().zip(shapes);
        let mut given = given.filter(|(output, _)| output.state.is_none());
        let mut found = outputs.iter();
        loop {
            match (given.next(), found.next()) {
                (None, None) => break,
                (Some((output, shape)), Some(tensor)) => {
                    if tensor.dtype() != output.ty.dtype || tensor.shape() != shape {
                        return Err(RuntimeError::WrongOutput {
                            output: output.name.clone(),
                            expected: output.ty.dtype,
                            shape: shape.clone(),
                            found: tensor.dtype(),
                            found_shape: tensor.shape().to_vec(),
                        });
                    }
                }
                _ => {
                    let given = entry.outputs.iter();
                    return Err(RuntimeError::OutputCount {
                        entry: entry.name.clone(),
                        expected: given.filter(|output| output.state.is_none()).count(),
                        found: outputs.len(),
                    });
                }
            }
        }
        self.run_bound(inputs, outputs)
    }

    /// The shapes that the outputs have for these inputs, in order.
    ///
    /// # Errors
    /// As [`Session::run`].
    pub fn output_shapes(&mut self, inputs: &[&Tensor]) -> Result<Vec<Vec<usize>>, RuntimeError> {
        self.bind(inputs)?;
        let entry = &self.set.program.entries[self.entry];
        let shapes = &self.bindings[self.entry][0].outputs;
        let given = entry.outputs.iter().zip(shapes);
        let given = given.filter(|(output, _)| output.state.is_none());
        Ok(given.map(|(_, shape)| shape.clone()).collect())
    }

    /// The values of the dims in the last run of this entry point.
    pub fn dims(&self) -> Option<&BTreeMap<String, i64>> {
        let last = self.bindings[self.entry].first()?;
        Some(&last.dims)
    }

    /// Bytes of the arena for the shapes of the last run of this entry point.
    pub fn arena_bytes(&self) -> usize {
        let last = self.bindings[self.entry].first();
        last.map_or(0, |binding| binding.plan.arena)
    }

    /// The value that a state has now.
    pub fn state(&self, path: &str) -> Option<Tensor> {
        self.states.get(&self.set, path)
    }

    /// Gives all states their first values back.
    pub fn reset_state(&mut self) {
        self.states.reset(&self.set);
    }

    fn order<'t>(&self, inputs: &[(&str, &'t Tensor)]) -> Result<Vec<&'t Tensor>, RuntimeError> {
        let entry = self.entry();
        for (place, (name, _)) in inputs.iter().enumerate() {
            if !entry.inputs.iter().any(|input| input.name == *name) {
                let known = entry.inputs.iter().map(|input| input.name.clone());
                return Err(RuntimeError::UnknownInput {
                    name: (*name).to_owned(),
                    known: known.collect(),
                });
            }
            if inputs[..place].iter().any(|(other, _)| other == name) {
                return Err(RuntimeError::RepeatedInput((*name).to_owned()));
            }
        }
        let ordered = entry.inputs.iter().map(|input| {
            let mut given = inputs.iter();
            let found = given.find(|(name, _)| *name == input.name);
            let found = found.map(|(_, tensor)| *tensor);
            found.ok_or_else(|| RuntimeError::MissingInput(input.name.clone()))
        });
        ordered.collect()
    }

    /// Makes the binding for these inputs the first of the entry point's.
    fn bind(&mut self, inputs: &[&Tensor]) -> Result<(), RuntimeError> {
        let entry = &self.set.program.entries[self.entry];
        if inputs.len() != entry.inputs.len() {
            return Err(RuntimeError::InputCount {
                entry: entry.name.clone(),
                expected: entry.inputs.len(),
                found: inputs.len(),
            });
        }
        for (input, tensor) in entry.inputs.iter().zip(inputs) {
            if tensor.dtype() != input.ty.dtype {
                return Err(RuntimeError::WrongDtype {
                    input: input.name.clone(),
                    expected: input.ty.dtype,
                    found: tensor.dtype(),
                });
            }
        }
        let known = &mut self.bindings[self.entry];
        match known.iter().position(|binding| binding.serves(inputs)) {
            Some(0) => return Ok(()),
            Some(place) => {
                known[..=place].rotate_right(1);
                return Ok(());
            }
            None => {}
        }
        let threads = self.options.pool.as_ref().map_or(1, |pool| pool.threads());
        let binding = Binding::new(&self.set, self.entry, inputs, &self.states, threads)?;
        let limit = self.options.memory_limit.unwrap_or_else(physical_memory);
        let needed = binding.needed(threads);
        if needed > limit as u128 {
            return Err(RuntimeError::MemoryLimit { needed, limit });
        }
        let known = &mut self.bindings[self.entry];
        known.truncate(self.options.bindings.max(1) - 1);
        known.insert(0, binding);
        Ok(())
    }

    /// Runs with inputs that were bound, and outputs of the right types.
    fn run_bound(
        &mut self,
        inputs: &[&Tensor],
        outputs: &mut [Tensor],
    ) -> Result<(), RuntimeError> {
        let entry = &self.set.program.entries[self.entry];
        let binding = &self.bindings[self.entry][0];
        let pool = self.options.pool.as_deref();
        let threads = pool.map_or(1, |pool| pool.threads());
        let prepared = self.workspace.prepare(&binding.plan, threads);
        prepared.map_err(RuntimeError::OutOfMemory)?;
        if self.options.poison {
            self.workspace.poison();
        }
        self.inputs.clear();
        let addresses = inputs.iter();
        let addresses = addresses.map(|tensor| Address(tensor.bytes().as_ptr().cast_mut()));
        self.inputs.extend(addresses);
        self.outputs.clear();
        let mut given = outputs.iter_mut();
        for output in &entry.outputs {
            let address = match &output.state {
                Some(path) => self.states.next(path),
                None => given
                    .next()
                    .map(|tensor| Address(tensor.bytes_mut().as_mut_ptr())),
            };
            // Both are there: outputs were counted, and each such state has room for a next value.
            self.outputs
                .push(address.unwrap_or(Address(std::ptr::null_mut())));
        }
        let passed = Passed {
            inputs: &self.inputs,
            outputs: &self.outputs,
            states: self.states.current(),
        };
        // SAFETY: the binding was made for these inputs, outputs and states and this kernel set,
        // all of which are there until the run is done; outputs and session are borrowed for
        // writing, so nobody else has them. That functions are kernels is what loading a kernel
        // set trusts in.
        let outcome = unsafe { execute(&binding.plan, &mut self.workspace, &passed, pool) };
        match outcome {
            Ok(()) => {
                let kept = entry
                    .outputs
                    .iter()
                    .filter_map(|output| output.state.as_deref());
                self.states.advance(kept);
                Ok(())
            }
            Err(cause) => {
                let (target, _) = self.set.target()?;
                let plan: &Plan = binding.choice.plan(&target.entries[self.entry]);
                Err(fault::explain(
                    &cause,
                    &entry.name,
                    plan,
                    &target.code.functions,
                ))
            }
        }
    }
}
