//! Kernels and bodies rewritten, held against the reference evaluator.

#![allow(clippy::unwrap_used)]

mod accuracy;
mod batch;
mod coalesce;
mod evaluation;
mod expansion;
mod random;
mod sample;
mod text;
mod verify;
