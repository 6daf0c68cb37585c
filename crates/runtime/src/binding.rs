use std::collections::BTreeMap;

use eyas_plan::Plan;
use eyas_tensor::{Extent, Tensor, TensorError, bind};

use crate::binder::{Found, Surroundings, bind_plan, extents};
use crate::bound_plan::{Address, Base, BoundPlan};
use crate::executor::Workspace;
use crate::program::size_of;
use crate::states::States;
use crate::{EntryPlans, EntryPoint, KernelSet, ParameterKind, RuntimeError};

/// What was worked out for some shapes of the inputs.
#[derive(Debug)]
pub(crate) struct Binding {
    /// The extents of each input.
    shapes: Vec<Vec<usize>>,
    /// The values of the dims.
    pub(crate) dims: BTreeMap<String, i64>,
    /// The extents of each output.
    pub(crate) outputs: Vec<Vec<usize>>,
    /// Bytes of all outputs that are given back.
    output_bytes: u128,
    /// Which plan it is.
    pub(crate) choice: Choice,
    pub(crate) plan: BoundPlan,
}

/// One of an entry point's plans.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Choice {
    Generic,
    Specialised(usize),
}

impl Choice {
    /// The specialised plan that fixes the most of these dims; the generic one where none does.
    fn new(plans: &EntryPlans, dims: &BTreeMap<String, i64>) -> Choice {
        let specialised = plans.specialised.iter().enumerate();
        let able = specialised.filter(|(_, special)| {
            let mut fixed = special.binding.iter();
            fixed.all(|(symbol, value)| dims.get(symbol) == Some(value))
        });
        let best =
            able.max_by_key(|(place, special)| (special.binding.len(), std::cmp::Reverse(*place)));
        best.map_or(Choice::Generic, |(place, _)| Choice::Specialised(place))
    }

    /// The plan.
    pub(crate) fn plan(self, plans: &EntryPlans) -> &Plan {
        match self {
            Choice::Generic => &plans.generic,
            Choice::Specialised(place) => plans
                .specialised
                .get(place)
                .map_or(&plans.generic, |special| &special.plan),
        }
    }
}

impl Binding {
    /// Binds an entry point to the shapes of its inputs.
    pub(crate) fn new(
        set: &KernelSet,
        entry: usize,
        inputs: &[&Tensor],
        states: &States,
        threads: usize,
    ) -> Result<Binding, RuntimeError> {
        let point = &set.program.entries[entry];
        let dims = bind(&declared(point, inputs)?, &set.program.facts)?;
        let (target, active) = set.target()?;
        let plans = &target.entries[entry];
        let choice = Choice::new(plans, &dims);
        let (mut outputs, mut sizes, mut output_bytes) = (Vec::new(), Vec::new(), 0u128);
        for output in &point.outputs {
            let place = || format!("output `{}`", output.name);
            let shape = extents(&output.ty, &dims, &place)?;
            let dtype = output.ty.dtype;
            let size = size_of(dtype, &shape);
            let size = size.ok_or_else(|| TensorError::TooLarge {
                shape: shape.clone(),
                dtype,
            })?;
            if output.state.is_none() {
                output_bytes += size as u128;
            }
            outputs.push(shape);
            sizes.push(size);
        }
        let lookup = |path: &str| find(set, states, path);
        let input_sizes: Vec<usize> = inputs.iter().map(|tensor| tensor.bytes().len()).collect();
        let surroundings = Surroundings {
            name: &point.name,
            functions: &target.code.functions,
            memory: &active.memory,
            constants: &set.program.constants,
            binding: &dims,
            counters: &BTreeMap::new(),
            lookup: &lookup,
            inputs: &input_sizes,
            outputs: &sizes,
            threads,
        };
        let plan = bind_plan(choice.plan(plans), &surroundings)?;
        Ok(Binding {
            shapes: inputs
                .iter()
                .map(|tensor| tensor.shape().to_vec())
                .collect(),
            dims,
            outputs,
            output_bytes,
            choice,
            plan,
        })
    }

    /// Whether it was made for inputs of these shapes.
    pub(crate) fn serves(&self, inputs: &[&Tensor]) -> bool {
        let mut shapes = self.shapes.iter().zip(inputs);
        shapes.all(|(shape, tensor)| shape == tensor.shape())
    }

    /// Bytes of memory that a run takes.
    pub(crate) fn needed(&self, threads: usize) -> u128 {
        let workspace = Workspace::needed(&self.plan, threads);
        let workspace = workspace.map_or(u128::from(u64::MAX), |bytes| bytes as u128);
        workspace + self.output_bytes
    }
}

/// The extents that are declared and given.
fn declared<'a>(
    point: &'a EntryPoint,
    inputs: &[&Tensor],
) -> Result<Vec<Extent<'a>>, RuntimeError> {
    let mut extents = Vec::new();
    for (input, tensor) in point.inputs.iter().zip(inputs) {
        if tensor.shape().len() != input.ty.rank() {
            return Err(RuntimeError::WrongRank {
                input: input.name.clone(),
                expected: input.ty.clone(),
                found: tensor.shape().to_vec(),
            });
        }
        let axes = input.ty.shape.iter().zip(tensor.shape()).enumerate();
        extents.extend(axes.map(|(axis, (dim, &found))| Extent {
            input: &input.name,
            axis,
            dim,
            found,
        }));
    }
    Ok(extents)
}

/// The memory of a parameter or state.
fn find(set: &KernelSet, states: &States, path: &str) -> Option<Found> {
    let declared = set.program.parameters.get(path);
    if declared.is_some_and(|declared| declared.kind == ParameterKind::State) {
        let (number, bytes) = states.find(path)?;
        let base = Base::State(number);
        return Some(Found { base, bytes });
    }
    let bytes = set.values.get(path)?.tensor.bytes();
    Some(Found {
        base: Base::Fixed(Address(bytes.as_ptr().cast_mut())),
        bytes: bytes.len(),
    })
}
