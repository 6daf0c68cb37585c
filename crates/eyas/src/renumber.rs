//! Several programs as one: kernels and constants are numbered through.

use std::collections::BTreeMap;

use eyas_ir::Constant;
use eyas_kernels::Kernel;
use eyas_plan::{Place, Plan, Step};
use eyas_schedule::{DerivedPlan, Program};

/// Makes a program's plans name kernels by their place in `kernels` and constants by their place
/// in `constants`, which take up what they do not have yet. `suffix` sets the names of new kernels
/// apart. Derived parameters of the same path as one of `others` keep it where they are computed
/// the same way; otherwise the suffix sets their paths apart too.
pub(crate) fn take(
    program: &mut Program,
    suffix: &str,
    others: &[DerivedPlan],
    kernels: &mut Vec<Kernel>,
    constants: &mut Vec<Constant>,
) {
    let before = kernels.len();
    let own = program.kernels.iter();
    let own: Vec<usize> = own
        .map(|kernel| kernel_place(kernels, before, kernel, suffix))
        .collect();
    let known = program.constants.iter();
    let known: Vec<usize> = known
        .map(|constant| place(constants, constant.clone()))
        .collect();
    let mut paths: BTreeMap<String, String> = BTreeMap::new();
    for derived in &mut program.derived {
        renumber(&mut derived.plan, &own, &known);
        rename(&mut derived.plan, &paths);
        let differs = |other: &DerivedPlan| {
            let same = other.counters == derived.counters && other.plan == derived.plan;
            other.path == derived.path && !same
        };
        if others.iter().any(differs) {
            let path = format!("{}{suffix}", derived.path);
            paths.insert(std::mem::replace(&mut derived.path, path.clone()), path);
        }
    }
    for entry in &mut program.entries {
        renumber(&mut entry.plan, &own, &known);
        rename(&mut entry.plan, &paths);
    }
}

/// The place of a kernel; among those of the programs before, of one that does the same on the
/// same arguments, whatever its name.
fn kernel_place(kernels: &mut Vec<Kernel>, before: usize, kernel: &Kernel, suffix: &str) -> usize {
    let same = |other: &Kernel| other.work == kernel.work && other.arguments == kernel.arguments;
    kernels[..before].iter().position(same).unwrap_or_else(|| {
        kernels.push(Kernel {
            name: format!("{}{suffix}", kernel.name),
            ..kernel.clone()
        });
        kernels.len() - 1
    })
}

fn rename(plan: &mut Plan, paths: &BTreeMap<String, String>) {
    for buffer in &mut plan.buffers {
        if let Place::Parameter(path) = &mut buffer.place
            && let Some(new) = paths.get(path)
        {
            path.clone_from(new);
        }
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
