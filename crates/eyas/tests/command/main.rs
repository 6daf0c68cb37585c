//! The command as a user meets it: what it prints, and how it ends.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bad_data;
mod bad_kernel_sets;
mod bad_sources;
mod devices;
mod place;
mod usage;
