//! The Eyas library and command.
