use eyas_ir::{BinaryFunction, Body, BodyBuilder, UnaryFunction};
use eyas_kernels::{Access, Argument, Contraction, Indirect, Kernel, RightLayout, Role, Work};
use eyas_plan::{CudaArchitecture, Failure};
use eyas_tensor::{DType, Dim, Number, Tensor};

use super::{access, biased, case, plain, tensors};
use crate::device::{Bindings, Case, Loaded, all_agree};
use crate::draw::{Draw, argument, dims, kernel};

/// A kernel of batch 2, 40 rows, 36 columns and 24 terms, whose operands begin a few elements into
/// their arguments and may repeat along the batch.
fn shifted(offsets: [i64; 2], batch: [i64; 2], epilogue: Body, reads: Vec<Access>) -> Kernel {
    let contraction = Contraction {
        batch: dims(&[2]),
        rows: dims(&[40]),
        columns: dims(&[36]),
        contracted: dims(&[24]),
        left: access(0, offsets[0], &dims(&[batch[0], 24, 1])),
        right: access(1, offsets[1], &dims(&[batch[1], 1, 36])),
        right_layout: RightLayout::Strided,
        accumulator: DType::F32,
        epilogue,
        reads,
        write: access(2, 0, &dims(&[40 * 36, 36, 1])),
    };
    let arguments = vec![
        argument(DType::F32, Role::Read, 2 * 40 * 24 + 4),
        argument(DType::F32, Role::Read, 2 * 24 * 36 + 4),
        argument(DType::F32, Role::Write, 2 * 40 * 36),
    ];
    kernel("test.shifted", arguments, Work::Contraction(contraction))
}

#[test]
fn operands_are_read_wherever_they_begin_and_however_they_repeat() {
    let mut draw = Draw(6);
    let mut cases = Vec::new();
    for offsets in [[0, 0], [4, 4], [1, 0], [0, 3]] {
        for batch in [[960, 864], [0, 864], [960, 0], [0, 0]] {
            let epilogue = plain(DType::F32, DType::F32);
            let kernel = shifted(offsets, batch, epilogue, vec![]);
            cases.push(case(&mut draw, kernel, &Bindings::new(), 0.0));
        }
    }
    all_agree(&cases);
}

/// What is made of a sum in the layers of a network, from reads of batch, rows and columns.
pub fn epilogues() -> Vec<(Body, Vec<Vec<i64>>)> {
    let gelu = {
        let mut builder = BodyBuilder::new();
        let (sum, bias) = (builder.input(DType::F32), builder.input(DType::F32));
        let x = builder.binary(BinaryFunction::Add, sum, bias);
        let half = builder.float(DType::F32, std::f64::consts::FRAC_1_SQRT_2);
        let y = builder.binary(BinaryFunction::Multiply, x, half);
        let y = builder.unary(UnaryFunction::Erf, y);
        let one = builder.float(DType::F32, 1.0);
        let y = builder.binary(BinaryFunction::Add, y, one);
        let half = builder.float(DType::F32, 0.5);
        let x = builder.binary(BinaryFunction::Multiply, x, half);
        let y = builder.binary(BinaryFunction::Multiply, x, y);
        builder.finish(&[y])
    };
    let residual = {
        let mut builder = BodyBuilder::new();
        let inputs = [(); 4].map(|()| builder.input(DType::F32));
        let [sum, scale, shift, residual] = inputs;
        let y = builder.multiply_add(sum, scale, shift);
        let y = builder.unary(UnaryFunction::Tanh, y);
        let y = builder.binary(BinaryFunction::Add, y, residual);
        builder.finish(&[y])
    };
    vec![
        (biased(DType::F32, 2), vec![vec![0, 0, 1]]),
        (biased(DType::F32, 1), vec![vec![0, 1, 0]]),
        (gelu, vec![vec![0, 0, 1]]),
        (
            residual,
            vec![vec![36, 0, 1], vec![0, 0, 1], vec![40 * 36, 36, 1]],
        ),
    ]
}

#[test]
fn epilogues_read_along_every_axis() {
    let mut draw = Draw(7);
    let mut cases = Vec::new();
    for (number, (epilogue, strides)) in epilogues().into_iter().enumerate() {
        for offset in [0, 1] {
            let reads = strides.iter().enumerate();
            let reads = reads.map(|(read, strides)| access(3 + read, offset, &dims(strides)));
            let mut kernel = shifted([0, 0], [960, 864], epilogue.clone(), reads.collect());
            for _ in &strides {
                let read = argument(DType::F32, Role::Read, 2 * 40 * 36 + 1);
                kernel.arguments.push(read);
            }
            let tolerance = if number < 2 { 0.0 } else { 1e-6 };
            cases.push(case(&mut draw, kernel, &Bindings::new(), tolerance));
        }
    }
    all_agree(&cases);
}

