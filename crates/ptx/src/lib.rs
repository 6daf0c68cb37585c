//! GPU code: a PTX builder with typed registers, its printer, and every kernel family as PTX.
//!
//! Each kernel becomes one entry of a module; what it is called with says [`eyas_plan::Grid`]. A
//! family has a file (`map`, `reduce`, `contraction`, `scatter`); what they share goes from the
//! outside in: `emitter` knows the entry's parameters, `place` counts along axes, `cursor` follows
//! an access through them, `memory` moves elements, `body` and `cast` compute, and [`builder`]
//! keeps the instructions that `printer` writes.
//!
//! ```
//! use eyas_ir::{BodyBuilder, UnaryFunction};
//! use eyas_kernels::{Access, Argument, Kernel, Map, Role, Work};
//! use eyas_plan::CudaArchitecture;
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
//! let options = eyas_ptx::Options::new(CudaArchitecture::Sm80);
//! let code = eyas_ptx::compile(&[kernel], &options).unwrap();
//! let text = String::from_utf8(code.bytes).unwrap();
//! assert!(text.contains(".visible .entry hidden_tanh("));
//! assert!(text.contains("ld.global.v4.f32"));
//! ```

pub mod builder;

mod assembler;
mod body;
mod cast;
mod compile;
mod contraction;
mod cursor;
mod dim_table;
mod emitter;
mod error;
mod grid;
mod map;
mod memory;
mod name;
mod options;
mod place;
mod printer;
mod reduce;
mod scatter;
mod simplify;
mod transpose;
mod value;

pub use assembler::{AssembleError, Assembler, Complaint, Resources};
pub use compile::compile;
pub use error::PtxError;
pub use options::Options;
