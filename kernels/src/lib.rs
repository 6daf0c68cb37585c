//! The target-free kernel IR: iteration spaces, accesses, bodies, and the kernel families.
