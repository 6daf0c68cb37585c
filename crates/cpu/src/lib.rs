//! CPU code: every kernel family through Cranelift, hot ones through a wide emitter on iced-x86.
//!
//! Each kernel becomes one position-independent function of the ABI in [`eyas_plan`]; the linker
//! lays all of them out in one section.

mod arithmetic;
mod body;
mod cast;
mod check;
mod compile;
mod contraction;
mod cursor;
mod dim_table;
mod emitter;
mod error;
mod expansion;
mod fold;
mod form;
mod function;
mod fused;
mod linker;
mod listing;
mod map;
mod memory;
mod nest;
mod options;
mod places;
mod reduce;
mod rounding;
mod row;
mod scatter;
mod sixteen;
mod space;
mod target;
mod tile;
mod units;
mod wide;

pub use compile::{Compiled, compile};
pub(crate) use dim_table::DimTable;
pub use error::CpuError;
pub use listing::Listing;
pub use options::Options;
pub use wide::{WideFunction, compile as compile_wide, panel_width};
