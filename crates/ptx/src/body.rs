//! Bodies, which are in expanded form, an element at a time.

use eyas_ir::{BinaryFunction, Body, Comparison, Scalar, ScalarId, ScalarOp, UnaryFunction};
use eyas_tensor::{DType, Number};

use crate::builder::{Float, Integer, Number as Kinds, Operand, Register, Rounding};
use crate::cast::{bitcast, cast};
use crate::emitter::Emitter;
use crate::error::Fault;
use crate::place::Place;
use crate::value::Value;

/// A body that is computed for one element after the other in straight code: what is the same for
/// all of them is computed once.
pub(crate) struct Lowering<'b> {
    body: &'b Body,
    uniform: Vec<bool>,
    values: Vec<Option<Value>>,
}

/// Scalar operations an element, roughly.
pub(crate) fn cost(body: &Body) -> i64 {
    body.nodes.len() as i64 + 1
}

/// The results of a body for one element; `places` are those along the axes of its space.
pub(crate) fn lower(
    e: &mut Emitter,
    body: &Body,
    inputs: &[Value],
    places: &[Place],
) -> Result<Vec<Value>, Fault> {
    Lowering::new(body, |_| false, |_| false).element(e, inputs, places)
}

impl<'b> Lowering<'b> {
    /// Which inputs are the same for all elements, and the places along which axes.
    pub(crate) fn new(
        body: &'b Body,
        input: impl Fn(usize) -> bool,
        axis: impl Fn(usize) -> bool,
    ) -> Lowering<'b> {
        let mut uniform: Vec<bool> = Vec::with_capacity(body.nodes.len());
        for node in &body.nodes {
            let same = match node.op {
                ScalarOp::Input(place) => input(place as usize),
                ScalarOp::Index(place) => axis(place as usize),
                ref op => op.operands().iter().all(|id| uniform[id.0 as usize]),
            };
            uniform.push(same);
        }
        let values = vec![None; body.nodes.len()];
        Lowering {
            body,
            uniform,
            values,
        }
    }

    /// The results for the next element.
    pub(crate) fn element(
        &mut self,
        e: &mut Emitter,
        inputs: &[Value],
        places: &[Place],
    ) -> Result<Vec<Value>, Fault> {
        for (number, node) in self.body.nodes.iter().enumerate() {
            if self.uniform[number] && self.values[number].is_some() {
                continue;
            }
            let value = match node.op {
                ScalarOp::Input(input) => *inputs.get(input as usize).ok_or_else(missing)?,
                ScalarOp::Index(axis) => {
                    let place = *places.get(axis as usize).ok_or_else(missing)?;
                    Value::S64(e.signed(place))
                }
                _ => self::node(e, self.body, node, |id| self.at(id))?,
            };
            self.values[number] = Some(value);
        }
        let outputs = self.body.outputs.iter();
        outputs.map(|id| self.at(*id)).collect()
    }

    fn at(&self, id: ScalarId) -> Result<Value, Fault> {
        let value = self.values.get(id.0 as usize).copied().flatten();
        value.ok_or_else(missing)
    }
}

/// A node whose operands' values `at` gives; inputs and places are not among them.
pub(crate) fn node(
    e: &mut Emitter,
    body: &Body,
    node: &Scalar,
    at: impl Fn(ScalarId) -> Result<Value, Fault>,
) -> Result<Value, Fault> {
    let dtype = node.dtype;
    Ok(match node.op {
        ScalarOp::Input(_) | ScalarOp::Index(_) => return Err(missing()),
        ScalarOp::Literal(ref constant) => literal(dtype, constant.splat().ok_or_else(missing)?)?,
        ScalarOp::Extent(ref dim) => {
            let value = Value::S64(e.signed_dim(dim));
            cast(e, DType::I64, dtype, value)?
        }
        ScalarOp::Unary(function, a) => unary(e, function, at(a)?)?,
        ScalarOp::Binary(function, a, b) => binary(e, function, at(a)?, at(b)?)?,
        ScalarOp::Compare(comparison, a, b) => compare(e, comparison, at(a)?, at(b)?)?.into(),
        ScalarOp::Select(condition, a, b) => {
            let condition = at(condition)?.bool()?;
            select(e, condition, at(a)?, at(b)?)?
        }
        ScalarOp::Cast(a) => cast(e, body.node(a).dtype, dtype, at(a)?)?,
        ScalarOp::MultiplyAdd(a, b, c) => multiply_add(e, at(a)?, at(b)?, at(c)?)?,
        ScalarOp::Bitcast(a) => bitcast(e, dtype, at(a)?)?,
        ScalarOp::ShiftLeft(a, by) => shift(e, at(a)?, by, true)?,
        ScalarOp::ShiftRight(a, by) => shift(e, at(a)?, by, false)?,
    })
}

