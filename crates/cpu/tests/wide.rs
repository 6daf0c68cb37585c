//! Kernels of the wide emitter against plain arithmetic.

#![allow(clippy::unwrap_used, clippy::expect_used)]
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]

#[path = "wide/attention.rs"]
mod attention;
#[path = "wide/case.rs"]
mod case;
#[path = "wide/contraction.rs"]
mod contraction;
#[path = "wide/guarded.rs"]
mod guarded;
#[path = "wide/map.rs"]
mod map;
#[path = "wide/reduce.rs"]
mod reduce;
