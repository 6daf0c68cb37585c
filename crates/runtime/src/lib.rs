//! Kernel sets, loader, sessions and executor; depends on no compiler crate.
