use eyas_plan::{Function, Plan};

use crate::RuntimeError;
use crate::executor::Fault;

/// The error that a fault in a plan is, with names.
pub(crate) fn explain(
    fault: &Fault,
    entry: &str,
    plan: &Plan,
    functions: &[Function],
) -> RuntimeError {
    let kernel = |number: usize| match functions.get(number) {
        Some(function) => function.name.clone(),
        None => format!("kernel {number}"),
    };
    let buffer = |number: usize| match plan.buffers.get(number) {
        Some(buffer) => buffer.name.clone(),
        None => format!("buffer {number}"),
    };
    let wrong = |reason: String| RuntimeError::Plan {
        entry: entry.to_owned(),
        reason,
    };
    match fault {
        Fault::Kernel {
            kernel: number,
            failure,
            buffer: Some(place),
            status: 1,
        } => RuntimeError::IndexOutOfRange {
            kernel: kernel(*number),
            tensor: buffer(*place),
            index: failure.index,
            extent: failure.extent,
        },
        Fault::Kernel {
            kernel: number,
            status,
            ..
        } => RuntimeError::KernelFailed {
            kernel: kernel(*number),
            status: *status,
        },
        Fault::Dim(cause) => wrong(format!("a dim in a loop has no value: {cause}")),
        Fault::Count => wrong("a loop's count is negative or beyond 64 bits".to_owned()),
        Fault::Offset {
            kernel: number,
            buffer: place,
        } => {
            let (kernel, buffer) = (kernel(*number), buffer(*place));
            wrong(format!("kernel `{kernel}` reaches past `{buffer}`"))
        }
    }
}
