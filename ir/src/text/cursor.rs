use eyas_tensor::Dim;
use serde_json::{Map, Number, Value};

use super::attribute::is_word_character;
use crate::{GraphId, TensorType};

/// Levels that values may nest.
const NESTING_LIMIT: usize = 32;

/// Why a text is not a module, and where it stops being one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {cause}")]
pub struct ParseError {
    /// The line, from 1.
    pub line: usize,
    /// The character in the line, from 1.
    pub column: usize,
    /// What is wrong.
    pub cause: ParseCause,
}

/// What is wrong with a text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseCause {
    /// Something else must stand here.
    #[error("expected {0}")]
    Expected(String),
    /// The text ends within a module.
    #[error("the text ends, but expected {0}")]
    End(&'static str),
    /// A value that no node before gives.
    #[error("nothing before gives `%{0}`")]
    UndefinedValue(u64),
    /// A value that a node before gives already.
    #[error("`%{0}` is given twice")]
    DefinedTwice(u64),
    /// A name that stands twice in one list.
    #[error("`{0}` stands twice")]
    Twice(String),
    /// An op or attribute that does not exist or does not fit.
    #[error("{0}")]
    Op(String),
    /// A type or dim that does not read.
    #[error("{0}")]
    Type(String),
    /// Another number of results than of types.
    #[error("{values} values are named, but {types} types are given")]
    ResultCount {
        /// Names before `=`.
        values: usize,
        /// Types after `:`.
        types: usize,
    },
    /// Values that nest too deeply.
    #[error("values nest more than {NESTING_LIMIT} levels")]
    Nesting,
}

