use super::Formatter;
use super::document::{Document, concat, group, nest, text};
use eyas_diagnostic::Span;

impl Formatter<'_> {
    /// A bracketed list: on one line, or an element a line with a comma behind each.
    pub(super) fn list<T>(
        &mut self,
        brackets: (&'static str, &'static str),
        elements: &[T],
        span: impl Fn(&T) -> Span,
        mut element: impl FnMut(&mut Self, &T) -> Document,
    ) -> Document {
        let (open, close) = brackets;
        let Some(last) = elements.last() else {
            return text(format!("{open}{close}"));
        };
        let mut inner = vec![Document::SoftLine];
        for (place, entry) in elements.iter().enumerate() {
            for comment in self.comments.before(span(entry).start) {
                inner.push(text(comment.text));
                inner.push(Document::HardLine);
            }
            inner.push(element(self, entry));
            let is_last = place + 1 == elements.len();
            inner.push(if is_last {
                Document::IfBroken(",")
            } else {
                text(",")
            });
            if let Some(comment) = self.comments.behind(span(entry).end) {
                inner.push(Document::TrailingComment(comment.text.to_owned()));
            }
            if !is_last {
                inner.push(Document::Line);
            }
        }
        let closing = self.comments.closing_behind(span(last).end);
        for comment in self.comments.before(closing) {
            inner.push(Document::HardLine);
            inner.push(text(comment.text));
        }
        group(concat(vec![
            text(open),
            nest(2, concat(inner)),
            Document::SoftLine,
            text(close),
        ]))
    }

    /// A block in braces; one statement that was written on one line may stay there.
    pub(super) fn braced<T>(
        &mut self,
        span: Span,
        entries: &[T],
        entry_span: impl Fn(&T) -> Span,
        mut entry: impl FnMut(&mut Self, &T) -> Document,
    ) -> Document {
        if let [only] = entries
            && !self.line_ends_between(span.start, entry_span(only).start)
            && !self.line_ends_between(entry_span(only).end, span.end)
        {
            let body =
                self.with_comments(entry_span(only), true, |formatter| entry(formatter, only));
            return group(concat(vec![
                text("{"),
                nest(2, concat(vec![Document::Line, body])),
                Document::Line,
                text("}"),
            ]));
        }
        let mut inner = Vec::new();
        for (place, statement) in entries.iter().enumerate() {
            inner.push(Document::HardLine);
            inner.push(
                self.with_comments(entry_span(statement), place == 0, |formatter| {
                    entry(formatter, statement)
                }),
            );
        }
        let last = self.last_comments(span.end, entries.is_empty());
        if entries.is_empty() && !last.is_empty() {
            inner.push(Document::HardLine);
        }
        inner.extend(last);
        if inner.is_empty() {
            return text("{}");
        }
        concat(vec![
            text("{"),
            nest(2, concat(inner)),
            Document::HardLine,
            text("}"),
        ])
    }
}
