use std::collections::BTreeMap;

use eyas_ir::{
    BinaryFunction, Body, BodyBuilder, Combine, Origin, Reduction, ScalarOp, UnaryFunction,
};
use eyas_kernels::{
    Access, Argument, Contraction, ElementFinish, Fold, Indirect, Kernel, Map, Reduce, RightLayout,
    Role, RowFinish, Scatter, Stage, Work,
};
use eyas_reference::{EvaluateError, KernelFault, run_kernel};
use eyas_tensor::{DType, Dim, Number, Tensor};

use crate::single::dims;

const F32: DType = DType::F32;

pub(crate) fn argument(dtype: DType, role: Role, length: &str) -> Argument {
    let length = length.parse().unwrap();
    Argument {
        dtype,
        role,
        length,
    }
}

pub(crate) fn access(argument: usize, offset: &str, strides: &str) -> Access {
    Access {
        argument,
        offset: offset.parse().unwrap(),
        strides: dims(strides),
        indirect: None,
    }
}

pub(crate) fn kernel(arguments: Vec<Argument>, work: Work) -> Kernel {
    Kernel {
        name: "test".to_owned(),
        arguments,
        work,
        origin: Origin::default(),
    }
}

pub(crate) fn binary(function: BinaryFunction, dtype: DType) -> Body {
    let mut builder = BodyBuilder::new();
    let (a, b) = (builder.input(dtype), builder.input(dtype));
    let result = builder.binary(function, a, b);
    builder.finish(&[result])
}

fn identity(dtype: DType) -> Body {
    let mut builder = BodyBuilder::new();
    let a = builder.input(dtype);
    builder.finish(&[a])
}

fn floats(values: &[f32]) -> Tensor {
    Tensor::from_f32(&[values.len()], values).unwrap()
}

fn places(values: &[i64]) -> Tensor {
    let numbers: Vec<Number> = values.iter().map(|&n| Number::Int(n.into())).collect();
    Tensor::from_numbers(DType::I64, &[values.len()], &numbers).unwrap()
}

fn run(kernel: &Kernel, arguments: &mut [Tensor]) -> Result<(), EvaluateError> {
    let bindings = BTreeMap::from([("B".to_owned(), 2)]);
    run_kernel(kernel, arguments, &bindings)
}

fn fault(kernel: &Kernel, arguments: &mut [Tensor]) -> KernelFault {
    match run(kernel, arguments).unwrap_err().cause() {
        EvaluateError::Fault(fault) => fault.clone(),
        other => unreachable!("{other}"),
    }
}

/// `y[i, j] = x[i, j] + x[i, 2 - j]` over `[B, 3]`.
fn mirrored() -> Kernel {
    kernel(
        vec![
            argument(F32, Role::Read, "3*B"),
            argument(F32, Role::Write, "3*B"),
        ],
        Work::Map(Map {
            extents: dims("B, 3"),
            reads: vec![access(0, "0", "3, 1"), access(0, "2", "3, -1")],
            body: binary(BinaryFunction::Add, F32),
            writes: vec![access(1, "0", "3, 1")],
        }),
    )
}

#[test]
fn a_map_reads_and_writes_where_its_accesses_say() {
    let mut arguments = [floats(&[1.0, 2.0, 4.0, 0.0, 5.0, 7.0]), floats(&[0.0; 6])];
    run(&mirrored(), &mut arguments).unwrap();
    assert_eq!(arguments[1].to_f64(), [5.0, 4.0, 5.0, 7.0, 10.0, 7.0]);
}

trait ToF64 {
    fn to_f64(&self) -> Vec<f64>;
}

impl ToF64 for Tensor {
    fn to_f64(&self) -> Vec<f64> {
        self.numbers().into_iter().map(Number::to_f64).collect()
    }
}

#[test]
fn accesses_outside_an_argument_or_its_role_are_faults() {
    let mut short = [floats(&[0.0; 5]), floats(&[0.0; 6])];
    let expected = KernelFault::ArgumentLength {
        argument: 0,
        expected: 6,
        found: 5,
    };
    assert_eq!(fault(&mirrored(), &mut short), expected);

    let mut beyond = mirrored();
    beyond.arguments[0].length = Dim::from(5);
    let expected = KernelFault::OutOfBounds {
        argument: 0,
        place: 5,
        length: 5,
    };
    let mut arguments = [floats(&[0.0; 6]), floats(&[0.0; 6])];
    assert_eq!(fault(&beyond, &mut arguments), expected);

    let mut read_only = mirrored();
    read_only.arguments[1].role = Role::Read;
    let expected = KernelFault::ReadOnly { argument: 1 };
    assert_eq!(fault(&read_only, &mut arguments), expected);
}

