use std::collections::BTreeMap;
use std::f64::consts::TAU;

use eyas_ir::{Initialiser, Module, ParameterDecl};
use eyas_tensor::{Number, Tensor, stream_id};

use crate::places::count;
use crate::random::Draw;
use crate::scope::{Scope, size_of_tensor};
use crate::{EvaluateError, Storage, Values};

/// Values for all parameters and states that have an initialiser. Random ones come from the
/// Philox stream of the parameter's path under `seed`: uniform numbers take one word an element;
/// normal ones take two, turned by the transform of Box and Muller ("A note on the generation of
/// random normal deviates", 1958). All is computed in f64, then rounded to the type.
///
/// # Errors
/// [`EvaluateError::TooLarge`], and what extents give that are not constants.
pub fn initialise(module: &Module, seed: u64) -> Result<BTreeMap<String, Tensor>, EvaluateError> {
    let mut tensors = BTreeMap::new();
    for (path, declaration) in &module.parameters {
        if let Some(values) = initial(path, declaration, seed)? {
            tensors.insert(path.clone(), values.to_tensor()?);
        }
    }
    Ok(tensors)
}

/// The value that a declaration begins with; `None` where it must be given.
pub(crate) fn initial(
    path: &str,
    declaration: &ParameterDecl,
    seed: u64,
) -> Result<Option<Values>, EvaluateError> {
    let Some(initialiser) = &declaration.initialiser else {
        return Ok(None);
    };
    let bindings = BTreeMap::new();
    let scope = Scope {
        storage: Storage::Exact,
        bindings: &bindings,
        counters: BTreeMap::new(),
    };
    let (dtype, shape) = (declaration.ty.dtype, scope.shape(&declaration.ty.shape)?);
    size_of_tensor(dtype, &shape)?;
    let draw = Draw::new(stream_id(path, seed), []);
    let number = |index: usize| match *initialiser {
        Initialiser::Fill(value) => value,
        Initialiser::Uniform { low, high } => low + (high - low) * draw.uniform(index),
        Initialiser::Normal { mean, deviation } => mean + deviation * normal(draw, index),
    };
    let numbers = (0..count(&shape).unwrap_or(0))
        .map(|index| Storage::Exact.round(dtype, Number::Float(number(index))));
    Ok(Some(Values::collect(dtype, &shape, numbers)))
}

/// A normal number from words `2 * index` and `2 * index + 1`.
fn normal(draw: Draw, index: usize) -> f64 {
    // The first is in (0, 1], so that its logarithm is finite.
    let first = 1.0 - draw.uniform(2 * index);
    let second = draw.uniform(2 * index + 1);
    (-2.0 * libm::log(first)).sqrt() * libm::cos(TAU * second)
}
