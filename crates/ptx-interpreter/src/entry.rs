use crate::Type;

/// A kernel of a [`crate::Module`].
#[derive(Debug, Clone)]
pub struct Entry {
    pub(crate) name: String,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) parameter_bytes: usize,
    pub(crate) shared_bytes: u32,
    pub(crate) max_threads: Option<u32>,
}

/// What an entry is called with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Its element type.
    pub kind: Type,
    /// Where it begins among the bytes of all parameters.
    pub offset: usize,
    /// How many bytes it takes.
    pub bytes: usize,
}

impl Entry {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it is called with, in order.
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// How many bytes all parameters take, each at a multiple of its alignment.
    pub fn parameter_bytes(&self) -> usize {
        self.parameter_bytes
    }

    /// Bytes of shared memory that it declares.
    pub fn shared_bytes(&self) -> u32 {
        self.shared_bytes
    }

    /// The most threads of a block, where the text says so.
    pub fn max_threads(&self) -> Option<u32> {
        self.max_threads
    }
}
