//! Small kernels of four families, with tails, and what they are tried on.

use eyas_ir::{BinaryFunction, Body, BodyBuilder, Extreme, Reduction, ScalarId, UnaryFunction};
use eyas_kernels::{
    Access, Argument, Contraction, ElementFinish, Fold, Kernel, Map, Reduce, RightLayout, Role,
    RowFinish, Stage, Work,
};
use eyas_tensor::{DType, Dim, Number, Tensor};

use crate::draw::{Draw, kernel};
use crate::subject::{Bindings, Case};

/// The families by name.
pub fn families() -> Vec<(&'static str, Vec<Case>)> {
    vec![
        ("contraction", contractions()),
        ("reduction", reductions()),
        ("transpose", transposes()),
        ("softmax", softmaxes()),
    ]
}

fn dim(text: &str) -> Dim {
    text.parse().unwrap()
}

fn extents(texts: &[&str]) -> Vec<Dim> {
    texts.iter().map(|text| dim(text)).collect()
}

fn access(argument: usize, strides: &[&str]) -> Access {
    Access {
        argument,
        offset: Dim::from(0),
        strides: extents(strides),
        indirect: None,
    }
}

fn argument(dtype: DType, role: Role, length: &str) -> Argument {
    Argument {
        dtype,
        role,
        length: dim(length),
    }
}

fn body<const N: usize>(
    types: [DType; N],
    make: impl FnOnce(&mut BodyBuilder, [ScalarId; N]) -> ScalarId,
) -> Body {
    let mut builder = BodyBuilder::new();
    let inputs = types.map(|dtype| builder.input(dtype));
    let output = make(&mut builder, inputs);
    builder.finish(&[output])
}

/// Numbers for a type of argument.
type Numbers = fn(&mut Draw, DType) -> Number;

/// A kernel tried with several values of its dims, on numbers of several kinds.
fn case(kernel: Kernel, sets: &[(&[(&str, i64)], Numbers)], tolerance: f64) -> Case {
    let mut draw = Draw(7);
    let inputs = sets.iter().map(|(pairs, number)| {
        let bindings: Bindings = pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), *value))
            .collect();
        let tensors = kernel.arguments.iter().map(|argument| {
            let bound = |name: &str| bindings.get(name).copied();
            let count = argument.length.evaluate(&bound).unwrap() as usize;
            let numbers: Vec<Number> = (0..count)
                .map(|_| number(&mut draw, argument.dtype))
                .collect();
            Tensor::from_numbers(argument.dtype, &[count], &numbers).unwrap()
        });
        let tensors = tensors.collect();
        (bindings, tensors)
    });
    let inputs = inputs.collect();
    Case {
        kernel,
        inputs,
        tolerance,
    }
}

/// Multiples of 1/8, whose sums are exact in any order; no zeros.
fn eighths(draw: &mut Draw, dtype: DType) -> Number {
    let number = draw.below(48) as i32 - 24;
    let number = if number >= 0 { number + 1 } else { number };
    match dtype.is_float() {
        true => Number::Float(f64::from(number) / 8.0),
        false => Number::Int(i128::from(number)),
    }
}

/// As [`eighths`], now and then infinite.
fn unbounded(draw: &mut Draw, dtype: DType) -> Number {
    match draw.below(400) {
        0 => Number::Float(f64::INFINITY),
        1 => Number::Float(f64::NEG_INFINITY),
        _ => eighths(draw, dtype),
    }
}

/// Any of many numbers.
fn distinct(draw: &mut Draw, _: DType) -> Number {
    Number::Float(draw.below(1 << 20) as f64 / 64.0 - 5000.0)
}

/// Few different numbers, and NaN.
fn alike(draw: &mut Draw, _: DType) -> Number {
    match draw.below(500) {
        0..=2 => Number::Float(f64::NAN),
        3..=5 => Number::Float(2.0),
        rest => Number::Float((rest % 3) as f64 / 2.0),
    }
}

/// As [`distinct`], with a NaN in some rows.
fn rare(draw: &mut Draw, dtype: DType) -> Number {
    match draw.below(500) {
        0 => Number::Float(f64::NAN),
        _ => distinct(draw, dtype),
    }
}

/// Numbers that all count in a softmax.
fn near(draw: &mut Draw, _: DType) -> Number {
    Number::Float(draw.below(401) as f64 / 512.0)
}

/// Exponents of all sizes.
fn exponents(draw: &mut Draw, _: DType) -> Number {
    Number::Float(match draw.below(16) {
        0 => f64::NEG_INFINITY,
        1 => -(draw.below(400) as f64),
        2..=4 => -(draw.below(1600) as f64) / 16.0,
        _ => draw.below(401) as f64 / 64.0 - 3.1,
    })
}

