use std::collections::BTreeMap;
use std::sync::Arc;

use eyas_plan::Plan;
use eyas_tensor::{Tensor, TensorType};

use crate::binder::{Surroundings, bind_plan};
use crate::host::{Address, HostCall, Passed, Workspace, constant, parameter, run};
use crate::memory::{Memory, physical_memory};
use crate::program::{Value, static_size};
use crate::stored_tensor::{Storage, StoredTensor};
use crate::{DerivedParameter, KernelSet, RuntimeError, ValueOrigin, WeightFault, fault};

impl WeightFault {
    /// What keeps a tensor from being the value of a parameter.
    pub(crate) fn of(path: &str, ty: &TensorType, tensor: &Tensor) -> Option<WeightFault> {
        let path = path.to_owned();
        if tensor.dtype() != ty.dtype {
            return Some(WeightFault::WrongDtype {
                path,
                expected: ty.dtype,
                found: tensor.dtype(),
            });
        }
        let shape = ty.static_shape();
        (shape.as_deref() != Some(tensor.shape())).then(|| WeightFault::WrongShape {
            path,
            expected: ty.clone(),
            found: tensor.shape().to_vec(),
        })
    }
}

/// The kernel set with other weights.
///
/// # Errors
/// See [`KernelSet::bind`].
pub(crate) fn bind_weights(
    set: &KernelSet,
    weights: &BTreeMap<String, Tensor>,
) -> Result<KernelSet, RuntimeError> {
    let faults = faults(set, weights);
    if !faults.is_empty() {
        return Err(RuntimeError::Weights(faults));
    }
    let declared = |path: &String| set.program.parameters.contains_key(path);
    let mut values: BTreeMap<String, Value> = set
        .values
        .iter()
        .filter(|(path, _)| declared(path))
        .map(|(path, value)| (path.clone(), value.clone()))
        .collect();
    for (path, tensor) in weights {
        let copy = StoredTensor::copy_of(tensor);
        let copy = copy.ok_or(RuntimeError::OutOfMemory(tensor.bytes().len()))?;
        let value = Value {
            tensor: Arc::new(copy),
            origin: ValueOrigin::Given,
        };
        values.insert(path.clone(), value);
    }
    let mut bound = KernelSet {
        values,
        source: None,
        residents: Arc::default(),
        ..set.clone()
    };
    derive(&mut bound)?;
    Ok(bound)
}

fn faults(set: &KernelSet, weights: &BTreeMap<String, Tensor>) -> Vec<WeightFault> {
    let mut faults = Vec::new();
    for (path, declaration) in &set.program.parameters {
        match weights.get(path) {
            Some(tensor) => {
                let frozen = set.program.provenance.frozen.contains(path);
                let fault = WeightFault::of(path, &declaration.ty, tensor);
                let kept = set.values.get(path);
                let changed = kept.is_none_or(|value| value.tensor.bytes() != tensor.bytes());
                let fault = fault
                    .or_else(|| (frozen && changed).then(|| WeightFault::Frozen(path.clone())));
                faults.extend(fault);
            }
            None if !set.values.contains_key(path) => faults.push(WeightFault::Missing {
                path: path.clone(),
                ty: declaration.ty.clone(),
            }),
            None => {}
        }
    }
    let unknown = weights.keys();
    let unknown = unknown.filter(|path| !set.program.parameters.contains_key(*path));
    faults.extend(unknown.cloned().map(WeightFault::Extra));
    faults
}

/// Computes the derived parameters that the code for this machine reads and that have no value.
pub(crate) fn derive(set: &mut KernelSet) -> Result<(), RuntimeError> {
    let program = set.program.clone();
    if program.derived.is_empty() {
        return Ok(());
    }
    let Some(active) = set.active.clone() else {
        return match set.is_for_gpus() {
            true => Ok(()),
            false => set.target().map(|_| ()),
        };
    };
    let mut workspace = Workspace::default();
    let plans = &program.targets[active.target].derived;
    for (derived, plan) in program.derived.iter().zip(plans) {
        let Some(plan) = plan else { continue };
        let instances = derived.instances().ok_or_else(|| RuntimeError::Plan {
            entry: derived.path.clone(),
            reason: "it has too many instances".to_owned(),
        })?;
        for (counters, path) in instances {
            if set.values.contains_key(&path) {
                continue;
            }
            let tensor = compute(set, derived, plan, &counters, &path, &mut workspace)?;
            let value = Value {
                tensor: Arc::new(tensor),
                origin: ValueOrigin::Derived,
            };
            set.values.insert(path, value);
        }
    }
    Ok(())
}

/// Computes one derived parameter.
fn compute(
    set: &KernelSet,
    derived: &DerivedParameter,
    plan: &Plan,
    counters: &BTreeMap<String, i64>,
    path: &str,
    workspace: &mut Workspace,
) -> Result<StoredTensor, RuntimeError> {
    let wrong = |reason: &str| RuntimeError::Plan {
        entry: path.to_owned(),
        reason: reason.to_owned(),
    };
    let (target, active) = set.target()?;
    let (shape, bytes) =
        static_size(&derived.ty).ok_or_else(|| wrong("its type has no constant size"))?;
    let surroundings = Surroundings {
        name: path,
        functions: &target.code.functions,
        binding: &BTreeMap::new(),
        counters,
        constant: &|number| constant(&set.program.constants, number),
        lookup: &|path| parameter(&set.values, path),
        call: &|function, work| HostCall::new(&active.memory, 1, function, work),
        inputs: &[],
        outputs: &[bytes],
    };
    let bound = bind_plan(plan, &surroundings)?;
    let needed = Workspace::needed(&bound, 1).and_then(|needed| needed.checked_add(bytes));
    let limit = physical_memory();
    if needed.is_none_or(|needed| needed > limit) {
        let needed = needed.map_or(u128::MAX, |needed| needed as u128);
        return Err(RuntimeError::MemoryLimit { needed, limit });
    }
    workspace
        .prepare(&bound, 1)
        .map_err(RuntimeError::OutOfMemory)?;
    let memory = Memory::zeroed(bytes).ok_or(RuntimeError::OutOfMemory(bytes))?;
    let passed = Passed {
        inputs: &[],
        outputs: &[Address(memory.start())],
        states: &[],
    };
    // SAFETY: the plan was bound against this memory above, which stays until it is done; the
    // output is new. That functions are kernels is what loading a kernel set trusts in.
    let outcome = unsafe { run(&bound, workspace, &passed, None) };
    outcome.map_err(|cause| fault::explain(&cause, path, plan, &target.code.functions))?;
    let tensor = StoredTensor::new(derived.ty.dtype, shape, Storage::memory(memory));
    tensor.ok_or_else(|| wrong("its type has no constant size"))
}
