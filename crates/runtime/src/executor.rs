//! Does what a bound plan says.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};

use eyas_plan::{Failure, LaunchContext, Status};
use eyas_tensor::DimError;

use crate::Pool;
use crate::bound_dim::BoundDim;
use crate::bound_plan::{
    Address, Base, BoundLaunch, BoundLoop, BoundPlan, BoundStep, Offset, Template,
};
use crate::memory::Memory;

/// Memory that runs use again and again.
#[derive(Debug, Default)]
pub(crate) struct Workspace {
    arena: Memory,
    scratch: Memory,
    /// Bytes of scratch memory for each thread.
    stride: usize,
    bases: Vec<Address>,
    trips: Vec<i64>,
    arguments: Vec<Address>,
}

/// Why a run stopped. Names are the caller's to find.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Fault {
    /// A kernel gave back a status that is not zero.
    Kernel {
        kernel: usize,
        status: Status,
        failure: Failure,
        /// The buffer of [`Failure::argument`].
        buffer: Option<usize>,
    },
    /// A dim that has no value in an iteration.
    Dim(DimError),
    /// A loop that would run less than no times, or count beyond 64 bits.
    Count,
    /// An operand outside its buffer.
    Offset { kernel: usize, buffer: usize },
}

impl From<DimError> for Fault {
    fn from(error: DimError) -> Fault {
        Fault::Dim(error)
    }
}

/// Scratch memory of neighbouring threads lies so many bytes apart, or a multiple.
const SCRATCH_ALIGNMENT: usize = 128;

impl Workspace {
    /// Bytes that a plan needs here; `None` where they cannot be counted.
    pub(crate) fn needed(plan: &BoundPlan, threads: usize) -> Option<usize> {
        let stride = plan.scratch.checked_next_multiple_of(SCRATCH_ALIGNMENT)?;
        plan.arena.checked_add(stride.checked_mul(threads)?)
    }

    /// Makes room for a plan; gives the bytes that cannot be had where there is none.
    pub(crate) fn prepare(&mut self, plan: &BoundPlan, threads: usize) -> Result<(), usize> {
        grow(&mut self.arena, plan.arena)?;
        let stride = plan.scratch.checked_next_multiple_of(SCRATCH_ALIGNMENT);
        let stride = stride.ok_or(plan.scratch)?;
        let scratch = stride.checked_mul(threads).ok_or(plan.scratch)?;
        grow(&mut self.scratch, scratch)?;
        self.stride = stride;
        let nowhere = Address(std::ptr::null_mut());
        self.bases.resize(plan.bases.len(), nowhere);
        self.trips.resize(plan.loops, 0);
        self.arguments.resize(plan.most_arguments, nowhere);
        Ok(())
    }

    /// Fills the arena with bytes that no kernel may read: as floats they are NaN.
    pub(crate) fn poison(&mut self) {
        self.arena.bytes_mut().fill(0xff);
    }
}

fn grow(memory: &mut Memory, bytes: usize) -> Result<(), usize> {
    if memory.len() < bytes {
        // The old piece goes first: both at once may be too much.
        *memory = Memory::default();
        *memory = Memory::zeroed(bytes).ok_or(bytes)?;
    }
    Ok(())
}

/// The memory that a run is given.
pub(crate) struct Passed<'a> {
    pub(crate) inputs: &'a [Address],
    pub(crate) outputs: &'a [Address],
    pub(crate) states: &'a [Address],
}

/// Runs a plan.
///
/// # Errors
/// [`Fault`].
///
/// # Safety
/// The plan was bound against memory of these sizes, which is there, and which nobody else writes,
/// or, for outputs, reads; its functions are kernels that keep to what they are given. The
/// workspace was prepared for the plan.
pub(crate) unsafe fn execute(
    plan: &BoundPlan,
    workspace: &mut Workspace,
    passed: &Passed<'_>,
    pool: Option<&Pool>,
) -> Result<(), Fault> {
    let mut run = Run {
        workspace,
        passed,
        pool,
    };
    for (number, base) in plan.bases.iter().enumerate() {
        run.workspace.bases[number] = run.address(*base);
    }
    run.steps(&plan.steps)
}

