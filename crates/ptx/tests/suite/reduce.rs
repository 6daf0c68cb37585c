mod random;

use eyas_ir::{
    BinaryFunction, Body, BodyBuilder, Extreme, Reduction, ScalarId, ScalarOp, UnaryFunction,
};
use eyas_kernels::{
    Access, Argument, ElementFinish, Fold, Indirect, Kernel, Reduce, Role, RowFinish, Stage, Work,
};
use eyas_plan::{CudaArchitecture, Failure};
use eyas_tensor::{DType, Dim, Number, Tensor};

use crate::device::{Bindings, Case, Loaded, agrees, all_agree};
use crate::draw::{DTYPES, Draw, argument, dims, kernel};

/// Where the folded axes are: inside or outside of those that stay, or around them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Folded {
    Last,
    First,
    Middle,
}

const LAYOUTS: [Folded; 3] = [Folded::Last, Folded::First, Folded::Middle];

/// A body of so many inputs.
pub fn body<const N: usize>(
    types: [DType; N],
    make: impl FnOnce(&mut BodyBuilder, [ScalarId; N]) -> Vec<ScalarId>,
) -> Body {
    let mut builder = BodyBuilder::new();
    let inputs = types.map(|dtype| builder.input(dtype));
    let outputs = make(&mut builder, inputs);
    builder.finish(&outputs)
}

pub fn access(argument: usize, strides: &[&str]) -> Access {
    Access {
        argument,
        offset: Dim::from(0),
        strides: strides
            .iter()
            .map(|stride| stride.parse().unwrap())
            .collect(),
        indirect: None,
    }
}

pub fn extents(texts: &[&str]) -> Vec<Dim> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

fn length(dtype: DType, role: Role, text: &str) -> Argument {
    Argument {
        dtype,
        role,
        length: text.parse().unwrap(),
    }
}

fn result_of(fold: Fold, accumulator: DType) -> DType {
    match fold {
        Fold::Value(_) => accumulator,
        Fold::Arg(_) => DType::I64,
    }
}

/// A fold of a dense tensor; `rows` and `length` may be symbols.
pub fn fold(dtype: DType, fold: Fold, rows: &str, length_text: &str, folded: Folded) -> Kernel {
    let result = result_of(fold, dtype);
    let (inner, strides): (Vec<&str>, [String; 3]) = match folded {
        Folded::Last => (
            vec![length_text],
            [length_text.into(), "1".into(), String::new()],
        ),
        Folded::First => (vec![length_text], ["1".into(), rows.into(), String::new()]),
        Folded::Middle => {
            let far = format!("{rows}*{length_text}");
            (
                vec!["3", length_text],
                [length_text.into(), far, "1".into()],
            )
        }
    };
    let strides: Vec<&str> = strides[..=inner.len()].iter().map(String::as_str).collect();
    let all = format!(
        "{}*{rows}*{length_text}",
        if folded == Folded::Middle { 3 } else { 1 }
    );
    let reduce = Reduce {
        outer: extents(&[rows]),
        inner: extents(&inner),
        reads: vec![access(0, &strides)],
        stages: vec![Stage {
            body: body([dtype], |_, [x]| vec![x]),
            fold,
            accumulator: dtype,
        }],
        row: Some(RowFinish {
            reads: vec![],
            body: body([result], |_, [x]| vec![x]),
            writes: vec![access(1, &["1"])],
        }),
        element: None,
    };
    let arguments = vec![
        length(dtype, Role::Read, &all),
        length(result, Role::Write, rows),
    ];
    kernel("test.fold", arguments, Work::Reduce(reduce))
}

pub fn bindings(pairs: &[(&str, i64)]) -> Bindings {
    let pairs = pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), *value));
    pairs.collect()
}

