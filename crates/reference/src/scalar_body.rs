//! The arithmetic of one element, as kernels and epilogues have it.

use eyas_ir::{Body, ScalarId, ScalarOp};
use eyas_tensor::{DType, Number};

use crate::scope::Scope;
use crate::{EvaluateError, scalar};

/// The results of a body for one element: every node is rounded to its type as storage keeps it.
/// `position` is the place in the iteration space, an index an axis.
///
/// # Errors
/// [`EvaluateError::Malformed`] where the body reads what is not there, and what its dims give.
pub(crate) fn evaluate(
    scope: &Scope<'_>,
    body: &Body,
    inputs: &[Number],
    position: &[usize],
) -> Result<Vec<Number>, EvaluateError> {
    let mut numbers: Vec<Number> = Vec::with_capacity(body.nodes.len());
    for node in &body.nodes {
        let at = |id: ScalarId| read(&numbers, id);
        let type_of = |id: ScalarId| body.nodes[id.0 as usize].dtype;
        let number = match &node.op {
            ScalarOp::Input(place) => read(inputs, ScalarId(*place))?,
            ScalarOp::Literal(constant) => constant
                .splat()
                .ok_or_else(|| malformed("a literal that is not one number"))?,
            ScalarOp::Extent(dim) => Number::Int(scope.value(dim)?.into()),
            ScalarOp::Index(axis) => position
                .get(*axis as usize)
                .map(|&index| Number::Int(index as i128))
                .ok_or_else(|| malformed("an index of an axis that is not there"))?,
            ScalarOp::Unary(function, a) => scalar::unary(*function, node.dtype, at(*a)?),
            ScalarOp::Binary(function, a, b) => {
                scalar::binary(*function, node.dtype, at(*a)?, at(*b)?)
            }
            ScalarOp::Compare(comparison, a, b) => {
                Number::Bool(scalar::compare(*comparison, at(*a)?, at(*b)?))
            }
            ScalarOp::Select(condition, a, b) => {
                let (a, b) = (at(*a)?, at(*b)?);
                if at(*condition)?.to_bool() { a } else { b }
            }
            ScalarOp::Cast(a) => at(*a)?,
            ScalarOp::MultiplyAdd(a, b, c) => {
                multiply_add(scope, node.dtype, [at(*a)?, at(*b)?, at(*c)?])
            }
            ScalarOp::Bitcast(a) => bitcast(at(*a)?, type_of(*a), node.dtype)?,
            ScalarOp::ShiftLeft(a, by) => shift_left(at(*a)?, *by, node.dtype),
            ScalarOp::ShiftRight(a, by) => Number::Int(at(*a)?.to_i128() >> (*by).min(127)),
        };
        numbers.push(scope.storage.round(node.dtype, number));
    }
    body.outputs.iter().map(|id| read(&numbers, *id)).collect()
}

fn read(numbers: &[Number], id: ScalarId) -> Result<Number, EvaluateError> {
    let number = numbers.get(id.0 as usize).copied();
    number.ok_or_else(|| malformed("a scalar that comes later or not at all"))
}

fn malformed(what: &str) -> EvaluateError {
    EvaluateError::Malformed(format!("a body reads {what}"))
}

fn multiply_add(scope: &Scope<'_>, dtype: DType, [a, b, c]: [Number; 3]) -> Number {
    if dtype.is_float() {
        let storage = scope.storage;
        return storage.multiply_add(dtype, a.to_f64(), b.to_f64(), c.to_f64());
    }
    let product = a.to_i128().wrapping_mul(b.to_i128());
    Number::Int(product.wrapping_add(c.to_i128()))
}

fn bitcast(value: Number, from: DType, to: DType) -> Result<Number, EvaluateError> {
    if from.bits() != to.bits() {
        let message =
            format!("a body reads the bits of `{from}` as `{to}`, which has another width");
        return Err(EvaluateError::Malformed(message));
    }
    let mut bytes = [0; 8];
    from.write(&mut bytes, 0, value);
    Ok(to.read(&bytes, 0))
}

fn shift_left(value: Number, by: u32, dtype: DType) -> Number {
    let beyond = by as usize >= dtype.bits();
    Number::Int(if beyond { 0 } else { value.to_i128() << by })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use eyas_ir::{BinaryFunction, BodyBuilder, UnaryFunction};

    use super::*;
    use crate::Storage;

    fn run(body: &Body, inputs: &[Number], position: &[usize]) -> Vec<Number> {
        let bindings = BTreeMap::from([("B".to_owned(), 5)]);
        let scope = Scope {
            storage: Storage::Exact,
            bindings: &bindings,
            counters: BTreeMap::new(),
        };
        evaluate(&scope, body, inputs, position).unwrap()
    }

    #[test]
    fn every_node_rounds_to_its_type() {
        let mut builder = BodyBuilder::new();
        let a = builder.input(DType::F16);
        let square = builder.binary(BinaryFunction::Multiply, a, a);
        let wide = builder.cast(square, DType::F32);
        let body = builder.finish(&[square, wide]);
        let results = run(&body, &[Number::Float(300.0)], &[]);
        assert_eq!(results, [Number::Float(f64::INFINITY); 2]);
    }

    #[test]
    fn bits_shift_and_change_their_type() {
        let mut builder = BodyBuilder::new();
        let a = builder.input(DType::F32);
        let bits = builder.push(ScalarOp::Bitcast(a), DType::U32);
        let exponent = builder.push(ScalarOp::ShiftRight(bits, 23), DType::U32);
        let up = builder.push(ScalarOp::ShiftLeft(bits, 1), DType::U32);
        let body = builder.finish(&[exponent, up]);
        let results = run(&body, &[Number::Float(-1.0)], &[]);
        assert_eq!(results, [Number::Int(256 + 127), Number::Int(0x7f00_0000)]);
    }

    #[test]
    fn indices_and_extents_are_numbers() {
        let mut builder = BodyBuilder::new();
        let row = builder.push(ScalarOp::Index(1), DType::I64);
        let extent = builder.push(ScalarOp::Extent("2*B".parse().unwrap()), DType::I64);
        let sum = builder.binary(BinaryFunction::Add, row, extent);
        let negative = builder.unary(UnaryFunction::Negate, sum);
        let body = builder.finish(&[negative]);
        assert_eq!(run(&body, &[], &[9, 3]), [Number::Int(-13)]);
    }
}
