use eyas_tensor::{DType, Dim};

use super::{InferError, attribute};
use crate::{Graph, Module, Op, TensorType, Trip};

/// What a loop's body must take for these operands: the counter, then their types.
pub fn loop_body_inputs(operands: &[&TensorType]) -> Vec<TensorType> {
    let counter = std::iter::once(TensorType::scalar(DType::I64));
    counter
        .chain(operands.iter().map(|ty| (*ty).clone()))
        .collect()
}

impl Module {
    /// The result types of any op, `Loop`, `If` and declared values among them. A reshape may
    /// keep a count that only the module's facts prove equal.
    ///
    /// # Errors
    /// [`InferError`] where the op does not take such operands.
    pub fn result_types(
        &self,
        op: &Op,
        operands: &[&TensorType],
    ) -> Result<Vec<TensorType>, InferError> {
        match op {
            Op::Parameter { path } | Op::State { path } => {
                super::arity(operands, 0)?;
                if let Some(declaration) = self.parameter(path) {
                    return Ok(vec![declaration.ty.clone()]);
                }
                let derived = self.derived.iter().find(|derived| derived.path == *path);
                let derived =
                    derived.ok_or_else(|| attribute(format!("`{path}` is not declared")))?;
                Ok(vec![derived.ty.clone()])
            }
            Op::Loop {
                body,
                trip,
                carried,
                ..
            } => {
                let body = self.owned(*body)?;
                takes(body, &loop_body_inputs(operands))?;
                loop_results(body, trip, *carried, operands)
            }
            Op::If { then, otherwise } => {
                let Some((condition, rest)) = operands.split_first() else {
                    return Err(attribute("an if takes a condition"));
                };
                if **condition != TensorType::scalar(DType::Bool) {
                    return Err(attribute(format!(
                        "the condition is `{condition}`, not `bool[]`"
                    )));
                }
                let inputs: Vec<TensorType> = rest.iter().map(|ty| (*ty).clone()).collect();
                let (then, otherwise) = (self.owned(*then)?, self.owned(*otherwise)?);
                takes(then, &inputs)?;
                takes(otherwise, &inputs)?;
                let results = output_types(then);
                if results != output_types(otherwise) {
                    return Err(attribute("the two branches give different types"));
                }
                Ok(results)
            }
            Op::Reshape { shape } => super::result_types(op, operands).or_else(|error| {
                let [operand] = operands else {
                    return Err(error);
                };
                let (old, new) = (operand.element_count()?, Dim::product(shape)?);
                if shape.len() > super::MAX_RANK || !self.facts.proves_equal(&old, &new) {
                    return Err(error);
                }
                Ok(vec![operand.with_shape(shape.clone())])
            }),
            _ => super::result_types(op, operands),
        }
    }

    fn owned(&self, id: crate::GraphId) -> Result<&Graph, InferError> {
        let graph = self.graphs.get(id.0);
        graph.ok_or_else(|| attribute(format!("the module has no graph {}", id.0)))
    }
}

fn output_types(graph: &Graph) -> Vec<TensorType> {
    let outputs = graph.outputs().iter();
    outputs
        .map(|(_, value)| graph.type_of(*value).clone())
        .collect()
}

fn takes(graph: &Graph, inputs: &[TensorType]) -> Result<(), InferError> {
    let own: Vec<&TensorType> = graph
        .inputs()
        .iter()
        .map(|id| &graph.node(*id).types[0])
        .collect();
    if own.len() == inputs.len() && own.iter().zip(inputs).all(|(a, b)| *a == b) {
        return Ok(());
    }
    let list = |types: Vec<String>| types.join(", ");
    Err(attribute(format!(
        "the body takes ({}), but is given ({})",
        list(own.iter().map(ToString::to_string).collect()),
        list(inputs.iter().map(ToString::to_string).collect()),
    )))
}

fn loop_results(
    body: &Graph,
    trip: &Trip,
    carried: usize,
    operands: &[&TensorType],
) -> Result<Vec<TensorType>, InferError> {
    let outputs = output_types(body);
    let (condition, count) = match trip {
        Trip::Range { count, .. } => (0, count),
        Trip::While { limit } => (1, limit),
    };
    if outputs.len() < condition + carried || operands.len() < carried {
        return Err(attribute("the body gives fewer values than are carried"));
    }
    if condition == 1 && outputs[0] != TensorType::scalar(DType::Bool) {
        return Err(attribute("the body of a while loop gives a `bool[]` first"));
    }
    let outputs = &outputs[condition..];
    for (place, ty) in outputs[..carried].iter().enumerate() {
        if ty != operands[place] {
            return Err(InferError::Type {
                operand: place,
                found: ty.clone(),
                expected: operands[place].clone(),
            });
        }
    }
    let stacked = outputs[carried..].iter().map(|ty| {
        let mut shape = vec![count.clone()];
        shape.extend(ty.shape.iter().cloned());
        ty.with_shape(shape)
    });
    Ok(outputs[..carried].iter().cloned().chain(stacked).collect())
}