/// Tensors for the arguments of a kernel: numbers that `draw` gives.
pub fn tensors(
    kernel: &Kernel,
    bound: &Bindings,
    mut draw: impl FnMut(DType) -> Number,
) -> Vec<Tensor> {
    let arguments = kernel.arguments.iter();
    let tensors = arguments.map(|argument| {
        let value = |name: &str| bound.get(name).copied();
        let count = argument.length.evaluate(&value).unwrap() as usize;
        let numbers: Vec<Number> = (0..count).map(|_| draw(argument.dtype)).collect();
        Tensor::from_numbers(argument.dtype, &[count], &numbers).unwrap()
    });
    tensors.collect()
}

fn case(kernel: Kernel, arguments: Vec<Tensor>, bound: &Bindings, tolerance: f64) -> Case {
    Case {
        kernel,
        arguments,
        bindings: bound.clone(),
        tolerance,
    }
}

/// What a fold in another order may differ by, relative to the greatest; the oracle folds in
/// sixteen lanes, each rounded to the type at every place.
fn tolerance(dtype: DType, fold: Fold, length: i64) -> f64 {
    let unit = match (dtype, fold) {
        (_, Fold::Arg(_) | Fold::Value(Reduction::Maximum | Reduction::Minimum)) => 0.0,
        (DType::F64, _) => 1.2e-16,
        (DType::F32, _) => 6e-8,
        (DType::F16, _) => 4.9e-4,
        (DType::BF16, _) => 3.9e-3,
        _ => 0.0,
    };
    unit * (16.0 + length as f64 / 32.0)
}

/// A number that folds well: sums do not cancel, products neither grow nor vanish.
fn tame(draw: &mut Draw, dtype: DType, fold: Fold) -> Number {
    match fold {
        Fold::Value(Reduction::Product) if dtype.is_float() => {
            Number::Float(draw.below(65) as f64 / 1024.0 + 0.96875)
        }
        Fold::Value(Reduction::Sum) if dtype.is_float() => {
            Number::Float(draw.below(401) as f64 / 64.0 + 0.1)
        }
        _ => draw.number(dtype),
    }
}

fn fold_case(draw: &mut Draw, dtype: DType, fold_: Fold, length: usize, folded: Folded) -> Case {
    let kernel = fold(dtype, fold_, "5", &length.to_string(), folded);
    let tolerance = tolerance(dtype, fold_, 3 * length as i64);
    let arguments = tensors(&kernel, &Bindings::new(), |dtype| tame(draw, dtype, fold_));
    case(kernel, arguments, &Bindings::new(), tolerance)
}

#[test]
fn every_type_folds() {
    use Reduction::*;
    let (mut cases, mut draw) = (Vec::new(), Draw(1));
    for dtype in DTYPES {
        for reduction in [Sum, Product, Maximum, Minimum] {
            for length in [0, 1, 31, 32, 33, 100, 1000, 1025] {
                if length == 0 && matches!(reduction, Maximum | Minimum) {
                    continue;
                }
                // All of f32; of the others some lengths, and each in one layout.
                let (some, picked) = (draw.below(5) < 2, draw.below(LAYOUTS.len()));
                for (number, folded) in LAYOUTS.into_iter().enumerate() {
                    if dtype == DType::F32 || some && number == picked {
                        let fold = Fold::Value(reduction);
                        cases.push(fold_case(&mut draw, dtype, fold, length, folded));
                    }
                }
            }
        }
    }
    all_agree(&cases);
}

#[test]
fn the_first_extreme_or_nan_is_found() {
    let (mut cases, mut draw) = (Vec::new(), Draw(2));
    for dtype in DTYPES {
        for extreme in [Extreme::Maximum, Extreme::Minimum] {
            for length in [1, 2, 33, 1000] {
                let picked = draw.below(LAYOUTS.len());
                for (number, folded) in LAYOUTS.into_iter().enumerate() {
                    let all = matches!(dtype, DType::F32 | DType::I8);
                    if number == picked || all {
                        cases.push(fold_case(
                            &mut draw,
                            dtype,
                            Fold::Arg(extreme),
                            length,
                            folded,
                        ));
                    }
                }
            }
        }
    }
    all_agree(&cases);
}

