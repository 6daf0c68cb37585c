use cudarc::driver::sys::CUdevice_attribute as Attribute;
use cudarc::driver::sys::{self, CUresult};
use cudarc::driver::{CudaContext, DriverError, result};

use crate::child::{PLAIN, code, context, on_stub};

on_stub! {
    fn a_device_tells_what_it_is([("CAPABILITY", "8.6"), ("MEMORY", "1000000")]) {
        let context = context();
        assert_eq!(context.name().unwrap(), "Eyas PTX interpreter");
        assert_eq!(context.compute_capability().unwrap(), (8, 6));
        assert_eq!(context.total_mem().unwrap(), 1_000_000);
        assert_eq!(context.mem_get_info().unwrap(), (1_000_000, 1_000_000));
        let of = |attribute| context.attribute(attribute).unwrap();
        assert_eq!(of(Attribute::CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK), 1024);
        assert_eq!(of(Attribute::CU_DEVICE_ATTRIBUTE_WARP_SIZE), 32);
        assert_eq!(of(Attribute::CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT), 4);
        assert_eq!(of(Attribute::CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_MULTIPROCESSOR), 2048);
        let shared = Attribute::CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN;
        assert_eq!(of(shared), 99 << 10);
        let shared = Attribute::CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK;
        assert_eq!(of(shared), 48 << 10);
        let shared = Attribute::CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_MULTIPROCESSOR;
        assert_eq!(of(shared), 100 << 10);
        assert_eq!(of(Attribute::CU_DEVICE_ATTRIBUTE_MEMORY_POOLS_SUPPORTED), 1);
        assert_eq!(of(Attribute::CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Y), 65_535);
        let mut version = 0;
        // SAFETY: a place for a number.
        unsafe { sys::cuDriverGetVersion(&mut version) }.result().unwrap();
        assert_eq!(version, 13_000);
    }

    fn there_may_be_no_device([("DEVICES", "0")]) {
        assert_eq!(code(CudaContext::new(0)), CUresult::CUDA_ERROR_NO_DEVICE);
        assert_eq!(code(result::device::get_count()), CUresult::CUDA_ERROR_NOT_INITIALIZED);
    }

    fn devices_have_memory_of_their_own([("DEVICES", "2"), ("MEMORY", "1000")]) {
        assert_eq!(CudaContext::device_count().unwrap(), 2);
        let (first, second) = (context(), CudaContext::new(1).unwrap());
        let name = |context: &CudaContext| context.uuid().unwrap().bytes;
        assert_ne!(name(&first), name(&second));
        let held = second.default_stream().alloc_zeros::<u8>(600).unwrap();
        assert_eq!(second.mem_get_info().unwrap(), (400, 1000));
        assert_eq!(first.mem_get_info().unwrap(), (1000, 1000));
        drop(held);
        assert_eq!(code(CudaContext::new(2)), CUresult::CUDA_ERROR_INVALID_DEVICE);
    }

    fn memory_runs_out([("MEMORY", "1000")]) {
        let context = context();
        let stream = context.default_stream();
        let held = stream.alloc_zeros::<u8>(900).unwrap();
        let failed = stream.alloc_zeros::<u8>(101);
        assert_eq!(code(failed), CUresult::CUDA_ERROR_OUT_OF_MEMORY);
        drop(held);
        context.synchronize().unwrap();
        stream.alloc_zeros::<u8>(1000).unwrap();
    }

    fn a_call_fails_when_it_is_told_to([("FAIL", "cuMemAlloc_v2:2=2,cuCtxSynchronize:1=719")]) {
        let context = context();
        // SAFETY: sizes only; nothing is freed before the end.
        let allocate = || unsafe { result::malloc_sync(16) };
        allocate().unwrap();
        assert_eq!(code(allocate()), CUresult::CUDA_ERROR_OUT_OF_MEMORY);
        allocate().unwrap();
        assert_eq!(code(context.synchronize()), CUresult::CUDA_ERROR_LAUNCH_FAILED);
        context.synchronize().unwrap();
    }

    fn nothing_works_without_a_context(PLAIN) {
        // SAFETY: there is no context, which is what is tried.
        let failed = unsafe { result::malloc_sync(16) };
        assert_eq!(code(failed), CUresult::CUDA_ERROR_NOT_INITIALIZED);
        result::init().unwrap();
        // SAFETY: as before.
        let failed = unsafe { result::malloc_sync(16) };
        assert_eq!(code(failed), CUresult::CUDA_ERROR_INVALID_CONTEXT);
        drop(context());
        // SAFETY: as before: the context is gone again.
        let failed = unsafe { result::malloc_sync(16) };
        assert_eq!(code(failed), CUresult::CUDA_ERROR_INVALID_CONTEXT);
    }

    fn errors_have_the_names_that_cuda_gives_them(PLAIN) {
        let codes = [
            CUresult::CUDA_SUCCESS,
            CUresult::CUDA_ERROR_INVALID_VALUE,
            CUresult::CUDA_ERROR_OUT_OF_MEMORY,
            CUresult::CUDA_ERROR_NOT_INITIALIZED,
            CUresult::CUDA_ERROR_NO_DEVICE,
            CUresult::CUDA_ERROR_INVALID_DEVICE,
            CUresult::CUDA_ERROR_INVALID_IMAGE,
            CUresult::CUDA_ERROR_INVALID_CONTEXT,
            CUresult::CUDA_ERROR_NO_BINARY_FOR_GPU,
            CUresult::CUDA_ERROR_INVALID_PTX,
            CUresult::CUDA_ERROR_INVALID_HANDLE,
            CUresult::CUDA_ERROR_ILLEGAL_STATE,
            CUresult::CUDA_ERROR_NOT_FOUND,
            CUresult::CUDA_ERROR_NOT_READY,
            CUresult::CUDA_ERROR_ILLEGAL_ADDRESS,
            CUresult::CUDA_ERROR_LAUNCH_TIMEOUT,
            CUresult::CUDA_ERROR_MISALIGNED_ADDRESS,
            CUresult::CUDA_ERROR_LAUNCH_FAILED,
            CUresult::CUDA_ERROR_NOT_SUPPORTED,
            CUresult::CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED,
            CUresult::CUDA_ERROR_STREAM_CAPTURE_INVALIDATED,
            CUresult::CUDA_ERROR_STREAM_CAPTURE_MERGE,
            CUresult::CUDA_ERROR_STREAM_CAPTURE_UNMATCHED,
            CUresult::CUDA_ERROR_STREAM_CAPTURE_UNJOINED,
            CUresult::CUDA_ERROR_STREAM_CAPTURE_ISOLATION,
            CUresult::CUDA_ERROR_STREAM_CAPTURE_IMPLICIT,
            CUresult::CUDA_ERROR_CAPTURED_EVENT,
            CUresult::CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD,
            CUresult::CUDA_ERROR_UNKNOWN,
        ];
        for code in codes {
            let error = DriverError(code);
            let name = error.error_name().unwrap();
            assert_eq!(name.to_str().unwrap(), format!("{code:?}"));
            assert!(!error.error_string().unwrap().is_empty());
        }
    }
}
