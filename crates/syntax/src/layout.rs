//! The lines of a file: where statements and items end, and whether brackets match.
//!
//! The grammar then reads a plain text: tokens one space apart, a newline only where a statement ends, no comments.
//! A [`Layout`] keeps where each token came from, splits the file into items so that each is parsed by itself,
//! and sets right the slips that single tokens show, so that parsing goes on behind them.

use crate::lexical;
use crate::tokens::{Token, TokenKind, tokens};
use eyas_diagnostic::{Diagnostic, FileId, Span};
use std::ops::Range;

/// How deep brackets may be nested.
const BRACKET_LIMIT: usize = 64;
/// How many operators may be open at once, those of enclosing brackets included.
const OPERATOR_LIMIT: usize = 256;

pub(crate) const ITEM_WORDS: [&str; 9] = [
    "eyas", "use", "dim", "const", "layer", "model", "rule", "train", "quantize",
];
pub(crate) const STATEMENT_WORDS: [&str; 7] = [
    "param", "state", "return", "assert", "repeat", "data", "require",
];

/// A token of the text that the grammar reads.
#[derive(Debug, Clone)]
pub(crate) struct Piece {
    pub(crate) kind: TokenKind,
    /// Where it lies in that text.
    pub(crate) plain: Range<usize>,
    /// Where it came from.
    pub(crate) source: Range<usize>,
}

/// One item, by its pieces.
#[derive(Debug, Clone)]
pub(crate) struct Chunk {
    pub(crate) pieces: Range<usize>,
    /// Whether its brackets match, without which there is no parsing it.
    pub(crate) balanced: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Layout {
    pub(crate) text: String,
    pub(crate) pieces: Vec<Piece>,
    pub(crate) chunks: Vec<Chunk>,
    pub(crate) comments: Vec<Range<usize>>,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

impl Layout {
    pub(crate) fn new(source: &str, file: FileId) -> Self {
        let (comments, tokens) = tokens(source)
            .into_iter()
            .partition(|token| token.kind == TokenKind::Comment);
        let mut scan = Scan {
            source,
            file,
            layout: Self::default(),
            open: Vec::new(),
            operators: vec![0],
            start: 0,
            balanced: true,
            abandoned: false,
        };
        let tokens: Vec<Token> = tokens;
        let following = following_words(&tokens);
        for (at, &next) in following.iter().enumerate() {
            scan.token(&tokens, at, next);
            if scan.abandoned {
                break;
            }
        }
        scan.end_chunk();
        let comments: Vec<Token> = comments;
        scan.layout.comments = comments.into_iter().map(|comment| comment.range).collect();
        scan.layout
    }

    /// The text of a piece, as the grammar reads it.
    pub(crate) fn word(&self, piece: usize) -> &str {
        self.pieces
            .get(piece)
            .map_or("", |piece| &self.text[piece.plain.clone()])
    }

    /// The source behind a range of the plain text.
    pub(crate) fn source_range(&self, plain: Range<usize>) -> Range<usize> {
        let first = self.piece_at(plain.start);
        let last = self
            .pieces
            .partition_point(|piece| piece.plain.start < plain.end)
            .saturating_sub(1);
        match (self.pieces.get(first), self.pieces.get(last.max(first))) {
            (Some(first), Some(_)) if plain.is_empty() => first.source.start..first.source.start,
            (Some(first), Some(last)) => first.source.start..last.source.end,
            _ => self
                .pieces
                .last()
                .map_or(0..0, |last| last.source.end..last.source.end),
        }
    }

    /// The first piece that ends behind a place of the plain text.
    pub(crate) fn piece_at(&self, plain: usize) -> usize {
        self.pieces
            .partition_point(|piece| piece.plain.end <= plain)
    }
}

/// For each token the place of the next that is not a newline.
fn following_words(tokens: &[Token]) -> Vec<usize> {
    let mut following = vec![tokens.len(); tokens.len()];
    for at in (1..tokens.len()).rev() {
        let newline = tokens[at].kind == TokenKind::Newline;
        following[at - 1] = if newline { following[at] } else { at };
    }
    following
}

struct Open {
    symbol: char,
    source: Range<usize>,
}

struct Scan<'a> {
    source: &'a str,
    file: FileId,
    layout: Layout,
    open: Vec<Open>,
    /// Operators since the last comma or statement end: one count for the file, one for each open bracket.
    operators: Vec<usize>,
    /// The first piece of the item under way.
    start: usize,
    balanced: bool,
    /// Whether a limit was passed, so that the rest of the file is not looked at.
    abandoned: bool,
}

impl Scan<'_> {
    /// Takes the token at a place; `following` is the next one that is not a newline.
    fn token(&mut self, tokens: &[Token], at: usize, following: usize) {
        let token = &tokens[at];
        let word = &self.source[token.range.clone()];
        let next = tokens.get(following);
        let next_word = next.map_or("", |token| &self.source[token.range.clone()]);
        if token.kind == TokenKind::Newline {
            let repeated = at > 0 && tokens[at - 1].kind == TokenKind::Newline;
            if !repeated && self.ends_statement(next_word) {
                self.newline(token.range.clone());
            }
            return;
        }
        if !self.open.is_empty() && self.begins_item(token, tokens.get(at + 1)) {
            self.unclosed(0, Some(token.range.clone()));
            self.end_chunk();
        }
        let previous = self
            .previous()
            .map(|piece| (piece.kind, self.layout.text[piece.plain.clone()].to_owned()));
        let previous = previous.as_ref().map(|(kind, word)| (*kind, word.as_str()));
        let next = next.map(|token| (token.kind, next_word));
        let slip = lexical::slip(
            token.kind,
            word,
            previous,
            next,
            self.span(token.range.clone()),
        );
        let word = match slip {
            Some((diagnostic, replacement)) => {
                self.layout.diagnostics.push(diagnostic);
                replacement
            }
            None => word,
        };
        match word {
            "" => {}
            "\n" => {
                if !matches!(
                    tokens.get(at + 1).map(|token| token.kind),
                    None | Some(TokenKind::Newline)
                ) {
                    self.newline(token.range.clone());
                }
            }
            "," if matches!(next_word, ")" | "]" | "}")
                && !matches!(previous, Some((_, "," | "(" | "[" | "{"))) => {}
            "(" | "[" | "{" => self.opening(word, token),
            ")" | "]" | "}" => self.closing(word, token),
            _ => {
                self.count_operator(token, word);
                self.emit(token.kind, word, token.range.clone());
            }
        }
    }