#[test]
fn of_equals_the_first_is_found_and_infinities_are_values() {
    let mut cases = Vec::new();
    for (extreme, value) in [
        (Extreme::Maximum, f64::NEG_INFINITY),
        (Extreme::Minimum, f64::INFINITY),
        (Extreme::Maximum, f64::NAN),
        (Extreme::Minimum, 1.5),
    ] {
        for length in ["7", "300", "40000"] {
            for folded in [Folded::Last, Folded::First] {
                let kernel = fold(DType::F32, Fold::Arg(extreme), "2", length, folded);
                let bound = Bindings::new();
                let arguments = tensors(&kernel, &bound, |_| Number::Float(value));
                cases.push(case(kernel, arguments, &bound, 0.0));
            }
        }
    }
    all_agree(&cases);
}

#[test]
fn rows_of_unknown_extents_fold() {
    let (mut cases, mut draw) = (Vec::new(), Draw(3));
    let sum = Fold::Value(Reduction::Sum);
    for (dtype, fold_) in [
        (DType::F32, sum),
        (DType::I32, sum),
        (DType::F16, Fold::Value(Reduction::Maximum)),
        (DType::F64, Fold::Arg(Extreme::Minimum)),
    ] {
        for folded in LAYOUTS {
            let sizes = [(3, 7), (9, 64), (2, 1024), (2, 1029), (1, 40_000), (0, 5)];
            // All sizes of f32; of the others some in turn.
            let picked = draw.below(2);
            let sizes = sizes.into_iter().enumerate();
            let sizes = sizes.filter(|(number, _)| dtype == DType::F32 || number % 2 == picked);
            for (_, (rows, length)) in sizes {
                let kernel = fold(dtype, fold_, "B", "S", folded);
                let bound = bindings(&[("B", rows), ("S", length)]);
                let arguments = tensors(&kernel, &bound, |dtype| tame(&mut draw, dtype, fold_));
                let tolerance = tolerance(dtype, fold_, 3 * length);
                cases.push(case(kernel, arguments, &bound, tolerance));
            }
        }
    }
    for folded in LAYOUTS {
        let kernel = fold(DType::F32, sum, "B", "S", folded);
        let bound = bindings(&[("B", 3), ("S", 0)]);
        let arguments = tensors(&kernel, &bound, |dtype| draw.plain(dtype));
        cases.push(case(kernel, arguments, &bound, 0.0));
    }
    all_agree(&cases);
}

#[test]
fn few_long_rows_are_shared_by_blocks() {
    let (mut cases, mut draw) = (Vec::new(), Draw(4));
    for (dtype, fold_) in [
        (DType::F32, Fold::Value(Reduction::Sum)),
        (DType::F64, Fold::Value(Reduction::Maximum)),
        (DType::I16, Fold::Value(Reduction::Product)),
        (DType::F32, Fold::Arg(Extreme::Maximum)),
        (DType::I64, Fold::Arg(Extreme::Minimum)),
    ] {
        for (rows, length, folded) in [
            ("1", "70001", Folded::Last),
            ("2", "65536", Folded::Last),
            ("5", "9001", Folded::First),
            ("40", "2000", Folded::First),
        ] {
            let kernel = fold(dtype, fold_, rows, length, folded);
            let bound = Bindings::new();
            let arguments = tensors(&kernel, &bound, |dtype| tame(&mut draw, dtype, fold_));
            let loaded = Loaded::new(std::slice::from_ref(&kernel), CudaArchitecture::Sm80);
            assert!(!loaded.function(0).scratch.is(0));
            let tolerance = tolerance(dtype, fold_, length.parse().unwrap());
            cases.push(case(kernel, arguments, &bound, tolerance));
        }
    }
    all_agree(&cases);
}

