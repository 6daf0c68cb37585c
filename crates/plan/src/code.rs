use eyas_tensor::{DType, Dim};
use serde::{Deserialize, Serialize};

/// One section of position-independent machine code and the functions in it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Code {
    /// The section; every call inside it is relative, and there is none out of it.
    #[serde(skip)]
    pub bytes: Vec<u8>,
    /// The functions that plans launch, by kernel number.
    pub functions: Vec<Function>,
}

/// A kernel's code.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Function {
    /// The kernel's name.
    pub name: String,
    /// Where it begins in the section, in bytes.
    pub offset: usize,
    /// How many bytes it takes, constants included.
    pub size: usize,
    /// What it is called with, in order.
    pub arguments: Vec<FunctionArgument>,
    /// The dims that it reads through the context, in the order of its table.
    pub dims: Vec<Dim>,
    /// How many units its work can be split into; each is done by one thread, and how they are
    /// split changes no result.
    pub units: Dim,
    /// Scalar operations in a unit, roughly: what splitting must be worth.
    pub unit_cost: Dim,
    /// Bytes of scratch memory a thread needs.
    pub scratch: Dim,
}

/// A piece of memory that a function is given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FunctionArgument {
    /// The element type.
    pub dtype: DType,
    /// How many elements it may touch, from the first one that it is given.
    pub length: Dim,
    /// Whether it writes there.
    pub writes: bool,
}
