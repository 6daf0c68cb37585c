//! Gives the dims of a plan their values. Everything that a kernel is handed is compared here with
//! the memory that is there.

use std::collections::BTreeMap;

use eyas_plan::{Buffer, Function, Launch, Loop, Operand, Place, Plan, Step, place};
use eyas_tensor::{Dim, TensorError, TensorType};

use crate::RuntimeError;
use crate::bound_dim::BoundDim;
use crate::bound_plan::{
    Base, BoundCarry, BoundIf, BoundLaunch, BoundLoop, BoundOperand, BoundPlan, BoundStep, Offset,
    Template,
};
use crate::parts::{counters_in, fill_in};
use crate::program::size_of;

/// What a plan is bound to.
pub(crate) struct Surroundings<'a, A, C> {
    /// What errors call the plan.
    pub(crate) name: &'a str,
    pub(crate) functions: &'a [Function],
    pub(crate) binding: &'a BTreeMap<String, i64>,
    /// Counters that paths may name besides those of loops.
    pub(crate) counters: &'a BTreeMap<String, i64>,
    /// The memory of a constant.
    pub(crate) constant: &'a dyn Fn(usize) -> Option<Found<A>>,
    /// The memory of a parameter or state.
    pub(crate) lookup: &'a dyn Fn(&str) -> Option<Found<A>>,
    /// How a function does so much work; an error says what keeps it from that.
    pub(crate) call: &'a dyn Fn(&Function, &Work) -> Result<C, String>,
    /// Bytes of each input.
    pub(crate) inputs: &'a [usize],
    /// Bytes of each output.
    pub(crate) outputs: &'a [usize],
}

/// Memory that outlives a run.
pub(crate) struct Found<A> {
    pub(crate) base: Base<A>,
    pub(crate) bytes: usize,
}

/// What a launch has to do, and with what.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Work {
    /// The function's number.
    pub(crate) kernel: usize,
    /// At least one.
    pub(crate) units: i64,
    /// Scalar operations in a unit.
    pub(crate) cost: i64,
    /// Bytes of scratch memory.
    pub(crate) scratch: usize,
    /// How many of them are zero before it begins.
    pub(crate) cleared: usize,
    /// Its number among the launches that say in memory which index is out of range.
    pub(crate) failure: Option<usize>,
}

/// Tensors that the iterations of a loop may name.
const MAX_TABLE: usize = 1 << 20;

/// The extents of a type under a binding.
///
/// # Errors
/// [`RuntimeError::Dim`] and [`RuntimeError::Negative`].
pub(crate) fn extents(
    ty: &TensorType,
    binding: &BTreeMap<String, i64>,
    place: &dyn Fn() -> String,
) -> Result<Vec<usize>, RuntimeError> {
    let extents = ty.shape.iter().map(|dim| {
        let value = evaluate(dim, binding, place)?;
        usize::try_from(value).map_err(|_| RuntimeError::Negative {
            place: place(),
            dim: dim.to_string(),
            value,
        })
    });
    extents.collect()
}

fn evaluate(
    dim: &Dim,
    binding: &BTreeMap<String, i64>,
    place: &dyn Fn() -> String,
) -> Result<i64, RuntimeError> {
    let value = dim.evaluate(&|name| binding.get(name).copied());
    value.map_err(|cause| RuntimeError::Dim {
        place: place(),
        cause,
    })
}

/// The plan under a binding.
///
/// # Errors
/// Dims without values, negative extents, and [`RuntimeError::Plan`] where a kernel would reach
/// past the memory that it is given.
pub(crate) fn bind_plan<A: Copy, C>(
    plan: &Plan,
    surroundings: &Surroundings<'_, A, C>,
) -> Result<BoundPlan<A, C>, RuntimeError> {
    let mut binder = Binder {
        plan,
        surroundings,
        sizes: Vec::with_capacity(plan.buffers.len()),
        bases: Vec::with_capacity(plan.buffers.len()),
        chain: Vec::new(),
        loops: 0,
        scratch: 0,
        most_arguments: 0,
        failures: 0,
    };
    binder.sizes()?;
    let arena = binder.bases()?;
    let steps = binder.steps(&plan.steps)?;
    Ok(BoundPlan {
        arena,
        scratch: binder.scratch,
        bases: binder.bases,
        loops: binder.loops,
        most_arguments: binder.most_arguments,
        failures: binder.failures,
        steps,
    })
}

