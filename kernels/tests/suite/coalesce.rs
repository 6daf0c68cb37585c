use std::collections::BTreeMap;

use eyas_ir::{BinaryFunction, BodyBuilder, ScalarOp};
use eyas_kernels::{Access, Indirect, Kernel, Map, RightLayout, Role, Work, expand, row_major};
use eyas_reference::run_kernel;
use eyas_tensor::{DType, Dim, Facts, Number, Tensor};
use proptest::prelude::*;

use crate::evaluation::TARGETS;
use crate::sample::{
    F32, access, argument, binary, dims, gather, kernel, product, scatter, softmax,
};

const BATCH: i64 = 3;

/// The arguments after a run, of numbers that differ.
fn run(kernel: &Kernel) -> Vec<Tensor> {
    let bindings = BTreeMap::from([("B".to_owned(), BATCH), ("V".to_owned(), 7)]);
    let tensors = kernel.arguments.iter().enumerate().map(|(n, argument)| {
        let length = argument
            .length
            .evaluate(&|name| bindings.get(name).copied())
            .unwrap() as usize;
        let numbers = (0..length).map(|place| {
            let value = (place * 7 + n * 3) % 31;
            match argument.dtype.is_float() {
                true => Number::Float(value as f64 / 8.0),
                false => Number::Int((value % 7) as i128),
            }
        });
        let numbers: Vec<Number> = numbers.collect();
        Tensor::from_numbers(argument.dtype, &[length], &numbers).unwrap()
    });
    let mut tensors: Vec<Tensor> = tensors.collect();
    run_kernel(kernel, &mut tensors, &bindings).unwrap();
    tensors
}

fn coalesced(kernel: &Kernel) -> Kernel {
    let result = kernel.coalesced();
    assert_eq!(result.verify(&Facts::default()), Ok(()), "{result}");
    assert_eq!(run(&result), run(kernel), "{kernel}{result}");
    // There is nothing more to do.
    assert_eq!(result.coalesced(), result);
    result
}

#[test]
fn every_family_gives_the_same_over_fewer_axes() {
    assert_eq!(coalesced(&gather()).space(), dims("B, 8"));
    assert_eq!(coalesced(&softmax()).space(), dims("B, 6"));
    assert_eq!(coalesced(&scatter()).space(), dims("B, 8"));
    for layout in [RightLayout::Strided, RightLayout::Panels(4)] {
        let result = coalesced(&product(layout));
        let Work::Contraction(contraction) = &result.work else {
            unreachable!()
        };
        assert_eq!(contraction.batch, []);
        assert_eq!(contraction.rows, dims("4*B"));
        assert_eq!(contraction.columns, dims("5"));
        assert_eq!(contraction.contracted, dims("6"));
    }
}

/// A batch axis along which another index is read is one that the operand has.
#[test]
fn a_batch_axis_that_indexes_the_right_operand_stays() {
    let mut kernel = product(RightLayout::Strided);
    kernel.arguments[1] = argument(F32, Role::Read, "36");
    kernel.arguments.push(argument(DType::I64, Role::Read, "B"));
    let index = kernel.arguments.len() - 1;
    let Work::Contraction(contraction) = &mut kernel.work else {
        unreachable!()
    };
    let along = |strides: &[Dim]| {
        let mut own = vec![Dim::from(0); strides.len()];
        own[0] = Dim::from(1);
        own
    };
    contraction.right.indirect = Some(Indirect {
        index: Box::new(Access {
            argument: index,
            offset: Dim::from(0),
            strides: along(&contraction.right.strides),
            indirect: None,
        }),
        stride: Dim::from(1),
        extent: Dim::from(7),
    });
    let result = coalesced(&kernel);
    let Work::Contraction(contraction) = &result.work else {
        unreachable!()
    };
    assert_eq!(contraction.batch, dims("B"));
}

#[test]
fn every_body_of_a_kernel_is_expanded() {
    let kernel = softmax();
    for target in TARGETS {
        let expanded = kernel.map_bodies(|body| expand(body, target));
        assert_eq!(expanded.verify(&Facts::default()), Ok(()), "{expanded}");
        let text = expanded.to_string();
        assert!(
            !text.contains("exp ") && !text.contains("maximum %"),
            "{text}"
        );
        for (found, expected) in run(&expanded).iter().zip(&run(&kernel)) {
            assert!(found.relative_error(expected) < 1e-6);
        }
    }
}

