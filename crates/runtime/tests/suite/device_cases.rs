//! What a session on a device does, whichever device it is.

use std::sync::Arc;

use eyas_plan::{Machine, Step};
use eyas_runtime::{
    Device, KernelSet, KernelSetParts, Outputs, RuntimeError, Session, SessionOptions,
};
use eyas_tensor::{DType, Number, Tensor};

use crate::ptx::{for_both, for_gpus};
use crate::sets::{
    accumulator, adder, branch, copier, derived, floats, lookup, looped, set, weights, while_loop,
};

pub fn on(device: &Device) -> SessionOptions {
    SessionOptions {
        device: Some(device.clone()),
        ..SessionOptions::default()
    }
}

fn session(device: &Device, parts: KernelSetParts) -> Session {
    Session::with_options(&set(for_gpus(parts)), on(device)).unwrap()
}

fn ramp(rows: usize) -> Tensor {
    let values: Vec<f32> = (0..4 * rows).map(|n| (n % 1024) as f32 + 0.5).collect();
    floats(&[rows, 4], &values)
}

fn indices(values: &[i128]) -> Tensor {
    let numbers: Vec<Number> = values.iter().map(|&n| Number::Int(n)).collect();
    Tensor::from_numbers(DType::I64, &[values.len()], &numbers).unwrap()
}

/// The same on this machine's processor.
fn on_cpu(parts: KernelSetParts, inputs: &[&Tensor]) -> Outputs {
    let mut session = Session::new(&set(parts)).unwrap();
    session.run_ordered(inputs).unwrap()
}

pub fn every_batch_is_computed(device: &Device) {
    let mut session = session(device, adder(1));
    assert!(session.device().is_some());
    for rows in [1, 7, 3, 7, 0, 128, 1, 9] {
        let (x, y) = (ramp(rows), ramp(rows));
        let outputs = session.run(&[("y", &y), ("x", &x)]).unwrap();
        assert_eq!(outputs, on_cpu(adder(1), &[&x, &y]), "{rows} rows");
        assert_eq!(session.dims().unwrap()["B"], rows as i64);
    }
    assert!(session.arena_bytes() > 0);
}

pub fn tensors_larger_than_staging_memory_arrive_whole(device: &Device) {
    let mut session = session(device, adder(1));
    let (x, y) = (ramp(140_003), ramp(140_003));
    let mut outputs = [x.clone(), x.clone()];
    for _ in 0..2 {
        session.run_into(&[&x, &y], &mut outputs).unwrap();
        for (output, factor) in outputs.iter().zip([2.0, 4.0]) {
            let pairs = output.as_f32().unwrap().iter().zip(x.as_f32().unwrap());
            assert!(pairs.into_iter().all(|(output, x)| *output == factor * x));
        }
    }
}

pub fn loops_carry_values(device: &Device) {
    for count in [0, 1, 2, 5] {
        let mut session = session(device, looped(count));
        for first in [1.0, 2.0] {
            let x = floats(&[4], &[first, 2.0, 3.0, 4.0]);
            let outputs = session.run(&[("x", &x)]).unwrap();
            assert_eq!(outputs, on_cpu(looped(count), &[&x]), "{count} times");
        }
    }
}

pub fn loops_end_when_their_condition_does(device: &Device) {
    let mut session = session(device, while_loop());
    let x = floats(&[1], &[1.0]);
    for limit in [5, 0, 2, 100, 3] {
        let limit = Tensor::scalar(DType::I64, Number::Int(limit));
        let outputs = session.run(&[("x", &x), ("limit", &limit)]).unwrap();
        assert_eq!(outputs, on_cpu(while_loop(), &[&x, &limit]));
    }
}

pub fn loops_count(device: &Device) {
    // Without the condition all is known before, so that it is recorded.
    let mut parts = while_loop();
    let Step::Loop(repeat) = &mut parts.targets[0].entries[0].generic.steps[1] else {
        panic!("a loop is expected");
    };
    repeat.condition = None;
    let mut session = session(device, parts.clone());
    let x = floats(&[1], &[1.0]);
    let limit = Tensor::scalar(DType::I64, Number::Int(3));
    for _ in 0..3 {
        let outputs = session.run_ordered(&[&x, &limit]).unwrap();
        assert_eq!(outputs, on_cpu(parts.clone(), &[&x, &limit]));
    }
}

