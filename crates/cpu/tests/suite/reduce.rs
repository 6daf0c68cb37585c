use std::collections::BTreeMap;

use eyas_ir::{BinaryFunction, BodyBuilder, Extreme, Reduction, ScalarOp, UnaryFunction};
use eyas_kernels::{
    Access, Argument, ElementFinish, Fold, Kernel, Reduce, Role, RowFinish, Stage, Work, row_major,
};
use eyas_tensor::{DType, Dim, Number, Tensor};

use crate::draw::{DTYPES, Draw, agrees, argument, dims, kernel};

/// Where the folded axes are: inside or outside of those that stay.
#[derive(Clone, Copy, PartialEq)]
enum Folded {
    Last,
    First,
    Middle,
}

/// A fold of a dense tensor.
fn fold(dtype: DType, fold: Fold, rows: i64, length: i64, folded: Folded) -> Kernel {
    let mut builder = BodyBuilder::new();
    let a = builder.input(dtype);
    let body = builder.finish(&[a]);
    let result = match fold {
        Fold::Value(_) => dtype,
        Fold::Arg(_) => DType::I64,
    };
    let mut builder = BodyBuilder::new();
    let a = builder.input(result);
    let finish = builder.finish(&[a]);
    // Two inner axes where they lie around the rows.
    let (inner, strides) = match folded {
        Folded::Last => (dims(&[length]), dims(&[length, 1])),
        Folded::First => (dims(&[length]), dims(&[1, rows])),
        Folded::Middle => (dims(&[3, length]), dims(&[length, rows * length, 1])),
    };
    let all = inner.iter().map(|dim| dim.as_constant().unwrap());
    let all = rows * all.product::<i64>();
    let reduce = Reduce {
        outer: dims(&[rows]),
        inner,
        reads: vec![Access {
            argument: 0,
            offset: Dim::from(0),
            strides,
            indirect: None,
        }],
        stages: vec![Stage {
            body,
            fold,
            accumulator: dtype,
        }],
        row: Some(RowFinish {
            reads: vec![],
            body: finish,
            writes: vec![Access::dense(1, &dims(&[rows])).unwrap()],
        }),
        element: None,
    };
    let arguments = vec![
        argument(dtype, Role::Read, all as usize),
        argument(result, Role::Write, rows as usize),
    ];
    kernel("test.reduce", arguments, Work::Reduce(reduce))
}

fn tensors(draw: &mut Draw, kernel: &Kernel, plain: bool) -> Vec<Tensor> {
    let length = |argument: &Argument| argument.length.as_constant().unwrap() as usize;
    let arguments = kernel.arguments.iter();
    arguments
        .map(|argument| match plain {
            true => draw.plain_tensor(argument.dtype, length(argument)),
            false => draw.tensor(argument.dtype, length(argument)),
        })
        .collect()
}

#[test]
fn every_type_folds_in_lanes() {
    use Reduction::*;
    let mut draw = Draw(1);
    for dtype in DTYPES {
        for reduction in [Sum, Product, Maximum, Minimum] {
            for length in [0, 1, 16, 53] {
                if length == 0 && matches!(reduction, Maximum | Minimum) {
                    continue;
                }
                for folded in [Folded::Last, Folded::First, Folded::Middle] {
                    let kernel = fold(dtype, Fold::Value(reduction), 3, length, folded);
                    for plain in [true, false] {
                        let tensors = tensors(&mut draw, &kernel, plain);
                        agrees(&kernel, &tensors, &BTreeMap::new(), 0.0);
                    }
                }
            }
        }
    }
}

#[test]
fn the_first_extreme_or_nan_is_found() {
    let mut draw = Draw(2);
    for dtype in DTYPES {
        for extreme in [Extreme::Maximum, Extreme::Minimum] {
            for length in [1, 2, 19, 40] {
                for folded in [Folded::Last, Folded::First, Folded::Middle] {
                    let kernel = fold(dtype, Fold::Arg(extreme), 5, length, folded);
                    for plain in [true, false] {
                        let tensors = tensors(&mut draw, &kernel, plain);
                        agrees(&kernel, &tensors, &BTreeMap::new(), 0.0);
                    }
                }
            }
        }
    }
}

