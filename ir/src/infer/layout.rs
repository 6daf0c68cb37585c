use eyas_tensor::{Dim, DimError};

use super::{InferError, arity, attribute, axis_exists, same_dtype, same_extent};
use crate::{Op, TensorType};

pub(super) fn infer(op: &Op, operands: &[&TensorType]) -> Result<TensorType, InferError> {
    if let Op::Concat { axis } = op {
        return concat(*axis, operands);
    }
    arity(operands, 1)?;
    let operand = operands[0];
    match op {
        Op::Reshape { shape } => {
            let (old, new) = (operand.element_count()?, Dim::product(shape)?);
            if old != new {
                return Err(attribute(format!(
                    "`{operand}` has {old} elements, not {new}"
                )));
            }
            Ok(operand.with_shape(shape.clone()))
        }
        Op::Transpose { permutation } => {
            let mut sorted = permutation.clone();
            sorted.sort_unstable();
            if sorted.into_iter().ne(0..operand.rank()) {
                return Err(attribute(format!(
                    "{permutation:?} does not permute `{operand}`"
                )));
            }
            let shape: Vec<Dim> = permutation
                .iter()
                .map(|&axis| operand.shape[axis].clone())
                .collect();
            Ok(operand.with_shape(shape))
        }
        Op::Broadcast { shape } => {
            let added = shape.len().checked_sub(operand.rank());
            let added = added.ok_or_else(|| attribute("a broadcast keeps all axes"))?;
            for (old, new) in operand.shape.iter().zip(&shape[added..]) {
                if !old.is(1) && old != new {
                    let text =
                        format!("extent `{old}` of `{operand}` does not broadcast to `{new}`");
                    return Err(attribute(text));
                }
            }
            Ok(operand.with_shape(shape.clone()))
        }
        Op::Slice {
            starts,
            shape,
            steps,
        } => slice(operand, starts, shape, steps),
        Op::Pad { low, high, value } => {
            if low.len() != operand.rank() || high.len() != operand.rank() {
                return Err(attribute(format!(
                    "padding is wanted for each axis of `{operand}`"
                )));
            }
            if value.tensor().dtype() != operand.dtype || !value.tensor().shape().is_empty() {
                return Err(attribute("the padding is a scalar of the operand's type"));
            }
            let negative = |dim: &Dim| dim.as_constant().is_some_and(|n| n < 0);
            if low.iter().chain(high).any(negative) {
                return Err(attribute("padding is not negative"));
            }
            let extents = operand.shape.iter().zip(low.iter().zip(high));
            let shape = extents
                .map(|(extent, (low, high))| extent.add(low)?.add(high))
                .collect::<Result<Vec<_>, DimError>>()?;
            Ok(operand.with_shape(shape))
        }
        _ => Err(attribute("is not a change of layout")),
    }
}

fn slice(
    operand: &TensorType,
    starts: &[Dim],
    shape: &[Dim],
    steps: &[i64],
) -> Result<TensorType, InferError> {
    let rank = operand.rank();
    if starts.len() != rank || shape.len() != rank || steps.len() != rank {
        return Err(attribute(format!(
            "a start, extent and step is wanted for each axis of `{operand}`"
        )));
    }
    for axis in 0..rank {
        let step = Dim::from(steps[axis]);
        if steps[axis] == 0 {
            return Err(attribute("a step is not 0"));
        }
        let last = starts[axis].add(&shape[axis].sub(&Dim::from(1))?.mul(&step)?)?;
        let end = operand.shape[axis].sub(&Dim::from(1))?;
        let empty = shape[axis].is(0);
        for place in [&starts[axis], &last] {
            let outside = |dim: &Dim| dim.as_constant().is_some_and(|n| n < 0);
            if !empty && (outside(place) || outside(&end.sub(place)?)) {
                return Err(attribute(format!(
                    "place `{place}` is outside axis {axis} of `{operand}`"
                )));
            }
        }
    }
    Ok(operand.with_shape(shape.to_vec()))
}

fn concat(axis: usize, operands: &[&TensorType]) -> Result<TensorType, InferError> {
    let Some((first, rest)) = operands.split_first() else {
        return Err(attribute("a concatenation takes at least one operand"));
    };
    axis_exists(first, axis)?;
    let mut result = (*first).clone();
    for (place, operand) in rest.iter().enumerate() {
        same_dtype(operands, 0, place + 1)?;
        if operand.rank() != first.rank() {
            return Err(attribute(format!(
                "`{operand}` and `{first}` differ in rank"
            )));
        }
        for other in (0..first.rank()).filter(|&other| other != axis) {
            same_extent(0, &first.shape[other], place + 1, &operand.shape[other])?;
        }
        result.shape[axis] = result.shape[axis].add(&operand.shape[axis])?;
    }
    Ok(result)
}
