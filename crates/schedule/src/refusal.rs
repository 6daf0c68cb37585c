use eyas_tensor::DimError;

/// Why a value does not go into a kernel: it then gets memory of its own, so no refusal reaches a
/// user unless the dims themselves fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The family has no such form.
    Form,
    /// Arithmetic on dims.
    Dim(DimError),
}

impl From<DimError> for Refusal {
    fn from(error: DimError) -> Refusal {
        Refusal::Dim(error)
    }
}
