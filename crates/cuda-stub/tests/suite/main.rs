//! The stub as programs see it: through cudarc, in a process of its own that loads it as `libcuda.so`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod capture;
mod child;
mod contexts;
mod copies;
mod launches;
mod sessions;
mod sets;
mod streams;