struct Binder<'a, A, C> {
    plan: &'a Plan,
    surroundings: &'a Surroundings<'a, A, C>,
    /// Bytes of each buffer.
    sizes: Vec<usize>,
    bases: Vec<Base<A>>,
    /// The loops around, the outermost first.
    chain: Vec<Around<'a, A>>,
    loops: usize,
    scratch: usize,
    most_arguments: usize,
    failures: usize,
}

/// A loop around.
struct Around<'a, A> {
    variable: &'a str,
    trip: &'a str,
    slot: usize,
    /// The counter's first value and how many there are, where other loops do not change them.
    fixed: Option<(i64, i64)>,
    count: Option<i64>,
    templates: BTreeMap<usize, Template<A>>,
}

impl<'a, A: Copy, C> Binder<'a, A, C> {
    fn wrong(&self, reason: impl Into<String>) -> RuntimeError {
        RuntimeError::Plan {
            entry: self.surroundings.name.to_owned(),
            reason: reason.into(),
        }
    }

    fn sizes(&mut self) -> Result<(), RuntimeError> {
        for buffer in &self.plan.buffers {
            let place = || format!("buffer `{}`", buffer.name);
            let shape = extents(&buffer.ty, self.surroundings.binding, &place)?;
            let dtype = buffer.ty.dtype;
            let size = size_of(dtype, &shape).ok_or(TensorError::TooLarge { shape, dtype })?;
            self.sizes.push(size);
        }
        Ok(())
    }

    /// Finds each buffer's memory; gives the bytes of the arena.
    fn bases(&mut self) -> Result<usize, RuntimeError> {
        let in_arena = |buffer: &Buffer| buffer.place == Place::Arena;
        let buffers = self.plan.buffers.iter().zip(&self.sizes);
        let buffers = buffers.filter(|(buffer, _)| in_arena(buffer));
        let ranges: Vec<_> = buffers.map(|(buffer, &size)| (size, buffer.live)).collect();
        let placement = place(&ranges).map_err(|_| RuntimeError::MemoryLimit {
            needed: u128::MAX,
            limit: usize::MAX,
        })?;
        debug_assert!(placement.is_sound(&ranges), "{placement:?} of {ranges:?}");
        let mut offsets = placement.offsets.into_iter();
        for (number, buffer) in self.plan.buffers.iter().enumerate() {
            let base = match &buffer.place {
                Place::Arena => Base::Arena(offsets.next().unwrap_or(0)),
                Place::Input(input) => {
                    self.has_room(number, self.surroundings.inputs.get(*input))?;
                    Base::Input(*input)
                }
                Place::Output(output) => {
                    self.has_room(number, self.surroundings.outputs.get(*output))?;
                    Base::Output(*output)
                }
                Place::Constant(constant) => {
                    let found = (self.surroundings.constant)(*constant);
                    self.has_room(number, found.as_ref().map(|found| &found.bytes))?;
                    found.map_or(Base::Loop, |found| found.base)
                }
                Place::Parameter(template) | Place::State(template) => {
                    let path = fill_in(template, self.surroundings.counters);
                    match counters_in(&path).is_empty() {
                        true => self.find(number, &path)?,
                        false => Base::Loop,
                    }
                }
            };
            self.bases.push(base);
        }
        Ok(placement.size)
    }

