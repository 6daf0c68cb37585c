//! The two 16-bit floats, kept in registers as the f32 of the same value, by arithmetic on bits:
//! one element or four.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, Type, Value, types};
use eyas_tensor::DType;

use crate::emitter::Emitter;

const SIGN: u64 = 0x8000_0000;
const INFINITY: u64 = 0x7f80_0000;
/// The least normal f16, 2^-14.
const LEAST_NORMAL: u64 = 0x3880_0000;
/// The least f32 that rounds to an infinite f16, 65520.
const BEYOND: u64 = 0x477f_f000;
/// Exponents of f32 and f16 differ by this.
const BIAS: u64 = 112;

struct Split {
    ints: Type,
    floats: Type,
    /// Without the sign.
    magnitude: Value,
    bits: Value,
}

fn split(e: &mut Emitter, value: Value) -> Split {
    let vector = e.type_of(value).is_vector();
    let (ints, floats) = match vector {
        true => (types::I32X4, types::F32X4),
        false => (types::I32, types::F32),
    };
    let bits = e.reinterpret(ints, value);
    let mask = e.constant(ints, !SIGN);
    let magnitude = e.ins().band(bits, mask);
    Split {
        ints,
        floats,
        magnitude,
        bits,
    }
}

/// Where the magnitude is at least so much; magnitudes are never negative as integers.
fn from(e: &mut Emitter, s: &Split, limit: u64) -> Value {
    let limit = e.constant(s.ints, limit - 1);
    e.ins().icmp(IntCC::SignedGreaterThan, s.magnitude, limit)
}

/// The value rounded (half to even) to a multiple of the bit `1 << drop`, not yet cut.
fn rounded(e: &mut Emitter, s: &Split, bits: Value, drop: i64) -> Value {
    let (one, half) = (
        e.constant(s.ints, 1),
        e.constant(s.ints, (1 << (drop - 1)) - 1),
    );
    let last = e.ins().ushr_imm_s(bits, drop);
    let odd = e.ins().band(last, one);
    let sum = e.ins().iadd(bits, half);
    e.ins().iadd(sum, odd)
}

/// The f32 as its nearest value of the type.
pub(crate) fn round(e: &mut Emitter, dtype: DType, value: Value) -> Value {
    let s = split(e, value);
    let drop = if dtype == DType::F16 { 13 } else { 16 };
    let sum = rounded(e, &s, s.magnitude, drop);
    let keep = e.constant(s.ints, u64::MAX << drop);
    let mut result = e.ins().band(sum, keep);
    if dtype == DType::F16 {
        let small = least(e, &s);
        let half = e.float(s.floats, 0.5);
        let small = e.ins().fsub(small, half);
        let small = e.reinterpret(s.ints, small);
        let normal = from(e, &s, LEAST_NORMAL);
        result = e.choose(normal, result, small);
        let beyond = from(e, &s, BEYOND);
        let infinity = e.constant(s.ints, INFINITY);
        result = e.choose(beyond, infinity, result);
    }
    let nan = from(e, &s, INFINITY + 1);
    let quiet = e.constant(s.ints, 0x7fc0_0000);
    result = e.choose(nan, quiet, result);
    let sign = e.constant(s.ints, SIGN);
    let sign = e.ins().band(s.bits, sign);
    let result = e.ins().bor(result, sign);
    e.reinterpret(s.floats, result)
}

/// `magnitude + 0.5`: the last bit of the sum counts steps of 2^-24, those of the least f16.
fn least(e: &mut Emitter, s: &Split) -> Value {
    let magnitude = e.reinterpret(s.floats, s.magnitude);
    let half = e.float(s.floats, 0.5);
    e.ins().fadd(magnitude, half)
}

/// The bits of an f32 as a value of the type, rounded; an integer of 32 bits whose lower half it is.
pub(crate) fn encode(e: &mut Emitter, dtype: DType, value: Value) -> Value {
    let s = split(e, value);
    let nan = from(e, &s, INFINITY + 1);
    if dtype == DType::BF16 {
        let sum = rounded(e, &s, s.bits, 16);
        let quiet = e.constant(s.ints, 0x0040_0000);
        let quiet = e.ins().bor(s.bits, quiet);
        let result = e.choose(nan, quiet, sum);
        return e.ins().ushr_imm_s(result, 16);
    }
    let sum = rounded(e, &s, s.magnitude, 13);
    let normal = e.ins().ushr_imm_s(sum, 13);
    let bias = e.constant(s.ints, BIAS << 10);
    let normal = e.ins().isub(normal, bias);
    let small = least(e, &s);
    let small = e.reinterpret(s.ints, small);
    let half = e.constant(s.ints, 0x3f00_0000);
    let small = e.ins().isub(small, half);
    let is_normal = from(e, &s, LEAST_NORMAL);
    let result = e.choose(is_normal, normal, small);
    let beyond = from(e, &s, BEYOND);
    let infinity = e.constant(s.ints, 0x7c00);
    let result = e.choose(beyond, infinity, result);
    let quiet = e.constant(s.ints, 0x7e00);
    let result = e.choose(nan, quiet, result);
    let sign = e.ins().ushr_imm_s(s.bits, 16);
    let mask = e.constant(s.ints, 0x8000);
    let sign = e.ins().band(sign, mask);
    e.ins().bor(result, sign)
}

/// The f32 of the value whose bits are the lower half of an integer of 32 bits.
pub(crate) fn decode(e: &mut Emitter, dtype: DType, bits: Value) -> Value {
    let (ints, floats) = match e.type_of(bits).is_vector() {
        true => (types::I32X4, types::F32X4),
        false => (types::I32, types::F32),
    };
    if dtype == DType::BF16 {
        let bits = e.ins().ishl_imm_s(bits, 16);
        return e.reinterpret(floats, bits);
    }
    let mask = e.constant(ints, 0x7fff);
    let magnitude = e.ins().band(bits, mask);
    let magnitude = e.ins().ishl_imm_s(magnitude, 13);
    let bias = e.constant(ints, BIAS << 23);
    let normal = e.ins().iadd(magnitude, bias);
    let infinite = e.ins().iadd(normal, bias);
    let small_bias = e.constant(ints, (BIAS + 1) << 23);
    let small = e.ins().iadd(magnitude, small_bias);
    let small = e.reinterpret(floats, small);
    let least_normal = e.constant(floats, LEAST_NORMAL);
    let small = e.ins().fsub(small, least_normal);
    let small = e.reinterpret(ints, small);
    let limit = e.constant(ints, (0x7c00 << 13) - 1);
    let is_infinite = e.ins().icmp(IntCC::SignedGreaterThan, magnitude, limit);
    let limit = e.constant(ints, (0x0400 << 13) - 1);
    let is_normal = e.ins().icmp(IntCC::SignedGreaterThan, magnitude, limit);
    let result = e.choose(is_normal, normal, small);
    let result = e.choose(is_infinite, infinite, result);
    let mask = e.constant(ints, 0x8000);
    let sign = e.ins().band(bits, mask);
    let sign = e.ins().ishl_imm_s(sign, 16);
    let result = e.ins().bor(result, sign);
    e.reinterpret(floats, result)
}
