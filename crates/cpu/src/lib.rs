//! CPU code: every kernel family through Cranelift, hot ones through a wide emitter on iced-x86.
//!
//! Each kernel becomes one position-independent function of the ABI in [`eyas_plan`]; the linker
//! lays all of them out in one section.

mod dim_table;
mod wide;

pub(crate) use dim_table::DimTable;
pub use wide::{WideFunction, compile as compile_wide, panel_width};
