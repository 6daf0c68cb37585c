use std::collections::BTreeMap;
use std::sync::Arc;

use eyas_plan::{Code, Function, Machine};
use eyas_tensor::{DType, Facts, TensorType};

use crate::resident::Modules;
use crate::stored_tensor::StoredTensor;
use crate::{
    CodeMemory, CodeMemoryError, DerivedParameter, EntryPoint, ParameterKind, Provenance, Refusal,
    RuntimeError, TargetCode, ValueOrigin,
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
    /// The code on devices.
    pub(crate) modules: Modules,
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

/// The target that runs on this machine's processor.
#[derive(Debug)]
pub(crate) struct Active {
    /// Its place in [`Program::targets`].
    pub(crate) target: usize,
    /// Its code.
    pub(crate) memory: CodeMemory,
}

impl Active {
    /// The best of the targets that this machine's processor can run; `None` where it can run none.
    pub(crate) fn choose(targets: &[TargetCode]) -> Result<Option<Active>, CodeMemoryError> {
        let able = targets.iter().enumerate().filter_map(|(place, target)| {
            let isa = target.machine.isa()?;
            let runs = missing(&target.machine).is_empty();
            runs.then_some((place, target, isa))
        });
        let best = able.max_by_key(|(place, _, isa)| (*isa, usize::MAX - place));
        let Some((target, code, _)) = best else {
            return Ok(None);
        };
        let memory = CodeMemory::new(&code.code.bytes)?;
        Ok(Some(Active { target, memory }))
    }
}

/// Why the code does not run on this machine's processor.
pub(crate) fn refuse(targets: &[TargetCode]) -> RuntimeError {
    let cpu = |target: &&TargetCode| target.machine.isa().is_some();
    let refusal = |target: &TargetCode| Refusal {
        target: target.machine.to_string(),
        missing: missing(&target.machine),
    };
    let refusals: Vec<Refusal> = targets.iter().filter(cpu).map(refusal).collect();
    match refusals.is_empty() && !targets.is_empty() {
        true => RuntimeError::NoCpuCode(machines(targets)),
        false => RuntimeError::UnsupportedCpu(refusals),
    }
}

/// What the targets are made for.
pub(crate) fn machines(targets: &[TargetCode]) -> Vec<Machine> {
    targets
        .iter()
        .map(|target| target.machine.clone())
        .collect()
}

/// The features that code for a processor needs and this one lacks; the architecture where it is
/// another. What GPUs are there is not looked at.
pub(crate) fn missing(machine: &Machine) -> Vec<String> {
    match machine {
        Machine::Cpu { architecture, .. } if architecture != std::env::consts::ARCH => {
            vec![architecture.clone()]
        }
        Machine::Cpu { isa, .. } => isa.missing().into_iter().map(str::to_owned).collect(),
        Machine::Cuda(_) => Vec::new(),
    }
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
