use eyas_diagnostic::{Diagnostic, Span};
use eyas_ir::{BinaryFunction, Comparison, Composite, Extreme, Op, Reduction, UnaryFunction};
use eyas_tensor::{DType, Dim, Number};

use super::Arguments;
use crate::elaborator::{Elaborator, Eval};
use crate::expression::Placed;
use crate::value::{Operand, Value};

impl Elaborator<'_> {
    /// Checks that labels have all axes but the last of what they belong to.
    fn labels(&mut self, output: &Operand, place: Span, label: &Placed) -> Eval<Operand> {
        let labels = self.integer_operand(label)?;
        let (a, b) = (&output.ty, &labels.ty);
        let fits =
            a.rank() == b.rank() + 1 && a.shape.iter().zip(&b.shape).all(|(x, y)| self.same(x, y));
        if fits {
            return Ok(labels);
        }
        let shape = a
            .shape
            .split_last()
            .map_or(Vec::new(), |(_, rest)| rest.to_vec());
        let wanted = b.with_shape(shape);
        let diagnostic = Diagnostic::error(
            "E0102",
            format!("labels for `{a}` are `{wanted}`, not `{b}`"),
        )
        .primary(label.1, format!("this is `{b}`"));
        let detail = "; its last axis holds the classes";
        let diagnostic = self.side(output, place).label(diagnostic, detail);
        let diagnostic = self.side(&labels, label.1).label_origin(diagnostic);
        self.fail(diagnostic)
    }

    /// The mean loss over all examples as a scalar; with `reduce = false`, one an example.
    pub(super) fn cross_entropy(
        &mut self,
        composite: Composite,
        arguments: &Arguments,
    ) -> Eval<Value> {
        let output = arguments.required(0);
        let operand = self.float_operand(&output, arguments.span)?;
        let labels = self.labels(&operand, output.1, &arguments.required(1))?;
        let reduce = match arguments.get(2) {
            Some((value, span)) => self.as_bool(value, *span)?,
            None => true,
        };
        let op = Op::composite(composite);
        let losses = self.emit(op, &[&operand, &labels], arguments.span)?;
        if !reduce {
            return Ok(Value::Tensor(losses));
        }
        self.mean_of_all(&losses, arguments.span).map(Value::Tensor)
    }

    /// The share of examples whose greatest output is at the label.
    pub(super) fn accuracy(&mut self, arguments: &Arguments) -> Eval<Value> {
        let span = arguments.span;
        let output = arguments.required(0);
        let operand = self.tensor(&output.0, output.1)?;
        let labels = self.labels(&operand, output.1, &arguments.required(1))?;
        let axis = operand.ty.rank() - 1;
        let extreme = Extreme::Maximum;
        self.require_elements("the place of the greatest", &operand, &[axis], span)?;
        let best = self.emit(Op::ArgReduce { extreme, axis }, &[&operand], span)?;
        let best = self.reshape(&best, labels.ty.shape.clone(), span)?;
        let labels = self.cast(&labels, DType::I64, span)?;
        let comparison = Comparison::Equal;
        let hit = self.emit(Op::Compare { comparison }, &[&best, &labels], span)?;
        let hit = self.cast(&hit, DType::F32, span)?;
        self.mean_of_all(&hit, span).map(Value::Tensor)
    }

    /// `l1`: the sum of absolute values. `l2`: half the sum of squares.
    pub(super) fn norm(&mut self, squared: bool, arguments: &Arguments, name: &str) -> Eval<Value> {
        let span = arguments.span;
        let mut total: Option<Operand> = None;
        let mut parts = Vec::new();
        for (value, place) in &arguments.list {
            match value {
                Value::Tuple(values) => {
                    parts.extend(values.iter().map(|value| (value.clone(), *place)));
                }
                value => parts.push((value.clone(), *place)),
            }
        }
        for part in &parts {
            let operand = self.float_operand(part, span)?;
            let each = if squared {
                let multiply = Op::binary(BinaryFunction::Multiply);
                self.emit(multiply, &[&operand, &operand], span)?
            } else {
                self.emit(Op::unary(UnaryFunction::Absolute), &[&operand], span)?
            };
            let axes: Vec<usize> = (0..each.ty.rank()).collect();
            let sum = if axes.is_empty() {
                each
            } else {
                let reduction = Reduction::Sum;
                self.emit(Op::Reduce { reduction, axes }, &[&each], span)?
            };
            let sum = self.reshape(&sum, Vec::<Dim>::new(), span)?;
            total = Some(match total {
                Some(total) => {
                    let left = (Value::Tensor(total.clone()), span);
                    self.common_dtype(&left, &(Value::Tensor(sum.clone()), part.1), span)?;
                    self.emit(Op::binary(BinaryFunction::Add), &[&total, &sum], span)?
                }
                None => sum,
            });
        }
        let Some(total) = total else {
            return self.fail(
                Diagnostic::error("E0112", format!("`{name}` takes at least one tensor"))
                    .primary(span, "none here"),
            );
        };
        if !squared {
            return Ok(Value::Tensor(total));
        }
        let half = self.emit_scalar(total.ty.dtype, Number::Float(0.5), span)?;
        self.emit(Op::binary(BinaryFunction::Multiply), &[&total, &half], span)
            .map(Value::Tensor)
    }
}
