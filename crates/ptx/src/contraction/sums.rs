use eyas_ir::Comparison;

use super::block::Block;
use super::cell::Cell;
use super::form::Form;
use super::left::Left;
use super::load::{Loader, Wanted};
use super::panel::{Corner, LANES, Panel};
use super::tile::{THREADS, Tile};
use crate::body::lower;
use crate::builder::{Control, Operand, Register, U32};
use crate::emitter::Emitter;
use crate::error::Fault;

/// A buffer in shared memory: the factors of either side for a step.
#[derive(Debug, Clone, Copy)]
pub(super) struct Buffer {
    panels: [Panel; 2],
    /// How many there are.
    count: u32,
}

/// The first row and the first column of a thread in its tile.
pub(super) struct Share(pub(super) [Register<U32>; 2]);

impl Buffer {
    pub(super) fn new(form: &Form, tile: &Tile) -> Buffer {
        let panel = |side: usize| {
            let (direction, _) = form.sides[side].operand.direction();
            Panel::new(tile, side, direction)
        };
        let terms = form.contracted.as_constant();
        let single = terms.is_some_and(|terms| terms <= tile.depth.into());
        Buffer {
            panels: [panel(0), panel(1)],
            count: if single { 1 } else { 2 },
        }
    }

    /// Cells of one.
    fn cells(&self) -> u32 {
        self.before(2)
    }

    /// Cells of all.
    pub(super) fn all_cells(&self) -> u32 {
        self.cells() * self.count
    }

    /// Cells before a side's.
    fn before(&self, side: usize) -> u32 {
        self.panels[..side].iter().map(Panel::cells).sum()
    }
}

impl Share {
    /// A warp's threads form a rectangle, so that the factors that they load lie in few lines, and
    /// what they store fills whole sectors.
    pub(super) fn new(e: &mut Emitter, tile: &Tile) -> Share {
        let across = tile.columns / tile.thread_columns;
        let lanes = match tile.thread_columns {
            1 => across.min(LANES),
            _ => across.min(LANES / 4),
        };
        let warps = across / lanes;
        let thread = e.thread();
        let lane = e.and(thread, LANES - 1);
        let warp = e.shift_right(thread, LANES.trailing_zeros());
        let spread = |e: &mut Emitter, number: Register<U32>, columns: u32| {
            let row = e.shift_right(number, columns.trailing_zeros());
            [row, e.and(number, columns - 1)]
        };
        let (inner, outer) = (spread(e, lane, lanes), spread(e, warp, warps));
        let mut place = |side: usize, lanes: u32| {
            let place = e.mad(outer[side], lanes, inner[side]);
            e.mul(place, tile.group(side))
        };
        Share([place(0, LANES / lanes), place(1, lanes)])
    }
}

/// The sums of a thread's rows and columns, row by row. `memory` has room for all buffers.
pub(super) fn sums<T: Cell>(
    e: &mut Emitter,
    block: &Block,
    share: &Share,
    memory: Register<U32>,
) -> Result<Vec<Register<T>>, Fault> {
    let (form, tile) = (block.form, &block.tile);
    let count = tile.thread_rows * tile.thread_columns;
    let zero = Operand::Constant(T::ZERO);
    let sums: Vec<Register<T>> = (0..count).map(|_| e.copy(zero)).collect();
    let summing = Summing {
        block,
        buffer: Buffer::new(form, tile),
        memory,
        first: share.0.map(|place| e.mad(place, T::BYTES, memory)),
        sums,
    };
    match form.contracted.as_constant() {
        Some(0) => {}
        Some(_) => summing.emit(e)?,
        None => {
            let terms = e.signed_dim(&form.contracted);
            let any = e.compare(Comparison::Greater, terms, 0i64);
            e.when(any, |e| summing.emit(e))?;
        }
    }
    Ok(summing.sums)
}

struct Summing<'b, 'f, T: Cell> {
    block: &'b Block<'f>,
    buffer: Buffer,
    memory: Register<U32>,
    /// Where the thread's first factors would be in the first buffer if its panel came first.
    first: [Register<U32>; 2],
    sums: Vec<Register<T>>,
}

