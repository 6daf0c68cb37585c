use std::collections::{BTreeMap, VecDeque};
use std::ffi::{c_char, c_int, c_uint};

use eyas_ptx_interpreter::{Limits, Memory};

use crate::capture::Capture;
use crate::code::Code;
use crate::driver::{Driver, Handle, call, put};
use crate::settings::{Order, Settings};
use crate::stream::Stream;

/// A device, and its only context.
pub(crate) struct Device {
    pub(crate) memory: Memory,
    /// How many hold its context; of none, it does not exist.
    pub(crate) retained: u32,
    /// What every call gives back since a kernel did what it must not.
    pub(crate) fault: Option<Code>,
    /// By handle; the stream that is always there has the handle 0.
    pub(crate) streams: BTreeMap<Handle, Stream>,
    pub(crate) captures: BTreeMap<u64, Capture>,
    pub(crate) order: Order,
    pub(crate) limits: Limits,
    settings: Settings,
}

const NAME: &[u8] = b"Eyas PTX interpreter";
const DRIVER_VERSION: c_int = 13_000;

impl Device {
    pub(crate) fn new(settings: &Settings) -> Device {
        Device {
            memory: Memory::with_capacity(settings.memory),
            retained: 0,
            fault: None,
            streams: BTreeMap::from([(0, Stream::default())]),
            captures: BTreeMap::new(),
            order: settings.order,
            limits: Limits {
                instructions: settings.instructions,
            },
            settings: settings.clone(),
        }
    }

    /// As it was before its context was made.
    pub(crate) fn reset(&mut self) {
        let order = self.order;
        *self = Device::new(&self.settings);
        self.order = order;
    }

    /// Reports what went wrong on the device; every later call gives it back.
    pub(crate) fn fail(&mut self, code: Code, message: &str) -> Code {
        eprintln!("eyas-cuda-stub: {message}");
        for stream in self.streams.values_mut() {
            stream.queue = VecDeque::new();
        }
        *self.fault.insert(code)
    }

    pub(crate) fn capability(&self) -> (i32, i32) {
        self.settings.capability
    }

    /// Bytes of shared memory that a block may have at most, when it is asked for.
    pub(crate) fn most_shared(&self) -> u32 {
        match self.settings.capability {
            (8, 0 | 7) => 163 << 10,
            (8, _) | (12, _) => 99 << 10,
            (major, _) if major >= 9 => 227 << 10,
            _ => 64 << 10,
        }
    }

    /// `CUdevice_attribute` by number; those that nobody asks for are 0.
    fn attribute(&self, attribute: c_uint) -> Result<c_int, Code> {
        let (major, minor) = self.settings.capability;
        let shared = self.most_shared() as c_int;
        Ok(match attribute {
            // The most threads of a block, all and along x and y; along z.
            1..=3 => 1024,
            4 => 64,
            // The most blocks of a grid along x; along y and z.
            5 => c_int::MAX,
            6 | 7 => 65_535,
            // Bytes of shared memory of a block, unless more is asked for.
            8 => 48 << 10,
            // Bytes of constant memory.
            9 => 64 << 10,
            // Threads of a warp.
            10 => 32,
            // Registers of a block and of a multiprocessor.
            12 | 82 => 65_536,
            // Clocks of the multiprocessors and of memory, in kHz; bits of the memory's bus.
            13 => 1_000_000,
            36 => 1_000_000,
            37 => 4096,
            // Multiprocessors.
            16 => 4,
            // Concurrent kernels, unified addresses.
            31 | 41 => 1,
            // Bytes of the second-level cache.
            38 => 32 << 20,
            // Threads of a multiprocessor.
            39 => 2048,
            // Engines that copy.
            40 => 2,
            75 => major,
            76 => minor,
            // Bytes of shared memory: of a multiprocessor, of a block when asked for, kept by the system.
            81 => shared + 1024,
            97 => shared,
            111 => 1024,
            // Memory pools.
            115 => 1,
            0 | 161.. => return Err(Code::INVALID_VALUE),
            _ => 0,
        })
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuInit(flags: c_uint) -> Code {
    call("cuInit", |driver| {
        if flags != 0 {
            return Err(Code::INVALID_VALUE);
        }
        if driver.devices.is_empty() {
            return Err(Code::NO_DEVICE);
        }
        driver.initialised = true;
        Ok(())
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuDriverGetVersion(version: *mut c_int) -> Code {
    // SAFETY: the caller passes a place for a number.
    call("cuDriverGetVersion", |_| unsafe {
        put(version, DRIVER_VERSION)
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuDeviceGetCount(count: *mut c_int) -> Code {
    call("cuDeviceGetCount", |driver| {
        driver.ready()?;
        // SAFETY: the caller passes a place for a number.
        unsafe { put(count, driver.devices.len() as c_int) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuDeviceGet(device: *mut c_int, ordinal: c_int) -> Code {
    call("cuDeviceGet", |driver| {
        driver.device(ordinal)?;
        // SAFETY: the caller passes a place for a number.
        unsafe { put(device, ordinal) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuDeviceGetName(name: *mut c_char, length: c_int, device: c_int) -> Code {
    call("cuDeviceGetName", |driver| {
        driver.device(device)?;
        let length = usize::try_from(length).map_err(|_| Code::INVALID_VALUE)?;
        if name.is_null() || length == 0 {
            return Err(Code::INVALID_VALUE);
        }
        let count = NAME.len().min(length - 1);
        // SAFETY: the caller passes a place of `length` bytes.
        unsafe {
            name.copy_from_nonoverlapping(NAME.as_ptr().cast(), count);
            name.add(count).write(0);
        }
        Ok(())
    })
}

/// A number of 16 bytes for each device.
unsafe fn uuid(name: &'static str, uuid: *mut [u8; 16], device: c_int) -> Code {
    call(name, |driver| {
        let number = driver.device(device)?;
        let mut bytes = *b"eyas-cuda-stub-0";
        bytes[15] = bytes[15].wrapping_add(number as u8);
        // SAFETY: the caller passes a place for 16 bytes.
        unsafe { put(uuid, bytes) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuDeviceGetUuid(place: *mut [u8; 16], device: c_int) -> Code {
    // SAFETY: what the caller promises.
    unsafe { uuid("cuDeviceGetUuid", place, device) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuDeviceGetUuid_v2(place: *mut [u8; 16], device: c_int) -> Code {
    // SAFETY: what the caller promises.
    unsafe { uuid("cuDeviceGetUuid_v2", place, device) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuDeviceTotalMem_v2(bytes: *mut usize, device: c_int) -> Code {
    call("cuDeviceTotalMem_v2", |driver| {
        let number = driver.device(device)?;
        let capacity = driver.devices[number].memory.capacity();
        // SAFETY: the caller passes a place for a number.
        unsafe { put(bytes, capacity as usize) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuDeviceGetAttribute(
    value: *mut c_int,
    attribute: c_uint,
    device: c_int,
) -> Code {
    call("cuDeviceGetAttribute", |driver| {
        let number = driver.device(device)?;
        let found = driver.devices[number].attribute(attribute)?;
        // SAFETY: the caller passes a place for a number.
        unsafe { put(value, found) }
    })
}

impl Driver {
    /// Forgets all that was made in a device's context.
    pub(crate) fn destroy_context(&mut self, number: usize) {
        self.devices[number].reset();
        self.modules.retain(|_, module| module.device != number);
        self.functions
            .retain(|_, function| function.device != number);
        self.events.retain(|_, event| event.device != number);
        self.executables.retain(|_, graph| graph.device != number);
    }
}
