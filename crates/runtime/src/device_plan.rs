//! Plans on a device: launches in a queue, addresses that are numbers.

use eyas_plan::{DeviceFailure, Failure, Function};
use eyas_tensor::Dim;

use crate::DeviceError;
use crate::binder::Work;
use crate::bound_plan::{Base, BoundLaunch, BoundPlan, BoundStep};
use crate::device::{Module, Piece, Queue, Shape};
use crate::executor::{Executor, Fault, Places, execute};

/// How a device does a launch.
#[derive(Debug)]
pub(crate) struct DeviceCall {
    shape: Shape,
    /// Its number among the launches that say which index is out of range.
    failure: Option<usize>,
    /// Whether it is given scratch memory.
    scratch: bool,
    /// Bytes of it that are zero before.
    cleared: usize,
}

pub(crate) type DevicePlan = BoundPlan<u64, DeviceCall>;

/// Blocks that a grid can have along x.
const MAX_BLOCKS: i64 = i32::MAX as i64;

/// What a graph may hold: a plan that asks for more is done step by step each time.
const MAX_RECORDED: u64 = 4096;

impl DeviceCall {
    /// How a device does the work; an error says what keeps it from that.
    pub(crate) fn new(function: &Function, work: &Work) -> Result<DeviceCall, String> {
        let grid = function.grid.as_ref();
        let grid = grid.ok_or_else(|| "is not for a GPU".to_owned())?;
        if work.units > MAX_BLOCKS {
            let units = work.units;
            return Err(format!("takes {units} blocks, more than a grid can have"));
        }
        if work.cleared > work.scratch {
            return Err("clears more memory than it has".to_owned());
        }
        Ok(DeviceCall {
            shape: Shape {
                function: work.kernel,
                blocks: work.units as u32,
                threads: grid.threads,
                shared: grid.shared,
            },
            failure: work.failure,
            scratch: function.scratch != Dim::from(0),
            cleared: work.cleared,
        })
    }
}

impl DevicePlan {
    /// Bytes of the records of indices out of range.
    pub(crate) fn failure_bytes(&self) -> usize {
        self.failures * DeviceFailure::SIZE
    }

    /// Whether all that is done is known before, and little enough to be recorded.
    pub(crate) fn can_be_recorded(&self) -> bool {
        recorded(&self.steps).is_some_and(|commands| commands <= MAX_RECORDED)
    }

    /// The first index that is out of range, of records read back.
    pub(crate) fn failed(&self, records: &[u8]) -> Option<Fault> {
        let mut records = records.chunks_exact(DeviceFailure::SIZE).enumerate();
        let (number, failure) = records.find_map(|(number, record)| {
            let claimed = record.iter().take(4).any(|&byte| byte != 0);
            claimed.then(|| (number, failure(record)))
        })?;
        let launch = launch_of(&self.steps, number);
        let argument = usize::try_from(failure.argument).ok();
        let operand = launch.and_then(|launch| launch.operands.get(argument?));
        Some(Fault::Kernel {
            kernel: launch.map_or(usize::MAX, |launch| launch.kernel),
            status: 1,
            failure,
            buffer: operand.map(|operand| operand.buffer),
        })
    }
}

/// What a record says.
fn failure(record: &[u8]) -> Failure {
    let number = |at: i32| {
        let at = at as usize;
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&record[at..at + 8]);
        i64::from_le_bytes(bytes)
    };
    Failure {
        argument: number(DeviceFailure::ARGUMENT),
        index: number(DeviceFailure::INDEX),
        extent: number(DeviceFailure::EXTENT),
    }
}

/// The launch with a number among those that say which index is out of range.
fn launch_of(
    steps: &[BoundStep<u64, DeviceCall>],
    number: usize,
) -> Option<&BoundLaunch<DeviceCall>> {
    steps.iter().find_map(|step| match step {
        BoundStep::Launch(launch) => (launch.call.failure == Some(number)).then_some(launch),
        BoundStep::Loop(repeat) => launch_of(&repeat.body, number),
        BoundStep::If(branch) => {
            launch_of(&branch.then, number).or_else(|| launch_of(&branch.otherwise, number))
        }
    })
}

/// At most how many commands steps are; `None` where the device decides, or loops do.
fn recorded(steps: &[BoundStep<u64, DeviceCall>]) -> Option<u64> {
    steps.iter().try_fold(0u64, |sum, step| {
        let commands = match step {
            BoundStep::Launch(launch) => 1 + u64::from(launch.call.cleared > 0),
            BoundStep::Loop(repeat) if repeat.condition.is_none() => {
                let count = u64::try_from(repeat.count.as_constant()?).ok()?;
                let around = repeat.zeroed.len() + repeat.carried.len();
                let each = recorded(&repeat.body)?.checked_add(2)?;
                each.checked_mul(count)?.checked_add(around as u64)?
            }
            BoundStep::Loop(_) | BoundStep::If(_) => return None,
        };
        sum.checked_add(commands)
    })
}

