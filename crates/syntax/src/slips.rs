//! What a failure of the grammar means, told in the writer's terms.

mod expected;
mod item;

use crate::grammar::Rule;
use crate::layout::{Chunk, Layout, span};
use crate::tokens::TokenKind;
use expected::listed;
use eyas_diagnostic::{Diagnostic, FileId, Span};
use pest::error::{Error, ErrorVariant, InputLocation};

pub(crate) use item::no_item;

/// Where the grammar failed, and what it looked for there.
pub(crate) struct Failure<'a> {
    layout: &'a Layout,
    chunk: &'a Chunk,
    /// The piece that did not fit; one past the item's last where the item ends too early.
    pub(crate) piece: usize,
    expected: Vec<Rule>,
}

impl<'a> Failure<'a> {
    pub(crate) fn new(
        layout: &'a Layout,
        chunk: &'a Chunk,
        base: usize,
        error: &Error<Rule>,
    ) -> Self {
        let (InputLocation::Pos(at) | InputLocation::Span((at, _))) = error.location;
        let piece = layout
            .piece_at(base + at)
            .clamp(chunk.pieces.start, chunk.pieces.end);
        let expected = match &error.variant {
            ErrorVariant::ParsingError { positives, .. } => positives.clone(),
            ErrorVariant::CustomError { .. } => Vec::new(),
        };
        Self {
            layout,
            chunk,
            piece,
            expected,
        }
    }

    pub(crate) fn diagnostic(&self, file: FileId) -> Diagnostic {
        let place = self.place(file);
        self.foreign_statement(file)
            .or_else(|| self.repeat_header(place))
            .or_else(|| self.equals(place, file))
            .or_else(|| self.missing_arrow(place, file))
            .or_else(|| self.missing_type(place, file))
            .or_else(|| self.colon(place, file))
            .or_else(|| self.unused_value(file))
            .or_else(|| self.missing_value(place, file))
            .or_else(|| self.missing_separator(place, file))
            .unwrap_or_else(|| self.unexpected(place))
    }

