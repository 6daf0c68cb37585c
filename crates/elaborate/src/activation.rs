use eyas_diagnostic::Span;
use eyas_ir::TensorType;
use eyas_tensor::Dim;
use indexmap::IndexMap;

use crate::path::{Segment, file_path, source_path};
use crate::value::Value;

/// One call of a layer, or the run of a model.
#[derive(Debug, Clone)]
pub(crate) struct Activation<'p> {
    /// The file whose names its body sees.
    pub file: usize,
    /// The layer's name.
    pub name: &'p str,
    /// The layer, signature and body.
    pub body: Span,
    /// What calls it; nothing does a model.
    pub call: Option<Span>,
    /// Names of the body: formals, dims that its types bind, parameters, variables.
    pub locals: IndexMap<String, Local>,
    /// The axes that `..` in the formals' types stands for, and where that was bound.
    pub rest: Option<(Vec<Dim>, Span)>,
    /// The label path.
    pub segments: Vec<Segment>,
    /// Whether parameters may be declared: a call without a label has no scope for them.
    pub labelled: bool,
    /// States declared here: name, path, type.
    pub states: Vec<(String, String, TensorType)>,
    /// Random streams made so far.
    pub streams: usize,
    file_path: String,
    source_path: String,
}

/// A name of a body.
#[derive(Debug, Clone)]
pub(crate) struct Local {
    pub value: Value,
    /// Where it was bound.
    pub span: Span,
}

impl<'p> Activation<'p> {
    pub fn new(file: usize, name: &'p str, body: Span) -> Activation<'p> {
        Activation {
            file,
            name,
            body,
            call: None,
            locals: IndexMap::new(),
            rest: None,
            segments: Vec::new(),
            labelled: true,
            states: Vec::new(),
            streams: 0,
            file_path: String::new(),
            source_path: String::new(),
        }
    }

    /// Sets the label path.
    pub fn under(mut self, segments: Vec<Segment>) -> Activation<'p> {
        self.file_path = file_path(&segments);
        self.source_path = source_path(&segments);
        self.segments = segments;
        self
    }

    /// The label path as it begins the paths of parameters.
    pub fn file_path(&self) -> &str {
        &self.file_path
    }

    /// The label path as written in source.
    pub fn source_path(&self) -> &str {
        &self.source_path
    }

    /// Binds a name.
    pub fn bind(&mut self, name: impl Into<String>, value: Value, span: Span) {
        self.locals.insert(name.into(), Local { value, span });
    }
}
