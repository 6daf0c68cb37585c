use crate::bound_dim::BoundDim;

/// A plan whose dims have values: what is left to do is known in bytes, in addresses `A` of where it
/// runs, and in calls `C` of its functions there.
#[derive(Debug)]
pub(crate) struct BoundPlan<A, C> {
    /// Bytes of the arena.
    pub(crate) arena: usize,
    /// Bytes of scratch memory: a thread's on the host, a launch's on a device.
    pub(crate) scratch: usize,
    /// Where each buffer begins when the run begins.
    pub(crate) bases: Vec<Base<A>>,
    /// How many loops there are.
    pub(crate) loops: usize,
    /// The most arguments that a launch has.
    pub(crate) most_arguments: usize,
    /// How many launches look for indices that are out of range and say so in memory.
    pub(crate) failures: usize,
    /// What is done.
    pub(crate) steps: Vec<BoundStep<A, C>>,
}

/// Where a buffer begins.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Base<A> {
    /// So many bytes into the arena.
    Arena(usize),
    /// An input.
    Input(usize),
    /// An output.
    Output(usize),
    /// A state.
    State(usize),
    /// The same place in every run.
    Fixed(A),
    /// A loop says where, in each iteration.
    Loop,
}

#[derive(Debug)]
pub(crate) enum BoundStep<A, C> {
    Launch(BoundLaunch<C>),
    Loop(BoundLoop<A, C>),
    If(BoundIf<A, C>),
}

/// A call with everything but the addresses.
#[derive(Debug)]
pub(crate) struct BoundLaunch<C> {
    /// The function's number.
    pub(crate) kernel: usize,
    pub(crate) call: C,
    /// The values of the function's dims.
    pub(crate) dims: Box<[i64]>,
    pub(crate) operands: Box<[BoundOperand]>,
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
pub(crate) struct BoundLoop<A, C> {
    /// Its number, by which offsets know its trip.
    pub(crate) slot: usize,
    pub(crate) start: BoundDim,
    pub(crate) count: BoundDim,
    pub(crate) counter: Option<usize>,
    pub(crate) condition: Option<usize>,
    pub(crate) carried: Box<[BoundCarry]>,
    /// Buffers with their bytes.
    pub(crate) zeroed: Box<[(usize, usize)]>,
    pub(crate) templates: Box<[Template<A>]>,
    pub(crate) body: Vec<BoundStep<A, C>>,
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
pub(crate) struct Template<A> {
    pub(crate) buffer: usize,
    /// Loops with the distance of neighbours in the table.
    pub(crate) strides: Box<[(usize, usize)]>,
    pub(crate) table: Box<[Base<A>]>,
}

#[derive(Debug)]
pub(crate) struct BoundIf<A, C> {
    pub(crate) condition: usize,
    pub(crate) then: Vec<BoundStep<A, C>>,
    pub(crate) otherwise: Vec<BoundStep<A, C>>,
}
