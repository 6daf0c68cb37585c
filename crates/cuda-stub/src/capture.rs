use std::ffi::{c_int, c_uint};
use std::thread::ThreadId;

use crate::code::Code;
use crate::device::Device;
use crate::driver::{Handle, call, put};
use crate::graph::Graph;
use crate::work::{Node, Task};

/// A graph that grows from what streams are asked for.
#[derive(Debug)]
pub(crate) struct Capture {
    /// The stream on which it began, where it must end.
    origin: Handle,
    mode: Mode,
    thread: ThreadId,
    nodes: Vec<Node>,
    /// Whether something was asked for that no graph can hold.
    spoilt: bool,
}

/// What a stream is to a capture.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    capture: u64,
    /// The nodes that the next one depends on.
    tail: Vec<usize>,
}

/// Which other calls are forbidden meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// Those that might wait, on all threads.
    Global,
    /// Those that might wait, on the thread that captures.
    ThreadLocal,
    /// None.
    Relaxed,
}

impl Device {
    /// Whether what a stream is asked for goes into a graph.
    pub(crate) fn captures_on(&self, stream: Handle) -> bool {
        let found = self.streams.get(&stream);
        found.is_some_and(|stream| stream.member.is_some())
    }

    /// Appends a task to the graph that a stream captures.
    pub(crate) fn capture_task(&mut self, stream: Handle, task: Task) -> Result<(), Code> {
        self.capture_node(stream, Some(task))
    }

    fn capture_node(&mut self, stream: Handle, task: Option<Task>) -> Result<(), Code> {
        let found = self.streams.get_mut(&stream);
        let member = found.and_then(|stream| stream.member.as_mut());
        let member = member.ok_or(Code::ILLEGAL_STATE)?;
        let capture = self.captures.get_mut(&member.capture);
        let capture = capture.ok_or(Code::ILLEGAL_STATE)?;
        if capture.spoilt {
            return Err(Code::STREAM_CAPTURE_INVALIDATED);
        }
        let dependencies = std::mem::replace(&mut member.tail, vec![capture.nodes.len()]);
        capture.nodes.push(Node { task, dependencies });
        Ok(())
    }

    /// Appends another graph's nodes.
    pub(crate) fn capture_graph(&mut self, stream: Handle, nodes: &[Node]) -> Result<(), Code> {
        // In the order of their numbers, one after another: an order that the edges allow.
        for node in nodes {
            self.capture_node(stream, node.task.clone())?;
        }
        Ok(())
    }

    /// What an event holds that is recorded on a stream that captures.
    pub(crate) fn capture_point(&self, stream: Handle) -> Result<(u64, Vec<usize>), Code> {
        let found = self.streams.get(&stream);
        let member = found.and_then(|stream| stream.member.as_ref());
        let member = member.ok_or(Code::ILLEGAL_STATE)?;
        Ok((member.capture, member.tail.clone()))
    }

    /// Lets what follows on a stream depend on nodes of a capture, which the stream joins.
    pub(crate) fn join(
        &mut self,
        handle: Handle,
        capture: u64,
        nodes: &[usize],
    ) -> Result<(), Code> {
        match self.captures.get(&capture) {
            None => return Err(Code::CAPTURED_EVENT),
            Some(found) if found.spoilt => return Err(Code::STREAM_CAPTURE_INVALIDATED),
            Some(_) => {}
        }
        let stream = self.streams.get_mut(&handle).ok_or(Code::INVALID_HANDLE)?;
        match &mut stream.member {
            None if handle == 0 => Err(Code::STREAM_CAPTURE_UNSUPPORTED),
            None => {
                let tail = nodes.to_vec();
                stream.member = Some(Member { capture, tail });
                Ok(())
            }
            Some(member) if member.capture == capture => {
                member.tail.extend(nodes);
                member.tail.sort_unstable();
                member.tail.dedup();
                Ok(())
            }
            Some(_) => {
                self.spoil(capture);
                Err(self.invalidate(handle, Code::STREAM_CAPTURE_MERGE))
            }
        }
    }

    /// A capture is to end in failure.
    pub(crate) fn spoil(&mut self, capture: u64) {
        if let Some(capture) = self.captures.get_mut(&capture) {
            capture.spoilt = true;
        }
    }

    /// The same for the capture that a stream belongs to; gives `code` back.
    pub(crate) fn invalidate(&mut self, stream: Handle, code: Code) -> Code {
        if let Ok((capture, _)) = self.capture_point(stream) {
            self.spoil(capture);
        }
        code
    }

    /// Fails where a stream captures, so that it cannot be waited for.
    pub(crate) fn uncaptured(&mut self, stream: Handle) -> Result<(), Code> {
        if self.captures_on(stream) {
            return Err(self.invalidate(stream, Code::STREAM_CAPTURE_UNSUPPORTED));
        }
        let legacy = |(_, other): (&Handle, &crate::stream::Stream)| {
            other.member.is_some() && !other.independent
        };
        if stream == 0 && self.streams.iter().any(legacy) {
            return Err(Code::STREAM_CAPTURE_IMPLICIT);
        }
        Ok(())
    }

