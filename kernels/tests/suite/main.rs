//! Kernels and bodies rewritten, held against the reference evaluator.

#![allow(clippy::unwrap_used)]

mod accuracy;
mod evaluation;
mod expansion;
mod random;