/// `exp(x - max(x)) / sum(exp(x - max(x)))`, and the logarithm of the sum beside it, scaled; with
/// `indexed` the place along the row is added.
pub fn softmax(dtype: DType, rows: &str, length_text: &str, indexed: bool) -> Kernel {
    let wide = if dtype.bits() < 32 { DType::F32 } else { dtype };
    let power = |b: &mut BodyBuilder, x, most| {
        let below = b.binary(BinaryFunction::Subtract, x, most);
        let below = b.cast(below, wide);
        b.unary(UnaryFunction::Exp, below)
    };
    let element = body([dtype, dtype, wide], |b, [x, most, sum]| {
        let power = power(b, x, most);
        let mut share = b.binary(BinaryFunction::Divide, power, sum);
        if indexed {
            let place = b.push(ScalarOp::Index(1), DType::I64);
            let place = b.cast(place, wide);
            share = b.binary(BinaryFunction::Add, share, place);
        }
        vec![b.cast(share, dtype)]
    });
    let row = body([dtype, wide, dtype], |b, [_, sum, scale]| {
        let logarithm = b.unary(UnaryFunction::Log, sum);
        let logarithm = b.cast(logarithm, dtype);
        vec![b.binary(BinaryFunction::Multiply, logarithm, scale)]
    });
    let stage = |body: Body, reduction| Stage {
        accumulator: body.node(body.outputs[0]).dtype,
        body,
        fold: Fold::Value(reduction),
    };
    let reduce = Reduce {
        outer: extents(&[rows]),
        inner: extents(&[length_text]),
        reads: vec![access(0, &[length_text, "1"])],
        stages: vec![
            stage(body([dtype], |_, [x]| vec![x]), Reduction::Maximum),
            stage(
                body([dtype; 2], |b, [x, most]| vec![power(b, x, most)]),
                Reduction::Sum,
            ),
        ],
        row: Some(RowFinish {
            reads: vec![access(1, &["1"])],
            body: row,
            writes: vec![access(2, &["1"])],
        }),
        element: Some(ElementFinish {
            body: element,
            writes: vec![access(3, &[length_text, "1"])],
        }),
    };
    let all = format!("{rows}*{length_text}");
    let arguments = vec![
        length(dtype, Role::Read, &all),
        length(dtype, Role::Read, rows),
        length(dtype, Role::Write, rows),
        length(dtype, Role::Write, &all),
    ];
    kernel("test.softmax", arguments, Work::Reduce(reduce))
}

#[test]
fn stages_read_the_results_of_those_before() {
    let (mut cases, mut draw) = (Vec::new(), Draw(5));
    for (dtype, tolerance) in [(DType::F32, 1e-6), (DType::F64, 1e-13), (DType::F16, 8e-3)] {
        let sizes = [
            (3, 1),
            (2, 10),
            (5, 16),
            (4, 100),
            (70, 37),
            (3, 1000),
            (2, 5000),
            (1, 20_000),
        ];
        for (rows, length) in sizes {
            let indexed = length < 1000;
            let bound = bindings(&[("B", rows), ("S", length)]);
            let exact = softmax(dtype, &rows.to_string(), &length.to_string(), indexed);
            let symbolic = softmax(dtype, "B", "S", indexed);
            let few = dtype != DType::F32 && ![10, 37, 5000].contains(&length);
            let kernels = if few {
                vec![exact]
            } else {
                vec![exact, symbolic]
            };
            for kernel in kernels {
                let arguments = tensors(&kernel, &bound, |dtype| draw.plain(dtype));
                cases.push(case(kernel, arguments, &bound, tolerance));
            }
        }
    }
    all_agree(&cases);
}