pub fn an_if_takes_one_branch(device: &Device) {
    let mut session = session(device, branch());
    let (x, zero) = (floats(&[2], &[1.0, 2.0]), floats(&[2], &[0.0; 2]));
    for (flag, expected) in [(true, [2.0, 4.0]), (false, [1.0, 2.0]), (true, [2.0, 4.0])] {
        let flag = Tensor::scalar(DType::Bool, Number::Bool(flag));
        let inputs = [("flag", &flag), ("x", &x), ("zero", &zero)];
        let outputs = session.run(&inputs).unwrap();
        assert_eq!(outputs.get("y"), Some(&floats(&[2], &expected)));
    }
}

pub fn states_go_on(device: &Device) {
    let set = set(for_gpus(accumulator()));
    let mut session = Session::with_options(&set, on(device)).unwrap();
    let other = Session::with_options(&set, on(device)).unwrap();
    let x = floats(&[2], &[1.0, 10.0]);
    let mut total = [1.0, 2.0];
    for round in 0..7 {
        if round == 5 {
            session.reset_state();
            total = [1.0, 2.0];
            assert_eq!(session.state("total"), Some(floats(&[2], &total)));
        }
        let outputs = session.run(&[("x", &x)]).unwrap();
        assert_eq!(outputs.get("before"), Some(&floats(&[2], &total)));
        total = [total[0] + 1.0, total[1] + 10.0];
        assert_eq!(session.state("total"), Some(floats(&[2], &total)));
    }
    assert_eq!(other.state("total"), Some(floats(&[2], &[1.0, 2.0])));
    assert!(session.state("none").is_none());
    let batches = (0..3).map(|_| Ok::<_, RuntimeError>(vec![x.clone()]));
    let mut before = Vec::new();
    session
        .run_each(batches, |outputs| {
            before.push(outputs.at(0).unwrap().as_f32().unwrap()[1]);
            Ok(())
        })
        .unwrap();
    assert_eq!(before, [22.0, 32.0, 42.0]);
}

pub fn an_index_out_of_range_is_named(device: &Device) {
    let mut session = session(device, lookup(1));
    let table = floats(&[3], &[5.0, 6.0, 7.0]);
    for _ in 0..2 {
        let index = indices(&[2, 0, 2]);
        let outputs = session.run_ordered(&[&table, &index]).unwrap();
        assert_eq!(outputs.get("y"), Some(&floats(&[3], &[7.0, 5.0, 7.0])));
        for (values, found) in [([0, 3, 0], 3), ([1, -1, 2], -1)] {
            let index = indices(&values);
            let error = session.run_ordered(&[&table, &index]).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!(
                    "kernel `embed.gather`: index {found} is outside `table`, which has 3 places there"
                )
            );
        }
    }
}

/// `next = total + table[index]`, and an output that hangs on neither.
fn gathered() -> KernelSetParts {
    let mut parts = accumulator();
    let mut gathers = lookup(1);
    let mut functions = std::mem::take(&mut gathers.targets[0].code.functions);
    let code = &mut parts.targets[0].code;
    let offset = code.bytes.len();
    code.bytes.extend(&gathers.targets[0].code.bytes);
    functions[0].offset += offset;
    code.functions.append(&mut functions);
    let plan = &mut parts.targets[0].entries[0].generic;
    plan.inputs = gathers.entries[0].inputs.clone();
    parts.entries[0].inputs = plan.inputs.clone();
    plan.buffers[0] = crate::sets::buffer("table", "f32[V]", eyas_plan::Place::Input(0));
    let index = crate::sets::buffer("index", "i64[B]", eyas_plan::Place::Input(1));
    let found = crate::sets::buffer("found", "f32[2]", eyas_plan::Place::Arena);
    plan.buffers.extend([index, found]);
    plan.steps[0] = crate::sets::launch(0, &[1, 6, 2]);
    plan.steps.insert(0, crate::sets::launch(1, &[0, 5, 6]));
    parts
}

