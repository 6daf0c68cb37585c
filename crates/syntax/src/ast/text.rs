use super::File;
use serde_json::Value;
use std::fmt::Write;

impl File {
    /// The tree as indented text, spans left out: what `eyas dump --stage ast` prints.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        if let Ok(tree) = serde_json::to_value(self) {
            write_node(&mut text, "file", &tree, 0);
        }
        text
    }
}

/// One line for a node, and its parts below it; nodes with a single part share its line.
fn write_node(text: &mut String, name: &str, tree: &Value, depth: usize) {
    let mut line = name.to_owned();
    let mut node = tree;
    while let Some((field, value)) = single_part(node) {
        if field.starts_with(|first: char| first.is_ascii_uppercase()) {
            line.push(' ');
            line.push_str(field);
        }
        node = value;
    }
    let indent = "  ".repeat(depth);
    match node {
        Value::Null => {}
        Value::Array(entries) if entries.is_empty() => {}
        Value::Array(entries) => {
            let _ = writeln!(text, "{indent}{line}");
            for entry in entries {
                write_node(text, "-", entry, depth + 1);
            }
        }
        Value::Object(fields) if is_span(node) || fields.is_empty() => {
            let _ = writeln!(text, "{indent}{line}");
        }
        Value::Object(fields) => {
            let _ = writeln!(text, "{indent}{line}");
            for (field, value) in fields.iter().filter(|(field, _)| *field != "span") {
                write_node(text, field, value, depth + 1);
            }
        }
        scalar => {
            let _ = writeln!(text, "{indent}{line} {scalar}");
        }
    }
}

/// The only part of a node besides its span; of a number, the text that it was written as.
fn single_part(node: &Value) -> Option<(&str, &Value)> {
    let fields = node.as_object().filter(|_| !is_span(node))?;
    let mut parts = fields.iter().filter(|(field, _)| *field != "span");
    let (field, value) = parts.next()?;
    match parts.next() {
        None => Some((field, value)),
        Some((second, _)) => (field == "text" && second == "value").then_some((field, value)),
    }
}

fn is_span(node: &Value) -> bool {
    node.as_object().is_some_and(|fields| {
        fields.len() == 3 && fields.contains_key("file") && fields.contains_key("start")
    })
}
