use std::process::{Command, Output};
use std::sync::Arc;

use cudarc::driver::sys::CUresult;
use cudarc::driver::{CudaContext, CudaSlice, CudaStream, DeviceRepr, DriverError};
use cudarc::driver::{PinnedHostSlice, ValidAsZeroBits};

/// Set in the process that has the stub.
const CHILD: &str = "EYAS_CUDA_STUB_TEST";

/// Runs `body` on the stub with these settings (`EYAS_CUDA_STUB_...`), in a process of its own, which is this test
/// again; its output, where it succeeds. In that process `None`, after `body`.
pub fn run(test: &str, settings: &[(&str, &str)], body: impl FnOnce()) -> Option<String> {
    if std::env::var_os(CHILD).is_some() {
        body();
        return None;
    }
    let output = output(test, settings);
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{test} with {settings:?}:\n{text}");
    assert!(text.contains("1 passed"), "{test} ran no test:\n{text}");
    Some(text.into_owned())
}

fn output(test: &str, settings: &[(&str, &str)]) -> Output {
    let directory = eyas_cuda_stub::library_directory().unwrap();
    let (_, test) = test.split_once("::").unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture", "--test-threads", "1"]);
    command.env("LD_LIBRARY_PATH", directory.path());
    command.env(CHILD, "1").env("RUST_BACKTRACE", "0");
    for (name, value) in settings {
        command.env(format!("EYAS_CUDA_STUB_{name}"), value);
    }
    command.output().unwrap()
}

/// Tests whose bodies run on the stub, once for each of the settings given.
macro_rules! on_stub {
    ($($(#[$attribute:meta])* fn $name:ident($($settings:expr),*) $body:block)*) => {$(
        #[test]
        $(#[$attribute])*
        fn $name() {
            let all: Vec<&[(&str, &str)]> = vec![$(&$settings),*];
            for settings in all {
                let test = concat!(module_path!(), "::", stringify!($name));
                crate::child::run(test, settings, || $body);
            }
        }
    )*};
}
pub(crate) use on_stub;

/// Nothing set.
pub const PLAIN: [(&str, &str); 0] = [];
/// The orders in which streams may go on.
pub const LATE: [(&str, &str); 1] = [("ORDER", "late")];
pub const EARLY: [(&str, &str); 1] = [("ORDER", "early")];
pub const CHANCE: [[(&str, &str); 1]; 3] = [[("ORDER", "1")], [("ORDER", "2")], [("ORDER", "3")]];

/// The context of device 0, without cudarc's own events.
pub fn context() -> Arc<CudaContext> {
    let context = CudaContext::new(0).unwrap();
    // SAFETY: the tests say themselves what waits for what.
    unsafe { context.disable_event_tracking() };
    context
}

/// Pinned memory, for the device to read and write at any time.
pub fn pinned<T: DeviceRepr + ValidAsZeroBits>(
    context: &Arc<CudaContext>,
    length: usize,
) -> PinnedHostSlice<T> {
    // SAFETY: the stub fills it.
    unsafe { context.alloc_pinned_with_flags(length, 0) }.unwrap()
}

/// Device memory that holds nothing.
pub fn empty<T: DeviceRepr>(stream: &Arc<CudaStream>, length: usize) -> CudaSlice<T> {
    // SAFETY: the device finds reads of what was never written.
    unsafe { stream.alloc(length) }.unwrap()
}

/// The code of a failure.
pub fn code<T>(result: Result<T, DriverError>) -> CUresult {
    result.err().map_or(CUresult::CUDA_SUCCESS, |error| error.0)
}