    fn has_room(&self, buffer: usize, bytes: Option<&usize>) -> Result<(), RuntimeError> {
        let needed = self.sizes[buffer];
        match bytes {
            Some(&bytes) if needed <= bytes => Ok(()),
            Some(bytes) => {
                let name = &self.plan.buffers[buffer].name;
                let reason = format!("buffer `{name}` takes {needed} bytes, but there are {bytes}");
                Err(self.wrong(reason))
            }
            None => {
                let name = &self.plan.buffers[buffer].name;
                Err(self.wrong(format!("buffer `{name}` has no memory")))
            }
        }
    }

    fn find(&self, buffer: usize, path: &str) -> Result<Base<A>, RuntimeError> {
        let found = (self.surroundings.lookup)(path);
        let found = found.ok_or_else(|| RuntimeError::MissingValues(vec![path.to_owned()]))?;
        self.has_room(buffer, Some(&found.bytes))?;
        Ok(found.base)
    }

    fn steps(&mut self, steps: &'a [Step]) -> Result<Vec<BoundStep<A, C>>, RuntimeError> {
        let mut bound = Vec::with_capacity(steps.len());
        for step in steps {
            match step {
                Step::Launch(launch) => bound.extend(self.launch(launch)?.map(BoundStep::Launch)),
                Step::Loop(repeat) => bound.push(BoundStep::Loop(self.repeat(repeat)?)),
                Step::If(branch) => {
                    self.use_buffer(branch.condition.0)?;
                    bound.push(BoundStep::If(BoundIf {
                        condition: branch.condition.0,
                        then: self.steps(&branch.then)?,
                        otherwise: self.steps(&branch.otherwise)?,
                    }));
                }
            }
        }
        Ok(bound)
    }

    fn number(&self, dim: &Dim, function: &Function, what: &str) -> Result<i64, RuntimeError> {
        let place = || format!("{what} of kernel `{}`", function.name);
        evaluate(dim, self.surroundings.binding, &place)
    }

    fn size(&self, dim: &Dim, function: &Function, what: &str) -> Result<i64, RuntimeError> {
        match self.number(dim, function, what)? {
            value if value >= 0 => Ok(value),
            value => Err(RuntimeError::Negative {
                place: format!("{what} of kernel `{}`", function.name),
                dim: dim.to_string(),
                value,
            }),
        }
    }

    fn bytes(&self, dim: &Dim, function: &Function, what: &str) -> Result<usize, RuntimeError> {
        let value = self.size(dim, function, what)?;
        Ok(usize::try_from(value).unwrap_or(usize::MAX))
    }

    /// The launch; `None` where there is nothing to do.
    fn launch(&mut self, launch: &Launch) -> Result<Option<BoundLaunch<C>>, RuntimeError> {
        let surroundings = self.surroundings;
        let absent = || self.wrong(format!("there is no kernel {}", launch.kernel));
        let function = surroundings.functions.get(launch.kernel);
        let function = function.ok_or_else(absent)?;
        let units = self.size(&function.units, function, "the units")?;
        if units == 0 {
            return Ok(None);
        }
        let cost = self.size(&function.unit_cost, function, "the cost")?;
        let scratch = self.bytes(&function.scratch, function, "the scratch memory")?;
        self.scratch = self.scratch.max(scratch);
        let grid = function.grid.as_ref();
        let cleared = match grid {
            Some(grid) => self.bytes(&grid.cleared, function, "the cleared memory")?,
            None => 0,
        };
        let checks = grid.is_some_and(|grid| grid.checks);
        let work = Work {
            kernel: launch.kernel,
            units,
            cost,
            scratch,
            cleared,
            failure: checks.then_some(self.failures),
        };
        self.failures += usize::from(checks);
        let dims = function.dims.iter();
        let dims = dims.map(|dim| self.number(dim, function, "a dim"));
        let dims = dims.collect::<Result<_, _>>()?;
        self.most_arguments = self.most_arguments.max(launch.arguments.len());
        let mut operands = Vec::with_capacity(launch.arguments.len());
        for (operand, argument) in launch.arguments.iter().zip(&function.arguments) {
            let length = self.size(&argument.length, function, "an argument's length")?;
            let length = usize::try_from(length).unwrap_or(usize::MAX);
            let needed = argument.dtype.bytes_for(length).unwrap_or(usize::MAX);
            self.use_buffer(operand.buffer.0)?;
            operands.push(self.operand(operand, needed, function)?);
        }
        let call = (surroundings.call)(function, &work);
        let refused = |reason| self.wrong(format!("kernel `{}` {reason}", function.name));
        Ok(Some(BoundLaunch {
            kernel: launch.kernel,
            call: call.map_err(refused)?,
            dims,
            operands: operands.into_boxed_slice(),
        }))
    }

