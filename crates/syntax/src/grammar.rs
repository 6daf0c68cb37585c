//! The parser that pest makes of `eyas.pest`.

#![allow(missing_docs, reason = "generated from the grammar")]

#[derive(pest_derive::Parser)]
#[grammar = "eyas.pest"]
pub(crate) struct EyasParser;
