use crate::barriers::Barriers;
use crate::clock::Clock;
use crate::decoder::Planes;
use crate::instruction::{Barrier, Control, Operation, Pending};
use crate::lane::{LANES, Mask};
use crate::launch::{Launch, Statistics};
use crate::machine::{Machine, Stop};
use crate::region::Region;
use crate::special::Special;
use crate::warp::{File, Frame, NOWHERE, State, Warp};
use crate::{Cause, Entry, Memory};

/// A block that runs, and then the next one.
#[derive(Debug)]
pub(crate) struct Block<'r> {
    entry: &'r Entry,
    parameters: &'r [u8],
    warps: Vec<Warp>,
    /// The lanes that each warp begins with.
    whole: Vec<Mask>,
    /// What of each file is defined from the start.
    defined: (Vec<Mask>, Vec<Mask>, Vec<Mask>),
    shared: Region,
    barriers: Barriers,
    /// Instructions that may yet run, once a thread.
    budget: u64,
    limit: u64,
    pub(crate) statistics: Statistics,
}

/// A thread that did what it must not: its warp, the instruction's number.
#[derive(Debug)]
pub(crate) struct Halt {
    pub(crate) warp: u32,
    pub(crate) at: u32,
    pub(crate) stop: Stop,
}

/// Instructions of a warp after which another one has its turn.
const TURN: u32 = 1 << 16;

impl<'r> Block<'r> {
    pub(crate) fn new(
        entry: &'r Entry,
        launch: &Launch,
        parameters: &'r [u8],
        limit: u64,
    ) -> Block<'r> {
        let threads: u32 = launch.block.iter().product();
        let count = threads.div_ceil(LANES as u32);
        let warps: Vec<Warp> = (0..count)
            .map(|index| warp(index, entry, launch, count))
            .collect();
        let whole = (0..count).map(|index| match threads - index * LANES as u32 {
            rest @ 0..32 => (1 << rest) - 1,
            _ => !0,
        });
        let (narrow, wide, predicates) = warps.first().map_or_else(Default::default, |warp| {
            let (narrow, wide) = (warp.narrow.defined.clone(), warp.wide.defined.clone());
            (narrow, wide, warp.predicates_defined.clone())
        });
        Block {
            entry,
            parameters,
            whole: whole.collect(),
            defined: (narrow, wide, predicates),
            shared: Region::new((entry.shared_bytes + launch.shared) as usize),
            barriers: Barriers::new(warps.len()),
            warps,
            budget: limit,
            limit,
            statistics: Statistics::default(),
        }
    }

    /// Makes it the block of that index.
    fn begin(&mut self, index: [u32; 3]) {
        self.shared.clear();
        self.barriers.clear();
        for (warp, whole) in self.warps.iter_mut().zip(&self.whole) {
            warp.narrow.defined.copy_from_slice(&self.defined.0);
            warp.wide.defined.copy_from_slice(&self.defined.1);
            warp.predicates_defined.copy_from_slice(&self.defined.2);
            for (axis, index) in index.into_iter().enumerate() {
                if let Some(slot) = self.entry.planes.specials.get(&Special::Block(axis)) {
                    warp.narrow.fill(slot.0 as usize, index);
                }
            }
            warp.frames.clear();
            warp.frames.push(Frame {
                at: 0,
                mask: *whole,
                until: NOWHERE,
            });
            warp.live = *whole;
            warp.state = State::Ready;
            warp.copies.fill(Pending::default());
        }
    }

    /// Runs the block of that index to its end.
    pub(crate) fn run(
        &mut self,
        index: [u32; 3],
        memory: &mut Memory,
        clock: &mut Clock,
    ) -> Result<(), Halt> {
        self.begin(index);
        if !clock.begin_block() {
            return Err(self.halt(0, 0, Stop::new(0, Cause::Instructions(u64::from(u32::MAX)))));
        }
        loop {
            let mut ran = false;
            for warp in 0..self.warps.len() {
                while self.warps[warp].state == State::Ready {
                    ran = true;
                    if !self.turn(warp, memory, clock)? {
                        break;
                    }
                }
            }
            if !ran {
                break;
            }
        }
        self.stuck()
    }

    fn halt(&self, warp: usize, at: u32, stop: Stop) -> Halt {
        Halt {
            warp: warp as u32,
            at,
            stop,
        }
    }

    /// No warp can run: all must have ended.
    fn stuck(&self) -> Result<(), Halt> {
        let waiting = self
            .warps
            .iter()
            .find(|warp| matches!(warp.state, State::Waits(_)));
        let Some(warp) = waiting else { return Ok(()) };
        let State::Waits(number) = warp.state else {
            return Ok(());
        };
        let (arrived, expected) = self.barriers.at(number);
        let ended = self
            .warps
            .iter()
            .filter(|warp| warp.state == State::Done)
            .count();
        let waiting = self.warps.len() - ended;
        let elsewhere = waiting.saturating_sub(arrived);
        let what = format!(
            "barrier {number} waits for ever: {arrived} of {expected} warps came, {ended} have \
             ended, {elsewhere} wait elsewhere"
        );
        let at = warp
            .frames
            .last()
            .map_or(0, |frame| frame.at)
            .saturating_sub(1);
        let stop = Stop::first(warp.live, Cause::Barrier(what));
        Err(self.halt(warp.index as usize, at, stop))
    }

    /// Runs a warp until it waits or ends, or until another has its turn: then it gives false.
    fn turn(&mut self, index: usize, memory: &mut Memory, clock: &mut Clock) -> Result<bool, Halt> {
        let code = self.entry.code.as_slice();
        let mut left = TURN;
        loop {
            let warp = &mut self.warps[index];
            if warp.state != State::Ready {
                return Ok(true);
            }
            let Some(Frame {
                mut at,
                mask,
                until,
            }) = warp.frames.last().copied()
            else {
                warp.state = State::Done;
                return Ok(true);
            };
            let whole = self.whole[index];
            let mut machine = Machine {
                warp,
                shared: &mut self.shared,
                memory,
                clock,
                parameters: self.parameters,
                global_granule: self.entry.needs.global_granule,
                shared_granule: self.entry.needs.shared_granule,
                at,
            };
            // To where control moves, or lanes meet others.
            loop {
                if at == until {
                    machine.warp.frames.pop();
                    break;
                }
                let instruction = &code[at as usize];
                machine.at = at;
                let halt = |stop| Halt {
                    warp: index as u32,
                    at,
                    stop,
                };
                let active = match instruction.guard {
                    None => mask,
                    Some(guard) => {
                        let (holds, defined) = machine.warp.condition(guard);
                        machine
                            .require(mask, defined, "a condition")
                            .map_err(halt)?;
                        mask & holds
                    }
                };
                let cost = u64::from(active.count_ones());
                if cost > self.budget {
                    return Err(halt(Stop::first(active, Cause::Instructions(self.limit))));
                }
                self.budget -= cost;
                self.statistics.thread_instructions += cost;
                self.statistics.warp_instructions += 1;
                match &instruction.operation {
                    Operation::Control(control) => {
                        step(machine.warp, *control, at, active).map_err(halt)?;
                        break;
                    }
                    Operation::Barrier(Barrier::Warp(members)) => {
                        if active != 0 {
                            machine.converge(active, *members).map_err(halt)?;
                            machine.clock.meet_lanes(index);
                        }
                    }
                    Operation::Barrier(barrier) => {
                        if active != 0 {
                            if let Some(frame) = machine.warp.frames.last_mut() {
                                frame.at = at + 1;
                            }
                            let warp = (&mut *machine.warp, whole);
                            let released =
                                self.barriers.come(*barrier, warp, active, machine.clock);
                            for warp in released.map_err(halt)? {
                                self.warps[warp].state = State::Ready;
                            }
                            break;
                        }
                    }
                    operation => {
                        if active != 0 {
                            operation.run(active, &mut machine).map_err(halt)?;
                        }
                    }
                }
                at += 1;
            }
            left = left.saturating_sub(1);
            if left == 0 {
                return Ok(false);
            }
        }
    }
}

