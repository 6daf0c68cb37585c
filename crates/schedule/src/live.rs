use std::collections::BTreeMap;

use eyas_plan::{Buffer, BufferId, LiveRange, Loop, Operand, Step};

/// Gives every buffer the range of steps that its contents matter in.
pub(crate) fn set_live_ranges(steps: &[Step], buffers: &mut [Buffer]) {
    let mut total = BTreeMap::new();
    let mut swapped = Vec::new();
    count(steps, &mut total, &mut swapped);
    let mut next = 0;
    let mut ranges = ranges(steps, &total, &mut next);
    join(&swapped, &mut ranges);
    for (number, buffer) in buffers.iter_mut().enumerate() {
        buffer.live = match ranges.get(&BufferId(number)) {
            Some(range) => *range,
            None => LiveRange { first: 0, last: 0 },
        };
    }
}

/// Uses of each buffer, and pairs that change places.
fn count(
    steps: &[Step],
    total: &mut BTreeMap<BufferId, usize>,
    swapped: &mut Vec<(BufferId, BufferId)>,
) {
    for step in steps {
        for buffer in own(step) {
            *total.entry(buffer).or_insert(0) += 1;
        }
        match step {
            Step::Launch(_) => {}
            Step::Loop(looped) => {
                swapped.extend(looped.carried.iter().map(|c| (c.current, c.next)));
                count(&looped.body, total, swapped);
            }
            Step::If(branches) => {
                count(&branches.then, total, swapped);
                count(&branches.otherwise, total, swapped);
            }
        }
    }
}

/// Buffers that a step touches itself.
fn own(step: &Step) -> Vec<BufferId> {
    match step {
        Step::Launch(launch) => launch.arguments.iter().map(|a| a.buffer).collect(),
        Step::Loop(looped) => owned_by_loop(looped),
        Step::If(branches) => vec![branches.condition],
    }
}

fn owned_by_loop(looped: &Loop) -> Vec<BufferId> {
    let pairs = looped.carried.iter().flat_map(|c| [c.current, c.next]);
    let scalars = looped.counter.iter().chain(&looped.condition);
    pairs
        .chain(scalars.chain(&looped.zeroed).copied())
        .collect()
}

type Ranges = BTreeMap<BufferId, LiveRange>;

fn ranges(steps: &[Step], total: &BTreeMap<BufferId, usize>, next: &mut u32) -> Ranges {
    let mut ranges = Ranges::new();
    for step in steps {
        let number = *next;
        *next += 1;
        for buffer in own(step) {
            extend(&mut ranges, buffer, number, number);
        }
        match step {
            Step::Launch(_) => {}
            Step::Loop(looped) => {
                let inner = self::ranges(&looped.body, total, next);
                let last = next.saturating_sub(1);
                let mut inside = BTreeMap::new();
                count(std::slice::from_ref(step), &mut inside, &mut Vec::new());
                let mut partly = Vec::new();
                written_partly(&looped.body, &looped.trip, &mut partly);
                let own = owned_by_loop(looped);
                for (buffer, range) in inner {
                    let local = inside.get(&buffer) == total.get(&buffer)
                        && !own.contains(&buffer)
                        && !partly.contains(&buffer);
                    match local {
                        true => extend(&mut ranges, buffer, range.first, range.last),
                        false => extend(&mut ranges, buffer, number, last),
                    }
                }
                for buffer in own {
                    extend(&mut ranges, buffer, number, last);
                }
            }
            Step::If(branches) => {
                for steps in [&branches.then, &branches.otherwise] {
                    for (buffer, range) in self::ranges(steps, total, next) {
                        extend(&mut ranges, buffer, range.first, range.last);
                    }
                }
            }
        }
    }
    ranges
}

fn extend(ranges: &mut Ranges, buffer: BufferId, first: u32, last: u32) {
    let range = ranges.entry(buffer).or_insert(LiveRange { first, last });
    range.first = range.first.min(first);
    range.last = range.last.max(last);
}

/// Buffers that an iteration of the loop writes a part of.
fn written_partly(steps: &[Step], trip: &str, found: &mut Vec<BufferId>) {
    let moves = |operand: &&Operand| operand.offset.symbols().iter().any(|name| &**name == trip);
    for step in steps {
        match step {
            Step::Launch(launch) => {
                found.extend(launch.arguments.iter().filter(moves).map(|a| a.buffer));
            }
            Step::Loop(looped) => written_partly(&looped.body, trip, found),
            Step::If(branches) => {
                written_partly(&branches.then, trip, found);
                written_partly(&branches.otherwise, trip, found);
            }
        }
    }
}

/// What changes places may lie in either's memory, so both are alive where one is.
fn join(swapped: &[(BufferId, BufferId)], ranges: &mut Ranges) {
    for _ in 0..=swapped.len() {
        let before = ranges.clone();
        for (current, next) in swapped {
            for (from, to) in [(current, next), (next, current)] {
                if let Some(range) = ranges.get(from).copied() {
                    extend(ranges, *to, range.first, range.last);
                }
            }
        }
        if before == *ranges {
            break;
        }
    }
}