impl<T: Cell> Summing<'_, '_, T> {
    /// A step after the other: while the factors of one are multiplied, those of the next are on
    /// their way into registers, and then go into the other buffer.
    fn emit(&self, e: &mut Emitter) -> Result<(), Fault> {
        let (form, depth) = (self.block.form, self.block.tile.depth);
        let mut loaders = Vec::with_capacity(2);
        for (side, panel) in self.buffer.panels.into_iter().enumerate() {
            e.comment(
                [
                    "rows: where a thread loads",
                    "columns: where a thread loads",
                ][side],
            );
            let before = self.buffer.before(side) * T::BYTES;
            let memory = (self.memory, before);
            loaders.push(Loader::new::<T>(e, self.block, side, panel, memory)?);
        }
        let terms = form.contracted.as_constant();
        let whole = terms.is_some_and(|terms| terms % i64::from(depth) == 0);
        let left = Left::all(e, &form.contracted);
        let load = |e: &mut Emitter, wanted: Wanted| {
            loaders.iter().try_for_each(|loader| loader.load(e, wanted))
        };
        let store = |e: &mut Emitter, buffer: Option<Register<U32>>| {
            loaders
                .iter()
                .try_for_each(|loader| loader.store::<T>(e, buffer))
        };
        e.comment("the first step's factors");
        let wanted = match whole {
            true => Wanted::All,
            false => Wanted::Below(left.at_most(e, depth)),
        };
        load(e, wanted)?;
        store(e, None)?;
        e.barrier();
        if self.buffer.count == 1 {
            return self.products(e, None);
        }
        let bytes = self.buffer.cells() * T::BYTES;
        let buffer = e.copy(0u32);
        let (step, summed) = (e.label("step"), e.label("summed"));
        e.place(step);
        e.comment("the next step's factors into registers");
        left.take(e, depth);
        let more = left.any(e);
        // Under conditions of their own, not in a block of their own: that would be moved behind
        // the products, and what is loaded would be waited for.
        let wanted = match whole {
            true => Wanted::Where(more),
            false => Wanted::Below(left.at_most(e, depth)),
        };
        load(e, wanted)?;
        e.comment("this step's products");
        self.products(e, Some(buffer))?;
        e.comment("the next step's factors into the other buffer");
        e.set(buffer, |b| b.sub(bytes, buffer));
        e.branch_where(more, false, summed);
        store(e, Some(buffer))?;
        e.barrier();
        e.branch(step);
        e.place(summed);
        Ok(())
    }

    /// The products of the factors in the buffer that begins so many bytes after the first.
    fn products(&self, e: &mut Emitter, buffer: Option<Register<U32>>) -> Result<(), Fault> {
        let tile = &self.block.tile;
        if tile.summing() == THREADS {
            return self.all_products(e, buffer);
        }
        let thread = e.thread();
        let sums = e.compare(Comparison::Less, thread, tile.summing());
        e.when(sums, |e| self.all_products(e, buffer))
    }

    fn all_products(&self, e: &mut Emitter, buffer: Option<Register<U32>>) -> Result<(), Fault> {
        let Tile {
            depth, unrolled, ..
        } = self.block.tile;
        let moves = depth > unrolled;
        let factors = self.first.map(|first| match buffer {
            Some(buffer) => e.add(first, buffer),
            None if moves => e.copy(first),
            None => first,
        });
        let some =
            |e: &mut Emitter| (0..unrolled).try_for_each(|place| self.place(e, factors, place));
        if !moves {
            return some(e);
        }
        let place = unrolled;
        let steps = self.buffer.panels.map(|panel| {
            let corner = Corner { own: 0, place };
            panel.cell(corner) * T::BYTES
        });
        e.repeat(0u32, depth, unrolled, |e, _: Register<U32>| {
            some(e)?;
            for (factor, step) in factors.into_iter().zip(steps) {
                e.set(factor, |b| b.add(factor, step));
            }
            Ok(())
        })
    }

    /// The products at a place that is summed over.
    fn place(&self, e: &mut Emitter, factors: [Register<U32>; 2], place: u32) -> Result<(), Fault> {
        let tile = &self.block.tile;
        let [rows, columns] = [0, 1].map(|side| {
            let groups = tile.thread_length(side) / tile.group(side);
            let mut cells = Vec::new();
            for group in 0..groups {
                let own = group * tile.apart(side);
                let cell = self.buffer.panels[side].cell(Corner { own, place });
                let cell = self.buffer.before(side) + cell;
                let from = factors[side].shared((cell * T::BYTES) as i32);
                cells.extend(T::load(e, from, tile.group(side)));
            }
            cells
        });
        let pairs = rows
            .iter()
            .flat_map(|row| columns.iter().map(move |column| [*row, *column]));
        for (sum, [row, column]) in self.sums.iter().zip(pairs) {
            self.add_product(e, *sum, row, column)?;
        }
        Ok(())
    }

    fn add_product(
        &self,
        e: &mut Emitter,
        sum: Register<T>,
        row: Register<T>,
        column: Register<T>,
    ) -> Result<(), Fault> {
        let Some(step) = &self.block.form.step else {
            T::add_product(e, sum, row, column);
            return Ok(());
        };
        let inputs = [row, column, sum].map(T::scalar);
        for result in lower(e, step, &inputs, &[])? {
            let result = T::operand(result)?;
            e.assign(sum, result);
        }
        Ok(())
    }
}
