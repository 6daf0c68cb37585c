use std::collections::BTreeMap;

use eyas_diagnostic::{Diagnostic, Span};
use eyas_ir::{Module, TensorType};
use eyas_syntax::ast;

/// What elaboration gives. Where a diagnostic is an error, the module holds what could be built.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Elaborated {
    /// The graphs, an entry point for each model that was asked for and is sound.
    pub module: Module,
    /// The models of the file, in its order, those with errors left out.
    pub models: Vec<ModelInfo>,
    /// The `train` blocks of the file.
    pub trains: Vec<TrainInfo>,
    /// The `quantize` blocks of the file, checked.
    pub quantizes: Vec<ast::Quantize>,
    /// The rewrite rules of the file and of those that it uses.
    pub rules: Vec<ast::Rule>,
    /// What is wrong, in the order of the text.
    pub diagnostics: Vec<Diagnostic>,
}

impl Elaborated {
    /// Whether nothing may be built of it.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(Diagnostic::is_error)
    }
}

/// A model, seen from outside.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelInfo {
    /// Its name.
    pub name: String,
    /// What it takes, in order.
    pub inputs: Vec<Port>,
    /// What it gives, in order.
    pub outputs: Vec<Port>,
    /// Where it is declared.
    pub span: Span,
}

/// An input or output of a model.
#[derive(Debug, Clone, PartialEq)]
pub struct Port {
    /// Its name.
    pub name: String,
    /// Its type.
    pub ty: TensorType,
    /// Where it is declared.
    pub span: Span,
}

/// A `train` block.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainInfo {
    /// The model.
    pub model: String,
    /// Where examples come from.
    pub data: Vec<DataInfo>,
    /// Examples a step.
    pub batch: Option<i64>,
    /// The seed of the order of examples.
    pub shuffle: Option<i64>,
    /// Passes over the examples.
    pub epochs: Option<i64>,
    /// What is measured.
    pub metrics: Vec<MetricInfo>,
    /// A module of its own whose only entry point, `loss`, takes the data and gives a scalar;
    /// `None` where the block has no loss or it could not be elaborated.
    pub loss: Option<Module>,
    /// Settings as written: `optim`, `prune`, `place` and the like.
    pub settings: Vec<ast::Assign>,
    /// The whole block.
    pub span: Span,
}

/// A `data` line of a `train` block.
#[derive(Debug, Clone, PartialEq)]
pub struct DataInfo {
    /// The names of one example's parts, with the type that each has in the loss.
    pub names: Vec<(String, Option<TensorType>)>,
    /// Where they come from.
    pub source: DataSource,
    /// The whole line.
    pub span: Span,
}

/// A source of examples.
#[derive(Debug, Clone, PartialEq)]
pub struct DataSource {
    /// The format.
    pub format: DataFormat,
    /// Arguments without a name.
    pub positional: Vec<Setting>,
    /// Arguments by name, such as `train`, `test` and `scale`.
    pub named: BTreeMap<String, Setting>,
}

/// The formats of examples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataFormat {
    /// Files in the manner of MNIST.
    Idx,
    /// Text with a header.
    Csv,
    /// NumPy's arrays.
    Npy,
    /// Named tensors.
    Safetensors,
}

impl DataFormat {
    /// Every format.
    pub const ALL: [DataFormat; 4] = [
        DataFormat::Idx,
        DataFormat::Csv,
        DataFormat::Npy,
        DataFormat::Safetensors,
    ];

    /// The function's name in source.
    pub fn name(self) -> &'static str {
        match self {
            DataFormat::Idx => "idx",
            DataFormat::Csv => "csv",
            DataFormat::Npy => "npy",
            DataFormat::Safetensors => "safetensors",
        }
    }
}

/// A value known at compile time.
#[derive(Debug, Clone, PartialEq)]
pub enum Setting {
    /// A whole number.
    Int(i64),
    /// A real number.
    Float(f64),
    /// A truth value.
    Bool(bool),
    /// A text.
    Text(String),
}

impl Setting {
    /// The number, where it is one.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Setting::Int(value) => Some(*value as f64),
            Setting::Float(value) => Some(*value),
            Setting::Bool(_) | Setting::Text(_) => None,
        }
    }

    /// The text, where it is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Setting::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// What a `metric` line measures.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricInfo {
    /// Which measure.
    pub kind: MetricKind,
    /// The data that go into the model, in the order of its inputs.
    pub inputs: Vec<String>,
    /// The name of the data that the model's output is compared with.
    pub target: String,
    /// The line.
    pub span: Span,
}

/// The measures that are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricKind {
    /// The share of examples whose greatest output is at the label.
    Accuracy,
    /// The mean cross-entropy of logits.
    CrossEntropy,
    /// The mean negative log-likelihood of probabilities.
    NegativeLogLikelihood,
}

impl MetricKind {
    /// Every measure.
    pub const ALL: [MetricKind; 3] = [
        MetricKind::Accuracy,
        MetricKind::CrossEntropy,
        MetricKind::NegativeLogLikelihood,
    ];

    /// The function's name in source.
    pub fn name(self) -> &'static str {
        match self {
            MetricKind::Accuracy => "accuracy",
            MetricKind::CrossEntropy => "cross_entropy",
            MetricKind::NegativeLogLikelihood => "nll",
        }
    }
}
