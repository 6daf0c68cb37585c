use eyas_ir::{
    BinaryFunction, Body, BodyBuilder, Comparison, Scalar, ScalarId, ScalarOp, UnaryFunction,
};
use eyas_kernels::{Capabilities, expand};
use eyas_tensor::{DType, Number};
use proptest::prelude::*;

use crate::evaluation::{TARGETS, binary, distance, evaluate, node, unary};

const COMPARISONS: [Comparison; 6] = [
    Comparison::Equal,
    Comparison::NotEqual,
    Comparison::Less,
    Comparison::LessOrEqual,
    Comparison::Greater,
    Comparison::GreaterOrEqual,
];

/// The ops that the table of `expand` lists.
fn is_plain(body: &Body, scalar: &Scalar, target: Capabilities) -> bool {
    use DType::*;
    let dtype = scalar.dtype;
    let wide = matches!(dtype, F64 | F32 | I64 | I32 | U64 | U32);
    let of = |id: ScalarId| body.node(id).dtype;
    match scalar.op {
        ScalarOp::Input(_) | ScalarOp::Literal(_) => true,
        ScalarOp::Extent(_) | ScalarOp::Index(_) => dtype == I64,
        ScalarOp::Unary(function, _) => match function {
            UnaryFunction::Negate | UnaryFunction::Absolute | UnaryFunction::Sqrt => {
                wide && dtype.is_float()
            }
            UnaryFunction::Floor | UnaryFunction::Ceil | UnaryFunction::Round => {
                wide && dtype.is_float() && target.rounding
            }
            UnaryFunction::Not => wide && dtype.is_integer() || dtype == Bool,
            _ => false,
        },
        ScalarOp::Binary(function, ..) => match function {
            BinaryFunction::Add
            | BinaryFunction::Subtract
            | BinaryFunction::Multiply
            | BinaryFunction::Divide => wide,
            BinaryFunction::And | BinaryFunction::Or | BinaryFunction::Xor => {
                wide && dtype.is_integer() || dtype == Bool
            }
            _ => false,
        },
        ScalarOp::Compare(_, a, _) => matches!(of(a), F64 | F32 | I64 | I32 | U64 | U32),
        ScalarOp::Select(..) => wide,
        ScalarOp::MultiplyAdd(..) => wide && dtype.is_float() && target.fused,
        ScalarOp::ShiftLeft(_, by) | ScalarOp::ShiftRight(_, by) => {
            wide && dtype.is_integer() && (by as usize) < dtype.bits()
        }
        ScalarOp::Bitcast(a) => of(a).bits() == dtype.bits() && dtype != Bool && of(a) != Bool,
        ScalarOp::Cast(a) => match (of(a), dtype) {
            (F16 | BF16, F32) | (F32, F16 | BF16) => target.half,
            (from, I32) | (I32, from) if from.is_integer() => true,
            (from, _) => wide && matches!(from, F64 | F32 | I64 | I32 | U64 | U32),
        },
    }
}

/// Edge values of a type, and some in between.
fn operands(dtype: DType) -> Vec<Number> {
    let mut numbers: Vec<Number> = if dtype == DType::Bool {
        [false, true].map(Number::Bool).to_vec()
    } else if dtype.is_float() {
        let plain = [
            0.0,
            -0.0,
            1.0,
            -1.0,
            0.5,
            -0.5,
            1.5,
            2.5,
            -3.7,
            7.0,
            100.25,
            -449.0,
            464.0,
            61440.0,
            65519.0,
            65520.0,
            1e-3,
            -2e-5,
            1e-7,
            3e-8,
            6e-39,
            1e-45,
            3e9,
            -5e18,
            2e19,
            1e38,
            4e38,
            8_388_609.5,
            1e300,
            -1e-310,
        ];
        let others = [f64::INFINITY, f64::NEG_INFINITY, f64::NAN];
        plain.into_iter().chain(others).map(Number::Float).collect()
    } else {
        let (least, greatest) = dtype.integer_range().unwrap();
        let some = [
            0, 1, -1, 2, 3, -3, 5, 7, -8, 13, 100, -77, 1000, 123_456, -98_765,
        ];
        let large = [
            1 << 24,
            (1 << 24) + 1,
            (1 << 60) + (1 << 36) + 1,
            -(1 << 53) - 1,
        ];
        let ends = [least, least + 1, greatest, greatest - 1, greatest / 2 + 1];
        let all = some.into_iter().chain(large).chain(ends);
        all.map(Number::Int).collect()
    };
    numbers.iter_mut().for_each(|n| *n = dtype.round(*n));
    numbers
}

