mod layers;
mod random;
mod tiles;

use eyas_ir::{BinaryFunction, Body, BodyBuilder, ScalarOp};
use eyas_kernels::{Access, Argument, Contraction, Kernel, RightLayout, Role, Work, row_major};
use eyas_plan::CudaArchitecture;
use eyas_tensor::{DType, Dim, Number, Tensor};

use crate::device::{Bindings, Case, Loaded, all_agree, difference};
use crate::draw::{Draw, argument, dims, kernel};

/// The sum as it is, cast to the result.
fn plain(accumulator: DType, result: DType) -> Body {
    let mut builder = BodyBuilder::new();
    let sum = builder.input(accumulator);
    let sum = builder.cast(sum, result);
    builder.finish(&[sum])
}

/// `relu(sum + bias) + column`
fn biased(dtype: DType, column: u32) -> Body {
    let mut builder = BodyBuilder::new();
    let (sum, bias) = (builder.input(dtype), builder.input(dtype));
    let sum = builder.binary(BinaryFunction::Add, sum, bias);
    let zero = builder.literal(dtype, Number::Int(0));
    let relu = builder.binary(BinaryFunction::Maximum, sum, zero);
    let place = builder.push(ScalarOp::Index(column), DType::I64);
    let place = builder.cast(place, dtype);
    let sum = builder.binary(BinaryFunction::Add, relu, place);
    builder.finish(&[sum])
}

#[derive(Clone, Copy)]
struct Types {
    left: DType,
    right: DType,
    accumulator: DType,
    result: DType,
}

impl Types {
    fn all(dtype: DType) -> Types {
        Types {
            left: dtype,
            right: dtype,
            accumulator: dtype,
            result: dtype,
        }
    }
}

/// Which operands are stored the other way round.
#[derive(Clone, Copy)]
struct Turned {
    left: bool,
    right: bool,
    result: bool,
}

const STRAIGHT: Turned = Turned {
    left: false,
    right: false,
    result: false,
};

fn access(argument: usize, offset: i64, strides: &[Dim]) -> Access {
    Access {
        argument,
        offset: Dim::from(offset),
        strides: strides.to_vec(),
        indirect: None,
    }
}

/// Matrices `[rows, terms]` and `[terms, columns]`.
fn matrices(types: Types, size: [&str; 3], turned: Turned) -> Kernel {
    let [rows, columns, terms] = size.map(|text| text.parse::<Dim>().unwrap());
    let strides = |first: &Dim, second: &Dim, turned: bool| match turned {
        true => [Dim::from(1), first.clone()],
        false => [second.clone(), Dim::from(1)],
    };
    let left = strides(&rows, &terms, turned.left);
    let mut right = strides(&terms, &columns, turned.right);
    right.reverse();
    let contraction = Contraction {
        batch: vec![],
        rows: vec![rows.clone()],
        columns: vec![columns.clone()],
        contracted: vec![terms.clone()],
        left: access(0, 0, &left),
        right: access(1, 0, &right),
        right_layout: RightLayout::Strided,
        accumulator: types.accumulator,
        epilogue: plain(types.accumulator, types.result),
        reads: vec![],
        write: access(2, 0, &strides(&rows, &columns, turned.result)),
    };
    let argument = |dtype, role, a: &Dim, b: &Dim| Argument {
        dtype,
        role,
        length: a.mul(b).unwrap(),
    };
    let arguments = vec![
        argument(types.left, Role::Read, &rows, &terms),
        argument(types.right, Role::Read, &terms, &columns),
        argument(types.result, Role::Write, &rows, &columns),
    ];
    kernel("test.matmul", arguments, Work::Contraction(contraction))
}

fn bindings(sizes: [i64; 3]) -> Bindings {
    let pairs = ["M", "N", "K"].into_iter().zip(sizes);
    pairs.map(|(name, size)| (name.to_owned(), size)).collect()
}

fn value(dim: &Dim, bindings: &Bindings) -> i64 {
    dim.evaluate(&|name| bindings.get(name).copied()).unwrap()
}

/// Multiples of 1/8: sums of a few hundred products are exact in f32, whatever their order.
fn eighths(draw: &mut Draw, dtype: DType, length: usize) -> Tensor {
    if !dtype.is_float() {
        return draw.plain_tensor(dtype, length);
    }
    let number = |draw: &mut Draw| Number::Float(draw.below(49) as f64 / 8.0 - 3.0);
    let numbers: Vec<Number> = (0..length).map(|_| number(draw)).collect();
    Tensor::from_numbers(dtype, &[length], &numbers).unwrap()
}

