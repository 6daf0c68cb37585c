use super::Argument;
use eyas_diagnostic::{Span, Spanned};
use serde::Serialize;

/// `rearrange[b s (h d) -> b h s d](q, k, v, h = heads)`
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PatternCall {
    /// Which of the pattern operations it is.
    pub kind: Spanned<PatternKind>,
    /// The axes of the operands: one list for each of einsum's, one for all of the others'.
    pub inputs: Vec<AxisList>,
    /// The axes of the result.
    pub output: AxisList,
    /// The arguments; empty where a pipe gives the only one.
    pub arguments: Vec<Argument>,
    /// The whole call.
    pub span: Span,
}

/// The operations that take a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub enum PatternKind {
    /// Products summed over the axes that the result lacks.
    Einsum,
    /// Axes reordered, split, merged, and added with extent one.
    Rearrange,
    /// Axes that the result lacks reduced.
    Reduce,
}

impl PatternKind {
    /// The name in source.
    pub fn name(self) -> &'static str {
        match self {
            Self::Einsum => "einsum",
            Self::Rearrange => "rearrange",
            Self::Reduce => "reduce",
        }
    }
}

/// `b s (h d)`
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AxisList {
    /// The axes, in order; none for a scalar.
    pub axes: Vec<Axis>,
    /// From the first axis to the last.
    pub span: Span,
}

/// One entry of an [`AxisList`].
#[derive(Debug, Clone, PartialEq, Serialize)]
pub enum Axis {
    /// A named axis.
    Name {
        /// Its name.
        name: String,
        /// Where it is written.
        span: Span,
    },
    /// An axis of a given extent, most often 1.
    Extent {
        /// The extent.
        value: u64,
        /// Where it is written.
        span: Span,
    },
    /// `..`: any number of axes.
    Rest {
        /// Where it is written.
        span: Span,
    },
    /// `(h d)`: several axes that make up one.
    Group {
        /// The axes, the slowest first; `()` is an axis of extent one.
        axes: Vec<Axis>,
        /// The group with its brackets.
        span: Span,
    },
}

impl Axis {
    /// Where the axis is written.
    pub fn span(&self) -> Span {
        match self {
            Self::Name { span, .. }
            | Self::Extent { span, .. }
            | Self::Rest { span }
            | Self::Group { span, .. } => *span,
        }
    }
}
