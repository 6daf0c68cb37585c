//! The graph IR: typed operations with symbolic shapes, in graphs on petgraph, in a module.
//!
//! A [`Module`] is an arena of [`Graph`]s: the entry points, and the bodies that `Loop` and `If`
//! own. A node holds an [`Op`], the [`TensorType`] of each of its results, and where in the source
//! it came from. [`infer`] gives result types from operand types.
//!
//! ```
//! use eyas_ir::{Graph, Op, TensorType, UnaryFunction};
//! let mut graph = Graph::new("main");
//! let image = graph.add_input("image", "f32[B, 784]".parse().unwrap());
//! let result = graph.add(Op::unary(UnaryFunction::Tanh), &[image]).unwrap();
//! graph.add_output("output", result);
//! assert_eq!(graph.type_of(result).to_string(), "f32[B, 784]");
//! ```

mod body;
mod constant;
mod decompose;
mod dot;
mod einsum;
mod finite;
mod graph;
pub mod infer;
mod label;
mod module;
mod op;
mod origin;
mod scalar;
mod svg;
mod text;
mod verify;

pub use body::{Body, BodyBuilder, Scalar, ScalarId, ScalarOp};
pub use constant::Constant;
pub use decompose::decompose;
pub use einsum::Einsum;
pub use eyas_tensor::{TensorType, TypeParseError};
pub use graph::{Edge, Graph, Node, NodeId, Value};
pub use infer::InferError;
pub use module::{
    Derived, Entry, GraphId, Initialiser, Mode, Module, ParameterDecl, ParameterKind, StateOutput,
    Symbol,
};
pub use op::{
    BinaryFunction, Combine, Comparison, Composite, Distribution, Extreme, Op, Reduction, Trip,
    UnaryFunction,
};
pub use origin::Origin;
pub use scalar::scalar_body;
pub use svg::SvgError;
pub use text::{ParseCause, ParseError, TextError, TextOptions};
pub use verify::{Place, VerifyCause, VerifyError};
