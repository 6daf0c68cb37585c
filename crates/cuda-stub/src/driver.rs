use std::cell::Cell;
use std::collections::BTreeMap;
use std::ffi::c_int;
use std::sync::{LazyLock, Mutex, PoisonError};

use crate::code::Code;
use crate::device::Device;
use crate::event::Event;
use crate::graph::{Executable, Graph};
use crate::host_memory::HostMemory;
use crate::module::{Function, Module};
use crate::settings::Settings;

/// A context, stream, event or the like, as the caller holds it: an opaque pointer, here a number that
/// is no address.
pub(crate) type Handle = usize;

/// All that the library knows.
pub(crate) struct Driver {
    pub(crate) settings: Settings,
    pub(crate) initialised: bool,
    pub(crate) devices: Vec<Device>,
    pub(crate) host: HostMemory,
    pub(crate) modules: BTreeMap<Handle, Module>,
    pub(crate) functions: BTreeMap<Handle, Function>,
    pub(crate) events: BTreeMap<Handle, Event>,
    pub(crate) graphs: BTreeMap<Handle, Graph>,
    pub(crate) executables: BTreeMap<Handle, Executable>,
    next: Handle,
    /// How often each call was made.
    counts: BTreeMap<&'static str, u64>,
}

static DRIVER: LazyLock<Mutex<Driver>> = LazyLock::new(|| {
    let settings = Settings::read(|name| std::env::var(format!("EYAS_CUDA_STUB_{name}")).ok());
    Mutex::new(Driver::new(settings))
});

thread_local! {
    /// The number of the device whose context is current.
    static CURRENT: Cell<Option<usize>> = const { Cell::new(None) };
}

/// The context of device 0; those of others follow.
const FIRST_CONTEXT: Handle = 0xc0de_0000;
const FIRST_HANDLE: Handle = 0xc0df_0000;

/// Does a call: `body`, or what it is to fail with.
pub(crate) fn call(name: &'static str, body: impl FnOnce(&mut Driver) -> Result<(), Code>) -> Code {
    let mut driver = DRIVER.lock().unwrap_or_else(PoisonError::into_inner);
    let count = driver.counts.entry(name).or_default();
    *count += 1;
    let place = (name.to_owned(), *count);
    if let Some(&code) = driver.settings.failures.get(&place) {
        // A capture is over even when its end fails.
        if name == "cuStreamEndCapture" {
            let _ = body(&mut driver);
        }
        return code;
    }
    body(&mut driver).err().unwrap_or(Code::SUCCESS)
}

/// Writes a result of a call.
///
/// # Safety
/// `place` is null or may be written.
pub(crate) unsafe fn put<T>(place: *mut T, value: T) -> Result<(), Code> {
    if place.is_null() {
        return Err(Code::INVALID_VALUE);
    }
    // SAFETY: not null, so it may be written.
    unsafe { place.write(value) };
    Ok(())
}

impl Driver {
    fn new(settings: Settings) -> Driver {
        let devices = (0..settings.devices).map(|_| Device::new(&settings));
        Driver {
            initialised: false,
            devices: devices.collect(),
            host: HostMemory::default(),
            modules: BTreeMap::new(),
            functions: BTreeMap::new(),
            events: BTreeMap::new(),
            graphs: BTreeMap::new(),
            executables: BTreeMap::new(),
            next: FIRST_HANDLE,
            counts: BTreeMap::new(),
            settings,
        }
    }

    /// A handle that was never given before.
    pub(crate) fn handle(&mut self) -> Handle {
        self.next += 16;
        self.next
    }

    /// Fails before `cuInit`.
    pub(crate) fn ready(&self) -> Result<(), Code> {
        if self.initialised {
            Ok(())
        } else {
            Err(Code::NOT_INITIALIZED)
        }
    }

    /// The number of the device whose context is current on this thread, and is sound.
    pub(crate) fn current(&self) -> Result<usize, Code> {
        self.ready()?;
        let number = CURRENT.get().ok_or(Code::INVALID_CONTEXT)?;
        let device = self.devices.get(number).ok_or(Code::INVALID_CONTEXT)?;
        if device.retained == 0 {
            return Err(Code::INVALID_CONTEXT);
        }
        match device.fault {
            Some(code) => Err(code),
            None => Ok(number),
        }
    }

    /// The device whose context is current on this thread, and the memory of the host.
    pub(crate) fn in_context(&mut self) -> Result<(&mut Device, &HostMemory), Code> {
        let number = self.current()?;
        let device = self.devices.get_mut(number).ok_or(Code::INVALID_CONTEXT)?;
        Ok((device, &self.host))
    }

    /// The number of a device that there is.
    pub(crate) fn device(&self, number: c_int) -> Result<usize, Code> {
        self.ready()?;
        let number = usize::try_from(number).map_err(|_| Code::INVALID_DEVICE)?;
        if number < self.devices.len() {
            Ok(number)
        } else {
            Err(Code::INVALID_DEVICE)
        }
    }

    /// The handle of a device's context.
    pub(crate) fn context_of(number: usize) -> Handle {
        FIRST_CONTEXT + 16 * number
    }

    /// The number of the device that a context belongs to, which must be alive.
    pub(crate) fn device_of(&self, context: Handle) -> Result<usize, Code> {
        let mut all = 0..self.devices.len();
        let number = all.find(|number| Driver::context_of(*number) == context);
        let number = number.ok_or(Code::INVALID_CONTEXT)?;
        if self.devices[number].retained > 0 {
            Ok(number)
        } else {
            Err(Code::INVALID_CONTEXT)
        }
    }

    /// The number of the device whose context is current on this thread, sound or not.
    pub(crate) fn selected() -> Option<usize> {
        CURRENT.get()
    }

    /// Makes the context of a device current on this thread.
    pub(crate) fn select(number: Option<usize>) {
        CURRENT.set(number);
    }
}