/// Whether the functions with a polynomial of their own are among the nodes.
fn tolerance(body: &Body) -> f64 {
    let rounded = body.nodes.iter().any(|node| match node.op {
        ScalarOp::Unary(function, _) => {
            use UnaryFunction::*;
            matches!(function, Rsqrt | Exp | Log | Sin | Cos | Tanh | Erf)
        }
        ScalarOp::Binary(BinaryFunction::Power, ..) => node.dtype.is_float(),
        ScalarOp::MultiplyAdd(..) => node.dtype.is_float() && node.dtype.bits() < 32,
        _ => false,
    });
    let widest = body.inputs.first() == Some(&DType::F64);
    match (rounded, widest) {
        (false, _) => 0.0,
        (true, true) => 4.0,
        (true, false) => 2.0,
    }
}

fn assert_equal(body: &Body, inputs: &[Vec<Number>]) {
    let limit = tolerance(body);
    for target in TARGETS {
        let expanded = expand(body, target);
        for node in &expanded.nodes {
            assert!(is_plain(&expanded, node, target), "{node:?} of {body:?}");
        }
        let output = body.node(body.outputs[0]).dtype;
        assert_eq!(expanded.node(expanded.outputs[0]).dtype, output);
        for inputs in inputs {
            let (found, expected) = (evaluate(&expanded, inputs), evaluate(body, inputs));
            let far = distance(output, found, expected);
            assert!(
                far <= limit,
                "{found:?} instead of {expected:?} for {inputs:?} in {body:?}"
            );
        }
    }
}

fn pairs(dtype: DType) -> Vec<Vec<Number>> {
    let all = operands(dtype);
    let pair = |&a: &Number| all.iter().map(move |&b| vec![a, b]);
    all.iter().flat_map(pair).collect()
}

fn singles(dtype: DType) -> Vec<Vec<Number>> {
    operands(dtype).into_iter().map(|a| vec![a]).collect()
}

#[test]
fn functions_of_one_number_are_kept_in_every_type() {
    for dtype in DType::ALL {
        for function in UnaryFunction::ALL {
            if !function.accepts(dtype) {
                continue;
            }
            let mut inputs = singles(dtype);
            if dtype == DType::F64 {
                // Beyond this, sin and cos lose digits.
                let turns = matches!(function, UnaryFunction::Sin | UnaryFunction::Cos);
                inputs
                    .retain(|x| !turns || x[0].to_f64().abs() < 1e6 || !x[0].to_f64().is_finite());
            }
            assert_equal(&unary(function, dtype), &inputs);
        }
    }
}

#[test]
fn functions_of_two_numbers_are_kept_in_every_type() {
    for dtype in DType::ALL {
        let inputs = pairs(dtype);
        for function in BinaryFunction::ALL {
            if function.accepts(dtype) {
                assert_equal(&binary(function, dtype), &inputs);
            }
        }
    }
}

#[test]
fn comparisons_and_choices_are_kept_in_every_type() {
    let ids = [0, 1, 2].map(ScalarId);
    for dtype in DType::ALL {
        for comparison in COMPARISONS {
            let op = ScalarOp::Compare(comparison, ids[0], ids[1]);
            assert_equal(&node(op, &[dtype; 2], DType::Bool), &pairs(dtype));
        }
        let op = ScalarOp::Select(ids[2], ids[0], ids[1]);
        let body = node(op, &[dtype, dtype, DType::Bool], dtype);
        let choices = pairs(dtype).into_iter().flat_map(|pair| {
            [false, true].map(|condition| [&pair[..], &[Number::Bool(condition)]].concat())
        });
        assert_equal(&body, &choices.collect::<Vec<_>>());
    }
}