pub fn a_failed_run_changes_no_state(device: &Device) {
    let mut session = session(device, gathered());
    let table = floats(&[3], &[1.0, 10.0, 100.0]);
    for (values, total) in [
        ([0, 1], Some([2.0, 12.0])),
        ([0, 3], None),
        ([2, 2], Some([102.0, 112.0])),
    ] {
        let outcome = session.run_ordered(&[&table, &indices(&values)]);
        assert_eq!(outcome.is_ok(), total.is_some());
        let expected = total.unwrap_or([2.0, 12.0]);
        assert_eq!(session.state("total"), Some(floats(&[2], &expected)));
    }
}

pub fn scratch_memory_is_cleared_before_every_launch(device: &Device) {
    let mut session = session(device, copier(1));
    for rows in [5, 5, 200, 5] {
        let values: Vec<f32> = (0..rows).map(|n| n as f32 + 1.0).collect();
        let x = floats(&[rows], &values);
        let outputs = session.run(&[("x", &x)]).unwrap();
        assert_eq!(outputs.get("y"), Some(&x));
    }
}

pub fn memory_is_limited(device: &Device) {
    let set = set(for_gpus(copier(1)));
    let options = SessionOptions {
        memory_limit: Some(1000),
        ..on(device)
    };
    let mut session = Session::with_options(&set, options).unwrap();
    assert!(session.run(&[("x", &floats(&[16], &[1.0; 16]))]).is_ok());
    let error = session
        .run(&[("x", &floats(&[200], &[1.0; 200]))])
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "the run takes 2400 bytes of memory; 1000 may be used"
    );
}

/// The device has memory for 20000 bytes.
pub fn too_little_memory_is_an_error_that_says_what_is_needed(device: &Device) {
    let mut session = session(device, adder(1));
    // What other shapes hold goes where there is too little: 64 bytes a row.
    for rows in [100, 110, 120, 100] {
        let x = ramp(rows);
        session.run_ordered(&[&x, &x]).unwrap();
    }
    let x = ramp(300);
    let error = session.run_ordered(&[&x, &x]).unwrap_err();
    let message = error.to_string();
    let needs = "the session takes 9600 bytes for the arena, 19200 for inputs and outputs";
    assert!(message.ends_with(needs), "{message}");
    assert!(
        message.contains("has 20000 bytes of memory free"),
        "{message}"
    );
    let x = ramp(100);
    assert!(session.run_ordered(&[&x, &x]).is_ok());
    let mut parts = looped(2);
    let large = crate::sets::parameter("f32[9000]", Some(floats(&[9000], &[0.0; 9000])));
    parts.parameters.insert("block.2.w".to_owned(), large);
    let error = Session::with_options(&set(for_gpus(parts)), on(device)).unwrap_err();
    let message = error.to_string();
    assert!(
        message.ends_with("takes 36048 bytes for parameters"),
        "{message}"
    );
}

pub fn one_set_serves_processor_and_device(device: &Device) {
    let written = KernelSet::new(for_both(looped(3))).unwrap();
    let bytes = written.to_bytes().unwrap();
    let read = Arc::new(KernelSet::from_bytes(&bytes).unwrap());
    assert_eq!(read.to_bytes().unwrap(), bytes);
    assert_eq!(read.machines().len(), 2);
    let x = floats(&[4], &[1.0, 2.0, 3.0, 4.0]);
    let here = Session::new(&read).unwrap().run(&[("x", &x)]).unwrap();
    let mut session = Session::with_options(&read, on(device)).unwrap();
    assert_eq!(session.run(&[("x", &x)]).unwrap(), here);
    let machine = &read.describe().targets[1].machine;
    assert!(matches!(machine, Machine::Cuda(_)), "{machine}");
}

