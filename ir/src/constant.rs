use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use eyas_tensor::{DType, Number, Tensor};
use serde::{Deserialize, Serialize};

/// A tensor known at compile time. Two are equal where type, extents and bytes are: `-0.0` is
/// not `0.0`, and a NaN equals itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "Text", into = "Text")]
pub struct Constant(Arc<Tensor>);

impl Constant {
    /// A scalar, rounded to the type.
    pub fn scalar(dtype: DType, value: Number) -> Constant {
        Constant(Arc::new(Tensor::scalar(dtype, value)))
    }

    /// The tensor.
    pub fn tensor(&self) -> &Tensor {
        &self.0
    }

    /// The value where every element is the same (and there is one).
    pub fn splat(&self) -> Option<Number> {
        let count = self.0.element_count();
        let first = (count > 0).then(|| self.0.get(0))?;
        let bits = self.0.dtype().bits();
        let uniform = if bits.is_multiple_of(8) {
            let size = bits / 8;
            let bytes = self.0.bytes();
            bytes
                .chunks_exact(size)
                .all(|chunk| chunk == &bytes[..size])
        } else {
            (1..count).all(|index| self.0.get(index) == first)
        };
        uniform.then_some(first)
    }

    /// An element's text, which reads back.
    pub(crate) fn element_text(number: Number) -> String {
        match number {
            Number::Float(x) => format!("{x:?}"),
            Number::Int(x) => x.to_string(),
            Number::Bool(x) => x.to_string(),
        }
    }
}

impl From<Tensor> for Constant {
    fn from(tensor: Tensor) -> Constant {
        Constant(Arc::new(tensor))
    }
}

impl PartialEq for Constant {
    fn eq(&self, other: &Constant) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Constant {}

impl PartialOrd for Constant {
    fn partial_cmp(&self, other: &Constant) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Constant {
    fn cmp(&self, other: &Constant) -> Ordering {
        if Arc::ptr_eq(&self.0, &other.0) {
            return Ordering::Equal;
        }
        let key = |c: &Constant| (c.0.dtype(), c.0.shape().to_vec());
        key(self)
            .cmp(&key(other))
            .then_with(|| self.0.bytes().cmp(other.0.bytes()))
    }
}

impl Hash for Constant {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.dtype().hash(state);
        self.0.shape().hash(state);
        self.0.bytes().hash(state);
    }
}

/// The readable form: elements in row-major order, floats by their shortest decimal that reads back.
#[derive(Serialize, Deserialize)]
struct Text {
    dtype: DType,
    shape: Vec<usize>,
    elements: Vec<String>,
}

impl From<Constant> for Text {
    fn from(constant: Constant) -> Text {
        let tensor = constant.tensor();
        Text {
            dtype: tensor.dtype(),
            shape: tensor.shape().to_vec(),
            elements: tensor
                .numbers()
                .into_iter()
                .map(Constant::element_text)
                .collect(),
        }
    }
}

impl TryFrom<Text> for Constant {
    type Error = String;

    fn try_from(text: Text) -> Result<Constant, String> {
        let read = |element: &String| -> Option<Number> {
            if text.dtype == DType::Bool {
                return element.parse().ok().map(Number::Bool);
            }
            if text.dtype.is_float() {
                return element.parse().ok().map(Number::Float);
            }
            element.parse().ok().map(Number::Int)
        };
        let numbers = text
            .elements
            .iter()
            .map(|element| {
                read(element).ok_or_else(|| format!("`{element}` is not a {}", text.dtype))
            })
            .collect::<Result<Vec<_>, _>>()?;
        Tensor::from_numbers(text.dtype, &text.shape, &numbers)
            .map(Constant::from)
            .map_err(|error| error.to_string())
    }
}
