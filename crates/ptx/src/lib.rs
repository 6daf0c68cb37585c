//! GPU code: a PTX builder with typed registers, its printer, and every kernel family as PTX.
