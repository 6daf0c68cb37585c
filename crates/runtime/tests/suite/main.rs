//! Kernel sets with kernels by hand: written, read, bound, run.
#![cfg(target_arch = "x86_64")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod control;
mod device;
mod device_cases;
mod file;
mod harmless;
mod kernels;
mod mutation;
mod ptx;
mod session;
mod sets;
mod threads;
mod weights;