fn tensors(draw: &mut Draw, kernel: &Kernel, bindings: &Bindings) -> Vec<Tensor> {
    let arguments = kernel.arguments.iter();
    arguments
        .map(|argument| {
            let length = value(&argument.length, bindings) as usize;
            eighths(draw, argument.dtype, length)
        })
        .collect()
}

fn case(draw: &mut Draw, kernel: Kernel, bindings: &Bindings, tolerance: f64) -> Case {
    Case {
        arguments: tensors(draw, &kernel, bindings),
        kernel,
        bindings: bindings.clone(),
        tolerance,
    }
}

#[test]
fn matrices_of_all_sizes_and_orders_are_multiplied() {
    let mut draw = Draw(1);
    let mut cases = Vec::new();
    for [rows, columns, terms] in [
        [1, 1, 1],
        [0, 3, 4],
        [3, 0, 4],
        [3, 5, 0],
        [7, 31, 33],
        [33, 65, 7],
        [65, 33, 129],
        [129, 1, 31],
        [1, 129, 65],
        [12, 40, 36],
        [64, 32, 64],
    ] {
        let sizes = [rows, columns, terms];
        let texts = sizes.map(|size: i64| size.to_string());
        let texts = [0, 1, 2].map(|place| texts[place].as_str());
        for texts in [texts, ["M", "N", "K"], ["M", texts[1], texts[2]]] {
            let turned = Turned {
                left: draw.below(2) > 0,
                right: draw.below(2) > 0,
                result: draw.below(2) > 0,
            };
            let kernel = matrices(Types::all(DType::F32), texts, turned);
            cases.push(case(&mut draw, kernel, &bindings(sizes), 0.0));
        }
    }
    all_agree(&cases);
}

#[test]
fn types_are_widened_to_that_of_the_sum() {
    use DType::*;
    let mut draw = Draw(2);
    let mut cases = Vec::new();
    let same = [
        F64, F32, I64, I32, I16, I8, U64, U32, U16, U8, Bool, F16, BF16,
    ];
    let same = same.map(Types::all);
    let mixed = [
        [F16, F16, F32, F16],
        [BF16, BF16, F32, F32],
        [I8, I8, I32, I32],
        [U8, I8, I32, F32],
        [F32, F16, F64, F32],
        [I16, I8, I64, I64],
        [U16, U8, U32, I32],
        [Bool, Bool, I32, I32],
    ];
    let mixed = mixed.map(|[left, right, accumulator, result]| Types {
        left,
        right,
        accumulator,
        result,
    });
    for types in same.into_iter().chain(mixed) {
        for size in [["36", "20", "12"], ["3", "M", "37"], ["M", "21", "K"]] {
            let turned = Turned {
                left: draw.below(2) > 0,
                right: draw.below(2) > 0,
                result: false,
            };
            // Each sum of a half is rounded.
            let tolerance = match types.accumulator {
                F16 => 3e-3,
                BF16 => 3e-2,
                _ => 0.0,
            };
            let kernel = matrices(types, size, turned);
            cases.push(case(&mut draw, kernel, &bindings([34, 34, 19]), tolerance));
        }
    }
    all_agree(&cases);
}

/// Numbers over many magnitudes, now and then a special one.
fn wild(draw: &mut Draw, dtype: DType, length: usize) -> Tensor {
    let numbers: Vec<Number> = (0..length)
        .map(|_| {
            let fraction = draw.below(1 << 24) as f64 / f64::from(1 << 23) - 1.0;
            let number = fraction * 2f64.powi(draw.below(100) as i32 - 80);
            Number::Float(match draw.below(64) {
                0 => -0.0,
                1 => f64::from(f32::MIN_POSITIVE) / 3.0,
                _ => number,
            })
        })
        .collect();
    Tensor::from_numbers(dtype, &[length], &numbers).unwrap()
}

/// The sums as a processor has them: a multiply-add after the other.
fn added_in_order(sizes: [i64; 3], left: &Tensor, right: &Tensor) -> Tensor {
    let [rows, columns, terms] = sizes.map(|size| size as usize);
    let mut numbers = Vec::new();
    for row in 0..rows {
        for column in 0..columns {
            let mut sums = (0f32, 0f64);
            for term in 0..terms {
                let a = left.get(row * terms + term).to_f64();
                let b = right.get(term * columns + column).to_f64();
                sums.0 = (a as f32).mul_add(b as f32, sums.0);
                sums.1 = a.mul_add(b, sums.1);
            }
            numbers.push(Number::Float(match left.dtype() {
                DType::F32 => f64::from(sums.0),
                _ => sums.1,
            }));
        }
    }
    Tensor::from_numbers(left.dtype(), &[numbers.len()], &numbers).unwrap()
}

