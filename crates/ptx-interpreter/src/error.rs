/// Why a text is no PTX module that can be run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct ParseError {
    /// The line, from 1 on.
    pub line: u32,
    /// What is wrong there.
    pub message: String,
}

/// Why memory cannot be reserved, freed, read or written from outside.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MemoryError {
    /// More is asked for than is left.
    #[error("{bytes} bytes do not fit: {used} of {capacity} are in use")]
    OutOfMemory {
        /// What is asked for.
        bytes: u64,
        /// What is reserved.
        used: u64,
        /// What can be reserved at most.
        capacity: u64,
    },
    /// No reserved piece begins there.
    #[error("nothing that is in use begins at {address:#x}")]
    NotReserved {
        /// The address.
        address: u64,
    },
    /// Bytes that lie in no one reserved piece.
    #[error("the {bytes} bytes at {address:#x} lie in no one piece of memory that is in use")]
    OutOfBounds {
        /// The first byte.
        address: u64,
        /// How many there are.
        bytes: u64,
    },
    /// A byte that was never written.
    #[error("the byte at {address:#x} was never written")]
    Uninitialised {
        /// Its address.
        address: u64,
    },
}
