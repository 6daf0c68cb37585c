//! Spans, source maps, diagnostics and their rendering.
//!
//! A [`SourceMap`] owns every source text of a run and names each by a [`FileId`]. A [`Span`] is a byte range
//! in one of those texts. A [`Diagnostic`] is a code, a message and labelled spans, written either as text in
//! the manner of rustc or as one line of JSON.
//!
//! ```
//! use eyas_diagnostic::{Colour, Diagnostic, SourceMap, Span};
//!
//! let mut sources = SourceMap::new();
//! let file = sources.add("model.eyas", "dim B where B > 0\n");
//! let diagnostic = Diagnostic::error("E0001", "`B` is never used").primary(Span::new(file, 4, 5), "declared here");
//! let text = diagnostic.to_text(&sources, Colour::Off);
//! assert!(text.starts_with("error[E0001]: `B` is never used"));
//! assert!(text.contains("model.eyas:1:5"));
//! ```

mod diagnostic;
mod explain;
mod json;
mod source_map;
mod span;
mod suggest;
mod text;

pub use diagnostic::{Diagnostic, Label, Severity};
pub use explain::{codes, explain};
pub use source_map::{LineColumn, SourceMap};
pub use span::{FileId, Span, Spanned};
pub use suggest::suggest;
pub use text::Colour;
