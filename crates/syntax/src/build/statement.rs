use super::{Builder, Part, parts};
use crate::ast::{
    Assert, Assign, Block, Hint, Parameter, ParameterKind, Repeat, Return, Statement,
};
use crate::grammar::Rule;
use eyas_diagnostic::Diagnostic;

impl Builder<'_> {
    pub(super) fn block(&mut self, part: Part<'_>) -> Block {
        let span = self.span(&part);
        let statements = parts(part)
            .filter_map(|statement| self.statement(statement))
            .collect();
        Block { statements, span }
    }

    fn statement(&mut self, part: Part<'_>) -> Option<Statement> {
        match part.as_rule() {
            Rule::parameter => self.parameter(part).map(Statement::Parameter),
            Rule::assign => self.assign(part).map(Statement::Assign),
            Rule::return_statement => {
                let span = self.span(&part);
                Some(Statement::Return(Return {
                    values: self.expressions(part),
                    span,
                }))
            }
            Rule::assert_statement => self.assert(part).map(Statement::Assert),
            Rule::repeat_statement => self.repeat(part).map(Statement::Repeat),
            _ => None,
        }
    }

    fn parameter(&mut self, part: Part<'_>) -> Option<Parameter> {
        let span = self.span(&part);
        let mut inner = parts(part);
        let kind = match inner.next()?.as_rule() {
            Rule::kw_state => ParameterKind::State,
            _ => ParameterKind::Param,
        };
        let name = self.name(&inner.next()?);
        let ty = self.ty(inner.next()?)?;
        let mut parameter = Parameter {
            kind,
            name,
            ty,
            initialiser: None,
            guard: None,
            hints: Vec::new(),
            span,
        };
        for part in inner {
            match part.as_rule() {
                Rule::initialiser => parameter.initialiser = self.expression(parts(part).next()?),
                Rule::guard => parameter.guard = self.expression(parts(part).next()?),
                _ => parameter.hints.push(self.hint(part)?),
            }
        }
        Some(parameter)
    }

    fn hint(&mut self, part: Part<'_>) -> Option<Hint> {
        let span = self.span(&part);
        let mut inner = parts(part);
        let name = self.name(&inner.next()?);
        let arguments = inner.next().map(|arguments| self.arguments(arguments));
        Some(Hint {
            name,
            arguments,
            span,
        })
    }

    pub(super) fn assign(&mut self, part: Part<'_>) -> Option<Assign> {
        let span = self.span(&part);
        let mut inner = parts(part);
        let targets = self.names(inner.next()?);
        let value = self.expression(inner.next()?)?;
        let hints = inner.map(|hint| self.hint(hint)).collect::<Option<_>>()?;
        Some(Assign {
            targets,
            value,
            hints,
            span,
        })
    }

    /// An assignment of a `train` or `quantize` block.
    pub(super) fn setting(&mut self, part: Part<'_>) -> Option<Assign> {
        let setting = self.assign(part)?;
        if let [first, second, ..] = setting.targets.as_slice() {
            self.report(
                Diagnostic::error("E0001", "a setting has one name")
                    .primary(second.span, "a second name")
                    .secondary(first.span, "the name of the setting")
                    .help("give each setting a line of its own"),
            );
        }
        Some(setting)
    }

    fn assert(&mut self, part: Part<'_>) -> Option<Assert> {
        let span = self.span(&part);
        let mut inner = parts(part);
        let condition = self.expression(inner.next()?)?;
        let message = inner.next().map(|message| self.name(&message));
        Some(Assert {
            condition,
            message,
            span,
        })
    }

    fn repeat(&mut self, part: Part<'_>) -> Option<Repeat> {
        let span = self.span(&part);
        let mut inner = parts(part).filter(|part| part.as_rule() != Rule::dots);
        let variable = self.name(&inner.next()?);
        let start = self.expression(inner.next()?)?;
        let end = self.expression(inner.next()?)?;
        let body = self.block(inner.next()?);
        Some(Repeat {
            variable,
            start,
            end,
            body,
            span,
        })
    }
}
