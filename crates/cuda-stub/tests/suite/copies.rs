use cudarc::driver::result;
use cudarc::driver::sys::CUresult;

use crate::child::{EARLY, LATE, PLAIN, code, context, empty, on_stub, pinned};

on_stub! {
    fn what_goes_to_the_device_comes_back(LATE, EARLY) {
        let context = context();
        let stream = context.new_stream().unwrap();
        let data: Vec<u32> = (0..1000).collect();
        let there = stream.clone_htod(&data).unwrap();
        let twice = stream.clone_dtod(&there).unwrap();
        assert_eq!(stream.clone_dtoh(&twice).unwrap(), data);
        let mut host = pinned::<u32>(&context, 1000);
        stream.memcpy_dtoh(&twice, &mut host).unwrap();
        stream.synchronize().unwrap();
        assert_eq!(host.as_slice().unwrap(), data);
    }

    fn fills_repeat_their_element(PLAIN) {
        let context = context();
        let stream = context.new_stream().unwrap();
        let bytes = stream.alloc_zeros::<u8>(16).unwrap();
        let (address, _guard) = cudarc::driver::DevicePtr::device_ptr(&bytes, &stream);
        let raw = stream.cu_stream();
        // SAFETY: 16 bytes are there.
        unsafe {
            cudarc::driver::sys::cuMemsetD32Async(address, 0x0403_0201, 2, raw).result().unwrap();
            cudarc::driver::sys::cuMemsetD16Async(address + 8, 0x0605, 2, raw).result().unwrap();
            result::memset_d8_async(address + 12, 7, 2, raw).unwrap();
        }
        let found = stream.clone_dtoh(&bytes).unwrap();
        assert_eq!(found, [1, 2, 3, 4, 1, 2, 3, 4, 5, 6, 5, 6, 7, 7, 0, 0]);
    }

    fn pinned_memory_is_read_when_the_copy_is_done(LATE, EARLY) {
        let context = context();
        let stream = context.new_stream().unwrap();
        let mut host = pinned::<u8>(&context, 4);
        host.as_mut_slice().unwrap().fill(1);
        let mut there = empty::<u8>(&stream, 4);
        stream.memcpy_htod(&host, &mut there).unwrap();
        // Nothing waited for the copy: on a GPU it would still be under way.
        let address = host.as_ptr().unwrap().cast_mut();
        // SAFETY: the four bytes are this test's.
        unsafe { address.write_bytes(2, 4) };
        assert_eq!(stream.clone_dtoh(&there).unwrap(), [2; 4]);
    }

    fn other_memory_is_read_when_the_copy_is_asked_for(LATE, EARLY) {
        let context = context();
        let stream = context.new_stream().unwrap();
        let mut data = vec![1u8; 4];
        let there = stream.clone_htod(&data).unwrap();
        data.fill(2);
        assert_eq!(stream.clone_dtoh(&there).unwrap(), [1; 4]);
    }

    fn pinned_memory_freed_before_the_copy_is_a_fault(PLAIN) {
        let context = context();
        let stream = context.new_stream().unwrap();
        let there = stream.alloc_zeros::<u8>(64).unwrap();
        let (address, _guard) = cudarc::driver::DevicePtr::device_ptr(&there, &stream);
        // SAFETY: the copy is never done, because the memory is gone.
        unsafe {
            let pinned = result::malloc_host(64, 0).unwrap();
            let bytes = std::slice::from_raw_parts(pinned.cast::<u8>(), 64);
            result::memcpy_htod_async(address, bytes, stream.cu_stream()).unwrap();
            result::free_host(pinned).unwrap();
        }
        assert_eq!(code(stream.synchronize()), CUresult::CUDA_ERROR_ILLEGAL_ADDRESS);
    }

    fn device_memory_freed_before_the_copy_is_a_fault(PLAIN) {
        let context = context();
        let stream = context.new_stream().unwrap();
        // SAFETY: the device finds the fault.
        unsafe {
            let address = result::malloc_sync(64).unwrap();
            result::memset_d8_async(address, 0, 64, stream.cu_stream()).unwrap();
            result::free_sync(address).unwrap();
        }
        assert_eq!(code(stream.synchronize()), CUresult::CUDA_ERROR_ILLEGAL_ADDRESS);
    }

    fn memory_freed_in_the_order_of_the_stream_is_none(PLAIN) {
        let context = context();
        let stream = context.new_stream().unwrap();
        // SAFETY: freed after its last use.
        unsafe {
            let address = result::malloc_async(stream.cu_stream(), 64).unwrap();
            result::memset_d8_async(address, 0, 64, stream.cu_stream()).unwrap();
            result::free_async(address, stream.cu_stream()).unwrap();
        }
        let (free, total) = context.mem_get_info().unwrap();
        assert_eq!(total - free, 64);
        stream.synchronize().unwrap();
        assert_eq!(context.mem_get_info().unwrap(), (total, total));
    }

    fn what_was_never_written_cannot_be_read_and_the_context_is_lost(PLAIN) {
        let context = context();
        let stream = context.new_stream().unwrap();
        let there = empty::<u8>(&stream, 64);
        let lost = CUresult::CUDA_ERROR_LAUNCH_FAILED;
        assert_eq!(code(stream.clone_dtoh(&there)), lost);
        assert_eq!(code(stream.synchronize()), lost);
        assert_eq!(code(stream.alloc_zeros::<u8>(1)), lost);
        // Nothing can be given back, and all goes with the context.
        std::mem::forget(there);
    }

    fn copies_beyond_the_end_are_faults(PLAIN) {
        let context = context();
        let stream = context.new_stream().unwrap();
        // SAFETY: the device finds the fault.
        unsafe {
            let address = result::malloc_sync(64).unwrap();
            result::memset_d8_async(address + 1, 0, 64, stream.cu_stream()).unwrap();
        }
        assert_eq!(code(stream.synchronize()), CUresult::CUDA_ERROR_ILLEGAL_ADDRESS);
    }
}
