use super::Formatter;
use super::document::{Document, broken_group, concat, group, nest, text};
use crate::ast::{
    Argument, Axis, AxisList, BinaryOperator, Call, Expr, ExprKind, Index, Label, PatternCall,
    Pipe, Selector, SelectorSegment, Stage, UnaryOperator,
};
use crate::build::binding_power;
use eyas_diagnostic::Spanned;

impl Formatter<'_> {
    pub(super) fn expression(&mut self, expression: &Expr) -> Document {
        match &expression.kind {
            ExprKind::Number(number) => text(&number.text),
            ExprKind::Bool(value) => text(value.to_string()),
            ExprKind::String(_) | ExprKind::Name(_) => text(self.written(expression.span)),
            ExprKind::Tuple(elements) => self.list(
                ("(", ")"),
                elements,
                |element| element.span,
                |formatter, element| formatter.expression(element),
            ),
            ExprKind::Group(inner) => self.grouped(inner),
            ExprKind::Unary { operator, operand } => {
                let operand = self.expression(operand);
                let symbol = match operator.node {
                    UnaryOperator::Negate => "-",
                    UnaryOperator::Not => "not ",
                };
                concat(vec![text(symbol), operand])
            }
            ExprKind::Binary {
                operator,
                left,
                right,
            } => self.binary(*operator, left, right),
            ExprKind::Call(call) => self.call(call, false),
            ExprKind::Pattern(call) => self.pattern(call, false),
            ExprKind::Pipe(pipe) => self.pipe(pipe),
            ExprKind::Index { base, indices } => {
                let base = self.expression(base);
                let indices = self.list(("[", "]"), indices, Index::span, |formatter, index| {
                    formatter.index(index)
                });
                concat(vec![base, indices])
            }
            ExprKind::Field { base, field } => {
                let base = self.expression(base);
                concat(vec![base, text(format!(".{}", self.written(field.span)))])
            }
            ExprKind::Selector(selector) => self.selector(selector),
        }
    }

    fn grouped(&mut self, inner: &Expr) -> Document {
        let mut parts = vec![Document::SoftLine];
        for comment in self.comments.before(inner.span.start) {
            parts.extend([text(comment.text), Document::HardLine]);
        }
        parts.push(self.expression(inner));
        if let Some(comment) = self.comments.behind(inner.span.end) {
            parts.push(Document::TrailingComment(comment.text.to_owned()));
        }
        for comment in self
            .comments
            .before(self.comments.closing_behind(inner.span.end))
        {
            parts.extend([Document::HardLine, text(comment.text)]);
        }
        group(concat(vec![
            text("("),
            nest(2, concat(parts)),
            Document::SoftLine,
            text(")"),
        ]))
    }

    /// A chain of operators that bind alike: one group, broken behind each of them at once.
    fn binary(&mut self, operator: Spanned<BinaryOperator>, left: &Expr, right: &Expr) -> Document {
        let mut operands = vec![(operator.node, right)];
        let mut first = left;
        while let ExprKind::Binary {
            operator: earlier,
            left,
            right,
        } = &first.kind
            && binding_power(earlier.node) == binding_power(operator.node)
        {
            operands.push((earlier.node, right));
            first = left;
        }
        let mut parts = vec![self.expression(first)];
        let mut behind = Vec::new();
        for (operator, operand) in operands.into_iter().rev() {
            if operator == BinaryOperator::Power {
                behind.push(text("^"));
            } else {
                behind.extend([text(format!(" {}", operator.symbol())), Document::Line]);
            }
            behind.push(self.expression(operand));
        }
        parts.push(nest(4, concat(behind)));
        group(concat(parts))
    }

    /// A call; as the stage of a pipe, it needs no brackets where it has neither label nor arguments.
    fn call(&mut self, call: &Call, stage: bool) -> Document {
        let mut parts = Vec::new();
        if let Some(label) = &call.label {
            parts.extend([self.label(label), text(": ")]);
        }
        parts.push(text(self.written(call.function.span)));
        if !(stage && call.label.is_none() && call.arguments.is_empty()) {
            parts.push(self.arguments(&call.arguments));
        }
        concat(parts)
    }

    fn label(&mut self, label: &Label) -> Document {
        let name = text(self.written(label.name.span));
        match &label.index {
            Some(index) => concat(vec![name, text("["), self.expression(index), text("]")]),
            None => name,
        }
    }

    pub(super) fn arguments(&mut self, arguments: &[Argument]) -> Document {
        self.list(
            ("(", ")"),
            arguments,
            |argument| argument.span,
            |formatter, argument| {
                let value = formatter.expression(&argument.value);
                match &argument.name {
                    Some(name) => concat(vec![
                        text(format!("{} = ", formatter.written(name.span))),
                        value,
                    ]),
                    None => value,
                }
            },
        )
    }

    fn index(&mut self, index: &Index) -> Document {
        match index {
            Index::At(expression) => self.expression(expression),
            Index::Rest(_) => text(".."),
            Index::Slice {
                start, end, step, ..
            } => {
                let mut parts = Vec::new();
                parts.extend(start.as_deref().map(|start| self.expression(start)));
                parts.push(text(".."));
                parts.extend(end.as_deref().map(|end| self.expression(end)));
                if let Some(step) = step {
                    parts.extend([text(" by "), self.expression(step)]);
                }
                concat(parts)
            }
        }
    }

    /// A pipe: on one line where it was written so and fits, or else a stage a line.
    fn pipe(&mut self, pipe: &Pipe) -> Document {
        let mut parts = vec![self.expression(&pipe.input)];
        let mut stages = Vec::new();
        let mut end = pipe.input.span.end;
        let mut over_lines = false;
        for stage in &pipe.stages {
            let span = stage.span();
            over_lines |= self.line_ends_between(end, span.start);
            if let Some(comment) = self.comments.behind(end) {
                stages.push(Document::TrailingComment(comment.text.to_owned()));
            }
            for comment in self.comments.before(span.start) {
                stages.extend([Document::HardLine, text(comment.text)]);
            }
            stages.extend([Document::Line, text("|> ")]);
            stages.push(match stage {
                Stage::Call(call) => self.call(call, true),
                Stage::Pattern(call) => self.pattern(call, true),
            });
            end = span.end;
        }
        parts.push(nest(4, concat(stages)));
        if over_lines {
            broken_group(concat(parts))
        } else {
            group(concat(parts))
        }
    }

    fn pattern(&mut self, call: &PatternCall, stage: bool) -> Document {
        let inputs: Vec<String> = call.inputs.iter().map(|axes| self.axes(axes)).collect();
        let pattern = format!(
            "{}[{} -> {}]",
            call.kind.node.name(),
            inputs.join(", "),
            self.axes(&call.output)
        );
        let pattern = pattern.replace("[ ->", "[->").replace("-> ]", "->]");
        if call.arguments.is_empty() {
            return text(if stage || !self.written(call.span).ends_with(')') {
                pattern
            } else {
                pattern + "()"
            });
        }
        concat(vec![text(pattern), self.arguments(&call.arguments)])
    }

    fn axes(&self, list: &AxisList) -> String {
        list.axes
            .iter()
            .map(|axis| self.axis(axis))
            .collect::<Vec<_>>()
            .join(" ")
    }

    fn axis(&self, axis: &Axis) -> String {
        match axis {
            Axis::Group { axes, .. } => {
                let axes: Vec<String> = axes.iter().map(|axis| self.axis(axis)).collect();
                format!("({})", axes.join(" "))
            }
            Axis::Rest { .. } => "..".to_owned(),
            Axis::Name { span, .. } | Axis::Extent { span, .. } => self.written(*span).to_owned(),
        }
    }

    pub(super) fn selector(&mut self, selector: &Selector) -> Document {
        let mut parts = Vec::new();
        for (place, segment) in selector.segments.iter().enumerate() {
            if place > 0 {
                parts.push(text("."));
            }
            parts.push(match segment {
                SelectorSegment::Label(label) => self.label(label),
                SelectorSegment::Any(_) => text("*"),
                SelectorSegment::Rest(_) => text("**"),
            });
        }
        concat(parts)
    }
}
