//! Maps that read along another axis than they write: blocks turn tiles in shared memory, so that
//! the threads of a warp read neighbours and write neighbours.

use eyas_kernels::{Access, Map};
use eyas_tensor::{DType, Dim, Number};

use crate::body::{Lowering, cost, literal};
use crate::builder::{Control, Predicate, Register, Type, U32};
use crate::cursor::{Cursor, cursor_beside, is_contiguous, is_uniform};
use crate::emitter::{Emitter, Launch};
use crate::error::Fault;
use crate::grid::{THREADS, blocks, ceiling, is_one_turn};
use crate::memory::{Spot, size_of};
use crate::place::Place;
use crate::value::Value;

/// Places of a tile along either axis.
const TILE: u32 = 32;

/// Elements from one row of a tile to the next: rows begin in different banks.
const PITCH: u32 = TILE + 1;

/// Rows of a tile that a block's threads take at a time.
const ROWS: u32 = THREADS / TILE;

/// Bytes of shared memory that tiles may take together.
const ROOM: i64 = 48 << 10;

/// Axes that are known to be shorter are not worth tiles.
const SHORTEST: i64 = 8;

/// A map with the axis along which its result lies, and another along which reads lie.
pub(crate) struct Transpose<'m> {
    map: &'m Map,
    /// The axis that the writes go along, the innermost.
    written: usize,
    /// The axis that the turned reads go along.
    read: usize,
    /// Which reads are turned.
    turned: Vec<bool>,
}

impl<'m> Transpose<'m> {
    /// Whether tiles are worth it.
    pub(crate) fn find(e: &Emitter, map: &'m Map) -> Option<Transpose<'m>> {
        let written = map.extents.len().checked_sub(1)?;
        let is_long = |extent: &Dim| extent.as_constant().is_none_or(|extent| extent >= SHORTEST);
        if !is_contiguous(map.writes.first()?, written) || !is_long(&map.extents[written]) {
            return None;
        }
        let crosses = |access: &Access, axis: usize| {
            is_contiguous(access, axis)
                && !is_uniform(access, written)
                && !is_contiguous(access, written)
        };
        let mut axes = (0..written).filter(|axis| is_long(&map.extents[*axis]));
        let read = axes.find(|axis| map.reads.iter().any(|access| crosses(access, *axis)))?;
        let mut room = ROOM;
        let turned = map.reads.iter().map(|access| {
            let bytes = i64::from(TILE * PITCH) * size_of(e.dtype(access.argument));
            let turns = crosses(access, read) && bytes <= room;
            if turns {
                room -= bytes;
            }
            turns
        });
        Some(Transpose {
            map,
            written,
            read,
            turned: turned.collect(),
        })
    }

    pub(crate) fn emit(&self, e: &mut Emitter) -> Result<Launch, Fault> {
        let map = self.map;
        let tiles = [self.read, self.written].map(|axis| {
            let extent = &map.extents[axis];
            ceiling(extent, i64::from(TILE))
        });
        let [read, written] = tiles;
        let mut space = map.extents.clone();
        (space[self.read], space[self.written]) = (read?, written?);
        let count = Dim::product(&space)?;
        let mut shared: Vec<Option<Tile>> = Vec::new();
        for (number, (access, turned)) in map.reads.iter().zip(&self.turned).enumerate() {
            let dtype = e.dtype(access.argument);
            shared.push(turned.then(|| Tile::new(e, number, dtype)));
        }
        let thread = e.thread();
        let (column, row) = e.at_entry(|b| {
            let column = b.and(thread, TILE - 1);
            (column, b.shift_right(thread, TILE.trailing_zeros()))
        });
        let tile = Turn {
            transpose: self,
            shared: &shared,
            column,
            row,
        };
        e.each_block_place(&count, |e, place| {
            let places = e.places(place, &space)?;
            tile.load(e, &places)?;
            e.barrier();
            tile.finish(e, &places)?;
            if !is_one_turn(&count) {
                e.comment("before the next tile is loaded");
                e.barrier();
            }
            Ok(())
        })?;
        let each = i64::from(TILE * TILE);
        let cost = cost(&map.body) + 2 * (map.reads.len() + map.writes.len()) as i64;
        Ok(Launch::new(
            blocks(&count, 1)?,
            THREADS,
            Dim::from(cost * each),
        ))
    }
}

/// A tile in shared memory.
struct Tile {
    dtype: DType,
    address: Register<U32>,
}

impl Tile {
    fn new(e: &mut Emitter, number: usize, dtype: DType) -> Tile {
        let element = match size_of(dtype) {
            1 => Type::B8,
            2 => Type::B16,
            4 => Type::B32,
            _ => Type::B64,
        };
        let address = e.shared_array(&format!("tile{number}"), element, TILE * PITCH);
        Tile { dtype, address }
    }

    /// The address of an element.
    fn at(&self, e: &mut Emitter, row: Register<U32>, column: Register<U32>) -> Register<U32> {
        let size = size_of(self.dtype) as u32;
        let address = e.mad::<U32>(row, PITCH * size, self.address);
        e.mad::<U32>(column, size, address)
    }
}

/// A thread's part in turning a tile.
struct Turn<'t> {
    transpose: &'t Transpose<'t>,
    shared: &'t [Option<Tile>],
    /// The thread's number in its warp.
    column: Register<U32>,
    /// The warp's number.
    row: Register<U32>,
}

