use eyas_ir::{Op, TensorType};
use eyas_tensor::{Dim, Facts};

use crate::index::Index;
use crate::refusal::Refusal;

/// Whether the op only says where elements lie.
pub(crate) fn is_view(op: &Op) -> bool {
    matches!(
        op,
        Op::Reshape { .. } | Op::Transpose { .. } | Op::Broadcast { .. } | Op::Slice { .. }
    )
}

/// From the place of an element of a view's result, its place in the operand.
pub(crate) fn operand_place(
    op: &Op,
    operand: &TensorType,
    result: &TensorType,
    map: &[Index],
    space: &[Dim],
    facts: &Facts,
) -> Result<Vec<Index>, Refusal> {
    match op {
        Op::Reshape { .. } => {
            let flat = Index::flatten(map, &result.shape)?;
            flat.unflatten(&operand.shape, space, facts)
        }
        Op::Transpose { permutation } => {
            let mut places = vec![Index::zero(); operand.rank()];
            for (index, &axis) in map.iter().zip(permutation) {
                places[axis] = index.clone();
            }
            Ok(places)
        }
        Op::Broadcast { .. } => {
            let added = result.rank() - operand.rank();
            if map[..added].iter().any(|index| index.lookup.is_some()) {
                return Err(Refusal::Form);
            }
            let places = map[added..].iter().zip(&operand.shape);
            places
                .map(|(index, extent)| match (extent.is(1), &index.lookup) {
                    (true, Some(_)) => Err(Refusal::Form),
                    (true, None) => Ok(Index::zero()),
                    (false, _) => Ok(index.clone()),
                })
                .collect()
        }
        Op::Slice { starts, steps, .. } => {
            let places = map.iter().zip(starts.iter().zip(steps));
            places
                .map(|(index, (start, step))| {
                    let moved = index.scaled(&Dim::from(*step))?;
                    moved.plus(&Index::constant(start.clone()))
                })
                .collect()
        }
        _ => Err(Refusal::Form),
    }
}
