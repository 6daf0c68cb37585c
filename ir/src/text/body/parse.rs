//! Bodies from their text form.

use std::collections::BTreeMap;
use std::str::FromStr;

use eyas_tensor::DType;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::implied;
use crate::text::cursor::{Cursor, ParseCause, ParseError};
use crate::{Body, Scalar, ScalarId, ScalarOp};

/// Reads the text form. Every operand exists and stands before its user; the types may not fit.
impl FromStr for Body {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Body, ParseError> {
        let mut cursor = Cursor::new(1, text);
        let body = cursor.body()?;
        cursor.end()?;
        Ok(body)
    }
}

impl Cursor<'_> {
    /// A body: `(%0: f32) { %1 = exp %0; return %1 }`.
    pub(in crate::text) fn body(&mut self) -> Result<Body, ParseError> {
        self.expect("(")?;
        let inputs = self.items(")", Cursor::body_input)?;
        let mut reader = BodyReader::default();
        for (input, (place, dtype)) in (0..).zip(inputs) {
            reader.body.inputs.push(dtype);
            if let Some(place) = place
                && reader.inputs.insert(place, input).is_some()
            {
                return Err(self.error(ParseCause::DefinedTwice(place.into())));
            }
        }
        self.expect("{")?;
        reader.push_inputs();
        while self.sees("%") {
            reader.node(self)?;
            self.expect(";")?;
            reader.push_inputs();
        }
        if !reader.inputs.is_empty() || !self.take_word("return") {
            let next = reader.body.nodes.len();
            let or_return = match reader.inputs.is_empty() {
                true => " or `return`",
                false => "",
            };
            return Err(self.expected(&format!("`%{next}`{or_return}")));
        }
        let outputs = self.items("}", |cursor| reader.operand(cursor))?;
        reader.body.outputs = outputs;
        Ok(reader.body)
    }

    /// An input in the head: its type, after its place where it has one.
    fn body_input(&mut self) -> Result<(Option<u32>, DType), ParseError> {
        let mut place = None;
        if self.take("%") {
            place = Some(self.integer()?);
            self.expect(":")?;
        }
        Ok((place, self.dtype()?))
    }

    fn dtype(&mut self) -> Result<DType, ParseError> {
        self.skip_spaces();
        let start = *self;
        let dtype = self.word().ok().and_then(|word| word.parse().ok());
        dtype.ok_or_else(|| start.expected("a type such as `f32`"))
    }
}

/// Builds a body from its nodes.
#[derive(Default)]
struct BodyReader {
    body: Body,
    /// Inputs whose places are not reached yet.
    inputs: BTreeMap<u32, u32>,
}

impl BodyReader {
    /// Adds the inputs whose places come next.
    fn push_inputs(&mut self) {
        while let Some(input) = self.inputs.remove(&(self.body.nodes.len() as u32)) {
            let dtype = self.body.inputs[input as usize];
            let op = ScalarOp::Input(input);
            self.body.nodes.push(Scalar { op, dtype });
        }
    }

    /// `%2: f32 = add %0, %1`
    fn node(&mut self, cursor: &mut Cursor<'_>) -> Result<(), ParseError> {
        let start = *cursor;
        let next = self.body.nodes.len();
        cursor.expect("%")?;
        if cursor.integer::<usize>()? != next {
            return Err(start.expected(&format!("`%{next}`, the node's place")));
        }
        let written = match cursor.take(":") {
            true => Some(cursor.dtype()?),
            false => None,
        };
        cursor.expect("=")?;
        let untyped = || {
            let message = format!("`%{next}` needs a type, such as `%{next}: f32`");
            start.error(ParseCause::Op(message))
        };
        let op = match cursor.sees_number() {
            true => {
                let dtype = written.or(self.body.inputs.first().copied());
                number(cursor, dtype.ok_or_else(untyped)?)?
            }
            false => self.op(cursor)?,
        };
        let dtype = written.or_else(|| implied(&op, &self.body.inputs, &self.body.nodes));
        let dtype = dtype.ok_or_else(untyped)?;
        self.body.nodes.push(Scalar { op, dtype });
        Ok(())
    }

