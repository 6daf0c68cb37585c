//! Slips that one token and its neighbours show, each with what to read instead.

use crate::tokens::TokenKind;
use eyas_diagnostic::{Diagnostic, Span};

type Neighbour<'a> = Option<(TokenKind, &'a str)>;

/// The fault of a token, and the token to go on with; an empty one is left out.
pub(crate) fn slip(
    kind: TokenKind,
    word: &str,
    previous: Neighbour<'_>,
    next: Neighbour<'_>,
    span: Span,
) -> Option<(Diagnostic, &'static str)> {
    match kind {
        TokenKind::UnterminatedString => Some((unterminated(span), "\"\"")),
        TokenKind::Number => malformed_number(word, span).map(|diagnostic| (diagnostic, "0")),
        TokenKind::Unknown => Some(unknown(word, span)),
        TokenKind::Symbol => symbol(word, previous, next, span),
        _ => None,
    }
}

fn symbol(
    word: &str,
    previous: Neighbour<'_>,
    next: Neighbour<'_>,
    span: Span,
) -> Option<(Diagnostic, &'static str)> {
    let after_operand = previous.is_some_and(ends_operand);
    let slip = match word {
        ";" => {
            let diagnostic = Diagnostic::error("E0008", "statements do not end with `;`")
                .primary(span, "remove this")
                .help("a new line ends a statement");
            (diagnostic, "\n")
        }
        ":=" => {
            let diagnostic = Diagnostic::error("E0009", "`:=` is not an operator")
                .primary(span, "a name is bound with `=`")
                .help("write `=`");
            (diagnostic, "=")
        }
        "&&" | "&" => (logical(word, "and", span), "and"),
        "||" | "|" => (logical(word, "or", span), "or"),
        "!" if !after_operand => (logical(word, "not", span), "not"),
        "~" => (logical(word, "not", span), "not"),
        "**" if after_operand && next.is_some_and(begins_operand) => {
            let diagnostic = Diagnostic::error("E0011", "`**` does not raise to a power")
                .primary(span, "a power is written with `^`")
                .note("`**` stands for any path of labels, as in `s2.**`")
                .help("write `^`");
            (diagnostic, "^")
        }
        "..." => {
            let diagnostic = Diagnostic::error("E0006", "`...` is not an operator")
                .primary(span, "two dots are meant")
                .help("write `..`");
            (diagnostic, "..")
        }
        _ => return None,
    };
    Some(slip)
}

fn logical(found: &str, meant: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E0010", format!("`{found}` is not an operator"))
        .primary(span, format!("the operator is the word `{meant}`"))
        .help(format!("write `{meant}`"))
}

fn unterminated(span: Span) -> Diagnostic {
    Diagnostic::error("E0004", "this text has no closing quote")
        .primary(span, "it begins here, and the line ends first")
        .help("add `\"` where it ends; inside it, a quote is written `\\\"`")
}

fn malformed_number(word: &str, span: Span) -> Option<Diagnostic> {
    let error =
        |message: String| Diagnostic::error("E0005", message).primary(span, "in this number");
    let plain = word.replace('_', "");
    let (mantissa, exponent) = match plain.find(['e', 'E']) {
        Some(at) => (
            &plain[..at],
            Some(plain[at + 1..].trim_start_matches(['+', '-'])),
        ),
        None => (plain.as_str(), None),
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let points = mantissa.matches('.').count();
    if points > 1 {
        let help = "a number has one point; a version or a path is not a number";
        return Some(error(format!("`{word}` has {points} points")).help(help));
    }
    let valid = digits(&mantissa.replace('.', ""))
        && exponent.is_none_or(|text| !text.is_empty() && digits(text));
    if !valid {
        let help = "numbers are decimal, such as `10`, `2_000`, `0.5` or `1e-3`; names begin with a letter";
        return Some(error(format!("`{word}` is not a number")).help(help));
    }
    let integer = points == 0 && exponent.is_none();
    let fits = if integer {
        plain.parse::<u64>().is_ok()
    } else {
        plain.parse::<f64>().is_ok_and(f64::is_finite)
    };
    (!fits).then(|| {
        error(format!("`{word}` is too large"))
            .note("integers end at 2^64 - 1, other numbers near 1.8e308")
    })
}

fn unknown(word: &str, span: Span) -> (Diagnostic, &'static str) {
    let (meant, replacement) = match word {
        "“" | "”" | "„" | "'" | "‘" | "’" | "`" => {
            ("write texts in straight double quotes: `\"`", "")
        }
        "−" | "–" | "—" => ("write the minus sign as `-`", "-"),
        "×" | "·" => ("write a product as `*`, a matrix product as `@`", "*"),
        "÷" => ("write a quotient as `/`", "/"),
        "→" => ("write the arrow as `->`", "->"),
        "≤" => ("write `<=`", "<="),
        "≥" => ("write `>=`", ">="),
        "≠" => ("write `!=`", "!="),
        "…" => ("write `..`", ".."),
        "?" => (
            "there is no `?` operator; a parameter that may be absent has a guard: `if bias`",
            "",
        ),
        "$" | "\\" => (
            "a line goes on inside brackets, behind an operator and before `|>` without any mark",
            "",
        ),
        _ if word.starts_with(|c: char| c.is_alphanumeric() || c == '_') => (
            "names are of the letters a to z, digits and `_`; any other name goes in quotes: `\"größe\"`",
            "_",
        ),
        _ => ("remove it, or put it inside a text in quotes", ""),
    };
    let shown: String = word.chars().flat_map(char::escape_debug).collect();
    let diagnostic = Diagnostic::error("E0006", format!("`{shown}` has no meaning here"))
        .primary(span, "unknown character")
        .help(meant);
    (diagnostic, replacement)
}

fn ends_operand((kind, word): (TokenKind, &str)) -> bool {
    match kind {
        TokenKind::Number | TokenKind::String | TokenKind::Unknown => true,
        TokenKind::Word => !matches!(
            word,
            "return" | "assert" | "require" | "if" | "where" | "in" | "and" | "or" | "not" | "by"
        ),
        _ => matches!(word, ")" | "]"),
    }
}

fn begins_operand((kind, word): (TokenKind, &str)) -> bool {
    matches!(
        kind,
        TokenKind::Number | TokenKind::Word | TokenKind::String
    ) || matches!(word, "(" | "-")
}
