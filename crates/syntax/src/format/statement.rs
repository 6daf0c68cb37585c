use super::Formatter;
use super::document::{Document, concat, group, joined, nest, text};
use crate::ast::{Assign, Block, Expr, Hint, Parameter, ParameterKind, Repeat, Statement};

impl Formatter<'_> {
    pub(super) fn block(&mut self, block: &Block) -> Document {
        self.braced(
            block.span,
            &block.statements,
            Statement::span,
            |formatter, statement| formatter.statement(statement),
        )
    }

    fn statement(&mut self, statement: &Statement) -> Document {
        match statement {
            Statement::Parameter(parameter) => self.parameter(parameter),
            Statement::Assign(assign) => self.assign(assign),
            Statement::Return(returned) => {
                let values = self.expressions(&returned.values);
                concat(vec![text("return "), values])
            }
            Statement::Assert(assert) => {
                let mut parts = vec![text("assert "), self.expression(&assert.condition)];
                if let Some(message) = &assert.message {
                    let message = text(self.written(message.span));
                    parts.push(nest(4, concat(vec![text(","), Document::Line, message])));
                }
                group(concat(parts))
            }
            Statement::Repeat(repeat) => self.repeat(repeat),
        }
    }

    fn parameter(&mut self, parameter: &Parameter) -> Document {
        let word = match parameter.kind {
            ParameterKind::Param => "param",
            ParameterKind::State => "state",
        };
        let mut parts = vec![
            text(format!("{word} {}: ", self.written(parameter.name.span))),
            self.ty(&parameter.ty),
        ];
        if let Some(initialiser) = &parameter.initialiser {
            parts.push(text(" = "));
            parts.push(self.expression(initialiser));
        }
        if let Some(guard) = &parameter.guard {
            parts.push(text(" if "));
            parts.push(self.expression(guard));
        }
        self.push_hints(&mut parts, &parameter.hints);
        concat(parts)
    }

    fn push_hints(&mut self, parts: &mut Vec<Document>, hints: &[Hint]) {
        for hint in hints {
            parts.push(text(format!(" !{}", self.written(hint.name.span))));
            if let Some(arguments) = &hint.arguments {
                parts.push(self.arguments(arguments));
            }
        }
    }

    pub(super) fn assign(&mut self, assign: &Assign) -> Document {
        let targets: Vec<&str> = assign
            .targets
            .iter()
            .map(|target| self.written(target.span))
            .collect();
        let mut parts = vec![
            text(format!("{} = ", targets.join(", "))),
            self.expression(&assign.value),
        ];
        self.push_hints(&mut parts, &assign.hints);
        concat(parts)
    }

    fn repeat(&mut self, repeat: &Repeat) -> Document {
        let parts = vec![
            text(format!("repeat {} in ", self.written(repeat.variable.span))),
            self.expression(&repeat.start),
            text(".."),
            self.expression(&repeat.end),
            text(" "),
            self.block(&repeat.body),
        ];
        concat(parts)
    }

    /// Expressions with commas between, outside brackets.
    pub(super) fn expressions(&mut self, expressions: &[Expr]) -> Document {
        if let [only] = expressions {
            return self.expression(only);
        }
        let parts = expressions
            .iter()
            .map(|expression| self.expression(expression))
            .collect();
        group(nest(4, joined(parts)))
    }
}