    fn operand(
        &self,
        operand: &Operand,
        needed: usize,
        function: &Function,
    ) -> Result<BoundOperand, RuntimeError> {
        let buffer = operand.buffer.0;
        let Buffer { ty, name, .. } = &self.plan.buffers[buffer];
        let past = || {
            let kernel = &function.name;
            let bytes = self.sizes[buffer];
            let offset = &operand.offset;
            self.wrong(format!(
                "kernel `{kernel}` reaches past `{name}`: {needed} bytes from element {offset} of {bytes} bytes"
            ))
        };
        let limit = self.sizes[buffer].checked_sub(needed).ok_or_else(past)?;
        let elements = self.dim(&operand.offset, &|| format!("an offset into `{name}`"))?;
        let bits = ty.dtype.bits();
        let counts = |slot: usize| {
            let around = self.chain.iter().find(|around| around.slot == slot);
            around.and_then(|around| around.count)
        };
        let bytes = |elements: i64| {
            let bits = elements.checked_mul(bits as i64)?;
            (bits % 8 == 0).then_some(bits / 8)
        };
        let offset = match (&elements, elements.range(&counts)) {
            (BoundDim::Affine { constant, terms }, Some((low, high))) => {
                let reach = high.checked_mul(bits as i128).ok_or_else(past)?;
                if low < 0 || reach > (limit as i128).saturating_mul(8) {
                    return Err(past());
                }
                let start = bytes(*constant).ok_or_else(past)?;
                let steps = terms.iter();
                let steps = steps.map(|&(slot, step)| Some((slot, bytes(step)?)));
                let steps: Option<Box<[_]>> = steps.collect();
                match (steps, usize::try_from(start)) {
                    (Some(steps), Ok(start)) if steps.is_empty() => Offset::Fixed(start),
                    (Some(steps), _) => Offset::Affine { start, steps },
                    (None, _) => return Err(past()),
                }
            }
            _ => Offset::Checked {
                elements,
                bits,
                limit,
            },
        };
        Ok(BoundOperand { buffer, offset })
    }

    /// The dim inside the loops around.
    fn dim(&self, dim: &Dim, place: &dyn Fn() -> String) -> Result<BoundDim, RuntimeError> {
        let trips: Vec<_> = match dim.as_constant() {
            Some(_) => Vec::new(),
            None => {
                let chain = self.chain.iter();
                chain
                    .map(|around| (around.trip.to_owned(), around.slot))
                    .collect()
            }
        };
        let bound = BoundDim::new(dim, self.surroundings.binding, &trips);
        bound.map_err(|cause| RuntimeError::Dim {
            place: place(),
            cause,
        })
    }

