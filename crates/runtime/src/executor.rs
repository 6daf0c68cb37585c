//! Does what a bound plan says, on the host or on a device.

use eyas_plan::{Failure, Status};
use eyas_tensor::DimError;

use crate::DeviceError;
use crate::bound_dim::BoundDim;
use crate::bound_plan::{Base, BoundLaunch, BoundLoop, BoundPlan, BoundStep, Offset, Template};

/// Who does the work: the host's threads, or a queue of a device.
pub(crate) trait Executor {
    /// A place in its memory.
    type Address: Copy;
    /// How it calls a function.
    type Call;

    /// Where a base is; nowhere of [`Base::Loop`].
    fn address(&self, base: Base<Self::Address>) -> Self::Address;

    /// A place so many bytes on.
    fn after(&self, address: Self::Address, bytes: usize) -> Self::Address;

    /// Calls a function.
    fn launch(
        &mut self,
        launch: &BoundLaunch<Self::Call>,
        arguments: &[Self::Address],
    ) -> Result<(), Fault>;

    /// The value of a `bool[]`.
    fn flag(&mut self, address: Self::Address) -> Result<bool, Fault>;

    /// Writes an `i64[]`.
    fn count(&mut self, address: Self::Address, value: i64) -> Result<(), Fault>;

    /// Fills bytes with zeros.
    fn zero(&mut self, address: Self::Address, bytes: usize) -> Result<(), Fault>;

    /// Copies bytes.
    fn copy(&mut self, to: Self::Address, from: Self::Address, bytes: usize) -> Result<(), Fault>;
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
    /// A device that does not do what it is told; the kernel where it is known.
    Device {
        kernel: Option<usize>,
        cause: DeviceError,
    },
}

impl From<DimError> for Fault {
    fn from(error: DimError) -> Fault {
        Fault::Dim(error)
    }
}

impl From<DeviceError> for Fault {
    fn from(cause: DeviceError) -> Fault {
        let kernel = None;
        Fault::Device { kernel, cause }
    }
}

/// Where things are in the course of a run; kept from run to run so that none allocates.
#[derive(Debug)]
pub(crate) struct Places<A> {
    bases: Vec<A>,
    trips: Vec<i64>,
    arguments: Vec<A>,
}

impl<A> Default for Places<A> {
    fn default() -> Places<A> {
        Places {
            bases: Vec::new(),
            trips: Vec::new(),
            arguments: Vec::new(),
        }
    }
}

/// Runs a plan.
///
/// # Errors
/// [`Fault`].
pub(crate) fn execute<E: Executor>(
    plan: &BoundPlan<E::Address, E::Call>,
    places: &mut Places<E::Address>,
    executor: &mut E,
) -> Result<(), Fault> {
    places.bases.clear();
    let bases = plan.bases.iter().map(|&base| executor.address(base));
    places.bases.extend(bases);
    places.trips.clear();
    places.trips.resize(plan.loops, 0);
    places.arguments.clear();
    places.arguments.reserve(plan.most_arguments);
    let mut run = Run { places, executor };
    run.steps(&plan.steps)
}

struct Run<'a, E: Executor> {
    places: &'a mut Places<E::Address>,
    executor: &'a mut E,
}

impl<E: Executor> Run<'_, E> {
    fn steps(&mut self, steps: &[BoundStep<E::Address, E::Call>]) -> Result<(), Fault> {
        for step in steps {
            match step {
                BoundStep::Launch(launch) => self.launch(launch)?,
                BoundStep::Loop(repeat) => self.repeat(repeat)?,
                BoundStep::If(branch) => match self.flag(branch.condition)? {
                    true => self.steps(&branch.then)?,
                    false => self.steps(&branch.otherwise)?,
                },
            }
        }
        Ok(())
    }

    fn flag(&mut self, buffer: usize) -> Result<bool, Fault> {
        self.executor.flag(self.places.bases[buffer])
    }

    fn repeat(&mut self, repeat: &BoundLoop<E::Address, E::Call>) -> Result<(), Fault> {
        let start = repeat.start.evaluate(&self.places.trips)?;
        let count = repeat.count.evaluate(&self.places.trips)?;
        if count < 0 || start.checked_add(count).is_none() {
            return Err(Fault::Count);
        }
        for &(buffer, bytes) in &repeat.zeroed {
            self.executor.zero(self.places.bases[buffer], bytes)?;
        }
        let mut done = 0i64;
        while done < count {
            self.places.trips[repeat.slot] = done;
            if let Some(counter) = repeat.counter {
                let counter = self.places.bases[counter];
                self.executor.count(counter, start + done)?;
            }
            for template in &repeat.templates {
                self.choose(template);
            }
            self.steps(&repeat.body)?;
            for carry in &repeat.carried {
                self.places.bases.swap(carry.current, carry.next);
            }
            done += 1;
            if let Some(condition) = repeat.condition
                && !self.flag(condition)?
            {
                break;
            }
        }
        self.places.trips[repeat.slot] = 0;
        if done % 2 == 1 {
            for carry in &repeat.carried {
                let Some(bytes) = carry.moved_back else {
                    continue;
                };
                let bases = &mut self.places.bases;
                let (from, to) = (bases[carry.current], bases[carry.next]);
                self.executor.copy(to, from, bytes)?;
                bases.swap(carry.current, carry.next);
            }
        }
        Ok(())
    }

    fn choose(&mut self, template: &Template<E::Address>) {
        let place = template.strides.iter().fold(0, |place, &(slot, stride)| {
            let trip = usize::try_from(self.places.trips[slot]).unwrap_or(0);
            place + trip * stride
        });
        self.places.bases[template.buffer] = self.executor.address(template.table[place]);
    }

    fn launch(&mut self, launch: &BoundLaunch<E::Call>) -> Result<(), Fault> {
        self.places.arguments.clear();
        for operand in &launch.operands {
            let outside = Fault::Offset {
                kernel: launch.kernel,
                buffer: operand.buffer,
            };
            let offset = offset(&operand.offset, &self.places.trips)?.ok_or(outside)?;
            let base = self.places.bases[operand.buffer];
            self.places
                .arguments
                .push(self.executor.after(base, offset));
        }
        self.executor.launch(launch, &self.places.arguments)
    }
}

/// Bytes into the buffer; `None` where that is outside.
fn offset(offset: &Offset, trips: &[i64]) -> Result<Option<usize>, Fault> {
    match offset {
        Offset::Fixed(bytes) => Ok(Some(*bytes)),
        Offset::Affine { start, steps } => {
            let sum = steps.iter().fold(*start, |sum, &(slot, step)| {
                sum.wrapping_add(step.wrapping_mul(trips[slot]))
            });
            Ok(usize::try_from(sum).ok())
        }
        Offset::Checked {
            elements,
            bits,
            limit,
        } => Ok(checked(elements, *bits, *limit, trips)?),
    }
}

fn checked(
    elements: &BoundDim,
    bits: usize,
    limit: usize,
    trips: &[i64],
) -> Result<Option<usize>, DimError> {
    let elements = elements.evaluate(trips)?;
    let bits = usize::try_from(elements)
        .ok()
        .and_then(|elements| elements.checked_mul(bits));
    let bytes = bits.filter(|bits| bits % 8 == 0).map(|bits| bits / 8);
    Ok(bytes.filter(|&bytes| bytes <= limit))
}
