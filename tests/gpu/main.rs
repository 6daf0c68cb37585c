//! What only a GPU can show: sizes that the interpreter of PTX is too slow for, and the driver itself. Without a GPU
//! these tests skip with a line that says so; the last one runs them on a stub of the driver, at small sizes.
//!
//! With `EYAS_GPU=required` a machine without a GPU fails them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../suite/assemble.rs"]
mod assemble;
mod elementwise;
mod indexing;
mod layout;
mod machine;
mod models;
mod products;
mod reduction;
mod sessions;
