use std::collections::BTreeMap;

use eyas_ir::{Combine, Module, Op};
use eyas_reference::{EvaluateError, evaluate_graph};
use eyas_tensor::{DType, Tensor};

use crate::single::{apply, dims, floats, graph, integers, values};

fn table() -> Tensor {
    integers(DType::I32, &[3, 2], &[10, 11, 20, 21, 30, 31])
}

#[test]
fn a_gather_replaces_the_axis_by_those_of_the_indices() {
    let indices = integers(DType::I64, &[2, 2], &[2, 0, 1, 1]);
    let rows = values(Op::Gather { axis: 0 }, &[table(), indices.clone()]).unwrap();
    assert_eq!(rows.shape(), [2, 2, 2]);
    assert_eq!(
        rows.to_f64(),
        [30, 31, 10, 11, 20, 21, 20, 21].map(f64::from)
    );
    let column = integers(DType::U8, &[], &[1]);
    let column = values(Op::Gather { axis: 1 }, &[table(), column]).unwrap();
    assert_eq!(
        (column.shape(), column.to_f64()),
        (&[3][..], vec![11.0, 21.0, 31.0])
    );
}

#[test]
fn an_index_out_of_range_names_itself_and_the_extent() {
    for index in [3, -1] {
        let indices = integers(DType::I32, &[1], &[index]);
        let error = values(Op::Gather { axis: 0 }, &[table(), indices]).unwrap_err();
        let expected = EvaluateError::IndexOutOfRange {
            index,
            axis: 0,
            extent: 3,
        };
        assert_eq!(*error.cause(), expected);
        assert!(
            error.to_string().contains("Gather (node 2 of `single`)"),
            "{error}"
        );
    }
}

#[test]
fn scattered_updates_combine_in_order() {
    let base = floats(DType::F32, &[3], &[1.0, 2.0, 3.0]);
    let indices = integers(DType::I64, &[3], &[1, 1, 0]);
    let updates = floats(DType::F32, &[3], &[5.0, 4.0, -1.0]);
    let operands = [base, indices, updates];
    let scatter = |combine| apply(Op::Scatter { axis: 0, combine }, &operands);
    assert_eq!(scatter(Combine::Replace), [-1.0, 4.0, 3.0]);
    assert_eq!(scatter(Combine::Add), [0.0, 11.0, 3.0]);
    assert_eq!(scatter(Combine::Maximum), [1.0, 5.0, 3.0]);
    assert_eq!(scatter(Combine::Minimum), [-1.0, 2.0, 3.0]);
}

#[test]
fn a_scatter_works_on_an_inner_axis() {
    let indices = integers(DType::I64, &[1], &[1]);
    let updates = integers(DType::I32, &[3, 1], &[7, 8, 9]);
    let op = Op::Scatter {
        axis: 1,
        combine: Combine::Replace,
    };
    let result = apply(op, &[table(), indices, updates]);
    assert_eq!(result, [10, 7, 20, 8, 30, 9].map(f64::from));
}

#[test]
fn iota_and_extents_follow_the_bindings() {
    let bindings = BTreeMap::from([("B".to_owned(), 2)]);
    let run = |op| {
        let outputs = evaluate_graph(&Module::default(), &graph(op, &[]), &[], &bindings);
        outputs.unwrap().remove(0).1
    };
    let iota = run(Op::Iota {
        dtype: DType::F32,
        shape: dims("B, B + 1"),
        axis: 1,
    });
    assert_eq!(
        (iota.shape(), iota.to_f64()),
        (&[2, 3][..], [0, 1, 2, 0, 1, 2].map(f64::from).to_vec())
    );
    let extent = run(Op::Extent {
        dim: "B*B - 7".parse().unwrap(),
        dtype: DType::I32,
    });
    assert_eq!(extent.to_f64(), [-3.0]);
}
