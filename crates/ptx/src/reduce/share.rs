//! Partial folds on their way between threads.

use crate::builder::{Address, Builder, F32, F64, Operand, S32, S64, Type, U32, U64};
use crate::emitter::Emitter;
use crate::error::Fault;
use crate::value::Value;

/// As what a value lies in memory.
pub(crate) fn kind(value: Value) -> Result<Type, Fault> {
    Ok(match value {
        Value::F32(_) => Type::F32,
        Value::F64(_) => Type::F64,
        Value::S32(_) => Type::S32,
        Value::U32(_) => Type::U32,
        Value::S64(_) => Type::S64,
        Value::U64(_) => Type::U64,
        Value::Bool(_) | Value::Half(_) => return Err(Value::other_kind()),
    })
}

/// The value of the lane whose number differs in these bits.
pub(crate) fn shuffled(e: &mut Emitter, value: Value, bits: i64) -> Result<Value, Fault> {
    let bits = bits as u32;
    Ok(match value.held(e) {
        Value::F32(Operand::Register(x)) => e.shuffle_xor(x, bits).into(),
        Value::F64(Operand::Register(x)) => e.shuffle_xor(x, bits).into(),
        Value::S32(Operand::Register(x)) => e.shuffle_xor(x, bits).into(),
        Value::U32(Operand::Register(x)) => e.shuffle_xor(x, bits).into(),
        Value::S64(Operand::Register(x)) => e.shuffle_xor(x, bits).into(),
        Value::U64(Operand::Register(x)) => e.shuffle_xor(x, bits).into(),
        _ => return Err(Value::other_kind()),
    })
}

/// Writes a value, which is in a register.
pub(crate) fn store(b: &mut Builder, at: Address, value: Value) -> Result<(), Fault> {
    match value {
        Value::F32(x) => b.store::<F32>(at, x),
        Value::F64(x) => b.store::<F64>(at, x),
        Value::S32(x) => b.store::<S32>(at, x),
        Value::U32(x) => b.store::<U32>(at, x),
        Value::S64(x) => b.store::<S64>(at, x),
        Value::U64(x) => b.store::<U64>(at, x),
        Value::Bool(_) | Value::Half(_) => return Err(Value::other_kind()),
    }
    Ok(())
}

/// A value of the same kind as another.
pub(crate) fn load(e: &mut Emitter, at: Address, like: Value) -> Result<Value, Fault> {
    Ok(match like {
        Value::F32(_) => e.load::<F32>(at).into(),
        Value::F64(_) => e.load::<F64>(at).into(),
        Value::S32(_) => e.load::<S32>(at).into(),
        Value::U32(_) => e.load::<U32>(at).into(),
        Value::S64(_) => e.load::<S64>(at).into(),
        Value::U64(_) => e.load::<U64>(at).into(),
        Value::Bool(_) | Value::Half(_) => return Err(Value::other_kind()),
    })
}
