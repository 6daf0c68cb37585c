use std::collections::BTreeMap;

use eyas_plan::Plan;
use eyas_tensor::{Extent, Tensor, TensorError, bind};

use crate::binder::extents;
use crate::program::size_of;
use crate::{EntryPlans, EntryPoint, KernelSet, RuntimeError, TargetCode};

/// What was worked out for some shapes of the inputs, and the plan for them, ready to be run.
#[derive(Debug)]
pub(crate) struct Binding<W> {
    pub(crate) bound: Bound,
    pub(crate) work: W,
}

/// What follows from the shapes of the inputs.
#[derive(Debug)]
pub(crate) struct Bound {
    /// The extents of each input.
    shapes: Vec<Vec<usize>>,
    /// Bytes of each input.
    pub(crate) input_bytes: Vec<usize>,
    /// The values of the dims.
    pub(crate) dims: BTreeMap<String, i64>,
    /// The extents of each output.
    pub(crate) outputs: Vec<Vec<usize>>,
    /// Bytes of each output.
    pub(crate) output_bytes: Vec<usize>,
    /// Which plan it is.
    pub(crate) choice: Choice,
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

impl Bound {
    /// Binds an entry point to the shapes of its inputs.
    pub(crate) fn new(
        set: &KernelSet,
        target: &TargetCode,
        entry: usize,
        inputs: &[&Tensor],
    ) -> Result<Bound, RuntimeError> {
        let point = &set.program.entries[entry];
        let dims = bind(&declared(point, inputs)?, &set.program.facts)?;
        let choice = Choice::new(&target.entries[entry], &dims);
        let (mut outputs, mut output_bytes) = (Vec::new(), Vec::new());
        for output in &point.outputs {
            let place = || format!("output `{}`", output.name);
            let shape = extents(&output.ty, &dims, &place)?;
            let dtype = output.ty.dtype;
            let size = size_of(dtype, &shape);
            output_bytes.push(size.ok_or_else(|| TensorError::TooLarge {
                shape: shape.clone(),
                dtype,
            })?);
            outputs.push(shape);
        }
        let shapes = inputs.iter().map(|tensor| tensor.shape().to_vec());
        Ok(Bound {
            shapes: shapes.collect(),
            input_bytes: inputs.iter().map(|tensor| tensor.bytes().len()).collect(),
            dims,
            outputs,
            output_bytes,
            choice,
        })
    }

    /// Whether it was made for inputs of these shapes.
    fn serves(&self, inputs: &[&Tensor]) -> bool {
        let mut shapes = self.shapes.iter().zip(inputs);
        shapes.all(|(shape, tensor)| shape == tensor.shape())
    }
}

/// The bindings of each entry point, the last used first.
#[derive(Debug)]
pub(crate) struct Bindings<W>(Vec<Vec<Binding<W>>>);

impl<W> Bindings<W> {
    /// None, for so many entry points.
    pub(crate) fn new(entries: usize) -> Bindings<W> {
        let none = std::iter::repeat_with(Vec::new);
        Bindings(none.take(entries).collect())
    }

    /// Makes the one for inputs of these shapes the first; whether there is one.
    pub(crate) fn find(&mut self, entry: usize, inputs: &[&Tensor]) -> bool {
        let known = &mut self.0[entry];
        let place = known
            .iter()
            .position(|binding| binding.bound.serves(inputs));
        if let Some(place) = place {
            known[..=place].rotate_right(1);
        }
        place.is_some()
    }

    /// Puts one before the others, of which so many stay that there are `keep`, and at least it.
    pub(crate) fn insert(&mut self, entry: usize, keep: usize, binding: Binding<W>) {
        let known = &mut self.0[entry];
        known.truncate(keep.max(1) - 1);
        known.insert(0, binding);
    }

    /// The one that was used last.
    pub(crate) fn first(&self, entry: usize) -> Option<&Binding<W>> {
        self.0[entry].first()
    }

    /// The one that was used last.
    pub(crate) fn first_mut(&mut self, entry: usize) -> Option<&mut Binding<W>> {
        self.0[entry].first_mut()
    }

    /// All but the one of an entry point that was used last.
    pub(crate) fn others(&mut self, entry: usize) -> impl Iterator<Item = &mut Binding<W>> {
        let known = self.0.iter_mut().enumerate();
        known.flat_map(move |(place, known)| {
            let skipped = usize::from(place == entry);
            known.iter_mut().skip(skipped)
        })
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
