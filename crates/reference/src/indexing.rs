use eyas_ir::{BinaryFunction, Combine};
use eyas_tensor::{DType, Number};

use crate::places::{Places, strides};
use crate::{EvaluateError, Storage, Values, scalar};

/// The axis is replaced by the axes of the indices.
///
/// # Errors
/// [`EvaluateError::IndexOutOfRange`], also for a negative index.
pub(crate) fn gather(
    data: &Values,
    indices: &Values,
    axis: usize,
    shape: &[usize],
) -> Result<Values, EvaluateError> {
    let places = places(data.shape(), indices, axis, shape)?;
    Ok(data.picked(shape, places.into_iter()))
}

/// The updates are combined into the base in row-major order of the indices. Floats are combined
/// in f64 and rounded once, after all updates.
///
/// # Errors
/// [`EvaluateError::IndexOutOfRange`], also for a negative index.
pub(crate) fn scatter(
    storage: Storage,
    [base, indices, updates]: [&Values; 3],
    axis: usize,
    combine: Combine,
) -> Result<Values, EvaluateError> {
    let dtype = base.dtype();
    let function = match combine {
        Combine::Replace => None,
        Combine::Add => Some(BinaryFunction::Add),
        Combine::Maximum => Some(BinaryFunction::Maximum),
        Combine::Minimum => Some(BinaryFunction::Minimum),
    };
    let mut numbers: Vec<Number> = base.numbers().collect();
    let places = places(base.shape(), indices, axis, updates.shape())?;
    for (place, update) in places.into_iter().zip(updates.numbers()) {
        numbers[place] = match function {
            None => update,
            Some(function) => scalar::binary(function, dtype, numbers[place], update),
        };
    }
    let rounded = numbers
        .into_iter()
        .map(|number| storage.round(dtype, number));
    Ok(Values::collect(dtype, base.shape(), rounded))
}

/// Where each element of the gathered shape lies in the data.
fn places(
    data: &[usize],
    indices: &Values,
    axis: usize,
    shape: &[usize],
) -> Result<Vec<usize>, EvaluateError> {
    let extent = data[axis];
    let checked = indices.numbers().map(|index| {
        let index = index.to_i128();
        match usize::try_from(index) {
            Ok(place) if place < extent => Ok(place),
            _ => Err(EvaluateError::IndexOutOfRange {
                index,
                axis,
                extent,
            }),
        }
    });
    let checked = checked.collect::<Result<Vec<usize>, EvaluateError>>()?;
    let own = strides(data);
    let rank = indices.shape().len();
    let zeros = vec![0; rank];
    let around = [&own[..axis], &zeros, &own[axis + 1..]].concat();
    let mut within = vec![0; shape.len()];
    within[axis..axis + rank].copy_from_slice(&strides(indices.shape()));
    let pairs = Places::new(shape, 0, &around).zip(Places::new(shape, 0, &within));
    Ok(pairs
        .map(|(place, index)| place + checked[index] * own[axis] as usize)
        .collect())
}

/// The place along an axis.
pub(crate) fn iota(storage: Storage, dtype: DType, shape: &[usize], axis: usize) -> Values {
    let mut steps = vec![0; shape.len()];
    steps[axis] = 1;
    let numbers =
        Places::new(shape, 0, &steps).map(|index| storage.round(dtype, Number::Int(index as i128)));
    Values::collect(dtype, shape, numbers)
}