/// A value that a body reads and that is not there, which verified kernels have not.
pub(crate) fn missing() -> Fault {
    Fault::Unsupported("a body that reads a value that is not there".to_owned())
}

fn none(function: &impl std::fmt::Debug) -> Fault {
    let name = format!("{function:?}").to_lowercase();
    Fault::Unsupported(format!("the function `{name}` of such a type"))
}

/// A constant of a type.
pub(crate) fn literal(dtype: DType, value: Number) -> Result<Value, Fault> {
    let value = dtype.round(value);
    let mut bytes = [0; 8];
    let code = |bytes: &mut [u8; 8]| {
        dtype.write(bytes, 0, value);
        u16::from_le_bytes([bytes[0], bytes[1]])
    };
    Ok(match dtype {
        DType::Bool => Value::Bool(value.to_bool().into()),
        DType::F64 => Value::F64(value.to_f64().into()),
        DType::F32 => Value::F32((value.to_f64() as f32).into()),
        DType::F16 | DType::BF16 => Value::Half(code(&mut bytes).into()),
        DType::F8E4M3 | DType::F8E5M2 => Value::S32(i32::from(code(&mut bytes)).into()),
        DType::I64 => Value::S64((value.to_i128() as i64).into()),
        DType::U64 => Value::U64((value.to_i128() as u64).into()),
        DType::U32 => Value::U32((value.to_i128() as u32).into()),
        DType::I32 | DType::I16 | DType::I8 | DType::U16 | DType::U8 => {
            Value::S32((value.to_i128() as i32).into())
        }
        DType::I4 | DType::U4 => {
            return Err(Fault::Unsupported(format!("element type `{dtype}`")));
        }
    })
}

/// The same expression on operands of whichever numeric kind these are.
macro_rules! on_numbers {
    ($operands:expr, |$($operand:ident),*| $result:expr) => {
        match $operands {
            ($(Value::F32($operand),)*) => $result,
            ($(Value::F64($operand),)*) => $result,
            other => on_integers!(other, |$($operand),*| $result),
        }
    };
}

macro_rules! on_integers {
    ($operands:expr, |$($operand:ident),*| $result:expr) => {
        match $operands {
            ($(Value::S32($operand),)*) => $result,
            ($(Value::U32($operand),)*) => $result,
            ($(Value::S64($operand),)*) => $result,
            ($(Value::U64($operand),)*) => $result,
            _ => Err(Value::other_kind()),
        }
    };
}

macro_rules! on_floats {
    ($operands:expr, |$($operand:ident),*| $result:expr) => {
        match $operands {
            ($(Value::F32($operand),)*) => $result,
            ($(Value::F64($operand),)*) => $result,
            _ => Err(Value::other_kind()),
        }
    };
}

/// A function of one number.
pub(crate) fn unary(e: &mut Emitter, function: UnaryFunction, a: Value) -> Result<Value, Fault> {
    match function {
        UnaryFunction::Not => match a {
            Value::Bool(Operand::Constant(a)) => Ok(Value::Bool((!a).into())),
            Value::Bool(a) => Ok(e.not(a).into()),
            a => on_integers!((a,), |a| Ok(e.not(a).into())),
        },
        UnaryFunction::Negate => on_numbers!((a,), |a| Ok(negated(e, a).into())),
        UnaryFunction::Absolute => on_floats!((a,), |a| Ok(e.abs(a).into())),
        UnaryFunction::Sqrt => on_floats!((a,), |a| Ok(e.sqrt(a).into())),
        UnaryFunction::Floor => on_floats!((a,), |a| Ok(e.round(Rounding::Down, a).into())),
        UnaryFunction::Ceil => on_floats!((a,), |a| Ok(e.round(Rounding::Up, a).into())),
        UnaryFunction::Round => on_floats!((a,), |a| Ok(e.round(Rounding::Nearest, a).into())),
        other => Err(none(&other)),
    }
}

