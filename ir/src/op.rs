use eyas_tensor::{DType, Dim};
use serde::{Deserialize, Serialize};

use crate::{Body, Constant, Einsum, GraphId};

/// An operation. The set is closed: primitives, and composites that decompose into primitives.
///
/// Shapes are explicit: element by element operations take operands of equal shape (a
/// [`Op::Broadcast`] stands before them where needed), reductions keep their axes with extent 1.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Op {
    /// An input of the graph; no operands.
    Input {
        /// Its name.
        name: String,
    },
    /// A parameter by its path; `{i}` in it stands for the counter `i` of a loop around.
    Parameter {
        /// The path in the weight file.
        path: String,
    },
    /// The value of a state before the run; the module says which output is its next value.
    State {
        /// The path.
        path: String,
    },
    /// A tensor known at compile time.
    Constant {
        /// Its value.
        value: Constant,
    },
    /// The value of a dim, as a scalar.
    Extent {
        /// The dim.
        dim: Dim,
        /// The type of the scalar.
        dtype: DType,
    },
    /// Element by element.
    Unary {
        /// What is done.
        function: UnaryFunction,
    },
    /// Element by element, two operands of one type.
    Binary {
        /// What is done.
        function: BinaryFunction,
    },
    /// Element by element, to bool.
    Compare {
        /// How the operands are compared.
        comparison: Comparison,
    },
    /// `condition ? a : b`, element by element.
    Select,
    /// To another element type: floats to integers truncate and saturate, NaN is 0.
    Cast {
        /// The new type.
        dtype: DType,
    },
    /// A sum of products. With an epilogue, operands 2 and on broadcast to the result, and the
    /// epilogue takes the sum and them.
    Contraction {
        /// Which axes.
        spec: Einsum,
        /// What the sum is kept in.
        accumulator: DType,
        /// What is done to each sum before it is stored.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        epilogue: Option<Body>,
    },
    /// Over axes that keep extent 1.
    Reduce {
        /// What is done.
        reduction: Reduction,
        /// The axes, ascending.
        axes: Vec<usize>,
    },
    /// The place (i64) of the first extreme along an axis that keeps extent 1.
    ArgReduce {
        /// Which extreme.
        extreme: Extreme,
        /// The axis.
        axis: usize,
    },
    /// The same elements in row-major order under other extents.
    Reshape {
        /// The new extents.
        shape: Vec<Dim>,
    },
    /// Axis `i` of the result is axis `permutation[i]` of the operand.
    Transpose {
        /// The operand's axes in the result's order.
        permutation: Vec<usize>,
    },
    /// To more extents, aligned at the last axis: extent 1 repeats, missing axes are added.
    Broadcast {
        /// The new extents.
        shape: Vec<Dim>,
    },
    /// Element `i` of an axis is element `start + i * step` of the operand.
    Slice {
        /// The first place, an axis each.
        starts: Vec<Dim>,
        /// The result's extents.
        shape: Vec<Dim>,
        /// The distance between places, not 0.
        steps: Vec<i64>,
    },
    /// Room around the operand.
    Pad {
        /// Elements before, an axis each.
        low: Vec<Dim>,
        /// Elements after.
        high: Vec<Dim>,
        /// A scalar that fills the room.
        value: Constant,
    },
    /// One after the other along an axis.
    Concat {
        /// The axis.
        axis: usize,
    },
    /// `(data, indices)`: the axis is replaced by the axes of the indices. Out of range fails the run.
    Gather {
        /// The axis of `data` that is indexed.
        axis: usize,
    },
    /// `(base, indices, updates)`: the updates, shaped as the gather of them would be, are combined
    /// into the base in row-major order of the indices.
    Scatter {
        /// The axis of `base` that is indexed.
        axis: usize,
        /// How an update meets what is there.
        combine: Combine,
    },
    /// The place along an axis.
    Iota {
        /// The element type.
        dtype: DType,
        /// The extents.
        shape: Vec<Dim>,
        /// The axis.
        axis: usize,
    },
    /// Random numbers from Philox4x32-10; operands are scalars (i64) that tell the draws of one
    /// stream apart, such as a loop's counter or the training step.
    Random {
        /// What is drawn.
        distribution: Distribution,
        /// The path that the key is made from.
        stream: String,
        /// The extents.
        shape: Vec<Dim>,
    },
    /// Runs a body graph again and again. Operands: the carried values, then the invariants. The
    /// body takes (counter i64, carried, invariants) and gives (carried, stacked slices); with
    /// [`Trip::While`] a bool that says whether another iteration follows comes first.
    /// Results: the carried values at the end, then the stacked ones with a new first axis.
    Loop {
        /// The body.
        body: GraphId,
        /// The counter's name in parameter paths.
        variable: String,
        /// How often.
        trip: Trip,
        /// How many values are carried.
        carried: usize,
    },
    /// `(condition, operands...)`: one of two graphs that take the operands.
    If {
        /// Run where the condition holds.
        then: GraphId,
        /// Run where it does not.
        otherwise: GraphId,
    },
    /// One with a name of its own, which decomposes into the others.
    Composite {
        /// Which.
        composite: Composite,
    },
}

