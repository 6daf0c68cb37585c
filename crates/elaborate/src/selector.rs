use eyas_diagnostic::Diagnostic;
use eyas_syntax::ast::{Expr, ExprKind, Index, NumberValue, Selector, SelectorSegment};

use crate::elaborator::{Elaborator, Eval};
use crate::value::Value;

/// A part of a pattern of paths.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Name(String),
    Any,
    Rest,
}

/// A pattern of paths in files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PathPattern {
    parts: Vec<Part>,
}

impl PathPattern {
    /// The pattern that a selector writes.
    pub fn new(selector: &Selector) -> PathPattern {
        let mut parts = Vec::new();
        for segment in &selector.segments {
            match segment {
                SelectorSegment::Label(label) => {
                    parts.extend(
                        label
                            .name
                            .text
                            .split('.')
                            .map(|part| Part::Name(part.into())),
                    );
                    if let Some(index) = &label.index {
                        parts.push(number(index));
                    }
                }
                SelectorSegment::Any(_) => parts.push(Part::Any),
                SelectorSegment::Rest(_) => parts.push(Part::Rest),
            }
        }
        PathPattern { parts }
    }

    /// The pattern of an expression that is a path, such as `s1.conv.w`.
    pub fn of_expression(tree: &Expr) -> Option<PathPattern> {
        let mut parts = Vec::new();
        collect(tree, &mut parts)?;
        Some(PathPattern { parts })
    }

    /// Whether a parameter's path is matched.
    pub fn matches(&self, path: &str) -> bool {
        let segments: Vec<&str> = path.split('.').collect();
        matches(&self.parts, &segments)
    }

    /// Whether a parameter's path, or a label path that it begins with, is matched.
    pub fn matches_prefix(&self, path: &str) -> bool {
        let segments: Vec<&str> = path.split('.').collect();
        (0..=segments.len()).any(|end| matches(&self.parts, &segments[..end]))
    }
}

fn number(index: &Expr) -> Part {
    match &index.ungrouped().kind {
        ExprKind::Number(number) => match number.value {
            NumberValue::Integer(value) => Part::Name(value.to_string()),
            NumberValue::Float(_) => Part::Any,
        },
        _ => Part::Any,
    }
}

fn collect(tree: &Expr, parts: &mut Vec<Part>) -> Option<()> {
    match &tree.kind {
        ExprKind::Name(name) | ExprKind::String(name) => {
            parts.extend(name.split('.').map(|part| Part::Name(part.into())));
            Some(())
        }
        ExprKind::Field { base, field } => {
            collect(base, parts)?;
            parts.push(Part::Name(field.text.clone()));
            Some(())
        }
        ExprKind::Index { base, indices } => {
            collect(base, parts)?;
            match &indices[..] {
                [Index::At(index)] => {
                    parts.push(number(index));
                    Some(())
                }
                _ => None,
            }
        }
        ExprKind::Selector(selector) => {
            parts.extend(PathPattern::new(selector).parts);
            Some(())
        }
        _ => None,
    }
}

/// In time quadratic at most: the places that a prefix of the pattern reaches, one part at a time.
fn matches(parts: &[Part], segments: &[&str]) -> bool {
    let mut reached = vec![false; segments.len() + 1];
    reached[0] = true;
    for part in parts {
        let mut next = vec![false; segments.len() + 1];
        for place in (0..=segments.len()).filter(|place| reached[*place]) {
            match part {
                Part::Rest => next[place..].fill(true),
                Part::Any if place < segments.len() => next[place + 1] = true,
                Part::Name(name) if segments.get(place) == Some(&name.as_str()) => {
                    next[place + 1] = true;
                }
                Part::Any | Part::Name(_) => {}
            }
        }
        reached = next;
    }
    reached[segments.len()]
}

impl Elaborator<'_> {
    /// The parameters that a pattern of paths matches.
    pub fn selected(&mut self, selector: &Selector) -> Eval<Value> {
        let pattern = PathPattern::new(selector);
        let paths: Vec<String> = self
            .parameters
            .keys()
            .filter(|path| pattern.matches(path))
            .cloned()
            .collect();
        if paths.is_empty() {
            return self.fail(
                Diagnostic::error("E0129", "no parameter has such a path")
                    .primary(selector.span, "this matches nothing"),
            );
        }
        let mut values = Vec::new();
        for path in paths {
            if let Some(operand) = self.parameter(&path, selector.span)? {
                values.push(Value::Tensor(operand));
            }
        }
        Ok(Value::Tuple(values))
    }
}
