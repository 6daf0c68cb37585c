use eyas_ir::{BinaryFunction, BodyBuilder, Einsum, Op};
use eyas_tensor::{DType, Tensor};

use crate::single::{apply, floats, integers, values};

fn contraction(spec: &str, accumulator: DType) -> Op {
    Op::Contraction {
        spec: spec.parse::<Einsum>().unwrap(),
        accumulator,
        epilogue: None,
    }
}

#[test]
fn matrices_multiply_in_any_layout() {
    let a = floats(DType::F32, &[2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    let b = floats(DType::F32, &[3, 2], &[7.0, 8.0, 9.0, 10.0, 11.0, 12.0]);
    let product = [58.0, 64.0, 139.0, 154.0];
    let f32 = DType::F32;
    assert_eq!(
        apply(contraction("ab,bc->ac", f32), &[a.clone(), b.clone()]),
        product
    );
    let transposed = apply(contraction("ab,bc->ca", f32), &[a.clone(), b.clone()]);
    assert_eq!(transposed, [58.0, 139.0, 64.0, 154.0]);
    let swapped = apply(contraction("bc,ab->ac", f32), &[b, a]);
    assert_eq!(swapped, product);
}

#[test]
fn batches_outer_products_and_dots_are_contractions() {
    let a = floats(DType::F64, &[2, 2], &[1.0, 2.0, 3.0, 4.0]);
    let b = floats(DType::F64, &[2, 2], &[5.0, 6.0, 7.0, 8.0]);
    let both = [a, b];
    let f64 = DType::F64;
    assert_eq!(apply(contraction("ab,ab->a", f64), &both), [17.0, 53.0]);
    assert_eq!(apply(contraction("ab,ab->", f64), &both), [70.0]);
    assert_eq!(
        apply(contraction("ab,ab->ba", f64), &both),
        [5.0, 21.0, 12.0, 32.0]
    );
    let outer = values(contraction("ab,cd->cabd", f64), &both).unwrap();
    assert_eq!(outer.shape(), [2, 2, 2, 2]);
    assert_eq!(outer.to_f64()[..4], [5.0, 6.0, 10.0, 12.0]);
}

#[test]
fn a_sum_over_nothing_is_zero() {
    let a = Tensor::zeros(DType::F32, &[2, 0]).unwrap();
    let b = Tensor::zeros(DType::F32, &[0, 3]).unwrap();
    let result = values(contraction("ab,bc->ac", DType::F32), &[a, b]).unwrap();
    assert_eq!(
        (result.shape(), result.to_f64()),
        (&[2, 3][..], vec![0.0; 6])
    );
    assert!(result.to_f64().iter().all(|x| x.is_sign_positive()));
}

#[test]
fn half_precision_sums_round_once() {
    // In f16 steps of 1 vanish beside 2048; summed in f64 they do not.
    let count = 2049 + 2048;
    let ones = floats(DType::F16, &[count], &vec![1.0; count]);
    let dot = apply(contraction("a,a->", DType::F32), &[ones.clone(), ones]);
    assert_eq!(dot, [4096.0]);
}

#[test]
fn small_integers_sum_in_the_accumulator() {
    let a = integers(DType::I8, &[3], &[127, 127, -128]);
    let wide = apply(contraction("a,a->", DType::I32), &[a.clone(), a.clone()]);
    assert_eq!(wide, [48642.0]);
    let narrow = apply(contraction("a,a->", DType::I8), &[a.clone(), a]);
    assert_eq!(narrow, [2.0]);
}

#[test]
fn an_epilogue_takes_the_sum_and_broadcast_operands() {
    let mut builder = BodyBuilder::new();
    let (sum, bias) = (builder.input(DType::F32), builder.input(DType::F32));
    let shifted = builder.binary(BinaryFunction::Add, sum, bias);
    let zero = builder.float(DType::F32, 0.0);
    let positive = builder.binary(BinaryFunction::Maximum, shifted, zero);
    let narrow = builder.cast(positive, DType::F16);
    let op = Op::Contraction {
        spec: "ab,bc->ac".parse().unwrap(),
        accumulator: DType::F32,
        epilogue: Some(builder.finish(&[narrow])),
    };
    let a = floats(DType::F32, &[2, 1], &[1.0, -1.0]);
    let b = floats(DType::F32, &[1, 3], &[1.0, 2.0, 3.0]);
    let bias = floats(DType::F32, &[3], &[0.5, -2.5, 10.0]);
    let result = values(op, &[a, b, bias]).unwrap();
    assert_eq!(result.dtype(), DType::F16);
    assert_eq!(result.to_f64(), [1.5, 0.0, 13.0, 0.0, 0.0, 7.0]);
}