struct Run<'a> {
    workspace: &'a mut Workspace,
    passed: &'a Passed<'a>,
    pool: Option<&'a Pool>,
}

impl Run<'_> {
    fn address(&self, base: Base) -> Address {
        match base {
            Base::Arena(offset) => Address(self.workspace.arena.start().wrapping_add(offset)),
            Base::Input(number) => self.passed.inputs[number],
            Base::Output(number) => self.passed.outputs[number],
            Base::State(number) => self.passed.states[number],
            Base::Fixed(address) => address,
            Base::Loop => Address(std::ptr::null_mut()),
        }
    }

    fn base(&self, buffer: usize) -> *mut u8 {
        self.workspace.bases[buffer].0
    }

    fn steps(&mut self, steps: &[BoundStep]) -> Result<(), Fault> {
        for step in steps {
            match step {
                BoundStep::Launch(launch) => self.launch(launch)?,
                BoundStep::Loop(repeat) => self.repeat(repeat)?,
                BoundStep::If(branch) => match self.flag(branch.condition) {
                    true => self.steps(&branch.then)?,
                    false => self.steps(&branch.otherwise)?,
                },
            }
        }
        Ok(())
    }

    /// The value of a `bool[]`.
    fn flag(&self, buffer: usize) -> bool {
        // SAFETY: the buffer is a `bool[]`, checked when the kernel set was loaded.
        unsafe { self.base(buffer).read() != 0 }
    }

    fn repeat(&mut self, repeat: &BoundLoop) -> Result<(), Fault> {
        let start = repeat.start.evaluate(&self.workspace.trips)?;
        let count = repeat.count.evaluate(&self.workspace.trips)?;
        if count < 0 || start.checked_add(count).is_none() {
            return Err(Fault::Count);
        }
        for &(buffer, bytes) in &repeat.zeroed {
            // SAFETY: the buffer has so many bytes, and the plan may write it.
            unsafe { self.base(buffer).write_bytes(0, bytes) };
        }
        let mut done = 0i64;
        while done < count {
            self.workspace.trips[repeat.slot] = done;
            if let Some(counter) = repeat.counter {
                let value = self.base(counter).cast::<i64>();
                // SAFETY: the buffer is an `i64[]` that the plan may write.
                unsafe { value.write_unaligned(start + done) };
            }
            for template in &repeat.templates {
                self.choose(template);
            }
            self.steps(&repeat.body)?;
            for carry in &repeat.carried {
                self.workspace.bases.swap(carry.current, carry.next);
            }
            done += 1;
            if repeat
                .condition
                .is_some_and(|condition| !self.flag(condition))
            {
                break;
            }
        }
        self.workspace.trips[repeat.slot] = 0;
        if done % 2 == 1 {
            for carry in &repeat.carried {
                let Some(bytes) = carry.moved_back else {
                    continue;
                };
                let (from, to) = (self.base(carry.current), self.base(carry.next));
                // SAFETY: both are buffers of the arena with so many bytes.
                unsafe { std::ptr::copy(from, to, bytes) };
                self.workspace.bases.swap(carry.current, carry.next);
            }
        }
        Ok(())
    }

    fn choose(&mut self, template: &Template) {
        let place = template.strides.iter().fold(0, |place, &(slot, stride)| {
            let trip = usize::try_from(self.workspace.trips[slot]).unwrap_or(0);
            place + trip * stride
        });
        self.workspace.bases[template.buffer] = self.address(template.table[place]);
    }

    fn launch(&mut self, launch: &BoundLaunch) -> Result<(), Fault> {
        for (number, operand) in launch.operands.iter().enumerate() {
            let outside = Fault::Offset {
                kernel: launch.kernel,
                buffer: operand.buffer,
            };
            let offset = self.offset(&operand.offset)?.ok_or(outside)?;
            let address = self.base(operand.buffer).wrapping_add(offset);
            self.workspace.arguments[number] = Address(address);
        }
        let pieces = Pieces {
            launch,
            arguments: self.workspace.arguments.as_ptr().cast::<*mut u8>(),
            scratch: Address(self.workspace.scratch.start()),
            stride: self.workspace.stride,
        };
        let failed = match self.pool {
            Some(pool) if launch.pieces > 1 => pieces.on(pool),
            // SAFETY: the caller of `execute` vouches for plan and memory.
            Some(_) | None => unsafe { pieces.call(0, 0, launch.units) }.map(|failed| (0, failed)),
        };
        match failed {
            None => Ok(()),
            Some((_, (status, failure))) => {
                let argument = usize::try_from(failure.argument).ok();
                let operand = argument.and_then(|number| launch.operands.get(number));
                Err(Fault::Kernel {
                    kernel: launch.kernel,
                    status,
                    failure,
                    buffer: operand.map(|operand| operand.buffer),
                })
            }
        }
    }

    /// Bytes into the buffer; `None` where that is outside.
    fn offset(&self, offset: &Offset) -> Result<Option<usize>, Fault> {
        match offset {
            Offset::Fixed(bytes) => Ok(Some(*bytes)),
            Offset::Affine { start, steps } => {
                let sum = steps.iter().fold(*start, |sum, &(slot, step)| {
                    sum.wrapping_add(step.wrapping_mul(self.workspace.trips[slot]))
                });
                Ok(usize::try_from(sum).ok())
            }
            Offset::Checked {
                elements,
                bits,
                limit,
            } => Ok(self.checked(elements, *bits, *limit)?),
        }
    }

    fn checked(
        &self,
        elements: &BoundDim,
        bits: usize,
        limit: usize,
    ) -> Result<Option<usize>, DimError> {
        let elements = elements.evaluate(&self.workspace.trips)?;
        let bits = usize::try_from(elements)
            .ok()
            .and_then(|elements| elements.checked_mul(bits));
        let bytes = bits.filter(|bits| bits % 8 == 0).map(|bits| bits / 8);
        Ok(bytes.filter(|&bytes| bytes <= limit))
    }
}

