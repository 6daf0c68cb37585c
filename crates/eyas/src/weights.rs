use std::collections::BTreeMap;

use eyas_runtime::{KernelSet, ParameterKind, RuntimeError, WeightFault};
use eyas_tensor::Tensor;

use crate::fault::runtime_fault;
use crate::{Error, Source};

/// The same kernel set with these values for all its parameters; states may be among them. The
/// source, where there is one, gives the diagnostics their spans.
///
/// # Errors
/// E0301 to E0305, one for each tensor that is missing, unknown or of the wrong type.
pub fn bind_weights(
    set: &KernelSet,
    weights: BTreeMap<String, Tensor>,
    source: Option<&Source>,
) -> Result<KernelSet, Error> {
    let parameters = set.parameters();
    let missing = parameters
        .filter(|(path, kind)| *kind == ParameterKind::Parameter && !weights.contains_key(*path));
    let mut faults: Vec<WeightFault> = missing
        .filter_map(|(path, _)| {
            let ty = set.parameter_type(path)?.clone();
            let path = path.to_owned();
            Some(WeightFault::Missing { path, ty })
        })
        .collect();
    match set.bind(weights) {
        Ok(bound) if faults.is_empty() => return Ok(bound),
        Ok(_) => {}
        Err(RuntimeError::Weights(others)) => {
            faults.retain(|fault| !others.contains(fault));
            faults.extend(others);
        }
        Err(error) => return Err(runtime_fault(&error, source)),
    }
    Err(runtime_fault(&RuntimeError::Weights(faults), source))
}
