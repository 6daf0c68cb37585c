//! Plans on the host: functions in its own memory, its own threads.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use eyas_plan::{Failure, Function, KernelFunction, LaunchContext, Status};

use crate::binder::{Found, Work};
use crate::bound_plan::{Base, BoundLaunch, BoundPlan};
use crate::executor::{Executor, Fault, Places, execute};
use crate::memory::Memory;
use crate::program::Value;
use crate::stored_tensor::StoredTensor;
use crate::{CodeMemory, Pool};

/// A place in memory. It is read and written by kernels alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub(crate) struct Address(pub(crate) *mut u8);

// SAFETY: an address is a number; whoever uses it vouches for the memory.
unsafe impl Send for Address {}
// SAFETY: as above.
unsafe impl Sync for Address {}

impl Address {
    /// No place.
    pub(crate) const NOWHERE: Address = Address(std::ptr::null_mut());
}

/// How the host does a launch.
#[derive(Debug)]
pub(crate) struct HostCall {
    function: KernelFunction,
    /// Units of work.
    units: i64,
    /// Into how many pieces the work is cut where there are threads; 1 where it is not worth it.
    pieces: i64,
}

pub(crate) type HostPlan = BoundPlan<Address, HostCall>;

/// Scalar operations that are worth another thread.
const GRAIN: i128 = 1 << 17;

/// Pieces of work for each thread, so that none waits long for another.
const PIECES_A_THREAD: i64 = 4;

impl HostCall {
    /// How so many threads do the work; an error says what keeps them from that.
    pub(crate) fn new(
        memory: &CodeMemory,
        threads: usize,
        function: &Function,
        work: &Work,
    ) -> Result<HostCall, String> {
        let worth = i128::from(work.units) * i128::from(work.cost) / GRAIN;
        let threads = worth.min(threads as i128) as i64;
        let pieces = match threads {
            ..=1 => 1,
            threads => work.units.min(threads.saturating_mul(PIECES_A_THREAD)),
        };
        let kernel = memory.function(function.offset);
        Ok(HostCall {
            function: kernel.ok_or_else(|| "has no code".to_owned())?,
            units: work.units,
            pieces,
        })
    }
}

/// The memory of a constant.
pub(crate) fn constant(constants: &[Arc<StoredTensor>], number: usize) -> Option<Found<Address>> {
    constants.get(number).map(|tensor| found(tensor))
}

/// The memory of a parameter.
pub(crate) fn parameter(values: &BTreeMap<String, Value>, path: &str) -> Option<Found<Address>> {
    values.get(path).map(|value| found(&value.tensor))
}

fn found(tensor: &StoredTensor) -> Found<Address> {
    let bytes = tensor.bytes();
    Found {
        base: Base::Fixed(Address(bytes.as_ptr().cast_mut())),
        bytes: bytes.len(),
    }
}

/// Memory that runs use again and again.
#[derive(Debug, Default)]
pub(crate) struct Workspace {
    arena: Memory,
    scratch: Memory,
    /// Bytes of scratch memory for each thread.
    stride: usize,
    places: Places<Address>,
}

/// Scratch memory of neighbouring threads lies so many bytes apart, or a multiple.
const SCRATCH_ALIGNMENT: usize = 128;

impl Workspace {
    /// Bytes that a plan needs here; `None` where they cannot be counted.
    pub(crate) fn needed(plan: &HostPlan, threads: usize) -> Option<usize> {
        let stride = plan.scratch.checked_next_multiple_of(SCRATCH_ALIGNMENT)?;
        plan.arena.checked_add(stride.checked_mul(threads)?)
    }

    /// Makes room for a plan; gives the bytes that cannot be had where there is none.
    pub(crate) fn prepare(&mut self, plan: &HostPlan, threads: usize) -> Result<(), usize> {
        grow(&mut self.arena, plan.arena)?;
        let stride = plan.scratch.checked_next_multiple_of(SCRATCH_ALIGNMENT);
        let stride = stride.ok_or(plan.scratch)?;
        let scratch = stride.checked_mul(threads).ok_or(plan.scratch)?;
        grow(&mut self.scratch, scratch)?;
        self.stride = stride;
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
pub(crate) unsafe fn run(
    plan: &HostPlan,
    workspace: &mut Workspace,
    passed: &Passed<'_>,
    pool: Option<&Pool>,
) -> Result<(), Fault> {
    let mut host = Host {
        arena: Address(workspace.arena.start()),
        scratch: Address(workspace.scratch.start()),
        stride: workspace.stride,
        passed,
        pool,
    };
    execute(plan, &mut workspace.places, &mut host)
}

/// Made by [`run`] alone, whose caller vouches for the plan and the memory.
struct Host<'a> {
    arena: Address,
    scratch: Address,
    stride: usize,
    passed: &'a Passed<'a>,
    pool: Option<&'a Pool>,
}

impl Executor for Host<'_> {
    type Address = Address;
    type Call = HostCall;

