use std::collections::BTreeMap;

use eyas_cpu::{CpuError, Options, compile};
use eyas_ir::{BinaryFunction, Body, BodyBuilder, ScalarOp, UnaryFunction};
use eyas_kernels::{Access, Argument, Contraction, Kernel, RightLayout, Role, Work, row_major};
use eyas_plan::Isa;
use eyas_tensor::{DType, Dim, Tensor};

use crate::draw::{Draw, agrees, argument, dims, kernel};

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
    let zero = builder.float(dtype, 0.0);
    let relu = builder.binary(BinaryFunction::Maximum, sum, zero);
    let place = builder.push(ScalarOp::Index(column), DType::I64);
    let place = builder.cast(place, dtype);
    let sum = builder.binary(BinaryFunction::Add, relu, place);
    builder.finish(&[sum])
}

struct Operands {
    left: DType,
    right: DType,
    accumulator: DType,
    result: DType,
}

impl Operands {
    fn all(dtype: DType) -> Operands {
        Operands {
            left: dtype,
            right: dtype,
            accumulator: dtype,
            result: dtype,
        }
    }
}

/// Matrices `[rows, terms]` and `[terms, columns]`, the right one perhaps transposed.
fn matrices(operands: &Operands, size: [&str; 3], transposed: bool) -> Kernel {
    let [rows, columns, terms] = size.map(|text| text.parse::<Dim>().unwrap());
    let one = Dim::from(1);
    let right = match transposed {
        true => vec![terms.clone(), one.clone()],
        false => vec![one.clone(), columns.clone()],
    };
    let access = |argument, strides| Access {
        argument,
        offset: Dim::from(0),
        strides,
        indirect: None,
    };
    let contraction = Contraction {
        batch: vec![],
        rows: vec![rows.clone()],
        columns: vec![columns.clone()],
        contracted: vec![terms.clone()],
        left: access(0, vec![terms.clone(), one.clone()]),
        right: access(1, right),
        right_layout: RightLayout::Strided,
        accumulator: operands.accumulator,
        epilogue: plain(operands.accumulator, operands.result),
        reads: vec![],
        write: access(2, vec![columns.clone(), one]),
    };
    let argument = |dtype, role, a: &Dim, b: &Dim| Argument {
        dtype,
        role,
        length: a.mul(b).unwrap(),
    };
    let arguments = vec![
        argument(operands.left, Role::Read, &rows, &terms),
        argument(operands.right, Role::Read, &terms, &columns),
        argument(operands.result, Role::Write, &rows, &columns),
    ];
    kernel("test.matmul", arguments, Work::Contraction(contraction))
}

fn tensors(draw: &mut Draw, kernel: &Kernel, bindings: &BTreeMap<String, i64>) -> Vec<Tensor> {
    let bound = |name: &str| bindings.get(name).copied();
    let arguments = kernel.arguments.iter();
    arguments
        .map(|argument| {
            let length = argument.length.evaluate(&bound).unwrap() as usize;
            draw.plain_tensor(argument.dtype, length)
        })
        .collect()
}

#[test]
fn matrices_of_all_sizes_are_multiplied() {
    let mut draw = Draw(1);
    for dtype in [DType::F32, DType::F64, DType::I32, DType::I64, DType::U8] {
        for [rows, columns, terms] in [
            [1, 1, 1],
            [0, 3, 4],
            [3, 0, 4],
            [3, 5, 0],
            [6, 8, 3],
            [7, 13, 5],
            [13, 70, 9],
            [50, 67, 20],
            [1, 40, 30],
        ] {
            for transposed in [false, true] {
                let tolerance = if dtype == DType::F64 { 1e-14 } else { 1e-6 };
                let sizes = [rows, columns, terms];
                let texts = sizes.map(|size: i64| size.to_string());
                let texts = [0, 1, 2].map(|place| texts[place].as_str());
                let operands = Operands::all(dtype);
                let exact = matrices(&operands, texts, transposed);
                let pairs = ["M", "N", "K"].into_iter().zip(sizes);
                let bindings: BTreeMap<String, i64> =
                    pairs.map(|(name, size)| (name.to_owned(), size)).collect();
                let tensors = tensors(&mut draw, &exact, &bindings);
                agrees(&exact, &tensors, &bindings, tolerance);
                let symbolic = matrices(&operands, ["M", "N", "K"], transposed);
                agrees(&symbolic, &tensors, &bindings, tolerance);
            }
        }
    }
}

