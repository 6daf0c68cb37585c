use eyas_diagnostic::{Diagnostic, Span};
use eyas_ir::{BinaryFunction, Composite, Op};
use eyas_tensor::{DType, Number};

use super::Arguments;
use crate::elaborator::{Elaborator, Eval};
use crate::expression::Placed;
use crate::side::Side;
use crate::value::{Operand, Value};

/// The least finite number of a floating-point type.
fn least(dtype: DType) -> f64 {
    match dtype {
        DType::F64 => f64::MIN,
        DType::F16 => -65_504.0,
        DType::BF16 => -3.389_531_389_251_535_5e38,
        DType::F8E4M3 => -448.0,
        DType::F8E5M2 => -57_344.0,
        _ => f64::from(f32::MIN),
    }
}

impl Elaborator<'_> {
    /// A composite of one operand that works element by element.
    pub(super) fn activate(&mut self, composite: &Composite, arguments: &Arguments) -> Eval<Value> {
        let (value, place) = arguments.required(0);
        let operand = self.tensor(&value, place)?;
        let dtype = operand.ty.dtype;
        let takes = dtype.is_float() || (*composite == Composite::Relu && dtype != DType::Bool);
        self.check_takes(takes, &operand, place, arguments.span)?;
        let op = Op::composite(composite.clone());
        self.emit(op, &[&operand], arguments.span)
            .map(Value::Tensor)
    }

    /// An operand of floating-point type.
    pub(super) fn float_operand(&mut self, placed: &Placed, span: Span) -> Eval<Operand> {
        let operand = self.tensor(&placed.0, placed.1)?;
        self.check_takes(operand.ty.dtype.is_float(), &operand, placed.1, span)?;
        Ok(operand)
    }

    /// An element type among the arguments.
    pub(super) fn dtype_argument(
        &mut self,
        argument: Option<&Placed>,
        default: DType,
    ) -> Eval<DType> {
        match argument {
            None => Ok(default),
            Some((Value::Element(dtype), _)) => Ok(*dtype),
            Some((other, span)) => {
                let (found, span) = (other.describe(), *span);
                self.fail(
                    Diagnostic::error("E0118", "an element type such as `f32` is wanted here")
                        .primary(span, format!("this is {found}")),
                )
            }
        }
    }

    pub(super) fn cast_call(&mut self, arguments: &Arguments) -> Eval<Value> {
        let dtype = self.dtype_argument(arguments.get(1), DType::F32)?;
        let (value, place) = arguments.required(0);
        let operand = match &value {
            Value::Int(_) | Value::Real(_) | Value::Bool(_) => {
                self.scalar_at(&value, dtype, place)?
            }
            _ => self.tensor(&value, place)?,
        };
        self.cast(&operand, dtype, arguments.span)
            .map(Value::Tensor)
    }

    pub(super) fn clamp(&mut self, arguments: &Arguments) -> Eval<Value> {
        let (x, low, high) = (
            arguments.required(0),
            arguments.required(1),
            arguments.required(2),
        );
        let raised = self.arithmetic(BinaryFunction::Maximum, x, low, arguments.span)?;
        let raised = (raised, arguments.span);
        self.arithmetic(BinaryFunction::Minimum, raised, high, arguments.span)
    }

    pub(super) fn select(&mut self, arguments: &Arguments) -> Eval<Value> {
        let condition = self.condition(&arguments.required(0))?;
        self.choose(
            &condition,
            &arguments.required(1),
            &arguments.required(2),
            arguments.required(0).1,
            arguments.span,
        )
    }

    fn condition(&mut self, placed: &Placed) -> Eval<Operand> {
        let operand = self.tensor_at(&placed.0, DType::Bool, placed.1)?;
        if operand.ty.dtype == DType::Bool {
            return Ok(operand);
        }
        self.fail(
            Diagnostic::error(
                "E0103",
                format!("a mask holds `bool`, not `{}`", operand.ty.dtype),
            )
            .primary(placed.1, format!("this is `{}`", operand.ty))
            .help("compare it with something: `x != 0`"),
        )
    }

    /// `condition ? a : b`, all three broadcast to each other.
    fn choose(
        &mut self,
        condition: &Operand,
        a: &Placed,
        b: &Placed,
        place: Span,
        span: Span,
    ) -> Eval<Value> {
        let is_tensor = |value: &Value| value.tensor_type().is_some();
        let dtype = if is_tensor(&a.0) || is_tensor(&b.0) {
            self.common_dtype(a, b, span)?
        } else {
            DType::F32
        };
        let x = self.tensor_at(&a.0, dtype, a.1)?;
        let y = self.tensor_at(&b.0, dtype, b.1)?;
        let sides = (self.side(&x, a.1), self.side(&y, b.1));
        let shape = self.broadcast_shape(sides.0, sides.1, span)?;
        let both = x.ty.with_shape(shape);
        let side = self.side(condition, place);
        let shape = self.broadcast_shape(side, Side::of_type(&both, span), span)?;
        let condition = self.broadcast(condition, &shape, span)?;
        let x = self.broadcast(&x, &shape, span)?;
        let y = self.broadcast(&y, &shape, span)?;
        self.emit(Op::Select, &[&condition, &x, &y], span)
            .map(Value::Tensor)
    }

    pub(super) fn masked(&mut self, arguments: &Arguments) -> Eval<Value> {
        let x = arguments.required(0);
        let operand = self.float_operand(&x, arguments.span)?;
        let (dtype, span) = (operand.ty.dtype, arguments.span);
        let other = match arguments.get(2) {
            Some(value) => value.clone(),
            None => {
                let scalar = self.emit_scalar(dtype, Number::Float(least(dtype)), span)?;
                (Value::Tensor(scalar), span)
            }
        };
        let mask = arguments.required(1);
        let condition = self.condition(&mask)?;
        self.choose(
            &condition,
            &(Value::Tensor(operand), x.1),
            &other,
            mask.1,
            span,
        )
    }
}