impl Op {
    /// Element by element, one operand.
    pub fn unary(function: UnaryFunction) -> Op {
        Op::Unary { function }
    }

    /// Element by element, two operands.
    pub fn binary(function: BinaryFunction) -> Op {
        Op::Binary { function }
    }

    /// A named composite.
    pub fn composite(composite: Composite) -> Op {
        Op::Composite { composite }
    }

    /// Whether two nodes with this op and equal operands are one value. Everything but control
    /// flow is: a random op carries its stream.
    pub fn is_pure(&self) -> bool {
        !matches!(self, Op::Input { .. } | Op::Loop { .. } | Op::If { .. })
    }

    /// Graphs that the op owns.
    pub fn bodies(&self) -> Vec<GraphId> {
        match self {
            Op::Loop { body, .. } => vec![*body],
            Op::If { then, otherwise } => vec![*then, *otherwise],
            _ => Vec::new(),
        }
    }

    /// Whether the op takes operands of equal shape and works element by element.
    pub fn is_elementwise(&self) -> bool {
        match self {
            Op::Unary { .. } | Op::Binary { .. } | Op::Compare { .. } => true,
            Op::Select | Op::Cast { .. } => true,
            Op::Composite { composite } => composite.is_elementwise(),
            _ => false,
        }
    }
}

/// How often a loop runs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trip {
    /// The counter goes from `start` through `start + count - 1`.
    Range {
        /// The counter's first value.
        start: Dim,
        /// Iterations.
        count: Dim,
    },
    /// Until the body says no, at most `limit` times; the counter starts at 0.
    While {
        /// The most iterations.
        limit: Dim,
    },
}

/// What a [`Op::Random`] draws.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Distribution {
    /// Words of 32 random bits (u32).
    Bits,
    /// f32 in [0, 1), multiples of 2^-24.
    Uniform,
}

/// Functions of one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum UnaryFunction {
    Negate,
    Absolute,
    Sign,
    Floor,
    Ceil,
    /// To the nearest integer, ties to even.
    Round,
    Sqrt,
    /// `1 / sqrt(x)`
    Rsqrt,
    Reciprocal,
    Exp,
    Log,
    Sin,
    Cos,
    Tanh,
    /// The error function.
    Erf,
    /// Of bools, logical; of integers, bitwise.
    Not,
}

impl UnaryFunction {
    /// Every function.
    pub const ALL: [UnaryFunction; 16] = {
        use UnaryFunction::*;
        [
            Negate, Absolute, Sign, Floor, Ceil, Round, Sqrt, Rsqrt, Reciprocal, Exp, Log, Sin,
            Cos, Tanh, Erf, Not,
        ]
    };

    /// Whether it takes this type: `not` bools and integers, the first three signed numbers,
    /// the rest floats.
    pub fn accepts(self, dtype: DType) -> bool {
        match self {
            UnaryFunction::Not => dtype == DType::Bool || dtype.is_integer(),
            UnaryFunction::Negate | UnaryFunction::Absolute | UnaryFunction::Sign => {
                dtype.is_float() || dtype.is_integer()
            }
            _ => dtype.is_float(),
        }
    }
}