impl Turn<'_> {
    /// Loads the tiles, neighbours along the axis that is read.
    fn load(&self, e: &mut Emitter, tiles: &[Place]) -> Result<(), Fault> {
        let Transpose {
            map, written, read, ..
        } = *self.transpose;
        e.comment(format!("tiles of {TILE} x {PITCH}: neighbours are read"));
        let along = self.place(e, tiles[read], self.column);
        let steps = self.steps(e, tiles[written], (read, along), written)?;
        let mut places: Vec<Option<Place>> = tiles.iter().copied().map(Some).collect();
        (places[read], places[written]) = (Some(along), None);
        let mut loaded = Vec::new();
        for (access, tile) in map.reads.iter().zip(self.shared) {
            let Some(tile) = tile else { continue };
            let cursor = cursor_beside(e, access, &places)?;
            for step in &steps {
                let value = step.load(e, access, cursor, written)?;
                loaded.push((tile, step.first, value));
            }
        }
        for tile in self.shared.iter().flatten() {
            let at = tile.at(e, self.row, self.column);
            for (_, first, value) in loaded.iter().filter(|(of, ..)| of.address == tile.address) {
                let offset = first * PITCH * size_of(tile.dtype) as u32;
                e.store_at(tile.dtype, at.shared(offset as i32), None, *value)?;
            }
        }
        Ok(())
    }

    /// Computes and writes, neighbours along the axis that is written.
    fn finish(&self, e: &mut Emitter, tiles: &[Place]) -> Result<(), Fault> {
        let Transpose {
            map, written, read, ..
        } = *self.transpose;
        e.comment("neighbours are written");
        let along = self.place(e, tiles[written], self.column);
        let steps = self.steps(e, tiles[read], (written, along), read)?;
        let mut places: Vec<Option<Place>> = tiles.iter().copied().map(Some).collect();
        (places[written], places[read]) = (Some(along), None);
        let mut inputs: Vec<Vec<Value>> = vec![Vec::new(); steps.len()];
        for (access, tile) in map.reads.iter().zip(self.shared) {
            if let Some(tile) = tile {
                let at = tile.at(e, self.column, self.row);
                for (step, inputs) in steps.iter().zip(&mut inputs) {
                    let offset = step.first * size_of(tile.dtype) as u32;
                    inputs.push(e.load_at(tile.dtype, at.shared(offset as i32), None)?);
                }
                continue;
            }
            let cursor = cursor_beside(e, access, &places)?;
            for (step, inputs) in steps.iter().zip(&mut inputs) {
                inputs.push(step.load(e, access, cursor, read)?);
            }
        }
        let mut cursors = Vec::new();
        for access in &map.writes {
            cursors.push(cursor_beside(e, access, &places)?);
        }
        let mut lowering = Lowering::new(&map.body, |_| false, |axis| axis != read);
        for (step, inputs) in steps.iter().zip(&inputs) {
            let mut places = tiles.to_vec();
            (places[written], places[read]) = (along, step.across);
            let outputs = lowering.element(e, inputs, &places)?;
            for ((access, cursor), value) in map.writes.iter().zip(&cursors).zip(outputs) {
                step.store(e, access, *cursor, read, value)?;
            }
        }
        Ok(())
    }

    /// A thread's places along an axis that its warp is at one place of; along the other one they
    /// are neighbours.
    fn steps(
        &self,
        e: &mut Emitter,
        tile: Place,
        (along_axis, along): (usize, Place),
        axis: usize,
    ) -> Result<Vec<Step>, Fault> {
        let extents = &self.transpose.map.extents;
        let row = self.place(e, tile, self.row);
        let beside = e.is_below(along, &extents[along_axis]);
        let mut steps = Vec::new();
        for first in (0..TILE).step_by(ROWS as usize) {
            let across = e.advance(row, u64::from(first));
            let below = e.is_below(across, &extents[axis]);
            steps.push(Step {
                first,
                across,
                inside: e.and(beside, below),
            });
        }
        Ok(steps)
    }

    /// The place of a thread in a tile.
    fn place(&self, e: &mut Emitter, tile: Place, thread: Register<U32>) -> Place {
        let first = e.scale(tile, u64::from(TILE));
        e.sum(first, thread.into())
    }
}

/// One of the places of a tile that a thread has.
struct Step {
    /// Its place in the tile, that of the thread's row left out.
    first: u32,
    across: Place,
    /// Whether the tile's place is one of the space.
    inside: Register<Predicate>,
}

impl Step {
    /// The element, zero outside the space; `axis` is the one that the cursor is not placed on.
    fn load(
        &self,
        e: &mut Emitter,
        access: &Access,
        cursor: Cursor,
        axis: usize,
    ) -> Result<Value, Fault> {
        let dtype = e.dtype(access.argument);
        if access.indirect.is_none() {
            let cursor = cursor.advance(e, access, axis, self.across)?;
            let spot = cursor.spot(e, access)?;
            let inside = Some(self.inside);
            return e.load_element(dtype, Spot { inside, ..spot }, 0);
        }
        let value = literal(dtype, Number::Int(0))?.copied(e);
        e.when(self.inside, |e| {
            let cursor = cursor.advance(e, access, axis, self.across)?;
            let spot = cursor.spot(e, access)?;
            let found = e.load_element(dtype, spot, 0)?;
            value.assign(e, found)
        })?;
        Ok(value)
    }

    fn store(
        &self,
        e: &mut Emitter,
        access: &Access,
        cursor: Cursor,
        axis: usize,
        value: Value,
    ) -> Result<(), Fault> {
        let dtype = e.dtype(access.argument);
        if access.indirect.is_none() {
            let cursor = cursor.advance(e, access, axis, self.across)?;
            let spot = cursor.spot(e, access)?;
            let inside = Some(self.inside);
            return e.store_element(dtype, Spot { inside, ..spot }, 0, value);
        }
        e.when(self.inside, |e| {
            let cursor = cursor.advance(e, access, axis, self.across)?;
            let spot = cursor.spot(e, access)?;
            e.store_element(dtype, spot, 0, value)
        })
    }
}
