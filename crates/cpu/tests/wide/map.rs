use std::collections::BTreeMap;

use eyas_ir::{BinaryFunction, Body, BodyBuilder, Comparison, Composite, Op, UnaryFunction};
use eyas_kernels::{Access, Capabilities, Map, Work, expand};
use eyas_plan::Isa;
use eyas_reference::evaluate_body;
use eyas_tensor::{DType, Number, Tensor};
use proptest::prelude::*;

use crate::case::{Case, access, assert_same, bools, dim, floats, isas, kernel};

const F32: DType = DType::F32;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Function {
    Copy,
    ScaleShiftRelu,
    Gelu,
    Exp,
    Tanh,
    Extremes,
    Rounding,
    Count,
    Choose,
    Within,
    Sum,
}

const ALL: [Function; 11] = [
    Function::Copy,
    Function::ScaleShiftRelu,
    Function::Gelu,
    Function::Exp,
    Function::Tanh,
    Function::Extremes,
    Function::Rounding,
    Function::Count,
    Function::Choose,
    Function::Within,
    Function::Sum,
];

impl Function {
    fn body(self) -> Body {
        use BinaryFunction::*;
        let mut b = BodyBuilder::new();
        let x = b.input(F32);
        let outputs = match self {
            Function::Copy => vec![x],
            Function::ScaleShiftRelu => {
                let (scale, shift) = (b.input(F32), b.input(F32));
                let scaled = b.binary(Multiply, x, scale);
                let shifted = b.binary(Add, scaled, shift);
                let zero = b.float(F32, 0.0);
                vec![b.binary(Maximum, shifted, zero)]
            }
            Function::Gelu => {
                let composite = Composite::Gelu;
                let gelu = eyas_ir::scalar_body(&Op::Composite { composite }, &[F32]).unwrap();
                b.inline(&gelu, &[x])
            }
            Function::Exp => vec![b.unary(UnaryFunction::Exp, x)],
            Function::Tanh => vec![b.unary(UnaryFunction::Tanh, x)],
            Function::Extremes => {
                let y = b.input(F32);
                vec![b.binary(Maximum, x, y), b.binary(Minimum, x, y)]
            }
            Function::Rounding => {
                let y = b.input(F32);
                let quotient = b.binary(Divide, x, y);
                let quotient = b.unary(UnaryFunction::Floor, quotient);
                let up = b.unary(UnaryFunction::Ceil, x);
                let near = b.unary(UnaryFunction::Round, x);
                let sum = b.binary(Subtract, up, near);
                vec![quotient, sum]
            }
            Function::Count => {
                let scale = b.float(F32, 3e9);
                let large = b.binary(Multiply, x, scale);
                let whole = b.cast(large, DType::I32);
                let seven = b.integer(DType::I32, 7);
                let product = b.binary(Multiply, whole, seven);
                let least = b.binary(Minimum, product, whole);
                vec![b.cast(least, F32), least]
            }
            Function::Choose => {
                let (y, mask) = (b.input(F32), b.input(DType::Bool));
                let less = b.compare(Comparison::LessOrEqual, x, y);
                let both = b.binary(And, less, mask);
                vec![b.select(both, x, y)]
            }
            Function::Within => {
                let (y, mask) = (b.input(F32), b.input(DType::Bool));
                let less = b.compare(Comparison::Less, x, y);
                let different = b.binary(Xor, less, mask);
                let not = b.unary(UnaryFunction::Not, different);
                vec![not, b.cast(less, F32)]
            }
            Function::Sum => {
                let mut sum = x;
                for _ in 0..5 {
                    let next = b.input(F32);
                    sum = b.multiply_add(sum, next, x);
                }
                vec![sum]
            }
        };
        b.finish(&outputs)
    }

    fn needs_bytes(self) -> bool {
        matches!(self, Function::Choose | Function::Within)
    }
}

