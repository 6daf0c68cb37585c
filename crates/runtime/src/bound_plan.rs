use eyas_plan::KernelFunction;

use crate::bound_dim::BoundDim;

/// A plan whose dims have values: what is left to do is known in bytes and addresses.
#[derive(Debug)]
pub(crate) struct BoundPlan {
    /// Bytes of the arena.
    pub(crate) arena: usize,
    /// Bytes of scratch memory that a thread needs.
    pub(crate) scratch: usize,
    /// Where each buffer begins when the run begins.
    pub(crate) bases: Vec<Base>,
    /// How many loops there are.
    pub(crate) loops: usize,
    /// The most arguments that a launch has.
    pub(crate) most_arguments: usize,
    /// What is done.
    pub(crate) steps: Vec<BoundStep>,
}

/// A place in memory. It is read and written by kernels alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub(crate) struct Address(pub(crate) *mut u8);

// SAFETY: an address is a number; whoever uses it vouches for the memory.
unsafe impl Send for Address {}
// SAFETY: as above.
unsafe impl Sync for Address {}

/// Where a buffer begins.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Base {
    /// So many bytes into the arena.
    Arena(usize),
    /// An input.
    Input(usize),
    /// An output.
    Output(usize),
    /// Memory that stays where it is.
    Fixed(Address),
    /// A state, by its number among the session's.
    State(usize),
    /// Given by the loop around, before it is used.
    Loop,
}

#[derive(Debug)]
pub(crate) enum BoundStep {
    Launch(BoundLaunch),
    Loop(BoundLoop),
    If(BoundIf),
}

/// A call with everything but the addresses.
#[derive(Debug)]
pub(crate) struct BoundLaunch {
    /// The function's number.
    pub(crate) kernel: usize,
    pub(crate) function: KernelFunction,
    /// The values of the function's dims.
    pub(crate) dims: Box<[i64]>,
    pub(crate) operands: Box<[BoundOperand]>,
    /// Units of work.
    pub(crate) units: i64,
    /// Into how many pieces the work is cut where there are threads; 1 where it is not worth it.
    pub(crate) pieces: i64,
}

#[derive(Debug)]
pub(crate) struct BoundOperand {
    pub(crate) buffer: usize,
    pub(crate) offset: Offset,
}

/// How far into a buffer an operand begins, in bytes.
#[derive(Debug)]
pub(crate) enum Offset {
    /// The same in every iteration.
    Fixed(usize),
    /// `start + sum(step * trip)`, proved to stay inside the buffer.
    Affine {
        start: i64,
        steps: Box<[(usize, i64)]>,
    },
    /// Elements of so many bits, at most so many bytes; looked at before each use.
    Checked {
        elements: BoundDim,
        bits: usize,
        limit: usize,
    },
}

#[derive(Debug)]
pub(crate) struct BoundLoop {
    /// Its number, by which offsets know its trip.
    pub(crate) slot: usize,
    pub(crate) start: BoundDim,
    pub(crate) count: BoundDim,
    pub(crate) counter: Option<usize>,
    pub(crate) condition: Option<usize>,
    pub(crate) carried: Box<[BoundCarry]>,
    /// Buffers with their bytes.
    pub(crate) zeroed: Box<[(usize, usize)]>,
    pub(crate) templates: Box<[Template]>,
    pub(crate) body: Vec<BoundStep>,
}

/// Two buffers that change places.
#[derive(Debug)]
pub(crate) struct BoundCarry {
    pub(crate) current: usize,
    pub(crate) next: usize,
    /// The bytes that go back to where `current` began, where its memory outlives `next`'s.
    pub(crate) moved_back: Option<usize>,
}

/// A buffer that is another tensor in every iteration.
#[derive(Debug)]
pub(crate) struct Template {
    pub(crate) buffer: usize,
    /// Loops with the distance of neighbours in the table.
    pub(crate) strides: Box<[(usize, usize)]>,
    pub(crate) table: Box<[Base]>,
}

#[derive(Debug)]
pub(crate) struct BoundIf {
    pub(crate) condition: usize,
    pub(crate) then: Vec<BoundStep>,
    pub(crate) otherwise: Vec<BoundStep>,
}
