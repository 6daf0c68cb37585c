use std::ops::Range;

use eyas_ir::Comparison;

use super::block::Block;
use super::cell::Cell;
use super::gate::gate;
use super::operand::{Direction, Operand};
use super::panel::{Corner, Panel, Pattern};
use super::stage::Stage;
use super::tile::THREADS;
use super::walker::Walker;
use crate::body::lower;
use crate::builder::{Builder, Control, Predicate, Register, U32};
use crate::cursor::Cursor;
use crate::emitter::Emitter;
use crate::error::Fault;

/// What brings the factors of one side into shared memory: a thread loads its elements into
/// registers, and stores them as cells when the products of the step before are summed.
///
/// Elements that lie side by side are loaded a group at a time where all groups are aligned, which
/// is known when the kernel runs and is the same for all threads; else one by one.
pub(super) struct Loader<'f> {
    operand: &'f Operand,
    side: usize,
    panel: Panel,
    grouped: Option<(Way, Register<Predicate>)>,
    single: Way,
    start: Start,
    stage: Stage,
}

/// Which elements of a step are loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// All.
    All,
    /// All, or none where nothing comes of them.
    Where(Register<Predicate>),
    /// Those of the first so many places; the product of two that are not is -0, which changes no
    /// sum.
    Below(Register<U32>),
}

/// How elements are loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Way {
    pattern: Pattern,
    /// Whether a group is loaded at a time.
    whole: bool,
}

/// Where a thread begins.
struct Start {
    /// Where its first cell is in the first buffer.
    written: Register<U32>,
    /// Its first place that is summed over, counted from the step's first.
    place: Register<U32>,
    walkers: Vec<Walker>,
}