/// `(x - mean) / sqrt(variance + 1e-5) * weight + bias`, the axis at any stride.
pub fn layer_norm(dtype: DType, rows: &str, length_text: &str, strides: [&str; 2]) -> Kernel {
    let f32 = DType::F32;
    let mean = |b: &mut BodyBuilder, sum| {
        let count = b.push(ScalarOp::Extent(length_text.parse().unwrap()), DType::I64);
        let count = b.cast(count, f32);
        b.binary(BinaryFunction::Divide, sum, count)
    };
    let centred = |b: &mut BodyBuilder, x, sum| {
        let (x, mean) = (b.cast(x, f32), mean(b, sum));
        b.binary(BinaryFunction::Subtract, x, mean)
    };
    let first = body([dtype, f32, f32], |b, [x, ..]| vec![b.cast(x, f32)]);
    let second = body([dtype, f32, f32, f32], |b, [x, _, _, sum]| {
        let centred = centred(b, x, sum);
        vec![b.binary(BinaryFunction::Multiply, centred, centred)]
    });
    let element = body(
        [dtype, f32, f32, f32, f32],
        |b, [x, weight, bias, sum, squares]| {
            let centred = centred(b, x, sum);
            let variance = mean(b, squares);
            let least = b.float(f32, 1e-5);
            let variance = b.binary(BinaryFunction::Add, variance, least);
            let scale = b.unary(UnaryFunction::Rsqrt, variance);
            let normal = b.binary(BinaryFunction::Multiply, centred, scale);
            let scaled = b.multiply_add(normal, weight, bias);
            vec![b.cast(scaled, dtype)]
        },
    );
    let sum = |body| Stage {
        body,
        fold: Fold::Value(Reduction::Sum),
        accumulator: f32,
    };
    let reduce = Reduce {
        outer: extents(&[rows]),
        inner: extents(&[length_text]),
        reads: vec![
            access(0, &strides),
            access(1, &["0", "1"]),
            access(2, &["0", "1"]),
        ],
        stages: vec![sum(first), sum(second)],
        row: Some(RowFinish {
            reads: vec![],
            body: body([f32; 2], |_, [sum, squares]| vec![sum, squares]),
            writes: vec![access(4, &["1"]), access(5, &["1"])],
        }),
        element: Some(ElementFinish {
            body: element,
            writes: vec![access(3, &strides)],
        }),
    };
    let all = format!("{rows}*{length_text}");
    let arguments = vec![
        length(dtype, Role::Read, &all),
        length(f32, Role::Read, length_text),
        length(f32, Role::Read, length_text),
        length(dtype, Role::Write, &all),
        length(f32, Role::Write, rows),
        length(f32, Role::Write, rows),
    ];
    kernel("test.layer_norm", arguments, Work::Reduce(reduce))
}

#[test]
fn norms_read_weights_along_the_row() {
    let (mut cases, mut draw) = (Vec::new(), Draw(6));
    for (dtype, tolerance) in [(DType::F32, 2e-5), (DType::BF16, 2e-2)] {
        for (rows, length) in [
            ("3", "64"),
            ("9", "768"),
            ("5", "33"),
            ("2", "4096"),
            ("B", "S"),
        ] {
            let bound = bindings(&[("B", 4), ("S", 130)]);
            for strides in [[length, "1"], ["1", rows]] {
                let kernel = layer_norm(dtype, rows, length, strides);
                let arguments = tensors(&kernel, &bound, |dtype| draw.plain(dtype));
                cases.push(case(kernel, arguments, &bound, tolerance));
            }
        }
    }
    all_agree(&cases);
}

#[test]
fn all_axes_fold_to_one_value_in_any_order() {
    let mut draw = Draw(7);
    let mut cases = Vec::new();
    let extents = [4, 9, 5];
    let strides = [45, 5, 1];
    for order in [[0, 1, 2], [2, 0, 1], [1, 2, 0]] {
        for fold in [Fold::Value(Reduction::Sum), Fold::Arg(Extreme::Maximum)] {
            let result = result_of(fold, DType::I32);
            let reduce = Reduce {
                outer: vec![],
                inner: dims(&order.map(|axis: usize| extents[axis])),
                reads: vec![Access {
                    argument: 0,
                    offset: Dim::from(0),
                    strides: dims(&order.map(|axis: usize| strides[axis])),
                    indirect: None,
                }],
                stages: vec![Stage {
                    body: body([DType::I8], |b, [x]| vec![b.cast(x, DType::I32)]),
                    fold,
                    accumulator: DType::I32,
                }],
                row: Some(RowFinish {
                    reads: vec![],
                    body: body([result], |_, [x]| vec![x]),
                    writes: vec![access(1, &[])],
                }),
                element: None,
            };
            let arguments = vec![
                argument(DType::I8, Role::Read, 180),
                argument(result, Role::Write, 1),
            ];
            let kernel = kernel("test.all", arguments, Work::Reduce(reduce));
            let arguments = tensors(&kernel, &Bindings::new(), |dtype| draw.number(dtype));
            cases.push(case(kernel, arguments, &Bindings::new(), 0.0));
        }
    }
    all_agree(&cases);
}

