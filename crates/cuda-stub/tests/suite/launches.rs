use std::ffi::{CString, c_void};

use cudarc::driver::sys::CUfunction_attribute as Attribute;
use cudarc::driver::sys::{self, CUjit_option as JitOption, CUresult};
use cudarc::driver::{CudaSlice, CudaStream, DevicePtr, DriverError, result};

use crate::child::{CHANCE, EARLY, LATE, PLAIN, code, context, on_stub};

/// `data[i] = scale * data[i] + shift` for `i < count`.
const SCALE: &str = "
.version 8.0
.target sm_80
.address_size 64

.visible .entry scale(
  .param .u64 data,
  .param .u8 scale,
  .param .u32 count,
  .param .u64 shift
)
.maxntid 128, 1, 1
{
  .reg .pred %p<2>;
  .reg .u32 %r<8>;
  .reg .u64 %a<8>;
  ld.param.u64 %a1, [data];
  ld.param.u8 %r1, [scale];
  ld.param.u32 %r2, [count];
  ld.param.u64 %a2, [shift];
  mov.u32 %r3, %ctaid.x;
  mov.u32 %r4, %ntid.x;
  mov.u32 %r5, %tid.x;
  mad.lo.u32 %r3, %r3, %r4, %r5;
  setp.ge.u32 %p1, %r3, %r2;
  @%p1 bra DONE;
  mul.wide.u32 %a3, %r3, 4;
  add.u64 %a1, %a1, %a3;
  cvt.u32.u64 %r6, %a2;
  ld.global.u32 %r7, [%a1];
  mad.lo.u32 %r7, %r7, %r1, %r6;
  st.global.u32 [%a1], %r7;
DONE:
  ret;
}

.visible .entry forever()
{
AGAIN:
  bra AGAIN;
}
";

fn function(text: &str, name: &str) -> Result<sys::CUfunction, DriverError> {
    let text = CString::new(text).unwrap();
    // SAFETY: a text that ends.
    let module = unsafe { result::module::load_data(text.as_ptr().cast()) }?;
    // SAFETY: the module is never unloaded.
    unsafe { result::module::get_function(module, CString::new(name).unwrap()) }
}

/// Blocks along x and y, threads of a block, bytes of shared memory.
type Shape = (u32, u32, u32, u32);

/// Launches `scale` of [`SCALE`].
fn scale(
    function: sys::CUfunction,
    (x, y, threads, shared): Shape,
    stream: &CudaStream,
    data: &CudaSlice<u32>,
    (mut factor, mut count, mut shift): (u8, u32, u64),
) -> Result<(), DriverError> {
    let (mut address, _guard) = data.device_ptr(data.stream());
    let mut values = [
        (&raw mut address).cast(),
        (&raw mut factor).cast(),
        (&raw mut count).cast(),
        (&raw mut shift).cast(),
    ];
    let (grid, block, stream) = ((x, y, 1), (threads, 1, 1), stream.cu_stream());
    // SAFETY: four values of the types that the entry has; the device finds stray accesses.
    unsafe { result::launch_kernel(function, grid, block, shared, stream, &mut values) }
}

/// Launches `forever` of [`SCALE`].
fn forever(
    function: sys::CUfunction,
    (x, y, threads, shared): Shape,
    stream: &CudaStream,
) -> Result<(), DriverError> {
    let (grid, block, stream) = ((x, y, 1), (threads, 1, 1), stream.cu_stream());
    // SAFETY: the entry has no parameters.
    unsafe { result::launch_kernel(function, grid, block, shared, stream, &mut []) }
}

/// Loads a text by hand: the code, and the log.
fn load(text: &str) -> (CUresult, String) {
    let text = CString::new(text).unwrap();
    let mut log = vec![0xffu8; 400];
    let mut options = [
        JitOption::CU_JIT_ERROR_LOG_BUFFER,
        JitOption::CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES,
    ];
    let mut values = [
        log.as_mut_ptr().cast::<c_void>(),
        std::ptr::without_provenance_mut(log.len()),
    ];
    let mut module = std::ptr::null_mut();
    // SAFETY: two options with their values, and a text that ends.
    let code = unsafe {
        sys::cuModuleLoadDataEx(
            &mut module,
            text.as_ptr().cast(),
            2,
            options.as_mut_ptr(),
            values.as_mut_ptr(),
        )
    };
    let taken = values[1].addr();
    log.truncate(taken.saturating_sub(1));
    (code, String::from_utf8(log).unwrap())
}

