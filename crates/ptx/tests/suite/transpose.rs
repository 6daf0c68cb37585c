use eyas_ir::{BinaryFunction, BodyBuilder, ScalarOp};
use eyas_kernels::{Access, Argument, Indirect, Kernel, Map, Role, Work, row_major};
use eyas_plan::{CudaArchitecture, Failure};
use eyas_tensor::{DType, Dim, Number, Tensor};

use crate::device::{Bindings, Case, Loaded, all_agree};
use crate::draw::{DTYPES, Draw, argument, dims, kernel};

/// A read of a dense tensor whose axes lie in another order; `order` says which axis of the space
/// each of its own is.
fn permuted(argument: usize, extents: &[Dim], order: &[usize]) -> Access {
    let own: Vec<Dim> = order.iter().map(|axis| extents[*axis].clone()).collect();
    let mut strides = vec![Dim::from(0); extents.len()];
    for (axis, stride) in order.iter().zip(row_major(&own).unwrap()) {
        strides[*axis] = stride;
    }
    Access {
        argument,
        offset: Dim::from(0),
        strides,
        indirect: None,
    }
}

/// `turned + beside + place`, where one operand lies in another order of axes.
fn turning(dtype: DType, extents: &[Dim], order: &[usize]) -> Kernel {
    let length = Dim::product(extents).unwrap();
    let mut builder = BodyBuilder::new();
    let (turned, beside) = (builder.input(dtype), builder.input(dtype));
    let result = match dtype {
        DType::Bool => builder.binary(BinaryFunction::Xor, turned, beside),
        _ => {
            let sum = builder.binary(BinaryFunction::Add, turned, beside);
            let place = builder.push(ScalarOp::Index(0), DType::I64);
            let place = builder.cast(place, dtype);
            builder.binary(BinaryFunction::Add, sum, place)
        }
    };
    let map = Map {
        extents: extents.to_vec(),
        reads: vec![
            permuted(0, extents, order),
            Access::dense(1, extents).unwrap(),
        ],
        body: builder.finish(&[result]),
        writes: vec![Access::dense(2, extents).unwrap()],
    };
    let argument = |role| Argument {
        dtype,
        role,
        length: length.clone(),
    };
    let arguments = vec![
        argument(Role::Read),
        argument(Role::Read),
        argument(Role::Write),
    ];
    kernel("test.turn", arguments, Work::Map(map))
}

fn case(draw: &mut Draw, kernel: Kernel, bindings: Bindings) -> Case {
    let value = |dim: &Dim| {
        let bound = |name: &str| bindings.get(name).copied();
        dim.evaluate(&bound).unwrap() as usize
    };
    let arguments = kernel.arguments.iter();
    let arguments = arguments.map(|a| draw.tensor(a.dtype, value(&a.length)));
    Case {
        arguments: arguments.collect(),
        kernel,
        bindings,
        tolerance: 0.0,
    }
}

#[test]
fn axes_change_places_for_every_type() {
    let mut draw = Draw(1);
    let mut cases = Vec::new();
    for dtype in DTYPES {
        for extents in [[40, 70], [8, 33], [64, 32]] {
            let kernel = turning(dtype, &dims(&extents), &[1, 0]);
            cases.push(case(&mut draw, kernel, Bindings::new()));
        }
    }
    all_agree(&cases);
}

#[test]
fn any_order_of_axes_and_any_extents() {
    let mut draw = Draw(2);
    let mut cases = Vec::new();
    let orders = [[0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    for order in orders {
        for extents in [[3, 9, 65], [33, 8, 31], [1, 40, 10], [10, 0, 10]] {
            let kernel = turning(DType::F32, &dims(&extents), &order);
            cases.push(case(&mut draw, kernel, Bindings::new()));
        }
    }
    for order in [[0, 2, 1], [2, 1, 0]] {
        let extents = ["A", "B", "C"].map(|name| name.parse().unwrap());
        for values in [[2, 5, 40], [1, 33, 34], [3, 0, 9], [0, 1, 1], [7, 1, 1]] {
            let names = ["A", "B", "C"].map(str::to_owned);
            let bindings: Bindings = names.into_iter().zip(values).collect();
            let kernel = turning(DType::BF16, &extents, &order);
            cases.push(case(&mut draw, kernel, bindings));
        }
    }
    all_agree(&cases);
}

#[test]
fn a_block_turns_many_tiles() {
    let mut draw = Draw(3);
    // More tiles than there are blocks.
    let kernel = turning(DType::U8, &dims(&[2200, 8, 10]), &[0, 2, 1]);
    let case = case(&mut draw, kernel, Bindings::new());
    all_agree(&[case]);
}

#[test]
fn gathers_across_axes_check_their_index() {
    let mut draw = Draw(4);
    // Columns of a table that lies with its rows side by side.
    let index = Access {
        argument: 1,
        offset: Dim::from(0),
        strides: dims(&[0, 1]),
        indirect: None,
    };
    let read = Access {
        argument: 0,
        offset: Dim::from(0),
        strides: dims(&[1, 0]),
        indirect: Some(Indirect {
            index: Box::new(index),
            stride: Dim::from(50),
            extent: Dim::from(20),
        }),
    };
    let mut builder = BodyBuilder::new();
    let a = builder.input(DType::F32);
    let map = Map {
        extents: dims(&[50, 70]),
        reads: vec![read],
        body: builder.finish(&[a]),
        writes: vec![Access::dense(2, &dims(&[50, 70])).unwrap()],
    };
    let arguments = vec![
        argument(DType::F32, Role::Read, 1000),
        argument(DType::I32, Role::Read, 70),
        argument(DType::F32, Role::Write, 3500),
    ];
    let kernel = kernel("test.gather", arguments, Work::Map(map));
    let places: Vec<Number> = (0..70)
        .map(|_| Number::Int(draw.below(20) as i128))
        .collect();
    let mut arguments = vec![
        draw.tensor(DType::F32, 1000),
        Tensor::from_numbers(DType::I32, &[70], &places).unwrap(),
        draw.tensor(DType::F32, 3500),
    ];
    all_agree(&[Case {
        kernel: kernel.clone(),
        arguments: arguments.clone(),
        bindings: Bindings::new(),
        tolerance: 0.0,
    }]);
    arguments[1].set(69, Number::Int(-3));
    let loaded = Loaded::new(&[kernel], CudaArchitecture::Sm80);
    let failure = loaded.run(0, &mut arguments, &Bindings::new(), 0);
    let expected = Failure {
        argument: 0,
        index: -3,
        extent: 20,
    };
    assert_eq!(failure.unwrap_err(), expected);
}
