//! Plans run with interpreted kernels.

use std::collections::{BTreeMap, BTreeSet};

use eyas_kernels::{Kernel, Role};
use eyas_plan::{
    Buffer, BufferId, If, Launch, LiveRange, Loop, Operand, Place, Plan, PlanOutput, Step, place,
};
use eyas_tensor::{DType, Number, Tensor, TensorType};

use crate::kernel::run_on_views;
use crate::kernel_memory::View;
use crate::places::count;
use crate::scope::{MAX_BYTES, Scope, size_of_tensor};
use crate::{EvaluateError, KernelFault, Storage};

/// Where a plan's buffers lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrangement {
    /// Each in memory of its own.
    Apart,
    /// Those of the arena in one piece of memory as [`place`] puts them, filled with a pattern
    /// (NaN, -1, true) before the run, and each again where its live range begins and ends: a
    /// range that is too short shows in the results.
    Arena,
}

/// The byte that memory without contents is full of.
const POISON: u8 = 0xff;

/// Loops and ifs that may stand in one another.
const MAX_DEPTH: usize = 64;

/// What a plan reads besides its inputs.
#[derive(Debug, Clone, Copy)]
pub struct PlanValues<'a> {
    /// The constants by number.
    pub constants: &'a [Tensor],
    /// Parameters, derived ones too, by path.
    pub parameters: &'a BTreeMap<String, Tensor>,
    /// States before the run, by path.
    pub states: &'a BTreeMap<String, Tensor>,
}

/// Runs a plan; gives its outputs in order, the next values of states among them. `kernels` are
/// those that launches name by number, `bindings` the values of the dims' symbols.
///
/// # Errors
/// What kernels give ([`crate::run_kernel`]), a [`KernelFault`] of the plan's own, and
/// [`EvaluateError::MissingParameter`], [`EvaluateError::WrongType`], [`EvaluateError::TooLarge`].
pub fn run_plan(
    plan: &Plan,
    kernels: &[Kernel],
    inputs: &[Tensor],
    values: &PlanValues<'_>,
    bindings: &BTreeMap<String, i64>,
    arrangement: Arrangement,
) -> Result<Vec<Tensor>, EvaluateError> {
    if plan.inputs.len() != inputs.len() {
        return Err(EvaluateError::InputCount {
            graph: "plan".to_owned(),
            expected: plan.inputs.len(),
            found: inputs.len(),
        });
    }
    let mut machine = Machine::new(plan, kernels, inputs, values, bindings, arrangement)?;
    machine.steps(&plan.steps, 0, None, 0)?;
    let outputs = plan.outputs.iter().enumerate();
    outputs
        .map(|(number, output)| machine.output(number, output))
        .collect()
}

/// Where a buffer's memory is.
#[derive(Debug, Clone, Copy)]
struct Home {
    piece: usize,
    byte: usize,
    size: usize,
    elements: usize,
}

struct Machine<'a> {
    plan: &'a Plan,
    kernels: &'a [Kernel],
    values: &'a PlanValues<'a>,
    bindings: &'a BTreeMap<String, i64>,
    /// The bindings and the trips of the loops around.
    trips: BTreeMap<String, i64>,
    /// The counters of the loops around.
    counters: BTreeMap<String, i64>,
    pieces: Vec<Vec<u8>>,
    homes: Vec<Home>,
    /// Pieces of parameters by path.
    parameters: BTreeMap<String, usize>,
    /// Buffers that loops touch between iterations.
    kept: BTreeSet<BufferId>,
    arrangement: Arrangement,
}

