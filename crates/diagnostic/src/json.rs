use crate::{Diagnostic, LineColumn, Severity, SourceMap};
use serde::Serialize;

#[derive(Serialize)]
struct DiagnosticLine<'a> {
    code: &'a str,
    severity: Severity,
    message: &'a str,
    spans: Vec<SpanEntry<'a>>,
    notes: &'a [String],
    help: Option<&'a str>,
}

#[derive(Serialize)]
struct SpanEntry<'a> {
    file: &'a str,
    start: u32,
    end: u32,
    line: u32,
    column: u32,
    end_line: u32,
    end_column: u32,
    primary: bool,
    message: &'a str,
}

impl Diagnostic {
    /// One JSON object on one line, without a newline: `code`, `severity`, `message`, `spans`, `notes`, `help`.
    ///
    /// Lines and columns start at one and columns count characters; `start` and `end` are byte offsets.
    pub fn to_json(&self, sources: &SourceMap) -> String {
        let spans = self.labels.iter().map(|label| {
            let span = label.span;
            let LineColumn { line, column } = sources.line_column(span.file, span.start);
            let end = sources.line_column(span.file, span.end);
            SpanEntry {
                file: sources.name(span.file),
                start: span.start,
                end: span.end,
                line,
                column,
                end_line: end.line,
                end_column: end.column,
                primary: label.primary,
                message: &label.message,
            }
        });
        let line = DiagnosticLine {
            code: self.code,
            severity: self.severity,
            message: &self.message,
            spans: spans.collect(),
            notes: &self.notes,
            help: self.help.as_deref(),
        };
        serde_json::to_string(&line).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Span;

    #[test]
    fn json_is_one_line_with_positions() {
        let mut sources = SourceMap::new();
        let file = sources.add("a.eyas", "one\ntwo\n");
        let diagnostic = Diagnostic::error("E0001", "bad")
            .primary(Span::new(file, 4, 7), "here\nthere")
            .note("n");
        let line = diagnostic.to_json(&sources);
        assert!(!line.contains('\n'));
        assert!(
            line.contains(r#""file":"a.eyas","start":4,"end":7,"line":2,"column":1"#),
            "{line}"
        );
        assert!(line.contains(r#""severity":"error""#), "{line}");
    }
}
