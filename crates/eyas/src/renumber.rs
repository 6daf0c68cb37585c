//! Several programs as one: kernels and constants are numbered through.

use eyas_ir::Constant;
use eyas_kernels::Kernel;
use eyas_plan::{Place, Plan, Step};
use eyas_schedule::Program;

/// Makes a program's plans name kernels by their place in `kernels` and constants by their place
/// in `constants`, which take up what they do not have yet. `suffix` sets the names of new kernels
/// apart.
pub(crate) fn take(
    program: &mut Program,
    suffix: &str,
    kernels: &mut Vec<Kernel>,
    constants: &mut Vec<Constant>,
) {
    let own = program.kernels.iter().map(|kernel| {
        let name = format!("{}{suffix}", kernel.name);
        let kernel = kernel.clone();
        place(kernels, Kernel { name, ..kernel })
    });
    let own: Vec<usize> = own.collect();
    let known = program.constants.iter();
    let known: Vec<usize> = known
        .map(|constant| place(constants, constant.clone()))
        .collect();
    let entries = program.entries.iter_mut().map(|entry| &mut entry.plan);
    let derived = program.derived.iter_mut().map(|derived| &mut derived.plan);
    for plan in entries.chain(derived) {
        renumber(plan, &own, &known);
    }
}

fn place<T: PartialEq>(all: &mut Vec<T>, item: T) -> usize {
    let known = all.iter().position(|other| *other == item);
    known.unwrap_or_else(|| {
        all.push(item);
        all.len() - 1
    })
}

fn renumber(plan: &mut Plan, kernels: &[usize], constants: &[usize]) {
    for buffer in &mut plan.buffers {
        if let Place::Constant(number) = &mut buffer.place {
            *number = constants[*number];
        }
    }
    renumber_steps(&mut plan.steps, kernels);
}

fn renumber_steps(steps: &mut [Step], kernels: &[usize]) {
    for step in steps {
        match step {
            Step::Launch(launch) => launch.kernel = kernels[launch.kernel],
            Step::Loop(inner) => renumber_steps(&mut inner.body, kernels),
            Step::If(inner) => {
                renumber_steps(&mut inner.then, kernels);
                renumber_steps(&mut inner.otherwise, kernels);
            }
        }
    }
}
