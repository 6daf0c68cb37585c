//! From a module to kernels and the plans that launch them.
//!
//! [`schedule`] groups the nodes of each graph into kernels: views become accesses, elementwise
//! chains bodies, producers and consumers of reductions the stages and finishes of one kernel, what
//! follows a contraction its epilogue. Loops and ifs become steps around the steps of their bodies,
//! every value gets memory with a live range, and weights that stand right in a contraction are
//! packed by derived parameters. [`check`] proves the result against the module; debug builds do so
//! on every call.
//!
//! ```
//! use eyas_ir::Module;
//! use eyas_schedule::{Options, schedule};
//! let module = Module::from_text("module
//! symbol B
//! graph #0 main {
//!   %0 = input x : f32[B, 10]
//!   %1 = tanh %0 : f32[B, 10]
//!   %2 = softmax %1 axis=1 : f32[B, 10]
//!   return y = %2
//! }
//! entry Model = #0 inference
//! ").unwrap();
//! let program = schedule(&module, &Options::default()).unwrap();
//! let names: Vec<&str> = program.kernels.iter().map(|kernel| kernel.name.as_str()).collect();
//! assert_eq!(names, ["tanh", "softmax"]);
//! ```

mod arguments;
mod assemble;
mod check;
mod contraction;
mod control;
mod emit;
mod error;
mod graph_writer;
mod group;
mod index;
mod live;
mod lowered;
mod merge;
mod naming;
mod options;
mod pack;
mod program;
mod random;
mod reduce;
mod refusal;
mod scheduler;
mod text;
mod unused;
mod view;

pub use check::{CheckError, check};
pub use error::ScheduleError;
pub use options::Options;
pub use program::{Claim, ClaimGraph, ClaimResult, DerivedPlan, EntryPlan, Program};
pub use scheduler::schedule;
