use std::fmt::Display;
use std::path::PathBuf;

use eyas_plan::Machine;
use eyas_tensor::{BindError, DType, DimError, TensorError, TensorType};

use crate::{CodeMemoryError, DeviceError, DeviceNeeds, WeightFault};

/// Why a kernel set was not loaded, bound, written or run.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// A file that cannot be read or written.
    #[error("`{}`: {cause}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        cause: std::io::Error,
    },
    /// Bytes that are no kernel set of this version.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// Code for other machines than this one.
    #[error("this machine cannot run the kernel set: {}", refusals(.0))]
    UnsupportedCpu(Vec<Refusal>),
    /// A session on the CPU with a kernel set that has code for GPUs alone.
    #[error("the kernel set has no code for a CPU, only for {}: run it on a device", quoted(.0))]
    NoCpuCode(Vec<Machine>),
    /// No pages for machine code.
    #[error(transparent)]
    Code(#[from] CodeMemoryError),
    /// Weights that do not fit the parameters.
    #[error("the weights do not fit: {}", joined(.0))]
    Weights(Vec<WeightFault>),
    /// Parameters that were never given.
    #[error("no value has been bound to {}", quoted(.0))]
    MissingValues(Vec<String>),
    /// No entry point has the name.
    #[error("there is no entry point `{name}`; there are {}", quoted(known))]
    UnknownEntry {
        /// What was asked for.
        name: String,
        /// What there is.
        known: Vec<String>,
    },
    /// A wrong number of inputs.
    #[error("`{entry}` takes {expected} inputs, but is given {found}")]
    InputCount {
        /// The entry point.
        entry: String,
        /// What it takes.
        expected: usize,
        /// What it is given.
        found: usize,
    },
    /// An input that is not given.
    #[error("input `{0}` is not given")]
    MissingInput(String),
    /// A name that no input has.
    #[error("there is no input `{name}`; there are {}", quoted(known))]
    UnknownInput {
        /// What was given.
        name: String,
        /// What there is.
        known: Vec<String>,
    },
    /// An input that is given twice.
    #[error("input `{0}` is given twice")]
    RepeatedInput(String),
    /// An input of the wrong element type.
    #[error("input `{input}` is {found}, but is declared {expected}")]
    WrongDtype {
        /// The input's name.
        input: String,
        /// The declared type.
        expected: DType,
        /// What is given.
        found: DType,
    },
    /// An input with a wrong number of axes.
    #[error("input `{input}` has shape {found:?}, but is declared `{expected}`")]
    WrongRank {
        /// The input's name.
        input: String,
        /// The declared type.
        expected: TensorType,
        /// The given extents.
        found: Vec<usize>,
    },
    /// Extents that contradict each other or a fact.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// A dim that has no value.
    #[error("{place}: {cause}")]
    Dim {
        /// What the dim is for.
        place: String,
        /// What went wrong.
        cause: DimError,
    },
    /// An extent below zero.
    #[error("{place}: `{dim}` is {value}")]
    Negative {
        /// What the extent is for.
        place: String,
        /// The extent.
        dim: String,
        /// Its value.
        value: i64,
    },
    /// Outputs that were passed in to be written, but are not as many as there are.
    #[error("`{entry}` gives {expected} outputs, but {found} are to be written")]
    OutputCount {
        /// The entry point.
        entry: String,
        /// What it gives.
        expected: usize,
        /// What was passed in.
        found: usize,
    },
    /// An output that was passed in to be written, but is of another type.
    #[error(
        "output `{output}` is {expected}{shape:?}, but {found}{found_shape:?} is to be written"
    )]
    WrongOutput {
        /// The output's name.
        output: String,
        /// Its type.
        expected: DType,
        /// Its extents.
        shape: Vec<usize>,
        /// What was passed in.
        found: DType,
        /// The extents of what was passed in.
        found_shape: Vec<usize>,
    },
    /// More memory than may be used.
    #[error("the run takes {needed} bytes of memory; {limit} may be used")]
    MemoryLimit {
        /// What it takes.
        needed: u128,
        /// What it may take.
        limit: usize,
    },
    /// Memory that the system does not give.
    #[error("the system does not give {0} bytes of memory")]
    OutOfMemory(usize),
    /// An index outside the axis that it indexes.
    #[error(
        "kernel `{kernel}`: index {index} is outside `{tensor}`, which has {extent} places there"
    )]
    IndexOutOfRange {
        /// The kernel.
        kernel: String,
        /// The tensor that was indexed.
        tensor: String,
        /// The index.
        index: i64,
        /// How many places the indexed axis has.
        extent: i64,
    },
    /// A kernel that failed and does not say why.
    #[error("kernel `{kernel}` failed with status {status}")]
    KernelFailed {
        /// The kernel.
        kernel: String,
        /// What it gave back.
        status: i32,
    },
    /// A device that cannot be had, or does not do what it is told.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// A kernel that fails on a device.
    #[error("kernel `{kernel}`: {cause}")]
    DeviceKernel {
        /// The kernel.
        kernel: String,
        /// What the device says.
        cause: DeviceError,
    },
    /// A kernel that fails on a device, where it is not known which one.
    #[error(
        "`{entry}` failed on the device in one of the kernels {}: {cause}; a stepwise run names it",
        quoted(kernels)
    )]
    DeviceRun {
        /// The entry point.
        entry: String,
        /// The kernels that the run launches.
        kernels: Vec<String>,
        /// What the device says.
        cause: DeviceError,
    },
    /// A kernel set without code for a device.
    #[error(
        "the kernel set has no code that {device} runs, only for {}",
        quoted(machines)
    )]
    NoDeviceCode {
        /// The device.
        device: String,
        /// What there is code for.
        machines: Vec<Machine>,
    },
    /// More memory than a device has.
    #[error("{device} has {free} bytes of memory free; the session takes {needs}")]
    DeviceMemory {
        /// The device.
        device: String,
        /// What is free, without this session.
        free: usize,
        /// What the session takes.
        needs: Box<DeviceNeeds>,
    },
    /// A plan that contradicts itself under the bound dims.
    #[error("the plan of `{entry}` is wrong: {reason}")]
    Plan {
        /// The entry point, or the derived parameter.
        entry: String,
        /// What is wrong.
        reason: String,
    },
    /// A tensor that cannot be made.
    #[error(transparent)]
    Tensor(#[from] TensorError),
}

