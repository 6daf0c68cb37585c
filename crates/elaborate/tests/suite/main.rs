//! Elaboration seen from outside.
#![allow(clippy::unwrap_used)]

mod support;

mod diagnostics;
mod explain;
mod graphs;
mod mutations;
mod values;