    fn span(&self, range: Range<usize>) -> Span {
        span(self.file, range)
    }

    fn previous(&self) -> Option<&Piece> {
        self.layout.pieces[self.start..].last()
    }

    fn previous_word(&self) -> &str {
        self.previous()
            .map_or("", |piece| &self.layout.text[piece.plain.clone()])
    }

    fn emit(&mut self, kind: TokenKind, word: &str, source: Range<usize>) {
        if self.layout.pieces.len() > self.start {
            self.layout.text.push(' ');
        }
        let start = self.layout.text.len();
        self.layout.text.push_str(word);
        self.layout.pieces.push(Piece {
            kind,
            plain: start..self.layout.text.len(),
            source,
        });
    }

    fn newline(&mut self, source: Range<usize>) {
        if let Some(count) = self.operators.last_mut() {
            *count = 0;
        }
        if self.open.is_empty() {
            self.end_chunk();
        } else {
            self.emit(TokenKind::Newline, "\n", source);
        }
    }

    fn end_chunk(&mut self) {
        if !self.open.is_empty() {
            self.unclosed(0, None);
        }
        let end = self.layout.pieces.len();
        if end > self.start {
            self.layout.chunks.push(Chunk {
                pieces: self.start..end,
                balanced: self.balanced,
            });
            self.layout.text.push('\n');
        }
        self.start = end;
        self.balanced = true;
        self.operators = vec![0];
    }

    /// Newlines are free inside round and square brackets, behind an operator or comma, and before `|>`, `->`, `where`, `{`.
    fn ends_statement(&self, next: &str) -> bool {
        if self.open.last().is_some_and(|open| open.symbol != '{') {
            return false;
        }
        let previous = self.previous_word();
        if matches!(previous, "" | "{" | "\n")
            || matches!(next, "|>" | "->" | "where" | "{" | "}" | "")
        {
            return self.open.is_empty() && next != "{" && !matches!(next, "|>" | "->" | "where");
        }
        STATEMENT_WORDS.contains(&next)
            || ITEM_WORDS.contains(&next) && self.open.is_empty()
            || !continues(previous)
    }

    /// An item's first word at the start of a line, which no bracket that is still open can mean to hold.
    fn begins_item(&self, token: &Token, next: Option<&Token>) -> bool {
        let line_start = token.range.start == 0 || self.source[..token.range.start].ends_with('\n');
        let named =
            next.is_some_and(|next| matches!(next.kind, TokenKind::Word | TokenKind::String));
        line_start && named && ITEM_WORDS.contains(&&self.source[token.range.clone()])
    }

