use eyas_tensor::{DType, Dim};

use super::{InferError, arity, attribute, axis_exists, same_dtype, same_extent};
use crate::{Composite, Op, Reduction, TensorType};

pub(super) fn infer(op: &Op, operands: &[&TensorType]) -> Result<TensorType, InferError> {
    arity(operands, 1)?;
    let operand = operands[0];
    match op {
        Op::Reduce { reduction, axes } => {
            if operand.dtype == DType::Bool {
                return Err(InferError::DType(DType::Bool));
            }
            let needs_elements = !matches!(reduction, Reduction::Sum | Reduction::Product);
            reduced(operand, axes, needs_elements)
        }
        Op::ArgReduce { axis, .. } => Ok(reduced(operand, &[*axis], true)?.with_dtype(DType::I64)),
        _ => Err(attribute("is not a reduction")),
    }
}

fn reduced(
    operand: &TensorType,
    axes: &[usize],
    needs_elements: bool,
) -> Result<TensorType, InferError> {
    let mut shape = operand.shape.clone();
    for (place, &axis) in axes.iter().enumerate() {
        axis_exists(operand, axis)?;
        if axes[..place].iter().any(|&earlier| earlier >= axis) {
            return Err(attribute("axes must ascend"));
        }
        if needs_elements && shape[axis].is(0) {
            return Err(attribute(format!(
                "axis {axis} of `{operand}` has no elements"
            )));
        }
        shape[axis] = Dim::from(1);
    }
    Ok(operand.with_shape(shape))
}

pub(super) fn infer_composite(
    composite: &Composite,
    operands: &[&TensorType],
) -> Result<TensorType, InferError> {
    let count = match composite {
        Composite::LayerNorm { .. } => 3,
        Composite::RmsNorm { .. } | Composite::CrossEntropy | Composite::NegativeLogLikelihood => 2,
        _ => 1,
    };
    arity(operands, count)?;
    let first = operands[0];
    if !first.dtype.is_float() && *composite != Composite::Relu {
        return Err(InferError::DType(first.dtype));
    }
    match composite {
        Composite::Relu if first.dtype == DType::Bool => Err(InferError::DType(DType::Bool)),
        Composite::Relu | Composite::Sigmoid | Composite::Silu | Composite::Gelu => {
            Ok(first.clone())
        }
        Composite::Mean { axes } => reduced(first, axes, true),
        Composite::Softmax { axis } | Composite::LogSoftmax { axis } => {
            axis_exists(first, *axis)?;
            Ok(first.clone())
        }
        Composite::LayerNorm { .. } | Composite::RmsNorm { .. } => {
            let Some(last) = first.shape.last() else {
                return Err(attribute("a norm needs an axis"));
            };
            for operand in 1..count {
                same_dtype(operands, 0, operand)?;
                let [extent] = &operands[operand].shape[..] else {
                    return Err(attribute(format!(
                        "operand {operand} has one axis, the last"
                    )));
                };
                same_extent(0, last, operand, extent)?;
            }
            Ok(first.clone())
        }
        Composite::CrossEntropy | Composite::NegativeLogLikelihood => {
            let (labels, classes) = (operands[1], first.rank());
            if !labels.dtype.is_integer() {
                return Err(InferError::DType(labels.dtype));
            }
            if classes != labels.rank() + 1 {
                return Err(attribute("the labels have all axes but the last"));
            }
            for (left, right) in first.shape.iter().zip(&labels.shape) {
                same_extent(0, left, 1, right)?;
            }
            Ok(first.with_shape(labels.shape.clone()))
        }
    }
}
