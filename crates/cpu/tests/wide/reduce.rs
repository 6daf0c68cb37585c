use std::collections::BTreeMap;

use eyas_ir::{BinaryFunction, Body, BodyBuilder, Reduction, ScalarOp, UnaryFunction};
use eyas_kernels::{
    Access, Capabilities, ElementFinish, Fold, Reduce, RowFinish, Stage, Work, expand,
};
use eyas_reference::evaluate_body;
use eyas_tensor::{DType, Number, Tensor};
use proptest::prelude::*;

use crate::case::{Case, access, assert_same, dim, floats, isas, kernel};

const F32: DType = DType::F32;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Softmax,
    LayerNorm,
    Extremes,
}

fn stage(reduction: Reduction, body: Body) -> Stage {
    Stage {
        body,
        fold: Fold::Value(reduction),
        accumulator: F32,
    }
}

/// The body that gives its input at this place among so many.
fn given(inputs: usize, place: usize) -> Body {
    let mut b = BodyBuilder::new();
    let inputs: Vec<_> = (0..inputs).map(|_| b.input(F32)).collect();
    b.finish(&[inputs[place]])
}

fn exponential(finished: bool) -> Body {
    let mut b = BodyBuilder::new();
    let (x, most) = (b.input(F32), b.input(F32));
    let difference = b.binary(BinaryFunction::Subtract, x, most);
    let mut result = b.unary(UnaryFunction::Exp, difference);
    if finished {
        let sum = b.input(F32);
        result = b.binary(BinaryFunction::Divide, result, sum);
    }
    b.finish(&[result])
}

/// `x - sum / N`, and what is made of it with the sum of its squares.
fn centred(finished: bool) -> Body {
    use BinaryFunction::*;
    let mut b = BodyBuilder::new();
    let (x, scale, bias, sum) = (b.input(F32), b.input(F32), b.input(F32), b.input(F32));
    let count = b.push(ScalarOp::Extent(dim("N")), DType::I64);
    let count = b.cast(count, F32);
    let mean = b.binary(Divide, sum, count);
    let difference = b.binary(Subtract, x, mean);
    if !finished {
        let square = b.binary(Multiply, difference, difference);
        return b.finish(&[square]);
    }
    let squares = b.input(F32);
    let variance = b.binary(Divide, squares, count);
    let epsilon = b.float(F32, 1e-5);
    let variance = b.binary(Add, variance, epsilon);
    let inverse = b.unary(UnaryFunction::Rsqrt, variance);
    let scaled = b.binary(Multiply, difference, inverse);
    let scaled = b.binary(Multiply, scaled, scale);
    let result = b.binary(Add, scaled, bias);
    b.finish(&[result])
}

/// Rows of `[R, N]`, `gap` elements between them.
fn case(shape: Shape, rows: usize, inner: usize, gap: usize, symbolic: bool) -> Case {
    let bindings = [("R", rows), ("N", inner), ("G", gap)];
    let bindings: BTreeMap<String, i64> = bindings
        .map(|(name, value)| (name.to_owned(), value as i64))
        .into();
    let text = |name: &str, value: usize| match symbolic {
        true => name.to_owned(),
        false => value.to_string(),
    };
    let (r, n, step) = (
        text("R", rows),
        text("N", inner),
        text("(N + G)", inner + gap),
    );
    let count = rows * (inner + gap);
    let x = floats(1, count);
    let zeros = |count| Tensor::zeros(F32, &[count]).unwrap();
    let (work, arguments, written) = match shape {
        Shape::Softmax => {
            let work = Reduce {
                outer: vec![dim(&r)],
                inner: vec![dim(&n)],
                reads: vec![access(0, "0", &[&step, "1"])],
                stages: vec![
                    stage(Reduction::Maximum, given(1, 0)),
                    stage(Reduction::Sum, exponential(false)),
                ],
                row: None,
                element: Some(ElementFinish {
                    body: exponential(true),
                    writes: vec![access(1, "0", &[&step, "1"])],
                }),
            };
            (work, vec![x, zeros(count)], 1)
        }
        Shape::LayerNorm => {
            let work = Reduce {
                outer: vec![dim(&r)],
                inner: vec![dim(&n)],
                reads: vec![
                    access(0, "0", &[&step, "1"]),
                    access(1, "0", &["0", "1"]),
                    access(2, "1", &["0", "0"]),
                ],
                stages: vec![
                    stage(Reduction::Sum, given(3, 0)),
                    stage(Reduction::Sum, centred(false)),
                ],
                row: None,
                element: Some(ElementFinish {
                    body: centred(true),
                    writes: vec![access(3, "0", &[&step, "1"])],
                }),
            };
            let arguments = vec![x, floats(2, inner), floats(3, 2), zeros(count)];
            (work, arguments, 1)
        }
        Shape::Extremes => {
            let mut b = BodyBuilder::new();
            let inputs: Vec<_> = (0..4).map(|_| b.input(F32)).collect();
            let range = b.binary(BinaryFunction::Subtract, inputs[0], inputs[1]);
            let scaled = b.binary(BinaryFunction::Multiply, range, inputs[3]);
            let work = Reduce {
                outer: vec![dim(&r)],
                inner: vec![dim(&n)],
                reads: vec![access(0, "0", &[&step, "1"])],
                stages: vec![
                    stage(Reduction::Maximum, given(1, 0)),
                    stage(Reduction::Minimum, given(2, 0)),
                    stage(Reduction::Product, given(3, 0)),
                ],
                row: Some(RowFinish {
                    reads: vec![access(1, "0", &["1"])],
                    body: b.finish(&[scaled, inputs[2]]),
                    writes: vec![access(2, "0", &["1"]), access(3, "0", &["2"])],
                }),
                element: None,
            };
            let arguments = vec![x, floats(2, rows), zeros(rows), zeros(2 * rows)];
            (work, arguments, 2)
        }
    };
    let lengths: Vec<usize> = arguments.iter().map(Tensor::element_count).collect();
    let dtypes = vec![F32; arguments.len()];
    Case {
        kernel: kernel(&dtypes, written, &lengths, Work::Reduce(work)),
        arguments,
        bindings,
    }
}