/// `relu(left * right + bias)`.
fn contraction(name: &str, [rows, columns, terms]: [&str; 3], turned: bool) -> Kernel {
    let epilogue = body([DType::F32, DType::F32], |b, [sum, bias]| {
        let sum = b.binary(BinaryFunction::Add, sum, bias);
        let zero = b.float(DType::F32, 0.0);
        b.binary(BinaryFunction::Maximum, sum, zero)
    });
    let contraction = Contraction {
        batch: vec![],
        rows: extents(&[rows]),
        columns: extents(&[columns]),
        contracted: extents(&[terms]),
        left: access(0, &[terms, "1"]),
        right: access(1, &if turned { [terms, "1"] } else { ["1", columns] }),
        right_layout: RightLayout::Strided,
        accumulator: DType::F32,
        epilogue,
        reads: vec![access(2, &["0", "1"])],
        write: access(3, &[columns, "1"]),
    };
    let arguments = vec![
        argument(DType::F32, Role::Read, &format!("{rows}*{terms}")),
        argument(DType::F32, Role::Read, &format!("{terms}*{columns}")),
        argument(DType::F32, Role::Read, columns),
        argument(DType::F32, Role::Write, &format!("{rows}*{columns}")),
    ];
    kernel(name, arguments, Work::Contraction(contraction))
}

fn contractions() -> Vec<Case> {
    let layer = contraction("layer", ["B", "40", "128"], true);
    let straight = contraction("straight", ["B", "50", "64"], false);
    let odd = contraction("odd", ["35", "33", "77"], false);
    vec![
        case(
            layer,
            &[(&[("B", 3)], eighths), (&[("B", 35)], unbounded)],
            0.0,
        ),
        case(
            straight,
            &[(&[("B", 9)], eighths), (&[("B", 67)], unbounded)],
            0.0,
        ),
        case(odd, &[(&[], eighths), (&[], unbounded)], 0.0),
    ]
}

/// A fold of the last axis of `[rows, length]`, or of the first of `[length, rows]`.
fn fold(name: &str, fold: Fold, [rows, length]: [&str; 2], last: bool) -> Kernel {
    let result = match fold {
        Fold::Value(_) => DType::F32,
        Fold::Arg(_) => DType::I64,
    };
    let reduce = Reduce {
        outer: extents(&[rows]),
        inner: extents(&[length]),
        reads: vec![access(0, &if last { [length, "1"] } else { ["1", rows] })],
        stages: vec![Stage {
            body: body([DType::F32], |_, [x]| x),
            fold,
            accumulator: DType::F32,
        }],
        row: Some(RowFinish {
            reads: vec![],
            body: body([result], |_, [x]| x),
            writes: vec![access(1, &["1"])],
        }),
        element: None,
    };
    let arguments = vec![
        argument(DType::F32, Role::Read, &format!("{rows}*{length}")),
        argument(result, Role::Write, rows),
    ];
    kernel(name, arguments, Work::Reduce(reduce))
}

/// `(x - mean(x)) * weight`, and the sum of its squares beside it.
fn norm(name: &str, [rows, length]: [&str; 2]) -> Kernel {
    let centred = |b: &mut BodyBuilder, x, sum| {
        let count = b.float(DType::F32, length.parse().unwrap());
        let mean = b.binary(BinaryFunction::Divide, sum, count);
        b.binary(BinaryFunction::Subtract, x, mean)
    };
    let stage = |body| Stage {
        body,
        fold: Fold::Value(Reduction::Sum),
        accumulator: DType::F32,
    };
    let squares = body([DType::F32; 3], |b, [x, _, sum]| {
        let x = centred(b, x, sum);
        b.binary(BinaryFunction::Multiply, x, x)
    });
    let reduce = Reduce {
        outer: extents(&[rows]),
        inner: extents(&[length]),
        reads: vec![access(0, &[length, "1"]), access(1, &["0", "1"])],
        stages: vec![stage(body([DType::F32; 2], |_, [x, _]| x)), stage(squares)],
        row: Some(RowFinish {
            reads: vec![],
            body: body([DType::F32; 2], |_, [_, squares]| squares),
            writes: vec![access(3, &["1"])],
        }),
        element: Some(ElementFinish {
            body: body([DType::F32; 4], |b, [x, weight, sum, _]| {
                let x = centred(b, x, sum);
                b.binary(BinaryFunction::Multiply, x, weight)
            }),
            writes: vec![access(2, &[length, "1"])],
        }),
    };
    let all = format!("{rows}*{length}");
    let arguments = vec![
        argument(DType::F32, Role::Read, &all),
        argument(DType::F32, Role::Read, length),
        argument(DType::F32, Role::Write, &all),
        argument(DType::F32, Role::Write, rows),
    ];
    kernel(name, arguments, Work::Reduce(reduce))
}

