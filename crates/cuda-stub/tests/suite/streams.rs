use std::sync::Arc;
use std::sync::mpsc::{self, Sender};

use cudarc::driver::sys::{self, CUevent_flags as Flags, CUresult};
use cudarc::driver::{CudaSlice, CudaStream, result};

use crate::child::{CHANCE, EARLY, LATE, PLAIN, code, context, empty, on_stub, pinned};

/// Fills on `first` with 1, copies on `second`, perhaps after an event: what the copy holds.
fn handed_over(first: &Arc<CudaStream>, second: &Arc<CudaStream>, ordered: bool) -> Vec<u8> {
    let data = first.clone_htod(&[0u8; 8]).unwrap();
    let mut copy = second.clone_htod(&[0u8; 8]).unwrap();
    first.synchronize().unwrap();
    second.synchronize().unwrap();
    fill(first, &data, 1);
    if ordered {
        second.wait(&first.record_event(None).unwrap()).unwrap();
    }
    second.memcpy_dtod(&data, &mut copy).unwrap();
    let found = second.clone_dtoh(&copy).unwrap();
    first.synchronize().unwrap();
    found
}

/// Copies on `first`, then fills the source on `second` with 2, perhaps after an event: what the copy holds.
fn used_again(first: &Arc<CudaStream>, second: &Arc<CudaStream>, ordered: bool) -> Vec<u8> {
    let data = first.clone_htod(&[1u8; 8]).unwrap();
    let mut copy = first.clone_htod(&[0u8; 8]).unwrap();
    first.synchronize().unwrap();
    first.memcpy_dtod(&data, &mut copy).unwrap();
    if ordered {
        second.wait(&first.record_event(None).unwrap()).unwrap();
    }
    fill(second, &data, 2);
    let found = first.clone_dtoh(&copy).unwrap();
    second.synchronize().unwrap();
    found
}

fn fill(stream: &Arc<CudaStream>, data: &CudaSlice<u8>, value: u8) {
    let (address, _guard) = cudarc::driver::DevicePtr::device_ptr(data, stream);
    let bytes = data.len();
    // SAFETY: so many bytes are there.
    unsafe { result::memset_d8_async(address, value, bytes, stream.cu_stream()) }.unwrap();
}