/// A place in a line.
#[derive(Clone, Copy)]
pub(super) struct Cursor<'a> {
    number: usize,
    line: &'a str,
    position: usize,
    depth: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(number: usize, line: &'a str) -> Cursor<'a> {
        let (position, depth) = (0, 0);
        Cursor {
            number,
            line,
            position,
            depth,
        }
    }

    pub(super) fn error(&self, cause: ParseCause) -> ParseError {
        ParseError {
            line: self.number,
            column: self.line[..self.position].chars().count() + 1,
            cause,
        }
    }

    pub(super) fn expected(&self, what: &str) -> ParseError {
        self.error(ParseCause::Expected(what.to_string()))
    }

    fn rest(&self) -> &'a str {
        &self.line[self.position..]
    }

    pub(super) fn skip_spaces(&mut self) {
        let rest = self.rest();
        self.position += rest.len() - rest.trim_start().len();
    }

    /// Whether nothing is left but spaces.
    pub(super) fn at_end(&mut self) -> bool {
        self.skip_spaces();
        self.rest().is_empty()
    }

    pub(super) fn end(&mut self) -> Result<(), ParseError> {
        match self.at_end() {
            true => Ok(()),
            false => Err(self.expected("the end of the line")),
        }
    }

    /// Whether the text goes on so, after spaces.
    pub(super) fn sees(&mut self, token: &str) -> bool {
        self.skip_spaces();
        self.rest().starts_with(token)
    }

    /// Whether a digit comes next, after spaces.
    pub(super) fn sees_digit(&mut self) -> bool {
        self.skip_spaces();
        self.rest().starts_with(|c: char| c.is_ascii_digit())
    }

    /// Whether a number or a truth value comes next, after spaces.
    pub(super) fn sees_number(&mut self) -> bool {
        let mut ahead = *self;
        self.sees_digit()
            || self.sees("-")
            || matches!(ahead.word(), Ok("NaN" | "inf" | "true" | "false"))
    }

    pub(super) fn take(&mut self, token: &str) -> bool {
        let found = self.sees(token);
        self.position += if found { token.len() } else { 0 };
        found
    }

    pub(super) fn expect(&mut self, token: &str) -> Result<(), ParseError> {
        match self.take(token) {
            true => Ok(()),
            false => Err(self.expected(&format!("`{token}`"))),
        }
    }

    /// The characters up to the first that does not belong.
    fn span(&mut self, belongs: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|c| !belongs(c)).unwrap_or(rest.len());
        self.position += end;
        &rest[..end]
    }

    pub(super) fn word(&mut self) -> Result<&'a str, ParseError> {
        self.skip_spaces();
        let start = self.position;
        let word = self.span(is_word_character);
        if word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
            return Ok(word);
        }
        self.position = start;
        Err(self.expected("a word"))
    }

    /// A keyword: a whole word.
    pub(super) fn take_word(&mut self, keyword: &str) -> bool {
        self.skip_spaces();
        let start = self.position;
        let found = self.word().is_ok_and(|word| word == keyword);
        self.position = if found { self.position } else { start };
        found
    }

    /// A word that `=` follows: an attribute's key.
    pub(super) fn take_key(&mut self) -> Option<&'a str> {
        self.skip_spaces();
        let start = self.position;
        if let Ok(word) = self.word()
            && self.rest().starts_with('=')
        {
            self.position += 1;
            return Some(word);
        }
        self.position = start;
        None
    }

    pub(super) fn integer<T: std::str::FromStr>(&mut self) -> Result<T, ParseError> {
        self.skip_spaces();
        let start = self.position;
        let digits = self.span(|c| c.is_ascii_digit());
        digits.parse().map_err(|_| {
            self.position = start;
            self.expected("a number")
        })
    }

    /// A float, with `inf` and `NaN` among them.
    pub(super) fn float(&mut self) -> Result<f64, ParseError> {
        self.skip_spaces();
        let start = self.position;
        let text = self.span(is_scalar_character);
        text.parse().map_err(|_| {
            self.position = start;
            self.expected("a floating-point number")
        })
    }

    pub(super) fn graph(&mut self) -> Result<GraphId, ParseError> {
        self.expect("#")?;
        self.integer().map(GraphId)
    }

    /// A word or a quoted string.
    pub(super) fn string(&mut self) -> Result<String, ParseError> {
        match self.sees("\"") {
            true => self.quoted(),
            false => self.word().map(str::to_string),
        }
    }

    fn quoted(&mut self) -> Result<String, ParseError> {
        let rest = self.rest();
        let mut escaped = false;
        let closing = rest.char_indices().skip(1).find(|(_, c)| {
            let closes = *c == '"' && !escaped;
            escaped = *c == '\\' && !escaped;
            closes
        });
        let text = closing.and_then(|(end, _)| serde_json::from_str(&rest[..=end]).ok());
        match (text, closing) {
            (Some(text), Some((end, _))) => {
                self.position += end + 1;
                Ok(text)
            }
            _ => Err(self.expected("a string")),
        }
    }

    /// A type: `f32[B, 784]`.
    pub(super) fn tensor_type(&mut self) -> Result<TensorType, ParseError> {
        self.skip_spaces();
        let rest = self.rest();
        let Some(end) = rest.find(']') else {
            return Err(self.expected("a type such as `f32[B, 784]`"));
        };
        let read: Result<TensorType, _> = rest[..=end].parse();
        let ty = read.map_err(|error| self.error(ParseCause::Type(error.to_string())))?;
        self.position += end + 1;
        Ok(ty)
    }

    /// A dim that ends before one of these characters.
    pub(super) fn dim(&mut self, ends: &[char]) -> Result<Dim, ParseError> {
        self.skip_spaces();
        let start = self.position;
        let text = self.span(|c| !ends.contains(&c));
        text.trim_end().parse::<Dim>().map_err(|error| {
            self.position = start;
            self.error(ParseCause::Type(error.to_string()))
        })
    }

    /// A value of an attribute: JSON with bare words, `#0` for graphs, constants and bodies.
    pub(super) fn value(&mut self) -> Result<Value, ParseError> {
        self.depth += 1;
        if self.depth > NESTING_LIMIT {
            return Err(self.error(ParseCause::Nesting));
        }
        let value = self.value_within_limit();
        self.depth -= 1;
        value
    }

    fn value_within_limit(&mut self) -> Result<Value, ParseError> {
        if self.take("[") {
            return self.items("]", Cursor::value).map(Value::Array);
        }
        if self.take("{") {
            let mut fields = Map::new();
            for (key, value) in self.items("}", Cursor::field)? {
                if fields.insert(key.clone(), value).is_some() {
                    return Err(self.error(ParseCause::Twice(key)));
                }
            }
            return Ok(Value::Object(fields));
        }
        if self.sees("\"") {
            return self.quoted().map(Value::String);
        }
        if self.sees("(") {
            return Ok(serde_json::to_value(self.body()?).unwrap_or_default());
        }
        if self.take("#") {
            return self.integer::<u64>().map(Value::from);
        }
        if self.sees("-") || self.rest().starts_with(|c: char| c.is_ascii_digit()) {
            return self.number();
        }
        let word = self.word().map_err(|_| self.expected("a value"))?;
        Ok(match word {
            "null" => Value::Null,
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            _ if self.rest().starts_with('[') => self.constant(word)?,
            _ => Value::from(word),
        })
    }

    fn number(&mut self) -> Result<Value, ParseError> {
        let start = self.position;
        let text = self.span(is_scalar_character);
        let integer = text.parse::<i64>().ok().map(Number::from);
        let integer = integer.or_else(|| text.parse::<u64>().ok().map(Number::from));
        let number = integer.or_else(|| Number::from_f64(text.parse().ok()?));
        number.map(Value::Number).ok_or_else(|| {
            self.position = start;
            self.expected("a number")
        })
    }

    fn field(&mut self) -> Result<(String, Value), ParseError> {
        let key = self.string()?;
        self.expect(":")?;
        Ok((key, self.value()?))
    }

    /// The rest of a constant: `[2](1.0, 2.0)`.
    pub(super) fn constant(&mut self, dtype: &str) -> Result<Value, ParseError> {
        self.expect("[")?;
        let shape = self.items("]", |cursor| cursor.integer::<u64>().map(Value::from))?;
        self.expect("(")?;
        let elements = self.items(")", |cursor| cursor.element().map(Value::from))?;
        let fields = [
            ("dtype", Value::from(dtype)),
            ("shape", Value::Array(shape)),
            ("elements", Value::Array(elements)),
        ];
        let fields = fields.map(|(key, value)| (key.to_string(), value));
        Ok(Value::Object(Map::from_iter(fields)))
    }

    /// An element of a constant: `2`, `-0.5`, `NaN`, `true`.
    pub(super) fn element(&mut self) -> Result<&'a str, ParseError> {
        self.skip_spaces();
        match self.span(is_scalar_character) {
            "" => Err(self.expected("an element")),
            element => Ok(element),
        }
    }

    /// Items with commas between, up to a closing token.
    pub(super) fn items<T>(
        &mut self,
        close: &str,
        item: impl Fn(&mut Self) -> Result<T, ParseError>,
    ) -> Result<Vec<T>, ParseError> {
        let mut items = Vec::new();
        if self.take(close) {
            return Ok(items);
        }
        loop {
            items.push(item(self)?);
            if self.take(close) {
                return Ok(items);
            }
            self.expect(",")?;
        }
    }
}

/// Whether a character may stand in a number, `NaN`, `inf` or a truth value.
fn is_scalar_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '+' | '-')
}
