//! Grammar, AST with spans, parser and formatter of the Eyas language.

pub mod ast;
mod build;
mod format;
mod grammar;
mod layout;
mod lexical;
mod parse;
mod slips;
mod tokens;

pub use format::format;
pub use parse::{Parsed, parse};