on_stub! {
    fn without_an_event_another_stream_reads_too_early(LATE) {
        let context = context();
        let (first, second) = (context.new_stream().unwrap(), context.new_stream().unwrap());
        assert_eq!(handed_over(&first, &second, false), [0; 8]);
        assert_eq!(handed_over(&first, &second, true), [1; 8]);
    }

    fn without_an_event_another_stream_writes_too_early(EARLY) {
        let context = context();
        let (first, second) = (context.new_stream().unwrap(), context.new_stream().unwrap());
        assert_eq!(used_again(&first, &second, false), [2; 8]);
        assert_eq!(used_again(&first, &second, true), [1; 8]);
    }

    fn by_chance_both_happen_without_an_event_and_neither_with_one(
        CHANCE[0], CHANCE[1], CHANCE[2]
    ) {
        let context = context();
        let (first, second) = (context.new_stream().unwrap(), context.new_stream().unwrap());
        let early = (0..40).filter(|_| handed_over(&first, &second, false) == [0; 8]).count();
        assert!((1..40).contains(&early), "{early}");
        let early = (0..40).filter(|_| used_again(&first, &second, false) == [2; 8]).count();
        assert!((1..40).contains(&early), "{early}");
        for _ in 0..40 {
            assert_eq!(handed_over(&first, &second, true), [1; 8]);
            assert_eq!(used_again(&first, &second, true), [1; 8]);
        }
    }

    fn a_staging_buffer_used_again_too_early_holds_the_next_data(LATE, EARLY) {
        let context = context();
        let stream = context.new_stream().unwrap();
        let mut host = pinned::<u8>(&context, 1);
        let mut batches = Vec::new();
        for number in 0..3 {
            // `as_mut_slice` waits for nothing where events are not tracked.
            host.as_mut_slice().unwrap()[0] = number;
            let mut there = empty::<u8>(&stream, 1);
            stream.memcpy_htod(&host, &mut there).unwrap();
            batches.push(there);
        }
        let found = batches.iter().map(|there| stream.clone_dtoh(there).unwrap()[0]);
        assert_eq!(found.collect::<Vec<u8>>(), [2, 2, 2]);
    }

    fn the_stream_0_waits_for_streams_that_are_not_independent(LATE, EARLY, CHANCE[0]) {
        let context = context();
        let mut bound = std::ptr::null_mut();
        // SAFETY: a place for a handle.
        unsafe { sys::cuStreamCreate(&mut bound, 0) }.result().unwrap();
        let null = context.default_stream();
        let data = null.clone_htod(&[0u8; 4]).unwrap();
        let (address, _guard) = cudarc::driver::DevicePtr::device_ptr(&data, &null);
        // SAFETY: four bytes are there.
        unsafe { result::memset_d8_async(address, 1, 4, bound) }.unwrap();
        assert_eq!(null.clone_dtoh(&data).unwrap(), [1; 4]);
        fill(&null, &data, 2);
        // SAFETY: as before.
        unsafe { result::memset_d8_async(address, 3, 2, bound) }.unwrap();
        // SAFETY: the stream is alive.
        unsafe { result::stream::synchronize(bound) }.unwrap();
        assert_eq!(null.clone_dtoh(&data).unwrap(), [3, 3, 2, 2]);
        // SAFETY: it is not used any more.
        unsafe { result::stream::destroy(bound) }.unwrap();
    }

    fn who_asks_often_enough_sees_the_end(LATE, EARLY) {
        let context = context();
        let stream = context.new_stream().unwrap();
        let other = context.new_stream().unwrap();
        let data = stream.alloc_zeros::<u8>(8).unwrap();
        fill(&stream, &data, 1);
        let first = stream.record_event(None).unwrap();
        other.wait(&first).unwrap();
        let second = other.record_event(None).unwrap();
        assert!(!second.is_complete());
        let times = (0..20).position(|_| second.is_complete());
        assert!(times.is_some() && first.is_complete());
    }

    fn events_measure_time(LATE) {
        let context = context();
        let stream = context.new_stream().unwrap();
        let timed = Some(Flags::CU_EVENT_DEFAULT);
        let start = stream.record_event(timed).unwrap();
        let data = stream.alloc_zeros::<u8>(1 << 20).unwrap();
        let end = stream.record_event(timed).unwrap();
        let time = start.elapsed_ms(&end).unwrap();
        assert!(time > 0.0 && time < 10_000.0, "{time}");
        assert_eq!(end.elapsed_ms(&start).unwrap(), -time);
        let untimed = stream.record_event(None).unwrap();
        assert_eq!(code(start.elapsed_ms(&untimed)), CUresult::CUDA_ERROR_INVALID_HANDLE);
        drop(data);
    }

    fn a_stream_that_is_destroyed_does_what_it_was_asked_for(LATE, EARLY) {
        let context = context();
        let stream = context.new_stream().unwrap();
        let other = context.new_stream().unwrap();
        let data = other.clone_htod(&[0u8; 4]).unwrap();
        other.synchronize().unwrap();
        fill(&stream, &data, 1);
        other.wait(&stream.record_event(None).unwrap()).unwrap();
        drop(stream);
        assert_eq!(other.clone_dtoh(&data).unwrap(), [1; 4]);
    }

    fn functions_of_the_host_are_called_in_order(PLAIN) {
        let context = context();
        let stream = context.new_stream().unwrap();
        let (sender, receiver) = mpsc::channel();
        let data = stream.alloc_zeros::<u8>(4).unwrap();
        unsafe extern "C" fn send(data: *mut std::ffi::c_void) {
            // SAFETY: what is given below.
            let (sender, number) = unsafe { *Box::from_raw(data.cast::<(Sender<u32>, u32)>()) };
            sender.send(number).unwrap();
        }
        for number in 0..3 {
            let data = Box::into_raw(Box::new((sender.clone(), number))).cast();
            let raw = stream.cu_stream();
            // SAFETY: called once, with data of the right type.
            unsafe { result::stream::launch_host_function(raw, send, data) }.unwrap();
        }
        assert!(receiver.try_recv().is_err());
        stream.synchronize().unwrap();
        assert_eq!(receiver.try_iter().collect::<Vec<u32>>(), [0, 1, 2]);
        drop(data);
    }
}
