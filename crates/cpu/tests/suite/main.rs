//! Every kernel family, against the interpreter of kernels.

#![allow(clippy::unwrap_used)]

mod bodies;
mod contraction;
mod draw;
mod launch;
mod map;
mod reduce;
mod scatter;
