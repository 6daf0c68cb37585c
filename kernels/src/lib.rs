//! The target-free kernel IR: iteration spaces, accesses, bodies, and the kernel families.
//!
//! A [`Kernel`] reads and writes [`Argument`]s through [`Access`]es that are affine in the axes of
//! its iteration space; what it does to one element is an [`eyas_ir::Body`]. How the work is
//! tiled and which registers it uses is for the target to say.
//!
//! [`Kernel::verify`] checks a kernel, [`Kernel::coalesced`] takes its axes together, [`expand`]
//! spells a body out in ops that every target has, and a kernel prints as dumps show it.
//!
//! ```
//! use eyas_ir::{BodyBuilder, Origin, UnaryFunction};
//! use eyas_kernels::{Access, Argument, Kernel, Map, Role, Work};
//! use eyas_tensor::{DType, Dim, Facts};
//!
//! let mut builder = BodyBuilder::new();
//! let x = builder.input(DType::F32);
//! let exponential = builder.unary(UnaryFunction::Exp, x);
//! let extents = [Dim::symbol("B"), Dim::from(8)];
//! let length = Dim::product(&extents).unwrap();
//! let argument = |role| Argument { dtype: DType::F32, role, length: length.clone() };
//! let kernel = Kernel {
//!     name: "exp".into(),
//!     arguments: vec![argument(Role::Read), argument(Role::Write)],
//!     work: Work::Map(Map {
//!         extents: extents.to_vec(),
//!         reads: vec![Access::dense(0, &extents).unwrap()],
//!         body: builder.finish(&[exponential]),
//!         writes: vec![Access::dense(1, &extents).unwrap()],
//!     }),
//!     origin: Origin::default(),
//! };
//! kernel.verify(&Facts::default()).unwrap();
//! assert_eq!(kernel.coalesced().space(), [length]);
//! assert!(kernel.to_string().contains("%1: f32 = exp %0"));
//! ```

mod access;
mod coalesce;
mod contraction;
mod function;
mod kernel;
mod map;
mod reduce;
mod scatter;
mod text;
mod verify;

pub use access::{Access, Indirect, row_major};
pub use contraction::{Contraction, RightLayout};
pub use function::{Capabilities, expand, random};
pub use kernel::{Argument, Kernel, Role, Work};
pub use map::Map;
pub use reduce::{ElementFinish, Fold, Reduce, RowFinish, Stage};
pub use scatter::Scatter;
pub use verify::{KernelCause, KernelError};
