//! Runs PTX text on a CPU, and finds races, stray accesses and what was never written.

mod entry;
mod error;
mod fault;
mod kind;
mod launch;
mod memory;
mod module;

pub use entry::{Entry, Parameter};
pub use error::{MemoryError, ParseError};
pub use fault::{Cause, Fault, Other, Place, Space};
pub use kind::Type;
pub use launch::{Launch, Limits, Statistics, launch};
pub use memory::Memory;
pub use module::Module;
