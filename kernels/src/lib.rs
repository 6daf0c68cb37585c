//! The target-free kernel IR: iteration spaces, accesses, bodies, and the kernel families.
//!
//! A [`Kernel`] reads and writes [`Argument`]s through [`Access`]es that are affine in the axes of
//! its iteration space; what it does to one element is an [`eyas_ir::Body`]. How the work is
//! tiled and which registers it uses is for the target to say.

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
