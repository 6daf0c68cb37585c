//! Kernel sets, loader, sessions and executor; depends on no compiler crate.

mod code_memory;

pub use code_memory::{CodeMemory, CodeMemoryError};