    /// Fails where any stream captures.
    pub(crate) fn uncaptured_all(&mut self) -> Result<(), Code> {
        if self.captures.is_empty() {
            return Ok(());
        }
        for capture in self.captures.values_mut() {
            capture.spoilt = true;
        }
        Err(Code::STREAM_CAPTURE_UNSUPPORTED)
    }

    /// Fails where a capture forbids calls that might wait.
    pub(crate) fn permitted(&mut self) -> Result<(), Code> {
        let thread = std::thread::current().id();
        let mut forbidden = false;
        for capture in self.captures.values_mut() {
            let forbids = match capture.mode {
                Mode::Global => true,
                Mode::ThreadLocal => capture.thread == thread,
                Mode::Relaxed => false,
            };
            capture.spoilt |= forbids;
            forbidden |= forbids;
        }
        if forbidden {
            Err(Code::STREAM_CAPTURE_UNSUPPORTED)
        } else {
            Ok(())
        }
    }

    /// Ends the capture that began on a stream: its nodes.
    fn end_capture(&mut self, handle: Handle) -> Result<Vec<Node>, Code> {
        let Ok((number, tail)) = self.capture_point(handle) else {
            return Err(Code::ILLEGAL_STATE);
        };
        let capture = self.captures.get(&number).ok_or(Code::ILLEGAL_STATE)?;
        if capture.origin != handle {
            self.spoil(number);
            return Err(Code::STREAM_CAPTURE_UNMATCHED);
        }
        let elsewhere = capture.thread != std::thread::current().id();
        if elsewhere && capture.mode != Mode::Relaxed {
            self.spoil(number);
            return Err(Code::STREAM_CAPTURE_WRONG_THREAD);
        }
        let capture = self.captures.remove(&number).ok_or(Code::ILLEGAL_STATE)?;
        let mut joined = vec![false; capture.nodes.len()];
        let mut next = tail;
        while let Some(node) = next.pop() {
            if !std::mem::replace(&mut joined[node], true) {
                next.extend(&capture.nodes[node].dependencies);
            }
        }
        let mut unjoined = false;
        for stream in self.streams.values_mut() {
            if let Some(member) = stream.member.take_if(|member| member.capture == number) {
                unjoined |= member.tail.iter().any(|node| !joined[*node]);
            }
        }
        match capture {
            Capture { spoilt: true, .. } => Err(Code::STREAM_CAPTURE_INVALIDATED),
            _ if unjoined => Err(Code::STREAM_CAPTURE_UNJOINED),
            Capture { nodes, .. } => Ok(nodes),
        }
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuStreamBeginCapture_v2(stream: Handle, mode: c_uint) -> Code {
    call("cuStreamBeginCapture_v2", |driver| {
        driver.current()?;
        let mode = match mode {
            0 => Mode::Global,
            1 => Mode::ThreadLocal,
            2 => Mode::Relaxed,
            _ => return Err(Code::INVALID_VALUE),
        };
        let number = driver.handle() as u64;
        let (device, _) = driver.in_context()?;
        let handle = device.stream(stream)?;
        if handle == 0 {
            return Err(Code::STREAM_CAPTURE_UNSUPPORTED);
        }
        let found = device.streams.get_mut(&handle);
        let found = found.ok_or(Code::INVALID_HANDLE)?;
        if found.member.is_some() {
            return Err(Code::ILLEGAL_STATE);
        }
        found.member = Some(Member {
            capture: number,
            tail: Vec::new(),
        });
        let capture = Capture {
            origin: handle,
            mode,
            thread: std::thread::current().id(),
            nodes: Vec::new(),
            spoilt: false,
        };
        device.captures.insert(number, capture);
        Ok(())
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuStreamEndCapture(stream: Handle, graph: *mut Handle) -> Code {
    call("cuStreamEndCapture", |driver| {
        let (device, _) = driver.in_context()?;
        let handle = device.stream(stream)?;
        // SAFETY: the caller passes a place for a handle.
        unsafe { put(graph, 0) }?;
        let nodes = device.end_capture(handle)?;
        let handle = driver.handle();
        driver.graphs.insert(handle, Graph::new(nodes));
        // SAFETY: the caller passes a place for a handle.
        unsafe { put(graph, handle) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuStreamIsCapturing(stream: Handle, status: *mut c_int) -> Code {
    call("cuStreamIsCapturing", |driver| {
        let (device, _) = driver.in_context()?;
        let handle = device.stream(stream)?;
        let found = device.capture_point(handle).ok();
        let capture = found.and_then(|(number, _)| device.captures.get(&number));
        let now = match capture {
            None => 0,
            Some(capture) if !capture.spoilt => 1,
            Some(_) => 2,
        };
        // SAFETY: the caller passes a place for a number.
        unsafe { put(status, now) }
    })
}
