use std::collections::BTreeMap;

use eyas_tensor::{DType, Dim};

use super::{InferError, attribute, same_dtype, same_extent};
use crate::{Body, Einsum, TensorType};

pub(super) fn infer(
    spec: &Einsum,
    accumulator: DType,
    epilogue: Option<&Body>,
    operands: &[&TensorType],
) -> Result<TensorType, InferError> {
    let extra = epilogue.map_or(0, |body| body.inputs.len().saturating_sub(1));
    super::arity(operands, 2 + extra)?;
    same_dtype(operands, 0, 1)?;
    if operands[0].dtype == DType::Bool {
        return Err(InferError::DType(DType::Bool));
    }
    if accumulator.is_float() != operands[0].dtype.is_float() {
        return Err(attribute(format!(
            "cannot sum `{}` in `{accumulator}`",
            operands[0].dtype
        )));
    }
    let mut extents: BTreeMap<char, (usize, Dim)> = BTreeMap::new();
    for (operand, letters) in [&spec.left, &spec.right].into_iter().enumerate() {
        let ty = operands[operand];
        if letters.len() != ty.rank() {
            let message = format!(
                "`{spec}` wants {} axes, but operand {operand} is `{ty}`",
                letters.len()
            );
            return Err(attribute(message));
        }
        for (letter, extent) in letters.iter().zip(&ty.shape) {
            match extents.get(letter) {
                Some((first, known)) => same_extent(*first, known, operand, extent)?,
                None => drop(extents.insert(*letter, (operand, extent.clone()))),
            }
        }
    }
    let shape: Vec<Dim> = spec
        .output
        .iter()
        .filter_map(|letter| extents.get(letter).map(|(_, extent)| extent.clone()))
        .collect();
    let dtype = match epilogue {
        Some(body) => check_epilogue(body, accumulator, &shape, operands)?,
        None if accumulator.is_float() => operands[0].dtype,
        None => accumulator,
    };
    Ok(TensorType::new(dtype, shape))
}

/// The epilogue takes the sum and one element of each further operand, and gives one.
fn check_epilogue(
    body: &Body,
    accumulator: DType,
    shape: &[Dim],
    operands: &[&TensorType],
) -> Result<DType, InferError> {
    let [output] = body.outputs[..] else {
        return Err(attribute("an epilogue gives one result"));
    };
    if !body.is_well_formed() || body.inputs.first() != Some(&accumulator) {
        return Err(attribute("the epilogue does not take the accumulator"));
    }
    for (place, ty) in operands.iter().enumerate().skip(2) {
        if body.inputs[place - 1] != ty.dtype || !broadcasts(&ty.shape, shape) {
            return Err(attribute(format!(
                "the epilogue does not take operand {place}, a `{ty}`"
            )));
        }
    }
    Ok(body.node(output).dtype)
}

fn broadcasts(from: &[Dim], to: &[Dim]) -> bool {
    let mut pairs = from.iter().rev().zip(to.iter().rev());
    from.len() <= to.len() && pairs.all(|(a, b)| a == b || a.is(1))
}
