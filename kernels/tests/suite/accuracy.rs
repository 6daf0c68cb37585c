use eyas_ir::{BinaryFunction, Body, UnaryFunction};
use eyas_kernels::expand;
use eyas_tensor::{DType, Number};

use crate::batch;
use crate::evaluation::{TARGETS, binary, distance, evaluate, unary};

/// Distance between the bit patterns that are tried; a prime.
const STRIDE: usize = 1021;

/// A function computed in f64.
type Exact = fn(f64) -> f64;

const SPECIAL: [f32; 18] = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    -2.0,
    f32::INFINITY,
    f32::NEG_INFINITY,
    f32::NAN,
    f32::MAX,
    f32::MIN,
    f32::MIN_POSITIVE,
    1e-45,
    -1e-45,
    88.722_84,
    -103.972_08,
    0.999_999_94,
    1.000_000_1,
];

/// The greatest distance over a sample of all f32, from a function computed in f64. The edges are
/// evaluated by the reference too.
fn worst(body: &Body, exact: Exact) -> (f64, f32) {
    let edges = batch::evaluate(body, &SPECIAL);
    for (x, found) in SPECIAL.into_iter().zip(edges) {
        let expected = evaluate(body, &[Number::Float(x.into())]);
        assert_eq!(
            distance(DType::F32, Number::Float(found.into()), expected),
            0.0
        );
    }
    let sample = (0..=u32::MAX).step_by(STRIDE).map(f32::from_bits);
    let all: Vec<f32> = SPECIAL.into_iter().chain(sample).collect();
    let mut worst = (0.0, 0.0);
    for part in all.chunks(1024) {
        for (&x, found) in part.iter().zip(batch::evaluate(body, part)) {
            let expected = exact(x.into()) as f32;
            let [found, expected] = [found, expected].map(|x| Number::Float(x.into()));
            let distance = distance(DType::F32, found, expected);
            if distance > worst.0 {
                worst = (distance, x);
            }
        }
    }
    worst
}

fn holds(function: UnaryFunction, exact: Exact) {
    for target in TARGETS {
        let body = expand(&unary(function, DType::F32), target);
        let (distance, x) = worst(&body, exact);
        println!(
            "{function:?} {} nodes, {distance} at {x:e}",
            body.nodes.len()
        );
        assert!(
            distance <= 2.0,
            "{function:?} of {x:e} is off by {distance}"
        );
    }
}

#[test]
fn exp_is_within_two_units_everywhere() {
    holds(UnaryFunction::Exp, libm::exp);
}

#[test]
fn log_is_within_two_units_everywhere() {
    holds(UnaryFunction::Log, libm::log);
}

#[test]
fn tanh_is_within_two_units_everywhere() {
    holds(UnaryFunction::Tanh, libm::tanh);
}

#[test]
fn erf_is_within_two_units_everywhere() {
    holds(UnaryFunction::Erf, libm::erf);
}

#[test]
fn sin_is_within_two_units_everywhere() {
    holds(UnaryFunction::Sin, libm::sin);
}

#[test]
fn cos_is_within_two_units_everywhere() {
    holds(UnaryFunction::Cos, libm::cos);
}

#[test]
fn roots_and_reciprocals_are_within_two_units() {
    holds(UnaryFunction::Rsqrt, |x| 1.0 / x.sqrt());
    holds(UnaryFunction::Reciprocal, |x| 1.0 / x);
}

/// Numbers of every magnitude and both signs.
fn numbers(count: usize, bits: u32) -> impl Iterator<Item = f64> {
    let mut state = 7u64;
    (0..count).map(move |_| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let mixed = state ^ state >> 29;
        if bits == 32 {
            f32::from_bits((mixed >> 20) as u32).into()
        } else {
            f64::from_bits(mixed)
        }
    })
}

#[test]
fn functions_of_f64_are_within_four_units() {
    use UnaryFunction::{Cos, Erf, Exp, Log, Sin, Tanh};
    let functions: [(UnaryFunction, Exact, f64); 6] = [
        (Exp, libm::exp, 800.0),
        (Log, libm::log, 1e308),
        (Tanh, libm::tanh, 30.0),
        (Erf, libm::erf, 8.0),
        (Sin, libm::sin, 1e5),
        (Cos, libm::cos, 1e5),
    ];
    for (function, exact, greatest) in functions {
        for target in TARGETS {
            let body = expand(&unary(function, DType::F64), target);
            let mut worst = (0.0, 0.0);
            let even = (-20_000..20_000).map(|n| f64::from(n) * greatest / 20_000.3);
            let small = (-20_000..20_000).map(|n| f64::from(n) * 3.3 / 20_000.7);
            let special = SPECIAL.into_iter().map(f64::from);
            let any = numbers(20_000, 64).filter(|x| x.abs() <= greatest);
            for x in even.chain(small).chain(special).chain(any) {
                if matches!(function, Sin | Cos) && x.abs() > 1e6 && x.is_finite() {
                    continue;
                }
                let found = evaluate(&body, &[Number::Float(x)]);
                let distance = distance(DType::F64, found, Number::Float(exact(x)));
                if distance > worst.0 {
                    worst = (distance, x);
                }
            }
            println!("{function:?} {} nodes, {worst:?}", body.nodes.len());
            assert!(worst.0 <= 4.0, "{function:?} is off by {worst:?}");
        }
    }
}

#[test]
fn powers_are_those_of_c() {
    let special = SPECIAL.into_iter().chain([2.0, 3.0, -3.0, 1e10, -1.5]);
    let special: Vec<f64> = special.map(f64::from).collect();
    let edges = special
        .iter()
        .flat_map(|&a| special.iter().map(move |&b| (a, b)));
    for (dtype, limit) in [(DType::F32, 2.0), (DType::F64, 4.0)] {
        let round = |x: f64| dtype.round(Number::Float(x));
        for target in TARGETS {
            let body = expand(&binary(BinaryFunction::Power, dtype), target);
            println!("{dtype} {} nodes", body.nodes.len());
            let near: Vec<(f64, f64)> = (1..30_000)
                .map(|n| {
                    let a = f64::from(n % 173) * 0.037 + f64::from(n) * 1e-4;
                    (a, f64::from(n % 611 - 300) * 0.33)
                })
                .collect();
            let integers = (1..2000).map(|n| (-f64::from(n % 70) / 7.0, f64::from(n % 41 - 20)));
            let any = numbers(20_000, 32).zip(numbers(40_000, 32).skip(20_000));
            let mut worst = (0.0, 0.0, 0.0);
            for (a, b) in edges.clone().chain(near).chain(integers).chain(any) {
                let (a, b) = (round(a), round(b));
                let found = evaluate(&body, &[a, b]);
                let expected = round(libm::pow(a.to_f64(), b.to_f64()));
                let distance = distance(dtype, found, expected);
                if distance > worst.0 {
                    worst = (distance, a.to_f64(), b.to_f64());
                }
            }
            println!("{worst:?}");
            assert!(worst.0 <= limit, "{dtype}: {worst:?}");
        }
    }
}
