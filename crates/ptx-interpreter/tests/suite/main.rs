//! Instructions and checks, by PTX written for each.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod atomics;
mod barriers;
mod bits;
mod comparisons;
mod control;
mod conversions;
mod fences;
mod floats;
mod integers;
mod launches;
mod matrices;
mod memory;
mod moves;
mod mutated;
mod races;
mod run;
mod text;
mod undefined;
mod warps;
