use super::operators::Term;
use super::{Builder, Part, parts, unquoted};
use crate::ast::{
    Argument, Call, Expr, ExprKind, Index, Label, Name, Number, NumberValue, Pipe, Selector,
    SelectorSegment, Stage,
};
use crate::grammar::Rule;
use eyas_diagnostic::{Diagnostic, Span};

impl Builder<'_> {
    /// The expressions directly inside a part.
    pub(super) fn expressions(&mut self, part: Part<'_>) -> Vec<Expr> {
        parts(part)
            .filter_map(|part| self.expression(part))
            .collect()
    }

    pub(super) fn expression(&mut self, part: Part<'_>) -> Option<Expr> {
        let span = self.span(&part);
        let mut terms = Vec::new();
        let mut stages = Vec::new();
        for part in parts(part) {
            match part.as_rule() {
                Rule::prefix => terms.push(self.prefix(&part)),
                Rule::infix => terms.push(self.infix(&part)?),
                Rule::primary => terms.push(Term::Operand(self.primary(part)?)),
                _ => stages.push(self.stage(part)?),
            }
        }
        let input = self.operation(terms)?;
        if stages.is_empty() {
            return Some(input);
        }
        Some(Expr {
            kind: ExprKind::Pipe(Pipe {
                input: Box::new(input),
                stages,
            }),
            span,
        })
    }

    fn primary(&mut self, part: Part<'_>) -> Option<Expr> {
        let mut inner = parts(part);
        let mut expression = self.atom(inner.next()?)?;
        for suffix in inner {
            let span = expression.span.join(self.span(&suffix));
            expression = match suffix.as_rule() {
                Rule::index => {
                    let indices = parts(suffix)
                        .map(|slice| self.slice(slice))
                        .collect::<Option<_>>()?;
                    Expr {
                        kind: ExprKind::Index {
                            base: Box::new(expression),
                            indices,
                        },
                        span,
                    }
                }
                Rule::field => {
                    let field = self.name(&parts(suffix).next()?);
                    field_of(expression, field, span)
                }
                Rule::wildcard => {
                    let stars = self.stars(&parts(suffix).next()?);
                    self.wildcard_of(expression, stars, span)
                }
                _ => {
                    let label = self.label_of(expression);
                    let mut called = parts(suffix);
                    let function = self.name(&called.next()?);
                    let arguments = self.arguments(called.next()?);
                    Expr {
                        kind: ExprKind::Call(Call {
                            label,
                            function,
                            arguments,
                            span,
                        }),
                        span,
                    }
                }
            };
        }
        Some(expression)
    }

    fn atom(&mut self, part: Part<'_>) -> Option<Expr> {
        let span = self.span(&part);
        let kind = match part.as_rule() {
            Rule::number => ExprKind::Number(self.number(&part)),
            Rule::string => ExprKind::String(unquoted(part.as_str())),
            Rule::pattern => ExprKind::Pattern(self.pattern(part)?),
            Rule::any_path => ExprKind::Selector(Selector {
                segments: vec![self.stars(&part)],
                span,
            }),
            Rule::parenthesised => {
                let mut elements = self.expressions(part);
                match elements.pop() {
                    Some(only) if elements.is_empty() => ExprKind::Group(Box::new(only)),
                    last => {
                        elements.extend(last);
                        ExprKind::Tuple(elements)
                    }
                }
            }
            _ => {
                let mut inner = parts(part);
                let function = self.name(&inner.next()?);
                match inner.next() {
                    Some(arguments) => {
                        let arguments = self.arguments(arguments);
                        ExprKind::Call(Call {
                            label: None,
                            function,
                            arguments,
                            span,
                        })
                    }
                    None => match function.text.as_str() {
                        "true" => ExprKind::Bool(true),
                        "false" => ExprKind::Bool(false),
                        _ => ExprKind::Name(function.text),
                    },
                }
            }
        };
        Some(Expr { kind, span })
    }

    pub(super) fn number(&mut self, part: &Part<'_>) -> Number {
        let text = part.as_str().to_owned();
        let plain = text.replace('_', "");
        let value = match plain.parse() {
            Ok(integer) => NumberValue::Integer(integer),
            Err(_) => NumberValue::Float(plain.parse().unwrap_or(0.0)),
        };
        Number { text, value }
    }

    fn slice(&mut self, part: Part<'_>) -> Option<Index> {
        let span = self.span(&part);
        let (mut start, mut end, mut step, mut dots) = (None, None, None, false);
        for part in parts(part) {
            match part.as_rule() {
                Rule::dots => dots = true,
                Rule::step => step = self.expression(parts(part).next()?).map(Box::new),
                _ if dots => end = self.expression(part).map(Box::new),
                _ => start = self.expression(part).map(Box::new),
            }
        }
        match (start, dots) {
            (Some(place), false) => Some(Index::At(*place)),
            (None, true) if end.is_none() && step.is_none() => Some(Index::Rest(span)),
            (start, _) => Some(Index::Slice {
                start,
                end,
                step,
                span,
            }),
        }
    }

    pub(super) fn arguments(&mut self, part: Part<'_>) -> Vec<Argument> {
        parts(part)
            .filter_map(|argument| self.argument(argument))
            .collect()
    }

    fn argument(&mut self, part: Part<'_>) -> Option<Argument> {
        let span = self.span(&part);
        let mut inner = parts(part);
        let first = inner.next()?;
        match inner.next() {
            Some(value) => {
                let name = self.name(&first);
                Some(Argument {
                    name: Some(name),
                    value: self.expression(value)?,
                    span,
                })
            }
            None => Some(Argument {
                name: None,
                value: self.expression(first)?,
                span,
            }),
        }
    }

    fn stage(&mut self, part: Part<'_>) -> Option<Stage> {
        let span = self.span(&part);
        let mut inner = parts(part).peekable();
        let first = inner.next()?;
        if first.as_rule() == Rule::pattern {
            return self.pattern(first).map(Stage::Pattern);
        }
        let index = inner.next_if(|part| part.as_rule() == Rule::label_index);
        let function = inner.next_if(|part| part.as_rule() == Rule::function);
        let arguments = inner
            .next()
            .map_or_else(Vec::new, |arguments| self.arguments(arguments));
        let (label, function) = match function {
            Some(function) => (Some(self.label(&first, index)?), self.name(&function)),
            None => {
                if let Some(index) = index {
                    let place = self.span(&index);
                    self.report(
                        Diagnostic::error("E0027", "a stage of a pipe is a call")
                            .primary(place, "an index is not")
                            .help("index in front of the pipe, or name the layer: `|> block[i]: Block()`"),
                    );
                }
                (None, self.name(&first))
            }
        };
        Some(Stage::Call(Call {
            label,
            function,
            arguments,
            span,
        }))
    }

    pub(super) fn label(&mut self, name: &Part<'_>, index: Option<Part<'_>>) -> Option<Label> {
        let name = self.name(name);
        let mut span = name.span;
        let index = match index {
            Some(index) => {
                span = span.join(self.span(&index));
                Some(Box::new(self.expression(parts(index).next()?)?))
            }
            None => None,
        };
        Some(Label { name, index, span })
    }

    /// The label that an expression before a colon stands for.
    fn label_of(&mut self, expression: Expr) -> Option<Label> {
        let place = expression.span;
        let label = as_label(expression);
        if label.is_none() {
            self.report(
                Diagnostic::error("E0024", "this is not a label")
                    .primary(place, "a label is a name, or a name with one index")
                    .help("write it as in `fc1: Linear(128)` or `block[i]: Block()`"),
            );
        }
        label
    }

    fn wildcard_of(&mut self, base: Expr, stars: SelectorSegment, span: Span) -> Expr {
        let place = base.span;
        let mut segments = path_segments(base).unwrap_or_default();
        if segments.is_empty() {
            self.report(
                Diagnostic::error("E0024", "this is not a path of labels")
                    .primary(place, "a path is made of labels, as in `block[0].attn.**`"),
            );
        }
        segments.push(stars);
        Expr {
            kind: ExprKind::Selector(Selector { segments, span }),
            span,
        }
    }
}