pub fn derived_parameters_are_computed_there(device: &Device) {
    let x = floats(&[4], &[0.5; 4]);
    let run = |set: &Arc<KernelSet>| {
        let mut session = Session::with_options(set, on(device)).unwrap();
        session.run(&[("x", &x)]).unwrap()
    };
    let empty = KernelSet::new(for_gpus(derived(false))).unwrap();
    let bytes = empty.to_bytes().unwrap();
    let read = KernelSet::from_bytes(&bytes).unwrap();
    for set in [empty, read] {
        for (first, expected) in [(1.0, 6.5), (10.0, 42.5)] {
            let bound = Arc::new(set.bind(weights(first)).unwrap());
            assert_eq!(bound.value("packed.1"), None);
            for _ in 0..2 {
                assert_eq!(run(&bound).get("y"), Some(&floats(&[4], &[expected; 4])));
            }
        }
    }
    // Those that the processor computed are taken.
    let both = KernelSet::new(for_both(derived(false))).unwrap();
    let bound = Arc::new(both.bind(weights(1.0)).unwrap());
    assert!(bound.value("packed.1").is_some());
    assert_eq!(run(&bound).get("y"), Some(&floats(&[4], &[6.5; 4])));
    // One that is missing after all.
    let mut parts = for_gpus(looped(3));
    parts.parameters.remove("block.1.w");
    let mut session = Session::with_options(&set(parts), on(device)).unwrap();
    let error = session.run(&[("x", &floats(&[4], &[0.0; 4]))]).unwrap_err();
    assert_eq!(error.to_string(), "no value has been bound to `block.1.w`");
}

pub fn eight_sessions_share_a_set(device: &Device) {
    let set = set(for_gpus(looped(5)));
    let outputs = |first: f32| {
        let mut session = Session::with_options(&set, on(device)).unwrap();
        let x = floats(&[4], &[first, 0.2, 0.3, 0.4]);
        let runs = (0..5).map(|_| session.run(&[("x", &x)]).unwrap());
        runs.collect::<Vec<_>>()
    };
    let alone: Vec<_> = (0..8).map(|number| outputs(number as f32)).collect();
    let together: Vec<_> = std::thread::scope(|scope| {
        let started = (0..8).map(|number| scope.spawn(move || outputs(number as f32)));
        let started: Vec<_> = started.collect();
        let ended = started.into_iter().map(|thread| thread.join().unwrap());
        ended.collect()
    });
    assert_eq!(together, alone);
}

pub fn batches_overlap(device: &Device) {
    let mut session = session(device, adder(1));
    let sizes = [3, 3, 3, 3, 5, 5, 0, 3, 3, 1000, 1000, 1000];
    let batches: Vec<Vec<Tensor>> = (sizes.iter().enumerate())
        .map(|(number, &rows)| {
            let values: Vec<f32> = (0..4 * rows).map(|n| (n + number) as f32).collect();
            let x = floats(&[rows, 4], &values);
            vec![x, ramp(rows)]
        })
        .collect();
    for _ in 0..2 {
        let mut found = Vec::new();
        let given = batches.iter().cloned().map(Ok::<_, RuntimeError>);
        let collect = |outputs| {
            found.push(outputs);
            Ok(())
        };
        session.run_each(given, collect).unwrap();
        assert_eq!(found.len(), batches.len());
        for (batch, outputs) in batches.iter().zip(&found) {
            assert_eq!(*outputs, on_cpu(adder(1), &[&batch[0], &batch[1]]));
        }
        // Alone between: the same memory.
        let x = ramp(3);
        let outputs = session.run_ordered(&[&x, &x]).unwrap();
        assert_eq!(outputs, on_cpu(adder(1), &[&x, &x]));
    }
}

