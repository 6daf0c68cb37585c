use std::collections::BTreeMap;

use eyas_ir::{Constant, Module, Op};
use eyas_reference::evaluate_graph;
use eyas_tensor::{DType, Number, Tensor};

use crate::single::{apply, dims, graph, integers, values};

fn count_up(shape: &[usize]) -> Tensor {
    let count: usize = shape.iter().product();
    let values: Vec<i128> = (0..count as i128).collect();
    integers(DType::I32, shape, &values)
}

#[test]
fn a_transpose_moves_axes() {
    let permutation = vec![2, 0, 1];
    let result = values(Op::Transpose { permutation }, &[count_up(&[2, 3, 2])]).unwrap();
    assert_eq!(result.shape(), [2, 2, 3]);
    let expected = [0, 2, 4, 6, 8, 10, 1, 3, 5, 7, 9, 11].map(f64::from);
    assert_eq!(result.to_f64(), expected);
}

#[test]
fn a_broadcast_adds_axes_and_repeats_ones() {
    let shape = dims("2, 2, 3");
    let result = apply(Op::Broadcast { shape }, &[count_up(&[2, 1])]);
    assert_eq!(result, [0, 0, 0, 1, 1, 1, 0, 0, 0, 1, 1, 1].map(f64::from));
    let shape = dims("2, 0");
    assert_eq!(apply(Op::Broadcast { shape }, &[count_up(&[1])]), [0.0; 0]);
}

#[test]
fn a_reshape_keeps_the_order() {
    let shape = dims("3, 1, 2");
    let result = values(Op::Reshape { shape }, &[count_up(&[2, 3])]).unwrap();
    assert_eq!(
        (result.shape(), result.to_f64()),
        (&[3, 1, 2][..], (0..6).map(f64::from).collect())
    );
}

#[test]
fn a_slice_steps_both_ways() {
    let op = Op::Slice {
        starts: dims("0, 4"),
        shape: dims("2, 3"),
        steps: vec![2, -2],
    };
    let result = apply(op, &[count_up(&[3, 5])]);
    assert_eq!(result, [4, 2, 0, 14, 12, 10].map(f64::from));
}

#[test]
fn a_slice_outside_fails_when_dims_are_bound() {
    let op = Op::Slice {
        starts: dims("N"),
        shape: dims("2"),
        steps: vec![1],
    };
    let graph = graph(op, &["i32[5]".parse().unwrap()]);
    let run = |start| {
        let bindings = BTreeMap::from([("N".to_owned(), start)]);
        evaluate_graph(&Module::default(), &graph, &[count_up(&[5])], &bindings)
    };
    assert_eq!(run(3).unwrap()[0].1.to_f64(), [3.0, 4.0]);
    assert!(run(4).is_err());
    assert!(run(-1).is_err());
}

#[test]
fn padding_goes_around_nothing_too() {
    let op = || Op::Pad {
        low: dims("1, 0"),
        high: dims("0, 2"),
        value: Constant::scalar(DType::I32, Number::Int(9)),
    };
    let result = apply(op(), &[count_up(&[1, 2])]);
    assert_eq!(result, [9, 9, 9, 9, 0, 1, 9, 9].map(f64::from));
    let empty = apply(op(), &[count_up(&[0, 2])]);
    assert_eq!(empty, [9.0; 4]);
}

#[test]
fn a_concatenation_interleaves_rows_and_skips_nothing() {
    let parts = [count_up(&[2, 2]), count_up(&[2, 0]), count_up(&[2, 1])];
    let result = values(Op::Concat { axis: 1 }, &parts).unwrap();
    assert_eq!(
        (result.shape(), result.to_f64()),
        (&[2, 3][..], [0, 1, 0, 2, 3, 1].map(f64::from).to_vec())
    );
}
