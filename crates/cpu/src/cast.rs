//! Conversions between element types.

use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{InstBuilder, Type, Value, types};
use eyas_tensor::DType;

use crate::arithmetic::wrap;
use crate::emitter::Emitter;
use crate::form::Form;
use crate::sixteen;

/// Whether several elements at a time can be converted.
pub(crate) fn has_vector(form: Form, from: DType, to: DType) -> bool {
    match form {
        Form::Scalar => true,
        // From 32 bits to bf16 by way of f32 would round twice.
        Form::Four => {
            let twice = to == DType::BF16 && matches!(from, DType::I32 | DType::U32);
            from.bits() <= 32 && to.bits() <= 32 && !twice
        }
        Form::Two => {
            let whole = |dtype: DType| matches!(dtype, DType::I64 | DType::U64 | DType::Bool);
            whole(from) && whole(to) || from == to || (from, to) == (DType::F64, DType::Bool)
        }
    }
}

/// The value as another type: floats become integers by cutting and saturating, NaN is 0;
/// integers wrap; everything rounds once.
pub(crate) fn cast(e: &mut Emitter, form: Form, from: DType, to: DType, a: Value) -> Value {
    if from == to {
        return a;
    }
    if to == DType::Bool {
        let ty = e.type_of(a);
        let zero = e.constant(ty, 0);
        return match from.is_float() {
            true => e.ins().fcmp(FloatCC::NotEqual, a, zero),
            false => e.ins().icmp(IntCC::NotEqual, a, zero),
        };
    }
    match (from.is_float(), to.is_float()) {
        (true, true) => between_floats(e, form, from, to, a),
        (true, false) if form == Form::Scalar => to_integer(e, from, to, a),
        (true, false) => to_integers(e, to, a),
        (false, true) if form == Form::Scalar => to_float(e, from, to, a),
        (false, true) => to_floats(e, from, to, a),
        (false, false) => between_integers(e, form, from, to, a),
    }
}

fn between_floats(e: &mut Emitter, form: Form, from: DType, to: DType, a: Value) -> Value {
    match (from, to) {
        (DType::F64, DType::F32) => e.ins().fdemote(types::F32, a),
        (DType::F64, _) => {
            let odd = narrow_to_odd(e, a);
            sixteen::round(e, to, odd)
        }
        (_, DType::F64) => e.ins().fpromote(types::F64, a),
        // Kept as f32 already.
        (_, DType::F32) => a,
        _ => {
            debug_assert!(form != Form::Two);
            sixteen::round(e, to, a)
        }
    }
}

/// An f64 as f32 rounded to odd, so that rounding it again to 16 bits is rounding once.
pub(crate) fn narrow_to_odd(e: &mut Emitter, value: Value) -> Value {
    let nearest = e.ins().fdemote(types::F32, value);
    let back = e.ins().fpromote(types::F64, nearest);
    let (found, wanted) = (e.ins().fabs(back), e.ins().fabs(value));
    let bits = e.reinterpret(types::I32, nearest);
    let one = e.ins().iconst(types::I32, 1);
    let odd = e.ins().band(bits, one);
    let even = e.ins().isub(odd, one);
    let [above, below] = [FloatCC::GreaterThan, FloatCC::LessThan].map(|condition| {
        let mask = e.ins().fcmp(condition, found, wanted);
        e.ones(types::I32, mask)
    });
    let step = e.ins().isub(above, below);
    let step = e.ins().band(step, even);
    let bits = e.ins().iadd(bits, step);
    e.reinterpret(types::F32, bits)
}

/// One float.
fn to_integer(e: &mut Emitter, from: DType, to: DType, a: Value) -> Value {
    let _ = from;
    let target = Form::Scalar.clif(to);
    match (to.bits(), to.is_signed()) {
        (32 | 64, true) => e.ins().fcvt_to_sint_sat(target, a),
        (32 | 64, false) => e.ins().fcvt_to_uint_sat(target, a),
        _ => {
            let wide = e.ins().fcvt_to_sint_sat(types::I32, a);
            let kept = saturate(e, to, wide);
            e.ins().ireduce(target, kept)
        }
    }
}

