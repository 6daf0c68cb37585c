use std::collections::BTreeMap;

use eyas_ir::TensorType;
use eyas_tensor::{DType, Dim};

use crate::places::count;
use crate::{EvaluateError, Storage, Values};

/// Elements that a tensor may have.
pub(crate) const MAX_ELEMENTS: usize = 1 << 31;

/// Bytes that all live values may take.
pub(crate) const MAX_BYTES: usize = 16 << 30;

/// What the names in an op mean where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Scope<'a> {
    /// What floats are kept in.
    pub(crate) storage: Storage,
    /// The values of the symbols.
    pub(crate) bindings: &'a BTreeMap<String, i64>,
    /// The counters of the loops around.
    pub(crate) counters: BTreeMap<String, i64>,
}

impl Scope<'_> {
    /// The value of a dim.
    pub(crate) fn value(&self, dim: &Dim) -> Result<i64, EvaluateError> {
        Ok(dim.evaluate(&|name| self.bindings.get(name).copied())?)
    }

    /// The value of an extent, which is not negative.
    pub(crate) fn extent(&self, dim: &Dim) -> Result<usize, EvaluateError> {
        let value = self.value(dim)?;
        usize::try_from(value).map_err(|_| EvaluateError::NegativeExtent {
            dim: dim.to_string(),
            value,
        })
    }

    /// The values of extents.
    pub(crate) fn shape(&self, dims: &[Dim]) -> Result<Vec<usize>, EvaluateError> {
        dims.iter().map(|dim| self.extent(dim)).collect()
    }

    /// The type with its extents' values.
    pub(crate) fn concrete(&self, ty: &TensorType) -> Result<TensorType, EvaluateError> {
        let values = ty.shape.iter().map(|dim| {
            self.extent(dim)?;
            Ok(Dim::from(self.value(dim)?))
        });
        Ok(ty.with_shape(values.collect::<Result<Vec<Dim>, EvaluateError>>()?))
    }

    /// The path with each counter's value for its `{name}`.
    pub(crate) fn path(&self, template: &str) -> String {
        let mut path = template.to_owned();
        for (name, value) in &self.counters {
            path = path.replace(&format!("{{{name}}}"), &value.to_string());
        }
        path
    }
}

/// How many bytes a tensor takes here.
///
/// # Errors
/// [`EvaluateError::TooLarge`] where that, or its element count, is beyond the limits.
pub(crate) fn size_of_tensor(dtype: DType, shape: &[usize]) -> Result<usize, EvaluateError> {
    count(shape)
        .filter(|&count| count <= MAX_ELEMENTS)
        .and_then(|count| Values::bytes_for(dtype, count))
        .filter(|&bytes| bytes <= MAX_BYTES)
        .ok_or_else(|| EvaluateError::TooLarge {
            shape: shape.to_vec(),
        })
}
