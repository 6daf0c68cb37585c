//! The command as a user meets it: what it prints, and how it ends.

mod bad_data;
mod bad_kernel_sets;
mod bad_sources;
mod place;
mod usage;