    fn repeat(&mut self, repeat: &'a Loop) -> Result<BoundLoop<A, C>, RuntimeError> {
        let variable = &repeat.variable;
        let start = self.dim(&repeat.start, &|| format!("the start of loop `{variable}`"))?;
        let count = self.dim(&repeat.count, &|| format!("the count of loop `{variable}`"))?;
        if let Some(value) = count.as_constant().filter(|&value| value < 0) {
            return Err(RuntimeError::Negative {
                place: format!("the count of loop `{variable}`"),
                dim: repeat.count.to_string(),
                value,
            });
        }
        let carried = repeat.carried.iter().map(|carry| {
            let [current, next] = [carry.current, carry.next].map(|id| id.0);
            let [before, after] = [current, next].map(|number| self.plan.buffers[number].live);
            BoundCarry {
                current,
                next,
                moved_back: (before != after).then_some(self.sizes[current]),
            }
        });
        let carried = carried.collect();
        let zeroed = repeat
            .zeroed
            .iter()
            .map(|id| (id.0, self.sizes[id.0]))
            .collect();
        let slot = self.loops;
        self.loops += 1;
        self.chain.push(Around {
            variable,
            trip: &repeat.trip,
            slot,
            fixed: start.as_constant().zip(count.as_constant()),
            count: count.as_constant(),
            templates: BTreeMap::new(),
        });
        // What never runs need not fit.
        let body = match count.as_constant() {
            Some(0) => Vec::new(),
            _ => self.steps(&repeat.body)?,
        };
        let mut templates = BTreeMap::new();
        if let Some(around) = self.chain.pop() {
            templates = around.templates;
        }
        Ok(BoundLoop {
            slot,
            start,
            count,
            counter: repeat.counter.map(|id| id.0),
            condition: repeat.condition.map(|id| id.0),
            carried,
            zeroed,
            templates: templates.into_values().collect(),
            body,
        })
    }

    /// Sees to it that the loops around give the buffer its memory where its path names them.
    fn use_buffer(&mut self, number: usize) -> Result<(), RuntimeError> {
        if !matches!(self.bases.get(number), Some(Base::Loop)) {
            return Ok(());
        }
        let (Place::Parameter(template) | Place::State(template)) =
            &self.plan.buffers[number].place
        else {
            return Ok(());
        };
        let template = fill_in(template, self.surroundings.counters);
        let mut owners = Vec::new();
        for name in counters_in(&template) {
            let owner = self
                .chain
                .iter()
                .rposition(|around| around.variable == name);
            let reason = || self.wrong(format!("`{template}` stands outside a loop over `{name}`"));
            owners.push(owner.ok_or_else(reason)?);
        }
        let Some(&owner) = owners.iter().max() else {
            return Ok(());
        };
        if self.chain[owner].templates.contains_key(&number) {
            return Ok(());
        }
        // Two loops of one variable, one in the other, would overwrite each other's choice.
        if self
            .chain
            .iter()
            .any(|around| around.templates.contains_key(&number))
        {
            let reason = format!("`{template}` is used in two loops of one variable");
            return Err(self.wrong(reason));
        }
        owners.sort_unstable();
        owners.dedup();
        let bound = self.template(number, &template, &owners)?;
        self.chain[owner].templates.insert(number, bound);
        Ok(())
    }

    /// The memory of a template's buffer for all iterations of the loops that it names.
    fn template(
        &self,
        buffer: usize,
        template: &str,
        owners: &[usize],
    ) -> Result<Template<A>, RuntimeError> {
        let open = || self.wrong(format!("`{template}` names a loop of unknown length"));
        let (mut total, mut ranges, mut strides) = (1usize, Vec::new(), Vec::new());
        for &owner in owners.iter().rev() {
            let around = &self.chain[owner];
            let (start, count) = around.fixed.ok_or_else(open)?;
            let length = usize::try_from(count).map_err(|_| open())?;
            start.checked_add(count).ok_or_else(open)?;
            strides.push((around.slot, total));
            total = total.checked_mul(length).ok_or_else(open)?;
            ranges.push((around.variable, start, length));
        }
        if total > MAX_TABLE {
            return Err(open());
        }
        let mut table = Vec::with_capacity(total);
        for index in 0..total {
            let mut rest = index;
            let counters = ranges.iter().map(|&(variable, start, length)| {
                let trip = rest % length;
                rest /= length;
                (variable.to_owned(), start + trip as i64)
            });
            let path = fill_in(template, &counters.collect());
            table.push(self.find(buffer, &path)?);
        }
        Ok(Template {
            buffer,
            strides: strides.into_boxed_slice(),
            table: table.into_boxed_slice(),
        })
    }
}