#[test]
fn results_that_hang_on_the_order_are_faults() {
    let mut twice = mirrored();
    let Work::Map(map) = &mut twice.work else {
        unreachable!()
    };
    map.writes[0] = access(1, "0", "3, 0");
    let mut arguments = [floats(&[0.0; 6]), floats(&[0.0; 6])];
    let expected = KernelFault::WrittenTwice {
        argument: 1,
        place: 0,
    };
    assert_eq!(fault(&twice, &mut arguments), expected);

    let mut in_place = mirrored();
    in_place.arguments = vec![argument(F32, Role::Update, "3*B")];
    let Work::Map(map) = &mut in_place.work else {
        unreachable!()
    };
    map.writes[0].argument = 0;
    let expected = KernelFault::ReadAfterWrite {
        argument: 0,
        place: 0,
    };
    assert_eq!(fault(&in_place, &mut arguments[..1]), expected);
}

#[test]
fn an_index_out_of_range_names_argument_index_and_extent() {
    let gather = kernel(
        vec![
            argument(F32, Role::Read, "4"),
            argument(DType::I64, Role::Read, "B"),
            argument(F32, Role::Write, "B"),
        ],
        Work::Map(Map {
            extents: dims("B"),
            reads: vec![Access {
                indirect: Some(Indirect {
                    index: Box::new(access(1, "0", "1")),
                    stride: Dim::from(1),
                    extent: Dim::from(3),
                }),
                ..access(0, "0", "0")
            }],
            body: identity(F32),
            writes: vec![access(2, "0", "1")],
        }),
    );
    let data = || floats(&[5.0, 6.0, 7.0, 8.0]);
    let mut arguments = [data(), places(&[2, 0]), floats(&[0.0; 2])];
    run(&gather, &mut arguments).unwrap();
    assert_eq!(arguments[2].to_f64(), [7.0, 5.0]);
    for index in [3, -1] {
        let mut arguments = [data(), places(&[0, index]), floats(&[0.0; 2])];
        let expected = KernelFault::IndexOutOfRange {
            argument: 0,
            index: index.into(),
            extent: 3,
        };
        assert_eq!(fault(&gather, &mut arguments), expected);
    }
}

fn stage(body: Body, reduction: Reduction) -> Stage {
    Stage {
        body,
        fold: Fold::Value(reduction),
        accumulator: F32,
    }
}

/// The softmax of rows, and each row's maximum.
fn softmax() -> Kernel {
    let mut builder = BodyBuilder::new();
    let (x, greatest) = (builder.input(F32), builder.input(F32));
    let difference = builder.binary(BinaryFunction::Subtract, x, greatest);
    let exponential = builder.unary(UnaryFunction::Exp, difference);
    let exponential_body = builder.clone().finish(&[exponential]);
    let sum = builder.input(F32);
    let quotient = builder.binary(BinaryFunction::Divide, exponential, sum);
    let quotient = builder.finish(&[quotient]);
    let mut builder = BodyBuilder::new();
    let greatest = builder.input(F32);
    builder.input(F32);
    let row = builder.finish(&[greatest]);
    kernel(
        vec![
            argument(F32, Role::Read, "20*B"),
            argument(F32, Role::Write, "20*B"),
            argument(F32, Role::Write, "B"),
        ],
        Work::Reduce(Reduce {
            outer: dims("B"),
            inner: dims("20"),
            reads: vec![access(0, "0", "20, 1")],
            stages: vec![
                stage(identity(F32), Reduction::Maximum),
                stage(exponential_body, Reduction::Sum),
            ],
            row: Some(RowFinish {
                reads: vec![],
                body: row,
                writes: vec![access(2, "0", "1")],
            }),
            element: Some(ElementFinish {
                body: quotient,
                writes: vec![access(1, "0", "20, 1")],
            }),
        }),
    )
}

#[test]
fn a_reduction_of_two_stages_finishes_rows_and_elements() {
    let input: Vec<f32> = (0..40).map(|n| (n * 7 % 23) as f32 / 4.0).collect();
    let mut arguments = [floats(&input), floats(&[0.0; 40]), floats(&[0.0; 2])];
    run(&softmax(), &mut arguments).unwrap();
    let found = arguments[1].to_f64();
    for (row, values) in input.chunks(20).enumerate() {
        let greatest = values.iter().copied().fold(f32::MIN, f32::max);
        assert_eq!(arguments[2].to_f64()[row], f64::from(greatest));
        let terms: Vec<f64> = values
            .iter()
            .map(|x| f64::from(x - greatest).exp())
            .collect();
        let sum: f64 = terms.iter().sum();
        for (index, term) in terms.iter().enumerate() {
            assert!((found[row * 20 + index] - term / sum).abs() < 1e-7);
        }
    }
}

