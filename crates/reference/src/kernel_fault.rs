use eyas_tensor::DType;

/// What a kernel or plan does that it must not, as the interpreter finds it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KernelFault {
    /// A wrong number of arguments.
    #[error("takes {expected} arguments, but is given {found}")]
    ArgumentCount {
        /// What it takes.
        expected: usize,
        /// What it is given.
        found: usize,
    },
    /// An argument of another element type.
    #[error("argument {argument} is `{found}`, but is declared `{expected}`")]
    ArgumentType {
        /// The argument.
        argument: usize,
        /// What is declared.
        expected: DType,
        /// What is given.
        found: DType,
    },
    /// Memory that does not hold the argument's elements.
    #[error("argument {argument} has {expected} elements, but the memory given holds {found}")]
    ArgumentLength {
        /// The argument.
        argument: usize,
        /// Its elements.
        expected: usize,
        /// How many the memory holds.
        found: usize,
    },
    /// A place outside an argument.
    #[error("place {place} is outside argument {argument}, which has {length} elements")]
    OutOfBounds {
        /// The argument.
        argument: usize,
        /// The place.
        place: i128,
        /// The argument's elements.
        length: usize,
    },
    /// An index, read from memory, that is outside the axis it indexes.
    #[error("index {index} into argument {argument} is outside an axis of extent {extent}")]
    IndexOutOfRange {
        /// The argument that is indexed.
        argument: usize,
        /// The index.
        index: i128,
        /// The axis' extent.
        extent: i64,
    },
    /// A place that is written at two points of the iteration space.
    #[error("place {place} of argument {argument} is written twice")]
    WrittenTwice {
        /// The argument.
        argument: usize,
        /// The place.
        place: usize,
    },
    /// A place that is read after another point of the iteration space wrote it, so that the
    /// result hangs on the order.
    #[error("place {place} of argument {argument} is read after it was written")]
    ReadAfterWrite {
        /// The argument.
        argument: usize,
        /// The place.
        place: usize,
    },
    /// A write to an argument that is read only.
    #[error("argument {argument} is written, but declared to be read")]
    ReadOnly {
        /// The argument.
        argument: usize,
    },
    /// A buffer that belongs to someone else and is written.
    #[error("buffer `{buffer}` is written, but is not the plan's to write")]
    ForeignBuffer {
        /// The buffer's name.
        buffer: String,
    },
    /// A step outside a buffer's live range.
    #[error("step {step} uses buffer `{buffer}`, which lives from step {first} to {last}")]
    NotLive {
        /// The buffer's name.
        buffer: String,
        /// The step.
        step: u32,
        /// The first step of its range.
        first: u32,
        /// The last.
        last: u32,
    },
    /// An extreme over no elements.
    #[error("the extreme of nothing")]
    ExtremeOfNothing,
}