/// A map over `[A, B, C]`, whose reads step along some of the axes only.
fn case(function: Function, extents: [usize; 3], steps: &[u8], symbolic: bool) -> Case {
    let bindings = ["A", "B", "C"].into_iter().zip(extents);
    let bindings: BTreeMap<String, i64> = bindings
        .map(|(name, value)| (name.to_owned(), value as i64))
        .collect();
    let named = |axis: usize| match symbolic {
        true => ["A", "B", "C"][axis].to_owned(),
        false => extents[axis].to_string(),
    };
    let body = function.body();
    let (mut arguments, mut dtypes, mut reads) = (Vec::new(), Vec::new(), Vec::new());
    for (place, &dtype) in body.inputs.iter().enumerate() {
        let step = steps[place % steps.len()];
        let mut length = 1;
        let mut stride = String::from("1");
        let mut strides = ["0"; 3].map(str::to_owned);
        for axis in (0..3).rev().filter(|axis| step >> axis & 1 == 1) {
            strides[axis] = stride.clone();
            stride = format!("{stride}*{}", named(axis));
            length *= extents[axis];
        }
        let offset = place % 3;
        arguments.push(match dtype {
            DType::Bool => bools(place as u64, length + offset),
            _ => floats(place as u64 + 1, length + offset),
        });
        dtypes.push(dtype);
        reads.push(access(
            place,
            &offset.to_string(),
            &strides.each_ref().map(String::as_str),
        ));
    }
    let count = extents.iter().product::<usize>();
    let mut writes = Vec::new();
    for &output in &body.outputs {
        let dtype = body.node(output).dtype;
        let strides = [
            format!("{}*{}", named(1), named(2)),
            named(2),
            "1".to_owned(),
        ];
        let strides = strides.each_ref().map(String::as_str);
        writes.push(access(arguments.len(), "1", &strides));
        arguments.push(Tensor::zeros(dtype, &[count + 1]).unwrap());
        dtypes.push(dtype);
    }
    let lengths: Vec<usize> = arguments.iter().map(Tensor::element_count).collect();
    let written = writes.len();
    let work = Work::Map(Map {
        extents: (0..3).map(|axis| dim(&named(axis))).collect(),
        reads,
        body,
        writes,
    });
    Case {
        kernel: kernel(&dtypes, written, &lengths, work),
        arguments,
        bindings,
    }
}

/// The expanded body at every place, each node rounded to its type.
fn expected(case: &Case, extents: [usize; 3]) -> Vec<Tensor> {
    let Work::Map(map) = &case.kernel.work else {
        unreachable!()
    };
    let body = expand(&map.body, Capabilities::ALL);
    let mut results = case.arguments.clone();
    for place in 0..extents.iter().product() {
        let [_, b, c] = extents;
        let position = [place / c / b, place / c % b, place % c].map(|place| place as i64);
        let read =
            |access: &Access| case.arguments[access.argument].get(case.place(access, &position));
        let inputs: Vec<Number> = map.reads.iter().map(read).collect();
        let values = evaluate_body(&body, &inputs, &[], &case.bindings).unwrap();
        for (write, value) in map.writes.iter().zip(values) {
            results[write.argument].set(case.place(write, &position), value);
        }
    }
    results
}

fn check(function: Function, extents: [usize; 3], steps: &[u8], symbolic: bool) {
    let case = case(function, extents, steps, symbolic);
    let expected = expected(&case, extents);
    for isa in isas() {
        let what = format!("{isa} {function:?} {extents:?} {steps:?} symbolic {symbolic}");
        let Some(function_code) = case.compile(isa) else {
            assert!(
                isa == Isa::V3 && function.needs_bytes(),
                "{what}: no wide form"
            );
            continue;
        };
        let found = case.assert_as_twin(&function_code, isa, &what);
        for (found, expected) in found.iter().zip(&expected) {
            assert_same(found, expected, &what);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn maps_are_their_bodies_at_every_place(
        function in prop::sample::select(ALL.to_vec()),
        extents in [1usize..5, 1usize..6, 1usize..90],
        steps in prop::collection::vec(0u8..8, 3),
        symbolic: bool,
    ) {
        check(function, extents, &steps, symbolic);
    }
}

#[test]
fn large_spaces_make_many_units() {
    for symbolic in [false, true] {
        check(Function::ScaleShiftRelu, [1, 1, 40_001], &[7], symbolic);
        check(Function::ScaleShiftRelu, [2, 700, 50], &[7, 4, 2], symbolic);
    }
}

#[test]
fn extremes_of_what_is_no_number_are_none() {
    let mut case = case(Function::Extremes, [1, 1, 40], &[7], false);
    for (place, value) in [(0, f32::NAN), (3, f32::INFINITY), (17, f32::NAN)] {
        case.arguments[0].set(place, Number::Float(value.into()));
        case.arguments[1].set(place + 5, Number::Float(value.into()));
    }
    let expected = expected(&case, [1, 1, 40]);
    for isa in isas() {
        for (found, expected) in case.run(isa, 1).iter().zip(&expected) {
            assert_same(found, expected, &isa.to_string());
        }
    }
}
