use eyas_tensor::{Fact, Facts, Relation};
use serde_json::json;

use super::cursor::{Cursor, ParseCause, ParseError};
use super::line::GraphReader;
use crate::{
    Derived, Entry, Graph, GraphId, Initialiser, Mode, Module, Origin, ParameterDecl,
    ParameterKind, StateOutput, Symbol,
};

/// The lines that say something, numbered from 1.
type Lines<'a> = Box<dyn Iterator<Item = (usize, &'a str)> + 'a>;

/// Reads a whole module.
pub(super) fn module(text: &str) -> Result<Module, ParseError> {
    let said = |(_, line): &(usize, &str)| {
        let line = line.trim();
        !line.is_empty() && !line.starts_with("//")
    };
    let mut lines: Lines<'_> = Box::new((1..).zip(text.lines()).filter(said));
    let Some((number, first)) = lines.next() else {
        return Err(at_end(text, "`module`"));
    };
    let mut cursor = Cursor::new(number, first);
    if !cursor.take_word("module") {
        return Err(cursor.expected("`module`"));
    }
    cursor.end()?;
    let mut module = Module::default();
    let mut facts = Vec::new();
    while let Some((number, line)) = lines.next() {
        let mut cursor = Cursor::new(number, line);
        let start = Cursor::new(number, line);
        match cursor.word()? {
            "symbol" => module.symbols.push(symbol(&mut cursor)?),
            "fact" => facts.push(fact(&mut cursor)?),
            "parameter" => parameter(&mut cursor, ParameterKind::Parameter, &mut module)?,
            "state" => parameter(&mut cursor, ParameterKind::State, &mut module)?,
            "derived" => module.derived.push(derived(&mut cursor)?),
            "entry" => module.entries.push(entry(&mut cursor)?),
            "graph" => {
                let graph = graph(&mut cursor, module.graphs.len(), &mut lines)?;
                module
                    .graphs
                    .push(graph.ok_or_else(|| at_end(text, "`}`"))?);
            }
            _ => {
                let kinds = "`symbol`, `fact`, `parameter`, `state`, `graph`, `derived` or `entry`";
                return Err(start.expected(kinds));
            }
        }
        cursor.end()?;
    }
    module.facts = serde_json::from_value::<Facts>(json!({ "facts": facts })).unwrap_or_default();
    Ok(module)
}

fn at_end(text: &str, wanted: &'static str) -> ParseError {
    ParseError {
        line: text.lines().count().max(1),
        column: text.lines().last().map_or(0, |line| line.chars().count()) + 1,
        cause: ParseCause::End(wanted),
    }
}

fn symbol(cursor: &mut Cursor<'_>) -> Result<Symbol, ParseError> {
    let name = cursor.string()?;
    let span = cursor.origin()?.spans.pop_first();
    Ok(Symbol { name, span })
}

fn fact(cursor: &mut Cursor<'_>) -> Result<Fact, ParseError> {
    let left = cursor.dim(&['<', '=', '!'])?;
    let relations = [
        ("==", Relation::Equal),
        ("!=", Relation::NotEqual),
        ("<=", Relation::LessOrEqual),
        ("<", Relation::Less),
    ];
    let relation = relations.into_iter().find(|(token, _)| cursor.take(token));
    let Some((_, relation)) = relation else {
        return Err(cursor.expected("`==`, `!=`, `<=` or `<`"));
    };
    let right = cursor.dim(&['"'])?;
    let message = match cursor.at_end() {
        true => None,
        false => Some(cursor.string()?),
    };
    Ok(Fact {
        left,
        relation,
        right,
        message,
    })
}

fn parameter(
    cursor: &mut Cursor<'_>,
    kind: ParameterKind,
    module: &mut Module,
) -> Result<(), ParseError> {
    let path = cursor.string()?;
    cursor.expect(":")?;
    let ty = cursor.tensor_type()?;
    let initialiser = match cursor.take("=") {
        true => Some(initialiser(cursor)?),
        false => None,
    };
    let span = cursor.origin()?.spans.pop_first();
    let declaration = ParameterDecl {
        ty,
        initialiser,
        kind,
        span,
    };
    match module.parameters.insert(path.clone(), declaration) {
        Some(_) => Err(cursor.error(ParseCause::Twice(path))),
        None => Ok(()),
    }
}

