use eyas_diagnostic::{Diagnostic, Span};
use eyas_ir::{BinaryFunction, Composite, Constant, Extreme, Op, Reduction};
use eyas_tensor::{DType, Dim, Fact, Number, Relation};

use super::Arguments;
use crate::dims;
use crate::elaborator::{Elaborator, Eval};
use crate::expression::Placed;
use crate::value::{Operand, Value};

/// The axes of a reduction, and whether they stay with extent 1.
struct Over {
    axes: Vec<usize>,
    keep: bool,
}

/// What a reduction is called where it gives nothing for no elements.
pub(crate) fn wants_elements(reduction: Reduction) -> Option<&'static str> {
    match reduction {
        Reduction::Maximum => Some("the maximum"),
        Reduction::Minimum => Some("the minimum"),
        Reduction::Sum | Reduction::Product => None,
    }
}

impl Elaborator<'_> {
    /// The axes that the second argument names: one, several, or all where it is absent. Axes that
    /// are named stay with extent 1 unless `keep = false`; where all go, no axis stays.
    fn over(&mut self, operand: &Operand, arguments: &Arguments) -> Eval<Over> {
        let keep = match arguments.get(2) {
            Some((value, span)) => Some(self.as_bool(value, *span)?),
            None => None,
        };
        let Some((value, span)) = arguments.get(1) else {
            return Ok(Over {
                axes: (0..operand.ty.rank()).collect(),
                keep: keep.unwrap_or(false),
            });
        };
        let mut axes = Vec::new();
        match value {
            Value::Tuple(values) => {
                for value in values {
                    axes.push(self.axis(value, &operand.ty, *span)?);
                }
            }
            value => axes.push(self.axis(value, &operand.ty, *span)?),
        }
        axes.sort_unstable();
        if let Some(pair) = axes.windows(2).find(|pair| pair[0] == pair[1]) {
            let axis = pair[0];
            return self.fail(
                Diagnostic::error("E0121", format!("axis {axis} is named twice"))
                    .primary(*span, format!("the tensor is `{}`", operand.ty)),
            );
        }
        Ok(Over {
            axes,
            keep: keep.unwrap_or(true),
        })
    }

    /// The reduced tensor, its axes gone where they do not stay.
    fn finish(&mut self, reduced: Operand, over: &Over, span: Span) -> Eval<Value> {
        if over.keep {
            return Ok(Value::Tensor(reduced));
        }
        let kept = reduced.ty.shape.iter().enumerate();
        let shape: Vec<Dim> = kept
            .filter(|(axis, _)| !over.axes.contains(axis))
            .map(|(_, extent)| extent.clone())
            .collect();
        self.reshape(&reduced, shape, span).map(Value::Tensor)
    }

    /// Has it checked that axes have elements, for reductions that give nothing without.
    pub fn require_elements(
        &mut self,
        what: &str,
        operand: &Operand,
        axes: &[usize],
        span: Span,
    ) -> Eval<()> {
        for axis in axes {
            let extent = &operand.ty.shape[*axis];
            let message = format!("{what} over an axis needs at least one element");
            let fact = Fact {
                left: Dim::from(1),
                relation: Relation::LessOrEqual,
                right: extent.clone(),
                message: Some(message.clone()),
            };
            match dims::decide(&self.facts, &fact) {
                Some(true) => {}
                Some(false) => {
                    let diagnostic = Diagnostic::error("E0134", message)
                        .primary(span, format!("axis {axis} has the extent `{extent}`"));
                    return self.fail(self.side(operand, span).label_origin(diagnostic));
                }
                None => self.assume(fact, span)?,
            }
        }
        Ok(())
    }

    fn reduce_over(
        &mut self,
        reduction: Reduction,
        operand: &Operand,
        over: &Over,
        span: Span,
    ) -> Eval<Value> {
        let axes = over.axes.clone();
        if let Some(what) = wants_elements(reduction) {
            self.require_elements(what, operand, &axes, span)?;
        }
        let reduced = if axes.is_empty() {
            operand.clone()
        } else {
            self.emit(Op::Reduce { reduction, axes }, &[operand], span)?
        };
        self.finish(reduced, over, span)
    }

    pub(super) fn reduce(&mut self, reduction: Reduction, arguments: &Arguments) -> Eval<Value> {
        let (value, place) = arguments.required(0);
        let operand = self.tensor(&value, place)?;
        let takes = operand.ty.dtype != DType::Bool;
        self.check_takes(takes, &operand, place, arguments.span)?;
        let over = self.over(&operand, arguments)?;
        self.reduce_over(reduction, &operand, &over, arguments.span)
    }

    /// `max(x, -1)` reduces; `max(x, y)` and `max(x, 0.5)` compare element by element.
    pub(super) fn extreme(
        &mut self,
        reduction: Reduction,
        function: BinaryFunction,
        arguments: &Arguments,
    ) -> Eval<Value> {
        let first = arguments.required(0);
        let reduces = first.0.tensor_type().is_some()
            && match arguments.get(1) {
                None => true,
                Some((value, _)) => matches!(value, Value::Int(_) | Value::Tuple(_)),
            };
        if reduces {
            return self.reduce(reduction, arguments);
        }
        match arguments.get(1) {
            Some(second) => {
                let second = second.clone();
                self.arithmetic(function, first, second, arguments.span)
            }
            None => self.fail(
                Diagnostic::error("E0112", "a number is compared with another")
                    .primary(arguments.span, "the other is missing"),
            ),
        }
    }

    pub(super) fn mean(&mut self, arguments: &Arguments) -> Eval<Value> {
        let operand = self.float_operand(&arguments.required(0), arguments.span)?;
        let over = self.over(&operand, arguments)?;
        let mean = self.mean_over(&operand, over.axes.clone(), arguments.span)?;
        self.finish(mean, &over, arguments.span)
    }

    /// The mean over axes, which stay with extent 1.
    pub(super) fn mean_over(
        &mut self,
        operand: &Operand,
        axes: Vec<usize>,
        span: Span,
    ) -> Eval<Operand> {
        if axes.is_empty() {
            return Ok(operand.clone());
        }
        self.require_elements("the mean", operand, &axes, span)?;
        self.emit(Op::composite(Composite::Mean { axes }), &[operand], span)
    }

    /// The mean over all axes, as a scalar.
    pub(super) fn mean_of_all(&mut self, operand: &Operand, span: Span) -> Eval<Operand> {
        let axes = (0..operand.ty.rank()).collect();
        let mean = self.mean_over(operand, axes, span)?;
        self.reshape(&mean, Vec::new(), span)
    }

    pub(super) fn variance(&mut self, arguments: &Arguments) -> Eval<Value> {
        let span = arguments.span;
        let operand = self.float_operand(&arguments.required(0), span)?;
        let over = self.over(&operand, arguments)?;
        let mean = self.mean_over(&operand, over.axes.clone(), span)?;
        let mean = self.broadcast(&mean, &operand.ty.shape.clone(), span)?;
        let difference = self.emit(
            Op::binary(BinaryFunction::Subtract),
            &[&operand, &mean],
            span,
        )?;
        let multiply = Op::binary(BinaryFunction::Multiply);
        let square = self.emit(multiply, &[&difference, &difference], span)?;
        let variance = self.mean_over(&square, over.axes.clone(), span)?;
        self.finish(variance, &over, span)
    }

    pub(super) fn arg_reduce(&mut self, extreme: Extreme, arguments: &Arguments) -> Eval<Value> {
        let (value, place) = arguments.required(0);
        let operand = self.tensor(&value, place)?;
        let over = self.over(&operand, arguments)?;
        let [axis] = over.axes[..] else {
            let rank = operand.ty.rank();
            return self.fail(
                Diagnostic::error("E0112", "the greatest is looked for along one axis")
                    .primary(arguments.span, format!("the tensor has {rank} axes"))
                    .help("name one: `argmax(x, -1)`"),
            );
        };
        let what = match extreme {
            Extreme::Maximum => "the place of the greatest",
            Extreme::Minimum => "the place of the least",
        };
        self.require_elements(what, &operand, &[axis], arguments.span)?;
        let place = self.emit(Op::ArgReduce { extreme, axis }, &[&operand], arguments.span)?;
        self.finish(place, &over, arguments.span)
    }

    /// The axis of an argument; the last where it is absent.
    pub(super) fn axis_argument(
        &mut self,
        argument: Option<&Placed>,
        operand: &Operand,
        default: i64,
        span: Span,
    ) -> Eval<usize> {
        match argument {
            Some((value, place)) => self.axis(value, &operand.ty, *place),
            None => self.axis(&Value::Int(Dim::from(default)), &operand.ty, span),
        }
    }

    pub(super) fn softmax(&mut self, logarithm: bool, arguments: &Arguments) -> Eval<Value> {
        let operand = self.float_operand(&arguments.required(0), arguments.span)?;
        let axis = self.axis_argument(arguments.get(1), &operand, -1, arguments.span)?;
        let composite = if logarithm {
            Composite::LogSoftmax { axis }
        } else {
            Composite::Softmax { axis }
        };
        self.emit(Op::composite(composite), &[&operand], arguments.span)
            .map(Value::Tensor)
    }

    fn epsilon(&mut self, argument: Option<&Placed>) -> Eval<Constant> {
        let value = match argument {
            Some((value, span)) => self.as_number(value, *span)?,
            None => 1e-5,
        };
        Ok(Constant::scalar(DType::F64, Number::Float(value)))
    }

    /// A vector along the last axis of a norm's operand.
    fn along_last(&mut self, placed: &Placed, operand: &Operand) -> Eval<Operand> {
        let vector = self.tensor_at(&placed.0, operand.ty.dtype, placed.1)?;
        let last = operand.ty.shape.last().cloned().unwrap_or(Dim::from(1));
        let fits = vector.ty.dtype == operand.ty.dtype
            && matches!(&vector.ty.shape[..], [extent] if self.same(extent, &last));
        if fits {
            return Ok(vector);
        }
        let wanted = operand.ty.with_shape([last]);
        let diagnostic = Diagnostic::error(
            "E0102",
            format!("a norm wants `{wanted}` here, not `{}`", vector.ty),
        )
        .primary(placed.1, format!("this is `{}`", vector.ty))
        .secondary(operand.span, format!("this is `{}`", operand.ty));
        let diagnostic = self.side(&vector, placed.1).label_origin(diagnostic);
        self.fail(diagnostic)
    }

    pub(super) fn layer_norm(&mut self, arguments: &Arguments) -> Eval<Value> {
        let operand = self.float_operand(&arguments.required(0), arguments.span)?;
        let scale = self.along_last(&arguments.required(1), &operand)?;
        let bias = self.along_last(&arguments.required(2), &operand)?;
        let epsilon = self.epsilon(arguments.get(3))?;
        let op = Op::composite(Composite::LayerNorm { epsilon });
        self.emit(op, &[&operand, &scale, &bias], arguments.span)
            .map(Value::Tensor)
    }

    pub(super) fn rms_norm(&mut self, arguments: &Arguments) -> Eval<Value> {
        let operand = self.float_operand(&arguments.required(0), arguments.span)?;
        let scale = self.along_last(&arguments.required(1), &operand)?;
        let epsilon = self.epsilon(arguments.get(2))?;
        let op = Op::composite(Composite::RmsNorm { epsilon });
        self.emit(op, &[&operand, &scale], arguments.span)
            .map(Value::Tensor)
    }
}