/// `exp(x - max(x)) / sum(exp(x - max(x)))`, and the logarithm of the sum beside it.
fn softmax(dtype: DType, rows: &str, length: &str) -> Kernel {
    let (rows, length): (Dim, Dim) = (rows.parse().unwrap(), length.parse().unwrap());
    let mut builder = BodyBuilder::new();
    let x = builder.input(dtype);
    let greatest = builder.clone().finish(&[x]);
    let shifted = |builder: &mut BodyBuilder, x| {
        let most = builder.input(dtype);
        let below = builder.binary(BinaryFunction::Subtract, x, most);
        builder.unary(UnaryFunction::Exp, below)
    };
    let power = shifted(&mut builder, x);
    let sum_body = builder.clone().finish(&[power]);
    let sum = builder.input(dtype);
    let share = builder.binary(BinaryFunction::Divide, power, sum);
    // The place along the row makes a difference too.
    let place = builder.push(ScalarOp::Index(1), DType::I64);
    let place = builder.cast(place, dtype);
    let share = builder.binary(BinaryFunction::Add, share, place);
    let element = builder.finish(&[share]);
    let mut builder = BodyBuilder::new();
    let _ = builder.input(dtype);
    let (sum, scale) = (builder.input(dtype), builder.input(dtype));
    let logarithm = builder.unary(UnaryFunction::Log, sum);
    let scaled = builder.binary(BinaryFunction::Multiply, logarithm, scale);
    let row = builder.finish(&[scaled]);
    let space = [rows.clone(), length.clone()];
    let stage = |body, reduction| Stage {
        body,
        fold: Fold::Value(reduction),
        accumulator: dtype,
    };
    let reduce = Reduce {
        outer: vec![rows.clone()],
        inner: vec![length.clone()],
        reads: vec![Access::dense(0, &space).unwrap()],
        stages: vec![
            stage(greatest, Reduction::Maximum),
            stage(sum_body, Reduction::Sum),
        ],
        row: Some(RowFinish {
            reads: vec![Access::dense(1, std::slice::from_ref(&rows)).unwrap()],
            body: row,
            writes: vec![Access::dense(2, std::slice::from_ref(&rows)).unwrap()],
        }),
        element: Some(ElementFinish {
            body: element,
            writes: vec![Access::dense(3, &space).unwrap()],
        }),
    };
    let all = Dim::product(&space).unwrap();
    let argument = |length: &Dim, role| Argument {
        dtype,
        role,
        length: length.clone(),
    };
    let arguments = vec![
        argument(&all, Role::Read),
        argument(&rows, Role::Read),
        argument(&rows, Role::Write),
        argument(&all, Role::Write),
    ];
    kernel("test.softmax", arguments, Work::Reduce(reduce))
}

#[test]
fn stages_read_the_results_of_those_before() {
    let mut draw = Draw(3);
    for (dtype, tolerance) in [(DType::F32, 1e-6), (DType::F64, 1e-13), (DType::F16, 4e-3)] {
        for (rows, length) in [(3usize, 1usize), (2, 10), (5, 16), (4, 100), (700, 37)] {
            let tensors = [rows * length, rows, rows, rows * length]
                .map(|length| draw.plain_tensor(dtype, length));
            let exact = softmax(dtype, &rows.to_string(), &length.to_string());
            agrees(&exact, &tensors, &BTreeMap::new(), tolerance);
            let symbolic = softmax(dtype, "B", "S");
            let pairs = [("B", rows), ("S", length)];
            let bindings = pairs.map(|(name, value)| (name.to_owned(), value as i64));
            agrees(&symbolic, &tensors, &BTreeMap::from(bindings), tolerance);
        }
    }
}

#[test]
fn all_axes_fold_to_one_value() {
    let mut draw = Draw(4);
    let extents = dims(&[4, 9, 5]);
    for order in [[0, 1, 2], [2, 0, 1]] {
        let strides = row_major(&extents).unwrap();
        let inner: Vec<Dim> = order.iter().map(|axis| extents[*axis].clone()).collect();
        let mut builder = BodyBuilder::new();
        let a = builder.input(DType::I8);
        let wide = builder.cast(a, DType::I32);
        let body = builder.finish(&[wide]);
        let mut builder = BodyBuilder::new();
        let sum = builder.input(DType::I32);
        let finish = builder.finish(&[sum]);
        let reduce = Reduce {
            outer: vec![],
            inner,
            reads: vec![Access {
                argument: 0,
                offset: Dim::from(0),
                strides: order.iter().map(|axis| strides[*axis].clone()).collect(),
                indirect: None,
            }],
            stages: vec![Stage {
                body,
                fold: Fold::Value(Reduction::Sum),
                accumulator: DType::I32,
            }],
            row: Some(RowFinish {
                reads: vec![],
                body: finish,
                writes: vec![Access::dense(1, &[]).unwrap()],
            }),
            element: None,
        };
        let arguments = vec![
            argument(DType::I8, Role::Read, 180),
            argument(DType::I32, Role::Write, 1),
        ];
        let kernel = kernel("test.all", arguments, Work::Reduce(reduce));
        let tensors = [
            draw.tensor(DType::I8, 180),
            Tensor::scalar(DType::I32, Number::Int(7)),
        ];
        let tensors = tensors.map(|tensor| {
            let count = tensor.element_count();
            tensor.reshaped(&[count]).unwrap()
        });
        agrees(&kernel, &tensors, &BTreeMap::new(), 0.0);
    }
}
