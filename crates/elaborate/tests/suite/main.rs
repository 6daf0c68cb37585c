//! Elaboration seen from outside.

mod support;

mod diagnostics;
mod explain;
mod graphs;
mod mutations;
mod values;