    fn opening(&mut self, word: &str, token: &Token) {
        self.emit(token.kind, word, token.range.clone());
        self.open.push(Open {
            symbol: word.chars().next().unwrap_or('('),
            source: token.range.clone(),
        });
        self.operators.push(0);
        if self.open.len() == BRACKET_LIMIT + 1 {
            self.too_deep(
                token,
                format!("brackets are nested more than {BRACKET_LIMIT} deep"),
            );
        }
    }

    fn closing(&mut self, word: &str, token: &Token) {
        let wanted = match word {
            ")" => '(',
            "]" => '[',
            _ => '{',
        };
        let partner = self.open.iter().rposition(|open| open.symbol == wanted);
        let reachable = partner.filter(|&partner| {
            wanted == '{' || self.open[partner..].iter().all(|open| open.symbol != '{')
        });
        match reachable {
            None => {
                let mut diagnostic =
                    Diagnostic::error("E0003", format!("this `{word}` closes nothing")).primary(
                        self.span(token.range.clone()),
                        "no bracket of this kind is open here",
                    );
                if let Some(open) = self.open.last() {
                    diagnostic = diagnostic.secondary(
                        self.span(open.source.clone()),
                        format!("the bracket open here is `{}`", open.symbol),
                    );
                }
                self.layout
                    .diagnostics
                    .push(diagnostic.help(format!("remove the `{word}`")));
                self.balanced = false;
            }
            Some(partner) => {
                if partner + 1 < self.open.len() {
                    self.unclosed(partner + 1, Some(token.range.clone()));
                }
                self.open.truncate(partner);
                self.operators.truncate(partner + 1);
                if let Some(count) = self.operators.last_mut() {
                    *count += 1;
                }
                self.emit(token.kind, word, token.range.clone());
            }
        }
    }

    /// Reports the brackets from `from` on as one fault, and forgets them.
    fn unclosed(&mut self, from: usize, met: Option<Range<usize>>) {
        self.balanced = false;
        let Some(innermost) = self.open.last() else {
            return;
        };
        let closing = match innermost.symbol {
            '(' => ')',
            '[' => ']',
            _ => '}',
        };
        let mut diagnostic = Diagnostic::error(
            "E0002",
            format!("this `{}` is never closed", innermost.symbol),
        )
        .primary(
            self.span(innermost.source.clone()),
            format!("a `{closing}` is missing for this bracket"),
        );
        if let Some(met) = met {
            let found = &self.source[met.clone()];
            let message = if found.len() == 1 {
                format!("this `{found}` comes first")
            } else {
                "the next item begins here".to_owned()
            };
            diagnostic = diagnostic.secondary(self.span(met), message);
        }
        self.layout
            .diagnostics
            .push(diagnostic.help(format!("add `{closing}` where it should end")));
        self.open.truncate(from);
        self.operators.truncate(from + 1);
    }

    fn count_operator(&mut self, token: &Token, word: &str) {
        let resets = matches!(word, "," | "|>" | "=" | "=>");
        let counts = matches!(token.kind, TokenKind::Symbol | TokenKind::Unknown)
            || matches!(word, "and" | "or" | "not");
        if let Some(count) = self.operators.last_mut() {
            *count = if resets {
                0
            } else {
                *count + usize::from(counts)
            };
        }
        if counts && self.operators.iter().sum::<usize>() == OPERATOR_LIMIT + 1 {
            self.too_deep(
                token,
                format!("an expression holds more than {OPERATOR_LIMIT} operators"),
            );
        }
    }

    fn too_deep(&mut self, token: &Token, message: String) {
        let diagnostic = Diagnostic::error("E0007", message)
            .primary(self.span(token.range.clone()), "the limit is passed here")
            .note("the rest of the file was not looked at")
            .help("give a part of it a name in a statement of its own");
        self.layout.diagnostics.push(diagnostic);
        self.open.clear();
        self.balanced = false;
        self.abandoned = true;
    }
}

pub(crate) fn span(file: FileId, range: Range<usize>) -> Span {
    let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    Span::new(file, offset(range.start), offset(range.end))
}

/// Whether a statement cannot end with this word.
fn continues(word: &str) -> bool {
    matches!(
        word,
        "," | "="
            | "->"
            | "=>"
            | "=="
            | "!="
            | "<"
            | "<="
            | ">"
            | ">="
            | "+"
            | "-"
            | "*"
            | "/"
            | "//"
            | "%"
            | "@"
            | "^"
            | "|>"
            | ":"
            | ".."
            | "and"
            | "or"
            | "not"
            | "where"
    )
}
