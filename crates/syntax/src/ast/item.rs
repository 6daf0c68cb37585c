use super::{Assign, Block, Expr, Name, Selector, Signature};
use eyas_diagnostic::Span;
use serde::Serialize;

/// A source file.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct File {
    /// The header `eyas 1`, where there is one.
    pub version: Option<Version>,
    /// The items, in the order written.
    pub items: Vec<Item>,
    /// The whole text.
    pub span: Span,
}

/// `eyas 1`: the version of the language a file is written in.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Version {
    /// The version.
    pub number: u64,
    /// The whole header.
    pub span: Span,
}

/// What a file consists of.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub enum Item {
    /// `use "blocks.eyas"`
    Use(Use),
    /// `dim B, S where S <= 2048`
    Dim(DimDecl),
    /// `const width = 768, depth = 12`
    Const(ConstDecl),
    /// `layer Linear(x: f32[.., I], out: int) -> f32[.., out] { ... }`
    Layer(Layer),
    /// `model Mnist(image: f32[B, 784]) -> (probability: f32[B, 10]) { ... }`
    Model(Model),
    /// `rule drop_double_neg(x: f32[..]) { -(-x) => x }`
    Rule(Rule),
    /// `train Mnist { ... }`
    Train(Train),
    /// `quantize Mnist { ... }`
    Quantize(Quantize),
}

impl Item {
    /// The whole item.
    pub fn span(&self) -> Span {
        match self {
            Self::Use(item) => item.span,
            Self::Dim(item) => item.span,
            Self::Const(item) => item.span,
            Self::Layer(item) => item.span,
            Self::Model(item) => item.span,
            Self::Rule(item) => item.span,
            Self::Train(item) => item.span,
            Self::Quantize(item) => item.span,
        }
    }
}

/// `use "blocks.eyas"`: the layers and constants of another file.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Use {
    /// The path, relative to the file that uses it.
    pub path: Name,
    /// The whole item.
    pub span: Span,
}

/// `dim B, S where S <= 2048`: dims that stay symbolic until run time.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DimDecl {
    /// The dims declared.
    pub names: Vec<Name>,
    /// What every binding of them satisfies.
    pub facts: Vec<Expr>,
    /// The whole item.
    pub span: Span,
}

/// `const width = 768, depth = 12`
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ConstDecl {
    /// The constants declared, at least one.
    pub bindings: Vec<ConstBinding>,
    /// The whole item.
    pub span: Span,
}

/// One constant of a `const` item.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ConstBinding {
    /// Its name.
    pub name: Name,
    /// Its value.
    pub value: Expr,
    /// Name and value.
    pub span: Span,
}

/// A layer: a function of tensors with parameters of its own.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Layer {
    /// Name, formals, results and facts.
    pub signature: Signature,
    /// What it computes.
    pub body: Block,
    /// The whole item.
    pub span: Span,
}

/// A model: a layer that can be compiled and run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Model {
    /// Name, formals, results and facts.
    pub signature: Signature,
    /// What it computes.
    pub body: Block,
    /// The whole item.
    pub span: Span,
}

/// A rewrite rule of the user's own.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rule {
    /// Name, the pattern's variables as formals, and facts; a rule has no results.
    pub signature: Signature,
    /// What is rewritten into what.
    pub rewrites: Vec<Rewrite>,
    /// The whole item.
    pub span: Span,
}

/// `-(-x) => x`
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rewrite {
    /// What is looked for.
    pub pattern: Expr,
    /// What takes its place.
    pub replacement: Expr,
    /// Both sides.
    pub span: Span,
}

/// How a model is trained.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Train {
    /// The model.
    pub model: Name,
    /// The settings, in the order written.
    pub statements: Vec<TrainStatement>,
    /// The whole item.
    pub span: Span,
}

/// A line of a `train` block.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub enum TrainStatement {
    /// `data image, label = idx(...)`
    Data(DataStatement),
    /// `loss = nll(Mnist(image), label)`, and every other setting
    Set(Assign),
}

impl TrainStatement {
    /// The whole line.
    pub fn span(&self) -> Span {
        match self {
            Self::Data(statement) => statement.span,
            Self::Set(statement) => statement.span,
        }
    }
}

/// `data image, label = idx(train = "train", test = "t10k")`
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DataStatement {
    /// The names of one example's parts.
    pub names: Vec<Name>,
    /// Where the examples come from.
    pub source: Expr,
    /// The whole statement.
    pub span: Span,
}

/// How a model is quantized.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Quantize {
    /// The model.
    pub model: Name,
    /// Settings, rules and requirements, in the order written.
    pub statements: Vec<QuantizeStatement>,
    /// The whole item.
    pub span: Span,
}

/// A line of a `quantize` block.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub enum QuantizeStatement {
    /// `calibrate = percentile(99.9, batches = 32)`
    Set(Assign),
    /// `fc2, fc3 => keep(f32)`
    Rule(QuantizeRule),
    /// `require drop(accuracy) <= 0.005`
    Require(Require),
}

impl QuantizeStatement {
    /// The whole line.
    pub fn span(&self) -> Span {
        match self {
            Self::Set(statement) => statement.span,
            Self::Rule(statement) => statement.span,
            Self::Require(statement) => statement.span,
        }
    }
}

/// `fc2, block[0].** => keep(f32)`
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct QuantizeRule {
    /// The label paths it speaks of, at least one.
    pub selectors: Vec<Selector>,
    /// What is done with them.
    pub action: Expr,
    /// The whole line.
    pub span: Span,
}

/// `require drop(accuracy) <= 0.005`: the build fails where it does not hold.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Require {
    /// What must hold.
    pub condition: Expr,
    /// The whole line.
    pub span: Span,
}