    fn op(&self, cursor: &mut Cursor<'_>) -> Result<ScalarOp, ParseError> {
        cursor.skip_spaces();
        let start = *cursor;
        let word = cursor.word()?;
        Ok(match word {
            "input" => ScalarOp::Input(self.input(cursor)?),
            "literal" => {
                let dtype = cursor.word()?;
                let value = cursor.constant(dtype)?;
                literal(&start, value)?
            }
            "extent" => ScalarOp::Extent(cursor.dim(&[';', '}'])?),
            "index" => ScalarOp::Index(cursor.integer()?),
            "shift_left" => {
                let by = cursor.integer()?;
                ScalarOp::ShiftLeft(self.operand(cursor)?, by)
            }
            "shift_right" => {
                let by = cursor.integer()?;
                ScalarOp::ShiftRight(self.operand(cursor)?, by)
            }
            "cast" => ScalarOp::Cast(self.operand(cursor)?),
            "bitcast" => ScalarOp::Bitcast(self.operand(cursor)?),
            "select" => {
                let [condition, a, b] = self.operands(cursor)?;
                ScalarOp::Select(condition, a, b)
            }
            "multiply_add" => {
                let [a, b, c] = self.operands(cursor)?;
                ScalarOp::MultiplyAdd(a, b, c)
            }
            _ => {
                if let Some(function) = named(word) {
                    ScalarOp::Unary(function, self.operand(cursor)?)
                } else if let Some(function) = named(word) {
                    let [a, b] = self.operands(cursor)?;
                    ScalarOp::Binary(function, a, b)
                } else if let Some(comparison) = named(word) {
                    let [a, b] = self.operands(cursor)?;
                    ScalarOp::Compare(comparison, a, b)
                } else {
                    let message = format!("no scalar op is named `{word}`");
                    return Err(start.error(ParseCause::Op(message)));
                }
            }
        })
    }

    /// An input's number.
    fn input(&self, cursor: &mut Cursor<'_>) -> Result<u32, ParseError> {
        cursor.skip_spaces();
        let start = *cursor;
        let input: u32 = cursor.integer()?;
        match self.body.inputs.get(input as usize) {
            Some(_) => Ok(input),
            None => Err(start.error(ParseCause::Op(format!("there is no input {input}")))),
        }
    }

    /// A node that stands already.
    fn operand(&self, cursor: &mut Cursor<'_>) -> Result<ScalarId, ParseError> {
        cursor.skip_spaces();
        let start = *cursor;
        cursor.expect("%")?;
        let place: u32 = cursor.integer()?;
        match self.body.nodes.get(place as usize) {
            Some(_) => Ok(ScalarId(place)),
            None => Err(start.error(ParseCause::UndefinedValue(place.into()))),
        }
    }

    fn operands<const COUNT: usize>(
        &self,
        cursor: &mut Cursor<'_>,
    ) -> Result<[ScalarId; COUNT], ParseError> {
        let mut operands = [ScalarId(0); COUNT];
        for (place, operand) in operands.iter_mut().enumerate() {
            if place > 0 {
                cursor.expect(",")?;
            }
            *operand = self.operand(cursor)?;
        }
        Ok(operands)
    }
}

/// The function of a name, as its serde form has it.
fn named<T: DeserializeOwned>(word: &str) -> Option<T> {
    serde_json::from_value(Value::from(word)).ok()
}

/// A literal that is a number alone.
fn number(cursor: &mut Cursor<'_>, dtype: DType) -> Result<ScalarOp, ParseError> {
    cursor.skip_spaces();
    let start = *cursor;
    let element = cursor.element()?;
    literal(
        &start,
        json!({ "dtype": dtype, "shape": [], "elements": [element] }),
    )
}

/// A literal from a constant's serde form, read at `start`.
fn literal(start: &Cursor<'_>, value: Value) -> Result<ScalarOp, ParseError> {
    let value = serde_json::from_value(value).map(ScalarOp::Literal);
    value.map_err(|error| start.error(ParseCause::Op(error.to_string())))
}
