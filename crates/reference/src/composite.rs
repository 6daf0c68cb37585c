//! The composites straight from their formulas, in f64, rounded once at the end.

use std::f64::consts::SQRT_2;

use eyas_ir::{BinaryFunction, Composite};
use eyas_tensor::Number;

use crate::places::groups;
use crate::{EvaluateError, Storage, Values, scalar};

/// The result of a composite, its operands checked before.
///
/// # Errors
/// [`EvaluateError::IndexOutOfRange`] for a label that is no class.
pub(crate) fn evaluate(
    storage: Storage,
    composite: &Composite,
    operands: &[&Values],
    shape: &[usize],
) -> Result<Values, EvaluateError> {
    let first = operands[0];
    let x = first.to_f64();
    let last = first.shape().len().saturating_sub(1);
    let each = |function: fn(f64) -> f64| x.iter().copied().map(function).collect();
    let numbers = match composite {
        Composite::Relu => return Ok(relu(first)),
        Composite::Sigmoid => each(sigmoid),
        Composite::Silu => each(silu),
        Composite::Gelu => each(gelu),
        Composite::Mean { axes } => mean(&x, first.shape(), axes),
        Composite::Softmax { axis } => along(&x, first.shape(), *axis, softmax),
        Composite::LogSoftmax { axis } => along(&x, first.shape(), *axis, log_softmax),
        Composite::LayerNorm { epsilon } => {
            let epsilon = epsilon.splat().map_or(0.0, Number::to_f64);
            let (scale, bias) = (operands[1].to_f64(), operands[2].to_f64());
            let norm = |row: &[f64]| layer_norm(row, &scale, &bias, epsilon);
            along(&x, first.shape(), last, norm)
        }
        Composite::RmsNorm { epsilon } => {
            let epsilon = epsilon.splat().map_or(0.0, Number::to_f64);
            let scale = operands[1].to_f64();
            along(&x, first.shape(), last, |row| {
                rms_norm(row, &scale, epsilon)
            })
        }
        Composite::CrossEntropy => {
            let logarithms = along(&x, first.shape(), last, log_softmax);
            let picked = pick(&logarithms, first.shape(), operands[1])?;
            picked.into_iter().map(|logarithm| -logarithm).collect()
        }
        Composite::NegativeLogLikelihood => {
            let picked = pick(&x, first.shape(), operands[1])?;
            picked.into_iter().map(|x| -libm::log(x)).collect()
        }
    };
    let rounded = numbers
        .into_iter()
        .map(|x: f64| storage.round(first.dtype(), Number::Float(x)));
    Ok(Values::collect(first.dtype(), shape, rounded))
}

/// `max(x, 0)`, of integers too.
fn relu(x: &Values) -> Values {
    let dtype = x.dtype();
    let clamp = |x| scalar::binary(BinaryFunction::Maximum, dtype, x, Number::Int(0));
    Values::collect(dtype, x.shape(), x.numbers().map(clamp))
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + libm::exp(-x))
}

fn silu(x: f64) -> f64 {
    x * sigmoid(x)
}

fn gelu(x: f64) -> f64 {
    x * (1.0 + libm::erf(x / SQRT_2)) / 2.0
}

fn mean(x: &[f64], shape: &[usize], axes: &[usize]) -> Vec<f64> {
    let (starts, members) = groups(shape, axes);
    let sum = |start: usize| members.iter().map(|member| x[start + member]).sum::<f64>();
    starts
        .map(|start| sum(start) / members.len() as f64)
        .collect()
}

/// The function of each row along an axis, which gives a row as long.
fn along(x: &[f64], shape: &[usize], axis: usize, row: impl Fn(&[f64]) -> Vec<f64>) -> Vec<f64> {
    let (starts, members) = groups(shape, &[axis]);
    let mut result = vec![0.0; x.len()];
    for start in starts {
        let elements: Vec<f64> = members.iter().map(|member| x[start + member]).collect();
        for (member, value) in members.iter().zip(row(&elements)) {
            result[start + member] = value;
        }
    }
    result
}

fn greatest(row: &[f64]) -> f64 {
    row.iter().copied().fold(f64::NEG_INFINITY, scalar::maximum)
}

fn softmax(row: &[f64]) -> Vec<f64> {
    let greatest = greatest(row);
    let powers: Vec<f64> = row.iter().map(|x| libm::exp(x - greatest)).collect();
    let sum: f64 = powers.iter().sum();
    powers.into_iter().map(|power| power / sum).collect()
}

fn log_softmax(row: &[f64]) -> Vec<f64> {
    let greatest = greatest(row);
    let sum: f64 = row.iter().map(|x| libm::exp(x - greatest)).sum();
    let logarithm = libm::log(sum);
    row.iter().map(|x| x - greatest - logarithm).collect()
}

fn layer_norm(row: &[f64], scale: &[f64], bias: &[f64], epsilon: f64) -> Vec<f64> {
    let count = row.len() as f64;
    let mean = row.iter().sum::<f64>() / count;
    let variance = row.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / count;
    let factor = 1.0 / (variance + epsilon).sqrt();
    let weights = scale.iter().zip(bias);
    let result = row.iter().zip(weights);
    result
        .map(|(x, (scale, bias))| (x - mean) * factor * scale + bias)
        .collect()
}

fn rms_norm(row: &[f64], scale: &[f64], epsilon: f64) -> Vec<f64> {
    let square = row.iter().map(|x| x * x).sum::<f64>() / row.len() as f64;
    let factor = 1.0 / (square + epsilon).sqrt();
    row.iter()
        .zip(scale)
        .map(|(x, scale)| x * factor * scale)
        .collect()
}

/// The element of each row, along the last axis, that its label names.
fn pick(x: &[f64], shape: &[usize], labels: &Values) -> Result<Vec<f64>, EvaluateError> {
    let axis = shape.len() - 1;
    let extent = shape[axis];
    let place = |(row, label): (usize, Number)| {
        let index = label.to_i128();
        match usize::try_from(index) {
            Ok(class) if class < extent => Ok(x[row * extent + class]),
            _ => Err(EvaluateError::IndexOutOfRange {
                index,
                axis,
                extent,
            }),
        }
    };
    labels.numbers().enumerate().map(place).collect()
}
