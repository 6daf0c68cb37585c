//! Elaboration seen from outside.

mod support;

mod diagnostics;
mod graphs;
mod values;
