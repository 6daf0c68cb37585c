//! The evaluator seen from outside, a family of ops a file.

#![allow(clippy::unwrap_used)]

mod binding;
mod composite;
mod contraction;
mod control;
mod decomposition;
mod derived;
mod elementwise;
mod indexing;
mod kernel;
mod layout;
mod limits;
mod mnist;
mod plan;
mod random;
mod reduction;
mod single;