/// Rows over two outer and two inner axes with gaps, a broadcast read beside it, places of all
/// axes in the body.
#[test]
fn odd_strides_and_broadcast_reads_fold() {
    let mut draw = Draw(8);
    let mut cases = Vec::new();
    let index = |b: &mut BodyBuilder, axis| b.push(ScalarOp::Index(axis), DType::I64);
    let layouts = [
        (["400", "7", "90", "2"], ["0", "3", "0", "1"]),
        (["400", "1", "90", "21"], ["0", "3", "0", "1"]),
        (["400", "7", "1", "90"], ["0", "3", "1", "0"]),
        (["1", "7", "90", "30"], ["1", "0", "0", "2"]),
    ];
    for (strides, beside) in layouts {
        for accumulator in [DType::I64, DType::U16] {
            let value = body([DType::I32, DType::I32], |b, [x, y]| {
                let mut all = b.binary(BinaryFunction::Multiply, x, y);
                all = b.cast(all, DType::I64);
                for axis in 0..4 {
                    let place = index(b, axis);
                    let times = b.integer(DType::I64, i64::from(axis) * 3 + 1);
                    all = b.multiply_add(place, times, all);
                }
                vec![b.cast(all, accumulator)]
            });
            let reduce = Reduce {
                outer: dims(&[2, 3]),
                inner: dims(&[4, 3]),
                reads: vec![access(0, &strides), access(1, &beside)],
                stages: vec![Stage {
                    body: value,
                    fold: Fold::Value(Reduction::Sum),
                    accumulator,
                }],
                row: Some(RowFinish {
                    reads: vec![],
                    body: body([accumulator], |b, [x]| {
                        let place = index(b, 1);
                        let place = b.cast(place, accumulator);
                        vec![b.binary(BinaryFunction::Subtract, x, place), x]
                    }),
                    writes: vec![access(2, &["1", "2"]), access(3, &["3", "1"])],
                }),
                element: None,
            };
            let arguments = vec![
                argument(DType::I32, Role::Read, 800),
                argument(DType::I32, Role::Read, 10),
                argument(accumulator, Role::Write, 6),
                argument(accumulator, Role::Write, 6),
            ];
            let kernel = kernel("test.strides", arguments, Work::Reduce(reduce));
            let arguments = tensors(&kernel, &Bindings::new(), |dtype| draw.number(dtype));
            cases.push(case(kernel, arguments, &Bindings::new(), 0.0));
        }
    }
    all_agree(&cases);
}

#[test]
fn no_rows_are_no_blocks() {
    for (rows, bound) in [("0", 5), ("B", 0)] {
        let mut kernel = fold(
            DType::F32,
            Fold::Value(Reduction::Sum),
            rows,
            "8",
            Folded::Last,
        );
        if let Work::Reduce(reduce) = &mut kernel.work {
            // An axis more, which the read does not merge with.
            reduce.outer.push(Dim::from(3));
            reduce.reads[0].strides = extents(&["8", "0", "1"]);
            if let Some(row) = &mut reduce.row {
                row.writes[0].strides = extents(&["3", "1"]);
            }
        }
        kernel.arguments[1].length = Dim::product(&extents(&[rows, "3"])).unwrap();
        let bound = bindings(&[("B", bound)]);
        let arguments = tensors(&kernel, &bound, |_| Number::Float(1.0));
        agrees(&kernel, &arguments, &bound, 0.0);
        let loaded = Loaded::new(std::slice::from_ref(&kernel), CudaArchitecture::Sm80);
        let units = loaded
            .function(0)
            .units
            .evaluate(&|name| bound.get(name).copied());
        assert_eq!(units.unwrap(), 0);
    }
}

