use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use eyas_plan::PlanOutput;
use eyas_tensor::{Tensor, TensorError};

use crate::binding::Bound;
use crate::device_runner::DeviceRunner;
use crate::host_runner::HostRunner;
use crate::{Device, EntryPoint, KernelSet, Outputs, RuntimeError, SessionOptions};

/// Runs the entry points of a kernel set, one run at a time: it owns the memory that runs need,
/// the states, and what was worked out for the shapes of late.
#[derive(Debug)]
pub struct Session {
    set: Arc<KernelSet>,
    options: SessionOptions,
    entry: usize,
    runner: Runner,
}

/// Where a session runs, and its memory there.
#[derive(Debug)]
enum Runner {
    Host(Box<HostRunner>),
    Device(Box<DeviceRunner>),
}

/// A run that was begun and not waited for.
#[derive(Debug)]
struct Begun {
    /// Which of the two places it has.
    slot: usize,
    /// The extents of its inputs.
    shapes: Vec<Vec<usize>>,
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
    /// [`RuntimeError::UnsupportedCpu`], [`RuntimeError::NoCpuCode`],
    /// [`RuntimeError::NoDeviceCode`], [`RuntimeError::MissingValues`] where weights are still to be
    /// bound, [`RuntimeError::UnknownEntry`] where there is nothing to be called;
    /// [`RuntimeError::Device`] and [`RuntimeError::DeviceMemory`] of a device that does not take
    /// the code or the parameters.
    pub fn with_options(
        set: &Arc<KernelSet>,
        options: SessionOptions,
    ) -> Result<Session, RuntimeError> {
        if options.device.is_none() {
            set.target()?;
        }
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
        let runner = match &options.device {
            Some(device) => Runner::Device(Box::new(DeviceRunner::new(set, device)?)),
            None => Runner::Host(Box::new(HostRunner::new(set)?)),
        };
        Ok(Session {
            runner,
            set: set.clone(),
            options,
            entry: 0,
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

    /// The device that it runs on; `None` where it is this machine's processor.
    pub fn device(&self) -> Option<&Device> {
        match &self.runner {
            Runner::Host(_) => None,
            Runner::Device(device) => Some(device.device()),
        }
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
        let mut tensors = self.fresh_outputs()?;
        self.run_bound(inputs, &mut tensors)?;
        Ok(self.named(tensors))
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
        let mut given = self.given();
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
                    return Err(RuntimeError::OutputCount {
                        entry: self.entry().name.clone(),
                        expected: self.given().count(),
                        found: outputs.len(),
                    });
                }
            }
        }
        drop(given);
        self.run_bound(inputs, outputs)
    }

    /// Runs with batch after batch of inputs in the entry point's order and hands the outputs on, in the
    /// same order. On a device the inputs of the next batch and the outputs of the last one are
    /// copied while one computes, unless the entry point changes states.
    ///
    /// # Errors
    /// The first of a batch, a run or `sink`; outputs of the batches before were handed on.
    pub fn run_each<E: From<RuntimeError>>(
        &mut self,
        batches: impl IntoIterator<Item = Result<Vec<Tensor>, E>>,
        mut sink: impl FnMut(Outputs) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut states = self.entry().outputs.iter();
        let aside =
            matches!(self.runner, Runner::Device(_)) && states.all(|output| output.state.is_none());
        if !aside {
            for batch in batches {
                let batch = batch?;
                let inputs: Vec<&Tensor> = batch.iter().collect();
                sink(self.run_ordered(&inputs)?)?;
            }
            return Ok(());
        }
        self.settle()?;
        let mut begun: Option<Begun> = None;
        for batch in batches {
            let next = match batch {
                Ok(batch) => self.begin(&batch, &mut begun, &mut sink),
                Err(error) => Err(error),
            };
            if let Some(last) = begun.take() {
                sink(self.end(last)?)?;
            }
            begun = Some(next?);
        }
        match begun {
            Some(last) => sink(self.end(last)?),
            None => Ok(()),
        }
    }

    /// Runs so many times with inputs in the entry point's order, and gives the outputs of the
    /// last run and how long each took; without a run the outputs are zeros. On a device the inputs
    /// are put there once, the outputs are brought back once, and the times are those between the
    /// device's own events, copies not counted.
    ///
    /// # Errors
    /// As [`Session::run`].
    pub fn time(
        &mut self,
        inputs: &[&Tensor],
        runs: usize,
    ) -> Result<(Outputs, Vec<Duration>), RuntimeError> {
        self.bind(inputs)?;
        let mut tensors = self.fresh_outputs()?;
        let (set, entry, options) = (&self.set, self.entry, &self.options);
        let times = match &mut self.runner {
            Runner::Host(host) => {
                let runs = (0..runs).map(|_| {
                    let start = Instant::now();
                    host.run(set, entry, inputs, &mut tensors, options)?;
                    Ok(start.elapsed())
                });
                runs.collect::<Result<_, RuntimeError>>()?
            }
            Runner::Device(device) => {
                device.time(set, entry, inputs, &mut tensors, runs, options)?
            }
        };
        Ok((self.named(tensors), times))
    }