#[test]
fn a_reduction_keeps_an_axis_to_fold() {
    let mut kernel = softmax();
    let Work::Reduce(reduce) = &mut kernel.work else {
        unreachable!()
    };
    reduce.inner = dims("1, 1");
    let result = kernel.coalesced();
    assert_eq!(result.space(), dims("B, 1"));
    assert_eq!(run(&result), run(&kernel));
}

#[test]
fn an_axis_whose_place_is_read_stays() {
    let mut builder = BodyBuilder::new();
    let x = builder.input(F32);
    let place = builder.push(ScalarOp::Index(2), DType::I64);
    let one = builder.push(ScalarOp::Index(1), DType::I64);
    let sum = builder.binary(BinaryFunction::Add, place, one);
    let place = builder.cast(sum, F32);
    let sum = builder.binary(BinaryFunction::Add, x, place);
    let map = kernel(
        vec![
            argument(F32, Role::Read, "60*B"),
            argument(F32, Role::Write, "60*B"),
        ],
        Work::Map(Map {
            extents: dims("B, 1, 4, 3, 5"),
            reads: vec![access(0, "0", "60, 7, 15, 5, 1")],
            body: builder.finish(&[sum]),
            writes: vec![access(1, "0", "60, 0, 15, 5, 1")],
        }),
    );
    assert_eq!(coalesced(&map).space(), dims("B, 4, 15"));
}

#[test]
fn a_map_goes_along_what_it_writes() {
    let transpose = kernel(
        vec![
            argument(F32, Role::Read, "12"),
            argument(F32, Role::Write, "12"),
        ],
        Work::Map(Map {
            extents: dims("3, 2, 2"),
            reads: vec![access(0, "0", "4, 2, 1")],
            body: crate::sample::identity(),
            writes: vec![access(1, "0", "1, 6, 3")],
        }),
    );
    let result = coalesced(&transpose);
    assert_eq!(result.space(), dims("4, 3"));
    let strides: Vec<&Access> = result.accesses().into_iter().map(|(a, _)| a).collect();
    assert_eq!(strides[1].strides, dims("3, 1"));
}

/// Strides of a dense tensor whose axes lie in memory in another order.
fn permuted(extents: &[i64], order: &[usize]) -> Vec<Dim> {
    let stored: Vec<Dim> = order.iter().map(|&axis| Dim::from(extents[axis])).collect();
    let strides = row_major(&stored).unwrap();
    let mut result = vec![Dim::from(0); extents.len()];
    for (place, &axis) in order.iter().enumerate() {
        result[axis] = strides[place].clone();
    }
    result
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn maps_over_any_layout_give_the_same(
        extents in proptest::collection::vec(0i64..4, 1..5),
        orders in [Just(vec![0usize, 1, 2, 3]).prop_shuffle(), Just(vec![0, 1, 2, 3]).prop_shuffle()],
        repeated in 0usize..5,
        symbolic in 0usize..5,
    ) {
        let mut extents = extents;
        if let Some(extent) = extents.get_mut(symbolic) {
            *extent = BATCH;
        }
        let rank = extents.len();
        let order = |n: usize| -> Vec<usize> {
            orders[n].iter().copied().filter(|&axis| axis < rank).collect()
        };
        let [mut first, write] = [0, 1].map(|n| permuted(&extents, &order(n)));
        if repeated < rank {
            first[repeated] = Dim::from(0);
        }
        let dense = permuted(&extents, &(0..rank).collect::<Vec<_>>());
        let count: i64 = extents.iter().product();
        let length = count.to_string();
        let mut shape: Vec<Dim> = extents.iter().copied().map(Dim::from).collect();
        if symbolic < rank {
            shape[symbolic] = Dim::symbol("B");
        }
        let view = |argument, strides| Access { strides, ..access(argument, "0", "") };
        let map = kernel(
            vec![
                argument(F32, Role::Read, &length),
                argument(F32, Role::Read, &length),
                argument(F32, Role::Write, &length),
            ],
            Work::Map(Map {
                extents: shape,
                reads: vec![view(0, first), view(1, dense)],
                body: binary(BinaryFunction::Subtract),
                writes: vec![view(2, write)],
            }),
        );
        let result = map.coalesced();
        prop_assert_eq!(run(&result), run(&map));
        prop_assert!(result.space().len() <= rank);
    }
}
