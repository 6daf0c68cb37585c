use eyas_diagnostic::{Diagnostic, Span};
use eyas_ir::{BinaryFunction, Comparison, Op, UnaryFunction};
use eyas_syntax::ast::{BinaryOperator, UnaryOperator};
use eyas_tensor::{DType, Dim, Number};

use crate::elaborator::{Elaborator, Eval};
use crate::expression::Placed;
use crate::scalar::COUNTER_WANTED;
use crate::side::Side;
use crate::value::{Counter, Fill, Operand, Value};

/// What is done element by element with two operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Combination {
    Binary(BinaryFunction),
    Compare(Comparison),
}

impl Elaborator<'_> {
    pub fn unary_operator(
        &mut self,
        operator: UnaryOperator,
        operand: Placed,
        span: Span,
    ) -> Eval<Value> {
        let function = match operator {
            UnaryOperator::Negate => UnaryFunction::Negate,
            UnaryOperator::Not => UnaryFunction::Not,
        };
        self.unary(function, operand, span)
    }

    /// A function of one tensor or number.
    pub fn unary(&mut self, function: UnaryFunction, operand: Placed, span: Span) -> Eval<Value> {
        let (value, place) = operand;
        if let Value::Counter(counter) = &value
            && function == UnaryFunction::Negate
        {
            let operand = self.emit(Op::unary(function), &[&counter.operand], span)?;
            let variable = None;
            return Ok(Value::Counter(Counter { operand, variable }));
        }
        if value.tensor_type().is_none() {
            return self.scalar_unary(function, &value, place);
        }
        let operand = self.tensor(&value, place)?;
        self.check_takes(function.accepts(operand.ty.dtype), &operand, place, span)?;
        self.emit(Op::unary(function), &[&operand], span)
            .map(Value::Tensor)
    }

    /// Reports an element type that an operation does not take.
    pub fn check_takes(
        &mut self,
        takes: bool,
        operand: &Operand,
        place: Span,
        span: Span,
    ) -> Eval<()> {
        if takes {
            return Ok(());
        }
        let dtype = operand.ty.dtype;
        let message = format!("this operation does not take elements of type `{dtype}`");
        let mut diagnostic = Diagnostic::error("E0103", message).primary(span, "this operation");
        if place != span {
            diagnostic = diagnostic.secondary(place, format!("this is `{}`", operand.ty));
        }
        self.fail(diagnostic.help("convert the tensor first: `cast(x, f32)`"))
    }

    pub fn binary_operator(
        &mut self,
        operator: BinaryOperator,
        left: Placed,
        right: Placed,
        span: Span,
    ) -> Eval<Value> {
        use BinaryOperator::*;
        let combination = match operator {
            MatrixMultiply => return self.matrix_multiply(left, right, span),
            Or => Combination::Binary(BinaryFunction::Or),
            And => Combination::Binary(BinaryFunction::And),
            Add => Combination::Binary(BinaryFunction::Add),
            Subtract => Combination::Binary(BinaryFunction::Subtract),
            Multiply => Combination::Binary(BinaryFunction::Multiply),
            Divide => Combination::Binary(BinaryFunction::Divide),
            FloorDivide => Combination::Binary(BinaryFunction::FloorDivide),
            Remainder => Combination::Binary(BinaryFunction::Remainder),
            Power => Combination::Binary(BinaryFunction::Power),
            Equal => Combination::Compare(Comparison::Equal),
            NotEqual => Combination::Compare(Comparison::NotEqual),
            Less => Combination::Compare(Comparison::Less),
            LessEqual => Combination::Compare(Comparison::LessOrEqual),
            Greater => Combination::Compare(Comparison::Greater),
            GreaterEqual => Combination::Compare(Comparison::GreaterOrEqual),
        };
        self.elementwise(combination, left, right, span)
    }

    /// Element by element, operands broadcast to each other; numbers alone need no graph.
    pub fn elementwise(
        &mut self,
        combination: Combination,
        left: Placed,
        right: Placed,
        span: Span,
    ) -> Eval<Value> {
        let is_tensor = |value: &Value| matches!(value, Value::Tensor(_) | Value::Fill(_));
        if !is_tensor(&left.0) && !is_tensor(&right.0) {
            return self.without_tensor(combination, left, right, span);
        }
        if let Some(value) = self.neutral(combination, &left, &right) {
            return Ok(value);
        }
        let dtype = self.common_dtype(&left, &right, span)?;
        if let Combination::Binary(function) = combination {
            self.check_binary(function, dtype, &left, &right, span)?;
            if function == BinaryFunction::Power
                && let Some(value) = self.small_power(&left, &right, span)?
            {
                return Ok(value);
            }
        }
        let a = self.tensor_at(&left.0, dtype, left.1)?;
        let b = self.tensor_at(&right.0, dtype, right.1)?;
        let sides = (self.side(&a, left.1), self.side(&b, right.1));
        let shape = self.broadcast_shape(sides.0, sides.1, span)?;
        let a = self.broadcast(&a, &shape, span)?;
        let b = self.broadcast(&b, &shape, span)?;
        let op = match combination {
            Combination::Binary(function) => Op::binary(function),
            Combination::Compare(comparison) => Op::Compare { comparison },
        };
        self.emit(op, &[&a, &b], span).map(Value::Tensor)
    }

    fn without_tensor(
        &mut self,
        combination: Combination,
        left: Placed,
        right: Placed,
        span: Span,
    ) -> Eval<Value> {
        let counted = [&left.0, &right.0]
            .iter()
            .any(|value| matches!(value, Value::Counter(_)));
        match combination {
            Combination::Binary(function) if counted => {
                self.counter_arithmetic(function, left, right, span)
            }
            Combination::Binary(function) => self.scalar_binary(function, &left.0, &right.0, span),
            Combination::Compare(_) if counted => self.wants_unrolling(span, COUNTER_WANTED),
            Combination::Compare(comparison) => {
                self.scalar_compare(comparison, &left.0, &right.0, span)
            }
        }
    }

    /// Arithmetic of a rolled loop's counter with integers.
    fn counter_arithmetic(
        &mut self,
        function: BinaryFunction,
        left: Placed,
        right: Placed,
        span: Span,
    ) -> Eval<Value> {
        use BinaryFunction::*;
        let whole = |value: &Value| matches!(value, Value::Int(_) | Value::Counter(_));
        let stays = matches!(
            function,
            Add | Subtract | Multiply | FloorDivide | Remainder | Maximum | Minimum
        );
        if !stays || !whole(&left.0) || !whole(&right.0) {
            return self.wants_unrolling(span, COUNTER_WANTED);
        }
        let a = self.scalar_at(&left.0, DType::I64, left.1)?;
        let b = self.scalar_at(&right.0, DType::I64, right.1)?;
        let operand = self.emit(Op::binary(function), &[&a, &b], span)?;
        let variable = None;
        Ok(Value::Counter(Counter { operand, variable }))
    }

    /// The other operand, where an absent parameter changes nothing.
    fn neutral(
        &mut self,
        combination: Combination,
        left: &Placed,
        right: &Placed,
    ) -> Option<Value> {
        use BinaryFunction::{Add, Divide, Multiply, Subtract};
        let Combination::Binary(function) = combination else {
            return None;
        };
        let (other, fill, is_right) = match (&left.0, &right.0) {
            (Value::Tensor(other), Value::Fill(fill)) => (other, fill, true),
            (Value::Fill(fill), Value::Tensor(other)) => (other, fill, false),
            _ => return None,
        };
        let neutral = match function {
            Add => fill.value == 0.0,
            Subtract => fill.value == 0.0 && is_right,
            Multiply => fill.value == 1.0,
            Divide => fill.value == 1.0 && is_right,
            _ => false,
        };
        let keeps = fill.ty.dtype == other.ty.dtype
            && fill.ty.rank() <= other.ty.rank()
            && fill
                .ty
                .shape
                .iter()
                .rev()
                .zip(other.ty.shape.iter().rev())
                .all(|(own, whole)| own.is(1) || own == whole);
        (neutral && keeps).then(|| Value::Tensor(other.clone()))
    }

    /// The element type of the tensors among two operands.
    pub fn common_dtype(&mut self, left: &Placed, right: &Placed, span: Span) -> Eval<DType> {
        let dtype = |value: &Value| match value {
            Value::Tensor(operand) => Some(operand.ty.dtype),
            Value::Fill(fill) => Some(fill.ty.dtype),
            _ => None,
        };
        match (dtype(&left.0), dtype(&right.0)) {
            (Some(a), Some(b)) if a != b => {
                let shown = |value: &Value| {
                    value
                        .tensor_type()
                        .map_or(String::new(), ToString::to_string)
                };
                self.fail(
                    Diagnostic::error(
                        "E0103",
                        format!("`{a}` and `{b}` are different element types"),
                    )
                    .primary(span, "these do not go together")
                    .secondary(left.1, format!("this is `{}`", shown(&left.0)))
                    .secondary(right.1, format!("this is `{}`", shown(&right.0)))
                    .help(format!("convert one of them: `cast(x, {a})`")),
                )
            }
            (Some(dtype), _) | (None, Some(dtype)) => Ok(dtype),
            (None, None) => {
                let found = left.0.describe();
                self.fail(
                    Diagnostic::error("E0119", "a tensor is wanted here")
                        .primary(left.1, format!("this is {found}")),
                )
            }
        }
    }

    fn check_binary(
        &mut self,
        function: BinaryFunction,
        dtype: DType,
        left: &Placed,
        right: &Placed,
        span: Span,
    ) -> Eval<()> {
        if function == BinaryFunction::Divide && dtype.is_integer() {
            return self.fail(
                Diagnostic::error(
                    "E0103",
                    format!("`/` is true division, which `{dtype}` lacks"),
                )
                .primary(span, "a quotient of integers need not be one")
                .help("`//` rounds down; `cast(x, f32)` makes real numbers"),
            );
        }
        if function.accepts(dtype) {
            return Ok(());
        }
        let place = if left.0.tensor_type().is_some() {
            left.1
        } else {
            right.1
        };
        self.fail(
            Diagnostic::error(
                "E0103",
                format!("this operation does not take elements of type `{dtype}`"),
            )
            .primary(span, "this operation")
            .secondary(place, format!("this holds `{dtype}`")),
        )
    }

    /// Powers by small whole numbers are products.
    fn small_power(&mut self, left: &Placed, right: &Placed, span: Span) -> Eval<Option<Value>> {
        let exponent = match &right.0 {
            Value::Int(dim) => dim.as_constant(),
            Value::Real(real) => match real.as_number() {
                Some(0.5) => {
                    return self
                        .unary(UnaryFunction::Sqrt, left.clone(), span)
                        .map(Some);
                }
                _ => None,
            },
            _ => None,
        };
        let Some(exponent @ 1..=4) = exponent else {
            return Ok(None);
        };
        let base = self.tensor(&left.0, left.1)?;
        let multiply = Op::binary(BinaryFunction::Multiply);
        let power = match exponent {
            1 => base,
            2 => self.emit(multiply, &[&base, &base], span)?,
            3 => {
                let square = self.emit(multiply.clone(), &[&base, &base], span)?;
                self.emit(multiply, &[&square, &base], span)?
            }
            _ => {
                let square = self.emit(multiply.clone(), &[&base, &base], span)?;
                self.emit(multiply, &[&square, &square], span)?
            }
        };
        Ok(Some(Value::Tensor(power)))
    }

    /// A value as a tensor; numbers are none.
    pub fn tensor(&mut self, value: &Value, span: Span) -> Eval<Operand> {
        match value {
            Value::Tensor(operand) => Ok(operand.clone()),
            Value::Fill(fill) => self.fill(&fill.clone(), span),
            Value::Counter(counter) => Ok(counter.operand.clone()),
            Value::Poison => Err(self.poison()),
            other => {
                let found = other.describe();
                let diagnostic = Diagnostic::error("E0119", "a tensor is wanted here")
                    .primary(span, format!("this is {found}"));
                self.fail(match other {
                    Value::Tuple(_) => {
                        diagnostic.help("give each of the values a name: `a, b = ...`")
                    }
                    _ => diagnostic,
                })
            }
        }
    }

    /// A value as a tensor of an element type; numbers become scalars.
    pub fn tensor_at(&mut self, value: &Value, dtype: DType, span: Span) -> Eval<Operand> {
        match value {
            Value::Tensor(_) | Value::Fill(_) => self.tensor(value, span),
            other => self.scalar_at(other, dtype, span),
        }
    }

    fn fill(&mut self, fill: &Fill, span: Span) -> Eval<Operand> {
        let dtype = fill.ty.dtype;
        let number = if dtype == DType::Bool {
            Number::Bool(fill.value != 0.0)
        } else if dtype.is_float() {
            Number::Float(fill.value)
        } else {
            Number::Int(fill.value as i128)
        };
        let scalar = self.emit_scalar(dtype, number, span)?;
        self.broadcast(&scalar, &fill.ty.shape, span)
    }

    /// The operand with more extents, as far as it has not got them.
    pub fn broadcast(&mut self, operand: &Operand, shape: &[Dim], span: Span) -> Eval<Operand> {
        if operand.ty.shape == shape {
            return Ok(operand.clone());
        }
        let shape = shape.to_vec();
        self.emit(Op::Broadcast { shape }, &[operand], span)
    }

    /// The extents that two operands broadcast to, aligned at the last axis.
    pub fn broadcast_shape(
        &mut self,
        left: Side<'_>,
        right: Side<'_>,
        span: Span,
    ) -> Eval<Vec<Dim>> {
        let (a, b) = (&left.ty.shape, &right.ty.shape);
        let rank = a.len().max(b.len());
        let mut shape = Vec::with_capacity(rank);
        for back in (1..=rank).rev() {
            let extent = |dims: &[Dim]| dims.len().checked_sub(back).map(|at| dims[at].clone());
            let joined = match (extent(a), extent(b)) {
                (Some(x), None) => x,
                (None, Some(y)) => y,
                (Some(x), Some(y)) if self.same(&x, &y) || y.is(1) => x,
                (Some(x), Some(y)) if x.is(1) => y,
                (Some(x), Some(y)) => {
                    return self.mismatch((&x, left), (&y, right), back, span);
                }
                (None, None) => continue,
            };
            shape.push(joined);
        }
        Ok(shape)
    }

    fn mismatch<T>(
        &mut self,
        (x, left): (&Dim, Side<'_>),
        (y, right): (&Dim, Side<'_>),
        back: usize,
        span: Span,
    ) -> Eval<T> {
        let (a, b) = (left.ty, right.ty);
        let diagnostic = Diagnostic::error(
            "E0102",
            format!("`{a}` and `{b}` do not fit: `{x}` is not `{y}`"),
        )
        .primary(
            span,
            format!("axis -{back} has `{x}` on the left and `{y}` on the right"),
        );
        let diagnostic = right.label(left.label(diagnostic, ""), "");
        self.fail(self.with_advice(diagnostic, x, y))
    }

    /// What may help where two extents are not known to be equal.
    pub fn with_advice(&self, diagnostic: Diagnostic, x: &Dim, y: &Dim) -> Diagnostic {
        if x.as_constant().is_some() && y.as_constant().is_some() {
            return diagnostic;
        }
        let diagnostic = if x.is(1) || y.is(1) {
            diagnostic.note("a dim that a run binds never broadcasts as 1")
        } else {
            diagnostic
        };
        diagnostic.help(format!(
            "if they are equal, say so: `assert {x} == {y}` is checked when dims are bound"
        ))
    }
}
