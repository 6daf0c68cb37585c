use std::ffi::c_uint;
use std::sync::Arc;

use crate::code::Code;
use crate::driver::{Handle, call, put};
use crate::work::{Node, Ticket, Work};

/// Tasks, and what each waits for.
pub(crate) struct Graph {
    nodes: Arc<Vec<Node>>,
}

/// A graph that can be launched.
pub(crate) struct Executable {
    pub(crate) device: usize,
    nodes: Arc<Vec<Node>>,
    /// After its last launch: it does not run twice at once.
    last: Option<Arc<Ticket>>,
}

/// `AUTO_FREE_ON_LAUNCH`, `UPLOAD`, `USE_NODE_PRIORITY`; a launch from the device there is not.
const KNOWN: u64 = 1 | 2 | 8;

impl Graph {
    pub(crate) fn new(nodes: Vec<Node>) -> Graph {
        let nodes = Arc::new(nodes);
        Graph { nodes }
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuGraphInstantiateWithFlags(
    executable: *mut Handle,
    graph: Handle,
    flags: u64,
) -> Code {
    call("cuGraphInstantiateWithFlags", |driver| {
        let device = driver.current()?;
        if flags & !KNOWN != 0 {
            return Err(Code::INVALID_VALUE);
        }
        let graph = driver.graphs.get(&graph).ok_or(Code::INVALID_VALUE)?;
        let made = Executable {
            device,
            nodes: Arc::clone(&graph.nodes),
            last: None,
        };
        let handle = driver.handle();
        driver.executables.insert(handle, made);
        // SAFETY: the caller passes a place for a handle.
        unsafe { put(executable, handle) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuGraphUpload(executable: Handle, stream: Handle) -> Code {
    call("cuGraphUpload", |driver| {
        let (device, _) = driver.in_context()?;
        device.stream(stream)?;
        let found = driver.executables.get(&executable);
        found.map(|_| ()).ok_or(Code::INVALID_VALUE)
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuGraphLaunch(executable: Handle, stream: Handle) -> Code {
    call("cuGraphLaunch", |driver| {
        let number = driver.current()?;
        let found = driver.executables.get_mut(&executable);
        let found = found.filter(|found| found.device == number);
        let found = found.ok_or(Code::INVALID_VALUE)?;
        let device = &mut driver.devices[number];
        let handle = device.stream(stream)?;
        if device.captures_on(handle) {
            return device.capture_graph(handle, &found.nodes);
        }
        if let Some(last) = found.last.take_if(|last| !last.is_done()) {
            device.push(handle, Work::Wait(last))?;
        }
        device.push(handle, Work::Graph(Arc::clone(&found.nodes)))?;
        found.last = Some(device.ticket(handle)?);
        device.drift(&driver.host);
        Ok(())
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuGraphGetNodes(graph: Handle, nodes: *mut Handle, count: *mut usize) -> Code {
    call("cuGraphGetNodes", |driver| {
        driver.current()?;
        let graph = driver.graphs.get(&graph).ok_or(Code::INVALID_VALUE)?;
        if !nodes.is_null() {
            return Err(Code::NOT_SUPPORTED);
        }
        // SAFETY: the caller passes a place for a number.
        unsafe { put(count, graph.nodes.len()) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuGraphExecDestroy(executable: Handle) -> Code {
    call("cuGraphExecDestroy", |driver| {
        driver.current()?;
        let found = driver.executables.remove(&executable);
        found.map(|_| ()).ok_or(Code::INVALID_VALUE)
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuGraphDestroy(graph: Handle) -> Code {
    call("cuGraphDestroy", |driver| {
        driver.ready()?;
        let found = driver.graphs.remove(&graph);
        found.map(|_| ()).ok_or(Code::INVALID_VALUE)
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuGraphInstantiate_v2(
    executable: *mut Handle,
    graph: Handle,
    _node: *mut Handle,
    _log: *mut u8,
    _length: usize,
) -> Code {
    let flags = u64::from(c_uint::MIN);
    // SAFETY: what the caller promises.
    unsafe { cuGraphInstantiateWithFlags(executable, graph, flags) }
}
