//! The checker finds faults that are put into sound programs.

use eyas_ir::{BinaryFunction, Body, Module, ScalarOp};
use eyas_kernels::{Access, Kernel, Role, Work};
use eyas_plan::{BufferId, LiveRange, Place, Plan, Step};
use eyas_schedule::{Options, Program, check, schedule};
use eyas_tensor::Dim;

use crate::models::{ENCODER, PERCEPTRON, module};

fn programs() -> Vec<(Module, Program)> {
    let mut programs = Vec::new();
    for text in [PERCEPTRON, ENCODER] {
        for (panel_width, fuse) in [(None, false), (Some(4), true)] {
            let module = module(text);
            let program = schedule(&module, &Options { panel_width, fuse }).unwrap();
            check(&module, &program).unwrap();
            programs.push((module, program));
        }
    }
    programs
}

/// Applies a change to each kernel alone, and wants each that it applies to refused.
fn refused(what: &str, change: impl Fn(&mut Kernel) -> bool) {
    let mut count = 0;
    for (module, program) in programs() {
        for number in 0..program.kernels.len() {
            let mut changed = program.clone();
            if change(&mut changed.kernels[number]) {
                count += 1;
                let name = &program.kernels[number].name;
                assert!(
                    check(&module, &changed).is_err(),
                    "{what} of `{name}` goes unseen"
                );
            }
        }
    }
    assert!(count > 3, "{what} applies to {count} kernels");
}

fn accesses(kernel: &mut Kernel) -> Vec<&mut Access> {
    match &mut kernel.work {
        Work::Map(map) => map.reads.iter_mut().chain(&mut map.writes).collect(),
        Work::Reduce(reduce) => {
            let row = reduce
                .row
                .iter_mut()
                .flat_map(|r| r.reads.iter_mut().chain(&mut r.writes));
            let element = reduce.element.iter_mut().flat_map(|e| &mut e.writes);
            reduce.reads.iter_mut().chain(row).chain(element).collect()
        }
        Work::Contraction(c) => {
            let mut all = vec![&mut c.left, &mut c.write];
            all.extend(&mut c.reads);
            if c.right_layout == eyas_kernels::RightLayout::Strided {
                all.push(&mut c.right);
            }
            all
        }
        Work::Scatter(_) => Vec::new(),
    }
}

fn bodies(kernel: &mut Kernel) -> Vec<&mut Body> {
    match &mut kernel.work {
        Work::Map(map) => vec![&mut map.body],
        Work::Reduce(reduce) => {
            let stages = reduce.stages.iter_mut().map(|stage| &mut stage.body);
            let row = reduce.row.iter_mut().map(|row| &mut row.body);
            stages
                .chain(row)
                .chain(reduce.element.iter_mut().map(|e| &mut e.body))
                .collect()
        }
        Work::Contraction(c) => vec![&mut c.epilogue],
        Work::Scatter(_) => Vec::new(),
    }
}

#[test]
fn an_access_that_begins_elsewhere_is_refused() {
    for number in 0..2 {
        refused("an offset", |kernel| {
            let access = accesses(kernel).into_iter().nth(number);
            access.is_some_and(|access| {
                access.offset = access.offset.add(&Dim::from(1)).unwrap();
                true
            })
        });
    }
}

#[test]
fn an_access_with_another_stride_is_refused() {
    refused("a stride", |kernel| {
        let mut accesses = accesses(kernel);
        let stride = accesses
            .iter_mut()
            .find_map(|access| access.strides.last_mut());
        stride.is_some_and(|stride| {
            *stride = stride.add(&Dim::from(1)).unwrap();
            true
        })
    });
}

