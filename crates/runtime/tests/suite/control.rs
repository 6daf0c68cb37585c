use eyas_plan::{BufferId, Carry, LiveRange, Loop, Place, Plan, Step};
use eyas_runtime::{RuntimeError, Session};
use eyas_tensor::{DType, Number, Tensor};

use crate::kernels::Section;
use crate::sets::{
    branch, buffer, floats, input, launch, looped, output, parameter, parts, repeat, set,
    while_loop,
};

#[test]
fn a_loop_carries_values_and_takes_each_iteration_s_parameter() {
    for count in 0..6 {
        let mut session = Session::new(&set(looped(count))).unwrap();
        let x = floats(&[4], &[1.0, 2.0, 3.0, 4.0]);
        for _ in 0..2 {
            let outputs = session.run(&[("x", &x)]).unwrap();
            let mut h = [1.0, 2.0, 3.0, 4.0];
            let mut stack = Vec::new();
            for block in 0..count {
                stack.extend(h);
                let w = [block as f32, 1.0, 10.0, 100.0];
                h.iter_mut().zip(w).for_each(|(h, w)| *h += w);
            }
            assert_eq!(outputs.get("h"), Some(&floats(&[4], &h)));
            assert_eq!(outputs.get("stack"), Some(&floats(&[count, 4], &stack)));
        }
    }
}

#[test]
fn a_missing_parameter_of_an_iteration_is_named() {
    let mut parts = looped(3);
    parts.parameters.remove("block.1.w");
    let mut session = Session::new(&set(parts)).unwrap();
    let error = session.run(&[("x", &floats(&[4], &[0.0; 4]))]).unwrap_err();
    assert_eq!(error.to_string(), "no value has been bound to `block.1.w`");
}

#[test]
fn a_loop_ends_when_its_condition_does_and_leaves_zeros_behind() {
    let mut session = Session::new(&set(while_loop())).unwrap();
    let x = floats(&[1], &[1.0]);
    // The body runs at least once, at most eight times.
    for (limit, times) in [(5, 5), (0, 1), (2, 2), (100, 8), (3, 3)] {
        let limit = Tensor::scalar(DType::I64, Number::Int(limit));
        let outputs = session.run(&[("x", &x), ("limit", &limit)]).unwrap();
        assert_eq!(
            outputs.get("doubled"),
            Some(&floats(&[1], &[2f32.powi(times)]))
        );
        let stack: Vec<f32> = (1..=8)
            .map(|place| {
                if place <= times {
                    2f32.powi(place)
                } else {
                    0.0
                }
            })
            .collect();
        assert_eq!(outputs.get("stack"), Some(&floats(&[8], &stack)));
    }
}

#[test]
fn an_if_takes_one_branch() {
    let mut session = Session::new(&set(branch())).unwrap();
    let (x, zero) = (floats(&[2], &[1.0, 2.0]), floats(&[2], &[0.0; 2]));
    for (flag, expected) in [(true, [2.0, 4.0]), (false, [1.0, 2.0])] {
        let flag = Tensor::scalar(DType::Bool, Number::Bool(flag));
        let inputs = [("flag", &flag), ("x", &x), ("zero", &zero)];
        let outputs = session.run(&inputs).unwrap();
        assert_eq!(outputs.get("y"), Some(&floats(&[2], &expected)));
    }
}

/// `repeat i in 1..3 { repeat j in 0..2 { h = h + m.{i}.{j} } }` with loop-carried `h`.
fn nested(live_next: LiveRange) -> eyas_runtime::KernelSetParts {
    let mut section = Section::default();
    let add = section.add("h.add", "1", 1);
    let carry = Carry {
        current: BufferId(2),
        next: BufferId(3),
    };
    let inner = Loop {
        carried: vec![carry],
        ..repeat("j", "3", vec![launch(add, &[2, 4, 3])])
    };
    let outer = Loop {
        start: 1.into(),
        ..repeat("i", "2", vec![Step::Loop(inner)])
    };
    let mut next = buffer("next", "f32[1]", Place::Arena);
    next.live = live_next;
    let plan = Plan {
        inputs: vec![input("x", "f32[1]")],
        outputs: vec![output("h", "f32[1]")],
        buffers: vec![
            buffer("x", "f32[1]", Place::Input(0)),
            buffer("zero", "f32[1]", Place::Constant(0)),
            buffer("current", "f32[1]", Place::Arena),
            next,
            buffer("m", "f32[1]", Place::Parameter("m.{i}.{j}".to_owned())),
            buffer("h", "f32[1]", Place::Output(0)),
        ],
        steps: vec![
            launch(add, &[0, 1, 2]),
            Step::Loop(outer),
            launch(add, &[2, 1, 5]),
        ],
    };
    let mut parts = parts(plan, section);
    parts.constants = vec![floats(&[1], &[0.0])];
    for i in 1..3 {
        for j in 0..3 {
            let value = floats(&[1], &[(10 * i + j) as f32]);
            let part = parameter("f32[1]", Some(value));
            parts.parameters.insert(format!("m.{i}.{j}"), part);
        }
    }
    parts
}

#[test]
fn loops_in_loops_name_parameters_by_both_counters() {
    for last in [1000, 3] {
        let live = LiveRange { first: 1, last };
        let mut session = Session::new(&set(nested(live))).unwrap();
        for x in [0.5, 1.0] {
            let outputs = session.run(&[("x", &floats(&[1], &[x]))]).unwrap();
            let sum: i32 = (1..3).flat_map(|i| (0..3).map(move |j| 10 * i + j)).sum();
            assert_eq!(outputs.get("h"), Some(&floats(&[1], &[x + sum as f32])));
        }
    }
}

#[test]
fn a_parameter_of_an_iteration_outside_its_loop_is_refused() {
    let mut parts = looped(2);
    let steps = &mut parts.targets[0].entries[0].generic.steps;
    steps.push(launch(0, &[2, 4, 5]));
    let mut session = Session::new(&set(parts)).unwrap();
    let error = session.run(&[("x", &floats(&[4], &[0.0; 4]))]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the plan of `main` is wrong: `block.{i}.w` stands outside a loop over `i`"
    );
}

#[test]
fn slices_that_leave_their_stack_are_refused() {
    let mut parts = looped(3);
    let plan = &mut parts.targets[0].entries[0].generic;
    plan.buffers[6].ty = "f32[2, 4]".parse().unwrap();
    let mut session = Session::new(&set(parts)).unwrap();
    let error = session.run(&[("x", &floats(&[4], &[0.0; 4]))]).unwrap_err();
    assert!(matches!(error, RuntimeError::Plan { .. }), "{error}");
    // What is not affine is looked at in each iteration.
    for (offset, fits) in [
        ("#i * #i", true),
        ("4 * #i * #i", false),
        ("0 - #i * #i", false),
    ] {
        let mut parts = looped(3);
        let plan = &mut parts.targets[0].entries[0].generic;
        let Step::Loop(repeat) = &mut plan.steps[1] else {
            panic!("a loop is expected");
        };
        let Step::Launch(stack) = &mut repeat.body[1] else {
            panic!("a launch is expected");
        };
        stack.arguments[2].offset = offset.parse().unwrap();
        let mut session = Session::new(&set(parts)).unwrap();
        let outcome = session.run(&[("x", &floats(&[4], &[0.0; 4]))]);
        assert_eq!(outcome.is_ok(), fits, "{offset}");
    }
}
