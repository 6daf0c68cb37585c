use std::collections::BTreeSet;

use eyas_plan::{Function, Plan, Step};

use crate::executor::Fault;
use crate::{DeviceError, RuntimeError};

/// The error of a device that does not say where: it does its work while the host goes on.
fn unnamed(cause: &DeviceError, entry: &str, plan: &Plan, functions: &[Function]) -> RuntimeError {
    let mut launched = BTreeSet::new();
    kernels(&plan.steps, &mut launched);
    let launched = launched.into_iter();
    let names = launched.filter_map(|kernel| functions.get(kernel));
    let mut names: Vec<String> = names.map(|function| function.name.clone()).collect();
    let cause = cause.clone();
    match (&cause, names.len()) {
        (DeviceError::Driver { .. }, 1) => RuntimeError::DeviceKernel {
            kernel: names.remove(0),
            cause,
        },
        (DeviceError::Driver { .. }, 2..) => RuntimeError::DeviceRun {
            entry: entry.to_owned(),
            kernels: names,
            cause,
        },
        _ => RuntimeError::Device(cause),
    }
}

fn kernels(steps: &[Step], found: &mut BTreeSet<usize>) {
    for step in steps {
        match step {
            Step::Launch(launch) => {
                found.insert(launch.kernel);
            }
            Step::Loop(repeat) => kernels(&repeat.body, found),
            Step::If(branch) => {
                kernels(&branch.then, found);
                kernels(&branch.otherwise, found);
            }
        }
    }
}

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
        Fault::Device {
            kernel: Some(number),
            cause,
        } => RuntimeError::DeviceKernel {
            kernel: kernel(*number),
            cause: cause.clone(),
        },
        Fault::Device {
            kernel: None,
            cause,
        } => unnamed(cause, entry, plan, functions),
    }
}
