use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{DType, Dim, DimError};

/// Element type and extents, outermost first. In text `f32[B, 784]`; a scalar is `f32[]`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TensorType {
    /// The element type.
    pub dtype: DType,
    /// The extents, outermost first.
    pub shape: Vec<Dim>,
}

impl TensorType {
    /// A tensor type.
    pub fn new(dtype: DType, shape: impl Into<Vec<Dim>>) -> TensorType {
        let shape = shape.into();
        TensorType { dtype, shape }
    }

    /// A type without axes.
    pub fn scalar(dtype: DType) -> TensorType {
        TensorType::new(dtype, [])
    }

    /// How many axes.
    pub fn rank(&self) -> usize {
        self.shape.len()
    }

    /// How many elements.
    ///
    /// # Errors
    /// [`DimError::Overflow`].
    pub fn element_count(&self) -> Result<Dim, DimError> {
        Dim::product(&self.shape)
    }

    /// The extents where all are constants.
    pub fn static_shape(&self) -> Option<Vec<usize>> {
        self.shape
            .iter()
            .map(|dim| usize::try_from(dim.as_constant()?).ok())
            .collect()
    }

    /// The same axes with another element type.
    #[must_use]
    pub fn with_dtype(&self, dtype: DType) -> TensorType {
        TensorType::new(dtype, self.shape.clone())
    }

    /// The same element type with other axes.
    #[must_use]
    pub fn with_shape(&self, shape: impl Into<Vec<Dim>>) -> TensorType {
        TensorType::new(self.dtype, shape)
    }
}

impl fmt::Display for TensorType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[", self.dtype)?;
        for (axis, extent) in self.shape.iter().enumerate() {
            let separator = if axis == 0 { "" } else { ", " };
            write!(f, "{separator}{extent}")?;
        }
        f.write_str("]")
    }
}

/// A type's text that does not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a tensor type such as `f32[B, 784]`")]
pub struct TypeParseError(pub String);

impl FromStr for TensorType {
    type Err = TypeParseError;

    fn from_str(text: &str) -> Result<TensorType, TypeParseError> {
        let fault = || TypeParseError(text.to_owned());
        let (dtype, rest) = text.split_once('[').ok_or_else(fault)?;
        let inner = rest.strip_suffix(']').ok_or_else(fault)?;
        let dtype = DType::from_str(dtype.trim()).map_err(|_| fault())?;
        let shape = split_top_level(inner)
            .into_iter()
            .map(|part| part.parse::<Dim>().map_err(|_| fault()))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(TensorType { dtype, shape })
    }
}

/// Splits at the commas that stand outside brackets; nothing for blank text.
fn split_top_level(text: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0usize, 0);
    for (position, character) in text.char_indices() {
        match character {
            '(' | '[' => depth += 1,
            ')' | ']' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(text[start..position].trim());
                start = position + 1;
            }
            _ => {}
        }
    }
    if !text.trim().is_empty() {
        parts.push(text[start..].trim());
    }
    parts
}

impl TryFrom<String> for TensorType {
    type Error = TypeParseError;

    fn try_from(text: String) -> Result<TensorType, TypeParseError> {
        text.parse()
    }
}

impl From<TensorType> for String {
    fn from(ty: TensorType) -> String {
        ty.to_string()
    }
}
