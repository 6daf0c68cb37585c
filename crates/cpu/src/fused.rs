//! Multiply-adds that round once, with or without an instruction for it.

use cranelift_codegen::ir::condcodes::FloatCC;
use cranelift_codegen::ir::{Immediate, InstBuilder, Value, types};
use eyas_tensor::DType;

use crate::emitter::Emitter;
use crate::form::Form;
use crate::{arithmetic, cast, sixteen};

/// `a * b + c`, rounded once to the type.
///
/// Without the instruction f64 is exact unless a factor is beyond 2^995 or the product below
/// 2^-968, where it may round twice.
pub(crate) fn multiply_add(
    e: &mut Emitter,
    form: Form,
    dtype: DType,
    [a, b, c]: [Value; 3],
) -> Value {
    match dtype {
        DType::F32 | DType::F64 if e.abilities.fused => e.ins().fma(a, b, c),
        DType::F32 => through_f64(e, form, [a, b, c], |e, sum| e.narrow_nearest(sum)),
        DType::F64 => exact(e, a, b, c),
        // One element only: no four of these are multiplied and added at once.
        DType::F16 | DType::BF16 => {
            let odd = through_f64(e, form, [a, b, c], cast::narrow_to_odd);
            sixteen::round(e, dtype, odd)
        }
        DType::Bool => {
            let both = e.ins().band(a, b);
            e.ins().bor(both, c)
        }
        _ => {
            let product = e.ins().imul(a, b);
            let sum = e.ins().iadd(product, c);
            arithmetic::wrap(e, form, dtype, sum)
        }
    }
}

impl Emitter<'_> {
    fn narrow_nearest(&mut self, value: Value) -> Value {
        match self.type_of(value).is_vector() {
            true => self.ins().fvdemote(value),
            false => self.ins().fdemote(types::F32, value),
        }
    }
}

/// In f64 the product of f32 is exact, and a sum rounded to odd rounds again as if once.
fn through_f64(
    e: &mut Emitter,
    form: Form,
    operands: [Value; 3],
    narrow: fn(&mut Emitter, Value) -> Value,
) -> Value {
    if form == Form::Scalar {
        let [a, b, c] = operands.map(|value| e.ins().fpromote(types::F64, value));
        let product = e.ins().fmul(a, b);
        let sum = sum_to_odd(e, product, c);
        return narrow(e, sum);
    }
    let halves = [false, true].map(|high| {
        let [a, b, c] = operands.map(|value| {
            let value = if high { upper_half(e, value) } else { value };
            e.ins().fvpromote_low(value)
        });
        let product = e.ins().fmul(a, b);
        let sum = sum_to_odd(e, product, c);
        let narrow = narrow(e, sum);
        e.reinterpret(types::I8X16, narrow)
    });
    let bytes: Vec<u8> = (0..8).chain(16..24).collect();
    let both = shuffle(e, halves[0], halves[1], bytes);
    e.reinterpret(types::F32X4, both)
}

fn upper_half(e: &mut Emitter, value: Value) -> Value {
    let bytes = e.reinterpret(types::I8X16, value);
    let order: Vec<u8> = (8..16).chain(8..16).collect();
    let moved = shuffle(e, bytes, bytes, order);
    e.reinterpret(types::F32X4, moved)
}

fn shuffle(e: &mut Emitter, a: Value, b: Value, order: Vec<u8>) -> Value {
    let order: Immediate = e.builder.func.dfg.immediates.push(order.into());
    e.ins().shuffle(a, b, order)
}

/// Sum and exact error (Knuth, "The Art of Computer Programming", volume 2, 4.2.2).
fn two_sum(e: &mut Emitter, a: Value, b: Value) -> (Value, Value) {
    let sum = e.ins().fadd(a, b);
    let part = e.ins().fsub(sum, a);
    let rest = e.ins().fsub(sum, part);
    let first = e.ins().fsub(a, rest);
    let second = e.ins().fsub(b, part);
    let error = e.ins().fadd(first, second);
    (sum, error)
}

/// The sum of f64, rounded to odd (Boldo and Melquiond, "Emulation of FMA and correctly rounded
/// sums", 2008).
fn sum_to_odd(e: &mut Emitter, a: Value, b: Value) -> Value {
    let (sum, error) = two_sum(e, a, b);
    let ty = e.type_of(sum);
    let ints = match ty.is_vector() {
        true => types::I64X2,
        false => types::I64,
    };
    let zero = e.float(ty, 0.0);
    // An infinite sum has a NaN for its error and stays.
    let [above, below, positive] = [
        (FloatCC::GreaterThan, error),
        (FloatCC::LessThan, error),
        (FloatCC::GreaterThan, sum),
    ]
    .map(|(condition, value)| {
        let mask = e.ins().fcmp(condition, value, zero);
        e.ones(ints, mask)
    });
    let inexact = e.ins().bor(above, below);
    let inwards = e.ins().bxor(above, positive);
    let inwards = e.ins().band(inwards, inexact);
    let outwards = e.ins().band_not(inexact, inwards);
    // Ones are -1: outwards adds 1 to the bits, inwards takes 1 off.
    let step = e.ins().isub(inwards, outwards);
    let bits = e.reinterpret(ints, sum);
    let one = e.constant(ints, 1);
    let odd = e.ins().band(bits, one);
    let even = e.ins().isub(odd, one);
    let step = e.ins().band(step, even);
    let bits = e.ins().iadd(bits, step);
    e.reinterpret(ty, bits)
}

/// f64 by exact products and sums (the same paper; the product by Dekker, 1971).
fn exact(e: &mut Emitter, a: Value, b: Value, c: Value) -> Value {
    let ty = e.type_of(a);
    let (product, error) = two_product(e, a, b);
    let (upper, lower) = two_sum(e, c, error);
    let (high, rest) = two_sum(e, product, upper);
    let low = sum_to_odd(e, lower, rest);
    let result = e.ins().fadd(high, low);
    let plain = e.ins().fadd(product, c);
    let difference = e.ins().fsub(result, result);
    let zero = e.float(ty, 0.0);
    let finite = e.ins().fcmp(FloatCC::Equal, difference, zero);
    // A sum that is 0 is so without an error, and the plain one has the sign.
    let something = e.ins().fcmp(FloatCC::NotEqual, result, zero);
    let kept = e.ins().band(finite, something);
    e.choose(kept, result, plain)
}

fn two_product(e: &mut Emitter, a: Value, b: Value) -> (Value, Value) {
    let product = e.ins().fmul(a, b);
    let [(a_high, a_low), (b_high, b_low)] = [a, b].map(|value| halves(e, value));
    let high = e.ins().fmul(a_high, b_high);
    let (cross, other) = (e.ins().fmul(a_low, b_high), e.ins().fmul(a_high, b_low));
    let low = e.ins().fmul(a_low, b_low);
    let rest = e.ins().fsub(product, high);
    let rest = e.ins().fsub(rest, cross);
    let rest = e.ins().fsub(rest, other);
    (product, e.ins().fsub(low, rest))
}

/// Two halves of 26 bits each.
fn halves(e: &mut Emitter, value: Value) -> (Value, Value) {
    let ty = e.type_of(value);
    let factor = e.float(ty, 134_217_729.0);
    let scaled = e.ins().fmul(value, factor);
    let rest = e.ins().fsub(scaled, value);
    let high = e.ins().fsub(scaled, rest);
    (high, e.ins().fsub(value, high))
}