impl<'f> Loader<'f> {
    /// The panel begins so many bytes after the first buffer's address.
    pub(super) fn new<T: Cell>(
        e: &mut Emitter,
        block: &Block<'f>,
        side: usize,
        panel: Panel,
        memory: (Register<U32>, u32),
    ) -> Result<Loader<'f>, Fault> {
        let operand = &block.form.sides[side].operand;
        let (direction, near) = operand.direction();
        let groups = Pattern::groups(&panel, direction);
        let single = Way {
            pattern: match direction {
                Direction::Contracted if !operand.is_scattered() => groups,
                _ => Pattern::single(&panel),
            },
            whole: false,
        };
        let gate = if near {
            gate(e, operand, direction)
        } else {
            None
        };
        let grouped = gate.map(|gate| {
            let (pattern, whole) = (groups, true);
            (Way { pattern, whole }, gate)
        });
        let base = base(e, block, operand)?;
        let begin = |e: &mut Emitter, way: Way| {
            Start::new::<T>(e, block, side, base, (&panel, memory), way)
        };
        let start = match grouped {
            Some((way, gate)) if way.pattern != single.pattern => {
                let (one_by_one, begun) = (e.label("single"), e.label("begun"));
                let mut start = Start::room(e);
                e.branch_where(gate, false, one_by_one);
                let from = begin(e, way)?;
                start.assign(e, &from);
                e.branch(begun);
                e.place(one_by_one);
                let from = begin(e, single)?;
                start.assign(e, &from);
                e.place(begun);
                start
            }
            _ => begin(e, single)?,
        };
        let ways = [Some(single), grouped.map(|(way, _)| way)];
        let elements = ways
            .into_iter()
            .flatten()
            .map(|way| way.pattern.slots * way.pattern.group);
        let dtype = e.dtype(operand.access.argument);
        let stage = Stage::new(e, dtype, elements.max().unwrap_or(0) as usize)?;
        Ok(Loader {
            operand,
            side,
            panel,
            grouped,
            single,
            start,
            stage,
        })
    }

    /// Loads the elements of a step, and goes on to the next step.
    pub(super) fn load(&self, e: &mut Emitter, wanted: Wanted) -> Result<(), Fault> {
        let load = |e: &mut Emitter, way: Way| {
            (0..way.pattern.slots).try_for_each(|slot| self.load_slot(e, way, slot, wanted))
        };
        let advance = |e: &mut Emitter, way: Way| {
            let count = Walker::count(self.operand, &way.pattern) as usize;
            let mut walkers = self.start.walkers[..count].iter();
            walkers.try_for_each(|walker| walker.advance(e, self.operand, self.panel.depth))
        };
        let counts = |way: Way| Walker::count(self.operand, &way.pattern);
        match self.grouped {
            Some((way, _)) if counts(way) != counts(self.single) => {
                self.each_way(e, |e, way| load(e, way).and_then(|()| advance(e, way)))
            }
            _ => {
                self.each_way(e, load)?;
                advance(e, self.single)
            }
        }
    }

    /// Stores the elements that were loaded into the buffer that begins so many bytes after the
    /// first.
    pub(super) fn store<T: Cell>(
        &self,
        e: &mut Emitter,
        buffer: Option<Register<U32>>,
    ) -> Result<(), Fault> {
        let written = match buffer {
            Some(buffer) => e.add(self.start.written, buffer),
            None => self.start.written,
        };
        let store = |e: &mut Emitter, way: Way| {
            for slot in 0..way.pattern.slots {
                self.store_slot::<T>(e, way, slot, written)?;
            }
            Ok(())
        };
        match self.grouped {
            Some((way, _)) if way.pattern == self.single.pattern => self.by_threads(e, way, store),
            _ => self.each_way(e, store),
        }
    }

    /// Does something the way that elements are loaded.
    fn each_way(
        &self,
        e: &mut Emitter,
        act: impl Fn(&mut Emitter, Way) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        match self.grouped {
            Some((way, gate)) => e.when_else(
                gate,
                |e| self.by_threads(e, way, &act),
                |e| self.by_threads(e, self.single, &act),
            ),
            None => self.by_threads(e, self.single, &act),
        }
    }

    /// Does something in the threads that load.
    fn by_threads(
        &self,
        e: &mut Emitter,
        way: Way,
        act: impl Fn(&mut Emitter, Way) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        if way.pattern.threads == THREADS {
            return act(e, way);
        }
        let thread = e.thread();
        let loads = e.compare(Comparison::Less, thread, way.pattern.threads);
        e.when(loads, |e| act(e, way))
    }

    fn load_slot(&self, e: &mut Emitter, way: Way, slot: u32, wanted: Wanted) -> Result<(), Fault> {
        let Pattern {
            direction, group, ..
        } = way.pattern;
        let (walker, start) = match Walker::count(self.operand, &way.pattern) {
            1 => (0, way.pattern.distance(slot).place),
            _ => (slot, 0),
        };
        let walker = &self.start.walkers[walker as usize];
        let first = (slot * group) as usize;
        let along = |element: u32| match direction {
            Direction::Own => 0,
            Direction::Contracted => element,
        };
        let together = if way.whole { group } else { 1 };
        for element in (0..group).step_by(together as usize) {
            let at = walker.at(e, self.operand, start + along(element))?;
            let place = way.pattern.distance(slot).place + along(element);
            let elements = first + element as usize..first + (element + together) as usize;
            let unread = self.operand.access.indirect.is_some();
            if unread || matches!(wanted, Wanted::Below(_)) {
                for element in elements.clone() {
                    self.stage.clear(e, element, self.side == 0);
                }
            }
            let wanted = match wanted {
                Wanted::All => None,
                Wanted::Where(wanted) => Some(wanted),
                Wanted::Below(bound) => {
                    let place = match place {
                        0 => self.start.place,
                        _ => e.add(self.start.place, place),
                    };
                    Some(e.compare(Comparison::Less, place, bound))
                }
            };
            self.load_elements(e, at, elements, wanted)?;
        }
        Ok(())
    }

    /// Elements at a cursor where they are wanted.
    fn load_elements(
        &self,
        e: &mut Emitter,
        (cursor, offset): (Cursor, i32),
        elements: Range<usize>,
        wanted: Option<Register<Predicate>>,
    ) -> Result<(), Fault> {
        let access = &self.operand.access;
        let fetch = |e: &mut Emitter, wanted: Option<Register<Predicate>>| {
            let spot = cursor.spot(e, access)?;
            let inside = match (wanted, spot.inside) {
                (Some(wanted), Some(inside)) => Some(e.and(wanted, inside)),
                (wanted, inside) => wanted.or(inside),
            };
            let from = spot.address.global(offset);
            let load = |b: &mut Builder| self.stage.load(b, elements.clone(), from);
            match inside {
                Some(inside) => e.guarded(inside, true, load),
                None => load(e),
            }
            Ok(())
        };
        match wanted {
            Some(wanted) if self.operand.is_indexed_along_contracted() => {
                e.when(wanted, |e| fetch(e, None))
            }
            _ => fetch(e, wanted),
        }
    }

    fn store_slot<T: Cell>(
        &self,
        e: &mut Emitter,
        way: Way,
        slot: u32,
        written: Register<U32>,
    ) -> Result<(), Fault> {
        let Pattern {
            direction, group, ..
        } = way.pattern;
        let mut cells: Vec<Register<T>> = Vec::with_capacity(group as usize);
        for place in slot * group..(slot + 1) * group {
            let element = self.stage.scalar(e, place as usize);
            let factors = lower(e, &self.operand.convert, &[element], &[])?;
            for factor in factors {
                let factor = T::operand(factor)?;
                cells.push(e.held(factor));
            }
        }
        let at = |corner: Corner<u32>| written.shared((self.panel.cell(corner) * T::BYTES) as i32);
        let first = way.pattern.distance(slot);
        match direction {
            Direction::Own => T::store(e, at(first), &cells),
            Direction::Contracted => {
                for (place, cell) in (first.place..).zip(cells) {
                    e.store(at(Corner { place, ..first }), cell);
                }
            }
        }
        Ok(())
    }
}

