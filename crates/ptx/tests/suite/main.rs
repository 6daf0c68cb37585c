//! Every kernel family in the PTX interpreter, against the interpreter of kernels.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod device;
mod draw;
mod map;
