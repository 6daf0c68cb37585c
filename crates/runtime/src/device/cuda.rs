//! GPUs through the CUDA driver, which is loaded when the first one is asked for.
//!
//! These calls of the driver are made, here and by the parts of `cudarc` that are used:
//!
//! | for | calls |
//! | --- | --- |
//! | devices | `cuInit`, `cuDriverGetVersion`, `cuDeviceGetCount`, `cuDeviceGet`, `cuDeviceGetName`, `cuDeviceTotalMem_v2`, `cuDeviceGetAttribute` |
//! | contexts | `cuDevicePrimaryCtxRetain`, `cuDevicePrimaryCtxRelease_v2`, `cuCtxGetCurrent`, `cuCtxSetCurrent` |
//! | errors | `cuGetErrorName`, `cuGetErrorString` |
//! | code | `cuModuleLoadDataEx`, `cuModuleUnload`, `cuModuleGetFunction`, `cuFuncGetAttribute`, `cuFuncSetAttribute` |
//! | memory | `cuMemGetInfo_v2`, `cuMemAlloc_v2`, `cuMemFree_v2`, `cuMemHostAlloc`, `cuMemFreeHost`, `cuMemcpyDtoH_v2` |
//! | streams | `cuStreamCreate`, `cuStreamDestroy_v2`, `cuStreamSynchronize`, `cuStreamWaitEvent` |
//! | events | `cuEventCreate`, `cuEventRecord`, `cuEventSynchronize`, `cuEventElapsedTime`, `cuEventDestroy_v2` |
//! | work | `cuMemcpyHtoDAsync_v2`, `cuMemcpyDtoHAsync_v2`, `cuMemcpyDtoDAsync_v2`, `cuMemsetD8Async`, `cuMemsetD32Async`, `cuLaunchKernel` |
//! | graphs | `cuStreamBeginCapture_v2`, `cuStreamEndCapture`, `cuGraphInstantiateWithFlags`, `cuGraphLaunch`, `cuGraphExecDestroy`, `cuGraphDestroy` |
//!
//! Streams do not block each other or the default stream; events keep times only where runs are timed; host
//! memory of copies is pinned with flags 0. Captures are of one stream, in thread-local mode.

use std::sync::{Arc, OnceLock};

use cudarc::driver::{CudaContext, DriverError, result, sys};
use eyas_plan::Code;

use super::DeviceDescription;
use crate::DeviceError;

mod module;
mod queue;
mod staging;

pub(crate) use module::Module;
pub(crate) use queue::{Event, Graph, Moment, Queue};

/// A GPU that is ready.
#[derive(Debug)]
pub(crate) struct Gpu {
    context: Arc<CudaContext>,
}

/// The error of a call.
fn failed(call: &'static str) -> impl Fn(DriverError) -> DeviceError {
    move |error| {
        let text = |text: Result<&std::ffi::CStr, DriverError>| match text {
            Ok(text) => text.to_string_lossy().into_owned(),
            Err(_) => format!("error {}", error.0 as u32),
        };
        DeviceError::Driver {
            call,
            code: text(error.error_name()),
            text: text(error.error_string()),
        }
    }
}

/// Sees to it that there is a driver: without one, `cudarc` panics.
fn driver() -> Result<(), DeviceError> {
    static PRESENT: OnceLock<bool> = OnceLock::new();
    // SAFETY: loads the driver's library, whose initialisers are as trusted as the driver.
    let present = *PRESENT.get_or_init(|| unsafe { sys::is_culib_present() });
    if !present {
        return Err(DeviceError::NoDriver);
    }
    let version = version()?;
    if version < OLDEST {
        let version = version_text(version);
        return Err(DeviceError::OldDriver { version });
    }
    result::init().map_err(failed("cuInit"))
}

/// CUDA 12.0: what reads PTX 8.0, and has all calls that are made here.
const OLDEST: i32 = 12_000;

/// The version of CUDA that the driver speaks, which is there.
fn version() -> Result<i32, DeviceError> {
    let mut version = 0;
    // SAFETY: writes one number.
    let status = unsafe { sys::cuDriverGetVersion(&raw mut version) };
    status.result().map_err(failed("cuDriverGetVersion"))?;
    Ok(version)
}