impl Start {
    /// Of the threads of a block; `base` is at the block's batch.
    fn new<T: Cell>(
        e: &mut Emitter,
        block: &Block,
        side: usize,
        base: Cursor,
        (panel, (memory, before)): (&Panel, (Register<U32>, u32)),
        way: Way,
    ) -> Result<Start, Fault> {
        let operand = &block.form.sides[side].operand;
        let first = way.pattern.first(e, panel);
        let cell = panel.cell_of(e, first);
        let written = e.mad(cell, T::BYTES, memory);
        let written = match before {
            0 => written,
            before => e.add(written, before),
        };
        let mut walkers = Vec::new();
        for slot in 0..Walker::count(operand, &way.pattern) {
            let Corner { own, place } = way.pattern.distance(slot);
            let own = block.place(e, side, first.own, own);
            // Rows and columns beyond the last are the last again: nobody stores them.
            let together = match (way.whole, way.pattern.direction) {
                (true, Direction::Own) => way.pattern.group,
                _ => 1,
            };
            let own = block.clamped(e, side, own, together);
            let mut cursor = base;
            let places = e.places(own, &operand.extents[operand.own.clone()])?;
            for (axis, place) in operand.own.clone().zip(places) {
                cursor = cursor.advance(e, &operand.access, axis, place)?;
            }
            let cursor = cursor.settle(e, &operand.access, operand.contracted.start)?;
            let place = e.advance(first.place.into(), place.into());
            walkers.push(Walker::new(e, operand, cursor, place)?);
        }
        Ok(Start {
            written,
            place: first.place,
            walkers,
        })
    }

    /// One whose registers are to be assigned.
    fn room(e: &mut Emitter) -> Start {
        Start {
            written: e.register(),
            place: e.register(),
            walkers: Vec::new(),
        }
    }

    fn assign(&mut self, e: &mut Emitter, from: &Start) {
        e.assign(self.written, from.written);
        e.assign(self.place, from.place);
        for (number, walker) in from.walkers.iter().enumerate() {
            if number == self.walkers.len() {
                let room = walker.room(e);
                self.walkers.push(room);
            }
            self.walkers[number].assign(e, walker);
        }
    }
}

/// The operand's first element of a block's batch.
fn base(e: &mut Emitter, block: &Block, operand: &Operand) -> Result<Cursor, Fault> {
    let mut cursor = Cursor::new(e, &operand.access)?;
    for (axis, place) in block.batch.iter().enumerate() {
        cursor = cursor.advance(e, &operand.access, axis, *place)?;
    }
    Ok(cursor)
}
