use std::collections::BTreeMap;

use eyas_plan::{Code, Machine, Plan};
use eyas_tensor::{Facts, TensorType};
use serde::{Deserialize, Serialize};

use crate::{DerivedParameter, EntryPlans, EntryPoint, ParameterKind, Provenance, ValueOrigin};

/// What a kernel set says of itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    pub(crate) symbols: Vec<String>,
    pub(crate) facts: Facts,
    pub(crate) entries: Vec<EntryPoint>,
    pub(crate) parameters: BTreeMap<String, ManifestParameter>,
    pub(crate) derived: Vec<DerivedParameter>,
    /// Tensors of derived parameters, counters filled in.
    pub(crate) derived_values: BTreeMap<String, ManifestTensor>,
    pub(crate) constants: Vec<ManifestTensor>,
    pub(crate) targets: Vec<ManifestTarget>,
    /// The tensor section: what lies where.
    pub(crate) pool: Vec<PoolEntry>,
    pub(crate) provenance: Provenance,
}

/// A parameter or state.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ManifestParameter {
    pub(crate) ty: TensorType,
    pub(crate) kind: ParameterKind,
    /// Its place in the pool and where that value comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) value: Option<(usize, ValueOrigin)>,
}

/// A tensor without a name.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ManifestTensor {
    pub(crate) ty: TensorType,
    /// Its place in the pool.
    pub(crate) tensor: usize,
}

/// A kind of machine; its code is the code section of the same number.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ManifestTarget {
    pub(crate) machine: Machine,
}

/// Bytes of the tensor section.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PoolEntry {
    /// Their BLAKE3 hash in hexadecimal.
    pub(crate) hash: String,
    pub(crate) offset: usize,
    pub(crate) length: usize,
}

/// The plans and functions of a target.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TargetPlans {
    pub(crate) entries: Vec<EntryPlans>,
    pub(crate) derived: Vec<Option<Plan>>,
    /// The functions; the bytes are a section.
    pub(crate) code: Code,
}
