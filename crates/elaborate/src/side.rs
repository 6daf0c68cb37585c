use eyas_diagnostic::{Diagnostic, Span};
use eyas_ir::{Op, TensorType};

use crate::elaborator::Elaborator;
use crate::value::Operand;

/// Labels that a diagnostic on tensors has at most.
const LABEL_LIMIT: usize = 4;

/// A tensor that meets another, as a diagnostic shows it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Side<'a> {
    pub ty: &'a TensorType,
    /// Where it stands.
    pub place: Span,
    /// Where it got its type, where that is on another line, and how.
    origin: Option<(Span, &'static str)>,
}

impl<'a> Side<'a> {
    /// A type without a tensor.
    pub fn of_type(ty: &'a TensorType, place: Span) -> Side<'a> {
        let origin = None;
        Side { ty, place, origin }
    }

    /// The same tensor, of whose type only a part matters.
    pub fn with_type<'b>(self, ty: &'b TensorType) -> Side<'b> {
        let Side { place, origin, .. } = self;
        Side { ty, place, origin }
    }

    /// Where it got its type; where it stands if that is the same line.
    pub fn source(self) -> Span {
        self.origin.map_or(self.place, |(span, _)| span)
    }

    /// Labels where the tensor got its type, or where it stands if that is the same line.
    pub fn label(self, diagnostic: Diagnostic, detail: &str) -> Diagnostic {
        let ty = self.ty;
        match self.origin {
            Some((span, how)) => {
                diagnostic.secondary(span, format!("`{ty}` is {how} here{detail}"))
            }
            None => diagnostic.secondary(self.place, format!("this is `{ty}`{detail}")),
        }
    }

    /// Labels where the tensor got its type, beside labels where it stands.
    pub fn label_origin(self, diagnostic: Diagnostic) -> Diagnostic {
        match self.origin {
            Some((span, how))
                if diagnostic.labels.len() < LABEL_LIMIT
                    && diagnostic.labels.iter().all(|label| label.span != span) =>
            {
                diagnostic.secondary(span, format!("`{}` is {how} here", self.ty))
            }
            _ => diagnostic,
        }
    }
}

impl Elaborator<'_> {
    /// A tensor that stands at a place.
    pub fn side<'a>(&self, operand: &'a Operand, place: Span) -> Side<'a> {
        let line = |span: Span| {
            let start = self.sources.line_column(span.file, span.start);
            (span.file, start.line)
        };
        let frame = self.frames.get(operand.frame);
        let how = match frame.map(|frame| frame.graph.op(operand.value)) {
            Some(Op::Input { .. }) if operand.frame == 0 => "declared",
            Some(Op::Parameter { .. } | Op::State { .. }) => "declared",
            // The body of a loop gets it from around.
            Some(Op::Input { .. }) => "from",
            _ => "made",
        };
        let origin = (line(operand.span) != line(place)).then_some((operand.span, how));
        let ty = &operand.ty;
        Side { ty, place, origin }
    }
}
