use std::collections::BTreeMap;
use std::sync::Arc;

use eyas_ir::{Derived, Module};
use eyas_tensor::Tensor;

use crate::run::Run;
use crate::{EvaluateError, Storage, Values};

/// Instances that one derived parameter may have.
const MAX_INSTANCES: i64 = 1 << 20;

/// The parameters that are computed from others, by path; one with counters gives a tensor for
/// each of their values. Later ones may read earlier ones.
///
/// # Errors
/// What evaluating their graphs gives, and [`EvaluateError::Malformed`] for a graph with inputs
/// or too many instances.
pub fn compute_derived(
    module: &Module,
    parameters: &BTreeMap<String, Tensor>,
) -> Result<BTreeMap<String, Tensor>, EvaluateError> {
    let given = parameters
        .iter()
        .map(|(path, tensor)| (path.clone(), Arc::new(Values::from(tensor))))
        .collect();
    let derived = derive(module, Storage::Exact, &given)?;
    let tensors = derived
        .into_iter()
        .map(|(path, values)| Ok((path, values.to_tensor()?)));
    tensors.collect()
}

/// The derived parameters that are not given.
pub(crate) fn derive(
    module: &Module,
    storage: Storage,
    given: &BTreeMap<String, Arc<Values>>,
) -> Result<BTreeMap<String, Arc<Values>>, EvaluateError> {
    let (mut all, mut computed) = (given.clone(), BTreeMap::new());
    let bindings = BTreeMap::new();
    for derived in &module.derived {
        for counters in instances(derived)? {
            let run = Run::new(module, storage, &bindings, &all);
            let path = run.scope(&counters).path(&derived.path);
            if all.contains_key(&path) {
                continue;
            }
            let graph = run.graph(derived.graph)?;
            let outputs = run.evaluate(graph, &[], &counters, 0)?;
            let Some((_, values)) = outputs.into_iter().next() else {
                let message = format!("the graph of `{path}` gives nothing");
                return Err(EvaluateError::Malformed(message));
            };
            computed.insert(path.clone(), values.clone());
            all.insert(path, values);
        }
    }
    Ok(computed)
}

/// All values of a derived parameter's counters.
fn instances(derived: &Derived) -> Result<Vec<BTreeMap<String, i64>>, EvaluateError> {
    let mut instances = vec![BTreeMap::new()];
    for (name, first, count) in &derived.counters {
        let total = count.checked_mul(instances.len() as i64);
        let end = first.checked_add(*count);
        let (Some(0..=MAX_INSTANCES), Some(end)) = (total, end) else {
            let message = format!("`{}` has too many instances", derived.path);
            return Err(EvaluateError::Malformed(message));
        };
        instances = instances
            .iter()
            .flat_map(|instance| {
                (*first..end).map(|value| {
                    let mut instance = instance.clone();
                    instance.insert(name.clone(), value);
                    instance
                })
            })
            .collect();
    }
    Ok(instances)
}
