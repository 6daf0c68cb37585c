use std::collections::VecDeque;
use std::ffi::{c_int, c_uint, c_void};

use crate::capture::Member;
use crate::code::Code;
use crate::device::Device;
use crate::driver::{Handle, call, put};
use crate::work::{HostFunction, Task, Work};

/// A queue of work.
#[derive(Debug, Default)]
pub(crate) struct Stream {
    pub(crate) queue: VecDeque<Work>,
    /// Whether the stream with the handle 0 does not wait for it, nor it for that.
    pub(crate) independent: bool,
    /// It goes once its queue is empty.
    pub(crate) destroyed: bool,
    /// While what it is asked for goes into a graph.
    pub(crate) member: Option<Member>,
}

/// `CU_STREAM_NON_BLOCKING`.
const INDEPENDENT: c_uint = 1;
/// `CU_STREAM_LEGACY`, another name of the stream 0.
const LEGACY: Handle = 1;

impl Device {
    /// The handle of a stream that there is.
    pub(crate) fn stream(&self, handle: Handle) -> Result<Handle, Code> {
        let handle = if handle == LEGACY { 0 } else { handle };
        match self.streams.get(&handle) {
            Some(stream) if !stream.destroyed => Ok(handle),
            _ => Err(Code::INVALID_HANDLE),
        }
    }

    /// Asks a stream that does not capture for work; the stream 0 waits for all streams that are not
    /// independent of it, and those for it.
    pub(crate) fn push(&mut self, handle: Handle, work: Work) -> Result<(), Code> {
        let bound = |(other, stream): (&Handle, &Stream)| {
            let before = *other != handle && !stream.independent && !stream.queue.is_empty();
            before.then_some(*other)
        };
        let awaited: Vec<Handle> = match self.streams.get(&handle) {
            None => return Err(Code::INVALID_HANDLE),
            Some(_) if handle == 0 => {
                let captures = |stream: &Stream| stream.member.is_some() && !stream.independent;
                if self.streams.values().any(captures) {
                    return Err(Code::STREAM_CAPTURE_IMPLICIT);
                }
                self.streams.iter().filter_map(bound).collect()
            }
            Some(stream) if stream.independent => Vec::new(),
            Some(_) => {
                let mut null = self.streams.iter().take(1);
                null.by_ref().filter_map(bound).collect()
            }
        };
        for other in awaited {
            let ticket = self.ticket(other)?;
            if let Some(stream) = self.streams.get_mut(&handle) {
                stream.queue.push_back(Work::Wait(ticket));
            }
        }
        if let Some(stream) = self.streams.get_mut(&handle) {
            stream.queue.push_back(work);
        }
        Ok(())
    }

    /// Asks a stream for a task, now or in the graph that it captures.
    pub(crate) fn ask(&mut self, handle: Handle, task: Task) -> Result<(), Code> {
        let handle = self.stream(handle)?;
        if self.captures_on(handle) {
            self.capture_task(handle, task)
        } else {
            self.push(handle, Work::Task(task))
        }
    }
}

unsafe fn create(name: &'static str, stream: *mut Handle, flags: c_uint) -> Code {
    call(name, |driver| {
        driver.current()?;
        if flags & !INDEPENDENT != 0 {
            return Err(Code::INVALID_VALUE);
        }
        let handle = driver.handle();
        let (device, _) = driver.in_context()?;
        let made = Stream {
            independent: flags & INDEPENDENT != 0,
            ..Stream::default()
        };
        device.streams.insert(handle, made);
        // SAFETY: the caller passes a place for a handle.
        unsafe { put(stream, handle) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuStreamCreate(stream: *mut Handle, flags: c_uint) -> Code {
    // SAFETY: what the caller promises.
    unsafe { create("cuStreamCreate", stream, flags) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuStreamCreateWithPriority(
    stream: *mut Handle,
    flags: c_uint,
    _priority: c_int,
) -> Code {
    // SAFETY: what the caller promises.
    unsafe { create("cuStreamCreateWithPriority", stream, flags) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuStreamDestroy_v2(stream: Handle) -> Code {
    call("cuStreamDestroy_v2", |driver| {
        let (device, _) = driver.in_context()?;
        let handle = device.stream(stream)?;
        device.uncaptured(handle)?;
        match device.streams.get_mut(&handle) {
            Some(found) if handle != 0 => {
                found.destroyed = true;
                if found.queue.is_empty() {
                    device.streams.remove(&handle);
                }
                Ok(())
            }
            _ => Err(Code::INVALID_HANDLE),
        }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuStreamSynchronize(stream: Handle) -> Code {
    call("cuStreamSynchronize", |driver| {
        let (device, host) = driver.in_context()?;
        let handle = device.stream(stream)?;
        device.uncaptured(handle)?;
        if handle == 0 {
            let last = crate::work::Ticket::new(0);
            device.push(0, Work::Record(std::sync::Arc::clone(&last)))?;
            return device.wait(&last, host);
        }
        let last = device.ticket(handle)?;
        device.wait(&last, host)
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuStreamQuery(stream: Handle) -> Code {
    call("cuStreamQuery", |driver| {
        let (device, host) = driver.in_context()?;
        let handle = device.stream(stream)?;
        device.uncaptured(handle)?;
        let is_empty = |device: &Device| {
            let found = device.streams.get(&handle);
            found.is_none_or(|stream| stream.queue.is_empty())
        };
        if is_empty(device) {
            return Ok(());
        }
        // Not ready at least once, and nearer to it every time that somebody asks.
        device.approach(handle, host)?;
        Err(Code::NOT_READY)
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuStreamWaitEvent(stream: Handle, event: Handle, flags: c_uint) -> Code {
    call("cuStreamWaitEvent", |driver| {
        let number = driver.current()?;
        if flags > 1 {
            return Err(Code::INVALID_VALUE);
        }
        let event = driver.events.get(&event).ok_or(Code::INVALID_HANDLE)?;
        if event.device != number {
            return Err(Code::INVALID_CONTEXT);
        }
        let device = &mut driver.devices[number];
        let handle = device.stream(stream)?;
        if let Some((capture, nodes)) = &event.captured {
            return device.join(handle, *capture, nodes);
        }
        let Some(ticket) = event.ticket.clone() else {
            return Ok(());
        };
        if device.captures_on(handle) {
            return Err(device.invalidate(handle, Code::STREAM_CAPTURE_ISOLATION));
        }
        device.push(handle, Work::Wait(ticket))?;
        device.drift(&driver.host);
        Ok(())
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuLaunchHostFunc(
    stream: Handle,
    function: Option<unsafe extern "C" fn(*mut c_void)>,
    data: *mut c_void,
) -> Code {
    call("cuLaunchHostFunc", |driver| {
        let (device, host) = driver.in_context()?;
        let function = function.ok_or(Code::INVALID_VALUE)?;
        let data = data.expose_provenance();
        device.ask(stream, Task::Call(HostFunction { function, data }))?;
        device.drift(host);
        Ok(())
    })
}
