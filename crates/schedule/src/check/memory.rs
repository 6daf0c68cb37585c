use std::collections::BTreeMap;

use eyas_kernels::Role;
use eyas_plan::{BufferId, Place, Plan, Step, place};

use super::binding::Binding;
use super::{CheckError, Checker, plan_error};

/// A use of a buffer by a step.
#[derive(Debug, Clone, Copy)]
struct Touch {
    step: u32,
    writes: bool,
}

/// A loop's first and last step.
#[derive(Debug, Clone, Copy)]
struct Around {
    first: u32,
    last: u32,
}

/// Checks live ranges, sizes and the placement.
pub(super) fn check(checker: &Checker<'_>, name: &str, plan: &Plan) -> Result<(), CheckError> {
    let mut walk = Walk {
        checker,
        plan,
        name,
        touches: BTreeMap::new(),
        loops: Vec::new(),
        next: 0,
    };
    walk.steps(&plan.steps)?;
    for (buffer, touches) in &walk.touches {
        walk.range(*buffer, touches)?;
    }
    for binding in &checker.bindings {
        placement(name, plan, binding)?;
    }
    Ok(())
}

struct Walk<'a> {
    checker: &'a Checker<'a>,
    plan: &'a Plan,
    name: &'a str,
    touches: BTreeMap<BufferId, Vec<Touch>>,
    loops: Vec<Around>,
    next: u32,
}

impl Walk<'_> {
    fn touch(&mut self, buffer: BufferId, step: u32, writes: bool) {
        self.touches
            .entry(buffer)
            .or_default()
            .push(Touch { step, writes });
    }

    fn steps(&mut self, steps: &[Step]) -> Result<(), CheckError> {
        for step in steps {
            let number = self.next;
            self.next += 1;
            match step {
                Step::Launch(launch) => {
                    let kernel = self.checker.program.kernels.get(launch.kernel);
                    let arguments = kernel
                        .map(|kernel| &kernel.arguments[..])
                        .unwrap_or_default();
                    for (operand, argument) in launch.arguments.iter().zip(arguments) {
                        self.touch(operand.buffer, number, argument.role == Role::Write);
                        self.size(operand, argument)?;
                    }
                }
                Step::Loop(looped) => {
                    self.steps(&looped.body)?;
                    let last = self.next - 1;
                    self.loops.push(Around {
                        first: number,
                        last,
                    });
                    let scalars = looped.counter.into_iter().chain(looped.condition);
                    for buffer in scalars.chain(looped.zeroed.iter().copied()) {
                        self.touch(buffer, number, true);
                        self.touch(buffer, last, false);
                    }
                    for carry in &looped.carried {
                        let live =
                            |buffer: BufferId| self.plan.buffers.get(buffer.0).map(|b| b.live);
                        if live(carry.current) != live(carry.next) {
                            let reason = "exchanges buffers that do not live equally long";
                            return Err(plan_error(self.name, reason));
                        }
                        for buffer in [carry.current, carry.next] {
                            self.touch(buffer, number, true);
                            self.touch(buffer, last, false);
                        }
                    }
                }
                Step::If(branches) => {
                    self.touch(branches.condition, number, false);
                    self.steps(&branches.then)?;
                    self.steps(&branches.otherwise)?;
                }
            }
        }
        Ok(())
    }

    /// Whether an argument is within its buffer and of its type.
    fn size(
        &self,
        operand: &eyas_plan::Operand,
        argument: &eyas_kernels::Argument,
    ) -> Result<(), CheckError> {
        let fault = |reason: &str| plan_error(self.name, reason);
        let buffer = self.plan.buffers.get(operand.buffer.0);
        let buffer = buffer.ok_or_else(|| fault("names a buffer that is not there"))?;
        if buffer.ty.dtype != argument.dtype {
            return Err(fault("passes a buffer of another element type"));
        }
        let foreign = !matches!(buffer.place, Place::Arena | Place::Output(_));
        if foreign && argument.role != Role::Read {
            return Err(fault("writes memory that is not its own"));
        }
        // The slices of stacks are in their buffer because their offsets are iterations times length.
        if !operand.offset.is(0) {
            return Ok(());
        }
        for binding in &self.checker.bindings {
            let count = buffer
                .ty
                .element_count()
                .and_then(|count| binding.value(&count));
            let length = binding.value(&argument.length);
            if let (Ok(count), Ok(length)) = (count, length)
                && length > count
            {
                return Err(fault("passes a buffer that is too small"));
            }
        }
        Ok(())
    }

    fn range(&self, id: BufferId, touches: &[Touch]) -> Result<(), CheckError> {
        let Some(buffer) = self.plan.buffers.get(id.0) else {
            return Err(plan_error(self.name, "names a buffer that is not there"));
        };
        let (live, fault) = (buffer.live, |reason: &str| {
            plan_error(self.name, format!("buffer `{}` {reason}", buffer.name))
        });
        if touches
            .iter()
            .any(|touch| touch.step < live.first || touch.step > live.last)
        {
            return Err(fault("is touched outside its live range"));
        }
        if buffer.place != Place::Arena {
            return Ok(());
        }
        for around in &self.loops {
            let inside = |step: u32| step > around.first && step <= around.last;
            let covers = live.first <= around.first && live.last >= around.last;
            if covers || !touches.iter().any(|touch| inside(touch.step)) {
                continue;
            }
            let local = live.first > around.first && live.last <= around.last;
            let first = touches.iter().map(|touch| touch.step).min();
            let begins = touches
                .iter()
                .any(|touch| Some(touch.step) == first && touch.writes);
            if !local || !begins {
                return Err(fault("is alive in a part of a loop, but not made in it"));
            }
        }
        Ok(())
    }
}

/// Whether the placement keeps apart what lives together.
fn placement(name: &str, plan: &Plan, binding: &Binding) -> Result<(), CheckError> {
    let mut arena = Vec::new();
    for buffer in plan
        .buffers
        .iter()
        .filter(|buffer| buffer.place == Place::Arena)
    {
        let count = buffer
            .ty
            .element_count()
            .and_then(|count| binding.value(&count));
        let bytes = count.ok().and_then(|count| usize::try_from(count).ok());
        let bytes = bytes.and_then(|count| buffer.ty.dtype.bytes_for(count));
        let bytes = bytes.ok_or_else(|| plan_error(name, "has a buffer without a size"))?;
        arena.push((bytes, buffer.live));
    }
    let placed = place(&arena).map_err(|_| plan_error(name, "has an arena without bounds"))?;
    for (a, (size, live)) in arena.iter().enumerate() {
        for (b, (other, other_live)) in arena.iter().enumerate().skip(a + 1) {
            let (start, begin) = (placed.offsets[a], placed.offsets[b]);
            let apart = start + size <= begin || begin + other <= start;
            if live.overlaps(*other_live) && !apart {
                return Err(plan_error(
                    name,
                    "places buffers that live together in one place",
                ));
            }
        }
    }
    Ok(())
}
