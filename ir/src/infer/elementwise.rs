use eyas_tensor::DType;

use super::{InferError, arity, same_dtype, same_shape};
use crate::{Op, TensorType};

pub(super) fn infer(op: &Op, operands: &[&TensorType]) -> Result<TensorType, InferError> {
    match op {
        Op::Unary { function } => {
            arity(operands, 1)?;
            accepted(function.accepts(operands[0].dtype), operands[0])
        }
        Op::Binary { function } => {
            pair(operands)?;
            accepted(function.accepts(operands[0].dtype), operands[0])
        }
        Op::Compare { .. } => {
            pair(operands)?;
            Ok(operands[0].with_dtype(DType::Bool))
        }
        Op::Cast { dtype } => {
            arity(operands, 1)?;
            Ok(operands[0].with_dtype(*dtype))
        }
        _ => {
            arity(operands, 3)?;
            accepted(operands[0].dtype == DType::Bool, operands[0])?;
            same_dtype(operands, 1, 2)?;
            same_shape(operands, 0, 1)?;
            same_shape(operands, 1, 2)?;
            Ok(operands[1].clone())
        }
    }
}

fn pair(operands: &[&TensorType]) -> Result<(), InferError> {
    arity(operands, 2)?;
    same_dtype(operands, 0, 1)?;
    same_shape(operands, 0, 1)
}

fn accepted(accepts: bool, ty: &TensorType) -> Result<TensorType, InferError> {
    if accepts {
        Ok(ty.clone())
    } else {
        Err(InferError::DType(ty.dtype))
    }
}
