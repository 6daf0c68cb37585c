//! One canonical layout: two spaces of indent, a hundred columns, comments kept where they were.

mod comments;
mod document;
mod expression;
mod item;
mod list;
mod statement;

use crate::parse::{Parsed, parse};
use comments::Comments;
use document::{Document, concat, text};
use eyas_diagnostic::{Diagnostic, FileId, Span};

/// Lays out a source file afresh.
///
/// The tree stays the same and so do the comments; formatting twice changes nothing more.
///
/// # Errors
/// The diagnostics of a file that does not parse.
pub fn format(source: &str, file: FileId) -> Result<String, Vec<Diagnostic>> {
    let parsed = parse(source, file);
    if parsed.has_errors() {
        return Err(parsed.diagnostics);
    }
    let Parsed { file: tree, .. } = parsed;
    let mut formatter = Formatter {
        source,
        comments: Comments::new(source, file),
    };
    Ok(formatter.file(&tree).render())
}

struct Formatter<'a> {
    source: &'a str,
    comments: Comments<'a>,
}

impl<'a> Formatter<'a> {
    /// The text under a span, as it was written.
    fn written(&self, span: Span) -> &'a str {
        self.source.get(span.range()).unwrap_or("")
    }

    /// Whether the source has a line end between two places.
    fn line_ends_between(&self, start: u32, end: u32) -> bool {
        self.source
            .get(start as usize..end as usize)
            .is_some_and(|gap| gap.contains('\n'))
    }

    /// A line of its own with the comments above it and behind it.
    ///
    /// Comments inside it that found no place there move above it.
    fn with_comments(
        &mut self,
        span: Span,
        first: bool,
        body: impl FnOnce(&mut Self) -> Document,
    ) -> Document {
        let above = self.comments.before(span.start);
        let body = body(self);
        let inside = self.comments.before(span.end);
        let mut first = first;
        let mut lines = Vec::new();
        for comment in above {
            if !first && comment.blank_line_above {
                lines.push(Document::HardLine);
            }
            lines.push(text(comment.text));
            lines.push(Document::HardLine);
            first = false;
        }
        if !first && self.comments.blank_line_before(span.start) {
            lines.push(Document::HardLine);
        }
        for comment in inside {
            lines.push(text(comment.text));
            lines.push(Document::HardLine);
        }
        lines.push(body);
        if let Some(comment) = self.comments.behind(span.end) {
            lines.push(Document::TrailingComment(comment.text.to_owned()));
        }
        concat(lines)
    }

    /// The comments before a closing bracket or the end of the file, each on a line of its own.
    fn last_comments(&mut self, end: u32, first: bool) -> Vec<Document> {
        let mut first = first;
        let mut lines = Vec::new();
        for comment in self.comments.before(end) {
            if !first {
                lines.push(Document::HardLine);
                if comment.blank_line_above {
                    lines.push(Document::HardLine);
                }
            }
            lines.push(text(comment.text));
            first = false;
        }
        lines
    }
}
