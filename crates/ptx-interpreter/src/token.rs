use crate::ParseError;

/// A token and the line that it is on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Token<'a> {
    pub(crate) kind: TokenKind<'a>,
    pub(crate) line: u32,
}

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum TokenKind<'a> {
    /// `add`, `%r1`, `$L_0`, `_`.
    Word(&'a str),
    /// `.f32`, `.shared::cta`, `.16`, without the first dot.
    Dotted(&'a str),
    Integer(u64),
    /// `1.5`.
    Decimal(f64),
    /// `0f3f800000`.
    Single(u32),
    /// `0d3ff0000000000000`.
    Double(u64),
    /// What stands between quotes.
    Quoted(&'a str),
    Mark(char),
}

/// Cuts a text into tokens; comments vanish.
pub(crate) fn tokens(text: &str) -> Result<Vec<Token<'_>>, ParseError> {
    let mut reader = Reader {
        text,
        at: 0,
        line: 1,
    };
    let mut tokens = Vec::new();
    while let Some(token) = reader.next()? {
        tokens.push(token);
    }
    Ok(tokens)
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    line: u32,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn error<T>(&self, message: impl Into<String>) -> Result<T, ParseError> {
        Err(ParseError {
            line: self.line,
            message: message.into(),
        })
    }

    fn skip_space(&mut self) -> Result<(), ParseError> {
        loop {
            let rest = self.rest();
            let space = rest.len() - rest.trim_start().len();
            let skipped = if space > 0 {
                space
            } else if rest.starts_with("//") {
                rest.find('\n').unwrap_or(rest.len())
            } else if rest.starts_with("/*") {
                match rest.find("*/") {
                    Some(end) => end + 2,
                    None => return self.error("this comment has no end"),
                }
            } else {
                return Ok(());
            };
            self.line += rest[..skipped].matches('\n').count() as u32;
            self.at += skipped;
        }
    }

    /// The longest start of what is left whose characters all satisfy `belongs`.
    fn take(&mut self, belongs: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|c| !belongs(c)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    fn next(&mut self) -> Result<Option<Token<'a>>, ParseError> {
        self.skip_space()?;
        let line = self.line;
        let Some(first) = self.rest().chars().next() else {
            return Ok(None);
        };
        let kind = match first {
            'a'..='z' | 'A'..='Z' | '_' | '$' | '%' => {
                let start = self.at;
                self.at += 1;
                let more = self
                    .take(|c| c.is_ascii_alphanumeric() || c == '_' || c == '$')
                    .len();
                TokenKind::Word(&self.text[start..start + 1 + more])
            }
            '.' => {
                self.at += 1;
                let name = self.take(|c| c.is_ascii_alphanumeric() || c == '_' || c == ':');
                // A label's colon is none of a modifier's.
                let name_end = name.trim_end_matches(':');
                self.at -= name.len() - name_end.len();
                if name_end.is_empty() {
                    return self.error("a dot without a name");
                }
                TokenKind::Dotted(name_end)
            }
            '0'..='9' => self.number()?,
            '"' => {
                self.at += 1;
                let rest = self.rest();
                match rest.find(['"', '\n']) {
                    Some(end) if rest[end..].starts_with('"') => {
                        self.at += end + 1;
                        TokenKind::Quoted(&rest[..end])
                    }
                    _ => return self.error("this string has no end"),
                }
            }
            '{' | '}' | '(' | ')' | '[' | ']' | '<' | '>' | ',' | ';' | ':' | '+' | '-' | '!'
            | '@' | '|' | '=' => {
                self.at += 1;
                TokenKind::Mark(first)
            }
            _ => return self.error(format!("`{}` begins nothing", first.escape_default())),
        };
        Ok(Some(Token { kind, line }))
    }

    fn number(&mut self) -> Result<TokenKind<'a>, ParseError> {
        let word = self.take(|c| c.is_ascii_alphanumeric() || c == '_');
        let radix = |digits: &str, radix| u64::from_str_radix(digits, radix);
        let plain = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        let found = if let Some(digits) = word.strip_prefix("0f").or(word.strip_prefix("0F")) {
            let bits = radix(digits, 16)
                .ok()
                .and_then(|bits| u32::try_from(bits).ok());
            bits.filter(|_| digits.len() == 8 && plain(digits))
                .map(TokenKind::Single)
        } else if let Some(digits) = word.strip_prefix("0d").or(word.strip_prefix("0D")) {
            let bits = radix(digits, 16).ok();
            bits.filter(|_| digits.len() == 16 && plain(digits))
                .map(TokenKind::Double)
        } else if let Some(digits) = word.strip_prefix("0x").or(word.strip_prefix("0X")) {
            radix(digits.trim_end_matches('U'), 16)
                .ok()
                .map(TokenKind::Integer)
        } else if let Some(digits) = word.strip_prefix("0b").or(word.strip_prefix("0B")) {
            radix(digits.trim_end_matches('U'), 2)
                .ok()
                .map(TokenKind::Integer)
        } else if self.rest().starts_with('.') && word.bytes().all(|byte| byte.is_ascii_digit()) {
            let start = self.at - word.len();
            self.at += 1;
            let digits = self.take(|c| c.is_ascii_alphanumeric());
            if digits.ends_with(['e', 'E']) && self.rest().starts_with(['-', '+']) {
                self.at += 1;
                self.take(|c| c.is_ascii_digit());
            }
            self.text[start..self.at]
                .parse()
                .ok()
                .map(TokenKind::Decimal)
        } else if word.len() > 1 && word.starts_with('0') {
            radix(word.trim_end_matches('U'), 8)
                .ok()
                .map(TokenKind::Integer)
        } else {
            radix(word.trim_end_matches('U'), 10)
                .ok()
                .map(TokenKind::Integer)
        };
        match found {
            Some(kind) => Ok(kind),
            None => self.error(format!("`{word}` is no number")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::TokenKind::*;
    use super::*;

    fn kinds(text: &str) -> Vec<TokenKind<'_>> {
        tokens(text)
            .unwrap()
            .into_iter()
            .map(|token| token.kind)
            .collect()
    }

    #[test]
    fn an_instruction_becomes_words_modifiers_and_marks() {
        let expected = [
            Mark('@'),
            Mark('!'),
            Word("%p1"),
            Word("st"),
            Dotted("shared::cta"),
            Dotted("v2"),
            Mark('['),
            Word("%r1"),
            Mark('+'),
            Integer(16),
            Mark(']'),
        ];
        assert_eq!(kinds("@!%p1 st.shared::cta.v2 [%r1+16]"), expected);
    }

    #[test]
    fn numbers_are_read_in_all_their_forms() {
        let text = "7 0x1F 017 0b101 0f3f800000 0d3ff0000000000000 1.5 2.5e-1";
        let expected = [
            Integer(7),
            Integer(31),
            Integer(15),
            Integer(5),
            Single(0x3f800000),
            Double(0x3ff0000000000000),
            Decimal(1.5),
            Decimal(0.25),
        ];
        assert_eq!(kinds(text), expected);
        assert!(tokens("0f3f80").is_err() && tokens("12ab").is_err());
    }

    #[test]
    fn comments_vanish_and_lines_are_counted() {
        let found = tokens("a // b\n/* c\n d */ e").unwrap();
        let lines: Vec<_> = found.iter().map(|token| (token.kind, token.line)).collect();
        assert_eq!(lines, [(Word("a"), 1), (Word("e"), 3)]);
    }
}