#[test]
fn a_body_with_another_function_is_refused() {
    refused("a function", |kernel| {
        let mut found = false;
        for body in bodies(kernel) {
            for node in &mut body.nodes {
                if let ScalarOp::Binary(function, _, _) = &mut node.op {
                    let other = match function {
                        BinaryFunction::Add => BinaryFunction::Subtract,
                        _ => BinaryFunction::Add,
                    };
                    if !found {
                        *function = other;
                        found = true;
                    }
                }
            }
        }
        found
    });
}

#[test]
fn a_smaller_space_is_refused() {
    refused("an extent", |kernel| {
        let extent = match &mut kernel.work {
            Work::Map(map) => map.extents.first_mut(),
            Work::Reduce(reduce) => reduce.inner.last_mut(),
            Work::Contraction(c) => c.contracted.last_mut(),
            Work::Scatter(_) => None,
        };
        extent.is_some_and(|extent| {
            *extent = extent.sub(&Dim::from(1)).unwrap();
            true
        })
    });
}

fn launches(steps: &[Step]) -> usize {
    let count = |step: &Step| match step {
        Step::Launch(_) => 1,
        Step::Loop(looped) => launches(&looped.body),
        Step::If(branches) => launches(&branches.then) + launches(&branches.otherwise),
    };
    steps.iter().map(count).sum()
}

/// Removes the launch with this number.
fn remove(steps: &mut Vec<Step>, number: &mut usize) {
    let mut place = 0;
    while place < steps.len() {
        match &mut steps[place] {
            Step::Launch(_) if *number == 0 => {
                steps.remove(place);
                *number = usize::MAX;
                return;
            }
            Step::Launch(_) => *number -= 1,
            Step::Loop(looped) => remove(&mut looped.body, number),
            Step::If(branches) => {
                remove(&mut branches.then, number);
                remove(&mut branches.otherwise, number);
            }
        }
        if *number == usize::MAX {
            return;
        }
        place += 1;
    }
}

#[test]
fn a_launch_that_is_missing_is_refused() {
    for (module, program) in programs() {
        for number in 0..launches(&program.entries[0].plan.steps) {
            let mut changed = program.clone();
            remove(&mut changed.entries[0].plan.steps, &mut number.clone());
            assert!(check(&module, &changed).is_err(), "launch {number}");
        }
    }
}

fn arena(plan: &Plan) -> Vec<usize> {
    let buffers = plan.buffers.iter().enumerate();
    let arena = buffers.filter(|(_, buffer)| buffer.place == Place::Arena);
    arena.map(|(number, _)| number).collect()
}

#[test]
fn a_live_range_that_is_too_short_is_refused() {
    for (module, program) in programs() {
        for number in arena(&program.entries[0].plan) {
            let LiveRange { first, last } = program.entries[0].plan.buffers[number].live;
            for live in [
                LiveRange {
                    first: first + 1,
                    last,
                },
                LiveRange {
                    first,
                    last: last - 1,
                },
            ] {
                let mut changed = program.clone();
                changed.entries[0].plan.buffers[number].live = live;
                assert!(check(&module, &changed).is_err(), "buffer {number}");
            }
        }
    }
}

#[test]
fn a_launch_on_other_memory_is_refused() {
    for (module, program) in programs() {
        let arena = arena(&program.entries[0].plan);
        for (number, step) in program.entries[0].plan.steps.iter().enumerate() {
            let Step::Launch(launch) = step else { continue };
            for argument in 0..launch.arguments.len() {
                for &other in &arena {
                    if launch.arguments[argument].buffer == BufferId(other) {
                        continue;
                    }
                    let kernel = &program.kernels[launch.kernel];
                    let written = kernel.arguments[argument].role == Role::Write;
                    let mut changed = program.clone();
                    if let Step::Launch(launch) = &mut changed.entries[0].plan.steps[number] {
                        launch.arguments[argument].buffer = BufferId(other);
                    }
                    assert!(
                        check(&module, &changed).is_err(),
                        "argument {argument} (written: {written}) of `{}` on buffer {other}",
                        kernel.name
                    );
                }
            }
        }
    }
}
