use eyas_plan::{BufferId, Loop, Place, Plan, Step};

/// Removes buffers that no step touches; inputs and outputs stay.
pub(crate) fn remove_unused(plan: &mut Plan) {
    let mut used = vec![false; plan.buffers.len()];
    visit(&mut plan.steps, &mut |buffer| used[buffer.0] = true);
    for (used, buffer) in used.iter_mut().zip(&plan.buffers) {
        *used |= matches!(buffer.place, Place::Input(_) | Place::Output(_));
    }
    let mut places = Vec::with_capacity(used.len());
    let mut next = 0;
    for used in &used {
        places.push(BufferId(next));
        next += usize::from(*used);
    }
    let mut keep = used.iter();
    plan.buffers
        .retain(|_| keep.next().is_none_or(|used| *used));
    visit(&mut plan.steps, &mut |buffer| *buffer = places[buffer.0]);
}

/// Every mention of a buffer.
fn visit(steps: &mut [Step], with: &mut impl FnMut(&mut BufferId)) {
    for step in steps {
        match step {
            Step::Launch(launch) => {
                launch
                    .arguments
                    .iter_mut()
                    .for_each(|a| with(&mut a.buffer));
            }
            Step::Loop(looped) => {
                visit_loop(looped, with);
                visit(&mut looped.body, with);
            }
            Step::If(branches) => {
                with(&mut branches.condition);
                visit(&mut branches.then, with);
                visit(&mut branches.otherwise, with);
            }
        }
    }
}

fn visit_loop(looped: &mut Loop, with: &mut impl FnMut(&mut BufferId)) {
    let scalars = looped.counter.iter_mut().chain(&mut looped.condition);
    scalars.chain(&mut looped.zeroed).for_each(&mut *with);
    for carry in &mut looped.carried {
        with(&mut carry.current);
        with(&mut carry.next);
    }
}