    fn address(&self, base: Base<Address>) -> Address {
        match base {
            Base::Arena(offset) => self.after(self.arena, offset),
            Base::Input(number) => self.passed.inputs[number],
            Base::Output(number) => self.passed.outputs[number],
            Base::State(number) => self.passed.states[number],
            Base::Fixed(address) => address,
            Base::Loop => Address::NOWHERE,
        }
    }

    fn after(&self, address: Address, bytes: usize) -> Address {
        Address(address.0.wrapping_add(bytes))
    }

    fn launch(
        &mut self,
        launch: &BoundLaunch<HostCall>,
        arguments: &[Address],
    ) -> Result<(), Fault> {
        let pieces = Pieces {
            launch,
            arguments: arguments.as_ptr().cast::<*mut u8>(),
            scratch: self.scratch,
            stride: self.stride,
        };
        let failed = match self.pool {
            Some(pool) if launch.call.pieces > 1 => pieces.on(pool).map(|(_, failed)| failed),
            // SAFETY: the caller of `run` vouches for plan and memory.
            Some(_) | None => unsafe { pieces.call(0, 0, launch.call.units) },
        };
        match failed {
            None => Ok(()),
            Some((status, failure)) => {
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

    fn flag(&mut self, address: Address) -> Result<bool, Fault> {
        // SAFETY: the buffer is a `bool[]`, checked when the kernel set was loaded.
        Ok(unsafe { address.0.read() != 0 })
    }

    fn count(&mut self, address: Address, value: i64) -> Result<(), Fault> {
        // SAFETY: the buffer is an `i64[]` that the plan may write.
        unsafe { address.0.cast::<i64>().write_unaligned(value) };
        Ok(())
    }

    fn zero(&mut self, address: Address, bytes: usize) -> Result<(), Fault> {
        // SAFETY: the buffer has so many bytes, and the plan may write it.
        unsafe { address.0.write_bytes(0, bytes) };
        Ok(())
    }

    fn copy(&mut self, to: Address, from: Address, bytes: usize) -> Result<(), Fault> {
        // SAFETY: both are buffers of the arena with so many bytes.
        unsafe { std::ptr::copy(from.0, to.0, bytes) };
        Ok(())
    }
}

/// A launch whose units several threads may do.
struct Pieces<'a> {
    launch: &'a BoundLaunch<HostCall>,
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
    /// As for [`run`], and no other thread has this number at the time.
    unsafe fn call(&self, thread: usize, start: i64, end: i64) -> Option<Failed> {
        let mut context = LaunchContext {
            arguments: self.arguments,
            dims: self.launch.dims.as_ptr(),
            scratch: self.scratch.0.wrapping_add(thread * self.stride),
            failure: Failure::default(),
        };
        // SAFETY: the caller vouches for the kernel and its memory.
        let status = unsafe { (self.launch.call.function)(&raw mut context, start, end) };
        (status != 0).then_some((status, context.failure))
    }

    /// Does all units on the pool's threads; gives the failure of the least units, so that it does
    /// not hang on who was faster.
    fn on(&self, pool: &Pool) -> Option<(i64, Failed)> {
        let next = AtomicI64::new(0);
        let first: Mutex<Option<(i64, Failed)>> = Mutex::new(None);
        let call = &self.launch.call;
        let (units, pieces) = (i128::from(call.units), i128::from(call.pieces));
        let bound = |piece: i64| (units * i128::from(piece) / pieces) as i64;
        pool.run(&|thread| {
            loop {
                let piece = next.fetch_add(1, Ordering::Relaxed);
                if piece >= call.pieces {
                    return;
                }
                // SAFETY: the caller of `run` vouches for plan and memory; the pool gives each
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
