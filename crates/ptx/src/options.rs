use std::collections::BTreeMap;

use eyas_plan::CudaArchitecture;

/// What code is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// What it needs of a GPU.
    pub architecture: CudaArchitecture,
    /// The places in the source that kernels come from, by the kernel's name, as the comments
    /// above them show.
    pub places: BTreeMap<String, Vec<String>>,
}

impl Options {
    /// Code for an architecture, with no places in the source.
    pub fn new(architecture: CudaArchitecture) -> Options {
        Options {
            architecture,
            places: BTreeMap::new(),
        }
    }
}
