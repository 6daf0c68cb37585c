//! Words, numbers, strings and symbols, with the comments and newlines between them.

use std::ops::Range;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenKind {
    Word,
    Number,
    String,
    UnterminatedString,
    Symbol,
    Newline,
    Comment,
    Unknown,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: TokenKind,
    pub(crate) range: Range<usize>,
}

/// The longest first, so that the first match is the right one.
const SYMBOLS: [&str; 38] = [
    "...", "|>", "->", "=>", "==", "!=", "<=", ">=", ":=", "&&", "||", "**", "//", "..", "(", ")",
    "[", "]", "{", "}", ",", ":", ";", ".", "=", "<", ">", "+", "-", "*", "/", "%", "@", "^", "!",
    "&", "|", "~",
];

/// Splits a text; whitespace other than newlines separates tokens and is left out.
pub(crate) fn tokens(source: &str) -> Vec<Token> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(first) = source[at..].chars().next() {
        let rest = &source[at..];
        let (kind, length) = match first {
            ' ' | '\t' | '\r' | '\u{feff}' => {
                at += first.len_utf8();
                continue;
            }
            '\n' => (TokenKind::Newline, 1),
            '#' => (TokenKind::Comment, comment_length(rest)),
            '"' => string_length(rest),
            '0'..='9' => (TokenKind::Number, number_length(rest.as_bytes())),
            'a'..='z' | 'A'..='Z' | '_' => word_length(rest),
            _ => match SYMBOLS.iter().find(|symbol| rest.starts_with(*symbol)) {
                Some(symbol) => (TokenKind::Symbol, symbol.len()),
                None => (TokenKind::Unknown, unknown_length(rest)),
            },
        };
        found.push(Token {
            kind,
            range: at..at + length,
        });
        at += length;
    }
    found
}

fn comment_length(rest: &str) -> usize {
    let line = rest.split('\n').next().unwrap_or(rest);
    line.trim_end_matches([' ', '\t', '\r']).len()
}

/// A word with a letter that no name may hold is one fault as a whole.
fn word_length(rest: &str) -> (TokenKind, usize) {
    let length = letters(rest);
    let kind = if rest[..length].is_ascii() {
        TokenKind::Word
    } else {
        TokenKind::Unknown
    };
    (kind, length)
}

fn unknown_length(rest: &str) -> usize {
    let first = rest.chars().next().map_or(1, char::len_utf8);
    letters(rest).max(first)
}

fn letters(rest: &str) -> usize {
    rest.find(|c: char| !(c.is_alphanumeric() || c == '_'))
        .unwrap_or(rest.len())
}

fn string_length(rest: &str) -> (TokenKind, usize) {
    let mut escaped = false;
    for (at, character) in rest.char_indices().skip(1) {
        match character {
            '\n' => return (TokenKind::UnterminatedString, rest[..at].trim_end().len()),
            '"' if !escaped => return (TokenKind::String, at + 1),
            _ => escaped = character == '\\' && !escaped,
        }
    }
    (TokenKind::UnterminatedString, rest.trim_end().len())
}

/// Takes in everything that reads as one number, well formed or not, so that `1.2.3` is one fault.
fn number_length(rest: &[u8]) -> usize {
    let mut at = 0;
    while let Some(&byte) = rest.get(at) {
        let exponent = at > 0 && matches!(rest[at - 1], b'e' | b'E') && !rest.starts_with(b"0x");
        let next = rest.get(at + 1);
        let taken = match byte {
            b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'_' => true,
            b'.' => !matches!(next, Some(b'.' | b'*')),
            b'+' | b'-' => exponent && next.is_some_and(u8::is_ascii_digit),
            _ => false,
        };
        if !taken {
            break;
        }
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(source: &str) -> Vec<&str> {
        tokens(source)
            .into_iter()
            .map(|token| &source[token.range])
            .collect()
    }

    #[test]
    fn ranges_and_numbers_are_told_apart() {
        assert_eq!(
            words("0..10 1e-5+2 2_000.5e3 1.2.3"),
            ["0", "..", "10", "1e-5", "+", "2", "2_000.5e3", "1.2.3"]
        );
    }

    #[test]
    fn strings_hold_escaped_quotes() {
        assert_eq!(words(r#""a\"b" "c\\" d"#), [r#""a\"b""#, r#""c\\""#, "d"]);
    }
}
