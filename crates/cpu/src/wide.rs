//! The wide emitter: whole kernels in AVX2 or AVX-512, made with iced-x86.

use eyas_kernels::Kernel;
use eyas_plan::Isa;
use eyas_tensor::Dim;

/// A kernel's machine code, position independent and complete.
#[derive(Debug, Clone)]
pub(crate) struct WideFunction {
    pub(crate) bytes: Vec<u8>,
    pub(crate) dims: Vec<Dim>,
    pub(crate) units: Dim,
    pub(crate) unit_cost: Dim,
    pub(crate) scratch: Dim,
}

/// The kernel in wide vectors; `None` where the emitter has no form for it.
pub(crate) fn compile(_kernel: &Kernel, _isa: Isa) -> Option<WideFunction> {
    None
}
