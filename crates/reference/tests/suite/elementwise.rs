use eyas_ir::{BinaryFunction, Comparison, Op, UnaryFunction};
use eyas_tensor::{DType, Number, Tensor};

use crate::single::{apply, apply_wide, floats, integers, values};

#[test]
fn results_round_to_their_type_or_stay_wide() {
    let third = |dtype| [floats(dtype, &[1], &[1.0]), floats(dtype, &[1], &[3.0])];
    let divide = || Op::binary(BinaryFunction::Divide);
    assert_eq!(apply(divide(), &third(DType::F32)), [f64::from(1f32 / 3.0)]);
    assert_eq!(apply(divide(), &third(DType::BF16)), [0.333_984_375]);
    assert_eq!(apply_wide(divide(), &third(DType::BF16)), [1.0 / 3.0]);
}

#[test]
fn integers_wrap_in_both_storages() {
    let operands = [
        integers(DType::I8, &[2], &[127, -128]),
        integers(DType::I8, &[2], &[1, -1]),
    ];
    let add = || Op::binary(BinaryFunction::Add);
    assert_eq!(apply(add(), &operands), [-128.0, 127.0]);
    assert_eq!(apply_wide(add(), &operands), [-128.0, 127.0]);
    let divide = apply(Op::binary(BinaryFunction::Divide), &operands);
    assert_eq!(divide, [127.0, -128.0]);
    let low = [integers(DType::I8, &[1], &[-128])];
    assert_eq!(apply(Op::unary(UnaryFunction::Absolute), &low), [-128.0]);
    let large = integers(DType::U64, &[1], &[u64::MAX.into()]);
    let square = values(
        Op::binary(BinaryFunction::Multiply),
        &[large.clone(), large],
    );
    assert_eq!(square.unwrap().get(0), Number::Int(1));
}

#[test]
fn casts_truncate_and_saturate_and_nan_is_zero() {
    let x = [floats(
        DType::F32,
        &[5],
        &[-1.9, 300.0, -300.0, f64::NAN, f64::INFINITY],
    )];
    let cast = |dtype| Op::Cast { dtype };
    assert_eq!(
        apply(cast(DType::I8), &x),
        [-1.0, 127.0, -128.0, 0.0, 127.0]
    );
    assert_eq!(apply(cast(DType::U4), &x), [0.0, 15.0, 0.0, 0.0, 15.0]);
    assert_eq!(
        apply_wide(cast(DType::I8), &x),
        [-1.0, 127.0, -128.0, 0.0, 127.0]
    );
    assert_eq!(apply(cast(DType::Bool), &x), [1.0; 5]);
    let wide = [integers(DType::I32, &[2], &[257, -1])];
    assert_eq!(apply(cast(DType::U8), &wide), [1.0, 255.0]);
}

#[test]
fn bools_have_logic_and_choose() {
    let a = integers(DType::Bool, &[4], &[0, 0, 1, 1]);
    let b = integers(DType::Bool, &[4], &[0, 1, 0, 1]);
    let call = |function| apply(Op::binary(function), &[a.clone(), b.clone()]);
    assert_eq!(call(BinaryFunction::And), [0.0, 0.0, 0.0, 1.0]);
    assert_eq!(call(BinaryFunction::Or), [0.0, 1.0, 1.0, 1.0]);
    assert_eq!(call(BinaryFunction::Xor), [0.0, 1.0, 1.0, 0.0]);
    let (x, y) = (
        floats(DType::F64, &[4], &[1.0, 2.0, 3.0, 4.0]),
        floats(DType::F64, &[4], &[-1.0, -2.0, -3.0, f64::NAN]),
    );
    let chosen = apply(Op::Select, &[a, x.clone(), y.clone()]);
    assert_eq!(chosen, [-1.0, -2.0, 3.0, 4.0]);
    let comparison = Comparison::GreaterOrEqual;
    let compared = apply(Op::Compare { comparison }, &[x, y]);
    assert_eq!(compared, [1.0, 1.0, 1.0, 0.0]);
}

#[test]
fn nothing_gives_nothing() {
    let empty = [Tensor::zeros(DType::F32, &[3, 0]).unwrap()];
    let result = values(Op::unary(UnaryFunction::Exp), &empty).unwrap();
    assert_eq!(result.shape(), [3, 0]);
}