/// Why bytes are no kernel set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// The first bytes are not a kernel set's.
    #[error("this is not a kernel set")]
    NotAKernelSet,
    /// Another version's.
    #[error("the kernel set has format version {found}; this program reads version {expected}")]
    Version {
        /// The file's version.
        found: u32,
        /// The version that is read here.
        expected: u32,
    },
    /// Bytes are missing at the end, or there are too many.
    #[error(
        "the kernel set is cut or longer than it was: it should have {expected} bytes, but has {found}"
    )]
    Length {
        /// How many there should be.
        expected: u64,
        /// How many there are.
        found: u64,
    },
    /// A section that this version does not know.
    #[error("the kernel set has a section `{0}`, which this program does not know")]
    UnknownSection(String),
    /// A section that must be there, but is not.
    #[error("the kernel set has no section `{0}`")]
    MissingSection(String),
    /// Bytes that are not those that were written.
    #[error("the kernel set is damaged in {0}: its hash does not match")]
    Damaged(String),
    /// Sections that overlap, leave gaps or appear twice.
    #[error("the kernel set's section table is wrong: {0}")]
    Table(String),
    /// A section that does not read.
    #[error("the kernel set's section `{section}` does not read: {reason}")]
    Section {
        /// Which.
        section: String,
        /// What is wrong.
        reason: String,
    },
    /// Parts that contradict each other.
    #[error("the kernel set is inconsistent: {place}: {reason}")]
    Inconsistent {
        /// Where.
        place: String,
        /// What is wrong.
        reason: String,
    },
}

/// Why this machine cannot run one of a kernel set's targets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The target, as `architecture-isa`.
    pub target: String,
    /// The features that are missing; the architecture itself where it is another one.
    pub missing: Vec<String>,
}

fn refusals(refusals: &[Refusal]) -> String {
    if refusals.is_empty() {
        return "it holds no code".to_owned();
    }
    let texts = refusals.iter().map(|refusal| {
        let missing = refusal.missing.join(", ");
        format!("`{}` needs {missing}", refusal.target)
    });
    texts.collect::<Vec<_>>().join("; ")
}

fn joined(faults: &[WeightFault]) -> String {
    let texts: Vec<String> = faults.iter().map(WeightFault::to_string).collect();
    texts.join("; ")
}

fn quoted(names: &[impl Display]) -> String {
    if names.is_empty() {
        return "none".to_owned();
    }
    let texts: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    texts.join(", ")
}
