use std::collections::BTreeMap;

use eyas_diagnostic::{FileId, Span};
use serde_json::Map;

use super::attribute;
use super::cursor::{Cursor, ParseCause, ParseError};
use crate::{Graph, Op, TensorType, Value};

/// Builds a graph from its lines.
pub(super) struct GraphReader {
    graph: Graph,
    values: BTreeMap<u64, Value>,
    returned: bool,
}

impl GraphReader {
    pub(super) fn new(name: String) -> GraphReader {
        GraphReader {
            graph: Graph::new(name),
            values: BTreeMap::new(),
            returned: false,
        }
    }

    pub(super) fn finish(self) -> Graph {
        self.graph
    }

    /// Takes up a node, or the outputs, which come last.
    pub(super) fn line(&mut self, cursor: &mut Cursor<'_>) -> Result<(), ParseError> {
        if self.returned {
            return Err(cursor.expected("`}`"));
        }
        if !cursor.take_word("return") {
            return self.node(cursor);
        }
        self.returned = true;
        loop {
            let name = cursor.string()?;
            cursor.expect("=")?;
            let value = self.value(cursor)?;
            self.graph.add_output(name, value);
            if !cursor.take(",") {
                return Ok(());
            }
        }
    }

    fn node(&mut self, cursor: &mut Cursor<'_>) -> Result<(), ParseError> {
        let names = self.new_names(cursor)?;
        let name = cursor.word()?;
        let operands = self.operands(cursor)?;
        let fields = attributes(cursor, name)?;
        let op = attribute::rebuild(name, fields)
            .map_err(|message| cursor.error(ParseCause::Op(message)))?;
        let types = types(cursor)?;
        if names.len() != types.len() {
            let (values, types) = (names.len(), types.len());
            return Err(cursor.error(ParseCause::ResultCount { values, types }));
        }
        let origin = cursor.origin()?;
        let node = match (op, &types[..]) {
            (Op::Input { name }, [ty]) if operands.is_empty() => {
                let node = self.graph.add_input(name, ty.clone()).node;
                self.graph.node_mut(node).origin = origin;
                node
            }
            (Op::Input { .. }, _) => {
                let message = "an input has one result and no operands".to_string();
                return Err(cursor.error(ParseCause::Op(message)));
            }
            (op, _) => self.graph.add_typed(op, &operands, types, origin).node,
        };
        for (result, name) in (0..).zip(names) {
            self.values.insert(name, Value { node, result });
        }
        Ok(())
    }

    /// `%5, %6 =`; nothing for a node without results.
    fn new_names(&self, cursor: &mut Cursor<'_>) -> Result<Vec<u64>, ParseError> {
        let mut names = Vec::new();
        if !cursor.sees("%") {
            return Ok(names);
        }
        let mut known = std::collections::BTreeSet::new();
        loop {
            cursor.expect("%")?;
            let name = cursor.integer()?;
            if self.values.contains_key(&name) || !known.insert(name) {
                return Err(cursor.error(ParseCause::DefinedTwice(name)));
            }
            names.push(name);
            if !cursor.take(",") {
                cursor.expect("=")?;
                return Ok(names);
            }
        }
    }

    fn operands(&self, cursor: &mut Cursor<'_>) -> Result<Vec<Value>, ParseError> {
        let mut operands = Vec::new();
        if !cursor.sees("%") {
            return Ok(operands);
        }
        loop {
            operands.push(self.value(cursor)?);
            if !cursor.take(",") {
                return Ok(operands);
            }
        }
    }

    fn value(&self, cursor: &mut Cursor<'_>) -> Result<Value, ParseError> {
        cursor.expect("%")?;
        let name = cursor.integer()?;
        let found = self.values.get(&name).copied();
        found.ok_or_else(|| cursor.error(ParseCause::UndefinedValue(name)))
    }
}

fn attributes(
    cursor: &mut Cursor<'_>,
    op: &str,
) -> Result<Map<String, serde_json::Value>, ParseError> {
    let mut fields = Map::new();
    while !cursor.at_end() && !cursor.sees(":") && !cursor.sees("@") {
        let key = match (cursor.take_key(), attribute::positional(op)) {
            (Some(key), _) => key,
            (None, Some(key)) if fields.is_empty() => key,
            (None, _) => return Err(cursor.expected("an attribute or `:`")),
        };
        let value = cursor.value()?;
        if fields.insert(key.to_string(), value).is_some() {
            return Err(cursor.error(ParseCause::Twice(key.to_string())));
        }
    }
    Ok(fields)
}

fn types(cursor: &mut Cursor<'_>) -> Result<Vec<TensorType>, ParseError> {
    let mut types = Vec::new();
    if !cursor.take(":") {
        return Ok(types);
    }
    loop {
        types.push(cursor.tensor_type()?);
        if !cursor.take(",") {
            return Ok(types);
        }
    }
}

impl Cursor<'_> {
    /// A span such as `0:12-20`, where the text goes on with a digit.
    pub(super) fn take_source_span(&mut self) -> Result<Option<Span>, ParseError> {
        if !self.sees_digit() {
            return Ok(None);
        }
        let file = FileId(self.integer()?);
        self.expect(":")?;
        let start = self.integer()?;
        self.expect("-")?;
        Ok(Some(Span::new(file, start, self.integer()?)))
    }
}
