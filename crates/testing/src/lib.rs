//! Random modules with inputs and parameters, for tests that compare two ways to run one.
//!
//! [`random_module`] gives the same module for the same seed and options. What it makes runs
//! without failing: indices are in range, nothing is the maximum of nothing. Magnitudes are kept
//! small, and functions are guarded from their poles, so that two sound ways to compute agree.
//!
//! ```
//! use eyas_testing::{Options, random_module};
//! let case = random_module(7, &Options::default());
//! case.module.verify().unwrap();
//! assert_eq!(case, random_module(7, &Options::default()));
//! ```

mod draw;
mod elementwise;
mod generator;
mod indexing;
mod layout;
mod looping;
mod options;
mod reduction;

pub use draw::Draw;
pub use generator::{Case, random_module};
pub use options::Options;
