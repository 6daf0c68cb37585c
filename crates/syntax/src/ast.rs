//! The tree of a source file, every node with its span.
//!
//! The tree is what was written: pipes, groups and labels stay what they are, so that the formatter gives them back.

mod expression;
mod item;
mod pattern;
mod statement;
mod text;
mod types;

pub use expression::{
    Argument, BinaryOperator, Call, Expr, ExprKind, Index, Label, Number, NumberValue, Pipe,
    Selector, SelectorSegment, Stage, UnaryOperator,
};
pub use item::{
    ConstBinding, ConstDecl, DataStatement, DimDecl, File, Item, Layer, Model, Quantize,
    QuantizeRule, QuantizeStatement, Require, Rewrite, Rule, Train, TrainStatement, Use, Version,
};
pub use pattern::{Axis, AxisList, PatternCall, PatternKind};
pub use statement::{
    Assert, Assign, Block, Hint, Parameter, ParameterKind, Repeat, Return, Statement,
};
pub use types::{Dtype, ElementType, Formal, NamedOutput, Results, Signature, Type, TypeDim};

use eyas_diagnostic::Span;
use serde::Serialize;

/// A name: an identifier, or any text in quotes such as `"input.1"`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Name {
    /// The name without its quotes.
    pub text: String,
    /// Where it is written, quotes included.
    pub span: Span,
}
