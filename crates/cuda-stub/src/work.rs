use std::ffi::c_void;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use eyas_ptx_interpreter::{Cause, Entry, Launch, MemoryError};

use crate::code::Code;
use crate::device::Device;
use crate::driver::Handle;
use crate::host_memory::HostMemory;

/// What stands in a stream's queue.
#[derive(Debug, Clone)]
pub(crate) enum Work {
    Task(Task),
    /// The tasks of a graph, each after the ones before it that it depends on.
    Graph(Arc<Vec<Node>>),
    /// Frees device memory.
    Free(u64),
    /// Says that all before it is done.
    Record(Arc<Ticket>),
    /// Does not go on before a ticket is done.
    Wait(Arc<Ticket>),
}

/// A point in a stream.
#[derive(Debug)]
pub(crate) struct Ticket {
    pub(crate) stream: Handle,
    /// When all before it was done.
    pub(crate) done: OnceLock<Instant>,
}

/// A task of a graph.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    /// `None` of one that only joins others.
    pub(crate) task: Option<Task>,
    /// Earlier nodes, by number.
    pub(crate) dependencies: Vec<usize>,
}

/// What a device does.
#[derive(Debug, Clone)]
pub(crate) enum Task {
    /// From the host's memory.
    Upload {
        from: Source,
        to: u64,
        bytes: usize,
    },
    /// Into the host's memory.
    Download {
        from: u64,
        to: Target,
        bytes: usize,
    },
    /// On the device.
    Copy {
        from: u64,
        to: u64,
        bytes: usize,
    },
    /// Elements of 1, 2 or 4 bytes.
    Fill {
        to: u64,
        element: Vec<u8>,
        count: usize,
    },
    Launch {
        entry: Arc<Entry>,
        launch: Launch,
        parameters: Vec<u8>,
    },
    Call(HostFunction),
}

/// Where bytes for a device come from.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    /// Pinned memory, read when the copy is done.
    Pinned(usize),
    /// Other memory, read when the copy was asked for.
    Staged(Vec<u8>),
}

/// Where bytes from a device go.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Target {
    /// Pinned memory, written when the copy is done.
    Pinned(usize),
    /// Other memory, of a caller who waits.
    Waiting(usize),
}

/// A function of the host that a stream calls.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HostFunction {
    pub(crate) function: unsafe extern "C" fn(*mut c_void),
    /// The address of its data.
    pub(crate) data: usize,
}

impl Ticket {
    pub(crate) fn new(stream: Handle) -> Arc<Ticket> {
        let done = OnceLock::new();
        Arc::new(Ticket { stream, done })
    }

    pub(crate) fn is_done(&self) -> bool {
        self.done.get().is_some()
    }
}

impl Device {
    /// Does a task now.
    pub(crate) fn perform(&mut self, task: &Task, host: &HostMemory) -> Result<(), Code> {
        match task {
            Task::Upload { from, to, bytes } => {
                let given = match from {
                    Source::Staged(given) => self.memory.write(*to, given),
                    Source::Pinned(address) => {
                        self.pinned(host, *address, *bytes)?;
                        let from = std::ptr::with_exposed_provenance::<u8>(*address);
                        // SAFETY: pinned memory that is alive; the caller leaves it alone until
                        // the copy is done, or races with a GPU too.
                        let given = unsafe { std::slice::from_raw_parts(from, *bytes) };
                        self.memory.write(*to, given)
                    }
                };
                given.map_err(|error| self.stray("a copy to the device", &error))
            }
            Task::Download { from, to, bytes } => {
                let mut read = vec![0; *bytes];
                self.memory
                    .read(*from, &mut read)
                    .map_err(|error| self.stray("a copy to the host", &error))?;
                let address = match *to {
                    Target::Waiting(address) => address,
                    Target::Pinned(address) => {
                        self.pinned(host, address, *bytes)?;
                        address
                    }
                };
                let to = std::ptr::with_exposed_provenance_mut::<u8>(address);
                // SAFETY: pinned memory that is alive, or memory of a caller who waits for
                // the copy in the call that asked for it.
                unsafe { to.copy_from_nonoverlapping(read.as_ptr(), *bytes) };
                Ok(())
            }
            Task::Copy { from, to, bytes } => {
                let copied = self.memory.copy(*to, *from, *bytes as u64);
                copied.map_err(|error| self.stray("a copy on the device", &error))
            }
            Task::Fill { to, element, count } => {
                let filled = match element[..] {
                    [byte] => self.memory.fill(*to, byte, *count as u64),
                    _ => self.memory.write(*to, &element.repeat(*count)),
                };
                filled.map_err(|error| self.stray("a fill", &error))
            }
            Task::Launch {
                entry,
                launch,
                parameters,
            } => {
                let limits = self.limits;
                let memory = &mut self.memory;
                let done = eyas_ptx_interpreter::launch(entry, launch, parameters, memory, &limits);
                let fault = match done {
                    Ok(_) => return Ok(()),
                    Err(fault) => fault,
                };
                let code = match fault.cause {
                    Cause::OutOfBounds { .. } => Code::ILLEGAL_ADDRESS,
                    Cause::Misaligned { .. } => Code::MISALIGNED_ADDRESS,
                    Cause::Instructions(_) => Code::LAUNCH_TIMEOUT,
                    _ => Code::LAUNCH_FAILED,
                };
                Err(self.fail(code, &fault.to_string()))
            }
            Task::Call(HostFunction { function, data }) => {
                let data = std::ptr::with_exposed_provenance_mut(*data);
                // SAFETY: the caller passed the function with its data for this.
                unsafe { function(data) };
                Ok(())
            }
        }
    }

    /// Does the tasks of a graph, in an order that its edges allow.
    pub(crate) fn replay(&mut self, nodes: &[Node], host: &HostMemory) -> Result<(), Code> {
        let mut done = vec![false; nodes.len()];
        let mut left: Vec<usize> = (0..nodes.len()).collect();
        while !left.is_empty() {
            let is_ready = |node: &usize| nodes[*node].dependencies.iter().all(|on| done[*on]);
            let ready: Vec<usize> = (0..left.len()).filter(|at| is_ready(&left[*at])).collect();
            let node = left.remove(ready[self.order.choose(ready.len())]);
            if let Some(task) = &nodes[node].task {
                self.perform(task, host)?;
            }
            done[node] = true;
        }
        Ok(())
    }

    fn stray(&mut self, what: &str, error: &MemoryError) -> Code {
        let code = match error {
            MemoryError::Uninitialised { .. } => Code::LAUNCH_FAILED,
            _ => Code::ILLEGAL_ADDRESS,
        };
        self.fail(code, &format!("{what}: {error}"))
    }

    fn pinned(&mut self, host: &HostMemory, address: usize, bytes: usize) -> Result<(), Code> {
        if host.is_pinned(address, bytes) {
            return Ok(());
        }
        let message = format!(
            "a copy of {bytes} bytes at {address:#x} of the host's memory, which was freed"
        );
        Err(self.fail(Code::ILLEGAL_ADDRESS, &message))
    }
}
