//! The passes and rules seen from outside.

#![allow(clippy::unwrap_used)]

mod loops;
mod property;
mod rule_check;