/// Functions of two numbers of one type. Integers wrap around.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum BinaryFunction {
    Add,
    Subtract,
    Multiply,
    /// True division of floats; of integers, towards zero, and by zero gives 0.
    Divide,
    /// `floor(a / b)`; of integers by zero, 0.
    FloorDivide,
    /// `a - b * floor(a / b)`; of integers by zero, 0.
    Remainder,
    /// `a` to the power `b`; of integers with a negative `b`, 0.
    Power,
    /// NaN where one is.
    Maximum,
    /// NaN where one is.
    Minimum,
    /// Of bools, logical; of integers, bitwise.
    And,
    /// As `And`.
    Or,
    /// As `And`.
    Xor,
}

impl BinaryFunction {
    /// Every function.
    pub const ALL: [BinaryFunction; 12] = {
        use BinaryFunction::*;
        [
            Add,
            Subtract,
            Multiply,
            Divide,
            FloorDivide,
            Remainder,
            Power,
            Maximum,
            Minimum,
            And,
            Or,
            Xor,
        ]
    };

    /// Whether it takes this type.
    pub fn accepts(self, dtype: DType) -> bool {
        use BinaryFunction::{And, Or, Xor};
        match self {
            And | Or | Xor => dtype == DType::Bool || dtype.is_integer(),
            _ => dtype != DType::Bool,
        }
    }

    /// Whether the operands may be exchanged.
    pub fn is_commutative(self) -> bool {
        use BinaryFunction::*;
        matches!(self, Add | Multiply | Maximum | Minimum | And | Or | Xor)
    }
}

/// How two numbers compare. A comparison with NaN is false, but for `NotEqual`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// Reductions over axes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Reduction {
    /// 0 over nothing; of f16 and bf16, kept in f32.
    Sum,
    /// 1 over nothing.
    Product,
    Maximum,
    Minimum,
}

/// Which end of the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Extreme {
    Maximum,
    Minimum,
}

/// How a scattered update meets what is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Combine {
    Replace,
    Add,
    Maximum,
    Minimum,
}

/// Operations that decompose into primitives, kept whole where a fused kernel, a gradient or a
/// stable form hangs on the name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Composite {
    /// `max(x, 0)`
    Relu,
    /// `1 / (1 + exp(-x))`
    Sigmoid,
    /// `x * sigmoid(x)`
    Silu,
    /// `x * (1 + erf(x / sqrt(2))) / 2`
    Gelu,
    /// The mean over axes, which keep extent 1.
    Mean {
        /// The axes, ascending.
        axes: Vec<usize>,
    },
    /// `exp(x - max) / sum(exp(x - max))`
    Softmax {
        /// The axis summed over.
        axis: usize,
    },
    /// `x - max - log(sum(exp(x - max)))`
    LogSoftmax {
        /// The axis summed over.
        axis: usize,
    },
    /// `(x, scale, bias)` with scale and bias along the last axis:
    /// `(x - mean) * rsqrt(mean((x - mean)^2) + epsilon) * scale + bias`
    LayerNorm {
        /// What keeps the root from 0, an f64 as text.
        epsilon: Constant,
    },
    /// `(x, scale)`: `x * rsqrt(mean(x^2) + epsilon) * scale`
    RmsNorm {
        /// What keeps the root from 0.
        epsilon: Constant,
    },
    /// `(logits, labels)`: `-log_softmax(logits)[label]`, labels without the class axis, which is
    /// the last of `logits`.
    CrossEntropy,
    /// `(probabilities, labels)`: `-log(probabilities[label])`, shaped as `CrossEntropy`.
    NegativeLogLikelihood,
}

impl Composite {
    /// Whether it works element by element.
    pub fn is_elementwise(&self) -> bool {
        use Composite::{Gelu, Relu, Sigmoid, Silu};
        matches!(self, Relu | Sigmoid | Silu | Gelu)
    }
}