/// What blocks would share is then in scratch memory of no bytes.
#[test]
fn no_rows_that_are_long_are_no_blocks() {
    for folded in [Folded::Last, Folded::First] {
        let sum = Fold::Value(Reduction::Sum);
        let kernel = fold(DType::F32, sum, "0", "70001", folded);
        let arguments = tensors(&kernel, &Bindings::new(), |_| Number::Float(1.0));
        agrees(&kernel, &arguments, &Bindings::new(), 0.0);
    }
}

/// The sum of rows that an index picks, an index a row or one a place.
fn gathered(rows: i64, count: i64, length: i64, one_a_row: bool) -> Kernel {
    let reduce = Reduce {
        outer: dims(&[rows]),
        inner: dims(&[length]),
        reads: vec![Access {
            argument: 0,
            offset: Dim::from(0),
            strides: dims(&[0, i64::from(one_a_row)]),
            indirect: Some(Indirect {
                index: Box::new(Access {
                    argument: 1,
                    offset: Dim::from(0),
                    strides: match one_a_row {
                        true => dims(&[1, 0]),
                        false => dims(&[length, 1]),
                    },
                    indirect: None,
                }),
                stride: Dim::from(if one_a_row { length } else { 1 }),
                extent: Dim::from(count),
            }),
        }],
        stages: vec![Stage {
            body: body([DType::I32], |_, [x]| vec![x]),
            fold: Fold::Value(Reduction::Sum),
            accumulator: DType::I32,
        }],
        row: Some(RowFinish {
            reads: vec![],
            body: body([DType::I32], |_, [x]| vec![x]),
            writes: vec![access(2, &["1"])],
        }),
        element: None,
    };
    let indices = if one_a_row { rows } else { rows * length };
    let table = if one_a_row { count * length } else { count };
    let arguments = vec![
        argument(DType::I32, Role::Read, table as usize),
        argument(DType::I64, Role::Read, indices as usize),
        argument(DType::I32, Role::Write, rows as usize),
    ];
    kernel("test.gathered", arguments, Work::Reduce(reduce))
}

#[test]
fn rows_are_gathered_and_wrong_indices_are_told() {
    let mut draw = Draw(9);
    for (one_a_row, length) in [(true, 64), (true, 5), (false, 70)] {
        let kernel = gathered(6, 10, length, one_a_row);
        let mut arguments = tensors(&kernel, &Bindings::new(), |dtype| draw.number(dtype));
        let count = arguments[1].element_count();
        let picks: Vec<Number> = (0..count)
            .map(|n| Number::Int((n as i128 * 7) % 10))
            .collect();
        arguments[1] = Tensor::from_numbers(DType::I64, &[count], &picks).unwrap();
        agrees(&kernel, &arguments, &Bindings::new(), 0.0);
        let mut wrong = picks;
        wrong[count - 1] = Number::Int(-1);
        arguments[1] = Tensor::from_numbers(DType::I64, &[count], &wrong).unwrap();
        let loaded = Loaded::new(std::slice::from_ref(&kernel), CudaArchitecture::Sm80);
        let failure = Failure {
            argument: 0,
            index: -1,
            extent: 10,
        };
        let ran = loaded.run(0, &mut arguments, &Bindings::new(), 0);
        assert_eq!(ran.unwrap_err(), failure);
    }
}

/// Where memory lies must not change the order of sums.
#[test]
fn the_order_of_sums_hangs_on_the_shape_alone() {
    let mut draw = Draw(10);
    let sum = Fold::Value(Reduction::Sum);
    for (rows, length) in [("3", "64"), ("2", "30000"), ("1", "200000"), ("B", "S")] {
        let bound = bindings(&[("B", 5), ("S", 1100)]);
        let kernel = fold(DType::F32, sum, rows, length, Folded::Last);
        let arguments = tensors(&kernel, &bound, |dtype| draw.plain(dtype));
        let loaded = Loaded::new(std::slice::from_ref(&kernel), CudaArchitecture::Sm90a);
        let [mut aligned, mut shifted] = [arguments.clone(), arguments];
        loaded.run(0, &mut aligned, &bound, 0).unwrap();
        loaded.run(0, &mut shifted, &bound, 4).unwrap();
        assert_eq!(aligned[1].bytes(), shifted[1].bytes());
    }
}
