use eyas_tensor::{Dim, TensorType};
use serde::{Deserialize, Serialize};

/// A buffer's place in [`Plan::buffers`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BufferId(pub usize);

/// How one graph without operands left open is run: a model's entry point, or what computes a
/// derived parameter.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// What is passed in, in order.
    pub inputs: Vec<PlanInput>,
    /// What is given back, in order.
    pub outputs: Vec<PlanOutput>,
    /// All memory that is touched.
    pub buffers: Vec<Buffer>,
    /// What is done, in order.
    pub steps: Vec<Step>,
}

/// An input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlanInput {
    /// Its name.
    pub name: String,
    /// Its type; its symbols are bound by the tensor that is passed in.
    pub ty: TensorType,
}

/// An output.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlanOutput {
    /// Its name.
    pub name: String,
    /// Its type.
    pub ty: TensorType,
    /// The state whose next value it is; such an output is kept by the session, not given back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
}

/// A dense row-major tensor in memory.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Buffer {
    /// What it is called in errors and dumps: an input's or output's name, a parameter's path, or
    /// the kernel that writes it.
    pub name: String,
    /// Its element type and extents.
    pub ty: TensorType,
    /// Whose memory it is.
    pub place: Place,
    /// While its contents matter; only an arena's buffer may share memory with another, and only
    /// with one whose range is disjoint.
    pub live: LiveRange,
}

/// Whose memory a buffer is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// Passed in by the caller, read only.
    Input(usize),
    /// Given back to the caller.
    Output(usize),
    /// The session's arena.
    Arena,
    /// A constant of the kernel set, by its number.
    Constant(usize),
    /// A parameter, derived ones too, by path; `{i}` in it stands for the counter of the loop
    /// whose variable is `i`.
    Parameter(String),
    /// The value of a state before the run.
    State(String),
}

/// From the first step that writes to the last that reads, both counted. Steps are numbered in
/// order of [`Plan::steps`], a loop's or if's body after its own number and before what follows;
/// what is used in a loop and was there before lives until the loop's last step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LiveRange {
    /// The first step.
    pub first: u32,
    /// The last step.
    pub last: u32,
}

impl LiveRange {
    /// Whether there is a step in both.
    pub fn overlaps(self, other: LiveRange) -> bool {
        self.first <= other.last && other.first <= self.last
    }
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Step {
    Launch(Launch),
    Loop(Loop),
    If(If),
}

/// A call of a function.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Launch {
    /// The kernel, by its place in [`crate::Code::functions`].
    pub kernel: usize,
    /// What it is called with.
    pub arguments: Vec<Operand>,
}

/// A buffer, or what lies in it from some element on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Operand {
    /// The buffer.
    pub buffer: BufferId,
    /// The first element; it may name the [`Loop::trip`] symbols of loops around.
    pub offset: Dim,
}

impl From<BufferId> for Operand {
    fn from(buffer: BufferId) -> Operand {
        let offset = Dim::from(0);
        Operand { buffer, offset }
    }
}

/// Steps that are done again and again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Loop {
    /// The counter's name in parameter paths.
    pub variable: String,
    /// The symbol that stands in offsets for the number of the iteration, from 0; unique in a plan.
    pub trip: String,
    /// The counter's first value.
    pub start: Dim,
    /// How many iterations; the most there may be where there is a condition.
    pub count: Dim,
    /// An `i64[]` that holds the counter while the body runs.
    pub counter: Option<BufferId>,
    /// A `bool[]` that the body writes: whether another iteration follows.
    pub condition: Option<BufferId>,
    /// Pairs that change places after every iteration.
    pub carried: Vec<Carry>,
    /// Filled with zeros before the first iteration: stacked results of a loop that may end early.
    pub zeroed: Vec<BufferId>,
    /// The body.
    pub body: Vec<Step>,
}

/// Two buffers of one type in the arena. The loop begins with the carried value in `current`; the
/// body reads `current` and writes `next`; then their memory is exchanged, so that after any
/// number of iterations the value is in `current`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Carry {
    /// Read by the body.
    pub current: BufferId,
    /// Written by the body.
    pub next: BufferId,
}

/// One of two lists of steps; both write the same result buffers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct If {
    /// A `bool[]`.
    pub condition: BufferId,
    /// Done where it holds.
    pub then: Vec<Step>,
    /// Done where it does not.
    pub otherwise: Vec<Step>,
}
