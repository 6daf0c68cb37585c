//! Places along the innermost axis, several at a time. They are i64, which four lanes cannot hold:
//! there a place stays the first lane's, until it is compared or becomes another type.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{ConstantData, InstBuilder, Value, types};
use eyas_ir::Comparison;
use eyas_tensor::DType;

use crate::cast::cast as cast_one;
use crate::emitter::Emitter;
use crate::form::Form;

/// The places from one on; in four lanes the first alone.
pub(crate) fn from(e: &mut Emitter, form: Form, first: Value) -> Value {
    if form != Form::Two {
        return first;
    }
    let all = e.ins().splat(types::I64X2, first);
    let next = e.ins().iadd_imm_s(first, 1);
    e.ins().insertlane(all, next, 1)
}

/// Four places from one on, compared with a number; or the number with them.
pub(crate) fn compare(
    e: &mut Emitter,
    comparison: Comparison,
    first: Value,
    number: Value,
    place_first: bool,
) -> Value {
    // Only the order of the distance to lanes 0 to 3 counts, which saturating keeps.
    let number = clamp(e, number, 1 << 62);
    let distance = e.ins().isub(number, first);
    let distance = clamp(e, distance, 1 << 30);
    let distance = e.ins().ireduce(types::I32, distance);
    let distance = e.ins().splat(types::I32X4, distance);
    let bytes: Vec<u8> = (0..4i32).flat_map(i32::to_le_bytes).collect();
    let constant = e
        .builder
        .func
        .dfg
        .constants
        .insert(ConstantData::from(&bytes[..]));
    let lanes = e.ins().vconst(types::I32X4, constant);
    let condition = match comparison {
        Comparison::Equal => IntCC::Equal,
        Comparison::NotEqual => IntCC::NotEqual,
        Comparison::Less => IntCC::SignedLessThan,
        Comparison::LessOrEqual => IntCC::SignedLessThanOrEqual,
        Comparison::Greater => IntCC::SignedGreaterThan,
        Comparison::GreaterOrEqual => IntCC::SignedGreaterThanOrEqual,
    };
    match place_first {
        true => e.ins().icmp(condition, lanes, distance),
        false => e.ins().icmp(condition, distance, lanes),
    }
}

fn clamp(e: &mut Emitter, value: Value, limit: i64) -> Value {
    let (low, high) = (e.integer(-limit), e.integer(limit));
    let value = e.ins().smax(value, low);
    e.ins().smin(value, high)
}

/// Four places from one on as another type.
pub(crate) fn cast(e: &mut Emitter, to: DType, first: Value) -> Value {
    let one = |e: &mut Emitter, place| cast_one(e, Form::Scalar, DType::I64, to, place);
    let lane = one(e, first);
    let mut lanes = e.ins().splat(Form::Four.clif(to), lane);
    for number in 1..4u8 {
        let place = e.ins().iadd_imm_s(first, i64::from(number));
        let lane = one(e, place);
        lanes = e.ins().insertlane(lanes, lane, number);
    }
    lanes
}
