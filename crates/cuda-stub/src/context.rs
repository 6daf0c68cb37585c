use std::ffi::{c_int, c_uint};

use crate::code::Code;
use crate::driver::{Driver, Handle, call, put};

#[unsafe(no_mangle)]
unsafe extern "C" fn cuDevicePrimaryCtxRetain(context: *mut Handle, device: c_int) -> Code {
    call("cuDevicePrimaryCtxRetain", |driver| {
        let number = driver.device(device)?;
        // SAFETY: the caller passes a place for a handle.
        unsafe { put(context, Driver::context_of(number)) }?;
        driver.devices[number].retained += 1;
        Ok(())
    })
}

fn release(driver: &mut Driver, device: c_int) -> Result<(), Code> {
    let number = driver.device(device)?;
    let left = driver.devices[number].retained.checked_sub(1);
    driver.devices[number].retained = left.ok_or(Code::INVALID_CONTEXT)?;
    if left == Some(0) {
        driver.destroy_context(number);
    }
    Ok(())
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuDevicePrimaryCtxRelease_v2(device: c_int) -> Code {
    call("cuDevicePrimaryCtxRelease_v2", |driver| {
        release(driver, device)
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuDevicePrimaryCtxReset_v2(device: c_int) -> Code {
    call("cuDevicePrimaryCtxReset_v2", |driver| {
        let number = driver.device(device)?;
        let retained = driver.devices[number].retained;
        driver.destroy_context(number);
        driver.devices[number].retained = retained;
        Ok(())
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuCtxGetCurrent(context: *mut Handle) -> Code {
    call("cuCtxGetCurrent", |driver| {
        driver.ready()?;
        let current = Driver::selected().map_or(0, Driver::context_of);
        // SAFETY: the caller passes a place for a handle.
        unsafe { put(context, current) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuCtxSetCurrent(context: Handle) -> Code {
    call("cuCtxSetCurrent", |driver| {
        driver.ready()?;
        let number = match context {
            0 => None,
            context => Some(driver.device_of(context)?),
        };
        Driver::select(number);
        Ok(())
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuCtxGetDevice(device: *mut c_int) -> Code {
    call("cuCtxGetDevice", |driver| {
        driver.ready()?;
        let number = Driver::selected().ok_or(Code::INVALID_CONTEXT)?;
        // SAFETY: the caller passes a place for a number.
        unsafe { put(device, number as c_int) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuCtxSetFlags(_flags: c_uint) -> Code {
    call("cuCtxSetFlags", |driver| driver.current().map(|_| ()))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuCtxGetStreamPriorityRange(least: *mut c_int, greatest: *mut c_int) -> Code {
    call("cuCtxGetStreamPriorityRange", |driver| {
        driver.current()?;
        // SAFETY: the caller passes places for numbers.
        unsafe {
            put(least, 0)?;
            put(greatest, -5)
        }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuCtxSynchronize() -> Code {
    call("cuCtxSynchronize", |driver| {
        let (device, host) = driver.in_context()?;
        device.uncaptured_all()?;
        device.drain(host)
    })
}
