use std::ops::Range;

use eyas_ir::Comparison;
use eyas_kernels::Access;

use super::block::Block;
use super::cell::Cell;
use super::gate::Multiples;
use super::share::Share;
use super::stage::Stage;
use super::tile::GROUP;
use crate::body::Lowering;
use crate::builder::{Control, Predicate, Register};
use crate::cursor::{Cursor, cursors_at, is_contiguous, is_uniform};
use crate::emitter::Emitter;
use crate::error::Fault;
use crate::memory::{Spot, size_of};
use crate::place::Place;
use crate::value::Value;

/// What is made of a thread's sums while they are in registers: a row after the other, its columns
/// in groups that are loaded and stored together where memory lies so.
pub(super) struct Epilogue<'b, 'f> {
    block: &'b Block<'f>,
    share: &'b Share,
    /// The axes of columns in the result's space.
    columns: Range<usize>,
    /// Whether groups of columns are loaded and stored together; `None` where they never are.
    grouped: Option<Register<Predicate>>,
}

/// Columns side by side.
struct Group {
    /// The places of each along the axes of columns.
    places: Vec<Vec<Place>>,
    /// Whether each is a column of the result, where that is not certain.
    inside: Vec<Option<Register<Predicate>>>,
}

impl<'b, 'f> Epilogue<'b, 'f> {
    pub(super) fn new(e: &mut Emitter, block: &'b Block<'f>, share: &'b Share) -> Epilogue<'b, 'f> {
        let form = block.form;
        let first = form.batch.len() + form.sides[0].extents.len();
        let columns = first..first + form.sides[1].extents.len();
        let mut epilogue = Epilogue {
            block,
            share,
            columns,
            grouped: None,
        };
        epilogue.grouped = epilogue.gate(e);
        epilogue
    }

    /// Whether columns lie side by side.
    fn is_near(&self, access: &Access) -> bool {
        let last = self.columns.clone().next_back();
        last.is_some_and(|axis| is_contiguous(access, axis))
    }

    fn gate(&self, e: &mut Emitter) -> Option<Register<Predicate>> {
        let form = self.block.form;
        let group = self.block.tile.group(1);
        if group == 1 || !self.is_near(&form.write) {
            return None;
        }
        let near = self.columns.end - 1;
        let mut multiples = Multiples::default();
        multiples.dim(form.sides[1].extents.last()?, group.into());
        for access in form.reads.iter().chain([&form.write]) {
            if self.is_near(access) {
                multiples.access(e, access, near, group);
            }
        }
        multiples.hold(e)
    }

    /// All of a thread's sums, which are used up.
    pub(super) fn emit<T: Cell>(&self, e: &mut Emitter, sums: &[Register<T>]) -> Result<(), Fault> {
        let form = self.block.form;
        let tile = &self.block.tile;
        let accesses: Vec<Access> = form.reads.iter().chain([&form.write]).cloned().collect();
        let cursors = cursors_at(e, &accesses, &self.block.batch)?;
        let across = tile.thread_columns as usize;
        if tile.thread_rows == 1 {
            let first = self.share.first::<T>(e, 0);
            let row = self.block.place(e, 0, first, 0);
            return self.row(e, &accesses, &cursors, row, sums);
        }
        e.comment("a row of sums after the other moves into the first's registers");
        let (number, again) = (e.copy(0u32), e.label("row"));
        e.place(again);
        let local = self.share.first::<T>(e, 0);
        let local = e.add(local, number);
        let group = tile.group(0);
        let local = match tile.apart(0) - group {
            between if group < tile.thread_rows => {
                let passed = e.shift_right(number, group.trailing_zeros());
                e.mad(passed, between, local)
            }
            _ => local,
        };
        let row = self.block.place(e, 0, local, 0);
        self.row(e, &accesses, &cursors, row, &sums[..across])?;
        for (place, next) in sums.iter().zip(&sums[across..]) {
            e.assign(*place, *next);
        }
        e.set(number, |b| b.add(number, 1u32));
        let more = e.compare(Comparison::Less, number, tile.thread_rows);
        e.branch_where(more, true, again);
        Ok(())
    }

