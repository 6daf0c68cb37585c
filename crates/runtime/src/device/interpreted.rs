//! A device that is a program: the PTX interpreter with memory of its own. Work is done when it is
//! asked for, by the thread that asks.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use eyas_plan::Code;
use eyas_ptx_interpreter::{Entry, Launch, Limits, Memory, MemoryError};

use super::{Piece, Shape};
use crate::DeviceError;
use crate::executor::Fault;

/// The memory that all queues of the device share.
#[derive(Debug)]
pub(crate) struct Interpreter(Mutex<Memory>);

/// Entries by the numbers of their functions.
#[derive(Debug)]
pub(crate) struct Module(Vec<Entry>);

#[derive(Debug)]
pub(crate) struct Queue {
    interpreter: Arc<Interpreter>,
    /// What was asked for since a capture began.
    recorded: Option<Vec<Command>>,
}

/// Recorded work.
#[derive(Debug)]
pub(crate) struct Graph(Vec<Command>);

#[derive(Debug, Clone)]
enum Command {
    Launch {
        module: Arc<Module>,
        shape: Shape,
        parameters: Vec<u8>,
    },
    Write {
        to: u64,
        bytes: Vec<u8>,
    },
    Fill {
        to: u64,
        byte: u8,
        bytes: usize,
    },
    Forget {
        to: u64,
        bytes: usize,
    },
    Copy {
        to: u64,
        from: u64,
        bytes: usize,
    },
}

fn fault(error: MemoryError) -> DeviceError {
    DeviceError::Fault(error.to_string())
}

impl Interpreter {
    pub(super) fn new(bytes: usize) -> Interpreter {
        Interpreter(Mutex::new(Memory::with_capacity(bytes as u64)))
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn allocate(&self, bytes: usize) -> Result<u64, DeviceError> {
        let address = self.memory().allocate(bytes as u64);
        address.map_err(|_| DeviceError::OutOfMemory { needed: bytes })
    }

    pub(super) fn free(&self, address: u64) {
        // Only what was allocated is freed, and once.
        let _ = self.memory().free(address);
    }

    pub(super) fn free_memory(&self) -> usize {
        let memory = self.memory();
        let free = memory.capacity().saturating_sub(memory.used());
        usize::try_from(free).unwrap_or(usize::MAX)
    }

    pub(super) fn read(&self, from: u64, bytes: &mut [u8]) -> Result<(), DeviceError> {
        self.memory().read(from, bytes).map_err(fault)
    }
}

impl Module {
    pub(super) fn new(code: &Code) -> Result<Module, DeviceError> {
        let refused = |reason: String| DeviceError::Code {
            reason,
            log: String::new(),
        };
        let text = std::str::from_utf8(&code.bytes);
        let text = text.map_err(|error| refused(error.to_string()))?;
        let module = eyas_ptx_interpreter::Module::parse(text);
        let module = module.map_err(|error| refused(error.to_string()))?;
        let entries = code.functions.iter().map(|function| {
            let name = function.grid.as_ref().map_or("", |grid| &grid.entry);
            let entry = module.entry(name).cloned();
            entry.ok_or_else(|| refused(format!("there is no entry `{name}`")))
        });
        Ok(Module(entries.collect::<Result<_, _>>()?))
    }
}

impl Queue {
    pub(super) fn new(interpreter: Arc<Interpreter>) -> Queue {
        Queue {
            interpreter,
            recorded: None,
        }
    }

    fn submit(&mut self, command: Command) -> Result<(), DeviceError> {
        match &mut self.recorded {
            Some(recorded) => {
                recorded.push(command);
                Ok(())
            }
            None => self.perform(&command),
        }
    }

    fn perform(&self, command: &Command) -> Result<(), DeviceError> {
        let mut memory = self.interpreter.memory();
        match command {
            Command::Launch {
                module,
                shape,
                parameters,
            } => launch(module, shape, parameters, &mut memory),
            Command::Write { to, bytes } => memory.write(*to, bytes).map_err(fault),
            Command::Fill { to, byte, bytes } => {
                memory.fill(*to, *byte, *bytes as u64).map_err(fault)
            }
            Command::Forget { to, bytes } => memory.forget(*to, *bytes as u64).map_err(fault),
            Command::Copy { to, from, bytes } => {
                memory.copy(*to, *from, *bytes as u64).map_err(fault)
            }
        }
    }

    pub(super) fn upload(&mut self, to: u64, bytes: &[u8]) -> Result<(), DeviceError> {
        let bytes = bytes.to_vec();
        self.submit(Command::Write { to, bytes })
    }

    pub(super) fn download(&mut self, pieces: &mut [Piece<'_>]) -> Result<(), DeviceError> {
        for piece in pieces.iter_mut().filter(|piece| !piece.to.is_empty()) {
            self.interpreter.read(piece.from, piece.to)?;
        }
        Ok(())
    }

    pub(super) fn fill(&mut self, to: u64, byte: u8, bytes: usize) -> Result<(), DeviceError> {
        self.submit(Command::Fill { to, byte, bytes })
    }

    pub(super) fn poison(&mut self, to: u64, bytes: usize) -> Result<(), DeviceError> {
        self.submit(Command::Forget { to, bytes })
    }

    pub(super) fn count(&mut self, to: u64, value: i64) -> Result<(), DeviceError> {
        let bytes = value.to_le_bytes().to_vec();
        self.submit(Command::Write { to, bytes })
    }

    pub(super) fn copy(&mut self, to: u64, from: u64, bytes: usize) -> Result<(), DeviceError> {
        self.submit(Command::Copy { to, from, bytes })
    }

    pub(super) fn launch(
        &mut self,
        module: &Arc<Module>,
        shape: &Shape,
        parameters: &[u64],
    ) -> Result<(), DeviceError> {
        let parameters = parameters.iter().flat_map(|value| value.to_le_bytes());
        self.submit(Command::Launch {
            module: module.clone(),
            shape: *shape,
            parameters: parameters.collect(),
        })
    }

    pub(super) fn begin_capture(&mut self) {
        self.recorded = Some(Vec::new());
    }

    pub(super) fn end_capture(&mut self) -> Graph {
        Graph(self.recorded.take().unwrap_or_default())
    }

    pub(super) fn replay(&mut self, graph: &Graph) -> Result<(), Fault> {
        for command in &graph.0 {
            let kernel = match command {
                Command::Launch { shape, .. } => Some(shape.function),
                Command::Write { .. }
                | Command::Fill { .. }
                | Command::Forget { .. }
                | Command::Copy { .. } => None,
            };
            let outcome = self.perform(command);
            outcome.map_err(|cause| Fault::Device { kernel, cause })?;
        }
        Ok(())
    }
}

fn launch(
    module: &Module,
    shape: &Shape,
    parameters: &[u8],
    memory: &mut Memory,
) -> Result<(), DeviceError> {
    let absent = || DeviceError::Fault(format!("there is no function {}", shape.function));
    let entry = module.0.get(shape.function).ok_or_else(absent)?;
    let launch = Launch {
        grid: [shape.blocks, 1, 1],
        block: [shape.threads, 1, 1],
        shared: shape.shared,
    };
    let limits = Limits::default();
    let outcome = eyas_ptx_interpreter::launch(entry, &launch, parameters, memory, &limits);
    match outcome {
        Ok(_) => Ok(()),
        Err(fault) => Err(DeviceError::Fault(match fault.place {
            Some(place) => format!("{place}: {}", fault.cause),
            None => fault.cause.to_string(),
        })),
    }
}
