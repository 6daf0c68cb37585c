use std::collections::BTreeMap;
use std::sync::Arc;

use eyas_plan::{Code, Function};
use eyas_tensor::{DType, Facts, TensorType};

use crate::stored_tensor::StoredTensor;
use crate::{
    CodeMemory, CodeMemoryError, DerivedParameter, EntryPoint, ParameterKind, Provenance, Refusal,
    TargetCode, ValueOrigin,
};

/// What of a kernel set does not depend on weights.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) symbols: Vec<String>,
    pub(crate) facts: Facts,
    pub(crate) entries: Vec<EntryPoint>,
    pub(crate) parameters: BTreeMap<String, Declaration>,
    pub(crate) derived: Vec<DerivedParameter>,
    pub(crate) constants: Vec<Arc<StoredTensor>>,
    pub(crate) targets: Vec<TargetCode>,
    pub(crate) provenance: Provenance,
}

/// A parameter or state without its value.
#[derive(Debug, Clone)]
pub(crate) struct Declaration {
    pub(crate) ty: TensorType,
    pub(crate) kind: ParameterKind,
}

/// What a parameter, a state or a derived parameter holds.
#[derive(Debug, Clone)]
pub(crate) struct Value {
    pub(crate) tensor: Arc<StoredTensor>,
    pub(crate) origin: ValueOrigin,
}

/// The target that runs on this machine.
#[derive(Debug)]
pub(crate) struct Active {
    /// Its place in [`Program::targets`].
    pub(crate) target: usize,
    /// Its code.
    pub(crate) memory: CodeMemory,
}

impl Active {
    /// The best of the targets that this machine can run; `None` where it can run none.
    pub(crate) fn choose(targets: &[TargetCode]) -> Result<Option<Active>, CodeMemoryError> {
        let able = targets
            .iter()
            .enumerate()
            .filter(|(_, target)| missing(target).is_empty());
        let Some((target, code)) =
            able.max_by_key(|(place, target)| (target.isa, usize::MAX - place))
        else {
            return Ok(None);
        };
        let memory = CodeMemory::new(&code.code.bytes)?;
        Ok(Some(Active { target, memory }))
    }
}

/// What each target needs and this machine lacks.
pub(crate) fn refusals(targets: &[TargetCode]) -> Vec<Refusal> {
    let refusal = |target: &TargetCode| Refusal {
        target: format!("{}-{}", target.architecture, target.isa),
        missing: missing(target),
    };
    targets.iter().map(refusal).collect()
}

/// The features that a target needs and this machine lacks; the architecture where it is another.
pub(crate) fn missing(target: &TargetCode) -> Vec<String> {
    if target.architecture != std::env::consts::ARCH {
        return vec![target.architecture.clone()];
    }
    let features = target.isa.missing();
    features.into_iter().map(str::to_owned).collect()
}

/// The shape of a type whose extents are constants, and how many bytes it takes.
pub(crate) fn static_size(ty: &TensorType) -> Option<(Vec<usize>, usize)> {
    let shape = ty.static_shape()?;
    let bytes = size_of(ty.dtype, &shape)?;
    Some((shape, bytes))
}

/// The bytes that a tensor takes.
pub(crate) fn size_of(dtype: DType, shape: &[usize]) -> Option<usize> {
    let count = shape
        .iter()
        .try_fold(1usize, |n, &extent| n.checked_mul(extent))?;
    dtype.bytes_for(count)
}

/// Whether the function lies in the section.
pub(crate) fn in_section(function: &Function, code: &Code) -> bool {
    let end = function.offset.checked_add(function.size);
    function.size > 0 && end.is_some_and(|end| end <= code.bytes.len())
}
