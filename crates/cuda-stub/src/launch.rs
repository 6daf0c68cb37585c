use std::ffi::{c_int, c_uint, c_void};
use std::sync::Arc;

use eyas_ptx_interpreter::{Entry, Launch};

use crate::code::Code;
use crate::driver::{Handle, call, put};
use crate::module::Function;
use crate::work::Task;

/// The most threads of a block, and along z.
const THREADS: u64 = 1024;
const THREADS_Z: u32 = 64;
/// The most blocks along y and z.
const BLOCKS: u32 = 65_535;

/// Whether a GPU takes such a launch.
fn check(function: &Function, launch: &Launch) -> Result<(), Code> {
    let [x, y, z] = launch.grid;
    let sensible = (1..=i32::MAX as u32).contains(&x)
        && (1..=BLOCKS).contains(&y)
        && (1..=BLOCKS).contains(&z);
    let threads: u64 = launch.block.iter().map(|count| u64::from(*count)).product();
    let sensible = sensible && (1..=THREADS).contains(&threads) && launch.block[2] <= THREADS_Z;
    if !sensible || launch.shared > function.most_shared {
        return Err(Code::INVALID_VALUE);
    }
    let most = function.entry.max_threads();
    if most.is_some_and(|most| threads > u64::from(most)) {
        return Err(Code::INVALID_VALUE);
    }
    Ok(())
}

/// Reads the values of an entry's parameters.
///
/// # Safety
/// `values` has an address for each parameter, where its bytes can be read.
unsafe fn parameters(entry: &Entry, values: *const *const c_void) -> Result<Vec<u8>, Code> {
    let mut bytes = vec![0; entry.parameter_bytes()];
    if values.is_null() && !bytes.is_empty() {
        return Err(Code::INVALID_VALUE);
    }
    for (number, parameter) in entry.parameters().iter().enumerate() {
        // SAFETY: there is an address for each.
        let value = unsafe { values.add(number).read() };
        if value.is_null() {
            return Err(Code::INVALID_VALUE);
        }
        // SAFETY: the parameter's bytes are there.
        let value = unsafe { std::slice::from_raw_parts(value.cast::<u8>(), parameter.bytes) };
        bytes[parameter.offset..parameter.offset + parameter.bytes].copy_from_slice(value);
    }
    Ok(bytes)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuLaunchKernel(
    function: Handle,
    grid_x: c_uint,
    grid_y: c_uint,
    grid_z: c_uint,
    block_x: c_uint,
    block_y: c_uint,
    block_z: c_uint,
    shared: c_uint,
    stream: Handle,
    values: *const *const c_void,
    extra: *const *const c_void,
) -> Code {
    call("cuLaunchKernel", |driver| {
        driver.current()?;
        let found = driver.functions.get(&function);
        let found = found.ok_or(Code::INVALID_HANDLE)?;
        if !extra.is_null() {
            return Err(Code::NOT_SUPPORTED);
        }
        let launch = Launch {
            grid: [grid_x, grid_y, grid_z],
            block: [block_x, block_y, block_z],
            shared,
        };
        check(found, &launch)?;
        let entry = Arc::clone(&found.entry);
        // SAFETY: what the caller promises.
        let parameters = unsafe { parameters(&entry, values) }?;
        let (device, host) = driver.in_context()?;
        let task = Task::Launch {
            entry,
            launch,
            parameters,
        };
        device.ask(stream, task)?;
        device.drift(host);
        Ok(())
    })
}

/// Threads that a multiprocessor holds.
const RESIDENT: u32 = 2048;

#[unsafe(no_mangle)]
unsafe extern "C" fn cuOccupancyMaxActiveBlocksPerMultiprocessor(
    blocks: *mut c_int,
    function: Handle,
    threads: c_int,
    shared: usize,
) -> Code {
    call("cuOccupancyMaxActiveBlocksPerMultiprocessor", |driver| {
        let number = driver.current()?;
        let room = driver.devices[number].most_shared() as usize;
        let found = driver.functions.get(&function);
        let found = found.ok_or(Code::INVALID_HANDLE)?;
        let threads = u32::try_from(threads).unwrap_or(0);
        if !(1..=THREADS as u32).contains(&threads) {
            return Err(Code::INVALID_VALUE);
        }
        let by_threads = RESIDENT / threads.next_multiple_of(32);
        let used = shared.saturating_add(found.entry.shared_bytes() as usize + 1024);
        let by_shared = (room + 1024) / used;
        let answer = by_shared.min(by_threads.min(32) as usize);
        // SAFETY: the caller passes a place for a number.
        unsafe { put(blocks, answer as c_int) }
    })
}