fn version_text(version: i32) -> String {
    format!("{}.{}", version / 1000, version % 1000 / 10)
}

fn count() -> Result<usize, DeviceError> {
    let count = result::device::get_count().map_err(failed("cuDeviceGetCount"))?;
    Ok(usize::try_from(count).unwrap_or(0))
}

/// The GPUs of this machine.
pub(super) fn list() -> Result<Vec<DeviceDescription>, DeviceError> {
    driver()?;
    (0..count()?).map(describe).collect()
}

fn describe(ordinal: usize) -> Result<DeviceDescription, DeviceError> {
    let absent = || DeviceError::NoDevice { ordinal, count: 0 };
    let number = i32::try_from(ordinal).map_err(|_| absent())?;
    let device = result::device::get(number).map_err(failed("cuDeviceGet"))?;
    use sys::CUdevice_attribute::{
        CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR as MAJOR,
        CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR as MINOR,
    };
    let attribute = |which| {
        // SAFETY: the device is there.
        let value = unsafe { result::device::get_attribute(device, which) };
        value.map_err(failed("cuDeviceGetAttribute"))
    };
    // SAFETY: the device is there.
    let memory = unsafe { result::device::total_mem(device) };
    Ok(DeviceDescription {
        name: result::device::get_name(device).map_err(failed("cuDeviceGetName"))?,
        ordinal: Some(ordinal),
        capability: (attribute(MAJOR)?, attribute(MINOR)?),
        memory: memory.map_err(failed("cuDeviceTotalMem"))?,
        driver: Some(version_text(version()?)),
    })
}

impl Gpu {
    pub(super) fn new(ordinal: usize) -> Result<(Gpu, DeviceDescription), DeviceError> {
        driver()?;
        let count = count()?;
        if ordinal >= count {
            return Err(DeviceError::NoDevice { ordinal, count });
        }
        let description = describe(ordinal)?;
        let context = CudaContext::new(ordinal).map_err(failed("cuDevicePrimaryCtxRetain"))?;
        // SAFETY: no memory is handled by `cudarc`; this crate orders its own queues.
        unsafe { context.disable_event_tracking() };
        Ok((Gpu { context }, description))
    }

    /// Makes the context that of the calling thread.
    fn bind(&self) -> Result<(), DeviceError> {
        bind(&self.context)
    }

    pub(super) fn load(&self, code: &Code) -> Result<Module, DeviceError> {
        Module::new(&self.context, code)
    }

    pub(super) fn queue(&self) -> Result<Queue, DeviceError> {
        Queue::new(&self.context)
    }

    pub(super) fn allocate(&self, bytes: usize) -> Result<u64, DeviceError> {
        self.bind()?;
        // SAFETY: reserves memory, and touches none.
        let address = unsafe { result::malloc_sync(bytes) };
        address.map_err(|error| match error.0 {
            sys::CUresult::CUDA_ERROR_OUT_OF_MEMORY => DeviceError::OutOfMemory { needed: bytes },
            _ => failed("cuMemAlloc")(error),
        })
    }

    pub(super) fn free(&self, address: u64) {
        if self.bind().is_ok() {
            // SAFETY: the address was given by `allocate`, and is freed once, by its owner. The driver
            // waits for work that still uses it. An error is that of work before, and shows there.
            let _ = unsafe { result::free_sync(address) };
        }
    }

    pub(super) fn free_memory(&self) -> usize {
        self.context.mem_get_info().map_or(0, |(free, _)| free)
    }

    pub(super) fn read(&self, from: u64, bytes: &mut [u8]) -> Result<(), DeviceError> {
        self.bind()?;
        // SAFETY: the call returns when the bytes are there; the caller reads what it allocated.
        let outcome = unsafe { result::memcpy_dtoh_sync(bytes, from) };
        outcome.map_err(failed("cuMemcpyDtoH"))
    }
}

fn bind(context: &CudaContext) -> Result<(), DeviceError> {
    context.bind_to_thread().map_err(failed("cuCtxSetCurrent"))
}
