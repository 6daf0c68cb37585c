use std::sync::Arc;

use eyas_runtime::{KernelSet, RuntimeError, Session, SessionOptions, SpecialisedPlan};
use eyas_tensor::{BindError, DType, Fact, Number, Relation, Tensor};

use crate::sets::{accumulator, adder, copier, failing, floats, lookup, parameter, set};

fn ramp(rows: usize) -> Tensor {
    let values: Vec<f32> = (0..4 * rows).map(|n| n as f32).collect();
    floats(&[rows, 4], &values)
}

#[test]
fn one_set_serves_every_batch() {
    let set = set(adder(1));
    let mut session = Session::new(&set).unwrap();
    for rows in [1, 7, 3, 7, 0, 128, 1] {
        let x = ramp(rows);
        let outputs = session.run(&[("y", &x), ("x", &x)]).unwrap();
        let doubled: Vec<f32> = x.as_f32().unwrap().iter().map(|v| v * 2.0).collect();
        let fourfold: Vec<f32> = doubled.iter().map(|v| v * 2.0).collect();
        assert_eq!(outputs.get("sum"), Some(&floats(&[rows, 4], &doubled)));
        assert_eq!(outputs.at(1), Some(&floats(&[rows, 4], &fourfold)));
        assert_eq!(session.dims().unwrap()["B"], rows as i64);
    }
}

#[test]
fn outputs_are_written_where_the_caller_says() {
    let set = set(adder(1));
    let mut session = Session::new(&set).unwrap();
    let x = ramp(2);
    let mut outputs = [ramp(2), ramp(2)];
    for _ in 0..3 {
        session.run_into(&[&x, &x], &mut outputs).unwrap();
        assert_eq!(outputs[1].as_f32().unwrap()[7], 28.0);
    }
    let error = session
        .run_into(&[&x, &x], &mut [ramp(2), ramp(3)])
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "output `twice` is f32[2, 4], but f32[3, 4] is to be written"
    );
    let error = session.run_into(&[&x, &x], &mut outputs[..1]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`main` gives 2 outputs, but 1 are to be written"
    );
    assert_eq!(session.output_shapes(&[&x, &x]).unwrap(), [[2, 4], [2, 4]]);
}

#[test]
fn inputs_that_do_not_fit_are_named() {
    let mut parts = adder(1);
    parts.facts.assume(Fact {
        left: "B".parse().unwrap(),
        relation: Relation::LessOrEqual,
        right: 8.into(),
        message: Some("at most eight rows".to_owned()),
    });
    let set = set(parts);
    let mut session = Session::new(&set).unwrap();
    let (x, wide) = (ramp(2), floats(&[2, 5], &[0.0; 10]));
    let integers = Tensor::zeros(DType::I32, &[2, 4]).unwrap();
    let flat = floats(&[8], &[0.0; 8]);
    let cases: [(&[(&str, &Tensor)], &str); 8] = [
        (&[("x", &x)], "input `y` is not given"),
        (
            &[("x", &x), ("z", &x)],
            "there is no input `z`; there are `x`, `y`",
        ),
        (&[("x", &x), ("x", &x)], "input `x` is given twice"),
        (
            &[("x", &x), ("y", &integers)],
            "input `y` is i32, but is declared f32",
        ),
        (
            &[("x", &x), ("y", &flat)],
            "input `y` has shape [8], but is declared `f32[B, 4]`",
        ),
        (
            &[("x", &x), ("y", &wide)],
            "input `y`, axis 1: extent 5 does not equal 4",
        ),
        (
            &[("x", &x), ("y", &ramp(3))],
            "input `y`, axis 0: extent 3 does not equal `B`, which is 2 (`B` is 2 by axis 0 of input `x`)",
        ),
        (
            &[("x", &ramp(9)), ("y", &ramp(9))],
            "`B <= 8` does not hold: at most eight rows",
        ),
    ];
    for (inputs, message) in cases {
        let error = session.run(inputs).unwrap_err();
        assert_eq!(error.to_string(), message);
    }
    assert!(matches!(
        session.run_ordered(&[&x]),
        Err(RuntimeError::InputCount { found: 1, .. })
    ));
    assert!(matches!(
        session.run_ordered(&[&ramp(9), &ramp(9)]),
        Err(RuntimeError::Bind(BindError::Fact { .. }))
    ));
    assert!(session.run_ordered(&[&x, &x]).is_ok());
    assert!(matches!(
        session.select("other"),
        Err(RuntimeError::UnknownEntry { .. })
    ));
}

