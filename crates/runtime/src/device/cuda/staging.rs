use std::mem;
use std::ptr::NonNull;
use std::sync::Arc;

use cudarc::driver::{CudaContext, CudaEvent, CudaStream, result, sys};

use super::{bind, failed};
use crate::DeviceError;
use crate::device::Piece;

/// Pinned memory that copies between host and device go through: while the device copies one half,
/// the host copies the other.
#[derive(Debug, Default)]
pub(super) struct Staging {
    halves: [Option<Half>; 2],
    /// The half that is being filled.
    current: usize,
}

#[derive(Debug)]
struct Half {
    memory: Pinned,
    /// Bytes that were handed out since the device was done with it.
    used: usize,
    /// Stands for the copies of this half.
    event: CudaEvent,
    /// Whether the event was recorded since the device was done with it.
    sealed: bool,
}

/// Memory of the host that the device copies by itself; cached, not write-combined, so that it can be
/// read back.
#[derive(Debug)]
struct Pinned {
    context: Arc<CudaContext>,
    start: NonNull<u8>,
    length: usize,
}

// SAFETY: memory that is this value's alone.
unsafe impl Send for Pinned {}
// SAFETY: nothing is done through a shared reference.
unsafe impl Sync for Pinned {}

/// The least and most bytes of a half.
const SIZES: (usize, usize) = (64 << 10, 2 << 20);

/// Pieces in a half begin at a multiple of this.
const ALIGNMENT: usize = 64;

impl Pinned {
    fn new(context: &Arc<CudaContext>, length: usize) -> Result<Pinned, DeviceError> {
        bind(context)?;
        // SAFETY: reserves memory, and touches none.
        let start = unsafe { result::malloc_host(length, 0) };
        let start = start.map_err(failed("cuMemHostAlloc"))?;
        let start = NonNull::new(start.cast::<u8>());
        Ok(Pinned {
            context: context.clone(),
            start: start.ok_or(DeviceError::OutOfMemory { needed: length })?,
            length,
        })
    }
}

impl Drop for Pinned {
    fn drop(&mut self) {
        if bind(&self.context).is_ok() {
            // SAFETY: reserved in `new`, freed once; halves are dropped when copies are done.
            let _ = unsafe { result::free_host(self.start.as_ptr().cast()) };
        }
    }
}

impl Half {
    /// Lets the event stand for all copies up to here.
    fn seal(&mut self, stream: &CudaStream) -> Result<(), DeviceError> {
        self.event.record(stream).map_err(failed("cuEventRecord"))?;
        self.sealed = true;
        Ok(())
    }

    /// Waits until the device is done with it.
    fn open(&mut self) -> Result<(), DeviceError> {
        if mem::take(&mut self.sealed) {
            let waited = self.event.synchronize();
            waited.map_err(failed("cuEventSynchronize"))?;
        }
        self.used = 0;
        Ok(())
    }
}

impl Staging {
    /// Makes halves that suit copies of so many bytes.
    fn prepare(&mut self, stream: &CudaStream, bytes: usize) -> Result<(), DeviceError> {
        let wanted = bytes.clamp(SIZES.0, SIZES.1).next_power_of_two();
        let length = |half: &Option<Half>| half.as_ref().map_or(0, |half| half.memory.length);
        if self.halves.iter().all(|half| length(half) >= wanted) {
            return Ok(());
        }
        stream
            .synchronize()
            .map_err(failed("cuStreamSynchronize"))?;
        self.halves = [None, None];
        for half in &mut self.halves {
            let context = stream.context();
            let event = context.new_event(None).map_err(failed("cuEventCreate"))?;
            *half = Some(Half {
                memory: Pinned::new(context, wanted)?,
                used: 0,
                event,
                sealed: false,
            });
        }
        Ok(())
    }

    fn half(&mut self, number: usize) -> Result<&mut Half, DeviceError> {
        let none = || DeviceError::Fault("there is no memory for copies".to_owned());
        self.halves[number].as_mut().ok_or_else(none)
    }

    /// Room for at most so many bytes in the current half; `None` where it is full.
    fn room(&mut self, bytes: usize) -> Result<Option<(*mut u8, usize)>, DeviceError> {
        let half = self.half(self.current)?;
        let length = bytes.min(half.memory.length - half.used);
        if length == 0 {
            return Ok(None);
        }
        let place = half.memory.start.as_ptr().wrapping_add(half.used);
        let used = (half.used + length).next_multiple_of(ALIGNMENT);
        half.used = used.min(half.memory.length);
        Ok(Some((place, length)))
    }

    /// Copies bytes to the device; they may change as soon as this returns.
    pub(super) fn upload(
        &mut self,
        stream: &CudaStream,
        to: u64,
        bytes: &[u8],
    ) -> Result<(), DeviceError> {
        self.prepare(stream, bytes.len())?;
        let mut done = 0;
        while done < bytes.len() {
            let Some((place, length)) = self.room(bytes.len() - done)? else {
                self.half(self.current)?.seal(stream)?;
                self.current = 1 - self.current;
                self.half(self.current)?.open()?;
                continue;
            };
            let part = &bytes[done..done + length];
            // SAFETY: `room` gave so many bytes of pinned memory that the device is done with and that
            // nobody else has; they are left alone until the device has copied them.
            let status = unsafe {
                place.copy_from_nonoverlapping(part.as_ptr(), length);
                let to = to + done as u64;
                sys::cuMemcpyHtoDAsync_v2(to, place.cast(), length, stream.cu_stream())
            };
            status.result().map_err(failed("cuMemcpyHtoDAsync"))?;
            done += length;
        }
        Ok(())
    }

    /// Copies bytes from the device, and waits for them.
    pub(super) fn download(
        &mut self,
        stream: &CudaStream,
        pieces: &mut [Piece<'_>],
    ) -> Result<(), DeviceError> {
        let largest = pieces.iter().map(|piece| piece.to.len()).max();
        self.prepare(stream, largest.unwrap_or(0))?;
        let mut waiting: [Vec<(*mut u8, &mut [u8])>; 2] = Default::default();
        for piece in pieces {
            let mut from = piece.from;
            let mut rest = &mut *piece.to;
            while !rest.is_empty() {
                let Some((place, length)) = self.room(rest.len())? else {
                    self.half(self.current)?.seal(stream)?;
                    self.current = 1 - self.current;
                    self.fetch(self.current, &mut waiting)?;
                    continue;
                };
                // SAFETY: `room` gave so many bytes of pinned memory that nobody else has; they are
                // read when the device has written them.
                let status = unsafe {
                    sys::cuMemcpyDtoHAsync_v2(place.cast(), from, length, stream.cu_stream())
                };
                status.result().map_err(failed("cuMemcpyDtoHAsync"))?;
                let (part, after) = rest.split_at_mut(length);
                waiting[self.current].push((place, part));
                rest = after;
                from += length as u64;
            }
        }
        self.half(self.current)?.seal(stream)?;
        self.fetch(1 - self.current, &mut waiting)?;
        self.fetch(self.current, &mut waiting)
    }

    /// Waits for the copies of a half, and takes out what they brought.
    fn fetch(
        &mut self,
        number: usize,
        waiting: &mut [Vec<(*mut u8, &mut [u8])>; 2],
    ) -> Result<(), DeviceError> {
        self.half(number)?.open()?;
        for (place, part) in waiting[number].drain(..) {
            // SAFETY: the device has written so many bytes there, and is done.
            unsafe {
                part.as_mut_ptr()
                    .copy_from_nonoverlapping(place, part.len())
            };
        }
        Ok(())
    }
}
