use std::ffi::{c_uint, c_void};

use crate::code::Code;
use crate::device::Device;
use crate::driver::{Driver, Handle, call, put};
use crate::work::{Source, Target, Task, Work};

impl Device {
    fn allocate(&mut self, bytes: usize) -> Result<u64, Code> {
        if bytes == 0 {
            return Err(Code::INVALID_VALUE);
        }
        let given = self.memory.allocate(bytes as u64);
        given.map_err(|_| Code::OUT_OF_MEMORY)
    }

    /// Frees device memory at once, whoever still uses it.
    pub(crate) fn free(&mut self, address: u64) -> Result<(), Code> {
        self.memory.free(address).map_err(|_| Code::INVALID_VALUE)
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuMemAlloc_v2(address: *mut u64, bytes: usize) -> Code {
    call("cuMemAlloc_v2", |driver| {
        let (device, _) = driver.in_context()?;
        device.permitted()?;
        let given = device.allocate(bytes)?;
        // SAFETY: the caller passes a place for an address.
        unsafe { put(address, given) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuMemAllocAsync(address: *mut u64, bytes: usize, stream: Handle) -> Code {
    call("cuMemAllocAsync", |driver| {
        let (device, _) = driver.in_context()?;
        let handle = device.stream(stream)?;
        device.uncaptured(handle)?;
        let given = device.allocate(bytes)?;
        // SAFETY: the caller passes a place for an address.
        unsafe { put(address, given) }
    })
}

/// Frees at once: work that still uses the memory is at fault.
#[unsafe(no_mangle)]
unsafe extern "C" fn cuMemFree_v2(address: u64) -> Code {
    call("cuMemFree_v2", |driver| {
        let (device, _) = driver.in_context()?;
        device.permitted()?;
        if address == 0 {
            return Ok(());
        }
        device.free(address)
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuMemFreeAsync(address: u64, stream: Handle) -> Code {
    call("cuMemFreeAsync", |driver| {
        let (device, host) = driver.in_context()?;
        let handle = device.stream(stream)?;
        device.uncaptured(handle)?;
        device.push(handle, Work::Free(address))?;
        device.drift(host);
        Ok(())
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuMemGetInfo_v2(free: *mut usize, total: *mut usize) -> Code {
    call("cuMemGetInfo_v2", |driver| {
        let (device, _) = driver.in_context()?;
        let capacity = device.memory.capacity();
        let left = capacity - device.memory.used();
        // SAFETY: the caller passes places for numbers.
        unsafe {
            put(free, left as usize)?;
            put(total, capacity as usize)
        }
    })
}

unsafe fn host_allocate(name: &'static str, place: *mut *mut c_void, bytes: usize) -> Code {
    call(name, |driver| {
        let (device, _) = driver.in_context()?;
        device.permitted()?;
        let address = driver.host.allocate(bytes)?;
        let address = std::ptr::with_exposed_provenance_mut(address);
        // SAFETY: the caller passes a place for an address.
        unsafe { put(place, address) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuMemHostAlloc(place: *mut *mut c_void, bytes: usize, _flags: c_uint) -> Code {
    // SAFETY: what the caller promises.
    unsafe { host_allocate("cuMemHostAlloc", place, bytes) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuMemAllocHost_v2(place: *mut *mut c_void, bytes: usize) -> Code {
    // SAFETY: what the caller promises.
    unsafe { host_allocate("cuMemAllocHost_v2", place, bytes) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuMemFreeHost(address: *mut c_void) -> Code {
    call("cuMemFreeHost", |driver| {
        driver.current()?;
        driver.host.free(address.addr())
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuMemHostRegister_v2(
    address: *mut c_void,
    bytes: usize,
    _flags: c_uint,
) -> Code {
    call("cuMemHostRegister_v2", |driver| {
        driver.current()?;
        driver.host.register(address.expose_provenance(), bytes)
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuMemHostUnregister(address: *mut c_void) -> Code {
    call("cuMemHostUnregister", |driver| {
        driver.current()?;
        driver.host.unregister(address.addr())
    })
}

/// Asks the stream 0 for a task and waits for it.
fn at_once(driver: &mut Driver, task: Task) -> Result<(), Code> {
    let (device, host) = driver.in_context()?;
    device.permitted()?;
    device.push(0, Work::Task(task))?;
    let done = device.ticket(0)?;
    device.wait(&done, host)
}

fn later(driver: &mut Driver, stream: Handle, task: Task) -> Result<(), Code> {
    let (device, host) = driver.in_context()?;
    device.ask(stream, task)?;
    device.drift(host);
    Ok(())
}

/// Reads memory that is not pinned, at the time of the call.
///
/// # Safety
/// `bytes` bytes at `from` may be read.
unsafe fn staged(from: *const c_void, bytes: usize) -> Result<Source, Code> {
    if bytes == 0 {
        return Ok(Source::Staged(Vec::new()));
    }
    if from.is_null() {
        return Err(Code::INVALID_VALUE);
    }
    // SAFETY: the caller lets them be read.
    let given = unsafe { std::slice::from_raw_parts(from.cast::<u8>(), bytes) };
    Ok(Source::Staged(given.to_vec()))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuMemcpyHtoD_v2(to: u64, from: *const c_void, bytes: usize) -> Code {
    call("cuMemcpyHtoD_v2", |driver| {
        // SAFETY: what the caller promises.
        let from = unsafe { staged(from, bytes) }?;
        at_once(driver, Task::Upload { from, to, bytes })
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuMemcpyHtoDAsync_v2(
    to: u64,
    from: *const c_void,
    bytes: usize,
    stream: Handle,
) -> Code {
    call("cuMemcpyHtoDAsync_v2", |driver| {
        let address = from.expose_provenance();
        let from = if driver.host.is_pinned(address, bytes) {
            Source::Pinned(address)
        } else {
            let (device, _) = driver.in_context()?;
            // What a graph would read when it is launched must stay where it is.
            let handle = device.stream(stream)?;
            device.uncaptured(handle)?;
            // SAFETY: what the caller promises.
            unsafe { staged(from, bytes) }?
        };
        later(driver, stream, Task::Upload { from, to, bytes })
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuMemcpyDtoH_v2(to: *mut c_void, from: u64, bytes: usize) -> Code {
    call("cuMemcpyDtoH_v2", |driver| {
        if to.is_null() && bytes > 0 {
            return Err(Code::INVALID_VALUE);
        }
        let to = Target::Waiting(to.expose_provenance());
        at_once(driver, Task::Download { from, to, bytes })
    })
}

/// Into memory that is not pinned it waits.
#[unsafe(no_mangle)]
unsafe extern "C" fn cuMemcpyDtoHAsync_v2(
    to: *mut c_void,
    from: u64,
    bytes: usize,
    stream: Handle,
) -> Code {
    call("cuMemcpyDtoHAsync_v2", |driver| {
        if to.is_null() && bytes > 0 {
            return Err(Code::INVALID_VALUE);
        }
        let address = to.expose_provenance();
        if driver.host.is_pinned(address, bytes) {
            let to = Target::Pinned(address);
            return later(driver, stream, Task::Download { from, to, bytes });
        }
        let (device, host) = driver.in_context()?;
        let handle = device.stream(stream)?;
        device.uncaptured(handle)?;
        let to = Target::Waiting(address);
        device.push(handle, Work::Task(Task::Download { from, to, bytes }))?;
        let done = device.ticket(handle)?;
        device.wait(&done, host)
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuMemcpyDtoD_v2(to: u64, from: u64, bytes: usize) -> Code {
    call("cuMemcpyDtoD_v2", |driver| {
        at_once(driver, Task::Copy { from, to, bytes })
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuMemcpyDtoDAsync_v2(
    to: u64,
    from: u64,
    bytes: usize,
    stream: Handle,
) -> Code {
    call("cuMemcpyDtoDAsync_v2", |driver| {
        later(driver, stream, Task::Copy { from, to, bytes })
    })
}

fn fill(to: u64, element: &[u8], count: usize) -> Task {
    let element = element.to_vec();
    Task::Fill { to, element, count }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuMemsetD8_v2(to: u64, value: u8, count: usize) -> Code {
    call("cuMemsetD8_v2", |driver| {
        at_once(driver, fill(to, &[value], count))
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuMemsetD8Async(to: u64, value: u8, count: usize, stream: Handle) -> Code {
    call("cuMemsetD8Async", |driver| {
        later(driver, stream, fill(to, &[value], count))
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuMemsetD16Async(to: u64, value: u16, count: usize, stream: Handle) -> Code {
    call("cuMemsetD16Async", |driver| {
        later(driver, stream, fill(to, &value.to_ne_bytes(), count))
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuMemsetD32Async(to: u64, value: u32, count: usize, stream: Handle) -> Code {
    call("cuMemsetD32Async", |driver| {
        later(driver, stream, fill(to, &value.to_ne_bytes(), count))
    })
}
