use eyas_tensor::{DType, Dim};
use serde::{Deserialize, Serialize};

/// The functions that plans launch, and their code.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Code {
    /// For a CPU one section of position-independent machine code: every call inside it is
    /// relative, and there is none out of it. For a GPU the text of one PTX module.
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
    /// Bytes of scratch memory a thread needs; on a GPU, that a launch needs.
    pub scratch: Dim,
    /// How a GPU launches it; `None` of a CPU's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grid: Option<Grid>,
}

/// How a GPU launches a function: in a grid of [`Function::units`] blocks along x; of none, nothing
/// is launched.
///
/// The parameters of its entry take eight bytes each, in this order: the first byte of each argument
/// (`.u64`), with [`Grid::checks`] the launch's [`crate::DeviceFailure`] (`.u64`), with
/// [`Function::scratch`] that is not the constant 0 the scratch memory, 256-byte aligned (`.u64`),
/// and the value of each dim of [`Function::dims`] (`.s64`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grid {
    /// The entry's name in the PTX module.
    pub entry: String,
    /// Threads of a block, along x.
    pub threads: u32,
    /// Bytes of shared memory beyond what the code declares.
    pub shared: u32,
    /// Whether it looks for indices that are out of range.
    pub checks: bool,
    /// Bytes at the beginning of the scratch memory that are zero when it is launched.
    pub cleared: Dim,
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
