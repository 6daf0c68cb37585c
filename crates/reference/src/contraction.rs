use std::collections::BTreeMap;

use eyas_ir::{Body, Einsum};
use eyas_tensor::{DType, Number};

use crate::layout::broadcast_strides;
use crate::places::{Places, count, strides};
use crate::scope::{Scope, size_of_tensor};
use crate::value::Data;
use crate::{EvaluateError, Values, scalar_body};

/// A sum of products. Products and sums of floats are f64 and round once: to the result's type,
/// or to the accumulator's before an epilogue. Those of integers are exact modulo 2^128 and wrap
/// at the end, which is what wrapping in between gives.
pub(crate) fn contract(
    scope: &Scope<'_>,
    spec: &Einsum,
    accumulator: DType,
    epilogue: Option<&Body>,
    operands: &[&Values],
    dtype: DType,
) -> Result<Values, EvaluateError> {
    let (left, right) = (operands[0], operands[1]);
    let axes = Axes::new(spec, left, right);
    let shape = axes.extents(&spec.output);
    let contracted = spec.contracted();
    let summed = axes.extents(&contracted);
    // The distances take one i64 an operand for each term of a sum.
    size_of_tensor(DType::U64, &summed)?;
    let distances = |letters: &[char], operand: &Values| -> Vec<usize> {
        let steps = steps(&contracted, letters, operand);
        Places::new(&summed, 0, &steps).collect()
    };
    let (left_terms, right_terms) = (distances(&spec.left, left), distances(&spec.right, right));
    let left_starts = Places::new(&shape, 0, &steps(&spec.output, &spec.left, left));
    let right_starts = Places::new(&shape, 0, &steps(&spec.output, &spec.right, right));
    let terms = || left_terms.iter().zip(&right_terms);
    let sums = left_starts
        .zip(right_starts)
        .map(|(i, j)| match (left.data(), right.data()) {
            (Data::Floats(a), Data::Floats(b)) => {
                Number::Float(terms().fold(0.0, |sum, (k, l)| sum + a[i + k] * b[j + l]))
            }
            _ => Number::Int(terms().fold(0i128, |sum, (k, l)| {
                let (a, b) = (left.get(i + k).to_i128(), right.get(j + l).to_i128());
                sum.wrapping_add(a.wrapping_mul(b))
            })),
        });
    match epilogue {
        None => {
            let rounded = sums.map(|sum| scope.storage.round(dtype, sum));
            Ok(Values::collect(dtype, &shape, rounded))
        }
        Some(body) => {
            let sums = sums.map(|sum| scope.storage.round(accumulator, sum));
            finish(scope, body, sums, &operands[2..], dtype, &shape)
        }
    }
}

/// The epilogue of each sum.
fn finish(
    scope: &Scope<'_>,
    body: &Body,
    sums: impl Iterator<Item = Number>,
    operands: &[&Values],
    dtype: DType,
    shape: &[usize],
) -> Result<Values, EvaluateError> {
    let view =
        |operand: &&Values| Places::new(shape, 0, &broadcast_strides(operand.shape(), shape));
    let mut views: Vec<Places> = operands.iter().map(view).collect();
    let mut positions = Places::new(shape, 0, &strides(shape));
    let mut results = Vec::with_capacity(count(shape).unwrap_or(0));
    for sum in sums {
        let mut inputs = vec![sum];
        for (view, operand) in views.iter_mut().zip(operands) {
            inputs.extend(view.next().map(|place| operand.get(place)));
        }
        results.extend(scalar_body::evaluate(
            scope,
            body,
            &inputs,
            positions.position(),
        )?);
        positions.next();
    }
    Ok(Values::collect(dtype, shape, results))
}

/// The extent of each letter.
struct Axes(BTreeMap<char, usize>);

impl Axes {
    fn new(spec: &Einsum, left: &Values, right: &Values) -> Axes {
        let own = spec.left.iter().zip(left.shape());
        let pairs = own.chain(spec.right.iter().zip(right.shape()));
        Axes(pairs.map(|(&letter, &extent)| (letter, extent)).collect())
    }

    fn extents(&self, letters: &[char]) -> Vec<usize> {
        let extent = |letter| self.0.get(letter).copied().unwrap_or(1);
        letters.iter().map(extent).collect()
    }
}

/// How far an operand steps for each of the letters; 0 for one that it has not.
fn steps(letters: &[char], own: &[char], operand: &Values) -> Vec<i64> {
    let strides = strides(operand.shape());
    let step = |letter| {
        let axis = own.iter().position(|candidate| candidate == letter);
        axis.map_or(0, |axis| strides[axis])
    };
    letters.iter().map(step).collect()
}
