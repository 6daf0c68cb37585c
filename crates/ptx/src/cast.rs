//! Conversions between element types, as expanded bodies have them.

use eyas_tensor::DType;

use crate::builder::{
    B16, Builder, F32, F64, Float, Integer, Narrow, Operand, Register, Rounding, S32, S64, U32, U64,
};
use crate::emitter::Emitter;
use crate::error::Fault;
use crate::value::Value;

/// The value as another type: floats become integers by cutting and saturating, NaN is 0;
/// integers wrap; everything rounds once.
pub(crate) fn cast(e: &mut Emitter, from: DType, to: DType, a: Value) -> Result<Value, Fault> {
    if from == to {
        return Ok(a);
    }
    Ok(match a {
        // All of these are kept in 32 bits.
        Value::S32(_) if to == DType::I32 => a,
        Value::S32(a) if is_short(to) => narrowed(e, to, a),
        Value::F32(a) => match to {
            DType::F16 => e.to_f16(a).into(),
            DType::BF16 => e.to_bf16(a).into(),
            DType::F64 => e.widen_float(a).into(),
            _ => to_integer::<F32>(e, to, a)?,
        },
        Value::F64(a) => match to {
            DType::F32 => e.narrow_float(a).into(),
            _ => to_integer::<F64>(e, to, a)?,
        },
        Value::Half(a) => {
            let a = e.held(a);
            match (from, to) {
                (DType::F16, DType::F32) => e.from_f16(a).into(),
                (DType::BF16, DType::F32) => e.from_bf16(a).into(),
                _ => return Err(none(from, to)),
            }
        }
        Value::S32(a) => from_integer(e, to, a)?,
        Value::U32(a) => from_integer(e, to, a)?,
        Value::S64(a) => from_integer(e, to, a)?,
        Value::U64(a) => from_integer(e, to, a)?,
        Value::Bool(_) => return Err(none(from, to)),
    })
}

fn none(from: DType, to: DType) -> Fault {
    Fault::Unsupported(format!("a cast from `{from}` to `{to}`"))
}

/// The instruction gives 0 for NaN only where neither type has 64 bits.
fn to_integer<S: Float>(e: &mut Emitter, to: DType, a: Operand<S>) -> Result<Value, Fault> {
    Ok(match to {
        DType::I32 => cut::<S32, S>(e, a).into(),
        DType::U32 => cut::<U32, S>(e, a).into(),
        DType::I64 => cut::<S64, S>(e, a).into(),
        DType::U64 => cut::<U64, S>(e, a).into(),
        _ => return Err(Fault::Unsupported(format!("a cast of a float to `{to}`"))),
    })
}

fn cut<D: Integer, S: Float>(b: &mut Builder, a: Operand<S>) -> Register<D> {
    let whole = b.to_integer::<D, S>(Rounding::Zero, a);
    if S::BYTES < 8 && D::BYTES < 8 {
        return whole;
    }
    let nan = b.is_nan(a);
    b.select(nan, Operand::Constant(D::ZERO), whole)
}

fn from_integer<S: Integer>(e: &mut Emitter, to: DType, a: Operand<S>) -> Result<Value, Fault> {
    Ok(match to {
        DType::F32 => e.to_float::<F32, S>(a).into(),
        DType::F64 => e.to_float::<F64, S>(a).into(),
        DType::I64 => e.resize::<S64, S>(a).into(),
        DType::U64 => e.resize::<U64, S>(a).into(),
        DType::U32 => e.resize::<U32, S>(a).into(),
        DType::I32 => e.resize::<S32, S>(a).into(),
        _ if is_short(to) => {
            let word = e.resize::<S32, S>(a);
            narrowed(e, to, word.into())
        }
        _ => {
            return Err(Fault::Unsupported(format!(
                "a cast of an integer to `{to}`"
            )));
        }
    })
}

/// Whether it is an integer narrower than any register's.
fn is_short(dtype: DType) -> bool {
    dtype.is_integer() && matches!(dtype.bits(), 8 | 16)
}

/// An integer wrapped to a narrow type.
pub(crate) fn narrowed(e: &mut Emitter, to: DType, word: Operand<S32>) -> Value {
    match to {
        DType::I8 => e.low_byte(word).into(),
        DType::I16 => e.low_short(word).into(),
        DType::U8 => e.and(word, 0xff).into(),
        DType::U16 => e.and(word, 0xffff).into(),
        _ => Value::S32(word),
    }
}

/// The same bits as another type of the same width.
pub(crate) fn bitcast(e: &mut Emitter, to: DType, a: Value) -> Result<Value, Fault> {
    Ok(match (a, to) {
        (Value::F32(a), DType::I32) => e.reinterpret::<S32, F32>(a).into(),
        (Value::F32(a), DType::U32) => e.reinterpret::<U32, F32>(a).into(),
        (Value::S32(a), DType::F32) => e.reinterpret::<F32, S32>(a).into(),
        (Value::S32(a), DType::U32) => e.reinterpret::<U32, S32>(a).into(),
        (Value::U32(a), DType::F32) => e.reinterpret::<F32, U32>(a).into(),
        (Value::U32(a), DType::I32) => e.reinterpret::<S32, U32>(a).into(),
        (Value::F64(a), DType::I64) => e.reinterpret::<S64, F64>(a).into(),
        (Value::F64(a), DType::U64) => e.reinterpret::<U64, F64>(a).into(),
        (Value::S64(a), DType::F64) => e.reinterpret::<F64, S64>(a).into(),
        (Value::S64(a), DType::U64) => e.reinterpret::<U64, S64>(a).into(),
        (Value::U64(a), DType::F64) => e.reinterpret::<F64, U64>(a).into(),
        (Value::U64(a), DType::I64) => e.reinterpret::<S64, U64>(a).into(),
        (Value::Half(_), DType::F16 | DType::BF16) => a,
        (Value::Half(a), DType::I16) => {
            let a = e.held::<B16>(a);
            e.from_short::<S32>(a).into()
        }
        (Value::Half(a), DType::U16) => {
            let a = e.held::<B16>(a);
            e.widen_short::<S32>(Narrow::U16, a).into()
        }
        (Value::S32(a), DType::F16 | DType::BF16) => e.to_short::<S32>(a).into(),
        (Value::S32(_), DType::F8E4M3 | DType::F8E5M2 | DType::I32) => a,
        (Value::S32(a), DType::I16 | DType::I8 | DType::U16 | DType::U8) => narrowed(e, to, a),
        (a, _) => return Ok(a),
    })
}