fn field_of(base: Expr, field: Name, span: Span) -> Expr {
    if let ExprKind::Selector(Selector { mut segments, .. }) = base.kind {
        segments.push(SelectorSegment::Label(Label {
            span: field.span,
            name: field,
            index: None,
        }));
        return Expr {
            kind: ExprKind::Selector(Selector { segments, span }),
            span,
        };
    }
    Expr {
        kind: ExprKind::Field {
            base: Box::new(base),
            field,
        },
        span,
    }
}

fn as_label(expression: Expr) -> Option<Label> {
    let span = expression.span;
    match expression.kind {
        ExprKind::Name(text) | ExprKind::String(text) => Some(Label {
            name: Name { text, span },
            index: None,
            span,
        }),
        ExprKind::Index { base, mut indices } if indices.len() == 1 => {
            match (as_label(*base)?, indices.pop()?) {
                (
                    Label {
                        name, index: None, ..
                    },
                    Index::At(index),
                ) => Some(Label {
                    name,
                    index: Some(Box::new(index)),
                    span,
                }),
                _ => None,
            }
        }
        _ => None,
    }
}

/// The labels of `a.b[0].c`, in order.
fn path_segments(expression: Expr) -> Option<Vec<SelectorSegment>> {
    let mut reversed = Vec::new();
    let mut rest = expression;
    let mut index = None;
    loop {
        let span = rest.span;
        match rest.kind {
            ExprKind::Selector(selector) if index.is_none() => {
                reversed.extend(selector.segments.into_iter().rev());
                break;
            }
            ExprKind::Name(text) | ExprKind::String(text) => {
                reversed.push(SelectorSegment::Label(Label {
                    name: Name { text, span },
                    index,
                    span,
                }));
                break;
            }
            ExprKind::Field { base, field } => {
                let span = field.span;
                reversed.push(SelectorSegment::Label(Label {
                    name: field,
                    index: index.take(),
                    span,
                }));
                rest = *base;
            }
            ExprKind::Index { base, mut indices } if indices.len() == 1 && index.is_none() => {
                match indices.pop()? {
                    Index::At(place) => {
                        index = Some(Box::new(place));
                        rest = *base;
                    }
                    _ => return None,
                }
            }
            _ => return None,
        }
    }
    reversed.reverse();
    Some(reversed)
}