#[test]
fn a_specialised_plan_serves_its_binding_alone() {
    let mut parts = adder(1);
    let plans = &mut parts.targets[0].entries[0];
    let mut plan = plans.generic.clone();
    // Tells itself apart by writing the sum to both outputs.
    plan.steps.truncate(2);
    plan.steps.push(crate::sets::launch(0, &[2, 3, 4]));
    plan.steps.push(crate::sets::launch(0, &[2, 3, 5]));
    plans.specialised.push(SpecialisedPlan {
        binding: [("B".to_owned(), 2)].into(),
        plan,
    });
    let set = set(parts);
    let read = KernelSet::from_bytes(&set.to_bytes().unwrap()).unwrap();
    for set in [set, Arc::new(read)] {
        let mut session = Session::new(&set).unwrap();
        for (rows, special) in [(2, true), (3, false), (2, true)] {
            let x = ramp(rows);
            let outputs = session.run(&[("x", &x), ("y", &x)]).unwrap();
            assert_eq!(outputs.at(0) == outputs.at(1), special);
        }
    }
}

#[test]
fn states_go_on_from_run_to_run_and_are_the_session_s_own() {
    let set = set(accumulator());
    let mut session = Session::new(&set).unwrap();
    let mut other = Session::new(&set).unwrap();
    let x = floats(&[2], &[1.0, 10.0]);
    for (before, after) in [([1.0, 2.0], [2.0, 12.0]), ([2.0, 12.0], [3.0, 22.0])] {
        let outputs = session.run(&[("x", &x)]).unwrap();
        assert_eq!(outputs.len(), 1);
        assert_eq!(outputs.get("before"), Some(&floats(&[2], &before)));
        assert_eq!(session.state("total"), Some(floats(&[2], &after)));
    }
    assert_eq!(other.state("total"), Some(floats(&[2], &[1.0, 2.0])));
    let mut outputs = [floats(&[2], &[0.0; 2])];
    other.run_into(&[&x], &mut outputs).unwrap();
    assert_eq!(other.state("total"), Some(floats(&[2], &[2.0, 12.0])));
    session.reset_state();
    let outputs = session.run(&[("x", &x)]).unwrap();
    assert_eq!(outputs.get("before"), Some(&floats(&[2], &[1.0, 2.0])));
    assert!(session.state("none").is_none());
}

#[test]
fn timed_runs_are_runs() {
    let set = set(accumulator());
    let mut session = Session::new(&set).unwrap();
    let x = floats(&[2], &[1.0, 10.0]);
    let (outputs, times) = session.time(&[&x], 3).unwrap();
    assert_eq!(outputs.get("before"), Some(&floats(&[2], &[3.0, 22.0])));
    assert_eq!(session.state("total"), Some(floats(&[2], &[4.0, 32.0])));
    assert_eq!(times.len(), 3);
    assert_eq!(session.time(&[&x], 0).unwrap().1, []);
}

#[test]
fn batch_after_batch_is_run_and_handed_on() {
    let mut session = Session::new(&set(adder(1))).unwrap();
    let batches = [1, 3, 0, 3].map(|rows| Ok::<_, RuntimeError>(vec![ramp(rows), ramp(rows)]));
    let mut found = Vec::new();
    session
        .run_each(batches, |outputs| {
            found.push(outputs.at(0).unwrap().shape()[0]);
            Ok(())
        })
        .unwrap();
    assert_eq!(found, [1, 3, 0, 3]);
    let stop = || RuntimeError::MissingInput("x".to_owned());
    let outcome = session.run_each([Ok(vec![ramp(1), ramp(1)])], |_| Err(stop()));
    assert!(matches!(outcome, Err(RuntimeError::MissingInput(_))));
    let outcome = session.run_each([Err(stop())], |_| Ok(()));
    assert!(matches!(outcome, Err(RuntimeError::MissingInput(_))));
}

