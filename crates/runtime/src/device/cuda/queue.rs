use std::ffi::c_void;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use cudarc::driver::{CudaContext, CudaEvent, CudaGraph, CudaStream, result, sys};

use super::staging::Staging;
use super::{Module, bind, failed};
use crate::DeviceError;
use crate::device::{Piece, Shape};

/// A stream.
#[derive(Debug)]
pub(crate) struct Queue {
    stream: Arc<CudaStream>,
    staging: Staging,
    /// Where the parameters of the launch under way lie.
    parameters: Vec<*mut c_void>,
}

/// A recorded stream.
pub(crate) struct Graph(CudaGraph);

/// A point of a stream.
#[derive(Debug)]
pub(crate) struct Event(CudaEvent);

/// When a stream came to a point.
#[derive(Debug)]
pub(crate) struct Moment(CudaEvent);

// SAFETY: the stream may be used by any thread; the pointers are used in `launch` alone.
unsafe impl Send for Queue {}
// SAFETY: nothing can be done through a shared reference but making events.
unsafe impl Sync for Queue {}
// SAFETY: a graph may be used by one thread after the other; `launch` is called through the one
// session that owns it, which runs once at a time.
unsafe impl Send for Graph {}
// SAFETY: as above.
unsafe impl Sync for Graph {}

impl fmt::Debug for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Graph").finish_non_exhaustive()
    }
}

impl Queue {
    pub(super) fn new(context: &Arc<CudaContext>) -> Result<Queue, DeviceError> {
        Ok(Queue {
            stream: context.new_stream().map_err(failed("cuStreamCreate"))?,
            staging: Staging::default(),
            parameters: Vec::new(),
        })
    }

    fn bind(&self) -> Result<(), DeviceError> {
        bind(self.stream.context())
    }

    pub(in crate::device) fn upload(&mut self, to: u64, bytes: &[u8]) -> Result<(), DeviceError> {
        self.bind()?;
        self.staging.upload(&self.stream, to, bytes)
    }

