//! Bodies of one function, evaluated.

use std::collections::BTreeMap;

use eyas_ir::{BinaryFunction, Body, BodyBuilder, ScalarOp, UnaryFunction};
use eyas_kernels::Capabilities;
use eyas_reference::evaluate_body;
use eyas_tensor::{DType, Number};

/// Targets that the tests expand for.
pub const TARGETS: [Capabilities; 2] = [Capabilities::ALL, Capabilities::NONE];

/// A body of one function of one number.
pub fn unary(function: UnaryFunction, dtype: DType) -> Body {
    let mut builder = BodyBuilder::new();
    let a = builder.input(dtype);
    let result = builder.unary(function, a);
    builder.finish(&[result])
}

/// A body of one function of two numbers.
pub fn binary(function: BinaryFunction, dtype: DType) -> Body {
    let mut builder = BodyBuilder::new();
    let (a, b) = (builder.input(dtype), builder.input(dtype));
    let result = builder.binary(function, a, b);
    builder.finish(&[result])
}

/// A body of one node over inputs.
pub fn node(op: ScalarOp, inputs: &[DType], dtype: DType) -> Body {
    let mut builder = BodyBuilder::new();
    for &input in inputs {
        builder.input(input);
    }
    let result = builder.push(op, dtype);
    builder.finish(&[result])
}

/// The one result of a body.
pub fn evaluate(body: &Body, inputs: &[Number]) -> Number {
    let bindings = BTreeMap::from([("B".to_owned(), 5)]);
    evaluate_body(body, inputs, &[3, 4], &bindings).unwrap()[0]
}

/// Units in the last place between two numbers of a type; 0 for zeros of either sign and for two
/// NaNs, infinite where one is NaN.
pub fn distance(dtype: DType, a: Number, b: Number) -> f64 {
    let (a, b) = (a.to_f64(), b.to_f64());
    if a == b || a.is_nan() && b.is_nan() {
        return 0.0;
    }
    if a.is_nan() || b.is_nan() {
        return f64::INFINITY;
    }
    let order = |x: f64| -> i128 {
        let magnitude: i128 = match dtype {
            DType::F64 => x.abs().to_bits().into(),
            DType::F32 => (x.abs() as f32).to_bits().into(),
            other => {
                let mut bytes = [0; 8];
                other.write(&mut bytes, 0, Number::Float(x.abs()));
                u64::from_le_bytes(bytes).into()
            }
        };
        if x.is_sign_negative() {
            -magnitude
        } else {
            magnitude
        }
    };
    (order(a) - order(b)).unsigned_abs() as f64
}
