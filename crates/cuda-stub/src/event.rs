use std::ffi::c_uint;
use std::sync::Arc;
use std::time::Instant;

use crate::code::Code;
use crate::driver::{Driver, Handle, call, put};
use crate::work::{Ticket, Work};

/// A place to record points of streams in.
pub(crate) struct Event {
    pub(crate) device: usize,
    timed: bool,
    /// What was recorded last.
    pub(crate) ticket: Option<Arc<Ticket>>,
    /// The same in a capture: its number, and the nodes before.
    pub(crate) captured: Option<(u64, Vec<usize>)>,
}

/// `CU_EVENT_DISABLE_TIMING`.
const UNTIMED: c_uint = 2;
/// It and `CU_EVENT_BLOCKING_SYNC`.
const KNOWN: c_uint = 1 | UNTIMED;

/// The event, where it was not recorded in a capture.
fn uncaptured(driver: &mut Driver, event: Handle) -> Result<Option<Arc<Ticket>>, Code> {
    let number = driver.current()?;
    let found = driver.events.get(&event).ok_or(Code::INVALID_HANDLE)?;
    if let Some((capture, _)) = found.captured {
        driver.devices[number].spoil(capture);
        return Err(Code::CAPTURED_EVENT);
    }
    Ok(found.ticket.clone())
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuEventCreate(event: *mut Handle, flags: c_uint) -> Code {
    call("cuEventCreate", |driver| {
        let device = driver.current()?;
        if flags & !KNOWN != 0 {
            return Err(Code::INVALID_VALUE);
        }
        let handle = driver.handle();
        let made = Event {
            device,
            timed: flags & UNTIMED == 0,
            ticket: None,
            captured: None,
        };
        driver.events.insert(handle, made);
        // SAFETY: the caller passes a place for a handle.
        unsafe { put(event, handle) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuEventDestroy_v2(event: Handle) -> Code {
    call("cuEventDestroy_v2", |driver| {
        driver.current()?;
        let found = driver.events.remove(&event);
        found.map(|_| ()).ok_or(Code::INVALID_HANDLE)
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuEventRecord(event: Handle, stream: Handle) -> Code {
    call("cuEventRecord", |driver| {
        let number = driver.current()?;
        let device = &mut driver.devices[number];
        let found = driver.events.get_mut(&event).ok_or(Code::INVALID_HANDLE)?;
        if found.device != number {
            return Err(Code::INVALID_CONTEXT);
        }
        let handle = device.stream(stream)?;
        if device.captures_on(handle) {
            found.captured = Some(device.capture_point(handle)?);
            found.ticket = None;
            return Ok(());
        }
        let ticket = Ticket::new(handle);
        device.push(handle, Work::Record(Arc::clone(&ticket)))?;
        found.ticket = Some(ticket);
        found.captured = None;
        device.drift(&driver.host);
        Ok(())
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuEventSynchronize(event: Handle) -> Code {
    call("cuEventSynchronize", |driver| {
        let ticket = uncaptured(driver, event)?;
        let (device, host) = driver.in_context()?;
        match ticket {
            Some(ticket) => device.wait(&ticket, host),
            None => Ok(()),
        }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuEventQuery(event: Handle) -> Code {
    call("cuEventQuery", |driver| {
        let ticket = uncaptured(driver, event)?;
        let (device, host) = driver.in_context()?;
        device.permitted()?;
        match ticket {
            Some(ticket) if !ticket.is_done() => {
                // Not ready at least once, and nearer to it every time that somebody asks.
                device.approach(ticket.stream, host)?;
                Err(Code::NOT_READY)
            }
            _ => Ok(()),
        }
    })
}

fn elapsed(driver: &mut Driver, start: Handle, end: Handle) -> Result<f32, Code> {
    let mut moment = |event: Handle| -> Result<Instant, Code> {
        let ticket = uncaptured(driver, event)?;
        let found = driver.events.get(&event).ok_or(Code::INVALID_HANDLE)?;
        let ticket = ticket.filter(|_| found.timed).ok_or(Code::INVALID_HANDLE)?;
        ticket.done.get().copied().ok_or(Code::NOT_READY)
    };
    let (start, end) = (moment(start)?, moment(end)?);
    let forth = end.saturating_duration_since(start).as_secs_f32();
    let back = start.saturating_duration_since(end).as_secs_f32();
    Ok((forth - back) * 1e3)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuEventElapsedTime(place: *mut f32, start: Handle, end: Handle) -> Code {
    call("cuEventElapsedTime", |driver| {
        let time = elapsed(driver, start, end)?;
        // SAFETY: the caller passes a place for a number.
        unsafe { put(place, time) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuEventElapsedTime_v2(place: *mut f32, start: Handle, end: Handle) -> Code {
    call("cuEventElapsedTime_v2", |driver| {
        let time = elapsed(driver, start, end)?;
        // SAFETY: the caller passes a place for a number.
        unsafe { put(place, time) }
    })
}