    fn row<T: Cell>(
        &self,
        e: &mut Emitter,
        accesses: &[Access],
        cursors: &[Cursor],
        row: Place,
        sums: &[Register<T>],
    ) -> Result<(), Fault> {
        let emit = |e: &mut Emitter| self.inner_row(e, accesses, cursors, row, sums);
        if self.block.is_whole(0) {
            return emit(e);
        }
        let inside = e.is_below(row, &self.block.form.sides[0].length);
        e.when(inside, emit)
    }

    /// A row of the result.
    fn inner_row<T: Cell>(
        &self,
        e: &mut Emitter,
        accesses: &[Access],
        cursors: &[Cursor],
        row: Place,
        sums: &[Register<T>],
    ) -> Result<(), Fault> {
        let [rows, columns] = &self.block.form.sides;
        let mut places = self.block.batch.clone();
        places.extend(e.places(row, &rows.extents)?);
        let mut here = Vec::with_capacity(cursors.len());
        for (cursor, access) in cursors.iter().zip(accesses) {
            let mut cursor = *cursor;
            for (axis, place) in places.iter().enumerate().skip(self.block.batch.len()) {
                cursor = cursor.advance(e, access, axis, *place)?;
            }
            here.push(cursor.settle(e, access, places.len())?);
        }
        let tile = &self.block.tile;
        for (number, sums) in (0..).zip(sums.chunks(tile.group(1) as usize)) {
            let apart = number * tile.apart(1);
            let first = self.share.first::<T>(e, 1);
            let first = self.block.place(e, 1, first, apart);
            let emit = |e: &mut Emitter| {
                let group = self.group_at(e, first)?;
                self.group(e, accesses, &here, &places, &group, sums)
            };
            match self.block.is_whole(1) {
                true => emit(e)?,
                false => {
                    let inside = e.is_below(first, &columns.length);
                    e.when(inside, emit)?;
                }
            }
        }
        Ok(())
    }

    /// The group of columns that begins at one, which is there.
    fn group_at(&self, e: &mut Emitter, first: Place) -> Result<Group, Fault> {
        let side = &self.block.form.sides[1];
        let mut group = Group {
            places: Vec::new(),
            inside: Vec::new(),
        };
        for number in 0..self.block.tile.group(1) {
            let column = e.advance(first, number.into());
            let certain = number == 0 || self.block.is_whole(1);
            let inside = (!certain).then(|| e.is_below(column, &side.length));
            group.inside.push(inside);
            group.places.push(e.places(column, &side.extents)?);
        }
        Ok(group)
    }

    fn group<T: Cell>(
        &self,
        e: &mut Emitter,
        accesses: &[Access],
        cursors: &[Cursor],
        places: &[Place],
        group: &Group,
        sums: &[Register<T>],
    ) -> Result<(), Fault> {
        let form = self.block.form;
        let last = accesses.len() - 1;
        let mut inputs: Vec<Vec<Value>> = sums.iter().map(|sum| vec![T::scalar(*sum)]).collect();
        let mut same = vec![false];
        for (access, cursor) in accesses[..last].iter().zip(cursors) {
            let uniform = self.columns.clone().all(|axis| is_uniform(access, axis));
            let read = match uniform {
                true => {
                    let spot = cursor.spot(e, access)?;
                    let dtype = e.dtype(access.argument);
                    vec![e.load_element(dtype, spot, 0)?; sums.len()]
                }
                false => self.read(e, access, *cursor, group)?,
            };
            same.push(uniform);
            for (inputs, value) in inputs.iter_mut().zip(read) {
                inputs.push(value);
            }
        }
        let mut lowering = Lowering::new(
            &form.epilogue,
            |input| same[input],
            |axis| !self.columns.contains(&axis),
        );
        let mut results = Vec::with_capacity(sums.len());
        for (inputs, column) in inputs.iter().zip(&group.places) {
            let places = [places, column].concat();
            results.extend(lowering.element(e, inputs, &places)?);
        }
        self.write(e, &accesses[last], cursors[last], group, &results)
    }

