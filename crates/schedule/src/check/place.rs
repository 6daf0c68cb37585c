//! Places as numbers.

use eyas_ir::Op;
use eyas_tensor::DimError;

use super::binding::Binding;

/// The row-major place of an index.
pub(super) fn flat(index: &[i64], shape: &[i64]) -> i64 {
    let pairs = index.iter().zip(shape);
    pairs.fold(0, |place, (index, extent)| place * extent + index)
}

/// The index of a row-major place.
pub(super) fn unflat(mut place: i64, shape: &[i64]) -> Vec<i64> {
    let mut index = vec![0; shape.len()];
    for (index, &extent) in index.iter_mut().zip(shape).rev() {
        let extent = extent.max(1);
        *index = place.rem_euclid(extent);
        place = place.div_euclid(extent);
    }
    index
}

/// Where a view's element lies in its operand; `None` for an op that is no view.
pub(super) fn through_view(
    op: &Op,
    operand: &[i64],
    result: &[i64],
    index: &[i64],
    binding: &Binding,
) -> Result<Option<Vec<i64>>, DimError> {
    Ok(Some(match op {
        Op::Reshape { .. } => unflat(flat(index, result), operand),
        Op::Transpose { permutation } => {
            let mut moved = vec![0; operand.len()];
            for (axis, &from) in permutation.iter().enumerate() {
                moved[from] = index[axis];
            }
            moved
        }
        Op::Broadcast { .. } => {
            let aligned = index[index.len() - operand.len()..].iter().zip(operand);
            aligned
                .map(|(&index, &extent)| if extent == 1 { 0 } else { index })
                .collect()
        }
        Op::Slice { starts, steps, .. } => {
            let starts = binding.values(starts)?;
            let places = index.iter().zip(starts.iter().zip(steps));
            places
                .map(|(index, (start, step))| start + step * index)
                .collect()
        }
        _ => return Ok(None),
    }))
}
