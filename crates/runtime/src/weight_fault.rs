use eyas_tensor::{DType, TensorType};

/// Why a tensor is not a parameter's value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WeightFault {
    /// A parameter has no value and none is given.
    #[error("`{path}` (`{ty}`) is missing")]
    Missing {
        /// The parameter.
        path: String,
        /// Its type.
        ty: TensorType,
    },
    /// No parameter has the name.
    #[error("there is no parameter `{0}`")]
    Extra(String),
    /// A tensor of another element type.
    #[error("`{path}` is {found}, but is declared {expected}")]
    WrongDtype {
        /// The parameter.
        path: String,
        /// Its element type.
        expected: DType,
        /// What is given.
        found: DType,
    },
    /// A tensor with other extents.
    #[error("`{path}` has shape {found:?}, but is declared `{expected}`")]
    WrongShape {
        /// The parameter.
        path: String,
        /// Its type.
        expected: TensorType,
        /// The extents that are given.
        found: Vec<usize>,
    },
    /// Another value for a parameter whose value the code was made for.
    #[error("`{0}` is frozen: the code was made for the value that it has")]
    Frozen(String),
}
