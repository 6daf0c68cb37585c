use eyas_kernels::KernelError;
use eyas_tensor::DimError;

/// Why kernels cannot be compiled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PtxError {
    /// A kernel needs what has no GPU form yet.
    #[error("kernel `{kernel}`: {what} has no GPU form")]
    Unsupported {
        /// The kernel's name.
        kernel: String,
        /// What is missing.
        what: String,
    },
    /// A kernel contradicts itself.
    #[error(transparent)]
    Malformed(#[from] KernelError),
    /// A kernel's dims cannot be computed with.
    #[error("kernel `{kernel}`: {error}")]
    Dim {
        /// The kernel's name.
        kernel: String,
        /// Why.
        error: DimError,
    },
}

/// What goes wrong inside one kernel.
#[derive(Debug)]
pub(crate) enum Fault {
    Unsupported(String),
    Dim(DimError),
}

impl From<DimError> for Fault {
    fn from(error: DimError) -> Fault {
        Fault::Dim(error)
    }
}

impl Fault {
    /// The error with the kernel's name.
    pub(crate) fn of(self, kernel: &str) -> PtxError {
        let kernel = kernel.to_owned();
        match self {
            Fault::Unsupported(what) => PtxError::Unsupported { kernel, what },
            Fault::Dim(error) => PtxError::Dim { kernel, error },
        }
    }
}
