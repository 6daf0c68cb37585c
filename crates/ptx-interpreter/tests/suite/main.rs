//! Instructions and checks, by PTX written for each.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod launches;
mod run;
