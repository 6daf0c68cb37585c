use eyas_tensor::DimError;

/// Why kernels cannot be compiled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CpuError {
    /// A kernel needs what has no CPU form yet.
    #[error("kernel `{kernel}`: {what} has no CPU form")]
    Unsupported {
        /// The kernel's name.
        kernel: String,
        /// What is missing.
        what: String,
    },
    /// A kernel contradicts itself.
    #[error("kernel `{kernel}` is malformed: {what}")]
    Malformed {
        /// The kernel's name.
        kernel: String,
        /// What is wrong.
        what: String,
    },
    /// A kernel's dims cannot be computed with.
    #[error("kernel `{kernel}`: {error}")]
    Dim {
        /// The kernel's name.
        kernel: String,
        /// Why.
        error: DimError,
    },
    /// Cranelift refuses a function.
    #[error("kernel `{kernel}`: Cranelift says: {message}")]
    Cranelift {
        /// The kernel's name.
        kernel: String,
        /// What it says.
        message: String,
    },
    /// A function needs something outside its section.
    #[error("kernel `{kernel}` refers to `{symbol}`, which is not in its section")]
    Symbol {
        /// The kernel's name.
        kernel: String,
        /// What it refers to.
        symbol: String,
    },
    /// Cranelift has no such target.
    #[error("no code can be made for `{isa}`: {message}")]
    Target {
        /// The instruction set.
        isa: String,
        /// What Cranelift says.
        message: String,
    },
}

/// What goes wrong inside one kernel.
#[derive(Debug)]
pub(crate) enum Fault {
    Unsupported(String),
    Malformed(String),
    Dim(DimError),
}

impl From<DimError> for Fault {
    fn from(error: DimError) -> Fault {
        Fault::Dim(error)
    }
}

impl Fault {
    /// The error with the kernel's name.
    pub(crate) fn of(self, kernel: &str) -> CpuError {
        let kernel = kernel.to_owned();
        match self {
            Fault::Unsupported(what) => CpuError::Unsupported { kernel, what },
            Fault::Malformed(what) => CpuError::Malformed { kernel, what },
            Fault::Dim(error) => CpuError::Dim { kernel, error },
        }
    }
}
