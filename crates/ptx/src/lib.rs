//! GPU code: a PTX builder with typed registers, its printer, and every kernel family as PTX.

mod assembler;

pub use assembler::{AssembleError, Assembler, Complaint, Resources};