/// Of places `B`, `T` and heads of a width, from `[B, T, D]` to `[B, H, T, W]`: rows and columns
/// that the result holds apart.
#[test]
fn heads_are_stored_apart() {
    let mut draw = Draw(10);
    let mut cases = Vec::new();
    for (width, terms) in [(16, 24), (5, 7), (16, 0)] {
        let free = |text: &str| text.parse::<Dim>().unwrap();
        let (batch, places) = (free("B"), free("T"));
        let (heads, all) = (3, 3 * width);
        let times = |dim: &Dim, by: i64| dim.mul(&Dim::from(by)).unwrap();
        let left = [times(&places, terms), Dim::from(terms), Dim::from(1)];
        let [head, row] = [times(&places, width), Dim::from(width)];
        let write = [times(&places, all), row, head, Dim::from(1)];
        let contraction = Contraction {
            batch: vec![],
            rows: vec![batch.clone(), places.clone()],
            columns: dims(&[heads, width]),
            contracted: dims(&[terms]),
            left: access(0, 0, &left),
            right: access(1, 0, &dims(&[width, 1, all])),
            right_layout: RightLayout::Strided,
            accumulator: DType::F32,
            epilogue: biased(DType::F32, 2),
            reads: vec![access(2, 0, &dims(&[0, 0, width, 1]))],
            write: access(3, 0, &write),
        };
        let rows = batch.mul(&places).unwrap();
        let argument = |role, length: Dim| Argument {
            dtype: DType::F32,
            role,
            length,
        };
        let arguments = vec![
            argument(Role::Read, times(&rows, terms)),
            argument(Role::Read, Dim::from(terms * all)),
            argument(Role::Read, Dim::from(all)),
            argument(Role::Write, times(&rows, all)),
        ];
        let kernel = kernel("test.heads", arguments, Work::Contraction(contraction));
        let bindings = [("B", 3), ("T", 13)].map(|(name, size)| (name.to_owned(), size));
        cases.push(case(&mut draw, kernel, &Bindings::from(bindings), 0.0));
    }
    all_agree(&cases);
}

fn indexed(access: Access, index: Access, stride: i64, extent: i64) -> Access {
    let indirect = Some(Indirect {
        index: Box::new(index),
        stride: Dim::from(stride),
        extent: Dim::from(extent),
    });
    Access { indirect, ..access }
}

/// Rows of a table of 11 by index, times a matrix whose rows are taken by index too, and a bias of
/// columns by index.
pub fn gathering() -> Kernel {
    let (rows, columns, terms) = (37, 20, 24);
    let left = access(0, 0, &dims(&[0, 1]));
    let left = indexed(left, access(3, 0, &dims(&[1, 0])), terms, 11);
    let right = access(1, 0, &dims(&[1, 0]));
    let right = indexed(right, access(4, 0, &dims(&[0, 1])), columns, 9);
    let bias = access(2, 0, &dims(&[0, 0]));
    let bias = indexed(bias, access(5, 0, &dims(&[0, 1])), 1, 7);
    let contraction = Contraction {
        batch: vec![],
        rows: dims(&[rows]),
        columns: dims(&[columns]),
        contracted: dims(&[terms]),
        left,
        right,
        right_layout: RightLayout::Strided,
        accumulator: DType::F32,
        epilogue: biased(DType::F32, 0),
        reads: vec![bias],
        write: Access::dense(6, &dims(&[rows, columns])).unwrap(),
    };
    let arguments = vec![
        argument(DType::F32, Role::Read, 11 * 24),
        argument(DType::F32, Role::Read, 24 * 20),
        argument(DType::F32, Role::Read, 7),
        argument(DType::I64, Role::Read, 37),
        argument(DType::I32, Role::Read, 24),
        argument(DType::U8, Role::Read, 20),
        argument(DType::F32, Role::Write, 37 * 20),
    ];
    kernel("test.gathering", arguments, Work::Contraction(contraction))
}

fn indices(draw: &mut Draw, dtype: DType, length: usize, bound: usize) -> Tensor {
    let number = |draw: &mut Draw| Number::Int(draw.below(bound) as i128);
    let numbers: Vec<Number> = (0..length).map(|_| number(draw)).collect();
    Tensor::from_numbers(dtype, &[length], &numbers).unwrap()
}

#[test]
fn operands_and_reads_are_gathered() {
    let mut draw = Draw(8);
    let kernel = gathering();
    let mut arguments = tensors(&mut draw, &kernel, &Bindings::new());
    arguments[3] = indices(&mut draw, DType::I64, 37, 11);
    arguments[4] = indices(&mut draw, DType::I32, 24, 9);
    arguments[5] = indices(&mut draw, DType::U8, 20, 7);
    all_agree(&[Case {
        kernel: kernel.clone(),
        arguments: arguments.clone(),
        bindings: Bindings::new(),
        tolerance: 0.0,
    }]);
    let loaded = Loaded::new(&[kernel], CudaArchitecture::Sm80);
    for (argument, place, index, indexed, extent) in
        [(3, 36, -1, 0, 11), (4, 23, 9, 1, 9), (5, 0, 200, 2, 7)]
    {
        let mut arguments = arguments.clone();
        arguments[argument].set(place, Number::Int(index));
        let failure = loaded.run(0, &mut arguments, &Bindings::new(), 0);
        let expected = Failure {
            argument: indexed,
            index: index as i64,
            extent,
        };
        assert_eq!(failure.unwrap_err(), expected);
    }
}
