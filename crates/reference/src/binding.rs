//! The values of symbols, read off the shapes of inputs.

use std::collections::BTreeMap;

use eyas_ir::{GraphId, Module, Op};
use eyas_tensor::{BindError, Dim, Extent, bind};

use crate::EvaluateError;

/// The values of the symbols in a graph's inputs, given the inputs' shapes; see
/// [`eyas_tensor::bind`].
///
/// # Errors
/// [`EvaluateError::InputCount`], [`EvaluateError::WrongType`] for a wrong rank,
/// [`EvaluateError::Extent`] where an extent contradicts another, [`EvaluateError::Unsolved`]
/// where one leaves its symbols open, [`EvaluateError::Fact`] where a fact does not hold.
pub fn bind_symbols(
    module: &Module,
    graph: GraphId,
    shapes: &[&[usize]],
) -> Result<BTreeMap<String, i64>, EvaluateError> {
    let extents = extents(module, graph, shapes)?;
    Ok(bind(&extents, &module.facts)?)
}

fn extents<'a>(
    module: &'a Module,
    id: GraphId,
    shapes: &[&[usize]],
) -> Result<Vec<Extent<'a>>, EvaluateError> {
    let graph = module
        .graphs
        .get(id.0)
        .ok_or(EvaluateError::UnknownGraph(id.0))?;
    if graph.inputs().len() != shapes.len() {
        return Err(EvaluateError::InputCount {
            graph: graph.name().to_owned(),
            expected: graph.inputs().len(),
            found: shapes.len(),
        });
    }
    let mut extents = Vec::new();
    for (place, (id, shape)) in graph.inputs().iter().zip(shapes).enumerate() {
        let node = graph.node(*id);
        let input = match &node.op {
            Op::Input { name } => name,
            _ => graph.name(),
        };
        let Some(ty) = node.types.first() else {
            return Err(EvaluateError::Malformed(format!(
                "input {place} has no type"
            )));
        };
        if ty.rank() != shape.len() {
            let constants = shape
                .iter()
                .map(|&n| Dim::from(i64::try_from(n).unwrap_or(i64::MAX)));
            return Err(EvaluateError::WrongType {
                subject: format!("input `{input}`"),
                expected: ty.clone(),
                found: ty.with_shape(constants.collect::<Vec<_>>()),
            });
        }
        let axes = ty.shape.iter().zip(*shape).enumerate();
        extents.extend(axes.map(|(axis, (dim, &found))| Extent {
            input,
            axis,
            dim,
            found,
        }));
    }
    Ok(extents)
}

impl From<BindError> for EvaluateError {
    fn from(error: BindError) -> EvaluateError {
        match error {
            BindError::Extent {
                input,
                axis,
                dim,
                expected,
                found,
                sources: _,
            } => EvaluateError::Extent {
                input,
                axis,
                dim,
                expected,
                found,
            },
            BindError::Unsolved {
                input,
                axis,
                dim,
                found,
            } => EvaluateError::Unsolved {
                input,
                axis,
                dim,
                found,
            },
            BindError::Fact { fact, message } => EvaluateError::Fact { fact, message },
            BindError::Dim(error) => error.into(),
        }
    }
}
