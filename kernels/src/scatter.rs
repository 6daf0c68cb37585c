use eyas_ir::Combine;
use eyas_tensor::Dim;
use serde::{Deserialize, Serialize};

use crate::Access;

/// `target = combine(target, update)` at every place in row-major order, one after the other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scatter {
    /// The iteration space, that of the updates.
    pub extents: Vec<Dim>,
    /// What is combined in.
    pub update: Access,
    /// Where it goes; its indirect part holds the scattered index.
    pub target: Access,
    /// How an update meets what is there.
    pub combine: Combine,
}