    /// The shapes that the outputs have for these inputs, in order.
    ///
    /// # Errors
    /// As [`Session::run`].
    pub fn output_shapes(&mut self, inputs: &[&Tensor]) -> Result<Vec<Vec<usize>>, RuntimeError> {
        self.bind(inputs)?;
        Ok(self.given().map(|(_, shape)| shape.clone()).collect())
    }

    /// The values of the dims in the last run of this entry point.
    pub fn dims(&self) -> Option<&BTreeMap<String, i64>> {
        self.last().map(|(bound, _)| &bound.dims)
    }

    /// Bytes of the arena for the shapes of the last run of this entry point.
    pub fn arena_bytes(&self) -> usize {
        self.last().map_or(0, |(_, arena)| arena)
    }

    /// The value that a state has now.
    pub fn state(&self, path: &str) -> Option<Tensor> {
        match &self.runner {
            Runner::Host(host) => host.state(&self.set, path),
            Runner::Device(device) => device.state(&self.set, path),
        }
    }

    /// Gives all states their first values back.
    pub fn reset_state(&mut self) {
        match &mut self.runner {
            Runner::Host(host) => host.reset(&self.set),
            Runner::Device(device) => device.reset(),
        }
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
        let (set, entry, options) = (&self.set, self.entry, &self.options);
        match &mut self.runner {
            Runner::Host(host) => host.bind(set, entry, inputs, options),
            Runner::Device(device) => device.bind(set, entry, inputs, options),
        }
    }

    /// Tensors for the outputs that are given back.
    fn fresh_outputs(&self) -> Result<Vec<Tensor>, RuntimeError> {
        let tensors = self.given();
        let tensors = tensors.map(|(output, shape)| Tensor::zeros(output.ty.dtype, shape));
        Ok(tensors.collect::<Result<_, TensorError>>()?)
    }

    /// The outputs that are given back, with their names.
    fn named(&self, tensors: Vec<Tensor>) -> Outputs {
        let outputs = self.entry().outputs.iter();
        let names = outputs.filter(|output| output.state.is_none());
        let names = names.map(|output| output.name.clone());
        Outputs(names.zip(tensors).collect())
    }

    /// Runs with inputs that were bound, and outputs of the right types.
    fn run_bound(
        &mut self,
        inputs: &[&Tensor],
        outputs: &mut [Tensor],
    ) -> Result<(), RuntimeError> {
        let (set, entry, options) = (&self.set, self.entry, &self.options);
        match &mut self.runner {
            Runner::Host(host) => host.run(set, entry, inputs, outputs, options),
            Runner::Device(device) => device.run(set, entry, inputs, outputs, options),
        }
    }

    /// Waits for what the device does.
    fn settle(&mut self) -> Result<(), RuntimeError> {
        match &mut self.runner {
            Runner::Host(_) => Ok(()),
            Runner::Device(device) => device.settle(),
        }
    }

    /// Begins a run. The one that was begun before ends first where its shapes were others: what
    /// was worked out for them may have to go.
    fn begin<E: From<RuntimeError>>(
        &mut self,
        batch: &[Tensor],
        before: &mut Option<Begun>,
        sink: &mut impl FnMut(Outputs) -> Result<(), E>,
    ) -> Result<Begun, E> {
        let inputs: Vec<&Tensor> = batch.iter().collect();
        let shapes = batch.iter().map(|tensor| tensor.shape().to_vec()).collect();
        let mut slot = 0;
        if let Some(last) = before.take() {
            slot = 1 - last.slot;
            match last.shapes == shapes {
                true => *before = Some(last),
                false => sink(self.end(last)?)?,
            }
        }
        self.bind(&inputs)?;
        let (set, entry, options) = (&self.set, self.entry, &self.options);
        if let Runner::Device(device) = &mut self.runner {
            device.begin(set, entry, slot, &inputs, options)?;
        }
        Ok(Begun { slot, shapes })
    }

    /// Waits for a run.
    fn end(&mut self, begun: Begun) -> Result<Outputs, RuntimeError> {
        let mut tensors = self.fresh_outputs()?;
        let (set, entry) = (&self.set, self.entry);
        if let Runner::Device(device) = &mut self.runner {
            device.end(set, entry, begun.slot, &mut tensors)?;
        }
        Ok(self.named(tensors))
    }

    /// What was worked out for the last inputs, and the bytes of the arena.
    fn last(&self) -> Option<(&Bound, usize)> {
        match &self.runner {
            Runner::Host(host) => host.last(self.entry),
            Runner::Device(device) => device.last(self.entry),
        }
    }

    /// The shapes of the outputs that are given back for the last inputs, and their types.
    fn given(&self) -> impl Iterator<Item = (&PlanOutput, &Vec<usize>)> {
        let shapes = self.last().map_or(&[][..], |(bound, _)| &bound.outputs);
        let given = self.entry().outputs.iter().zip(shapes);
        given.filter(|(output, _)| output.state.is_none())
    }
}
