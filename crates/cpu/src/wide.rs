//! The wide emitter: whole kernels in AVX2 or AVX-512, made with iced-x86.
//!
//! A contraction is tiles of rows and columns whose sums stay in registers, with the epilogue done
//! there; maps and reductions walk the innermost axis a vector at a time. All lower bodies the same
//! way: a `Program` says what is done to whole vectors, a `Lowering` finds registers for it. What
//! is static is part of the code, what is symbolic is read from the context. Every result has the
//! bits of the kernel's Cranelift twin.

mod assembler;
mod axes;
mod contraction;
mod epilogue;
mod function;
mod lowering;
mod map;
mod operation;
mod pack;
mod program;
mod reduce;
mod tile;
mod vector;
mod walk;

use eyas_kernels::{Kernel, Work};
use eyas_plan::{Isa, IsaLevel};
use eyas_tensor::Dim;

/// A kernel's machine code, position independent and complete.
#[derive(Debug, Clone)]
pub struct WideFunction {
    /// The code of one function of the kernel ABI, its constants behind it.
    pub bytes: Vec<u8>,
    /// The dims that it reads through the context, in the order of its table.
    pub dims: Vec<Dim>,
    /// How many units its work can be split into.
    pub units: Dim,
    /// Scalar operations in a unit, roughly.
    pub unit_cost: Dim,
    /// Bytes of scratch memory a thread needs.
    pub scratch: Dim,
}

/// The kernel in wide vectors; `None` where the emitter has no form for it.
pub fn compile(kernel: &Kernel, isa: Isa) -> Option<WideFunction> {
    match &kernel.work {
        Work::Contraction(contraction) => contraction::compile(contraction, &kernel.arguments, isa),
        Work::Map(map) => map::compile(map, &kernel.arguments, isa),
        Work::Reduce(reduce) => reduce::compile(reduce, &kernel.arguments, isa),
        Work::Scatter(_) => None,
    }
}

/// Columns of a panel of the packed right operand of a wide contraction
/// ([`eyas_kernels::RightLayout::Panels`]); `None` where there is no wide contraction.
pub fn panel_width(isa: Isa) -> Option<usize> {
    match isa.level {
        IsaLevel::Portable => None,
        IsaLevel::V3 => Some(16),
        IsaLevel::V4 => Some(64),
    }
}
