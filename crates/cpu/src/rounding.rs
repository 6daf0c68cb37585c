//! Rounding to integral floats, with or without an instruction for it.

use cranelift_codegen::ir::condcodes::FloatCC;
use cranelift_codegen::ir::{InstBuilder, Value, types};

use crate::emitter::Emitter;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    Down,
    Up,
    /// Half to even.
    Nearest,
}

/// The value rounded to an integral one; f32 or f64, one element or more.
pub(crate) fn integral(e: &mut Emitter, direction: Direction, value: Value) -> Value {
    if e.abilities.rounding {
        return match direction {
            Direction::Down => e.ins().floor(value),
            Direction::Up => e.ins().ceil(value),
            Direction::Nearest => e.ins().nearest(value),
        };
    }
    // Adding the number from which on floats are integral rounds what is below.
    let ty = e.type_of(value);
    let limit = match ty.lane_type() {
        types::F32 => 8_388_608.0,
        _ => 4_503_599_627_370_496.0,
    };
    let limit = e.float(ty, limit);
    let magnitude = e.ins().fabs(value);
    let sum = e.ins().fadd(magnitude, limit);
    let rounded = e.ins().fsub(sum, limit);
    let mut rounded = with_sign(e, rounded, value);
    let (one, zero) = (e.float(ty, 1.0), e.float(ty, 0.0));
    if direction != Direction::Nearest {
        let condition = match direction {
            Direction::Down => FloatCC::GreaterThan,
            _ => FloatCC::LessThan,
        };
        let too_far = e.ins().fcmp(condition, rounded, value);
        let step = e.choose(too_far, one, zero);
        rounded = match direction {
            Direction::Down => e.ins().fsub(rounded, step),
            _ => e.ins().fadd(rounded, step),
        };
        rounded = with_sign(e, rounded, value);
    }
    let inside = e.ins().fcmp(FloatCC::LessThan, magnitude, limit);
    e.choose(inside, rounded, value)
}

/// The magnitude of one number with the sign of another.
fn with_sign(e: &mut Emitter, magnitude: Value, sign: Value) -> Value {
    let ty = e.type_of(sign);
    let (ints, bit) = match ty {
        types::F32 => (types::I32, 1 << 31),
        types::F32X4 => (types::I32X4, 1 << 31),
        types::F64 => (types::I64, 1 << 63),
        _ => (types::I64X2, 1 << 63),
    };
    let magnitude = e.ins().fabs(magnitude);
    let (magnitude, sign) = (e.reinterpret(ints, magnitude), e.reinterpret(ints, sign));
    let mask = e.constant(ints, bit);
    let sign = e.ins().band(sign, mask);
    let result = e.ins().bor(magnitude, sign);
    e.reinterpret(ty, result)
}
