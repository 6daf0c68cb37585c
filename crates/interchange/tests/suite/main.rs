//! The file formats seen from outside, one a file.

#![allow(clippy::unwrap_used)]

mod atomic;
mod csv;
mod dataset;
mod idx;
mod npy;
mod npz;
mod safetensors;
mod shared;
