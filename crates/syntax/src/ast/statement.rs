use super::{Argument, Expr, Name, Type};
use eyas_diagnostic::Span;
use serde::Serialize;

/// The body of a layer, a model or a `repeat`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Block {
    /// The statements, in the order written.
    pub statements: Vec<Statement>,
    /// The block with its braces.
    pub span: Span,
}

/// A line of a [`Block`].
#[derive(Debug, Clone, PartialEq, Serialize)]
pub enum Statement {
    /// `param w: f32[I, out] = he_uniform(fan_in = I)`, and likewise `state`
    Parameter(Parameter),
    /// `q, k, v = split(x, 3)`
    Assign(Assign),
    /// `return p, q`
    Return(Return),
    /// `assert D % heads == 0, "heads must divide the model width"`
    Assert(Assert),
    /// `repeat i in 0..depth { ... }`
    Repeat(Repeat),
}

impl Statement {
    /// The whole statement.
    pub fn span(&self) -> Span {
        match self {
            Self::Parameter(statement) => statement.span,
            Self::Assign(statement) => statement.span,
            Self::Return(statement) => statement.span,
            Self::Assert(statement) => statement.span,
            Self::Repeat(statement) => statement.span,
        }
    }
}

/// `param b: f32[out] = zeros if bias !pinned`
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Parameter {
    /// Whether training or running changes it.
    pub kind: ParameterKind,
    /// The last part of its path.
    pub name: Name,
    /// Its type.
    pub ty: Type,
    /// Its value before any weights are loaded; absent where weights must be given.
    pub initialiser: Option<Expr>,
    /// The condition under which it exists.
    pub guard: Option<Expr>,
    /// Hints, which never change meaning.
    pub hints: Vec<Hint>,
    /// The whole statement.
    pub span: Span,
}

/// Who changes a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub enum ParameterKind {
    /// `param`: training does.
    Param,
    /// `state`: every run does.
    State,
}

/// `!pinned` or `!tile(64, 64)`
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Hint {
    /// Its name.
    pub name: Name,
    /// Its arguments; `None` where there are no brackets.
    pub arguments: Option<Vec<Argument>>,
    /// The whole hint.
    pub span: Span,
}

/// `q, k, v = split(x, 3)`; also a setting of a `train` or `quantize` block, which has one target.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Assign {
    /// The names bound, at least one.
    pub targets: Vec<Name>,
    /// What they are bound to.
    pub value: Expr,
    /// Hints, which never change meaning.
    pub hints: Vec<Hint>,
    /// The whole statement.
    pub span: Span,
}

/// `return p, q`
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Return {
    /// The outputs, at least one.
    pub values: Vec<Expr>,
    /// The whole statement.
    pub span: Span,
}

/// `assert D % heads == 0, "heads must divide the model width"`
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Assert {
    /// What must hold.
    pub condition: Expr,
    /// What to say where it does not.
    pub message: Option<Name>,
    /// The whole statement.
    pub span: Span,
}

/// `repeat i in 0..depth { ... }`
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Repeat {
    /// The counter.
    pub variable: Name,
    /// Its first value.
    pub start: Expr,
    /// The value it stops before.
    pub end: Expr,
    /// What is repeated.
    pub body: Block,
    /// The whole statement.
    pub span: Span,
}
