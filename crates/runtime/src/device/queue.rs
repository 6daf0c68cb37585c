use std::time::{Duration, Instant};

use super::{Module, cuda, interpreted};
use crate::DeviceError;
use crate::executor::Fault;

/// Work for a device, done in order; two queues go on side by side.
#[derive(Debug)]
pub(crate) enum Queue {
    Cuda(cuda::Queue),
    Interpreted(interpreted::Queue),
}

/// What a launch takes besides its parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shape {
    /// The function, by its number.
    pub(crate) function: usize,
    /// Blocks along x, at least one.
    pub(crate) blocks: u32,
    /// Threads of a block along x.
    pub(crate) threads: u32,
    /// Bytes of shared memory beyond what the code declares.
    pub(crate) shared: u32,
}

/// Bytes that are fetched.
#[derive(Debug)]
pub(crate) struct Piece<'a> {
    /// The first one on the device.
    pub(crate) from: u64,
    /// Where they go.
    pub(crate) to: &'a mut [u8],
}

/// Recorded work.
#[derive(Debug)]
pub(crate) enum Graph {
    Cuda(cuda::Graph),
    Interpreted(interpreted::Graph),
}

/// A point of a queue that another can wait for.
#[derive(Debug)]
pub(crate) enum Event {
    Cuda(cuda::Event),
    Interpreted,
}

/// When a queue came to a point.
#[derive(Debug)]
pub(crate) enum Moment {
    Cuda(cuda::Moment),
    Interpreted(Option<Instant>),
}

/// Something of one kind of device that was handed to another.
const MIXED: &str = "it belongs to another kind of device";

fn mixed() -> DeviceError {
    DeviceError::Fault(MIXED.to_owned())
}

impl Queue {
    /// Puts bytes on the device; they may change as soon as this returns.
    pub(crate) fn upload(&mut self, to: u64, bytes: &[u8]) -> Result<(), DeviceError> {
        match self {
            _ if bytes.is_empty() => Ok(()),
            Queue::Cuda(queue) => queue.upload(to, bytes),
            Queue::Interpreted(queue) => queue.upload(to, bytes),
        }
    }

