//! Fusion groups, kernel choice, memory plan and its checker.

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
