//! The suite; see the crate's documentation.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod assemble;
mod cuda;
mod decoder;
mod determinism;
mod differential;
mod encoder;
mod files;
mod mnist;
mod ops;
mod program;
mod weights;