/// The memory that a run is given, and how it runs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ground<'a> {
    pub(crate) module: &'a Module,
    pub(crate) arena: u64,
    pub(crate) scratch: u64,
    /// [`DevicePlan::failure_bytes`].
    pub(crate) failures: u64,
    pub(crate) inputs: &'a [u64],
    pub(crate) outputs: &'a [u64],
    pub(crate) states: &'a [u64],
    /// Whether each launch is waited for.
    pub(crate) stepwise: bool,
}

/// What runs need again and again, so that none allocates.
#[derive(Debug, Default)]
pub(crate) struct DevicePlaces {
    places: Places<u64>,
    parameters: Vec<u64>,
}

/// Asks a queue for all that a plan says. Records of indices out of range are cleared first.
///
/// # Errors
/// [`Fault`]; what the device finds later shows when the queue is waited for.
pub(crate) fn run(
    plan: &DevicePlan,
    ground: &Ground<'_>,
    queue: &mut Queue,
    places: &mut DevicePlaces,
) -> Result<(), Fault> {
    queue.fill(ground.failures, 0, plan.failure_bytes())?;
    let mut run = Run {
        plan,
        ground,
        queue,
        parameters: &mut places.parameters,
    };
    execute(plan, &mut places.places, &mut run)
}

struct Run<'a> {
    plan: &'a DevicePlan,
    ground: &'a Ground<'a>,
    queue: &'a mut Queue,
    parameters: &'a mut Vec<u64>,
}

impl Executor for Run<'_> {
    type Address = u64;
    type Call = DeviceCall;

    fn address(&self, base: Base<u64>) -> u64 {
        match base {
            Base::Arena(offset) => self.after(self.ground.arena, offset),
            Base::Input(number) => self.ground.inputs[number],
            Base::Output(number) => self.ground.outputs[number],
            Base::State(number) => self.ground.states[number],
            Base::Fixed(address) => address,
            Base::Loop => 0,
        }
    }

    fn after(&self, address: u64, bytes: usize) -> u64 {
        address.wrapping_add(bytes as u64)
    }

    fn launch(&mut self, launch: &BoundLaunch<DeviceCall>, arguments: &[u64]) -> Result<(), Fault> {
        let call = &launch.call;
        let at = |cause: DeviceError| Fault::Device {
            kernel: Some(launch.kernel),
            cause,
        };
        self.queue
            .fill(self.ground.scratch, 0, call.cleared)
            .map_err(at)?;
        self.parameters.clear();
        self.parameters.extend_from_slice(arguments);
        if let Some(number) = call.failure {
            let record = self.after(self.ground.failures, number * DeviceFailure::SIZE);
            self.parameters.push(record);
        }
        if call.scratch {
            self.parameters.push(self.ground.scratch);
        }
        let dims = launch.dims.iter().map(|&dim| dim as u64);
        self.parameters.extend(dims);
        let Ground {
            module, stepwise, ..
        } = *self.ground;
        let launched = self.queue.launch(module, &call.shape, self.parameters);
        launched.map_err(at)?;
        match stepwise {
            true => self.queue.synchronize().map_err(at),
            false => Ok(()),
        }
    }

    /// Waits; a run whose index is out of range ends here, before a loop goes on with what follows.
    fn flag(&mut self, address: u64) -> Result<bool, Fault> {
        let mut flag = [0];
        let mut records = vec![0; self.plan.failure_bytes()];
        self.queue.download(&mut [
            Piece {
                from: address,
                to: &mut flag,
            },
            Piece {
                from: self.ground.failures,
                to: &mut records,
            },
        ])?;
        match self.plan.failed(&records) {
            Some(fault) => Err(fault),
            None => Ok(flag != [0]),
        }
    }

    fn count(&mut self, address: u64, value: i64) -> Result<(), Fault> {
        Ok(self.queue.count(address, value)?)
    }

    fn zero(&mut self, address: u64, bytes: usize) -> Result<(), Fault> {
        Ok(self.queue.fill(address, 0, bytes)?)
    }

    fn copy(&mut self, to: u64, from: u64, bytes: usize) -> Result<(), Fault> {
        Ok(self.queue.copy(to, from, bytes)?)
    }
}