fn evaluated(case: &Case, body: &Body, inputs: &[Number]) -> Vec<Number> {
    let body = expand(body, Capabilities::ALL);
    evaluate_body(&body, inputs, &[], &case.bindings).unwrap()
}

/// Sixteen lanes, folded pairwise.
fn folded(reduction: Reduction, values: &[f32]) -> f32 {
    let (nothing, fold): (f32, fn(f32, f32) -> f32) = match reduction {
        Reduction::Sum => (0.0, |a, b| a + b),
        Reduction::Product => (1.0, |a, b| a * b),
        Reduction::Maximum => (f32::NEG_INFINITY, f32::max),
        Reduction::Minimum => (f32::INFINITY, f32::min),
    };
    let mut lanes = [nothing; 16];
    for (place, &value) in values.iter().enumerate() {
        lanes[place % 16] = fold(lanes[place % 16], value);
    }
    for apart in [8, 4, 2, 1] {
        for lane in 0..apart {
            lanes[lane] = fold(lanes[lane], lanes[lane + apart]);
        }
    }
    lanes[0]
}

fn expected(case: &Case) -> Vec<Tensor> {
    let Work::Reduce(reduce) = &case.kernel.work else {
        unreachable!()
    };
    let mut results = case.arguments.clone();
    let (rows, inner) = (case.value(&reduce.outer[0]), case.value(&reduce.inner[0]));
    for row in 0..rows {
        let read = |access: &Access, position: &[i64]| {
            case.arguments[access.argument].get(case.place(access, position))
        };
        let at = |place: i64| -> Vec<Number> {
            reduce
                .reads
                .iter()
                .map(|access| read(access, &[row, place]))
                .collect()
        };
        let mut stages: Vec<Number> = Vec::new();
        for stage in &reduce.stages {
            let Fold::Value(reduction) = stage.fold else {
                unreachable!()
            };
            let value = |place| {
                let inputs = [&at(place)[..], &stages].concat();
                evaluated(case, &stage.body, &inputs)[0].to_f64() as f32
            };
            let values: Vec<f32> = (0..inner).map(value).collect();
            stages.push(Number::Float(folded(reduction, &values).into()));
        }
        if let Some(finish) = &reduce.row {
            let mut inputs = stages.clone();
            inputs.extend(finish.reads.iter().map(|access| read(access, &[row])));
            let values = evaluated(case, &finish.body, &inputs);
            for (write, value) in finish.writes.iter().zip(values) {
                results[write.argument].set(case.place(write, &[row]), value);
            }
        }
        if let Some(finish) = &reduce.element {
            for place in 0..inner {
                let inputs = [&at(place)[..], &stages].concat();
                let values = evaluated(case, &finish.body, &inputs);
                for (write, value) in finish.writes.iter().zip(values) {
                    results[write.argument].set(case.place(write, &[row, place]), value);
                }
            }
        }
    }
    results
}

fn check(shape: Shape, rows: usize, inner: usize, gap: usize, symbolic: bool) {
    let case = case(shape, rows, inner, gap, symbolic);
    let expected = expected(&case);
    for isa in isas() {
        let what = format!("{isa} {shape:?} {rows} x {inner} + {gap} symbolic {symbolic}");
        let function = case.compile(isa).expect("a wide form");
        let found = case.assert_as_twin(&function, isa, &what);
        for (found, expected) in found.iter().zip(&expected) {
            assert_same(found, expected, &what);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(80))]

    #[test]
    fn rows_are_folded_in_sixteen_lanes(
        shape in prop::sample::select(vec![Shape::Softmax, Shape::LayerNorm, Shape::Extremes]),
        rows in 1usize..6,
        inner in 1usize..100,
        gap in 0usize..3,
        symbolic: bool,
    ) {
        check(shape, rows, inner, gap, symbolic);
    }
}

#[test]
fn many_rows_make_many_units() {
    for symbolic in [false, true] {
        check(Shape::Softmax, 40, 500, 0, symbolic);
    }
}

#[test]
fn an_extreme_of_what_is_no_number_is_none() {
    let mut case = case(Shape::Extremes, 2, 37, 0, false);
    case.arguments[0].set(40, Number::Float(f64::NAN));
    for isa in isas() {
        let found = case.run(isa, 1);
        assert!(!found[2].get(0).to_f64().is_nan(), "{isa}");
        assert!(found[2].get(1).to_f64().is_nan(), "{isa}");
    }
}
