use std::collections::BTreeMap;

use eyas_ir::{Composite, Extreme, Module, Op, Reduction};
use eyas_reference::{EvaluateError, evaluate_graph};
use eyas_tensor::{DType, Tensor};

use crate::single::{apply, floats, graph, integers, values};

fn reduce(reduction: Reduction, axes: &[usize]) -> Op {
    let axes = axes.to_vec();
    Op::Reduce { reduction, axes }
}

#[test]
fn axes_keep_extent_one() {
    let x = [floats(DType::F32, &[2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])];
    let columns = values(reduce(Reduction::Sum, &[0]), &x).unwrap();
    assert_eq!(
        (columns.shape(), columns.to_f64()),
        (&[1, 3][..], vec![5.0, 7.0, 9.0])
    );
    assert_eq!(apply(reduce(Reduction::Product, &[1]), &x), [6.0, 120.0]);
    assert_eq!(apply(reduce(Reduction::Maximum, &[0, 1]), &x), [6.0]);
    assert_eq!(
        apply(reduce(Reduction::Minimum, &[]), &x),
        [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    );
}

#[test]
fn the_sum_and_product_of_nothing_are_zero_and_one() {
    let empty = [Tensor::zeros(DType::F32, &[2, 0]).unwrap()];
    assert_eq!(apply(reduce(Reduction::Sum, &[1]), &empty), [0.0, 0.0]);
    assert_eq!(apply(reduce(Reduction::Product, &[1]), &empty), [1.0, 1.0]);
    assert_eq!(apply(reduce(Reduction::Maximum, &[0]), &empty), [0.0; 0]);
}

#[test]
fn extremes_and_means_of_nothing_fail() {
    let empty = [Tensor::zeros(DType::F32, &[0]).unwrap()];
    let bindings = BTreeMap::from([("N".to_owned(), 0)]);
    let ops = [
        reduce(Reduction::Maximum, &[0]),
        reduce(Reduction::Minimum, &[0]),
        Op::composite(Composite::Mean { axes: vec![0] }),
        Op::ArgReduce {
            extreme: Extreme::Maximum,
            axis: 0,
        },
    ];
    for op in ops {
        let graph = graph(op, &["f32[N]".parse().unwrap()]);
        let error = evaluate_graph(&Module::default(), &graph, &empty, &bindings).unwrap_err();
        assert!(matches!(error.cause(), EvaluateError::Infer(_)), "{error}");
    }
}

#[test]
fn nan_wins_every_extreme() {
    let x = [floats(DType::F32, &[4], &[1.0, f64::NAN, 3.0, f64::NAN])];
    assert!(apply(reduce(Reduction::Maximum, &[0]), &x)[0].is_nan());
    assert!(apply(reduce(Reduction::Minimum, &[0]), &x)[0].is_nan());
    for extreme in [Extreme::Maximum, Extreme::Minimum] {
        assert_eq!(apply(Op::ArgReduce { extreme, axis: 0 }, &x), [1.0]);
    }
}

#[test]
fn the_first_of_equal_extremes_counts() {
    let x = [integers(DType::I32, &[2, 3], &[5, 7, 7, 2, 2, 9])];
    let find = |extreme, axis| apply(Op::ArgReduce { extreme, axis }, &x);
    assert_eq!(find(Extreme::Maximum, 1), [1.0, 2.0]);
    assert_eq!(find(Extreme::Minimum, 1), [0.0, 0.0]);
    assert_eq!(find(Extreme::Maximum, 0), [0.0, 0.0, 1.0]);
}

#[test]
fn integer_sums_wrap_and_half_sums_round_once() {
    let bytes = [integers(DType::U8, &[2], &[200, 100])];
    assert_eq!(apply(reduce(Reduction::Sum, &[0]), &bytes), [44.0]);
    let ones = [floats(DType::BF16, &[1000], &[1.0; 1000])];
    assert_eq!(apply(reduce(Reduction::Sum, &[0]), &ones), [1000.0]);
}
