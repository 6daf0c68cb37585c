//! Sessions of the runtime, through every foreign call that they make on a GPU.

use std::sync::Arc;

use eyas_runtime::{Device, KernelSet, RuntimeError, Session, SessionOptions};
use eyas_tensor::{DType, Number, Tensor};

use crate::child::{CHANCE, EARLY, LATE, PLAIN, on_stub};
use crate::sets::{careless, lookup, sound, stray, unsound};

type Failure = Box<RuntimeError>;

fn options() -> SessionOptions {
    SessionOptions {
        device: Some(Device::cuda(0).unwrap()),
        ..SessionOptions::default()
    }
}

fn session(set: &Arc<KernelSet>) -> Session {
    Session::with_options(set, options()).unwrap()
}

/// `rows` rows of four numbers that begin at `start`.
fn rows(rows: usize, start: usize) -> Tensor {
    let values: Vec<f32> = (start..start + 4 * rows)
        .map(|value| value as f32)
        .collect();
    Tensor::from_f32(&[rows, 4], &values).unwrap()
}

/// What the set [`sound`] gives.
fn wanted(x: &Tensor, y: &Tensor) -> Vec<f32> {
    let pairs = x.as_f32().unwrap().iter().zip(y.as_f32().unwrap());
    pairs.map(|(x, y)| 2.0 * (x + y)).collect()
}

fn sums(session: &mut Session, x: &Tensor, y: &Tensor) -> Result<Vec<f32>, Failure> {
    let outputs = session.run_ordered(&[x, y])?;
    Ok(outputs.at(0).unwrap().as_f32().unwrap().to_vec())
}

/// What the set [`lookup`] finds.
fn found(session: &mut Session, indices: &[i128]) -> Result<Vec<f32>, Failure> {
    let table = Tensor::from_f32(&[5], &[0.0, 10.0, 20.0, 30.0, 40.0]).unwrap();
    let numbers: Vec<Number> = indices.iter().map(|&index| Number::Int(index)).collect();
    let indices = Tensor::from_numbers(DType::I64, &[indices.len()], &numbers).unwrap();
    let outputs = session.run_ordered(&[&table, &indices])?;
    Ok(outputs.at(0).unwrap().as_f32().unwrap().to_vec())
}

/// Batches of very different sizes.
fn batches() -> Vec<Vec<Tensor>> {
    let sizes = [3, 3, 3, 0, 1, 7000, 3, 3, 7000, 7000, 2];
    let batches = sizes.iter().enumerate();
    batches
        .map(|(number, &size)| vec![rows(size, number), rows(size, 10 * number)])
        .collect()
}

