use eyas_diagnostic::{Diagnostic, Span};
use eyas_ir::Op;
use eyas_tensor::Dim;

use super::Arguments;
use crate::dims::{self, DimOperation};
use crate::elaborator::{Elaborator, Eval};
use crate::expression::Placed;
use crate::side::Side;
use crate::value::{Operand, Value};

impl Elaborator<'_> {
    /// Integers given one by one or as one group.
    fn integers(&mut self, list: &[Placed]) -> Eval<Vec<(Dim, Span)>> {
        let mut found = Vec::new();
        for (value, span) in list {
            match value {
                Value::Tuple(values) => {
                    for value in values {
                        found.push((self.as_int(value, *span)?, *span));
                    }
                }
                value => found.push((self.as_int(value, *span)?, *span)),
            }
        }
        Ok(found)
    }

    /// `reshape(x, B, -1)`: one extent may be left open by -1.
    pub(super) fn reshape_call(&mut self, arguments: &Arguments) -> Eval<Value> {
        let (value, place) = arguments.required(0);
        let operand = self.tensor(&value, place)?;
        let wanted = self.integers(&arguments.list)?;
        let span = arguments.span;
        let mut shape: Vec<Dim> = wanted.iter().map(|(extent, _)| extent.clone()).collect();
        let count = self.dim_product(&operand.ty.shape.clone(), span)?;
        let open: Vec<usize> = (0..shape.len()).filter(|at| shape[*at].is(-1)).collect();
        if let [_, second, ..] = open[..] {
            return self.fail(
                Diagnostic::error("E0134", "one extent at most is left open")
                    .primary(wanted[second].1, "a second -1"),
            );
        }
        if let [at] = open[..] {
            shape[at] = Dim::from(1);
            let known = self.dim_product(&shape, span)?;
            let quotient = if known.is(0) {
                Ok(None)
            } else {
                dims::exact_quotient(&self.facts, &count, &known)
            };
            match self.dim_result(quotient, span)? {
                Some(quotient) => shape[at] = quotient,
                None => {
                    return self.fail(
                        Diagnostic::error(
                            "E0106",
                            format!("`{count}` does not divide by `{known}`"),
                        )
                        .primary(span, "no extent fits in place of -1")
                        .secondary(place, format!("this is `{}`", operand.ty)),
                    );
                }
            }
        }
        let shape: Vec<Dim> = shape.iter().map(|extent| self.normal(extent)).collect();
        let given = self.dim_product(&shape, span)?;
        if !self.same(&given, &count) {
            let diagnostic = Diagnostic::error(
                "E0102",
                format!("a reshape keeps all elements: `{count}` is not `{given}`"),
            )
            .primary(span, format!("`{given}` elements here"));
            let detail = format!(", with `{count}` elements");
            return self.fail(self.side(&operand, place).label(diagnostic, &detail));
        }
        self.reshape(&operand, shape, span).map(Value::Tensor)
    }

    /// `flatten(x, 1)`: the axes from that one on become one.
    pub(super) fn flatten(&mut self, arguments: &Arguments) -> Eval<Value> {
        let (value, place) = arguments.required(0);
        let operand = self.tensor(&value, place)?;
        let axis = match arguments.get(1) {
            Some((value, span)) => self.axis(value, &operand.ty, *span)?,
            None => 0,
        };
        let (kept, joined) = operand.ty.shape.split_at(axis);
        let mut shape = kept.to_vec();
        shape.push(self.dim_product(joined, arguments.span)?);
        self.reshape(&operand, shape, arguments.span)
            .map(Value::Tensor)
    }

    /// `transpose(x, 0, 2, 1)`; without axes, all in reverse.
    pub(super) fn transpose_call(&mut self, arguments: &Arguments) -> Eval<Value> {
        let (value, place) = arguments.required(0);
        let operand = self.tensor(&value, place)?;
        let rank = operand.ty.rank();
        let given = self.integers(&arguments.list)?;
        let mut permutation = Vec::new();
        for (axis, span) in &given {
            permutation.push(self.axis(&Value::Int(axis.clone()), &operand.ty, *span)?);
        }
        if given.is_empty() {
            permutation = (0..rank).rev().collect();
        }
        let mut sorted = permutation.clone();
        sorted.sort_unstable();
        if sorted.into_iter().ne(0..rank) {
            return self.fail(
                Diagnostic::error("E0121", "a transposition names every axis once")
                    .primary(arguments.span, format!("{permutation:?} here"))
                    .secondary(place, format!("this is `{}`", operand.ty)),
            );
        }
        self.transpose(&operand, permutation, arguments.span)
            .map(Value::Tensor)
    }

    pub(super) fn broadcast_call(&mut self, arguments: &Arguments) -> Eval<Value> {
        let (value, place) = arguments.required(0);
        let operand = self.tensor(&value, place)?;
        let wanted = self.integers(&arguments.list)?;
        let shape: Vec<Dim> = wanted
            .iter()
            .map(|(extent, _)| self.normal(extent))
            .collect();
        let target = operand.ty.with_shape(shape.clone());
        let joined = self.broadcast_shape(
            self.side(&operand, place),
            Side::of_type(&target, arguments.span),
            arguments.span,
        )?;
        if joined != shape {
            let diagnostic = Diagnostic::error(
                "E0102",
                format!("`{}` does not broadcast to `{target}`", operand.ty),
            )
            .primary(arguments.span, format!("`{target}` is wanted"));
            return self.fail(self.side(&operand, place).label(diagnostic, ""));
        }
        self.broadcast(&operand, &shape, arguments.span)
            .map(Value::Tensor)
    }

    /// The tensors of a list, or of one group.
    fn tensors(&mut self, arguments: &Arguments) -> Eval<Vec<(Operand, Span)>> {
        let mut found: Vec<(Operand, Span)> = Vec::new();
        for (value, span) in &arguments.list {
            let parts = match value {
                Value::Tuple(values) => values.clone(),
                value => vec![value.clone()],
            };
            for part in parts {
                let operand = self.tensor(&part, *span)?;
                found.push((operand, *span));
            }
        }
        let Some((first, first_span)) = found.first().cloned() else {
            return self.fail(
                Diagnostic::error("E0112", "at least one tensor is joined")
                    .primary(arguments.span, "none here"),
            );
        };
        for (operand, span) in &found {
            let left = (Value::Tensor(first.clone()), first_span);
            let right = (Value::Tensor(operand.clone()), *span);
            self.common_dtype(&left, &right, arguments.span)?;
        }
        Ok(found)
    }

    /// Checks that tensors agree in all axes but one.
    fn check_others(
        &mut self,
        found: &[(Operand, Span)],
        axis: Option<usize>,
        span: Span,
    ) -> Eval<()> {
        let Some((first, first_span)) = found.first() else {
            return Ok(());
        };
        for (operand, place) in found {
            let (a, b) = (&first.ty, &operand.ty);
            let fits = a.rank() == b.rank()
                && (0..a.rank())
                    .all(|at| Some(at) == axis || self.same(&a.shape[at], &b.shape[at]));
            if !fits {
                let except = match axis {
                    Some(axis) => format!(" in all axes but axis {axis}"),
                    None => String::new(),
                };
                let diagnostic = Diagnostic::error(
                    "E0102",
                    format!("tensors that are joined agree{except}: `{a}` and `{b}` do not"),
                )
                .primary(span, "joined here");
                let diagnostic = self.side(first, *first_span).label(diagnostic, "");
                return self.fail(self.side(operand, *place).label(diagnostic, ""));
            }
        }
        Ok(())
    }

    pub(super) fn concat(&mut self, arguments: &Arguments) -> Eval<Value> {
        let found = self.tensors(arguments)?;
        let axis = self.axis_argument(arguments.get(0), &found[0].0, -1, arguments.span)?;
        self.check_others(&found, Some(axis), arguments.span)?;
        let operands: Vec<&Operand> = found.iter().map(|(operand, _)| operand).collect();
        self.emit(Op::Concat { axis }, &operands, arguments.span)
            .map(Value::Tensor)
    }

    /// Tensors of one shape along a new axis, by default the first.
    pub(super) fn stack(&mut self, arguments: &Arguments) -> Eval<Value> {
        let found = self.tensors(arguments)?;
        self.check_others(&found, None, arguments.span)?;
        let span = arguments.span;
        let mut shape = found[0].0.ty.shape.clone();
        let target = found[0]
            .0
            .ty
            .with_shape([shape.clone(), vec![Dim::from(1)]].concat());
        let axis = match arguments.get(0) {
            Some((value, place)) => self.axis(value, &target, *place)?,
            None => 0,
        };
        shape.insert(axis, Dim::from(1));
        let mut parts = Vec::new();
        for (operand, _) in &found {
            parts.push(self.reshape(operand, shape.clone(), span)?);
        }
        let operands: Vec<&Operand> = parts.iter().collect();
        self.emit(Op::Concat { axis }, &operands, span)
            .map(Value::Tensor)
    }

    /// `split(x, 3, axis = -1)`: equal parts; `split(x, (2, 6))`: parts of these extents.
    pub(super) fn split(&mut self, arguments: &Arguments) -> Eval<Value> {
        let (value, place) = arguments.required(0);
        let operand = self.tensor(&value, place)?;
        let span = arguments.span;
        let axis = self.axis_argument(arguments.get(2), &operand, -1, span)?;
        let whole = operand.ty.shape[axis].clone();
        let (parts, parts_span) = arguments.required(1);
        let extents: Vec<Dim> = match &parts {
            Value::Tuple(values) => {
                let mut extents = Vec::new();
                for value in values {
                    extents.push(self.as_int(value, parts_span)?);
                }
                extents
            }
            value => {
                let count = self.as_constant_int(value, parts_span)?;
                if !(1..=1024).contains(&count) {
                    return self.fail(
                        Diagnostic::error("E0134", "a tensor is split into 1 to 1024 parts")
                            .primary(parts_span, format!("{count} here")),
                    );
                }
                let by = Dim::from(count);
                let quotient = dims::exact_quotient(&self.facts, &whole, &by);
                match self.dim_result(quotient, span)? {
                    Some(part) => vec![part; count as usize],
                    None => {
                        return self.fail(
                            Diagnostic::error(
                                "E0106",
                                format!("`{whole}` does not divide by `{by}`"),
                            )
                            .primary(parts_span, format!("into {count} equal parts"))
                            .secondary(place, format!("this is `{}`", operand.ty)),
                        );
                    }
                }
            }
        };
        let mut sum = Dim::from(0);
        let mut starts = Vec::new();
        for extent in &extents {
            starts.push(sum.clone());
            sum = self.dim(DimOperation::Add, &sum, extent, span)?;
        }
        if !self.same(&sum, &whole) {
            let diagnostic = Diagnostic::error(
                "E0102",
                format!("the parts have `{sum}` together, the axis `{whole}`"),
            )
            .primary(parts_span, "these parts");
            return self.fail(self.side(&operand, place).label(diagnostic, ""));
        }
        let mut values = Vec::new();
        for (start, extent) in starts.into_iter().zip(extents) {
            let rank = operand.ty.rank();
            let mut from = vec![Dim::from(0); rank];
            from[axis] = start;
            let mut shape = operand.ty.shape.clone();
            shape[axis] = extent;
            let op = Op::Slice {
                starts: from,
                shape,
                steps: vec![1; rank],
            };
            values.push(Value::Tensor(self.emit(op, &[&operand], span)?));
        }
        Ok(Value::Tuple(values))
    }

    /// `pad(x, 1, 2, axis = 0, value = 0)`: room before and after along an axis, by default the last.
    pub(super) fn pad(&mut self, arguments: &Arguments) -> Eval<Value> {
        let (value, place) = arguments.required(0);
        let operand = self.tensor(&value, place)?;
        let (low, high) = (arguments.required(1), arguments.required(2));
        let (before, after) = (self.as_int(&low.0, low.1)?, self.as_int(&high.0, high.1)?);
        let axis = self.axis_argument(arguments.get(3), &operand, -1, arguments.span)?;
        let dtype = operand.ty.dtype;
        let value = match arguments.get(4) {
            Some((value, span)) => self.constant_at(value, dtype, *span)?,
            None if dtype == eyas_tensor::DType::Bool => {
                self.constant_at(&Value::Bool(false), dtype, arguments.span)?
            }
            None => self.constant_at(&Value::Int(Dim::from(0)), dtype, arguments.span)?,
        };
        let rank = operand.ty.rank();
        let at = |extent: Dim| {
            let mut room = vec![Dim::from(0); rank];
            room[axis] = extent;
            room
        };
        let op = Op::Pad {
            low: at(before),
            high: at(after),
            value,
        };
        self.emit(op, &[&operand], arguments.span)
            .map(Value::Tensor)
    }

    /// `extent(x, -1)`: an extent as a compile-time integer.
    pub(super) fn extent_call(&mut self, arguments: &Arguments) -> Eval<Value> {
        let (value, place) = arguments.required(0);
        let operand = self.tensor(&value, place)?;
        let axis = self.axis_argument(arguments.get(1), &operand, -1, arguments.span)?;
        Ok(Value::Int(operand.ty.shape[axis].clone()))
    }
}