#[test]
fn casts_are_kept_between_all_types() {
    for from in DType::ALL {
        for to in DType::ALL {
            let body = node(ScalarOp::Cast(ScalarId(0)), &[from], to);
            assert_equal(&body, &singles(from));
        }
    }
}

#[test]
fn narrow_floats_are_kept_code_by_code() {
    for narrow in [DType::F16, DType::BF16, DType::F8E4M3, DType::F8E5M2] {
        let widened = expand(
            &node(ScalarOp::Cast(ScalarId(0)), &[narrow], DType::F32),
            Capabilities::NONE,
        );
        let cast = node(ScalarOp::Cast(ScalarId(0)), &[DType::F32], narrow);
        let narrowed = expand(&cast, Capabilities::NONE);
        for code in 0..1u32 << narrow.bits() {
            let value = narrow.read(&code.to_le_bytes(), 0);
            let wide = evaluate(&widened, &[value]);
            assert!(
                distance(DType::F32, wide, value) == 0.0,
                "{narrow} {code:x}"
            );
            // The number itself, and those around the tie with the next one.
            let next = narrow.read(&(code + 1).to_le_bytes(), 0).to_f64();
            let tie = ((wide.to_f64() + next) / 2.0) as f32;
            for x in [wide.to_f64() as f32, tie, tie.next_up(), tie.next_down()] {
                let x = [Number::Float(x.into())];
                let (found, expected) = (evaluate(&narrowed, &x), evaluate(&cast, &x));
                let far = distance(narrow, found, expected);
                assert!(far == 0.0, "{narrow} {code:x} {x:?} {found:?} {expected:?}");
            }
        }
    }
}

#[test]
fn bits_and_shifts_are_kept_in_every_type() {
    let a = ScalarId(0);
    for from in DType::ALL {
        for to in DType::ALL {
            if from.bits() == to.bits() {
                // The bits of NaN are not kept.
                let mut inputs = singles(from);
                inputs.retain(|x| !x[0].to_f64().is_nan());
                assert_equal(&node(ScalarOp::Bitcast(a), &[from], to), &inputs);
            }
        }
        if from.is_integer() {
            for by in [0, 1, 3, 4, 7, 8, 15, 31, 32, 63, 64, 200] {
                for op in [ScalarOp::ShiftLeft(a, by), ScalarOp::ShiftRight(a, by)] {
                    assert_equal(&node(op, &[from], from), &singles(from));
                }
            }
        }
    }
}

#[test]
fn multiply_adds_are_kept_in_every_type() {
    let ids = [0, 1, 2].map(ScalarId);
    for dtype in DType::ALL.into_iter().filter(|&dtype| dtype != DType::Bool) {
        let op = ScalarOp::MultiplyAdd(ids[0], ids[1], ids[2]);
        let all = operands(dtype);
        let triples = pairs(dtype).into_iter().enumerate().map(|(n, pair)| {
            let third = all[(n * 7 + n / 5) % all.len()];
            [&pair[..], &[third]].concat()
        });
        // Products near the ends of f64 are not split exactly.
        let plain = |x: &Number| {
            let x = x.to_f64().abs();
            x == 0.0 || (1e-100..1e100).contains(&x) || !x.is_finite()
        };
        let triples: Vec<_> = triples.filter(|t| t.iter().all(plain)).collect();
        assert_equal(&node(op, &[dtype; 3], dtype), &triples);
    }
}

#[test]
fn divisions_by_constants_are_kept() {
    for dtype in [DType::I64, DType::I32, DType::U32, DType::I8, DType::U64] {
        for divisor in [0, 1, -1, 2, 3, -3, 4, 64, 100] {
            let divisor = dtype.round(Number::Int(divisor));
            for function in [
                BinaryFunction::Divide,
                BinaryFunction::FloorDivide,
                BinaryFunction::Remainder,
                BinaryFunction::Power,
            ] {
                let mut builder = BodyBuilder::new();
                let a = builder.input(dtype);
                let b = builder.literal(dtype, divisor);
                let result = builder.binary(function, a, b);
                assert_equal(&builder.finish(&[result]), &singles(dtype));
            }
        }
    }
}