fn negated<T: Kinds>(e: &mut Emitter, a: Operand<T>) -> Register<T> {
    match T::FLOAT {
        true => e.neg(a),
        false => e.sub(Operand::Constant(T::ZERO), a),
    }
}

/// A function of two numbers.
pub(crate) fn binary(
    e: &mut Emitter,
    function: BinaryFunction,
    a: Value,
    b: Value,
) -> Result<Value, Fault> {
    use BinaryFunction::*;
    match function {
        Add => on_numbers!((a, b), |a, b| Ok(e.add(a, b).into())),
        Subtract => on_numbers!((a, b), |a, b| Ok(e.sub(a, b).into())),
        Multiply => on_numbers!((a, b), |a, b| Ok(e.mul(a, b).into())),
        Divide => on_numbers!((a, b), |a, b| Ok(e.div(a, b).into())),
        And => match (a, b) {
            (Value::Bool(a), Value::Bool(b)) => Ok(e.and(a, b).into()),
            other => on_integers!(other, |a, b| Ok(e.and(a, b).into())),
        },
        Or => match (a, b) {
            (Value::Bool(a), Value::Bool(b)) => Ok(e.or(a, b).into()),
            other => on_integers!(other, |a, b| Ok(e.or(a, b).into())),
        },
        Xor => match (a, b) {
            (Value::Bool(a), Value::Bool(b)) => Ok(e.xor(a, b).into()),
            other => on_integers!(other, |a, b| Ok(e.xor(a, b).into())),
        },
        other => Err(none(&other)),
    }
}

/// `a * b + c`, rounded once.
pub(crate) fn multiply_add(e: &mut Emitter, a: Value, b: Value, c: Value) -> Result<Value, Fault> {
    fn fused<T: Float>(
        e: &mut Emitter,
        a: Operand<T>,
        b: Operand<T>,
        c: Operand<T>,
    ) -> Register<T> {
        e.fma(a, b, c)
    }
    fn whole<T: Integer>(
        e: &mut Emitter,
        a: Operand<T>,
        b: Operand<T>,
        c: Operand<T>,
    ) -> Register<T> {
        e.mad(a, b, c)
    }
    match (a, b, c) {
        (Value::F32(a), Value::F32(b), Value::F32(c)) => Ok(fused(e, a, b, c).into()),
        (Value::F64(a), Value::F64(b), Value::F64(c)) => Ok(fused(e, a, b, c).into()),
        other => on_integers!(other, |a, b, c| Ok(whole(e, a, b, c).into())),
    }
}

/// A comparison; with NaN only [`Comparison::NotEqual`] holds.
pub(crate) fn compare(
    e: &mut Emitter,
    comparison: Comparison,
    a: Value,
    b: Value,
) -> Result<Register<crate::builder::Predicate>, Fault> {
    on_numbers!((a, b), |a, b| Ok(e.compare(comparison, a, b)))
}

/// `condition ? a : b`
pub(crate) fn select(
    e: &mut Emitter,
    condition: Operand<crate::builder::Predicate>,
    a: Value,
    b: Value,
) -> Result<Value, Fault> {
    match condition {
        Operand::Constant(true) => Ok(a),
        Operand::Constant(false) => Ok(b),
        Operand::Register(condition) => {
            on_numbers!((a, b), |a, b| Ok(e.select(condition, a, b).into()))
        }
    }
}

fn shift(e: &mut Emitter, a: Value, by: u32, up: bool) -> Result<Value, Fault> {
    on_integers!((a,), |a| Ok(match up {
        true => e.shift_left(a, by).into(),
        false => e.shift_right(a, by).into(),
    }))
}
