//! Every kernel family in the PTX interpreter, against the interpreter of kernels.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bodies;
mod compile;
mod contraction;
mod device;
mod draw;
mod map;
mod reduce;
mod reduce_code;
mod scatter;
mod snapshot;
mod transpose;
