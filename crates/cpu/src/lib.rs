//! CPU code: every kernel family through Cranelift, hot ones through a wide emitter on iced-x86.
//!
//! Each kernel becomes one position-independent function of the ABI in [`eyas_plan`]; the linker
//! lays all of them out in one section. A family has a file (`map`, `reduce`, `contraction`,
//! `scatter`); what they share goes from the outside in: `space` merges axes, `units` cuts work,
//! `cursor` follows an access through the loops, `row` runs a body along the innermost axis, and
//! `body` lowers it, an element or a vector of 128 bits at a time ([`Options::isa`] says with
//! which instructions).
//!
//! ```
//! use eyas_ir::{BodyBuilder, UnaryFunction};
//! use eyas_kernels::{Access, Argument, Kernel, Map, Role, Work};
//! use eyas_plan::Isa;
//! use eyas_tensor::{DType, Dim};
//!
//! let mut body = BodyBuilder::new();
//! let x = body.input(DType::F32);
//! let y = body.unary(UnaryFunction::Tanh, x);
//! let extents = vec![Dim::symbol("B"), Dim::from(64)];
//! let argument = |role| Argument { dtype: DType::F32, role, length: "64*B".parse().unwrap() };
//! let kernel = Kernel {
//!     name: "hidden.tanh".to_owned(),
//!     arguments: vec![argument(Role::Read), argument(Role::Write)],
//!     work: Work::Map(Map {
//!         reads: vec![Access::dense(0, &extents).unwrap()],
//!         body: body.finish(&[y]),
//!         writes: vec![Access::dense(1, &extents).unwrap()],
//!         extents,
//!     }),
//!     origin: Default::default(),
//! };
//! let options = eyas_cpu::Options { isa: Isa::PORTABLE, wide: false, listings: true };
//! let compiled = eyas_cpu::compile(&[kernel], &options).unwrap();
//! assert_eq!(compiled.code.functions[0].name, "hidden.tanh");
//! assert!(compiled.listings[0].asm.contains("ret"));
//! ```

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
