use eyas_diagnostic::Diagnostic;
use eyas_ir::{BinaryFunction, Combine, Comparison, Op};
use eyas_tensor::{DType, Dim};

use super::Arguments;
use crate::dims::DimOperation;
use crate::elaborator::{Elaborator, Eval};
use crate::expression::Placed;
use crate::side::Side;
use crate::value::{Operand, Value};

impl Elaborator<'_> {
    /// A tensor of integers.
    pub(super) fn integer_operand(&mut self, placed: &Placed) -> Eval<Operand> {
        let operand = match &placed.0 {
            value @ Value::Int(_) => self.scalar_at(value, DType::I64, placed.1)?,
            value => self.tensor(value, placed.1)?,
        };
        if operand.ty.dtype.is_integer() {
            return Ok(operand);
        }
        self.fail(
            Diagnostic::error(
                "E0103",
                format!("places are integers, not `{}`", operand.ty.dtype),
            )
            .primary(placed.1, format!("this is `{}`", operand.ty))
            .help("convert them: `cast(x, i32)`"),
        )
    }

    pub(super) fn gather(&mut self, arguments: &Arguments) -> Eval<Value> {
        let (value, place) = arguments.required(0);
        let operand = self.tensor(&value, place)?;
        let indices = self.integer_operand(&arguments.required(1))?;
        let axis = self.axis_argument(arguments.get(2), &operand, 0, arguments.span)?;
        self.emit(Op::Gather { axis }, &[&operand, &indices], arguments.span)
            .map(Value::Tensor)
    }

    pub(super) fn scatter(&mut self, combine: Combine, arguments: &Arguments) -> Eval<Value> {
        let base_placed = arguments.required(0);
        let base = self.tensor(&base_placed.0, base_placed.1)?;
        let indices = self.integer_operand(&arguments.required(1))?;
        let axis = self.axis_argument(arguments.get(3), &base, 0, arguments.span)?;
        let updates = arguments.required(2);
        let span = arguments.span;
        let given = self.tensor_at(&updates.0, base.ty.dtype, updates.1)?;
        let left = (Value::Tensor(base.clone()), base_placed.1);
        self.common_dtype(&left, &(Value::Tensor(given.clone()), updates.1), span)?;
        let shape: Vec<Dim> = base.ty.shape[..axis]
            .iter()
            .chain(&indices.ty.shape)
            .chain(&base.ty.shape[axis + 1..])
            .cloned()
            .collect();
        let wanted = base.ty.with_shape(shape.clone());
        let side = self.side(&given, updates.1);
        let joined = self.broadcast_shape(side, Side::of_type(&wanted, span), span)?;
        if joined != shape {
            let diagnostic = Diagnostic::error(
                "E0102",
                format!("the updates are `{}`, not `{wanted}`", given.ty),
            )
            .primary(updates.1, format!("this is `{}`", given.ty));
            let diagnostic = self.side(&base, base_placed.1).label(diagnostic, "");
            return self.fail(side.label_origin(diagnostic));
        }
        let given = self.broadcast(&given, &shape, span)?;
        self.emit(
            Op::Scatter { axis, combine },
            &[&base, &indices, &given],
            span,
        )
        .map(Value::Tensor)
    }

    /// `arange(n)`, `arange(a, b)`, `arange(a, b, step)`: integers along one axis.
    pub(super) fn iota(&mut self, arguments: &Arguments) -> Eval<Value> {
        let span = arguments.span;
        let dtype = self.dtype_argument(arguments.get(3), DType::I64)?;
        let first = arguments.required(0);
        let first_value = self.as_int(&first.0, first.1)?;
        let (start, end) = match arguments.get(1) {
            Some((value, place)) => (first_value, self.as_int(value, *place)?),
            None => (Dim::from(0), first_value),
        };
        let step = match arguments.get(2) {
            Some((value, place)) => self.as_constant_int(value, *place)?,
            None => 1,
        };
        if step <= 0 {
            return self.fail(
                Diagnostic::error("E0111", "a step is above 0")
                    .primary(span, format!("{step} here")),
            );
        }
        let length = self.dim(DimOperation::Subtract, &end, &start, span)?;
        let rounded = self.dim(DimOperation::Add, &length, &Dim::from(step - 1), span)?;
        let count = self.dim(DimOperation::FloorDivide, &rounded, &Dim::from(step), span)?;
        let op = Op::Iota {
            dtype,
            shape: vec![count],
            axis: 0,
        };
        let mut places = Value::Tensor(self.emit(op, &[], span)?);
        if step != 1 {
            let by = (Value::Int(Dim::from(step)), span);
            places = self.arithmetic(BinaryFunction::Multiply, (places, span), by, span)?;
        }
        if !start.is(0) {
            let from = (Value::Int(start), span);
            places = self.arithmetic(BinaryFunction::Add, (places, span), from, span)?;
        }
        Ok(places)
    }

    /// 1 at the place that an integer names, 0 elsewhere, along a new last axis.
    pub(super) fn one_hot(&mut self, arguments: &Arguments) -> Eval<Value> {
        let span = arguments.span;
        let labels = self.integer_operand(&arguments.required(0))?;
        let (count, place) = arguments.required(1);
        let count = self.as_int(&count, place)?;
        let dtype = self.dtype_argument(arguments.get(2), DType::F32)?;
        let mut shape = labels.ty.shape.clone();
        shape.push(Dim::from(1));
        let column = self.reshape(&labels, shape.clone(), span)?;
        if let Some(last) = shape.last_mut() {
            *last = count;
        }
        let column = self.broadcast(&column, &shape, span)?;
        let op = Op::Iota {
            dtype: labels.ty.dtype,
            axis: shape.len() - 1,
            shape,
        };
        let places = self.emit(op, &[], span)?;
        let comparison = Comparison::Equal;
        let hit = self.emit(Op::Compare { comparison }, &[&column, &places], span)?;
        self.cast(&hit, dtype, span).map(Value::Tensor)
    }
}