impl<'a> Machine<'a> {
    fn new(
        plan: &'a Plan,
        kernels: &'a [Kernel],
        inputs: &'a [Tensor],
        values: &'a PlanValues<'a>,
        bindings: &'a BTreeMap<String, i64>,
        arrangement: Arrangement,
    ) -> Result<Machine<'a>, EvaluateError> {
        let mut machine = Machine {
            plan,
            kernels,
            values,
            bindings,
            trips: bindings.clone(),
            counters: BTreeMap::new(),
            pieces: vec![Vec::new()],
            homes: Vec::new(),
            parameters: BTreeMap::new(),
            kept: BTreeSet::new(),
            arrangement,
        };
        let mut arena: Vec<(usize, LiveRange)> = Vec::new();
        let mut in_arena: Vec<usize> = Vec::new();
        let mut total = 0usize;
        for (index, buffer) in plan.buffers.iter().enumerate() {
            let (size, elements) = machine.size(&buffer.ty)?;
            total = total.saturating_add(size);
            if total > MAX_BYTES {
                let shape = vec![total];
                return Err(EvaluateError::TooLarge { shape });
            }
            let mut home = Home {
                piece: 0,
                byte: 0,
                size,
                elements,
            };
            match &buffer.place {
                Place::Arena if arrangement == Arrangement::Arena => {
                    arena.push((size, buffer.live));
                    in_arena.push(index);
                }
                Place::Arena | Place::Output(_) => home.piece = machine.piece(vec![POISON; size]),
                Place::Input(number) => {
                    home.piece = machine.given(buffer, inputs.get(*number))?;
                }
                Place::Constant(number) => {
                    home.piece = machine.given(buffer, values.constants.get(*number))?;
                }
                Place::State(path) => {
                    home.piece = machine.given(buffer, values.states.get(path))?;
                }
                // Its path hangs on the loops around.
                Place::Parameter(_) => {}
            }
            machine.homes.push(home);
        }
        let too_large = |_| EvaluateError::TooLarge { shape: vec![total] };
        let placement = place(&arena).map_err(too_large)?;
        for (index, offset) in in_arena.into_iter().zip(&placement.offsets) {
            machine.homes[index].byte = *offset;
        }
        machine.pieces[0] = vec![POISON; placement.size];
        kept(&plan.steps, &mut machine.kept, 0)?;
        Ok(machine)
    }

    fn scope(&self) -> Scope<'_> {
        Scope {
            storage: Storage::Exact,
            bindings: &self.trips,
            counters: self.counters.clone(),
        }
    }

    /// Bytes and elements of a tensor.
    fn size(&self, ty: &TensorType) -> Result<(usize, usize), EvaluateError> {
        let shape = self.scope().shape(&ty.shape)?;
        size_of_tensor(ty.dtype, &shape)?;
        let elements = count(&shape);
        let sizes = elements.and_then(|n| Some((ty.dtype.bytes_for(n)?, n)));
        sizes.ok_or(EvaluateError::TooLarge { shape })
    }

    fn piece(&mut self, bytes: Vec<u8>) -> usize {
        self.pieces.push(bytes);
        self.pieces.len() - 1
    }

    /// The bytes of a tensor that is passed in, which must be of the buffer's type.
    fn given(&mut self, buffer: &Buffer, tensor: Option<&Tensor>) -> Result<usize, EvaluateError> {
        let Some(tensor) = tensor else {
            return Err(EvaluateError::MissingParameter(buffer.name.clone()));
        };
        let expected = self.scope().concrete(&buffer.ty)?;
        let extents = tensor.shape().iter().map(|&extent| (extent as i64).into());
        let found = TensorType::new(tensor.dtype(), extents.collect::<Vec<_>>());
        if expected != found {
            return Err(EvaluateError::WrongType {
                subject: format!("buffer `{}`", buffer.name),
                expected,
                found,
            });
        }
        Ok(self.piece(tensor.bytes().to_vec()))
    }

    fn buffer(&self, id: BufferId) -> Result<&'a Buffer, EvaluateError> {
        let buffer = self.plan.buffers.get(id.0);
        buffer.ok_or_else(|| malformed("names a buffer that is not there"))
    }

    /// Where a buffer lies while step `number` is done.
    fn home(&mut self, id: BufferId, number: u32) -> Result<Home, EvaluateError> {
        let buffer = self.buffer(id)?;
        let mut home = self.homes[id.0];
        if let Place::Parameter(template) = &buffer.place {
            let path = self.scope().path(template);
            home.piece = match self.parameters.get(&path) {
                Some(&piece) => piece,
                None => {
                    let missing = || EvaluateError::MissingParameter(path.clone());
                    let tensor = self.values.parameters.get(&path).ok_or_else(missing)?;
                    let piece = self.given(buffer, Some(tensor))?;
                    self.parameters.insert(path, piece);
                    piece
                }
            };
        }
        let LiveRange { first, last } = buffer.live;
        if buffer.place == Place::Arena && !(first..=last).contains(&number) {
            return Err(KernelFault::NotLive {
                buffer: buffer.name.clone(),
                step: number,
                first,
                last,
            }
            .into());
        }
        Ok(home)
    }

    /// Does the steps, the first of which has this number; gives the number of the step after.
    fn steps(
        &mut self,
        steps: &'a [Step],
        mut number: u32,
        around: Option<u32>,
        depth: usize,
    ) -> Result<u32, EvaluateError> {
        if depth > MAX_DEPTH {
            return Err(EvaluateError::TooDeep(MAX_DEPTH));
        }
        for step in steps {
            self.poison(|live| live.first == number);
            let next = match step {
                Step::Launch(launch) => {
                    self.launch(launch, number)?;
                    number + 1
                }
                Step::Loop(step) => self.repeat(step, number, depth)?,
                Step::If(step) => self.choose(step, number, around, depth)?,
            };
            self.poison(|live| live.last + 1 == next && around.is_none_or(|n| live.first > n));
            number = next;
        }
        Ok(number)
    }

    fn poison(&mut self, ends: impl Fn(LiveRange) -> bool) {
        if self.arrangement != Arrangement::Arena {
            return;
        }
        for (index, buffer) in self.plan.buffers.iter().enumerate() {
            let dead = buffer.place == Place::Arena && ends(buffer.live);
            if dead && !self.kept.contains(&BufferId(index)) {
                bytes(&mut self.pieces, self.homes[index]).fill(POISON);
            }
        }
    }

    fn launch(&mut self, launch: &Launch, number: u32) -> Result<(), EvaluateError> {
        let kernels = self.kernels;
        let kernel = kernels.get(launch.kernel);
        let kernel = kernel.ok_or_else(|| malformed("launches a kernel that is not there"))?;
        let views = launch.arguments.iter().enumerate().map(|(index, operand)| {
            let role = kernel.arguments.get(index).map(|argument| argument.role);
            self.view(operand, role, number)
        });
        let views: Vec<View> = views.collect::<Result<_, _>>()?;
        let mut pieces: Vec<&mut [u8]> = self.pieces.iter_mut().map(Vec::as_mut_slice).collect();
        run_on_views(Storage::Exact, kernel, &mut pieces, views, self.bindings)
    }

    fn view(
        &mut self,
        operand: &Operand,
        role: Option<Role>,
        number: u32,
    ) -> Result<View, EvaluateError> {
        let buffer = self.buffer(operand.buffer)?;
        let writable = matches!(buffer.place, Place::Arena | Place::Output(_));
        if !writable && role.is_some_and(|role| role != Role::Read) {
            let buffer = buffer.name.clone();
            return Err(KernelFault::ForeignBuffer { buffer }.into());
        }
        let home = self.home(operand.buffer, number)?;
        let first = self.scope().extent(&operand.offset)?;
        Ok(View {
            dtype: buffer.ty.dtype,
            piece: home.piece,
            byte: home.byte,
            first,
            length: home.elements.saturating_sub(first),
        })
    }

    fn repeat(&mut self, step: &'a Loop, number: u32, depth: usize) -> Result<u32, EvaluateError> {
        let start = self.scope().value(&step.start)?;
        let count = self.scope().extent(&step.count)?;
        let next = number + 1 + length(&step.body, depth)?;
        for &id in &step.zeroed {
            let home = self.home(id, number)?;
            bytes(&mut self.pieces, home).fill(0);
        }
        for carry in &step.carried {
            self.home(carry.current, number)?;
        }
        for trip in 0..count as i64 {
            let counter = start.checked_add(trip);
            let counter = counter.ok_or_else(|| malformed("counts beyond 64 bits"))?;
            self.trips.insert(step.trip.clone(), trip);
            self.counters.insert(step.variable.clone(), counter);
            if let Some(id) = step.counter {
                let home = self.home(id, number)?;
                self.scalar(id, DType::I64)?;
                let memory = bytes(&mut self.pieces, home);
                DType::I64.write(memory, 0, Number::Int(counter.into()));
            }
            self.steps(&step.body, number + 1, Some(number), depth + 1)?;
            let more = match step.condition {
                Some(id) => self.condition(id, next - 1)?,
                None => true,
            };
            for carry in &step.carried {
                let current = self.home(carry.current, next - 1)?;
                let other = self.home(carry.next, next - 1)?;
                if current.size != other.size {
                    return Err(malformed("carries a value into a buffer of another size"));
                }
                let value = bytes(&mut self.pieces, other).to_vec();
                bytes(&mut self.pieces, other).fill(POISON);
                bytes(&mut self.pieces, current).copy_from_slice(&value);
            }
            if !more {
                break;
            }
        }
        self.trips.remove(&step.trip);
        self.counters.remove(&step.variable);
        Ok(next)
    }

    fn choose(
        &mut self,
        step: &'a If,
        number: u32,
        around: Option<u32>,
        depth: usize,
    ) -> Result<u32, EvaluateError> {
        let holds = self.condition(step.condition, number)?;
        let middle = number + 1 + length(&step.then, depth)?;
        let next = middle + length(&step.otherwise, depth)?;
        if holds {
            self.steps(&step.then, number + 1, around, depth + 1)?;
        } else {
            self.steps(&step.otherwise, middle, around, depth + 1)?;
        }
        Ok(next)
    }

    fn condition(&mut self, id: BufferId, number: u32) -> Result<bool, EvaluateError> {
        self.scalar(id, DType::Bool)?;
        let home = self.home(id, number)?;
        Ok(DType::Bool.read(bytes(&mut self.pieces, home), 0).to_bool())
    }

    fn scalar(&self, id: BufferId, dtype: DType) -> Result<(), EvaluateError> {
        let scalar = self.buffer(id)?.ty == TensorType::scalar(dtype);
        let fault = || malformed("has a counter that is no `i64[]` or a condition no `bool[]`");
        scalar.then_some(()).ok_or_else(fault)
    }

    fn output(&mut self, number: usize, output: &PlanOutput) -> Result<Tensor, EvaluateError> {
        let mut buffers = self.plan.buffers.iter();
        let index = buffers.position(|buffer| buffer.place == Place::Output(number));
        let index = index.ok_or_else(|| malformed("has no buffer for an output"))?;
        let shape = self.scope().shape(&output.ty.shape)?;
        let memory = bytes(&mut self.pieces, self.homes[index]);
        Ok(Tensor::from_bytes(output.ty.dtype, &shape, memory)?)
    }
}

