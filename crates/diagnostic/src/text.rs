use crate::{Diagnostic, FileId, Label, Severity, SourceMap, Span};
use ariadne::{CharSet, Color, Config, Fmt, IndexType, Report, ReportKind, Source};
use std::collections::BTreeMap;
use std::fmt::{Debug, Display, Write};
use std::ops::Range;

/// Whether text is rendered with terminal colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Colour {
    /// ANSI escapes.
    On,
    /// Plain text.
    #[default]
    Off,
}

impl Diagnostic {
    /// The diagnostic as rustc would print it: message, source lines with labels, notes and help; ends in a newline.
    pub fn to_text(&self, sources: &SourceMap, colour: Colour) -> String {
        let mut text = self.heading(colour);
        match self.excerpt(sources, colour) {
            Some(excerpt) => text.push_str(&excerpt),
            None => self.write_remarks(&mut text),
        }
        text
    }

    /// The source lines with their labels, then notes and help.
    fn excerpt(&self, sources: &SourceMap, colour: Colour) -> Option<String> {
        let place = visible(self.span()?, sources);
        let config = Config::default()
            .with_index_type(IndexType::Byte)
            .with_char_set(CharSet::Ascii)
            .with_color(colour == Colour::On);
        let mut report = Report::build(ReportKind::Error, place).with_config(config);
        for (order, label) in self.labels.iter().enumerate() {
            report = report.with_label(self.report_label(label, order, sources));
        }
        report.with_notes(&self.notes);
        if let Some(help) = &self.help {
            report = report.with_help(help);
        }
        let mut bytes = Vec::new();
        report
            .finish()
            .write(Texts::new(sources), &mut bytes)
            .ok()?;
        let text = String::from_utf8_lossy(&bytes);
        // ariadne colours its own heading even with colours off, so that line is left out.
        let (_, excerpt) = text.split_once('\n')?;
        Some(
            excerpt
                .lines()
                .flat_map(|line| [line.trim_end(), "\n"])
                .collect(),
        )
    }

    fn heading(&self, colour: Colour) -> String {
        let code = if self.code.is_empty() {
            String::new()
        } else {
            format!("[{}]", self.code)
        };
        let kind = format!("{}{code}:", self.severity.name());
        match colour {
            Colour::On => format!("{} {}\n", kind.fg(self.severity.colour()), self.message),
            Colour::Off => format!("{kind} {}\n", self.message),
        }
    }

    fn write_remarks(&self, text: &mut String) {
        for note in &self.notes {
            let _ = writeln!(text, "  = note: {note}");
        }
        if let Some(help) = &self.help {
            let _ = writeln!(text, "  = help: {help}");
        }
    }

    fn report_label(
        &self,
        label: &Label,
        order: usize,
        sources: &SourceMap,
    ) -> ariadne::Label<Place> {
        let colour = if label.primary {
            self.severity.colour()
        } else {
            Color::Blue
        };
        ariadne::Label::new(visible(label.span, sources))
            .with_message(&label.message)
            .with_color(colour)
            .with_order(i32::try_from(order).unwrap_or(i32::MAX))
            .with_priority(i32::from(label.primary))
    }
}

impl Severity {
    fn colour(self) -> Color {
        match self {
            Self::Error => Color::Red,
            Self::Warning => Color::Yellow,
            Self::Note => Color::Cyan,
        }
    }
}

type Place = (FileId, Range<usize>);

/// The span cut to whole characters of its file: ariadne panics on others.
fn visible(span: Span, sources: &SourceMap) -> Place {
    let text = sources.text(span.file);
    let start = text.floor_char_boundary(span.start as usize);
    let end = text
        .ceil_char_boundary((span.end as usize).min(text.len()))
        .max(start);
    (span.file, start..end)
}

/// The texts a report asks for, each split into lines once.
struct Texts<'a> {
    sources: &'a SourceMap,
    split: BTreeMap<FileId, Source<&'a str>>,
}

impl<'a> Texts<'a> {
    fn new(sources: &'a SourceMap) -> Self {
        Self {
            sources,
            split: BTreeMap::new(),
        }
    }
}

impl<'a> ariadne::Cache<FileId> for Texts<'a> {
    type Storage = &'a str;

    fn fetch(&mut self, file: &FileId) -> Result<&Source<&'a str>, impl Debug> {
        let sources = self.sources;
        Ok::<_, std::convert::Infallible>(
            self.split
                .entry(*file)
                .or_insert_with(|| Source::from(sources.text(*file))),
        )
    }

    fn display<'b>(&self, file: &'b FileId) -> Option<impl Display + 'b> {
        Some(self.sources.name(*file).to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, start: u32, end: u32) -> String {
        let mut sources = SourceMap::new();
        let file = sources.add("a.eyas", text);
        let span = Span::new(file, start, end);
        Diagnostic::error("E0001", "bad")
            .primary(span, "here")
            .to_text(&sources, Colour::Off)
    }

    #[test]
    fn any_span_of_any_text_renders() {
        for text in ["", "\n", "é", "a\nb", "a\r\nb\r\n", "\u{2028}x\u{85}"] {
            for start in 0..8 {
                for end in 0..8 {
                    let shown = shown(text, start, end);
                    assert!(
                        shown.starts_with("error[E0001]: bad\n"),
                        "{text:?} {start}..{end}: {shown}"
                    );
                }
            }
        }
    }

    #[test]
    fn the_end_of_a_file_is_shown() {
        assert!(
            shown("model M(\n", 9, 9).contains("here"),
            "{}",
            shown("model M(\n", 9, 9)
        );
        assert!(
            shown("model M(", 8, 8).contains("here"),
            "{}",
            shown("model M(", 8, 8)
        );
    }

    #[test]
    fn a_diagnostic_without_a_place_is_plain() {
        let diagnostic = Diagnostic::error("E0900", "cannot read `a.eyas`")
            .note("no such file")
            .help("check the path");
        let text = diagnostic.to_text(&SourceMap::new(), Colour::Off);
        assert_eq!(
            text,
            "error[E0900]: cannot read `a.eyas`\n  = note: no such file\n  = help: check the path\n"
        );
    }
}
