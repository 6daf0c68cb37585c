//! The suite; see the crate's documentation.

mod determinism;
mod differential;
mod encoder;
mod files;
mod mnist;
mod program;
mod weights;