fn bytes(pieces: &mut [Vec<u8>], home: Home) -> &mut [u8] {
    &mut pieces[home.piece][home.byte..home.byte + home.size]
}

/// How many steps there are, those inside others counted.
fn length(steps: &[Step], depth: usize) -> Result<u32, EvaluateError> {
    if depth > MAX_DEPTH {
        return Err(EvaluateError::TooDeep(MAX_DEPTH));
    }
    steps.iter().try_fold(0u32, |sum, step| {
        let inner = match step {
            Step::Launch(_) => 0,
            Step::Loop(step) => length(&step.body, depth + 1)?,
            Step::If(step) => length(&step.then, depth + 1)? + length(&step.otherwise, depth + 1)?,
        };
        Ok(sum + 1 + inner)
    })
}

/// The buffers that loops themselves read or write.
fn kept(steps: &[Step], ids: &mut BTreeSet<BufferId>, depth: usize) -> Result<(), EvaluateError> {
    if depth > MAX_DEPTH {
        return Err(EvaluateError::TooDeep(MAX_DEPTH));
    }
    for step in steps {
        match step {
            Step::Launch(_) => {}
            Step::Loop(step) => {
                let carried = step.carried.iter().flat_map(|c| [c.current, c.next]);
                ids.extend(carried.chain(step.counter).chain(step.condition));
                kept(&step.body, ids, depth + 1)?;
            }
            Step::If(step) => {
                kept(&step.then, ids, depth + 1)?;
                kept(&step.otherwise, ids, depth + 1)?;
            }
        }
    }
    Ok(())
}

fn malformed(what: &str) -> EvaluateError {
    EvaluateError::Malformed(format!("the plan {what}"))
}
