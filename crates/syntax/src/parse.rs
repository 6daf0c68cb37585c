use crate::ast::File;
use crate::build::{Builder, Built};
use crate::grammar::{EyasParser, Rule};
use crate::layout::{Chunk, Layout, span};
use crate::slips;
use crate::tokens::TokenKind;
use eyas_diagnostic::{Diagnostic, FileId, Span};
use pest::Parser;
use std::ops::Range;

/// How many faults of one item are looked for.
const ITEM_FAULTS: usize = 8;
/// How many diagnostics of one file are kept.
const FILE_FAULTS: usize = 100;

/// What parsing gives: always a tree, which holds the items that parsed.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed {
    /// The tree; of a file with errors, only a part of it.
    pub file: File,
    /// What is wrong, in the order of the text.
    pub diagnostics: Vec<Diagnostic>,
}

impl Parsed {
    /// Whether the tree is not the whole file.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(Diagnostic::is_error)
    }
}

/// Parses a source file, item by item, so that faults in several items come out at once.
///
/// Takes time linear in the text's length, for any text. Brackets may be nested 64 deep.
pub fn parse(source: &str, file: FileId) -> Parsed {
    let mut parsed = Parsed {
        file: File {
            version: None,
            items: Vec::new(),
            span: span(file, 0..source.len()),
        },
        diagnostics: Vec::new(),
    };
    if u32::try_from(source.len()).is_err() {
        parsed
            .diagnostics
            .push(Diagnostic::error("E0007", "the file is larger than 4 GiB"));
        return parsed;
    }
    let mut layout = Layout::new(source, file);
    parsed.diagnostics.append(&mut layout.diagnostics);
    for (place, chunk) in layout.chunks.iter().enumerate() {
        if chunk.balanced {
            parse_chunk(&layout, chunk, place == 0, file, &mut parsed);
        }
    }
    parsed.diagnostics.sort_by_key(Diagnostic::span);
    parsed.diagnostics.truncate(FILE_FAULTS);
    parsed
}

fn parse_chunk(layout: &Layout, chunk: &Chunk, first: bool, file: FileId, parsed: &mut Parsed) {
    let base = layout.pieces[chunk.pieces.start].plain.start;
    let end = layout.pieces[chunk.pieces.end - 1].plain.end;
    if let Some(diagnostic) = slips::no_item(layout, chunk, file) {
        parsed.diagnostics.push(diagnostic);
        return;
    }
    let mut text = layout.text[base..end].to_owned();
    for _ in 0..ITEM_FAULTS {
        match EyasParser::parse(Rule::chunk, &text) {
            Ok(pairs) => {
                let mut builder = Builder::new(layout, base, file);
                match builder.chunk(pairs) {
                    Some(Built::Item(item)) => parsed.file.items.push(item),
                    Some(Built::Version(version)) if first => parsed.file.version = Some(version),
                    Some(Built::Version(version)) => {
                        parsed.diagnostics.push(late_version(version.span))
                    }
                    None => {}
                }
                parsed.diagnostics.append(&mut builder.diagnostics);
                return;
            }
            Err(error) => {
                let failure = slips::Failure::new(layout, chunk, base, &error);
                parsed.diagnostics.push(failure.diagnostic(file));
                let Some(statement) = statement_around(layout, chunk, failure.piece) else {
                    return;
                };
                let plain = layout.pieces[statement.start].plain.start - base
                    ..layout.pieces[statement.end - 1].plain.end - base;
                if text[plain.clone()].trim().is_empty() {
                    return;
                }
                let blank = " ".repeat(plain.len());
                text.replace_range(plain, &blank);
            }
        }
    }
}

fn late_version(span: Span) -> Diagnostic {
    Diagnostic::error("E0026", "the version of the language comes first")
        .primary(span, "items stand before it")
        .help("move this line to the top of the file")
}

/// The pieces of the statement that a piece belongs to, unless that holds a block.
fn statement_around(layout: &Layout, chunk: &Chunk, piece: usize) -> Option<Range<usize>> {
    let newline = |at: usize| layout.pieces[at].kind == TokenKind::Newline;
    let start = (chunk.pieces.start..piece)
        .rev()
        .find(|&at| newline(at) || layout.word(at) == "{")?;
    let end = (piece..chunk.pieces.end).find(|&at| newline(at) || layout.word(at) == "}")?;
    if (start + 1..end).any(|at| layout.word(at) == "{") {
        return None;
    }
    let statement = start + 1..end;
    (!statement.is_empty()).then_some(statement)
}
