use std::sync::Arc;

use eyas_ir::{Graph, GraphId, Trip};
use eyas_tensor::{DType, Number};

use crate::places::count;
use crate::run::Run;
use crate::scope::{Scope, size_of_tensor};
use crate::{EvaluateError, Values};

/// A loop about to run.
pub(crate) struct Loop<'a, 'r> {
    pub(crate) run: &'a Run<'r>,
    pub(crate) body: &'a Graph,
    pub(crate) variable: &'a str,
    pub(crate) trip: &'a Trip,
    pub(crate) carried: usize,
    pub(crate) depth: usize,
}

impl Loop<'_, '_> {
    /// The carried values at the end, then the stacked ones. Of a loop that ends before its
    /// limit, the slices of iterations that never ran are zeros.
    pub(crate) fn evaluate(
        &self,
        scope: &Scope<'_>,
        operands: &[Arc<Values>],
    ) -> Result<Vec<Arc<Values>>, EvaluateError> {
        let (start, trips, conditions) = match self.trip {
            Trip::Range { start, count } => (scope.value(start)?, scope.extent(count)?, 0),
            Trip::While { limit } => (0, scope.extent(limit)?, 1),
        };
        let given = self.body.outputs().len();
        if operands.len() < self.carried || given < conditions + self.carried {
            return Err(malformed("carries more values than it has"));
        }
        let mut stacks = self.stacks(scope, trips, conditions + self.carried)?;
        let mut carried = operands[..self.carried].to_vec();
        let mut counters = scope.counters.clone();
        for trip in 0..trips {
            let counter = i64::try_from(trip)
                .ok()
                .and_then(|trip| start.checked_add(trip));
            let counter = counter.ok_or_else(|| malformed("counts beyond 64 bits"))?;
            counters.insert(self.variable.to_owned(), counter);
            let number = Values::scalar(DType::I64, Number::Int(counter.into()));
            let mut inputs = vec![Arc::new(number)];
            inputs.append(&mut carried);
            inputs.extend_from_slice(&operands[self.carried..]);
            let outputs = self
                .run
                .evaluate(self.body, &inputs, &counters, self.depth)?;
            let mut outputs = outputs.into_iter().map(|(_, values)| values);
            let more = match conditions {
                0 => true,
                _ => condition(outputs.next().as_deref())?,
            };
            carried = outputs.by_ref().take(self.carried).collect();
            for (stack, slice) in stacks.iter_mut().zip(outputs) {
                stack.values.append(&slice);
            }
            if !more {
                break;
            }
        }
        carried.extend(stacks.into_iter().map(Stack::finish));
        Ok(carried)
    }

    /// An empty stack for each of the body's outputs from `first` on.
    fn stacks(
        &self,
        scope: &Scope<'_>,
        trips: usize,
        first: usize,
    ) -> Result<Vec<Stack>, EvaluateError> {
        let stacked = self.body.outputs()[first..].iter().map(|(_, value)| {
            let types = self
                .body
                .contains(value.node)
                .then(|| &self.body.node(value.node).types);
            let ty = types.and_then(|types| types.get(value.result as usize));
            let ty = ty.ok_or_else(|| malformed("gives a value that it has not"))?;
            let mut shape = vec![trips];
            shape.extend(scope.shape(&ty.shape)?);
            size_of_tensor(ty.dtype, &shape)?;
            let values = Values::collect(ty.dtype, &[0], []);
            Ok(Stack { values, shape })
        });
        stacked.collect()
    }
}

/// Slices one behind the other.
struct Stack {
    values: Values,
    shape: Vec<usize>,
}

impl Stack {
    fn finish(self) -> Arc<Values> {
        let count = count(&self.shape).unwrap_or(0);
        Arc::new(self.values.filled_up(&self.shape, count))
    }
}

/// The branch that an if takes.
pub(crate) fn branch(
    operands: &[Arc<Values>],
    then: GraphId,
    otherwise: GraphId,
) -> Result<GraphId, EvaluateError> {
    let holds = condition(operands.first().map(Arc::as_ref))?;
    Ok(if holds { then } else { otherwise })
}

fn condition(values: Option<&Values>) -> Result<bool, EvaluateError> {
    match values {
        Some(values) if values.dtype() == DType::Bool && values.shape().is_empty() => {
            Ok(values.get(0).to_bool())
        }
        _ => Err(malformed("has a condition that is no `bool[]`")),
    }
}

fn malformed(what: &str) -> EvaluateError {
    EvaluateError::Malformed(format!("control flow {what}"))
}
