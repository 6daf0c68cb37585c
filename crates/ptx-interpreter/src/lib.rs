//! Runs PTX text on a CPU, and finds races, stray accesses and what was never written.

mod barriers;
mod block;
mod clock;
mod decoder;
mod entry;
mod error;
mod fault;
mod flow;
mod fused;
mod instruction;
mod kind;
mod lane;
mod launch;
mod machine;
mod memory;
mod module;
mod names;
mod parser;
mod publication;
mod region;
mod rounding;
mod shadow;
mod special;
mod syntax;
mod token;
mod warp;

pub use entry::{Entry, Parameter};
pub use error::{MemoryError, ParseError};
pub use fault::{Cause, Fault, Other, Place, Space};
pub use kind::Type;
pub use launch::{Launch, Limits, Statistics, launch};
pub use memory::Memory;
pub use module::Module;
