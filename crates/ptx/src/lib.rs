//! GPU code: a PTX builder with typed registers, its printer, and every kernel family as PTX.
//!
//! Each kernel becomes one entry of a module; what it is called with says [`eyas_plan::Grid`]. A
//! family has a file (`map`, `reduce`, `contraction`, `scatter`); what they share goes from the
//! outside in: `emitter` knows the entry's parameters, `place` counts along axes, `cursor` follows
//! an access through them, `memory` moves elements, `body` and `cast` compute, and [`builder`]
//! keeps the instructions that `printer` writes.

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
mod transpose;
mod value;

pub use assembler::{AssembleError, Assembler, Complaint, Resources};
pub use compile::compile;
pub use error::PtxError;
pub use options::Options;