    pub(in crate::device) fn download(
        &mut self,
        pieces: &mut [Piece<'_>],
    ) -> Result<(), DeviceError> {
        self.bind()?;
        self.staging.download(&self.stream, pieces)?;
        // What the copies waited for may have failed; and there may have been none.
        self.synchronize()
    }

    pub(in crate::device) fn fill(
        &mut self,
        to: u64,
        byte: u8,
        bytes: usize,
    ) -> Result<(), DeviceError> {
        self.bind()?;
        // SAFETY: whoever fills memory has allocated so many bytes there, and frees them later.
        let outcome = unsafe { result::memset_d8_async(to, byte, bytes, self.stream.cu_stream()) };
        outcome.map_err(failed("cuMemsetD8Async"))
    }

    pub(in crate::device) fn count(&mut self, to: u64, value: i64) -> Result<(), DeviceError> {
        self.bind()?;
        let value = value as u64;
        // As two words of 32 bits, little end first: fills take their value along into a graph.
        for (to, word) in [(to, value as u32), (to + 4, (value >> 32) as u32)] {
            // SAFETY: the buffer is an `i64[]` of the plan, at a multiple of 64.
            let status = unsafe { sys::cuMemsetD32Async(to, word, 1, self.stream.cu_stream()) };
            status.result().map_err(failed("cuMemsetD32Async"))?;
        }
        Ok(())
    }

    pub(in crate::device) fn copy(
        &mut self,
        to: u64,
        from: u64,
        bytes: usize,
    ) -> Result<(), DeviceError> {
        self.bind()?;
        // SAFETY: whoever copies memory has allocated so many bytes at both places.
        let outcome =
            unsafe { result::memcpy_dtod_async(to, from, bytes, self.stream.cu_stream()) };
        outcome.map_err(failed("cuMemcpyDtoDAsync"))
    }

    pub(in crate::device) fn launch(
        &mut self,
        module: &Module,
        shape: &Shape,
        parameters: &[u64],
    ) -> Result<(), DeviceError> {
        self.bind()?;
        let absent = || DeviceError::Fault(format!("there is no function {}", shape.function));
        let function = module.function(shape.function).ok_or_else(absent)?;
        self.parameters.clear();
        let places = parameters
            .iter()
            .map(|value| (&raw const *value).cast_mut());
        self.parameters
            .extend(places.map(|place| place.cast::<c_void>()));
        // SAFETY: the driver reads the parameters before this returns. That there are as many as the
        // entry takes, and that it keeps to what they point to, is what loading a kernel set
        // trusts in.
        let outcome = unsafe {
            result::launch_kernel(
                function,
                (shape.blocks, 1, 1),
                (shape.threads, 1, 1),
                shape.shared,
                self.stream.cu_stream(),
                &mut self.parameters,
            )
        };
        outcome.map_err(failed("cuLaunchKernel"))
    }

    pub(in crate::device) fn synchronize(&mut self) -> Result<(), DeviceError> {
        self.stream
            .synchronize()
            .map_err(failed("cuStreamSynchronize"))
    }

    pub(in crate::device) fn begin_capture(&mut self) -> Result<(), DeviceError> {
        let mode = sys::CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_THREAD_LOCAL;
        let begun = self.stream.begin_capture(mode);
        begun.map_err(failed("cuStreamBeginCapture"))
    }

    pub(in crate::device) fn end_capture(&mut self) -> Result<Graph, DeviceError> {
        let flags = sys::CUgraphInstantiate_flags(0);
        let graph = self.stream.end_capture(flags);
        let graph = graph.map_err(failed("cuStreamEndCapture"))?;
        let lost = || DeviceError::Fault("the driver recorded nothing".to_owned());
        Ok(Graph(graph.ok_or_else(lost)?))
    }

    pub(in crate::device) fn event(&self) -> Result<Event, DeviceError> {
        let event = self.stream.context().new_event(None);
        Ok(Event(event.map_err(failed("cuEventCreate"))?))
    }

    pub(in crate::device) fn signal(&mut self, event: &Event) -> Result<(), DeviceError> {
        let recorded = event.0.record(&self.stream);
        recorded.map_err(failed("cuEventRecord"))
    }

    pub(in crate::device) fn moment(&self) -> Result<Moment, DeviceError> {
        let timed = Some(sys::CUevent_flags::CU_EVENT_DEFAULT);
        let event = self.stream.context().new_event(timed);
        Ok(Moment(event.map_err(failed("cuEventCreate"))?))
    }

    pub(in crate::device) fn mark(&mut self, moment: &Moment) -> Result<(), DeviceError> {
        let recorded = moment.0.record(&self.stream);
        recorded.map_err(failed("cuEventRecord"))
    }

    pub(in crate::device) fn wait(&mut self, event: &Event) -> Result<(), DeviceError> {
        let waiting = self.stream.wait(&event.0);
        waiting.map_err(failed("cuStreamWaitEvent"))
    }
}

impl Moment {
    pub(in crate::device) fn since(&self, earlier: &Moment) -> Result<Duration, DeviceError> {
        bind(self.0.context())?;
        for moment in [earlier, self] {
            let waited = moment.0.synchronize();
            waited.map_err(failed("cuEventSynchronize"))?;
        }
        let milliseconds = elapsed(earlier.0.cu_event(), self.0.cu_event())?;
        Ok(Duration::from_secs_f64(
            f64::from(milliseconds.max(0.0)) / 1e3,
        ))
    }
}

/// Milliseconds between two events that are past. `cudarc` calls `cuEventElapsedTime_v2`, and panics where a
/// driver before CUDA 12.8 does not have it.
fn elapsed(start: sys::CUevent, end: sys::CUevent) -> Result<f32, DeviceError> {
    type Elapsed = unsafe extern "C" fn(*mut f32, sys::CUevent, sys::CUevent) -> sys::CUresult;
    // SAFETY: there is a driver, since there are events; the function has this type in every version.
    let function = unsafe { sys::culib().get::<Elapsed>(b"cuEventElapsedTime\0") };
    let function = function.map_err(|error| DeviceError::Fault(error.to_string()))?;
    let mut milliseconds = 0.0;
    // SAFETY: both events keep times and were recorded.
    let status = unsafe { function(&raw mut milliseconds, start, end) };
    status.result().map_err(failed("cuEventElapsedTime"))?;
    Ok(milliseconds)
}

impl Graph {
    pub(in crate::device) fn launch(&self) -> Result<(), DeviceError> {
        self.0.launch().map_err(failed("cuGraphLaunch"))
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        // The memory of copies under way goes with the queue. An error is that of work before.
        let _ = self.stream.synchronize();
    }
}