/// Places beyond the last have no part in a sum, not even in the sign of a zero.
#[test]
fn products_are_added_in_order_and_each_is_rounded_once() {
    let mut draw = Draw(3);
    for dtype in [DType::F32, DType::F64] {
        for (sizes, turned) in [
            ([35, 34, 77], STRAIGHT),
            ([5, 40, 301], STRAIGHT),
            ([1, 33, 2], STRAIGHT),
        ] {
            let kernel = matrices(Types::all(dtype), ["M", "N", "K"], turned);
            let texts = sizes.map(|size: i64| size.to_string());
            let texts = [0, 1, 2].map(|place| texts[place].as_str());
            let fixed = matrices(Types::all(dtype), texts, turned);
            let bindings = bindings(sizes);
            let kernels = [kernel, fixed];
            let loaded = Loaded::new(&kernels, CudaArchitecture::Sm80);
            for (number, kernel) in kernels.iter().enumerate() {
                let mut tensors = tensors(&mut draw, kernel, &bindings);
                for tensor in &mut tensors[..2] {
                    *tensor = wild(&mut draw, dtype, tensor.element_count());
                }
                let expected = added_in_order(sizes, &tensors[0], &tensors[1]);
                loaded.run(number, &mut tensors, &bindings, 0).unwrap();
                let difference = difference(&tensors[2], &expected, 0.0);
                assert_eq!(difference, None, "{kernel}");
            }
        }
    }
}

/// Three batches of `[5, 2, 4] x [4, 7]` over two contracted axes, with bias along the columns.
fn batched(dtype: DType, layout: RightLayout) -> Kernel {
    // batch 3; rows 5, 2; columns 7; contracted 4, 3
    let left = row_major(&dims(&[4, 3, 5, 2, 3])).unwrap();
    let packed = matches!(layout, RightLayout::Panels(_));
    let right = dims(&match packed {
        true => [0, 0, 0, 0],
        // [contracted 3, batch 3, contracted 4, columns 7]
        false => [28, 1, 7, 84],
    });
    let contraction = Contraction {
        batch: dims(&[3]),
        rows: dims(&[5, 2]),
        columns: dims(&[7]),
        contracted: dims(&[4, 3]),
        // The batch is innermost in memory.
        left: access(0, 2, &[4, 2, 3, 0, 1].map(|axis: usize| left[axis].clone())),
        right: access(1, 1, &right),
        right_layout: layout,
        accumulator: dtype,
        epilogue: biased(dtype, 3),
        reads: vec![access(2, 0, &dims(&[0, 0, 0, 1]))],
        write: Access::dense(3, &dims(&[3, 5, 2, 7])).unwrap(),
    };
    let right_length = match layout {
        RightLayout::Strided => 3 * 84 + 1,
        RightLayout::Panels(width) => 7usize.div_ceil(width) * width * 12 + 1,
    };
    let arguments = vec![
        argument(dtype, Role::Read, 4 * 3 * 5 * 2 * 3 + 2),
        argument(dtype, Role::Read, right_length),
        argument(dtype, Role::Read, 7),
        argument(dtype, Role::Write, 3 * 5 * 2 * 7),
    ];
    kernel("test.batched", arguments, Work::Contraction(contraction))
}

#[test]
fn batches_and_several_axes_of_each_kind_are_walked() {
    let mut draw = Draw(4);
    let mut cases = Vec::new();
    for dtype in [DType::F32, DType::F64, DType::I32] {
        for layout in [
            RightLayout::Strided,
            RightLayout::Panels(16),
            RightLayout::Panels(4),
            RightLayout::Panels(3),
        ] {
            let kernel = batched(dtype, layout);
            cases.push(case(&mut draw, kernel, &Bindings::new(), 0.0));
        }
    }
    all_agree(&cases);
}

#[test]
fn packed_columns_of_several_axes_are_found() {
    let mut draw = Draw(5);
    // Columns 3 x 5 that the result holds the other way round.
    let contraction = Contraction {
        batch: vec![],
        rows: dims(&[9]),
        columns: dims(&[3, 5]),
        contracted: dims(&[6]),
        left: Access::dense(0, &dims(&[9, 6])).unwrap(),
        right: access(1, 0, &dims(&[0, 0, 0])),
        right_layout: RightLayout::Panels(4),
        accumulator: DType::F32,
        epilogue: plain(DType::F32, DType::F32),
        reads: vec![],
        write: access(2, 0, &dims(&[15, 1, 3])),
    };
    let arguments = vec![
        argument(DType::F32, Role::Read, 54),
        argument(DType::F32, Role::Read, 16 * 6),
        argument(DType::F32, Role::Write, 135),
    ];
    let kernel = kernel("test.packed", arguments, Work::Contraction(contraction));
    let case = case(&mut draw, kernel, &Bindings::new(), 0.0);
    all_agree(&[case]);
}
