//! Ops as a name and attributes, through their serde form.

use std::fmt::Write;

use serde_json::{Map, Value};

use crate::Op;

/// Ops that are printed as the name of what they wrap, and the field that holds it.
const WRAPPERS: [(&str, &str); 4] = [
    ("unary", "function"),
    ("binary", "function"),
    ("compare", "comparison"),
    ("composite", "composite"),
];

/// Attributes that are printed without their key.
const POSITIONAL: [(&str, &str); 4] = [
    ("input", "name"),
    ("parameter", "path"),
    ("state", "path"),
    ("constant", "value"),
];

/// Attributes that name a graph.
const GRAPHS: [&str; 3] = ["body", "then", "otherwise"];

impl Op {
    /// The op's name in the text form: `tanh`, `contraction`.
    pub fn text_name(&self) -> String {
        parts(self).0
    }
}

/// The op's name in the text form, and its attributes.
pub(crate) fn parts(op: &Op) -> (String, Map<String, Value>) {
    let (name, fields) = tagged(serde_json::to_value(op).unwrap_or_default());
    let wrapped = WRAPPERS.iter().find(|(wrapper, _)| *wrapper == name);
    match wrapped.and_then(|(_, field)| fields.get(*field).cloned()) {
        Some(inner) => tagged(inner),
        None => (name, fields),
    }
}

/// An externally tagged value as its tag and fields.
fn tagged(value: Value) -> (String, Map<String, Value>) {
    match value {
        Value::String(name) => (name, Map::new()),
        Value::Object(map) => match map.into_iter().next() {
            Some((name, Value::Object(fields))) => (name, fields),
            Some((name, _)) => (name, Map::new()),
            None => Default::default(),
        },
        _ => Default::default(),
    }
}

/// The op of a name and attributes; an error is a sentence.
pub(super) fn rebuild(name: &str, fields: Map<String, Value>) -> Result<Op, String> {
    let tag = |name: &str, fields: &Map<String, Value>| match fields.is_empty() {
        true => Value::String(name.to_string()),
        false => Value::Object(Map::from_iter([(name.to_string(), fields.clone().into())])),
    };
    let mut fault = format!("no op is named `{name}`");
    let mut read = |value: Value| {
        serde_json::from_value::<Op>(value)
            .map_err(|error| {
                let message = error.to_string();
                if message.starts_with("invalid type: map, expected unit") {
                    fault = format!("`{name}` takes no attributes");
                } else if message.starts_with("invalid type: unit variant") {
                    fault = format!("`{name}` lacks its attributes");
                } else if !message.starts_with("unknown variant") {
                    fault = message;
                }
            })
            .ok()
    };
    let op = read(tag(name, &fields)).or_else(|| {
        WRAPPERS.iter().find_map(|(wrapper, field)| {
            let inner = Map::from_iter([((*field).to_string(), tag(name, &fields))]);
            read(tag(wrapper, &inner))
        })
    });
    let op = op.ok_or(fault)?;
    let (_, known) = parts(&op);
    match fields.keys().find(|key| !known.contains_key(*key)) {
        Some(key) => Err(format!("`{name}` has no attribute `{key}`")),
        None => Ok(op),
    }
}

/// The field that stands first without its key.
pub(crate) fn positional(name: &str) -> Option<&'static str> {
    let found = POSITIONAL.iter().find(|(op, _)| *op == name);
    found.map(|(_, field)| *field)
}

/// Appends the attributes of an op whose [`parts`] these are, each after a space.
pub(super) fn print(text: &mut String, op: &Op, (name, fields): &(String, Map<String, Value>)) {
    for (key, value) in fields {
        text.push(' ');
        if positional(name) != Some(&**key) {
            text.push_str(key);
            text.push('=');
        }
        match value {
            Value::Number(number) if GRAPHS.contains(&&**key) => {
                let _ = write!(text, "#{number}");
            }
            _ => match op {
                Op::Contraction {
                    epilogue: Some(body),
                    ..
                } if key == "epilogue" => drop(write!(text, "{body}")),
                _ => print_value(text, value),
            },
        }
    }
}

/// Appends a value: JSON with bare words, constants as `f32[2](1.0, 2.0)`.
pub(crate) fn print_value(text: &mut String, value: &Value) {
    match value {
        Value::String(string) => print_string(text, string),
        Value::Array(items) => {
            text.push('[');
            for (place, item) in items.iter().enumerate() {
                text.push_str(if place == 0 { "" } else { ", " });
                print_value(text, item);
            }
            text.push(']');
        }
        Value::Object(fields) => {
            if print_constant(text, fields) {
                return;
            }
            text.push('{');
            for (place, (key, item)) in fields.iter().enumerate() {
                text.push_str(if place == 0 { "" } else { ", " });
                print_string(text, key);
                text.push_str(": ");
                print_value(text, item);
            }
            text.push('}');
        }
        other => drop(write!(text, "{other}")),
    }
}

/// Appends the fields of a constant; false where they are not a constant's.
fn print_constant(text: &mut String, fields: &Map<String, Value>) -> bool {
    let (Some(Value::String(dtype)), Some(Value::Array(shape)), Some(Value::Array(elements))) = (
        fields.get("dtype"),
        fields.get("shape"),
        fields.get("elements"),
    ) else {
        return false;
    };
    text.push_str(dtype);
    print_value(text, &Value::Array(shape.clone()));
    text.push('(');
    for (place, element) in elements.iter().enumerate() {
        text.push_str(if place == 0 { "" } else { ", " });
        text.push_str(element.as_str().unwrap_or_default());
    }
    text.push(')');
    true
}

/// Appends a string, quoted where it is not a word.
pub(super) fn print_string(text: &mut String, string: &str) {
    if is_word(string) {
        text.push_str(string);
    } else {
        text.push_str(&Value::from(string).to_string());
    }
}

/// Whether a string may stand without quotes.
pub(super) fn is_word(string: &str) -> bool {
    let first = |c: char| c.is_ascii_alphabetic() || c == '_';
    string.starts_with(first)
        && string.chars().all(is_word_character)
        && !matches!(string, "true" | "false" | "null")
}

/// Whether a character may stand in a word.
pub(super) fn is_word_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '.')
}