/// Four f32.
fn to_integers(e: &mut Emitter, to: DType, a: Value) -> Value {
    match to {
        DType::U32 => e.ins().fcvt_to_uint_sat(types::I32X4, a),
        DType::I32 => e.ins().fcvt_to_sint_sat(types::I32X4, a),
        _ => {
            let wide = e.ins().fcvt_to_sint_sat(types::I32X4, a);
            saturate(e, to, wide)
        }
    }
}

/// Signed integers of 32 bits cut to the range of a narrower type.
fn saturate(e: &mut Emitter, to: DType, value: Value) -> Value {
    let (low, high) = to.integer_range().unwrap_or((0, 1));
    let ty = e.type_of(value);
    let low = e.constant(ty, low as u64);
    let high = e.constant(ty, high as u64);
    let above = e.ins().smax(value, low);
    e.ins().smin(above, high)
}

/// One integer.
fn to_float(e: &mut Emitter, from: DType, to: DType, a: Value) -> Value {
    let signed = from.is_signed();
    let wide = match from.bits() {
        64 => a,
        _ => extend(e, from, types::I64, a),
    };
    let convert = |e: &mut Emitter, ty: Type, value: Value| match signed || from.bits() < 64 {
        true => e.ins().fcvt_from_sint(ty, value),
        false => e.ins().fcvt_from_uint(ty, value),
    };
    match to {
        DType::F64 => convert(e, types::F64, wide),
        DType::F32 => convert(e, types::F32, wide),
        // What f32 cannot hold is beyond the greatest f16.
        DType::F16 => {
            let value = convert(e, types::F32, wide);
            sixteen::round(e, to, value)
        }
        _ => {
            let wide = match from.bits() {
                64 => cut_to_odd(e, signed, wide),
                _ => wide,
            };
            let value = convert(e, types::F64, wide);
            let odd = narrow_to_odd(e, value);
            sixteen::round(e, to, odd)
        }
    }
}

/// A great integer rounded to odd at bit 16, which f64 holds and bf16 does not see.
fn cut_to_odd(e: &mut Emitter, signed: bool, value: Value) -> Value {
    let low = e.ins().band_imm_s(value, 0xffff);
    let lost = e.ins().icmp_imm_s(IntCC::NotEqual, low, 0);
    let lost = e.ins().uextend(types::I64, lost);
    let lost = e.ins().ishl_imm_s(lost, 16);
    let high = e.ins().band_imm_s(value, !0xffff);
    let odd = e.ins().bor(high, lost);
    let magnitude = match signed {
        true => {
            let negative = e.ins().ineg(value);
            e.ins().smax(value, negative)
        }
        false => value,
    };
    let great = e
        .ins()
        .icmp_imm_s(IntCC::UnsignedGreaterThan, magnitude, 1 << 52);
    e.ins().select(great, odd, value)
}

/// Four integers of at most 32 bits.
fn to_floats(e: &mut Emitter, from: DType, to: DType, a: Value) -> Value {
    let whole = match from {
        DType::Bool => {
            let one = e.constant(types::I32X4, 1);
            e.ins().band(a, one)
        }
        _ => a,
    };
    let value = match from {
        DType::U32 => e.ins().fcvt_from_uint(types::F32X4, whole),
        _ => e.ins().fcvt_from_sint(types::F32X4, whole),
    };
    match to {
        DType::F32 => value,
        _ => sixteen::round(e, to, value),
    }
}

fn between_integers(e: &mut Emitter, form: Form, from: DType, to: DType, a: Value) -> Value {
    if form == Form::Scalar {
        let target = Form::Scalar.clif(to);
        let (wide, narrow) = (e.type_of(a).bits(), target.bits());
        return match wide.cmp(&narrow) {
            std::cmp::Ordering::Less => extend(e, from, target, a),
            std::cmp::Ordering::Equal => a,
            std::cmp::Ordering::Greater => e.ins().ireduce(target, a),
        };
    }
    if from == DType::Bool {
        let ty = e.type_of(a);
        let one = e.constant(ty, 1);
        return e.ins().band(a, one);
    }
    wrap(e, form, to, a)
}

fn extend(e: &mut Emitter, from: DType, to: Type, a: Value) -> Value {
    match from.is_signed() {
        true => e.ins().sextend(to, a),
        false => e.ins().uextend(to, a),
    }
}

/// An integer element as an i64; of u64 what is too great becomes negative.
pub(crate) fn to_index(e: &mut Emitter, from: DType, a: Value) -> Value {
    between_integers(e, Form::Scalar, from, DType::I64, a)
}