fn reductions() -> Vec<Case> {
    let sum = Fold::Value(Reduction::Sum);
    let any: &[(&[(&str, i64)], Numbers)] = &[
        (&[("B", 3), ("S", 7)], eighths),
        (&[("B", 9), ("S", 130)], unbounded),
        (&[("B", 3), ("S", 1021)], eighths),
        (&[("B", 2), ("S", 1020)], eighths),
        (&[("B", 2), ("S", 9005)], eighths),
        (&[("B", 1), ("S", 9216)], eighths),
        (&[("B", 2), ("S", 25_001)], eighths),
    ];
    let shared = fold("shared", sum, ["2", "25001"], true);
    let largest = fold("largest", Fold::Arg(Extreme::Maximum), ["B", "640"], true);
    let kinds: &[(&[(&str, i64)], Numbers)] = &[
        (&[("B", 9)], eighths),
        (&[("B", 20)], alike),
        (&[("B", 50)], rare),
        (&[("B", 50)], rare),
    ];
    vec![
        case(fold("sum", sum, ["B", "S"], true), any, 0.0),
        case(
            fold("columns", sum, ["37", "650"], false),
            &[(&[], eighths)],
            0.0,
        ),
        case(shared, &[(&[], eighths)], 0.0),
        case(
            norm("norm", ["21", "128"]),
            &[(&[], eighths), (&[], distinct)],
            1e-6,
        ),
        case(largest, kinds, 0.0),
    ]
}

/// `y = x` with its axes in another order; `strides` are those of `x` along the axes of `y`.
fn transpose(name: &str, dtype: DType, axes: &[&str], strides: &[&str]) -> Kernel {
    let extents = extents(axes);
    let map = Map {
        reads: vec![access(0, strides)],
        body: body([dtype], |_, [x]| x),
        writes: vec![Access::dense(1, &extents).unwrap()],
        extents,
    };
    let length = axes.join("*");
    let arguments = vec![
        argument(dtype, Role::Read, &length),
        argument(dtype, Role::Write, &length),
    ];
    kernel(name, arguments, Work::Map(map))
}

fn transposes() -> Vec<Case> {
    let wide = transpose("wide", DType::F32, &["70", "40"], &["1", "70"]);
    let half = transpose("half", DType::F16, &["100", "64"], &["1", "100"]);
    let any = transpose("any", DType::F32, &["A", "31"], &["1", "A"]);
    let batched = transpose(
        "batched",
        DType::U8,
        &["3", "37", "50"],
        &["1850", "1", "37"],
    );
    vec![
        case(wide, &[(&[], eighths)], 0.0),
        case(half, &[(&[], eighths)], 0.0),
        case(
            any,
            &[
                (&[("A", 33)], eighths),
                (&[("A", 70)], eighths),
                (&[("A", 68_000)], eighths),
            ],
            0.0,
        ),
        case(batched, &[(&[], bytes)], 0.0),
    ]
}

/// Any byte.
fn bytes(draw: &mut Draw, _: DType) -> Number {
    Number::Int(draw.below(256) as i128)
}

/// `exp(x - max(x)) / sum(exp(x - max(x)))` along rows.
fn softmax(name: &str, rows: &str, length: &str) -> Kernel {
    let power = |b: &mut BodyBuilder, x, most| {
        let below = b.binary(BinaryFunction::Subtract, x, most);
        b.unary(UnaryFunction::Exp, below)
    };
    let stage = |body: Body, reduction| Stage {
        body,
        fold: Fold::Value(reduction),
        accumulator: DType::F32,
    };
    let reduce = Reduce {
        outer: extents(&[rows]),
        inner: extents(&[length]),
        reads: vec![access(0, &[length, "1"])],
        stages: vec![
            stage(body([DType::F32], |_, [x]| x), Reduction::Maximum),
            stage(
                body([DType::F32; 2], |b, [x, most]| power(b, x, most)),
                Reduction::Sum,
            ),
        ],
        row: None,
        element: Some(ElementFinish {
            body: body([DType::F32; 3], |b, [x, most, sum]| {
                let power = power(b, x, most);
                b.binary(BinaryFunction::Divide, power, sum)
            }),
            writes: vec![access(1, &[length, "1"])],
        }),
    };
    let all = format!("{rows}*{length}");
    let arguments = vec![
        argument(DType::F32, Role::Read, &all),
        argument(DType::F32, Role::Write, &all),
    ];
    kernel(name, arguments, Work::Reduce(reduce))
}

fn softmaxes() -> Vec<Case> {
    let ten = softmax("ten", "B", "10");
    let both: &[(&[(&str, i64)], Numbers)] = &[(&[], near), (&[], exponents)];
    vec![
        case(
            ten,
            &[(&[("B", 130)], near), (&[("B", 70)], exponents)],
            1e-6,
        ),
        case(softmax("even", "21", "128"), both, 1e-6),
        case(softmax("long", "2", "5003"), both, 1e-6),
    ]
}
