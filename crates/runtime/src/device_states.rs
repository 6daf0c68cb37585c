use eyas_tensor::Tensor;

use crate::device::{DeviceMemory, Queue};
use crate::{Device, DeviceError, KernelSet, ParameterKind};

/// The states of a session on a device: the value that each has, and room for the next one.
#[derive(Debug)]
pub(crate) struct DeviceStates {
    states: Vec<State>,
    /// The first byte of each value.
    current: Vec<u64>,
    /// Whether the values are still, or again, the first ones, and not yet on the device.
    fresh: bool,
}

#[derive(Debug)]
struct State {
    path: String,
    current: DeviceMemory,
    /// Empty where no entry point changes the state.
    next: DeviceMemory,
}

impl DeviceStates {
    /// Room for all states of a kernel set.
    pub(crate) fn new(set: &KernelSet, device: &Device) -> Result<DeviceStates, DeviceError> {
        let mut states = Vec::new();
        let outputs = || set.program.entries.iter().flat_map(|entry| &entry.outputs);
        for (path, declaration) in &set.program.parameters {
            let (Some(value), ParameterKind::State) = (set.values.get(path), declaration.kind)
            else {
                continue;
            };
            let bytes = value.tensor.bytes().len();
            let changes = outputs().any(|output| output.state.as_ref() == Some(path));
            states.push(State {
                path: path.clone(),
                current: device.allocate(bytes)?,
                next: device.allocate(if changes { bytes } else { 0 })?,
            });
        }
        let current = states.iter().map(|state| state.current.address());
        Ok(DeviceStates {
            current: current.collect(),
            states,
            fresh: true,
        })
    }

    /// Bytes of all values.
    pub(crate) fn bytes(set: &KernelSet) -> u128 {
        let declared = set.program.parameters.iter();
        let states = declared.filter(|(_, declared)| declared.kind == ParameterKind::State);
        let values = states.filter_map(|(path, _)| set.values.get(path));
        values
            .map(|value| 2 * value.tensor.bytes().len() as u128)
            .sum()
    }

    /// Puts first values on the device where they are due.
    pub(crate) fn prepare(
        &mut self,
        set: &KernelSet,
        queue: &mut Queue,
    ) -> Result<(), DeviceError> {
        if !self.fresh {
            return Ok(());
        }
        for state in &self.states {
            if let Some(value) = set.values.get(&state.path) {
                queue.upload(state.current.address(), value.tensor.bytes())?;
            }
        }
        self.fresh = false;
        Ok(())
    }

    /// The number of a state and how many bytes it has.
    pub(crate) fn find(&self, path: &str) -> Option<(usize, usize)> {
        let place = self.place(path)?;
        Some((place, self.states[place].current.bytes()))
    }

    fn place(&self, path: &str) -> Option<usize> {
        let found = self
            .states
            .binary_search_by(|state| (*state.path).cmp(path));
        found.ok()
    }

    /// The first byte of each value.
    pub(crate) fn current(&self) -> &[u64] {
        &self.current
    }

    /// Where the next value of a state goes.
    pub(crate) fn next(&self, path: &str) -> Option<u64> {
        Some(self.states[self.place(path)?].next.address())
    }

    /// Makes next values the values.
    pub(crate) fn advance<'a>(&mut self, paths: impl Iterator<Item = &'a str>) {
        for path in paths {
            let Some(place) = self.place(path) else {
                continue;
            };
            let state = &mut self.states[place];
            std::mem::swap(&mut state.current, &mut state.next);
            self.current[place] = state.current.address();
        }
    }

    /// The value of a state; no run is under way.
    pub(crate) fn get(&self, set: &KernelSet, device: &Device, path: &str) -> Option<Tensor> {
        let state = &self.states[self.place(path)?];
        let first = &set.values.get(path)?.tensor;
        if self.fresh {
            return first.to_tensor().ok();
        }
        let mut bytes = vec![0; state.current.bytes()];
        if !bytes.is_empty() {
            device.read(state.current.address(), &mut bytes).ok()?;
        }
        Tensor::from_bytes(first.dtype(), first.shape(), &bytes).ok()
    }

    /// Gives all states their first values back.
    pub(crate) fn reset(&mut self) {
        self.fresh = true;
    }
}