    /// What is read at each column of a group.
    fn read(
        &self,
        e: &mut Emitter,
        access: &Access,
        cursor: Cursor,
        group: &Group,
    ) -> Result<Vec<Value>, Fault> {
        let count = group.places.len();
        let dtype = e.dtype(access.argument);
        let stage = Stage::new(e, dtype, count)?;
        let cursors = self.along(e, access, cursor, group)?;
        let single = |e: &mut Emitter| {
            for (place, (cursor, offset)) in cursors.iter().enumerate() {
                if group.inside[place].is_some() || access.indirect.is_some() {
                    stage.clear(e, place, false);
                }
                let load = |e: &mut Emitter, inside: Option<Register<Predicate>>| {
                    let spot = cursor.spot(e, access)?;
                    let spot = within(e, spot, inside);
                    let from = spot.address.global(*offset);
                    match spot.inside {
                        Some(inside) => {
                            e.guarded(inside, true, |b| stage.load(b, place..place + 1, from));
                        }
                        None => stage.load(e, place..place + 1, from),
                    }
                    Ok::<(), Fault>(())
                };
                match group.inside[place] {
                    Some(inside) if cursor.index.is_some() => {
                        e.when(inside, |e| load(e, None))?;
                    }
                    inside => load(e, inside)?,
                }
            }
            Ok(())
        };
        match self.grouped.filter(|_| self.is_near(access)) {
            None => single(e)?,
            Some(grouped) => e.when_else(
                grouped,
                |e| {
                    let spot = cursors[0].0.spot(e, access)?;
                    let from = spot.address.global(0);
                    match spot.inside {
                        Some(inside) => {
                            for place in 0..count {
                                stage.clear(e, place, false);
                            }
                            e.guarded(inside, true, |b| stage.load(b, 0..count, from));
                        }
                        None => stage.load(e, 0..count, from),
                    }
                    Ok::<(), Fault>(())
                },
                single,
            )?,
        }
        Ok((0..count).map(|place| stage.scalar(e, place)).collect())
    }

    fn write(
        &self,
        e: &mut Emitter,
        access: &Access,
        cursor: Cursor,
        group: &Group,
        results: &[Value],
    ) -> Result<(), Fault> {
        let dtype = e.dtype(access.argument);
        let cursors = self.along(e, access, cursor, group)?;
        let single = |e: &mut Emitter| {
            for (place, (cursor, offset)) in cursors.iter().enumerate() {
                let spot = cursor.spot(e, access)?;
                let spot = within(e, spot, group.inside[place]);
                e.store_element(dtype, spot, *offset, results[place])?;
            }
            Ok(())
        };
        match self.grouped {
            None => single(e),
            Some(grouped) => e.when_else(
                grouped,
                |e| {
                    let spot = cursors[0].0.spot(e, access)?;
                    e.store_elements(dtype, spot, results)
                },
                single,
            ),
        }
    }

    /// The cursor of a row at each column of a group, and so many bytes beyond.
    fn along(
        &self,
        e: &mut Emitter,
        access: &Access,
        cursor: Cursor,
        group: &Group,
    ) -> Result<Vec<(Cursor, i32)>, Fault> {
        let size = size_of(e.dtype(access.argument));
        let step = match self.columns.len() {
            1 => access.strides[self.columns.start].as_constant(),
            _ => None,
        };
        let step = step.filter(|_| cursor.index.is_none());
        let step = step.and_then(|step| i32::try_from(step.checked_mul(size)?).ok());
        let step = step.filter(|step| step.checked_mul(GROUP as i32).is_some());
        let mut cursors = Vec::with_capacity(group.places.len());
        for places in &group.places {
            if let (Some(step), Some((first, _))) = (step, cursors.first()) {
                cursors.push((*first, step * cursors.len() as i32));
                continue;
            }
            let mut cursor = cursor;
            for (axis, place) in self.columns.clone().zip(places) {
                cursor = cursor.advance(e, access, axis, *place)?;
            }
            cursors.push((cursor, 0));
        }
        Ok(cursors)
    }
}

/// A spot that must be inside in one more way.
fn within(e: &mut Emitter, spot: Spot, also: Option<Register<Predicate>>) -> Spot {
    let inside = match (spot.inside, also) {
        (Some(inside), Some(also)) => Some(e.and(inside, also)),
        (inside, also) => inside.or(also),
    };
    Spot { inside, ..spot }
}