    /// Fetches bytes, and waits for them and all work before.
    pub(crate) fn download(&mut self, pieces: &mut [Piece<'_>]) -> Result<(), DeviceError> {
        match self {
            Queue::Cuda(queue) => queue.download(pieces),
            Queue::Interpreted(queue) => queue.download(pieces),
        }
    }

    /// Fills bytes.
    pub(crate) fn fill(&mut self, to: u64, byte: u8, bytes: usize) -> Result<(), DeviceError> {
        match self {
            _ if bytes == 0 => Ok(()),
            Queue::Cuda(queue) => queue.fill(to, byte, bytes),
            Queue::Interpreted(queue) => queue.fill(to, byte, bytes),
        }
    }

    /// Writes an `i64`.
    pub(crate) fn count(&mut self, to: u64, value: i64) -> Result<(), DeviceError> {
        match self {
            Queue::Cuda(queue) => queue.count(to, value),
            Queue::Interpreted(queue) => queue.count(to, value),
        }
    }

    /// Copies bytes between places that do not overlap.
    pub(crate) fn copy(&mut self, to: u64, from: u64, bytes: usize) -> Result<(), DeviceError> {
        match self {
            _ if bytes == 0 => Ok(()),
            Queue::Cuda(queue) => queue.copy(to, from, bytes),
            Queue::Interpreted(queue) => queue.copy(to, from, bytes),
        }
    }

    /// Launches a function of a module.
    pub(crate) fn launch(
        &mut self,
        module: &Module,
        shape: &Shape,
        parameters: &[u64],
    ) -> Result<(), DeviceError> {
        match (self, module) {
            (Queue::Cuda(queue), Module::Cuda(module)) => queue.launch(module, shape, parameters),
            (Queue::Interpreted(queue), Module::Interpreted(module)) => {
                queue.launch(module, shape, parameters)
            }
            _ => Err(mixed()),
        }
    }

    /// Makes what lies there what no kernel may read: NaN where it is read as floats, and in the
    /// interpreter a fault.
    pub(crate) fn poison(&mut self, to: u64, bytes: usize) -> Result<(), DeviceError> {
        match self {
            _ if bytes == 0 => Ok(()),
            Queue::Cuda(queue) => queue.fill(to, 0xff, bytes),
            Queue::Interpreted(queue) => queue.poison(to, bytes),
        }
    }

    /// Waits until all work is done.
    pub(crate) fn synchronize(&mut self) -> Result<(), DeviceError> {
        match self {
            Queue::Cuda(queue) => queue.synchronize(),
            Queue::Interpreted(_) => Ok(()),
        }
    }

    /// Records the work that `record` asks for instead of doing it.
    pub(crate) fn capture<E: From<DeviceError>>(
        &mut self,
        record: impl FnOnce(&mut Queue) -> Result<(), E>,
    ) -> Result<Graph, E> {
        match self {
            Queue::Cuda(queue) => queue.begin_capture()?,
            Queue::Interpreted(queue) => queue.begin_capture(),
        }
        let recorded = record(self);
        // Ended even where recording failed: the queue would go on recording.
        let graph = match self {
            Queue::Cuda(queue) => queue.end_capture().map(Graph::Cuda),
            Queue::Interpreted(queue) => Ok(Graph::Interpreted(queue.end_capture())),
        };
        recorded?;
        Ok(graph?)
    }

    /// Does recorded work.
    pub(crate) fn replay(&mut self, graph: &Graph) -> Result<(), Fault> {
        match (self, graph) {
            (Queue::Cuda(_), Graph::Cuda(graph)) => Ok(graph.launch()?),
            (Queue::Interpreted(queue), Graph::Interpreted(graph)) => queue.replay(graph),
            _ => Err(mixed().into()),
        }
    }

    /// A moment that has not come.
    pub(crate) fn moment(&self) -> Result<Moment, DeviceError> {
        match self {
            Queue::Cuda(queue) => Ok(Moment::Cuda(queue.moment()?)),
            Queue::Interpreted(_) => Ok(Moment::Interpreted(None)),
        }
    }

    /// Lets the moment be that when all work up to here is done.
    pub(crate) fn mark(&mut self, moment: &mut Moment) -> Result<(), DeviceError> {
        match (self, moment) {
            (Queue::Cuda(queue), Moment::Cuda(moment)) => queue.mark(moment),
            (Queue::Interpreted(_), Moment::Interpreted(moment)) => {
                *moment = Some(Instant::now());
                Ok(())
            }
            _ => Err(mixed()),
        }
    }

    /// An event of the queue's device.
    pub(crate) fn event(&self) -> Result<Event, DeviceError> {
        match self {
            Queue::Cuda(queue) => Ok(Event::Cuda(queue.event()?)),
            Queue::Interpreted(_) => Ok(Event::Interpreted),
        }
    }

    /// Lets the event stand for all work up to here.
    pub(crate) fn signal(&mut self, event: &Event) -> Result<(), DeviceError> {
        match (self, event) {
            (Queue::Cuda(queue), Event::Cuda(event)) => queue.signal(event),
            (Queue::Interpreted(_), Event::Interpreted) => Ok(()),
            _ => Err(mixed()),
        }
    }

    /// Lets what comes after wait for the work that the event stands for.
    pub(crate) fn wait(&mut self, event: &Event) -> Result<(), DeviceError> {
        match (self, event) {
            (Queue::Cuda(queue), Event::Cuda(event)) => queue.wait(event),
            (Queue::Interpreted(_), Event::Interpreted) => Ok(()),
            _ => Err(mixed()),
        }
    }
}

impl Moment {
    /// The time since an earlier moment of the same queue; waits until both have come.
    pub(crate) fn since(&self, earlier: &Moment) -> Result<Duration, DeviceError> {
        match (self, earlier) {
            (Moment::Cuda(moment), Moment::Cuda(earlier)) => moment.since(earlier),
            (Moment::Interpreted(Some(moment)), Moment::Interpreted(Some(earlier))) => {
                Ok(moment.saturating_duration_since(*earlier))
            }
            _ => Err(mixed()),
        }
    }
}
