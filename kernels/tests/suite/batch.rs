//! Expanded bodies of one input over many numbers at once: fast enough for dense samples.

use eyas_ir::{BinaryFunction, Body, Comparison, ScalarOp, UnaryFunction};
use eyas_tensor::DType;

/// A number as the low bits of a word.
trait Lane: Copy + PartialOrd {
    fn read(bits: u64) -> Self;
    fn bits(self) -> u64;
}

macro_rules! lanes {
    ($($number:ty: $read:expr, $bits:expr;)*) => {$(
        impl Lane for $number {
            fn read(bits: u64) -> Self {
                $read(bits)
            }

            fn bits(self) -> u64 {
                $bits(self)
            }
        }
    )*};
}

lanes! {
    f32: |bits| f32::from_bits(bits as u32), |x: f32| u64::from(x.to_bits());
    f64: f64::from_bits, f64::to_bits;
    i32: |bits| bits as i32, |x: i32| u64::from(x as u32);
    i64: |bits| bits as i64, |x: i64| x as u64;
    bool: |bits| bits != 0, u64::from;
}

fn one<A: Lane, R: Lane>(a: &[u64], f: impl Fn(A) -> R) -> Vec<u64> {
    a.iter().map(|&a| f(A::read(a)).bits()).collect()
}

fn two<A: Lane, R: Lane>(a: &[u64], b: &[u64], f: impl Fn(A, A) -> R) -> Vec<u64> {
    let pairs = a.iter().zip(b);
    pairs
        .map(|(&a, &b)| f(A::read(a), A::read(b)).bits())
        .collect()
}

/// What a body gives for each f32, as bits.
pub fn evaluate(body: &Body, inputs: &[f32]) -> Vec<f32> {
    let inputs: Vec<u64> = inputs.iter().map(|x| x.to_bits().into()).collect();
    let mut values: Vec<Vec<u64>> = Vec::with_capacity(body.nodes.len());
    for node in &body.nodes {
        let operands = node.op.operands();
        let at = |n: usize| &values[operands[n].0 as usize][..];
        let type_of = |n: usize| body.node(operands[n]).dtype;
        let lanes = match &node.op {
            ScalarOp::Input(_) => inputs.clone(),
            ScalarOp::Literal(constant) => {
                let mut bytes = [0; 8];
                let own = constant.tensor().bytes();
                bytes[..own.len()].copy_from_slice(own);
                vec![u64::from_le_bytes(bytes); inputs.len()]
            }
            ScalarOp::Unary(function, _) => match node.dtype {
                DType::F32 => one(at(0), |x: f32| float(*function, x.into()) as f32),
                DType::F64 => one(at(0), |x: f64| float(*function, x)),
                DType::Bool => one(at(0), |x: bool| !x),
                other => unreachable!("{other}"),
            },
            ScalarOp::Binary(function, ..) => match node.dtype {
                DType::F32 => two(at(0), at(1), |a: f32, b: f32| match function {
                    BinaryFunction::Add => a + b,
                    BinaryFunction::Subtract => a - b,
                    BinaryFunction::Multiply => a * b,
                    _ => a / b,
                }),
                DType::F64 => two(at(0), at(1), |a: f64, b: f64| match function {
                    BinaryFunction::Add => a + b,
                    BinaryFunction::Subtract => a - b,
                    BinaryFunction::Multiply => a * b,
                    _ => a / b,
                }),
                DType::I32 => two(at(0), at(1), |a: i32, b: i32| {
                    integer(*function, a.into(), b.into()) as i32
                }),
                DType::I64 => two(at(0), at(1), |a, b| integer(*function, a, b)),
                DType::Bool => two(at(0), at(1), |a: bool, b: bool| match function {
                    BinaryFunction::And => a && b,
                    BinaryFunction::Or => a || b,
                    _ => a != b,
                }),
                other => unreachable!("{other}"),
            },
            ScalarOp::Compare(comparison, ..) => match type_of(0) {
                DType::F32 => two(at(0), at(1), |a: f32, b: f32| holds(*comparison, a, b)),
                DType::F64 => two(at(0), at(1), |a: f64, b: f64| holds(*comparison, a, b)),
                DType::I32 => two(at(0), at(1), |a: i32, b: i32| holds(*comparison, a, b)),
                DType::I64 => two(at(0), at(1), |a: i64, b: i64| holds(*comparison, a, b)),
                other => unreachable!("{other}"),
            },
            ScalarOp::Select(..) => (0..inputs.len())
                .map(|n| if at(0)[n] != 0 { at(1)[n] } else { at(2)[n] })
                .collect(),
            ScalarOp::MultiplyAdd(..) => (0..inputs.len())
                .map(|n| match node.dtype {
                    DType::F32 => {
                        let [a, b, c] = [0, 1, 2].map(|place| f32::read(at(place)[n]));
                        a.mul_add(b, c).bits()
                    }
                    _ => {
                        let [a, b, c] = [0, 1, 2].map(|place| f64::read(at(place)[n]));
                        a.mul_add(b, c).bits()
                    }
                })
                .collect(),
            ScalarOp::Bitcast(_) => at(0).to_vec(),
            ScalarOp::ShiftLeft(_, by) => match node.dtype {
                DType::I32 => one(at(0), |x: i32| x << by),
                _ => one(at(0), |x: i64| x << by),
            },
            ScalarOp::ShiftRight(_, by) => match node.dtype {
                DType::I32 => one(at(0), |x: i32| x >> by),
                _ => one(at(0), |x: i64| x >> by),
            },
            ScalarOp::Cast(_) => match (type_of(0), node.dtype) {
                (DType::F32, DType::F64) => one(at(0), |x: f32| f64::from(x)),
                (DType::F64, DType::F32) => one(at(0), |x: f64| x as f32),
                other => unreachable!("{other:?}"),
            },
            other => unreachable!("{other:?}"),
        };
        values.push(lanes);
    }
    let output = &values[body.outputs[0].0 as usize];
    output.iter().map(|&bits| f32::read(bits)).collect()
}

fn float(function: UnaryFunction, x: f64) -> f64 {
    match function {
        UnaryFunction::Negate => -x,
        UnaryFunction::Absolute => x.abs(),
        UnaryFunction::Sqrt => x.sqrt(),
        UnaryFunction::Floor => x.floor(),
        UnaryFunction::Ceil => x.ceil(),
        UnaryFunction::Round => x.round_ties_even(),
        other => unreachable!("{other:?}"),
    }
}

fn integer(function: BinaryFunction, a: i64, b: i64) -> i64 {
    match function {
        BinaryFunction::Add => a.wrapping_add(b),
        BinaryFunction::Subtract => a.wrapping_sub(b),
        BinaryFunction::Multiply => a.wrapping_mul(b),
        BinaryFunction::And => a & b,
        BinaryFunction::Or => a | b,
        BinaryFunction::Xor => a ^ b,
        other => unreachable!("{other:?}"),
    }
}

fn holds<A: PartialOrd>(comparison: Comparison, a: A, b: A) -> bool {
    match comparison {
        Comparison::Equal => a == b,
        Comparison::NotEqual => a != b,
        Comparison::Less => a < b,
        Comparison::LessOrEqual => a <= b,
        Comparison::Greater => a > b,
        Comparison::GreaterOrEqual => a >= b,
    }
}
