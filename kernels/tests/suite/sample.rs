//! Kernels that several tests use.

use eyas_diagnostic::{FileId, Span};
use eyas_ir::{BinaryFunction, Body, BodyBuilder, Combine, Origin, Reduction, UnaryFunction};
use eyas_kernels::{
    Access, Argument, Contraction, ElementFinish, Fold, Indirect, Kernel, Map, Reduce, RightLayout,
    Role, RowFinish, Scatter, Stage, Work,
};
use eyas_tensor::{DType, Dim};

pub const F32: DType = DType::F32;

/// Dims from their texts, commas between.
pub fn dims(text: &str) -> Vec<Dim> {
    let parts = text
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty());
    parts.map(|part| part.parse().unwrap()).collect()
}

pub fn argument(dtype: DType, role: Role, length: &str) -> Argument {
    let length = length.parse().unwrap();
    Argument {
        dtype,
        role,
        length,
    }
}

pub fn access(argument: usize, offset: &str, strides: &str) -> Access {
    Access {
        argument,
        offset: offset.parse().unwrap(),
        strides: dims(strides),
        indirect: None,
    }
}

/// A part that hangs on argument `index`, read at `strides`.
pub fn indirect(index: usize, strides: &str, stride: &str, extent: &str) -> Option<Indirect> {
    Some(Indirect {
        index: Box::new(access(index, "0", strides)),
        stride: stride.parse().unwrap(),
        extent: extent.parse().unwrap(),
    })
}

pub fn kernel(arguments: Vec<Argument>, work: Work) -> Kernel {
    Kernel {
        name: "block.test".to_owned(),
        arguments,
        work,
        origin: Origin::new(Span::new(FileId(0), 10, 20), "block"),
    }
}

pub fn binary(function: BinaryFunction) -> Body {
    let mut builder = BodyBuilder::new();
    let (a, b) = (builder.input(F32), builder.input(F32));
    let result = builder.binary(function, a, b);
    builder.finish(&[result])
}

pub fn identity() -> Body {
    let mut builder = BodyBuilder::new();
    let a = builder.input(F32);
    builder.finish(&[a])
}

/// Rows of a table of `V` rows of 8, taken by `B` indices.
pub fn gather() -> Kernel {
    kernel(
        vec![
            argument(F32, Role::Read, "8*V"),
            argument(DType::I64, Role::Read, "B"),
            argument(F32, Role::Write, "8*B"),
        ],
        Work::Map(Map {
            extents: dims("B, 8"),
            reads: vec![Access {
                indirect: indirect(1, "1, 0", "8", "V"),
                ..access(0, "0", "0, 1")
            }],
            body: identity(),
            writes: vec![access(2, "0", "8, 1")],
        }),
    )
}

/// `exp(x - max) / sum` over the last two axes of `[B, 2, 3]`, and the maxima.
pub fn softmax() -> Kernel {
    let mut builder = BodyBuilder::new();
    let (x, greatest) = (builder.input(F32), builder.input(F32));
    let difference = builder.binary(BinaryFunction::Subtract, x, greatest);
    let exponential = builder.unary(UnaryFunction::Exp, difference);
    let folded = builder.clone().finish(&[exponential]);
    let sum = builder.input(F32);
    let quotient = builder.binary(BinaryFunction::Divide, exponential, sum);
    let quotient = builder.finish(&[quotient]);
    let mut builder = BodyBuilder::new();
    let greatest = builder.input(F32);
    builder.input(F32);
    let row = builder.finish(&[greatest]);
    let stage = |body, reduction| Stage {
        body,
        fold: Fold::Value(reduction),
        accumulator: F32,
    };
    kernel(
        vec![
            argument(F32, Role::Read, "6*B"),
            argument(F32, Role::Write, "6*B"),
            argument(F32, Role::Write, "B"),
        ],
        Work::Reduce(Reduce {
            outer: dims("B"),
            inner: dims("2, 3"),
            reads: vec![access(0, "0", "6, 3, 1")],
            stages: vec![
                stage(identity(), Reduction::Maximum),
                stage(folded, Reduction::Sum),
            ],
            row: Some(RowFinish {
                reads: vec![],
                body: row,
                writes: vec![access(2, "0", "1")],
            }),
            element: Some(ElementFinish {
                body: quotient,
                writes: vec![access(1, "0", "6, 3, 1")],
            }),
        }),
    )
}

/// `[B, 4, 2, 3]` by a `[2, 3, 5]` that all batches share, plus a bias.
pub fn product(right_layout: RightLayout) -> Kernel {
    let (right, length) = match right_layout {
        RightLayout::Strided => (access(1, "0", "0, 1, 15, 5"), "30"),
        RightLayout::Panels(_) => (access(1, "0", "0, 0, 0, 0"), "48"),
    };
    kernel(
        vec![
            argument(F32, Role::Read, "24*B"),
            argument(F32, Role::Read, length),
            argument(F32, Role::Read, "5"),
            argument(F32, Role::Write, "20*B"),
        ],
        Work::Contraction(Contraction {
            batch: dims("B"),
            rows: dims("4"),
            columns: dims("5"),
            contracted: dims("2, 3"),
            left: access(0, "0", "24, 6, 3, 1"),
            right,
            right_layout,
            accumulator: F32,
            epilogue: binary(BinaryFunction::Add),
            reads: vec![access(2, "0", "0, 0, 1")],
            write: access(3, "0", "20, 5, 1"),
        }),
    )
}

/// `[B, 2, 4]` added to the rows of a `[10, 8]` that `B` indices name.
pub fn scatter() -> Kernel {
    kernel(
        vec![
            argument(F32, Role::Read, "8*B"),
            argument(DType::I64, Role::Read, "B"),
            argument(F32, Role::Update, "80"),
        ],
        Work::Scatter(Scatter {
            extents: dims("B, 2, 4"),
            update: access(0, "0", "8, 4, 1"),
            target: Access {
                indirect: indirect(1, "1, 0, 0", "8", "10"),
                ..access(2, "0", "0, 4, 1")
            },
            combine: Combine::Add,
        }),
    )
}
