use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use eyas_plan::{Code, CudaArchitecture};
use serde::Serialize;

use crate::DeviceError;

mod cuda;
mod interpreted;
mod memory;
mod queue;

pub(crate) use memory::DeviceMemory;
pub(crate) use queue::{Event, Graph, Moment, Piece, Queue, Shape};

/// Where a session runs instead of the host: a GPU, or the interpreter of its code. Clones are the
/// same device.
#[derive(Clone)]
pub struct Device(Arc<Inner>);

struct Inner {
    description: DeviceDescription,
    kind: Kind,
}

enum Kind {
    Cuda(cuda::Gpu),
    Interpreted(Arc<interpreted::Interpreter>),
}

/// What a device is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeviceDescription {
    /// Its name.
    pub name: String,
    /// Its number among the GPUs; `None` of the interpreter.
    pub ordinal: Option<usize>,
    /// The compute capability, major and minor.
    pub capability: (i32, i32),
    /// How many bytes of memory it has.
    pub memory: usize,
    /// The version of CUDA that the driver speaks; `None` of the interpreter.
    pub driver: Option<String>,
}

/// Code on a device, a function by its number.
#[derive(Debug, Clone)]
pub(crate) enum Module {
    Cuda(Arc<cuda::Module>),
    Interpreted(Arc<interpreted::Module>),
}

/// The GPUs in use, so that two handles of one are the same device.
static GPUS: Mutex<BTreeMap<usize, Weak<Inner>>> = Mutex::new(BTreeMap::new());

/// Bytes that the interpreter's memory holds unless it is said otherwise.
const INTERPRETED_MEMORY: usize = 16 << 30;

impl Device {
    /// The GPU of a number. It is told to make ready, which takes some tenths of a second the first
    /// time.
    ///
    /// # Errors
    /// [`DeviceError::NoDriver`], [`DeviceError::NoDevice`], [`DeviceError::Driver`].
    pub fn cuda(ordinal: usize) -> Result<Device, DeviceError> {
        let mut gpus = GPUS.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = gpus.get(&ordinal).and_then(Weak::upgrade) {
            return Ok(Device(known));
        }
        let (gpu, description) = cuda::Gpu::new(ordinal)?;
        let kind = Kind::Cuda(gpu);
        let inner = Arc::new(Inner { description, kind });
        gpus.insert(ordinal, Arc::downgrade(&inner));
        Ok(Device(inner))
    }

    /// A device of its own that interprets code for GPUs on the caller's thread: slow, and it finds
    /// what kernels must not do, such as races and stray accesses.
    pub fn interpreter() -> Device {
        Device::interpreter_with_memory(INTERPRETED_MEMORY)
    }

    /// The same with memory for so many bytes.
    pub fn interpreter_with_memory(bytes: usize) -> Device {
        let description = DeviceDescription {
            name: "PTX interpreter".to_owned(),
            ordinal: None,
            capability: (9, 0),
            memory: bytes,
            driver: None,
        };
        let interpreter = interpreted::Interpreter::new(bytes);
        let kind = Kind::Interpreted(Arc::new(interpreter));
        Device(Arc::new(Inner { description, kind }))
    }

    /// The GPUs of this machine.
    ///
    /// # Errors
    /// Why there are none: [`DeviceError::NoDriver`], [`DeviceError::Driver`].
    pub fn list() -> Result<Vec<DeviceDescription>, DeviceError> {
        cuda::list()
    }

    /// What it is.
    pub fn description(&self) -> &DeviceDescription {
        &self.0.description
    }

    /// Whether it is the same device.
    pub(crate) fn is(&self, other: &Device) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Whether it runs such code.
    pub(crate) fn runs(&self, architecture: CudaArchitecture) -> bool {
        let (major, minor) = self.0.description.capability;
        architecture.runs_on(major, minor)
    }

    /// Takes code.
    pub(crate) fn load(&self, code: &Code) -> Result<Module, DeviceError> {
        match &self.0.kind {
            Kind::Cuda(gpu) => Ok(Module::Cuda(Arc::new(gpu.load(code)?))),
            Kind::Interpreted(_) => {
                let module = interpreted::Module::new(code)?;
                Ok(Module::Interpreted(Arc::new(module)))
            }
        }
    }

    /// Memory that holds anything.
    ///
    /// # Errors
    /// [`DeviceError::OutOfMemory`].
    pub(crate) fn allocate(&self, bytes: usize) -> Result<DeviceMemory, DeviceError> {
        DeviceMemory::new(self, bytes)
    }

    /// Bytes of memory that nobody uses.
    pub(crate) fn free_memory(&self) -> usize {
        match &self.0.kind {
            Kind::Cuda(gpu) => gpu.free_memory(),
            Kind::Interpreted(interpreter) => interpreter.free_memory(),
        }
    }

    /// Reads memory that no queue writes at the time.
    pub(crate) fn read(&self, from: u64, bytes: &mut [u8]) -> Result<(), DeviceError> {
        match &self.0.kind {
            Kind::Cuda(gpu) => gpu.read(from, bytes),
            Kind::Interpreted(interpreter) => interpreter.read(from, bytes),
        }
    }

    /// A queue whose work is done in order.
    pub(crate) fn queue(&self) -> Result<Queue, DeviceError> {
        match &self.0.kind {
            Kind::Cuda(gpu) => Ok(Queue::Cuda(gpu.queue()?)),
            Kind::Interpreted(interpreter) => {
                let queue = interpreted::Queue::new(interpreter.clone());
                Ok(Queue::Interpreted(queue))
            }
        }
    }
}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Device").field(&self.0.description).finish()
    }
}

/// `NVIDIA H100 (compute capability 9.0)`.
impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let description = self.description();
        let (major, minor) = description.capability;
        write!(
            f,
            "{} (compute capability {major}.{minor})",
            description.name
        )
    }
}
