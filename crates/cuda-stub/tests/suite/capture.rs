use std::sync::Arc;

use cudarc::driver::sys::CUgraphInstantiate_flags as Flags;
use cudarc::driver::sys::CUstreamCaptureMode as Mode;
use cudarc::driver::sys::{self, CUresult, CUstreamCaptureStatus as Status};
use cudarc::driver::{CudaSlice, CudaStream, DevicePtr, result};

use crate::child::{CHANCE, EARLY, LATE, PLAIN, code, context, on_stub, pinned};

const THIS_THREAD: Mode = Mode::CU_STREAM_CAPTURE_MODE_THREAD_LOCAL;

fn fill(stream: &Arc<CudaStream>, data: &CudaSlice<u8>, from: u64, value: u8, bytes: usize) {
    let (address, _guard) = data.device_ptr(stream);
    // SAFETY: so many bytes are there.
    let done = unsafe { result::memset_d8_async(address + from, value, bytes, stream.cu_stream()) };
    done.unwrap();
}

on_stub! {
    fn a_graph_does_again_what_was_captured(LATE, EARLY) {
        let context = context();
        let stream = context.new_stream().unwrap();
        let mut host = pinned::<u8>(&context, 4);
        let mut back = pinned::<u8>(&context, 4);
        let mut data = stream.clone_htod(&[9u8; 4]).unwrap();
        stream.synchronize().unwrap();
        stream.begin_capture(THIS_THREAD).unwrap();
        assert_eq!(stream.capture_status().unwrap(), Status::CU_STREAM_CAPTURE_STATUS_ACTIVE);
        stream.memcpy_htod(&host, &mut data).unwrap();
        fill(&stream, &data, 1, 7, 2);
        stream.memcpy_dtoh(&data, &mut back).unwrap();
        let graph = stream.end_capture(Flags(0)).unwrap().unwrap();
        assert_eq!(stream.capture_status().unwrap(), Status::CU_STREAM_CAPTURE_STATUS_NONE);
        // Captured is not done.
        assert_eq!(stream.clone_dtoh(&data).unwrap(), [9; 4]);
        for value in [1, 2] {
            host.as_mut_slice().unwrap().fill(value);
            graph.launch().unwrap();
            stream.synchronize().unwrap();
            assert_eq!(back.as_slice().unwrap(), [value, 7, 7, value]);
        }
        let mut count = 0;
        // SAFETY: a place for a number.
        let counted = unsafe { sys::cuGraphGetNodes(graph.cu_graph(), std::ptr::null_mut(), &mut count) };
        counted.result().unwrap();
        assert_eq!(count, 3);
    }

    fn streams_fork_from_a_capture_and_join_it(LATE, EARLY, CHANCE[0], CHANCE[1]) {
        let context = context();
        let (main, side) = (context.new_stream().unwrap(), context.new_stream().unwrap());
        let data = main.clone_htod(&[0u8; 4]).unwrap();
        main.synchronize().unwrap();
        main.begin_capture(THIS_THREAD).unwrap();
        fill(&main, &data, 0, 1, 4);
        side.wait(&main.record_event(None).unwrap()).unwrap();
        fill(&side, &data, 0, 2, 2);
        fill(&main, &data, 2, 3, 1);
        main.wait(&side.record_event(None).unwrap()).unwrap();
        fill(&main, &data, 1, 4, 1);
        let graph = main.end_capture(Flags(0)).unwrap().unwrap();
        for _ in 0..10 {
            graph.launch().unwrap();
            assert_eq!(main.clone_dtoh(&data).unwrap(), [2, 4, 3, 1]);
        }
        side.synchronize().unwrap();
    }

    fn what_a_graph_does_not_order_is_done_in_either_order(LATE, EARLY) {
        let context = context();
        let (main, side) = (context.new_stream().unwrap(), context.new_stream().unwrap());
        let data = main.clone_htod(&[0u8; 1]).unwrap();
        main.synchronize().unwrap();
        main.begin_capture(THIS_THREAD).unwrap();
        side.wait(&main.record_event(None).unwrap()).unwrap();
        fill(&main, &data, 0, 1, 1);
        fill(&side, &data, 0, 2, 1);
        main.wait(&side.record_event(None).unwrap()).unwrap();
        let graph = main.end_capture(Flags(0)).unwrap().unwrap();
        graph.launch().unwrap();
        let last = if std::env::var("EYAS_CUDA_STUB_ORDER").unwrap() == "late" { 2 } else { 1 };
        assert_eq!(main.clone_dtoh(&data).unwrap(), [last]);
    }

    fn a_capture_must_be_joined(PLAIN) {
        let context = context();
        let (main, side) = (context.new_stream().unwrap(), context.new_stream().unwrap());
        let data = main.clone_htod(&[0u8; 4]).unwrap();
        main.synchronize().unwrap();
        main.begin_capture(THIS_THREAD).unwrap();
        side.wait(&main.record_event(None).unwrap()).unwrap();
        fill(&side, &data, 0, 2, 2);
        let failed = main.end_capture(Flags(0)).map(|_| ());
        assert_eq!(code(failed), CUresult::CUDA_ERROR_STREAM_CAPTURE_UNJOINED);
        // Both streams are free again.
        fill(&side, &data, 0, 5, 4);
        side.synchronize().unwrap();
        assert_eq!(main.clone_dtoh(&data).unwrap(), [5; 4]);
    }

    fn what_waits_spoils_a_capture(PLAIN) {
        let context = context();
        let stream = context.new_stream().unwrap();
        let unsupported = CUresult::CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
        let spoil: [&dyn Fn() -> CUresult; 6] = [
            &|| code(stream.synchronize()),
            &|| code(context.synchronize()),
            // SAFETY: it fails.
            &|| code(unsafe { result::malloc_sync(16) }),
            // SAFETY: it fails.
            &|| code(unsafe { result::malloc_host(16, 0) }),
            &|| code(stream.clone_htod(&[0u8; 4])),
            // SAFETY: it fails.
            &|| code(unsafe { result::module::load_data(c"".as_ptr().cast()) }),
        ];
        for spoil in spoil {
            stream.begin_capture(THIS_THREAD).unwrap();
            assert_eq!(spoil(), unsupported);
            let status = stream.capture_status().unwrap();
            assert_eq!(status, Status::CU_STREAM_CAPTURE_STATUS_INVALIDATED);
            let failed = stream.end_capture(Flags(0)).map(|_| ());
            assert_eq!(code(failed), CUresult::CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
        }
        let failed = stream.end_capture(Flags(0)).map(|_| ());
        assert_eq!(code(failed), CUresult::CUDA_ERROR_ILLEGAL_STATE);
        let failed = context.default_stream().begin_capture(THIS_THREAD);
        assert_eq!(code(failed), unsupported);
    }

    fn a_relaxed_capture_forbids_nothing_else(PLAIN) {
        let context = context();
        let stream = context.new_stream().unwrap();
        stream.begin_capture(Mode::CU_STREAM_CAPTURE_MODE_RELAXED).unwrap();
        // SAFETY: freed below.
        let address = unsafe { result::malloc_sync(16) }.unwrap();
        // SAFETY: 16 bytes are there.
        unsafe { result::memset_d8_async(address, 0, 16, stream.cu_stream()) }.unwrap();
        let graph = stream.end_capture(Flags(0)).unwrap().unwrap();
        graph.launch().unwrap();
        stream.synchronize().unwrap();
        // SAFETY: the device finds its later uses.
        unsafe { result::free_sync(address) }.unwrap();
        // What a graph uses must live as long as it is launched.
        graph.launch().unwrap();
        assert_eq!(code(stream.synchronize()), CUresult::CUDA_ERROR_ILLEGAL_ADDRESS);
    }

    fn a_capture_knows_no_work_outside_it(PLAIN) {
        let context = context();
        let (main, side) = (context.new_stream().unwrap(), context.new_stream().unwrap());
        let outside = side.record_event(None).unwrap();
        main.begin_capture(THIS_THREAD).unwrap();
        let failed = main.wait(&outside);
        assert_eq!(code(failed), CUresult::CUDA_ERROR_STREAM_CAPTURE_ISOLATION);
        let failed = main.end_capture(Flags(0)).map(|_| ());
        assert_eq!(code(failed), CUresult::CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);

        main.begin_capture(THIS_THREAD).unwrap();
        let inside = main.record_event(None).unwrap();
        assert_eq!(code(inside.synchronize()), CUresult::CUDA_ERROR_CAPTURED_EVENT);
        assert!(main.end_capture(Flags(0)).is_err());

        main.begin_capture(THIS_THREAD).unwrap();
        let inside = main.record_event(None).unwrap();
        side.wait(&inside).unwrap();
        let failed = side.end_capture(Flags(0)).map(|_| ());
        assert_eq!(code(failed), CUresult::CUDA_ERROR_STREAM_CAPTURE_UNMATCHED);
        assert!(main.end_capture(Flags(0)).is_err());
    }

    fn one_graph_does_not_run_twice_at_once(LATE, EARLY, CHANCE[0]) {
        let context = context();
        let (main, side) = (context.new_stream().unwrap(), context.new_stream().unwrap());
        let mut data = main.clone_htod(&[1u8, 2, 3, 4]).unwrap();
        let mut other = main.alloc_zeros::<u8>(4).unwrap();
        main.synchronize().unwrap();
        main.begin_capture(THIS_THREAD).unwrap();
        main.memcpy_dtod(&data, &mut other).unwrap();
        main.memcpy_dtod(&other, &mut data).unwrap();
        let graph = main.end_capture(Flags(0)).unwrap().unwrap();
        graph.launch().unwrap();
        // SAFETY: both are alive.
        unsafe { result::graph::launch(graph.cu_graph_exec(), side.cu_stream()) }.unwrap();
        side.synchronize().unwrap();
        assert_eq!(side.clone_dtoh(&data).unwrap(), [1, 2, 3, 4]);
    }
}