#[test]
fn an_extreme_of_nothing_is_a_fault() {
    let mut empty = softmax();
    let Work::Reduce(reduce) = &mut empty.work else {
        unreachable!()
    };
    reduce.inner = dims("0");
    let mut arguments = [floats(&[0.0; 40]), floats(&[0.0; 40]), floats(&[0.0; 2])];
    assert_eq!(fault(&empty, &mut arguments), KernelFault::ExtremeOfNothing);
}

/// `[2, 3] x [3, 5]` plus a bias of 5.
fn product(right: Access, layout: RightLayout, length: &str) -> Kernel {
    kernel(
        vec![
            argument(F32, Role::Read, "6"),
            argument(F32, Role::Read, length),
            argument(F32, Role::Read, "5"),
            argument(F32, Role::Write, "10"),
        ],
        Work::Contraction(Contraction {
            batch: vec![],
            rows: dims("B"),
            columns: dims("5"),
            contracted: dims("3"),
            left: access(0, "0", "3, 1"),
            right,
            right_layout: layout,
            accumulator: F32,
            epilogue: binary(BinaryFunction::Add, F32),
            reads: vec![access(2, "0", "0, 1")],
            write: access(3, "0", "5, 1"),
        }),
    )
}

#[test]
fn a_contraction_reads_strided_and_packed_operands_alike() {
    let left: Vec<f32> = (0..6).map(|n| n as f32).collect();
    let right: Vec<f32> = (0..15).map(|n| (n * n) as f32).collect();
    let bias: Vec<f32> = (0..5).map(|n| 100.0 * n as f32).collect();
    // Panels of 4 columns: all terms of columns 0 to 3, then those of column 4.
    let mut packed = vec![0f32; 2 * 3 * 4];
    for (term, column) in (0..3).flat_map(|k| (0..5).map(move |j| (k, j))) {
        packed[column / 4 * 12 + term * 4 + column % 4] = right[term * 5 + column];
    }
    let strided = product(access(1, "0", "1, 5"), RightLayout::Strided, "15");
    let panels = product(access(1, "0", "0, 0"), RightLayout::Panels(4), "24");
    for (kernel, right) in [(strided, &right), (panels, &packed)] {
        let mut arguments = [
            floats(&left),
            floats(right),
            floats(&bias),
            floats(&[0.0; 10]),
        ];
        run(&kernel, &mut arguments).unwrap();
        let expected = [
            225.0, 378.0, 537.0, 702.0, 873.0, 600.0, 852.0, 1128.0, 1428.0, 1752.0,
        ];
        assert_eq!(arguments[3].to_f64(), expected);
    }
}

#[test]
fn a_scatter_combines_one_update_after_the_other() {
    let scatter = kernel(
        vec![
            argument(F32, Role::Read, "4"),
            argument(DType::I64, Role::Read, "4"),
            argument(F32, Role::Update, "3"),
        ],
        Work::Scatter(Scatter {
            extents: dims("4"),
            update: access(0, "0", "1"),
            target: Access {
                indirect: Some(Indirect {
                    index: Box::new(access(1, "0", "1")),
                    stride: Dim::from(1),
                    extent: Dim::from(3),
                }),
                ..access(2, "0", "0")
            },
            combine: Combine::Add,
        }),
    );
    let mut arguments = [
        floats(&[1.0, 2.0, 3.0, 4.0]),
        places(&[2, 0, 2, 2]),
        floats(&[10.0, 20.0, 30.0]),
    ];
    run(&scatter, &mut arguments).unwrap();
    assert_eq!(arguments[2].to_f64(), [12.0, 20.0, 38.0]);
}

#[test]
fn four_bit_elements_share_bytes_without_conflict() {
    let mut builder = BodyBuilder::new();
    let place = builder.push(ScalarOp::Index(0), DType::I64);
    let nibble = builder.cast(place, DType::U4);
    let count = kernel(
        vec![argument(DType::U4, Role::Write, "5")],
        Work::Map(Map {
            extents: dims("5"),
            reads: vec![],
            body: builder.finish(&[nibble]),
            writes: vec![access(0, "4", "-1")],
        }),
    );
    let mut arguments = [Tensor::zeros(DType::U4, &[5]).unwrap()];
    run(&count, &mut arguments).unwrap();
    assert_eq!(arguments[0].to_f64(), [4.0, 3.0, 2.0, 1.0, 0.0]);
}
