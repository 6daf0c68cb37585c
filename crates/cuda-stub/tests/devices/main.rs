//! What the runtime's own tests promise of a session on any device, through every foreign call that it makes on a GPU.
#![cfg(target_arch = "x86_64")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[allow(dead_code, unused_imports)]
#[path = "../suite/child.rs"]
mod child;
#[path = "../../../runtime/tests/suite/device_cases.rs"]
mod device_cases;
#[allow(dead_code)]
#[path = "../../../runtime/tests/suite/kernels.rs"]
mod kernels;
#[path = "../../../runtime/tests/suite/ptx.rs"]
mod ptx;
#[allow(dead_code)]
#[path = "../../../runtime/tests/suite/sets.rs"]
mod sets;

use eyas_runtime::{Device, DeviceError, RuntimeError, Session};

use child::{CHANCE, EARLY, LATE, on_stub};
use device_cases::{on, stray};

macro_rules! cases {
    ($($name:ident)*) => {
        on_stub! {$(
            fn $name(LATE, EARLY, CHANCE[0], CHANCE[1]) {
                device_cases::$name(&Device::cuda(0).unwrap());
            }
        )*}
    };
}

cases! {
    every_batch_is_computed
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
}

/// The least memory that the largest needs.
const LITTLE: [(&str, &str); 1] = [("MEMORY", "20000")];
on_stub! {
    fn tensors_larger_than_staging_memory_arrive_whole(LATE, EARLY) {
        device_cases::tensors_larger_than_staging_memory_arrive_whole(&Device::cuda(0).unwrap());
    }

    fn too_little_memory_is_an_error_that_says_what_is_needed(LITTLE) {
        let device = Device::cuda(0).unwrap();
        device_cases::too_little_memory_is_an_error_that_says_what_is_needed(&device);
    }

    fn a_stepwise_run_names_the_kernel_that_fails(LATE) {
        device_cases::a_stepwise_run_names_the_kernel_that_fails(&Device::cuda(0).unwrap());
    }

    fn the_driver_s_compiler_says_what_is_wrong(LATE) {
        device_cases::code_that_does_not_load_is_an_error(&Device::cuda(0).unwrap());
    }

    fn a_recorded_run_that_fails_names_all_kernels(LATE) {
        let set = sets::set(ptx::for_gpus(stray()));
        let mut session = Session::with_options(&set, on(&Device::cuda(0).unwrap())).unwrap();
        let x = sets::floats(&[2, 4], &[1.0; 8]);
        let error = session.run_ordered(&[&x, &x]).unwrap_err();
        let RuntimeError::DeviceRun { kernels, .. } = &error else {
            panic!("{error}");
        };
        assert_eq!(*kernels, ["sum.add", "twice.stray"]);
        // The context is lost, and says so.
        assert!(session.run_ordered(&[&x, &x]).is_err());
    }

    fn a_driver_without_devices_lists_none([("DEVICES", "0")]) {
        assert!(Device::list().is_err() || Device::list().unwrap().is_empty());
        assert!(Device::cuda(0).is_err());
    }

    fn devices_are_listed([("DEVICES", "2")]) {
        let devices = Device::list().unwrap();
        assert_eq!(devices.len(), 2);
        assert_eq!(devices[1].ordinal, Some(1));
        assert_eq!(devices[1].capability, (9, 0));
        let [first, again, second] = [0, 0, 1].map(|ordinal| Device::cuda(ordinal).unwrap());
        assert_eq!(first.description(), again.description());
        assert_eq!(second.description(), &devices[1]);
        let error = Device::cuda(2).unwrap_err();
        assert_eq!(error, DeviceError::NoDevice { ordinal: 2, count: 2 });
    }
}

/// A run whose driver refuses one call.
fn refused(call: &str) {
    let set = sets::set(ptx::for_gpus(sets::adder(1)));
    let x = sets::floats(&[2, 4], &[1.0; 8]);
    let outcome = Device::cuda(0)
        .map_err(RuntimeError::from)
        .and_then(|device| {
            let mut session = Session::with_options(&set, on(&device))?;
            session.run_ordered(&[&x, &x])
        });
    let message = outcome.unwrap_err().to_string();
    assert!(message.contains(call), "{call}: {message}");
}

macro_rules! refusals {
    ($($name:ident $setting:literal $call:literal)*) => {
        on_stub! {$(
            fn $name([("FAIL", $setting)]) {
                refused($call);
            }
        )*}
    };
}

// Instantiation is a part of what `cudarc` does where a capture ends.
refusals! {
    memory_may_be_refused "cuMemAlloc_v2:1=700" "cuMemAlloc"
    pinned_memory_may_be_refused "cuMemHostAlloc:1=2" "cuMemHostAlloc"
    functions_may_be_refused "cuModuleGetFunction:1=500" "cuModuleGetFunction"
    streams_may_be_refused "cuStreamCreate:1=2" "cuStreamCreate"
    events_may_be_refused "cuEventCreate:1=2" "cuEventCreate"
    copies_to_the_device_may_be_refused "cuMemcpyHtoDAsync_v2:1=700" "cuMemcpyHtoDAsync"
    copies_from_the_device_may_be_refused "cuMemcpyDtoHAsync_v2:1=700" "cuMemcpyDtoHAsync"
    launches_may_be_refused "cuLaunchKernel:2=719" "cuLaunchKernel"
    captures_may_be_refused "cuStreamBeginCapture_v2:1=900" "cuStreamBeginCapture"
    captures_may_end_in_failure "cuStreamEndCapture:1=901" "cuStreamEndCapture"
    graphs_may_be_refused "cuGraphInstantiateWithFlags:1=2" "cuStreamEndCapture"
    replays_may_be_refused "cuGraphLaunch:1=1" "cuGraphLaunch"
    contexts_may_be_refused "cuDevicePrimaryCtxRetain:1=2" "cuDevicePrimaryCtxRetain"
}