on_stub! {
    fn a_session_gives_what_its_kernels_compute(LATE, EARLY, CHANCE[0], CHANCE[1]) {
        for stepwise in [false, true] {
            let options = SessionOptions { stepwise, poison: !stepwise, ..options() };
            let mut session = Session::with_options(&sound(), options).unwrap();
            // The same shapes again and again are one graph, with other inputs.
            for batch in batches().iter().chain(&batches()) {
                let found = sums(&mut session, &batch[0], &batch[1]).unwrap();
                assert_eq!(found, wanted(&batch[0], &batch[1]));
            }
        }
    }

    fn batches_that_overlap_do_not_mix(LATE, EARLY, CHANCE[0], CHANCE[1], CHANCE[2]) {
        let mut session = session(&sound());
        for _ in 0..2 {
            let mut found = Vec::new();
            let given = batches().into_iter().map(Ok::<_, Failure>);
            session
                .run_each(given, |outputs| {
                    found.push(outputs.at(0).unwrap().as_f32().unwrap().to_vec());
                    Ok(())
                })
                .unwrap();
            let wanted = batches().into_iter().map(|batch| wanted(&batch[0], &batch[1]));
            assert_eq!(found, wanted.collect::<Vec<_>>());
        }
    }

    fn runs_are_timed(LATE, EARLY, CHANCE[0]) {
        let mut session = session(&sound());
        let (x, y) = (rows(300, 1), rows(300, 2));
        for runs in [3, 1] {
            let (outputs, times) = session.time(&[&x, &y], runs).unwrap();
            assert_eq!(outputs.at(0).unwrap().as_f32().unwrap(), wanted(&x, &y));
            assert_eq!(times.len(), runs);
            assert!(times.iter().all(|time| !time.is_zero()), "{times:?}");
        }
        assert_eq!(session.time(&[&x, &y], 0).unwrap().1, []);
        assert_eq!(sums(&mut session, &x, &y).unwrap(), wanted(&x, &y));
    }

    fn sessions_on_several_threads_share_a_device(LATE, EARLY, CHANCE[0]) {
        let set = sound();
        std::thread::scope(|scope| {
            for number in 0..4 {
                let set = &set;
                scope.spawn(move || {
                    let mut session = session(set);
                    for size in [1, 5, 5, 9, 5] {
                        let (x, y) = (rows(size, number), rows(size, 100));
                        let found = sums(&mut session, &x, &y).unwrap();
                        assert_eq!(found, wanted(&x, &y));
                    }
                });
            }
        });
    }

    fn an_index_out_of_range_is_named(LATE, EARLY) {
        let mut session = session(&lookup());
        let mut run = |values: &[i128]| found(&mut session, values);
        assert_eq!(run(&[4, 0, 1]).unwrap(), [40.0, 0.0, 10.0]);
        for wrong in [5, -1] {
            let error = run(&[4, wrong, 1]).unwrap_err().to_string();
            assert!(error.contains(&wrong.to_string()) && error.contains('5'), "{error}");
        }
        // A session outlives it.
        assert_eq!(run(&[4, 0, 2]).unwrap(), [40.0, 0.0, 20.0]);
    }

    fn a_large_input_after_a_small_one_arrives_whole(LATE, EARLY, CHANCE[0]) {
        let mut session = session(&lookup());
        for count in [3, 10_000, 100_000] {
            let indices: Vec<i128> = (0..count).map(|place| place % 5).collect();
            let wanted: Vec<f32> = indices.iter().map(|&index| 10.0 * index as f32).collect();
            assert_eq!(found(&mut session, &indices).unwrap(), wanted);
        }
    }

    fn a_session_dropped_with_work_under_way_harms_nobody(LATE, EARLY, CHANCE[0], CHANCE[1]) {
        let device = Device::cuda(0).unwrap();
        for size in [3, 7000] {
            let mut dropped = session(&sound());
            let given = (0..3).map(|number| Ok(vec![rows(size, number), rows(size, 2)]));
            let stopped = dropped.run_each(given, |_| Err(Failure::from(RuntimeError::RepeatedInput(String::new()))));
            assert!(stopped.is_err());
            drop(dropped);
            let (x, y) = (rows(size, 5), rows(size, 6));
            assert_eq!(sums(&mut session(&sound()), &x, &y).unwrap(), wanted(&x, &y));
        }
        drop(device);
    }

    fn too_little_memory_is_said_with_what_is_needed([("MEMORY", "1000000")]) {
        let mut session = session(&sound());
        let x = rows(20_000, 0);
        let error = sums(&mut session, &x, &x).unwrap_err();
        assert!(
            matches!(*error, RuntimeError::DeviceMemory { .. } | RuntimeError::MemoryLimit { .. }),
            "{error}"
        );
        assert!(error.to_string().contains("320000"), "{error}");
        let x = rows(100, 0);
        assert_eq!(sums(&mut session, &x, &x).unwrap(), wanted(&x, &x));
    }

    fn memory_of_shapes_before_makes_room([("MEMORY", "700000")]) {
        let mut session = session(&sound());
        for size in [8_000, 8_001, 8_002, 8_000, 8_001] {
            let (x, y) = (rows(size, 1), rows(size, 2));
            assert_eq!(sums(&mut session, &x, &y).unwrap(), wanted(&x, &y));
        }
    }

    fn a_device_that_is_not_there_is_said([("DEVICES", "0")], [("DEVICES", "2")]) {
        let error = Device::cuda(7).unwrap_err().to_string();
        match std::env::var("EYAS_CUDA_STUB_DEVICES").unwrap().as_str() {
            "0" => assert!(error.contains("CUDA_ERROR_NO_DEVICE"), "{error}"),
            _ => {
                assert!(error.contains('7') && error.contains('2'), "{error}");
                let second = &Device::list().unwrap()[1];
                assert_eq!((second.ordinal, second.capability), (Some(1), (9, 0)));
            }
        }
    }

    fn code_that_the_driver_refuses_is_said_with_its_log(PLAIN) {
        let (set, line) = unsound();
        let error = Session::with_options(&set, options()).unwrap_err().to_string();
        assert!(error.contains("CUDA_ERROR_INVALID_PTX"), "{error}");
        assert!(error.contains(&format!("line {line};")) && error.contains("%g3"), "{error}");
    }

    fn what_a_kernel_must_not_do_is_said(LATE, EARLY) {
        let x = rows(2, 0);
        let device = Device::cuda(0).unwrap();
        let error = session(&careless()).run_ordered(&[&x]).unwrap_err().to_string();
        assert!(error.contains("CUDA_ERROR_LAUNCH_FAILED"), "{error}");
        let again = Session::with_options(&sound(), options());
        assert!(again.is_err(), "the context is lost for all who hold it");
        drop(device);
        // Who comes later has another one.
        session(&sound()).run_ordered(&[&x, &x]).unwrap();
    }

    fn a_stray_write_is_said(PLAIN) {
        let error = session(&stray()).run_ordered(&[&rows(2, 0)]).unwrap_err().to_string();
        assert!(error.contains("CUDA_ERROR_ILLEGAL_ADDRESS"), "{error}");
    }

    fn poison_shows_what_was_never_written(PLAIN) {
        let options = SessionOptions { poison: true, ..options() };
        let mut session = Session::with_options(&careless(), options).unwrap();
        let outputs = session.run_ordered(&[&rows(2, 0)]).unwrap();
        let found = outputs.at(0).unwrap().as_f32().unwrap();
        assert!(found.iter().all(|value| value.is_nan()));
    }

    fn code_for_hopper_alone_is_not_run_elsewhere([("CAPABILITY", "7.5")]) {
        let error = Session::with_options(&sound(), options()).unwrap_err().to_string();
        assert!(error.contains("sm_80"), "{error}");
    }
}

