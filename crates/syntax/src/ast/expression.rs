use super::{Name, PatternCall};
use eyas_diagnostic::{Span, Spanned};
use serde::Serialize;

/// An expression.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// The whole expression.
    pub span: Span,
}

impl Expr {
    /// The expression within any number of round brackets.
    pub fn ungrouped(&self) -> &Self {
        let mut expression = self;
        while let ExprKind::Group(inner) = &expression.kind {
            expression = inner;
        }
        expression
    }
}

/// The kinds of expression.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub enum ExprKind {
    /// `784`, `2_000`, `1e-5`
    Number(Number),
    /// `true` or `false`
    Bool(bool),
    /// Text in quotes: a string as the argument of a data source, elsewhere a name such as `"input.1"`.
    String(String),
    /// An identifier: a tensor, a dim, a constant, a parameter or a nullary function such as `zeros`.
    Name(String),
    /// `(a, b)`, at least one element.
    Tuple(Vec<Expr>),
    /// `(a)`: round brackets, kept for the formatter.
    Group(Box<Expr>),
    /// `-a` or `not a`
    Unary {
        /// What is done.
        operator: Spanned<UnaryOperator>,
        /// What it is done to.
        operand: Box<Expr>,
    },
    /// `a + b`
    Binary {
        /// What is done.
        operator: Spanned<BinaryOperator>,
        /// The left operand.
        left: Box<Expr>,
        /// The right operand.
        right: Box<Expr>,
    },
    /// `relu(x)` or `fc1: Linear(x, 256)`
    Call(Call),
    /// `einsum[i k, k j -> i j](a, b)`
    Pattern(PatternCall),
    /// `x |> fc1: Linear(128) |> relu`
    Pipe(Pipe),
    /// `x[0, .., a..b]`
    Index {
        /// What is indexed.
        base: Box<Expr>,
        /// One entry an axis.
        indices: Vec<Index>,
    },
    /// `s1.conv.w`: a parameter by its path, one step.
    Field {
        /// The path before the dot.
        base: Box<Expr>,
        /// The name after it.
        field: Name,
    },
    /// `s2.**`: the parameters that a path with wildcards matches.
    Selector(Selector),
}

/// A number as it was written.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Number {
    /// The digits as written, underscores included.
    pub text: String,
    /// What they mean.
    pub value: NumberValue,
}

/// The value of a [`Number`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub enum NumberValue {
    /// Without point and exponent.
    Integer(u64),
    /// With a point or an exponent; always finite.
    Float(f64),
}

/// The operators before an operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub enum UnaryOperator {
    /// `-`
    Negate,
    /// `not`
    Not,
}

impl UnaryOperator {
    /// The operator in source.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Negate => "-",
            Self::Not => "not",
        }
    }
}

/// The operators between two operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub enum BinaryOperator {
    /// `or`
    Or,
    /// `and`
    And,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterEqual,
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`, true division
    Divide,
    /// `//`, division that rounds down
    FloorDivide,
    /// `%`
    Remainder,
    /// `@`
    MatrixMultiply,
    /// `^`
    Power,
}

impl BinaryOperator {
    /// Every operator.
    pub const ALL: [Self; 16] = [
        Self::Or,
        Self::And,
        Self::Equal,
        Self::NotEqual,
        Self::Less,
        Self::LessEqual,
        Self::Greater,
        Self::GreaterEqual,
        Self::Add,
        Self::Subtract,
        Self::Multiply,
        Self::Divide,
        Self::FloorDivide,
        Self::Remainder,
        Self::MatrixMultiply,
        Self::Power,
    ];

    /// The operator in source.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Or => "or",
            Self::And => "and",
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessEqual => "<=",
            Self::Greater => ">",
            Self::GreaterEqual => ">=",
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::FloorDivide => "//",
            Self::Remainder => "%",
            Self::MatrixMultiply => "@",
            Self::Power => "^",
        }
    }
}

/// `fc1: Linear(x, 256)`
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Call {
    /// The parameter scope, where one is named.
    pub label: Option<Label>,
    /// The layer or function.
    pub function: Name,
    /// The arguments, in the order written.
    pub arguments: Vec<Argument>,
    /// The whole call, its label included.
    pub span: Span,
}

/// `fc1` in `fc1: Linear(256)`, `block[i]` in `block[i]: Block(...)`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Label {
    /// The name of the scope.
    pub name: Name,
    /// Which of several scopes of that name.
    pub index: Option<Box<Expr>>,
    /// The label without its colon.
    pub span: Span,
}

/// `axis = -1`, or a value alone.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Argument {
    /// The formal it is for; by position where absent.
    pub name: Option<Name>,
    /// The value.
    pub value: Expr,
    /// Name and value.
    pub span: Span,
}

/// `x |> fc1: Linear(128) |> relu`: each stage takes what is before it as its first argument.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Pipe {
    /// What goes in.
    pub input: Box<Expr>,
    /// The stages, at least one.
    pub stages: Vec<Stage>,
}

/// What may follow `|>`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub enum Stage {
    /// `relu`, `softmax(-1)`, `fc1: Linear(128)`
    Call(Call),
    /// `rearrange[b h s d -> b s (h d)]`
    Pattern(PatternCall),
}

impl Stage {
    /// The whole stage, without `|>`.
    pub fn span(&self) -> Span {
        match self {
            Self::Call(call) => call.span,
            Self::Pattern(call) => call.span,
        }
    }
}

/// One entry between the square brackets of an index.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub enum Index {
    /// `i`: a number takes one place and drops the axis; a tensor gathers.
    At(Expr),
    /// `a..b by s`, of which each part may be left out; `a..` goes to the end.
    Slice {
        /// The first place.
        start: Option<Box<Expr>>,
        /// The place stopped before.
        end: Option<Box<Expr>>,
        /// The distance between places.
        step: Option<Box<Expr>>,
        /// The whole entry.
        span: Span,
    },
    /// `..`: as many whole axes as there are left.
    Rest(Span),
}

impl Index {
    /// The whole entry.
    pub fn span(&self) -> Span {
        match self {
            Self::At(expression) => expression.span,
            Self::Slice { span, .. } | Self::Rest(span) => *span,
        }
    }
}

/// `block[0].**`: label paths, by a pattern.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Selector {
    /// The parts between the dots, at least one.
    pub segments: Vec<SelectorSegment>,
    /// The whole selector.
    pub span: Span,
}

/// A part of a [`Selector`].
#[derive(Debug, Clone, PartialEq, Serialize)]
pub enum SelectorSegment {
    /// `fc2` or `block[0]`
    Label(Label),
    /// `*`: any one label.
    Any(Span),
    /// `**`: any number of labels, none included.
    Rest(Span),
}

impl SelectorSegment {
    /// The whole part.
    pub fn span(&self) -> Span {
        match self {
            Self::Label(label) => label.span,
            Self::Any(span) | Self::Rest(span) => *span,
        }
    }
}
