use std::sync::Arc;

use eyas_plan::{CudaArchitecture, Machine};
use eyas_runtime::{Device, DeviceError, KernelSet, RuntimeError, Session, SessionOptions};
use eyas_tensor::Tensor;

use crate::device_cases::{self, on, stray};
use crate::harmless::{models, seal, section};
use crate::ptx::for_gpus;
use crate::sets::{adder, floats, set};

macro_rules! interpreted {
    ($($name:ident)*) => {$(
        #[test]
        fn $name() {
            device_cases::$name(&Device::interpreter());
        }
    )*};
}

interpreted! {
    every_batch_is_computed
    tensors_larger_than_staging_memory_arrive_whole
    loops_carry_values
    loops_end_when_their_condition_does
    loops_count
    an_if_takes_one_branch
    states_go_on
    an_index_out_of_range_is_named
    a_failed_run_changes_no_state
    scratch_memory_is_cleared_before_every_launch
    memory_is_limited
    one_set_serves_processor_and_device
    derived_parameters_are_computed_there
    eight_sessions_share_a_set
    batches_overlap
    what_came_before_an_error_is_handed_on
    poison_shows_what_was_never_written
    a_stepwise_run_names_the_kernel_that_fails
    code_that_does_not_load_is_an_error
}

#[test]
fn too_little_memory_is_an_error_that_says_what_is_needed() {
    let device = Device::interpreter_with_memory(20_000);
    device_cases::too_little_memory_is_an_error_that_says_what_is_needed(&device);
}

#[test]
fn the_interpreter_names_the_kernel_that_fails_in_a_recorded_run_too() {
    let set = set(for_gpus(stray()));
    let mut session = Session::with_options(&set, on(&Device::interpreter())).unwrap();
    let x = floats(&[2, 4], &[1.0; 8]);
    for _ in 0..2 {
        let error = session.run_ordered(&[&x, &x]).unwrap_err();
        let message = error.to_string();
        assert!(
            message.starts_with("kernel `twice.stray`: block (0, 0, 0)"),
            "{message}"
        );
    }
}

#[test]
fn a_set_without_code_for_the_place_says_so() {
    let gpu = KernelSet::new(for_gpus(adder(1))).unwrap();
    let read = Arc::new(KernelSet::from_bytes(&gpu.to_bytes().unwrap()).unwrap());
    assert_eq!(read.isa(), None);
    assert_eq!(read.machines(), [Machine::Cuda(CudaArchitecture::Sm80)]);
    let error = Session::new(&read).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the kernel set has no code for a CPU, only for `sm_80`: run it on a device"
    );
    let cpu = set(adder(1));
    let error = Session::with_options(&cpu, on(&Device::interpreter())).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the kernel set has no code that PTX interpreter (compute capability 9.0) runs, \
         only for `x86_64-portable`"
    );
    let description = read.describe();
    let target = &description.targets[0];
    assert!(!target.runs && target.missing.is_empty());
    let grid = target.functions[0].grid.as_ref().unwrap();
    assert_eq!((&*grid.entry, grid.threads), ("k0", 32));
}

#[test]
fn the_best_code_for_a_device_is_taken() {
    // Code for Hopper that does not load shows that it is the one that is tried.
    let mut parts = for_gpus(adder(1));
    let mut hopper = parts.targets[0].clone();
    hopper.machine = Machine::Cuda(CudaArchitecture::Sm90a);
    let text = String::from_utf8(hopper.code.bytes).unwrap();
    hopper.code.bytes = text.replace(".version 8.0", ".version x.y").into_bytes();
    parts.targets.insert(0, hopper);
    let error = Session::with_options(&set(parts), on(&Device::interpreter())).unwrap_err();
    assert!(
        matches!(error, RuntimeError::Device(DeviceError::Code { .. })),
        "{error}"
    );
}

