use eyas_ir::Body;
use eyas_tensor::Dim;
use serde::{Deserialize, Serialize};

use crate::Access;

/// `writes = body(reads)` at every place of the space; no place is written twice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Map {
    /// The iteration space, outermost axis first.
    pub extents: Vec<Dim>,
    /// The inputs of the body.
    pub reads: Vec<Access>,
    /// What is done to one element.
    pub body: Body,
    /// Where each result of the body goes.
    pub writes: Vec<Access>,
}
