//! Fusion groups, kernel choice, memory plan and its checker.
