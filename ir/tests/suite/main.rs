//! The graph IR seen from outside.

#![allow(clippy::unwrap_used)]

mod body;
mod drawing;
mod everything;
mod json;
mod parse;
mod text;
mod verify;