#[test]
fn places_extents_and_constants_take_any_type() {
    let dim = "2*B + 1".parse().unwrap();
    for dtype in DType::ALL {
        assert_equal(&node(ScalarOp::Index(1), &[], dtype), &[vec![]]);
        let extent = ScalarOp::Extent(std::clone::Clone::clone(&dim));
        assert_equal(&node(extent, &[], dtype), &[vec![]]);
        for value in operands(dtype) {
            let mut builder = BodyBuilder::new();
            let literal = builder.literal(dtype, value);
            let wide = builder.cast(literal, DType::F32);
            assert_equal(&builder.finish(&[wide]), &[vec![]]);
        }
    }
}

/// A node of a random body: what is done, and to which nodes before.
#[derive(Debug, Clone)]
struct Step {
    kind: u8,
    function: usize,
    operands: [usize; 3],
    dtype: usize,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = (
        0..6u8,
        0..64usize,
        [0..64usize, 0..64, 0..64],
        0..DType::ALL.len(),
    )
        .prop_map(|(kind, function, operands, dtype)| Step {
            kind,
            function,
            operands,
            dtype,
        });
    proptest::collection::vec(step, 1..24)
}

/// A body in which every step takes nodes of its type, casting them where they are not; of
/// functions that round differently there is none.
fn build(steps: &[Step], inputs: &[DType]) -> Body {
    let mut builder = BodyBuilder::new();
    let mut ids: Vec<ScalarId> = inputs.iter().map(|&dtype| builder.input(dtype)).collect();
    for step in steps {
        let dtype = DType::ALL[step.dtype];
        let of = |builder: &mut BodyBuilder, n: usize, dtype| {
            let id = ids[step.operands[n] % ids.len()];
            builder.cast(id, dtype)
        };
        let [a, b] = [0, 1].map(|n| of(&mut builder, n, dtype));
        let id = match step.kind {
            0 => {
                use UnaryFunction::*;
                let all = [
                    Negate, Absolute, Sign, Floor, Ceil, Round, Sqrt, Reciprocal, Not,
                ];
                let function = all[step.function % all.len()];
                match function.accepts(dtype) {
                    true => builder.unary(function, a),
                    false => a,
                }
            }
            1 => {
                let function = BinaryFunction::ALL[step.function % 12];
                let rounds = function == BinaryFunction::Power && dtype.is_float();
                // A zero's sign may differ between extremes, which a quotient shows.
                let extreme = matches!(function, BinaryFunction::Maximum | BinaryFunction::Minimum)
                    && dtype.is_float();
                match function.accepts(dtype) && !rounds && !extreme {
                    true => builder.binary(function, a, b),
                    false => b,
                }
            }
            2 => builder.compare(COMPARISONS[step.function % 6], a, b),
            3 => {
                let condition = of(&mut builder, 2, DType::Bool);
                builder.select(condition, a, b)
            }
            4 if dtype.is_integer() => {
                let by = step.function as u32;
                builder.push(ScalarOp::ShiftRight(a, by), dtype)
            }
            4 if matches!(dtype, DType::F32) => {
                let c = of(&mut builder, 2, dtype);
                builder.multiply_add(a, b, c)
            }
            _ => builder.cast(a, dtype),
        };
        ids.push(id);
    }
    let last = ids[ids.len() - 1];
    builder.finish(&[last])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn random_bodies_expand_to_the_same_values(steps in steps(), seed in 0usize..1000) {
        let types = [DType::F32, DType::I32, DType::U8, DType::F64, DType::Bool];
        let body = build(&steps, &types);
        let inputs: Vec<Vec<Number>> = (0..20)
            .map(|n| {
                let pick = |(place, &dtype): (usize, &DType)| {
                    let all = operands(dtype);
                    all[(seed * 31 + n * 7 + place * 13 + n * place) % all.len()]
                };
                types.iter().enumerate().map(pick).collect()
            })
            .collect();
        assert_equal(&body, &inputs);
    }
}
