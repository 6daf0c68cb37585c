use eyas_ir::{Graph, Op, Value};
use eyas_tensor::DimError;

use super::binding::Binding;
use super::place::{flat, through_view};

/// The element of a parameter that an element of a rearrangement of it is: its path and its place.
/// `None` where it is none.
pub(super) fn origin(
    graph: &Graph,
    value: Value,
    index: &[i64],
    binding: &Binding,
) -> Result<Option<(String, i64)>, DimError> {
    let (mut value, mut index) = (value, index.to_vec());
    for _ in 0..graph.node_count() + 1 {
        let shape = binding.values(&graph.type_of(value).shape)?;
        let op = graph.op(value);
        if let Op::Parameter { path } = op {
            return Ok(Some((path.clone(), flat(&index, &shape))));
        }
        let Some(&operand) = graph.operands(value.node).first() else {
            return Ok(None);
        };
        let from = binding.values(&graph.type_of(operand).shape)?;
        index = match op {
            Op::Pad { low, .. } => {
                let low = binding.values(low)?;
                index
                    .iter()
                    .zip(&low)
                    .map(|(index, low)| index - low)
                    .collect()
            }
            op => match through_view(op, &from, &shape, &index, binding)? {
                Some(place) => place,
                None => return Ok(None),
            },
        };
        if index
            .iter()
            .zip(&from)
            .any(|(index, extent)| index < &0 || index >= extent)
        {
            return Ok(None);
        }
        value = operand;
    }
    Ok(None)
}