fn initialiser(cursor: &mut Cursor<'_>) -> Result<Initialiser, ParseError> {
    if cursor.take("fill(") {
        let value = cursor.float()?;
        cursor.expect(")")?;
        return Ok(Initialiser::Fill(value));
    }
    let uniform = cursor.take("uniform(");
    if !uniform && !cursor.take("normal(") {
        return Err(cursor.expected("`fill(`, `uniform(` or `normal(`"));
    }
    let first = cursor.float()?;
    cursor.expect(",")?;
    let second = cursor.float()?;
    cursor.expect(")")?;
    Ok(match uniform {
        true => Initialiser::Uniform {
            low: first,
            high: second,
        },
        false => Initialiser::Normal {
            mean: first,
            deviation: second,
        },
    })
}

fn derived(cursor: &mut Cursor<'_>) -> Result<Derived, ParseError> {
    let path = cursor.string()?;
    cursor.expect(":")?;
    let ty = cursor.tensor_type()?;
    cursor.expect("=")?;
    let graph = cursor.graph()?;
    let counters = match cursor.take_key() {
        Some("counters") => serde_json::from_value(cursor.value()?)
            .map_err(|error| cursor.error(ParseCause::Op(error.to_string())))?,
        Some(_) => return Err(cursor.expected("`counters=`")),
        None => Vec::new(),
    };
    Ok(Derived {
        path,
        ty,
        graph,
        counters,
    })
}

fn entry(cursor: &mut Cursor<'_>) -> Result<Entry, ParseError> {
    let name = cursor.string()?;
    cursor.expect("=")?;
    let graph = cursor.graph()?;
    let mode = if cursor.take_word("inference") {
        Mode::Inference
    } else if cursor.take_word("training") {
        Mode::Training
    } else {
        return Err(cursor.expected("`inference` or `training`"));
    };
    let states = states(cursor)?;
    Ok(Entry {
        name,
        graph,
        mode,
        states,
    })
}

/// `state count=1, cache=2`; nothing where no state changes.
fn states(cursor: &mut Cursor<'_>) -> Result<Vec<StateOutput>, ParseError> {
    let mut states = Vec::new();
    if !cursor.take_word("state") {
        return Ok(states);
    }
    loop {
        let path = cursor.string()?;
        cursor.expect("=")?;
        let output = cursor.integer()?;
        states.push(StateOutput { path, output });
        if !cursor.take(",") {
            return Ok(states);
        }
    }
}

/// A graph after its first word; `None` where the text ends within it.
fn graph(
    cursor: &mut Cursor<'_>,
    place: usize,
    lines: &mut Lines<'_>,
) -> Result<Option<Graph>, ParseError> {
    if cursor.graph()? != GraphId(place) {
        return Err(cursor.expected(&format!("`#{place}`, the graph's place")));
    }
    let mut reader = GraphReader::new(cursor.string()?);
    cursor.expect("{")?;
    cursor.end()?;
    for (number, line) in lines {
        let mut cursor = Cursor::new(number, line);
        if cursor.take("}") {
            cursor.end()?;
            return Ok(Some(reader.finish()));
        }
        reader.line(&mut cursor)?;
        cursor.end()?;
    }
    Ok(None)
}

impl Cursor<'_> {
    /// What `@` leads: spans, then labels; nothing where there is none.
    pub(super) fn origin(&mut self) -> Result<Origin, ParseError> {
        let mut origin = Origin::default();
        if !self.take("@") {
            return Ok(origin);
        }
        while !self.at_end() {
            if let Some(span) = self.take_source_span()? {
                origin.spans.insert(span);
            } else {
                origin.labels.insert(self.string()?);
            }
        }
        Ok(origin)
    }
}
