use eyas_ir::{InferError, TensorType};
use eyas_tensor::{DimError, TensorError};

use crate::KernelFault;

/// Why an evaluation failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EvaluateError {
    /// No entry point has the name.
    #[error("the module has no entry point `{0}`")]
    UnknownEntry(String),
    /// The module has no graph at this place.
    #[error("the module has no graph {0}")]
    UnknownGraph(usize),
    /// A wrong number of inputs.
    #[error("graph `{graph}` takes {expected} inputs, but is given {found}")]
    InputCount {
        /// The graph's name.
        graph: String,
        /// What it takes.
        expected: usize,
        /// What it is given.
        found: usize,
    },
    /// A value that is not of its declared type.
    #[error("{subject} is `{found}`, but is declared `{expected}`")]
    WrongType {
        /// What is meant: an input, a parameter, a result.
        subject: String,
        /// Its declared type under the bindings.
        expected: TensorType,
        /// What it is.
        found: TensorType,
    },
    /// A parameter or state that was not given.
    #[error("parameter `{0}` has no value")]
    MissingParameter(String),
    /// A symbol would have to have two values at once.
    #[error(
        "input `{input}`, axis {axis}: extent {found} does not equal `{dim}`, which is {expected}"
    )]
    Extent {
        /// The input's name.
        input: String,
        /// The axis.
        axis: usize,
        /// The declared extent.
        dim: String,
        /// What it is under the bindings.
        expected: i64,
        /// The extent that is given.
        found: usize,
    },
    /// An input extent that no value of its symbols gives, or that does not determine them.
    #[error("input `{input}`, axis {axis}: extent {found} does not determine `{dim}`")]
    Unsolved {
        /// The input's name.
        input: String,
        /// The axis.
        axis: usize,
        /// The declared extent.
        dim: String,
        /// The extent that is given.
        found: usize,
    },
    /// A fact that the bound dims do not keep.
    #[error("`{fact}` does not hold{}", message.as_ref().map_or(String::new(), |text| format!(": {text}")))]
    Fact {
        /// The fact.
        fact: String,
        /// What the source says of it.
        message: Option<String>,
    },
    /// A gathered or scattered place outside its axis.
    #[error("index {index} is outside axis {axis} of extent {extent}")]
    IndexOutOfRange {
        /// The index.
        index: i128,
        /// The axis that is indexed.
        axis: usize,
        /// Its extent.
        extent: usize,
    },
    /// More elements or memory than the evaluator takes.
    #[error("a tensor of shape {shape:?} is more than the reference evaluator takes")]
    TooLarge {
        /// The extents.
        shape: Vec<usize>,
    },
    /// An extent below zero.
    #[error("extent `{dim}` is {value}")]
    NegativeExtent {
        /// The dim.
        dim: String,
        /// Its value.
        value: i64,
    },
    /// Graphs that own each other too deeply.
    #[error("graphs nest deeper than {0}")]
    TooDeep(usize),
    /// A graph that contradicts itself.
    #[error("{0}")]
    Malformed(String),
    /// An op that does not take its operands.
    #[error(transparent)]
    Infer(#[from] InferError),
    /// Dim arithmetic that fails.
    #[error(transparent)]
    Dim(#[from] DimError),
    /// A tensor that cannot be made.
    #[error(transparent)]
    Tensor(#[from] TensorError),
    /// Where in a graph another error happened.
    #[error("{op} (node {node} of `{graph}`): {cause}")]
    Node {
        /// The graph's name.
        graph: String,
        /// The node's place.
        node: usize,
        /// The op's name.
        op: String,
        /// What went wrong there.
        cause: Box<EvaluateError>,
    },
    /// What a kernel or plan must not do.
    #[error(transparent)]
    Fault(#[from] KernelFault),
    /// Which kernel another error happened in.
    #[error("kernel `{kernel}`: {cause}")]
    Kernel {
        /// The kernel's name.
        kernel: String,
        /// What went wrong there.
        cause: Box<EvaluateError>,
    },
}

impl EvaluateError {
    /// The error itself, without the nodes and kernels that it happened in.
    pub fn cause(&self) -> &EvaluateError {
        match self {
            EvaluateError::Node { cause, .. } | EvaluateError::Kernel { cause, .. } => {
                cause.cause()
            }
            other => other,
        }
    }
}