on_stub! {
    fn kernels_run_with_their_parameters(LATE, EARLY, CHANCE[0]) {
        let context = context();
        let stream = context.new_stream().unwrap();
        let function = function(SCALE, "scale").unwrap();
        let data = stream.clone_htod(&(0..300).collect::<Vec<u32>>()).unwrap();
        scale(function, (3, 1, 128, 0), &stream, &data, (3, 299, 1000)).unwrap();
        let found = stream.clone_dtoh(&data).unwrap();
        let wanted = |index: u32| if index < 299 { 3 * index + 1000 } else { index };
        assert_eq!(found, (0..300).map(wanted).collect::<Vec<u32>>());
    }

    fn a_captured_launch_keeps_its_parameters(LATE, EARLY) {
        let context = context();
        let stream = context.new_stream().unwrap();
        let function = function(SCALE, "scale").unwrap();
        let data = stream.clone_htod(&[1u32; 10]).unwrap();
        stream.synchronize().unwrap();
        let mode = sys::CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_THREAD_LOCAL;
        stream.begin_capture(mode).unwrap();
        scale(function, (1, 1, 32, 0), &stream, &data, (2, 10, 1)).unwrap();
        let flags = sys::CUgraphInstantiate_flags(0);
        let graph = stream.end_capture(flags).unwrap().unwrap();
        for times in 1..4 {
            graph.launch().unwrap();
            let found = stream.clone_dtoh(&data).unwrap();
            assert_eq!(found, [(2u32 << times) - 1; 10]);
        }
    }

    fn a_stray_access_is_a_fault_that_lasts(PLAIN) {
        let context = context();
        let stream = context.new_stream().unwrap();
        let function = function(SCALE, "scale").unwrap();
        let data = stream.clone_htod(&[0u32; 300]).unwrap();
        scale(function, (3, 1, 128, 0), &stream, &data, (3, 301, 0)).unwrap();
        let lost = CUresult::CUDA_ERROR_ILLEGAL_ADDRESS;
        assert_eq!(code(stream.synchronize()), lost);
        assert_eq!(code(context.synchronize()), lost);
        assert_eq!(code(stream.clone_htod(&[1u8])), lost);
        // Nothing can be given back, and all goes with the context.
        std::mem::forget(data);
    }

    fn a_kernel_without_an_end_is_stopped([("INSTRUCTIONS", "100000")]) {
        let context = context();
        let stream = context.new_stream().unwrap();
        let function = function(SCALE, "forever").unwrap();
        forever(function, (1, 1, 32, 0), &stream).unwrap();
        assert_eq!(code(stream.synchronize()), CUresult::CUDA_ERROR_LAUNCH_TIMEOUT);
    }

    fn shapes_that_no_gpu_takes_are_refused(PLAIN) {
        let context = context();
        let stream = context.new_stream().unwrap();
        let endless = function(SCALE, "forever").unwrap();
        let function = function(SCALE, "scale").unwrap();
        let data = stream.clone_htod(&[1u32; 10]).unwrap();
        let refused = [
            (0, 1, 32, 0),
            (1, 1, 0, 0),
            (1, 1, 1025, 0),
            (1, 65_536, 1, 0),
            (1, 1, 1, (48 << 10) + 1),
        ];
        for shape in refused {
            let failed = code(forever(endless, shape, &stream));
            assert_eq!(failed, CUresult::CUDA_ERROR_INVALID_VALUE, "{shape:?}");
        }
        let failed = scale(function, (1, 1, 129, 0), &stream, &data, (1, 1, 0));
        assert_eq!(code(failed), CUresult::CUDA_ERROR_INVALID_VALUE);
        stream.synchronize().unwrap();
    }

    fn shared_memory_is_there_for_who_asks([("CAPABILITY", "8.0")]) {
        let context = context();
        let stream = context.new_stream().unwrap();
        let function = function(SCALE, "scale").unwrap();
        let most = Attribute::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
        let threads = Attribute::CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK;
        // SAFETY: the function's module is never unloaded.
        let get = |attribute| unsafe { result::function::get_function_attribute(function, attribute) };
        // SAFETY: as before.
        let set = |value| unsafe { result::function::set_function_attribute(function, most, value) };
        assert_eq!(get(most).unwrap(), 48 << 10);
        assert_eq!(get(threads).unwrap(), 128);
        let data = stream.clone_htod(&[1u32; 10]).unwrap();
        let run = || scale(function, (1, 1, 32, 163 << 10), &stream, &data, (1, 10, 1));
        assert_eq!(code(run()), CUresult::CUDA_ERROR_INVALID_VALUE);
        assert_eq!(code(set((163 << 10) + 1)), CUresult::CUDA_ERROR_INVALID_VALUE);
        set(163 << 10).unwrap();
        run().unwrap();
        assert_eq!(stream.clone_dtoh(&data).unwrap(), [2; 10]);
        let mut resident = 0;
        // SAFETY: a place for a number.
        let asked = unsafe {
            sys::cuOccupancyMaxActiveBlocksPerMultiprocessor(&mut resident, function, 128, 0)
        };
        asked.result().unwrap();
        assert_eq!(resident, 16);
    }

    fn the_log_says_what_is_wrong_with_a_text(PLAIN) {
        let _context = context();
        let (found, log) = load(SCALE);
        assert_eq!((found, log.as_str()), (CUresult::CUDA_SUCCESS, ""));
        let wrong = SCALE.replace("mad.lo.u32 %r7,", "mad.lo.u32 %a6,");
        let line = wrong.lines().position(|line| line.contains("%a6")).unwrap() + 1;
        let (found, log) = load(&wrong);
        assert_eq!(found, CUresult::CUDA_ERROR_INVALID_PTX, "{log}");
        assert!(log.contains(&format!("line {line};")), "{log}");
        assert_eq!(code(function(SCALE, "absent")), CUresult::CUDA_ERROR_NOT_FOUND);
    }

    fn code_for_another_gpu_is_refused([("CAPABILITY", "8.0")], [("CAPABILITY", "10.0")]) {
        let _context = context();
        let (found, log) = load(&SCALE.replace("sm_80", "sm_90a"));
        assert_eq!(found, CUresult::CUDA_ERROR_NO_BINARY_FOR_GPU);
        assert!(log.contains("sm_90a"), "{log}");
        assert_eq!(load(SCALE).0, CUresult::CUDA_SUCCESS);
    }
}