pub fn what_came_before_an_error_is_handed_on(device: &Device) {
    let mut session = session(device, lookup(1));
    let table = floats(&[3], &[5.0, 6.0, 7.0]);
    let batch = |index: i128| vec![table.clone(), indices(&[index, 0])];
    let mut found = Vec::new();
    let given = [0, 1, 2, 3, 1].map(|index| Ok::<_, RuntimeError>(batch(index)));
    let outcome = session.run_each(given, |outputs| {
        found.push(outputs.at(0).unwrap().as_f32().unwrap()[0]);
        Ok(())
    });
    let error = outcome.unwrap_err();
    assert!(
        matches!(error, RuntimeError::IndexOutOfRange { index: 3, .. }),
        "{error}"
    );
    assert_eq!(found, [5.0, 6.0, 7.0]);
    // A batch that does not fit, one that cannot be had, and a sink that stops.
    let mut count = 0;
    let given = [Ok(batch(0)), Ok(batch(1)[..1].to_vec()), Ok(batch(2))];
    let outcome = session.run_each(given, |_| {
        count += 1;
        Ok::<_, RuntimeError>(())
    });
    assert!(matches!(outcome, Err(RuntimeError::InputCount { .. })));
    assert_eq!(count, 1);
    let lost = || RuntimeError::MissingInput("disk".to_owned());
    let given = [Ok(batch(0)), Ok(batch(1)), Err(lost())];
    let outcome = session.run_each(given, |_| {
        count += 1;
        Ok(())
    });
    assert!(matches!(outcome, Err(RuntimeError::MissingInput(_))));
    assert_eq!(count, 3);
    let given = [0, 1, 2].map(|index| Ok(batch(index)));
    let outcome = session.run_each(given, |_| Err(lost()));
    assert!(matches!(outcome, Err(RuntimeError::MissingInput(_))));
    let outputs = session.run_ordered(&[&table, &indices(&[2])]).unwrap();
    assert_eq!(outputs.at(0), Some(&floats(&[1], &[7.0])));
}

pub fn poison_shows_what_was_never_written(device: &Device) {
    let mut parts = adder(1);
    parts.targets[0].entries[0].generic.steps.remove(1);
    let set = set(for_gpus(parts));
    let options = SessionOptions {
        poison: true,
        ..on(device)
    };
    let mut session = Session::with_options(&set, options).unwrap();
    let x = ramp(1);
    for _ in 0..2 {
        let outcome = session.run(&[("x", &x), ("y", &x)]);
        if device.description().ordinal.is_none() {
            // The interpreter does not go on.
            let error = outcome.unwrap_err().to_string();
            assert!(error.contains("never written"), "{error}");
            continue;
        }
        let outputs = outcome.unwrap();
        let sums = outputs.get("sum").unwrap().as_f32().unwrap();
        assert!(sums.iter().all(|value| value.is_nan()));
        assert_eq!(outputs.get("twice").unwrap().as_f32().unwrap()[1], 6.0);
    }
}

/// `sum = x + y` as ever, and then a kernel that writes where it must not.
pub fn stray() -> KernelSetParts {
    let mut parts = adder(1);
    let target = &mut parts.targets[0];
    let mut function = target.code.functions[0].clone();
    function.name = "twice.stray".to_owned();
    function.arguments.remove(0);
    target.code.functions.push(function);
    let steps = &mut target.entries[0].generic.steps;
    steps.push(crate::sets::launch(1, &[2, 5]));
    parts
}

pub fn a_stepwise_run_names_the_kernel_that_fails(device: &Device) {
    let set = set(for_gpus(stray()));
    let options = SessionOptions {
        stepwise: true,
        ..on(device)
    };
    let mut session = Session::with_options(&set, options).unwrap();
    let x = ramp(2);
    let error = session.run_ordered(&[&x, &x]).unwrap_err();
    let RuntimeError::DeviceKernel { kernel, .. } = &error else {
        panic!("{error}");
    };
    assert_eq!(kernel, "twice.stray");
}

pub fn code_that_does_not_load_is_an_error(device: &Device) {
    let mut parts = for_gpus(adder(1));
    let code = &mut parts.targets[0].code;
    let text = String::from_utf8(code.bytes.clone()).unwrap();
    let broken = text.replace("add.rn.f32 %f2", "add.rn.f32 %a2");
    assert_eq!(broken.len(), text.len());
    code.bytes = broken.into_bytes();
    let error = Session::with_options(&set(parts), on(device)).unwrap_err();
    let message = error.to_string();
    assert!(message.starts_with("the code does not load"), "{message}");
    assert!(message.contains("%a2"), "{message}");
}