/// A session, a run, and batches that overlap.
fn everything() -> Result<(), Failure> {
    let device = Some(Device::cuda(0).map_err(RuntimeError::from)?);
    let options = SessionOptions {
        device,
        ..SessionOptions::default()
    };
    let mut session = Session::with_options(&sound(), options)?;
    let (x, y) = (rows(3, 1), rows(3, 2));
    assert_eq!(sums(&mut session, &x, &y)?, wanted(&x, &y));
    let given = batches().into_iter().map(Ok::<_, Failure>);
    let mut batches = batches().into_iter();
    session.run_each(given, |outputs| {
        let batch = batches.next().unwrap();
        let found = outputs.at(0).unwrap().as_f32().unwrap();
        assert_eq!(found, wanted(&batch[0], &batch[1]));
        Ok(())
    })
}

/// Every call that a session makes, with the calls of one session that fail: an error each, or the right
/// result where the call's failure is none of the run's.
#[test]
fn whatever_call_fails_is_an_error() {
    let calls = [
        "cuInit",
        "cuDeviceGetCount",
        "cuDeviceGet",
        "cuDeviceGetName",
        "cuDeviceTotalMem_v2",
        "cuDeviceGetAttribute",
        "cuDriverGetVersion",
        "cuDevicePrimaryCtxRetain",
        "cuCtxSetCurrent",
        "cuCtxGetCurrent",
        "cuModuleLoadDataEx",
        "cuModuleGetFunction",
        "cuFuncGetAttribute",
        "cuMemAlloc_v2",
        "cuMemHostAlloc",
        "cuStreamCreate",
        "cuStreamSynchronize",
        "cuStreamWaitEvent",
        "cuEventCreate",
        "cuEventRecord",
        "cuEventSynchronize",
        "cuMemcpyHtoDAsync_v2",
        "cuMemcpyDtoHAsync_v2",
        "cuMemsetD8Async",
        "cuLaunchKernel",
        "cuStreamBeginCapture_v2",
        "cuStreamEndCapture",
        "cuGraphInstantiateWithFlags",
        "cuGraphLaunch",
    ];
    let test = concat!(module_path!(), "::whatever_call_fails_is_an_error");
    let mut seen = 0;
    for call in calls {
        for time in [1, 2] {
            let failure = format!("{call}:{time}=719");
            let text = crate::child::run(test, &[("FAIL", &failure)], || match everything() {
                Ok(()) => println!("no error"),
                Err(error) => println!("error: {error}"),
            });
            let Some(text) = text else { return };
            if text.contains("error: ") {
                assert!(
                    text.contains("CUDA_ERROR_LAUNCH_FAILED"),
                    "{failure}: {text}"
                );
                seen += 1;
            } else {
                // Called once only; or asked for what the session can do without.
                let spared = ["cuCtxGetCurrent", "cuMemsetD8Async"];
                assert!(time == 2 || spared.contains(&call), "{failure}: {text}");
            }
        }
    }
    assert!(seen > 40, "{seen}");
}

/// Where there is no driver at all, and none in its place.
#[test]
fn without_a_driver_that_is_said() {
    match Device::list() {
        Err(error) => assert!(error.to_string().contains("libcuda"), "{error}"),
        Ok(_) => eprintln!("SKIPPED: there is a driver"),
    }
}
