//! The passes and rules seen from outside.

#![allow(clippy::unwrap_used, clippy::panic)]

mod choice;
mod loops;
mod models;
mod property;
mod rule_check;
mod user_rule;
