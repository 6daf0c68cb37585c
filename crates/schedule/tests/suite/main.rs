//! Kernels and plans, interpreted, against the reference evaluator on the module.

#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used)]

mod agreement;
mod control;
mod faults;
mod models;
mod ops;
mod random_modules;
mod snapshots;