/// A launch whose units several threads may do.
struct Pieces<'a> {
    launch: &'a BoundLaunch,
    arguments: *const *mut u8,
    scratch: Address,
    stride: usize,
}

// SAFETY: the arguments are read only while the launch is under way, and what they point to is
// written by kernels whose units do not overlap.
unsafe impl Sync for Pieces<'_> {}

type Failed = (Status, Failure);

impl Pieces<'_> {
    /// Does the units `start..end` on a thread.
    ///
    /// # Safety
    /// As for [`execute`], and no other thread has this number at the time.
    unsafe fn call(&self, thread: usize, start: i64, end: i64) -> Option<Failed> {
        let mut context = LaunchContext {
            arguments: self.arguments,
            dims: self.launch.dims.as_ptr(),
            scratch: self.scratch.0.wrapping_add(thread * self.stride),
            failure: Failure::default(),
        };
        // SAFETY: the caller vouches for the kernel and its memory.
        let status = unsafe { (self.launch.function)(&raw mut context, start, end) };
        (status != 0).then_some((status, context.failure))
    }

    /// Does all units on the pool's threads; gives the failure of the least units, so that it does
    /// not hang on who was faster.
    fn on(&self, pool: &Pool) -> Option<(i64, Failed)> {
        let next = AtomicI64::new(0);
        let first: Mutex<Option<(i64, Failed)>> = Mutex::new(None);
        let (units, pieces) = (
            i128::from(self.launch.units),
            i128::from(self.launch.pieces),
        );
        let bound = |piece: i64| (units * i128::from(piece) / pieces) as i64;
        pool.run(&|thread| {
            loop {
                let piece = next.fetch_add(1, Ordering::Relaxed);
                if piece >= self.launch.pieces {
                    return;
                }
                // SAFETY: the caller of `execute` vouches for plan and memory; the pool gives each
                // thread a number of its own.
                let failed = unsafe { self.call(thread, bound(piece), bound(piece + 1)) };
                let Some(failed) = failed else { continue };
                let mut first = first.lock().unwrap_or_else(PoisonError::into_inner);
                if first.as_ref().is_none_or(|(other, _)| piece < *other) {
                    *first = Some((piece, failed));
                }
            }
        });
        first.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}
