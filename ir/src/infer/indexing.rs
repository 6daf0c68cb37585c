use eyas_tensor::{DType, Dim};

use super::{InferError, arity, attribute, axis_exists, same_dtype};
use crate::{Distribution, Op, TensorType};

pub(super) fn infer(op: &Op, operands: &[&TensorType]) -> Result<TensorType, InferError> {
    match op {
        Op::Gather { axis } => {
            arity(operands, 2)?;
            gathered(operands[0], operands[1], *axis)
        }
        Op::Scatter { axis, .. } => {
            arity(operands, 3)?;
            same_dtype(operands, 0, 2)?;
            let expected = gathered(operands[0], operands[1], *axis)?;
            if *operands[2] != expected {
                let found = operands[2].clone();
                return Err(InferError::Type {
                    operand: 2,
                    found,
                    expected,
                });
            }
            Ok(operands[0].clone())
        }
        Op::Iota { dtype, shape, axis } => {
            arity(operands, 0)?;
            let result = TensorType::new(*dtype, shape.clone());
            axis_exists(&result, *axis)?;
            if *dtype == DType::Bool {
                return Err(InferError::DType(DType::Bool));
            }
            Ok(result)
        }
        Op::Random {
            distribution,
            shape,
            ..
        } => {
            if let Some(operand) = operands
                .iter()
                .find(|ty| ***ty != TensorType::scalar(DType::I64))
            {
                return Err(attribute(format!(
                    "a random draw is told apart by `i64[]`, not `{operand}`"
                )));
            }
            let dtype = match distribution {
                Distribution::Bits => DType::U32,
                Distribution::Uniform => DType::F32,
            };
            Ok(TensorType::new(dtype, shape.clone()))
        }
        _ => Err(attribute("does not index")),
    }
}

fn gathered(
    data: &TensorType,
    indices: &TensorType,
    axis: usize,
) -> Result<TensorType, InferError> {
    axis_exists(data, axis)?;
    if !indices.dtype.is_integer() {
        return Err(InferError::DType(indices.dtype));
    }
    let shape: Vec<Dim> = data.shape[..axis]
        .iter()
        .chain(&indices.shape)
        .chain(&data.shape[axis + 1..])
        .cloned()
        .collect();
    Ok(data.with_shape(shape))
}