#[test]
fn narrow_operands_are_widened() {
    let mut draw = Draw(2);
    use DType::*;
    for [left, right, accumulator, result] in [
        [F16, F16, F32, F16],
        [BF16, BF16, F32, F32],
        [I8, I8, I32, I32],
        [U8, I8, I32, F32],
        [F32, F16, F64, F32],
        [I8, I16, I64, I64],
        [F16, F16, F16, F16],
        [U8, U8, I16, I16],
    ] {
        let operands = Operands {
            left,
            right,
            accumulator,
            result,
        };
        for transposed in [false, true] {
            let kernel = matrices(&operands, ["8", "21", "17"], transposed);
            let tensors = tensors(&mut draw, &kernel, &BTreeMap::new());
            let tolerance = if accumulator == F16 { 2e-2 } else { 1e-3 };
            agrees(&kernel, &tensors, &BTreeMap::new(), tolerance);
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
        left: Access {
            argument: 0,
            offset: Dim::from(2),
            // The batch is innermost in memory.
            strides: [4, 2, 3, 0, 1]
                .map(|axis: usize| left[axis].clone())
                .to_vec(),
            indirect: None,
        },
        right: Access {
            argument: 1,
            offset: Dim::from(1),
            strides: right,
            indirect: None,
        },
        right_layout: layout,
        accumulator: dtype,
        epilogue: biased(dtype, 3),
        reads: vec![Access {
            argument: 2,
            offset: Dim::from(0),
            strides: dims(&[0, 0, 0, 1]),
            indirect: None,
        }],
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
    let mut draw = Draw(3);
    for dtype in [DType::F32, DType::F64] {
        for layout in [
            RightLayout::Strided,
            RightLayout::Panels(16),
            RightLayout::Panels(4),
            RightLayout::Panels(3),
        ] {
            let kernel = batched(dtype, layout);
            let tensors = tensors(&mut draw, &kernel, &BTreeMap::new());
            agrees(&kernel, &tensors, &BTreeMap::new(), 1e-5);
        }
    }
}

#[test]
fn packed_columns_of_several_axes_are_found() {
    let mut draw = Draw(4);
    // Columns 3 x 5 that the result holds the other way round.
    let contraction = Contraction {
        batch: vec![],
        rows: dims(&[9]),
        columns: dims(&[3, 5]),
        contracted: dims(&[6]),
        left: Access::dense(0, &dims(&[9, 6])).unwrap(),
        right: Access {
            argument: 1,
            offset: Dim::from(0),
            strides: dims(&[0, 0, 0]),
            indirect: None,
        },
        right_layout: RightLayout::Panels(4),
        accumulator: DType::F32,
        epilogue: plain(DType::F32, DType::F32),
        reads: vec![],
        write: Access {
            argument: 2,
            offset: Dim::from(0),
            strides: dims(&[15, 1, 3]),
            indirect: None,
        },
    };
    let arguments = vec![
        argument(DType::F32, Role::Read, 54),
        argument(DType::F32, Role::Read, 16 * 6),
        argument(DType::F32, Role::Write, 135),
    ];
    let kernel = kernel("test.packed", arguments, Work::Contraction(contraction));
    let tensors = tensors(&mut draw, &kernel, &BTreeMap::new());
    agrees(&kernel, &tensors, &BTreeMap::new(), 1e-6);
}

#[test]
fn epilogues_with_functions_are_close() {
    let mut draw = Draw(5);
    let mut kernel = matrices(&Operands::all(DType::F32), ["20", "30", "10"], false);
    if let Work::Contraction(contraction) = &mut kernel.work {
        let mut builder = BodyBuilder::new();
        let sum = builder.input(DType::F32);
        let result = builder.unary(UnaryFunction::Tanh, sum);
        contraction.epilogue = builder.finish(&[result]);
    }
    let tensors = tensors(&mut draw, &kernel, &BTreeMap::new());
    agrees(&kernel, &tensors, &BTreeMap::new(), 1e-5);
}

fn options(listings: bool) -> Options {
    Options {
        isa: Isa::V3,
        wide: false,
        listings,
    }
}

#[test]
fn listings_are_the_same_every_time() {
    let kernel = matrices(&Operands::all(DType::F32), ["M", "64", "32"], false);
    let [first, second] = [0; 2].map(|_| {
        let kernels = [kernel.clone(), kernel.clone()];
        compile(&kernels, &options(true)).unwrap()
    });
    assert_eq!(first.code, second.code);
    assert_eq!(first.code.bytes, second.code.bytes);
    assert_eq!(first.listings, second.listings);
    let listing = &first.listings[0];
    assert_eq!(listing.emitter, "cranelift");
    assert!(listing.asm.contains("vfmadd") && listing.asm.contains("ret"));
    assert!(listing.clif.as_ref().unwrap().contains("fma"));
    assert_eq!(listing.asm, first.listings[1].asm);
    assert!(
        compile(&[kernel], &options(false))
            .unwrap()
            .listings
            .is_empty()
    );
}

#[test]
fn what_has_no_form_is_an_error_that_names_the_kernel() {
    let four = matrices(&Operands::all(DType::I4), ["2", "2", "2"], false);
    let error = compile(&[four], &options(false)).unwrap_err();
    assert!(matches!(&error, CpuError::Unsupported { .. }), "{error}");
    assert!(error.to_string().contains("test.matmul") && error.to_string().contains("i4"));
    let mut kernel = matrices(&Operands::all(DType::F32), ["2", "2", "2"], false);
    if let Work::Contraction(contraction) = &mut kernel.work {
        contraction.write.argument = 9;
    }
    let error = compile(&[kernel], &options(false)).unwrap_err();
    assert!(matches!(error, CpuError::Malformed { .. }), "{error}");
}