#[test]
fn a_machine_without_gpus_says_why() {
    // Where there is a GPU, it is listed.
    match Device::list() {
        Ok(devices) => assert!(!devices.is_empty() || Device::cuda(0).is_err()),
        Err(error) => {
            assert!(!error.to_string().is_empty());
            assert!(Device::cuda(0).is_err());
        }
    }
    assert!(Device::cuda(1 << 20).is_err());
}

#[test]
fn code_for_gpus_is_checked_when_it_is_loaded() {
    type Change = fn(&mut eyas_runtime::TargetCode);
    let cases: [(Change, &str); 6] = [
        (
            |target| target.code.functions[0].grid = None,
            "kernel `sum.add` has no grid",
        ),
        (|target| target.code.bytes[3] = 0xff, "its code is no text"),
        (
            |target| {
                let function = &mut target.code.functions[0];
                function.grid.as_mut().unwrap().entry = "k7".to_owned();
            },
            "kernel `sum.add` has no entry in its place of the code",
        ),
        (
            |target| {
                let function = target.code.functions[0].clone();
                target.code.functions.push(function);
            },
            "kernel `sum.add` shares its entry with another",
        ),
        (
            |target| {
                let function = &mut target.code.functions[0];
                function.grid.as_mut().unwrap().threads = 2000;
            },
            "kernel `sum.add` has blocks of 2000 threads",
        ),
        (
            |target| target.code.functions[0].scratch = "Q + 1".parse().unwrap(),
            "kernel `sum.add` reads the dim `Q`, which is not there",
        ),
    ];
    for (change, message) in cases {
        let mut parts = for_gpus(adder(1));
        change(&mut parts.targets[0]);
        let error = KernelSet::new(parts).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("the kernel set is inconsistent: target 0: {message}")
        );
    }
    let mut parts = adder(1);
    let grid = for_gpus(adder(1)).targets[0].code.functions[0].grid.clone();
    parts.targets[0].code.functions[0].grid = grid;
    let error = KernelSet::new(parts).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the kernel set is inconsistent: target 0: kernel `sum.add` is launched in a grid"
    );
}

/// Loads and, where that goes well, runs on the interpreter with small inputs; whether that went well.
fn exercise(bytes: &[u8]) -> bool {
    let Ok(set) = KernelSet::from_bytes(bytes) else {
        return false;
    };
    let options = SessionOptions {
        memory_limit: Some(1 << 20),
        ..on(&Device::interpreter_with_memory(1 << 22))
    };
    let Ok(mut session) = Session::with_options(&Arc::new(set), options) else {
        return false;
    };
    let inputs = session.entry().inputs.iter().map(|input| {
        let extents = input.ty.shape.iter();
        let extents = extents.map(|dim| dim.as_constant().unwrap_or(2).clamp(0, 16) as usize);
        Tensor::zeros(input.ty.dtype, &extents.collect::<Vec<_>>())
    });
    let Ok(inputs) = inputs.collect::<Result<Vec<Tensor>, _>>() else {
        return false;
    };
    let inputs: Vec<&Tensor> = inputs.iter().collect();
    session.run_ordered(&inputs).is_ok() && session.run_ordered(&inputs).is_ok()
}

#[test]
fn every_number_in_plans_and_manifest_of_code_for_gpus_is_checked() {
    // Each number, replaced by others, either still fits or is refused; none breaks anything.
    let mut ran = 0;
    for parts in models() {
        let bytes = KernelSet::new(for_gpus(parts)).unwrap().to_bytes().unwrap();
        assert!(exercise(&bytes));
        for place in [0, 1] {
            let range = section(&bytes, place);
            for at in range.filter(|&at| bytes[at].is_ascii_digit()) {
                for value in [b'0', b'9'] {
                    let mut changed = bytes.clone();
                    changed[at] = value;
                    seal(&mut changed);
                    ran += usize::from(exercise(&changed));
                }
            }
        }
    }
    assert!(ran > 300, "{ran} of the changed sets still ran");
}
