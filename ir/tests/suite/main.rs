//! The graph IR seen from outside.

#![allow(clippy::unwrap_used)]

mod drawing;
mod everything;
mod json;
mod parse;
mod text;
mod verify;