#[test]
fn an_index_out_of_range_names_kernel_tensor_and_index() {
    let set = set(lookup(1));
    let mut session = Session::new(&set).unwrap();
    let table = floats(&[3], &[5.0, 6.0, 7.0]);
    let index = |values: &[i128]| {
        let numbers: Vec<Number> = values.iter().map(|&n| Number::Int(n)).collect();
        Tensor::from_numbers(DType::I64, &[values.len()], &numbers).unwrap()
    };
    let outputs = session.run_ordered(&[&table, &index(&[2, 0, 2])]).unwrap();
    assert_eq!(outputs.get("y"), Some(&floats(&[3], &[7.0, 5.0, 7.0])));
    for (values, found) in [([0, 3, 0], 3), ([-1, 9, 9], -1)] {
        let error = session.run_ordered(&[&table, &index(&values)]).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "kernel `embed.gather`: index {found} is outside `table`, which has 3 places there"
            )
        );
    }
    let mut failing = Session::new(&crate::sets::set(failing())).unwrap();
    let error = failing.run(&[]).unwrap_err();
    assert_eq!(error.to_string(), "kernel `y.fail` failed with status 7");
}

#[test]
fn memory_is_limited_and_its_lack_an_error() {
    let set = set(copier(1));
    let options = SessionOptions {
        memory_limit: Some(1000),
        ..SessionOptions::default()
    };
    let mut session = Session::with_options(&set, options).unwrap();
    assert!(session.run(&[("x", &floats(&[16], &[1.0; 16]))]).is_ok());
    let error = session
        .run(&[("x", &floats(&[200], &[1.0; 200]))])
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "the run takes 1696 bytes of memory; 1000 may be used"
    );
    // Extents without elements: sizes that no memory has.
    let mut parts = adder(1);
    let plan = &mut parts.targets[0].entries[0].generic;
    plan.buffers[2].ty = "f32[B * 1125899906842624]".parse().unwrap();
    let mut session = Session::new(&crate::sets::set(parts)).unwrap();
    let x = ramp(1);
    let error = session.run(&[("x", &x), ("y", &x)]).unwrap_err();
    assert!(matches!(error, RuntimeError::MemoryLimit { .. }), "{error}");
    let x = ramp(1 << 11);
    let error = session.run(&[("x", &x), ("y", &x)]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a tensor of shape [2305843009213693952] and type f32 is too large"
    );
}

#[test]
fn poison_shows_what_was_never_written() {
    let mut parts = adder(1);
    // Without the loop that fills it, `zero` is whatever the arena holds.
    parts.targets[0].entries[0].generic.steps.remove(1);
    let set = set(parts);
    let options = SessionOptions {
        poison: true,
        ..SessionOptions::default()
    };
    let mut session = Session::with_options(&set, options).unwrap();
    let x = ramp(1);
    let outputs = session.run(&[("x", &x), ("y", &x)]).unwrap();
    let sums = outputs.get("sum").unwrap().as_f32().unwrap();
    assert!(sums.iter().all(|value| value.is_nan()));
    assert_eq!(outputs.get("twice").unwrap().as_f32().unwrap()[1], 4.0);
}

#[test]
fn a_kernel_that_would_reach_past_its_buffer_is_not_run() {
    let mut parts = adder(1);
    parts.targets[0].code.functions[0].arguments[1].length = "4*B + 1".parse().unwrap();
    let mut session = Session::new(&set(parts)).unwrap();
    let x = ramp(1);
    let error = session.run(&[("x", &x), ("y", &x)]).unwrap_err();
    let message = error.to_string();
    assert!(
        message.contains("kernel `sum.add` reaches past `y`"),
        "{message}"
    );
    let mut parts = adder(1);
    parts.targets[0].entries[0].generic.buffers[5].ty = "f32[B, 5]".parse().unwrap();
    let mut session = Session::new(&set(parts)).unwrap();
    let error = session.run(&[("x", &x), ("y", &x)]).unwrap_err();
    let message = error.to_string();
    assert!(
        message.contains("buffer `twice` takes 20 bytes, but there are 16"),
        "{message}"
    );
}

#[test]
fn values_that_are_missing_keep_a_session_from_being_made() {
    let mut parts = adder(1);
    parts
        .parameters
        .insert("w".to_owned(), parameter("f32[2]", None));
    let error = Session::new(&set(parts)).unwrap_err();
    assert_eq!(error.to_string(), "no value has been bound to `w`");
}
