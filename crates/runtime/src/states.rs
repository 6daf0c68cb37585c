use eyas_tensor::Tensor;

use crate::host::Address;
use crate::memory::Memory;
use crate::{KernelSet, ParameterKind, RuntimeError};

/// The states of a session: the value that each has, and room for the next one.
#[derive(Debug)]
pub(crate) struct States {
    states: Vec<State>,
    /// The first byte of each value.
    current: Vec<Address>,
}

#[derive(Debug)]
struct State {
    path: String,
    current: Memory,
    /// Empty where no entry point changes the state.
    next: Memory,
}

impl States {
    /// All states of a kernel set with their first values.
    pub(crate) fn new(set: &KernelSet) -> Result<States, RuntimeError> {
        let mut states = Vec::new();
        let outputs = || set.program.entries.iter().flat_map(|entry| &entry.outputs);
        for (path, declaration) in &set.program.parameters {
            let (Some(value), ParameterKind::State) = (set.values.get(path), declaration.kind)
            else {
                continue;
            };
            let bytes = value.tensor.bytes();
            let failed = RuntimeError::OutOfMemory;
            let current = Memory::copy_of(bytes).ok_or_else(|| failed(bytes.len()))?;
            let changes = outputs().any(|output| output.state.as_ref() == Some(path));
            let room = if changes { bytes.len() } else { 0 };
            let next = Memory::zeroed(room).ok_or_else(|| failed(room))?;
            let path = path.clone();
            states.push(State {
                path,
                current,
                next,
            });
        }
        let current = states.iter().map(|state| Address(state.current.start()));
        Ok(States {
            current: current.collect(),
            states,
        })
    }

    /// The number of a state and how many bytes it has.
    pub(crate) fn find(&self, path: &str) -> Option<(usize, usize)> {
        let place = self.place(path)?;
        Some((place, self.states[place].current.len()))
    }

    fn place(&self, path: &str) -> Option<usize> {
        let found = self
            .states
            .binary_search_by(|state| (*state.path).cmp(path));
        found.ok()
    }

    /// The first byte of each value.
    pub(crate) fn current(&self) -> &[Address] {
        &self.current
    }

    /// Where the next value of a state goes.
    pub(crate) fn next(&self, path: &str) -> Option<Address> {
        Some(Address(self.states[self.place(path)?].next.start()))
    }

    /// Makes next values the values.
    pub(crate) fn advance<'a>(&mut self, paths: impl Iterator<Item = &'a str>) {
        for path in paths {
            let Some(place) = self.place(path) else {
                continue;
            };
            let state = &mut self.states[place];
            std::mem::swap(&mut state.current, &mut state.next);
            self.current[place] = Address(state.current.start());
        }
    }

    /// The value of a state.
    pub(crate) fn get(&self, set: &KernelSet, path: &str) -> Option<Tensor> {
        let state = &self.states[self.place(path)?];
        let first = &set.values.get(path)?.tensor;
        Tensor::from_bytes(first.dtype(), first.shape(), state.current.bytes()).ok()
    }

    /// Gives all states their first values back.
    pub(crate) fn reset(&mut self, set: &KernelSet) {
        for state in &mut self.states {
            if let Some(value) = set.values.get(&state.path) {
                state
                    .current
                    .bytes_mut()
                    .copy_from_slice(value.tensor.bytes());
            }
        }
    }
}