    /// The word `offset` pieces from the failure; empty outside the item.
    fn word(&self, offset: isize) -> &'a str {
        match self.piece.checked_add_signed(offset) {
            Some(piece) if self.chunk.pieces.contains(&piece) => self.layout.word(piece),
            _ => "",
        }
    }

    fn kind(&self, offset: isize) -> Option<TokenKind> {
        let piece = self.piece.checked_add_signed(offset)?;
        self.chunk
            .pieces
            .contains(&piece)
            .then(|| self.layout.pieces[piece].kind)
    }

    fn expects(&self, rule: Rule) -> bool {
        self.expected.contains(&rule)
    }

    /// Whether an operand stands before the failure, complete.
    fn after_operand(&self) -> bool {
        self.expects(Rule::infix) || self.expects(Rule::pipe)
    }

    fn expects_value(&self) -> bool {
        let value = [
            Rule::expr,
            Rule::prefix,
            Rule::primary,
            Rule::number,
            Rule::operand_name,
            Rule::named,
            Rule::stage,
        ];
        !self.after_operand() && value.into_iter().any(|rule| self.expects(rule))
    }

    /// Where to point: the piece that did not fit, or just behind the last one before it.
    fn place(&self, file: FileId) -> Span {
        match self.kind(0) {
            Some(kind) if kind != TokenKind::Newline => self.span_of(self.piece, file),
            _ => self.span_of(self.piece.saturating_sub(1), file).after(),
        }
    }

    fn span_of(&self, piece: usize, file: FileId) -> Span {
        let piece = piece.clamp(self.chunk.pieces.start, self.chunk.pieces.end - 1);
        span(file, self.layout.pieces[piece].source.clone())
    }

    fn previous_span(&self, file: FileId) -> Span {
        self.span_of(self.piece.saturating_sub(1), file)
    }

    /// The piece at which the statement or item begins.
    fn statement_start(&self) -> usize {
        let parts = |at: &usize| matches!(self.layout.word(*at), "\n" | "{");
        (self.chunk.pieces.start..self.piece)
            .rev()
            .find(parts)
            .map_or(self.chunk.pieces.start, |at| at + 1)
    }

    fn first_word(&self) -> &'a str {
        self.layout.word(self.statement_start())
    }

    /// The innermost bracket that is open at the failure, if any is.
    fn bracket(&self) -> Option<&'a str> {
        let mut closed = 0_usize;
        for at in (self.chunk.pieces.start..self.piece).rev() {
            match self.layout.word(at) {
                ")" | "]" | "}" => closed += 1,
                "(" | "[" | "{" if closed > 0 => closed -= 1,
                open @ ("(" | "[" | "{") => return Some(open),
                _ => {}
            }
        }
        None
    }

    fn found(&self) -> String {
        match self.word(0) {
            "" | "\n" => "the end of the line".to_owned(),
            word => format!("`{word}`"),
        }
    }

    /// `let`, `for` and other words that begin a statement elsewhere.
    fn foreign_statement(&self, file: FileId) -> Option<Diagnostic> {
        let start = self.statement_start();
        let (word, next) = (self.layout.word(start), self.layout.word(start + 1));
        if self.bracket().is_none() || matches!(next, "=" | "," | "\n") {
            return None;
        }
        let help = match word {
            "let" | "var" | "val" | "const" | "auto" | "mut" => {
                "bind a name without any word before it: `x = ...`"
            }
            "for" | "while" | "loop" => "write `repeat i in 0..n { ... }`",
            "if" | "else" | "elif" | "match" | "switch" => {
                "there are no branches between statements; a parameter takes a guard: `param b: f32[n] = zeros if bias`"
            }
            "self" | "this" => "a layer's parameters are named without a prefix: `w`, `fc1.w`",
            _ => return None,
        };
        let diagnostic = Diagnostic::error("E0029", format!("`{word}` does not begin a statement"));
        Some(
            diagnostic
                .primary(self.span_of(start, file), "not a word of the language")
                .help(help),
        )
    }

    fn repeat_header(&self, place: Span) -> Option<Diagnostic> {
        if self.first_word() != "repeat" || self.bracket().is_some_and(|bracket| bracket != "{") {
            return None;
        }
        let message = if self.expects(Rule::kw_in) {
            "`in` is missing after the counter of `repeat`"
        } else if self.word(-1) == ":" || self.word(0) == ":" {
            "the body of `repeat` stands in braces"
        } else if self.expects(Rule::dots) {
            "`repeat` counts over a range with two ends"
        } else if self.expects(Rule::block) || self.expects(Rule::open_brace) {
            "the body of `repeat` stands in braces"
        } else {
            return None;
        };
        let diagnostic =
            Diagnostic::error("E0020", message).primary(place, format!("found {}", self.found()));
        Some(diagnostic.help("write `repeat i in 0..n { ... }`"))
    }

    /// `=` for `==`, and the other way round.
    fn equals(&self, place: Span, file: FileId) -> Option<Diagnostic> {
        let start = self.statement_start();
        match self.word(0) {
            "=" if self.after_operand() || self.expects(Rule::comma) => {
                let asks = |at: &usize| {
                    matches!(self.layout.word(*at), "assert" | "require" | "where" | "if")
                };
                let asking = (start..self.piece).find(asks)?;
                let word = self.layout.word(asking);
                Some(
                    Diagnostic::error("E0012", "`=` does not compare")
                        .primary(place, "this binds a name")
                        .secondary(
                            self.span_of(asking, file),
                            format!("a condition follows `{word}`"),
                        )
                        .help("write `==`"),
                )
            }
            "==" if [Rule::equals, Rule::initialiser]
                .into_iter()
                .any(|rule| self.expects(rule)) =>
            {
                Some(
                    Diagnostic::error("E0013", "`==` does not bind a name")
                        .primary(place, "this compares")
                        .help("write `=`"),
                )
            }
            _ => None,
        }
    }

    fn missing_arrow(&self, place: Span, file: FileId) -> Option<Diagnostic> {
        if self.expects(Rule::fat_arrow) && matches!(self.word(0), "->" | ":") {
            return Some(
                Diagnostic::error("E0014", "the two sides of a rule are joined by `=>`")
                    .primary(place, "not by this")
                    .help("write `=>`"),
            );
        }
        if !(self.expects(Rule::results) || self.expects(Rule::arrow)) {
            return None;
        }
        let code = "E0014";
        if self.bracket() == Some("[") {
            return Some(
                Diagnostic::error(code, "`->` is missing from the pattern")
                    .primary(place, format!("found {}", self.found()))
                    .help("name the axes on both sides: `rearrange[b c -> c b](x)`"),
            );
        }
        if self.word(-1) != ")" {
            return None;
        }
        match self.word(0) {
            ":" | "=>" | "-" | "=" => Some(
                Diagnostic::error(code, "the result type follows `->`")
                    .primary(place, "not this")
                    .help("write `->`"),
            ),
            "{" | "" | "\n" => None,
            _ => Some(
                Diagnostic::error(code, "`->` is missing before the result type")
                    .primary(place, "the result type")
                    .secondary(self.previous_span(file), "the formals end here")
                    .help("write `->` between the two"),
            ),
        }
    }

    /// `x f32[..]` and `param w = zeros`.
    fn missing_type(&self, place: Span, file: FileId) -> Option<Diagnostic> {
        let declares = matches!(
            self.first_word(),
            "layer" | "model" | "rule" | "param" | "state"
        );
        if !declares
            || !self.expects(Rule::colon)
            || self.after_operand()
            || self.kind(-1) != Some(TokenKind::Word)
        {
            return None;
        }
        let name = self.word(-1);
        let (message, label) = if self.kind(0) == Some(TokenKind::Word) {
            (
                format!("`:` is missing between `{name}` and its type"),
                "the type",
            )
        } else {
            (
                format!("the type of `{name}` is missing"),
                "a `:` and a type should stand before this",
            )
        };
        Some(
            Diagnostic::error("E0015", message)
                .primary(place, label)
                .secondary(self.previous_span(file), "the name")
                .help(format!(
                    "write `{name}: f32[..]`, with the type that is meant"
                )),
        )
    }

    /// Colons of Python's slices, and labels that name no call.
    fn colon(&self, place: Span, file: FileId) -> Option<Diagnostic> {
        let back = (0..=2).find(|&back| self.word(-back) == ":")?;
        let colon = self.span_of(self.piece.checked_add_signed(-back)?, file);
        if self.bracket() == Some("[") {
            return Some(
                Diagnostic::error("E0025", "a range of places is written with `..`")
                    .primary(colon, "not with a colon")
                    .note("`x[..]` keeps what axes are left, `x[0.., i]` keeps the first one whole")
                    .help("write `x[a..b]`, or `x[a..b by step]`"),
            );
        }
        let label_ahead = back > 0 && !matches!(self.first_word(), "layer" | "model" | "rule");
        let called = self.expects(Rule::arguments)
            || self.expects(Rule::open_paren)
            || self.expects(Rule::operand_name);
        (label_ahead && called && self.expected.iter().all(|rule| *rule != Rule::ty)).then(|| {
            Diagnostic::error("E0024", "a label is followed by a call")
                .primary(place, format!("found {}", self.found()))
                .secondary(colon, "this makes the name before it a label")
                .help("write it as in `fc1: Linear(128)`")
        })
    }

    fn unused_value(&self, file: FileId) -> Option<Diagnostic> {
        let start = self.statement_start();
        let named = self
            .layout
            .pieces
            .get(start)
            .is_some_and(|piece| piece.kind == TokenKind::Word);
        let operation = matches!(
            self.word(0),
            "(" | "["
                | "."
                | "|>"
                | "+"
                | "-"
                | "*"
                | "/"
                | "//"
                | "@"
                | "%"
                | "^"
                | "\n"
                | "}"
                | ":"
        );
        let bound = self.expects(Rule::equals) && !self.after_operand();
        if self.bracket() != Some("{") || !named || !operation || !bound || self.piece != start + 1
        {
            return None;
        }
        Some(
            Diagnostic::error("E0021", "the value of this line is not used")
                .primary(
                    self.span_of(start, file),
                    "nothing is bound or returned here",
                )
                .help("write `return` before it, or bind it: `x = ...`"),
        )
    }

    fn missing_value(&self, place: Span, file: FileId) -> Option<Diagnostic> {
        if !self.expects_value() {
            return None;
        }
        let previous = self.word(-1);
        if previous == "|>" {
            return Some(
                Diagnostic::error("E0027", "a stage of a pipe is a call")
                    .primary(place, format!("found {}", self.found()))
                    .secondary(self.previous_span(file), "the pipe")
                    .help("name a layer or a function: `|> relu`, `|> fc1: Linear(128)`"),
            );
        }
        if self.expects(Rule::close_paren) || self.expects(Rule::close_square) {
            return None;
        }
        let message = match previous {
            "" | "\n" | "{" | "}" => return None,
            word => format!("a value is missing after `{word}`"),
        };
        Some(
            Diagnostic::error("E0022", message)
                .primary(place, format!("found {}", self.found()))
                .help("write a name, a number, a call or an expression in brackets"),
        )
    }

    /// Two values in a row: a comma, an operator or a new line is missing.
    fn missing_separator(&self, place: Span, file: FileId) -> Option<Diagnostic> {
        let operand = matches!(
            self.kind(0),
            Some(TokenKind::Word | TokenKind::Number | TokenKind::String)
        );
        let ended =
            self.after_operand() || self.expects(Rule::comma) || self.expects(Rule::newline);
        if !operand || !ended {
            return None;
        }
        let previous = self.previous_span(file);
        if matches!(self.bracket(), Some("(" | "[")) {
            return Some(
                Diagnostic::error("E0018", format!("`,` is missing before {}", self.found()))
                    .primary(place, "a further element")
                    .secondary(previous, "the element before it ends here")
                    .help("write `,` between the two, or an operator"),
            );
        }
        let begins =
            self.kind(0) == Some(TokenKind::Word) && self.piece > self.statement_start() + 1;
        begins.then(|| {
            Diagnostic::error("E0019", "two statements stand on one line")
                .primary(place, "the second begins here")
                .secondary(previous, "the first ends here")
                .help("begin a new line, or write an operator between the two")
        })
    }

    fn unexpected(&self, place: Span) -> Diagnostic {
        let expected = listed(&self.expected);
        let diagnostic =
            Diagnostic::error("E0001", format!("{} is not expected here", self.found()));
        if expected.is_empty() {
            return diagnostic.primary(place, "not expected");
        }
        diagnostic.primary(place, format!("expected {expected}"))
    }
}