/// Moves control of the running frame, which is at `at`.
fn step(warp: &mut Warp, control: Control, at: u32, active: Mask) -> Result<(), Stop> {
    let Some(frame) = warp.frames.last_mut() else {
        return Ok(());
    };
    frame.at = at;
    let mask = frame.mask;
    match control {
        Control::Branch {
            target,
            join,
            uniform,
        } => {
            if uniform && active != 0 && active != mask {
                let what = "lanes part at a branch that says that they do not".to_owned();
                return Err(Stop::first(active, Cause::Forbidden(what)));
            }
            warp.branch(active, target, join);
        }
        Control::End => {
            frame.at = at + 1;
            warp.end(active);
        }
        Control::Trap if active != 0 => return Err(Stop::first(active, Cause::Trap)),
        Control::Trap => frame.at = at + 1,
    }
    Ok(())
}

/// A warp with what it holds from the start.
fn warp(index: u32, entry: &Entry, launch: &Launch, warps: u32) -> Warp {
    let planes: &Planes = &entry.planes;
    let mut narrow = File::new(planes.narrow as usize);
    let mut wide = File::new(planes.wide as usize);
    let mut predicates = vec![0; planes.predicates as usize];
    let mut predicates_defined = predicates.clone();
    for (value, slot) in &planes.narrow_constants {
        narrow.fill(slot.0 as usize, *value);
    }
    for (value, slot) in &planes.wide_constants {
        wide.fill(slot.0 as usize, *value);
    }
    for (value, slot) in &planes.predicate_constants {
        predicates[slot.0 as usize] = if *value { !0 } else { 0 };
        predicates_defined[slot.0 as usize] = !0;
    }
    let [x, y, _] = launch.block;
    for (special, slot) in &planes.specials {
        let slot = slot.0 as usize;
        let value = match *special {
            Special::Thread(axis) => {
                let thread = |lane: usize| {
                    let thread = index * LANES as u32 + lane as u32;
                    [thread % x, thread / x % y, thread / x / y][axis]
                };
                narrow.fill(slot, 0);
                narrow.planes[slot] = std::array::from_fn(thread);
                continue;
            }
            Special::Lane => {
                narrow.fill(slot, 0);
                narrow.planes[slot] = std::array::from_fn(|lane| lane as u32);
                continue;
            }
            Special::Lanes(order) => {
                narrow.fill(slot, 0);
                narrow.planes[slot] = std::array::from_fn(|lane| order.mask(lane as u32));
                continue;
            }
            Special::Threads(axis) => launch.block[axis],
            Special::Block(_) => 0,
            Special::Blocks(axis) => launch.grid[axis],
            Special::Warp => index,
            Special::Warps => warps,
            Special::DynamicShared => launch.shared,
            Special::Shared => entry.shared_bytes + launch.shared,
        };
        narrow.fill(slot, value);
    }
    Warp {
        index,
        narrow,
        wide,
        predicates,
        predicates_defined,
        frames: Vec::new(),
        live: 0,
        state: State::Ready,
        copies: vec![Pending::default(); LANES],
    }
}
