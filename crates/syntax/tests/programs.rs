//! Whole programs: those of the language's documentation, and one of comments in every place.

use eyas_diagnostic::{Colour, FileId, SourceMap};
use eyas_syntax::{ast::File, format, parse};

fn parsed(text: &str) -> File {
    let mut sources = SourceMap::new();
    let file = sources.add("program.eyas", text);
    let parsed = parse(text, file);
    let report: String = parsed
        .diagnostics
        .iter()
        .map(|diagnostic| diagnostic.to_text(&sources, Colour::Off))
        .collect();
    assert!(parsed.diagnostics.is_empty(), "{report}\n{text}");
    parsed.file
}

#[test]
fn programs_parse() {
    insta::glob!("programs/{mnist,rules}.eyas", |path| {
        let text = std::fs::read_to_string(path).unwrap();
        insta::assert_snapshot!(parsed(&text).to_text());
    });
}

#[test]
fn programs_keep_their_meaning_and_comments_when_formatted() {
    insta::glob!("programs/*.eyas", |path| {
        let text = std::fs::read_to_string(path).unwrap();
        let formatted = format(&text, FileId(0)).unwrap();
        insta::assert_snapshot!(formatted);
        assert_eq!(parsed(&formatted).to_text(), parsed(&text).to_text());
        assert_eq!(format(&formatted, FileId(0)).unwrap(), formatted);
        assert_eq!(formatted.matches("# ").count(), text.matches("# ").count());
    });
}
