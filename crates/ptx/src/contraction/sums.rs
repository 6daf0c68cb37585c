use eyas_ir::Comparison;

use super::block::Block;
use super::cell::Cell;
use super::form::Form;
use super::load::{Loader, Wanted};
use super::panel::{Corner, Panel};
use super::share::Share;
use super::steps::Steps;
use super::tile::{THREADS, Tile};
use crate::body::lower;
use crate::builder::{Control, Operand, Register, U32};
use crate::emitter::Emitter;
use crate::error::Fault;

/// So many sums of a thread leave few registers for factors.
const MANY_SUMS: usize = 64;

/// A buffer in shared memory: the factors of either side for a step.
#[derive(Debug, Clone, Copy)]
pub(super) struct Buffer {
    panels: [Panel; 2],
    /// How many there are.
    count: u32,
}

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
        factors: share.factors,
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
    /// Those of [`Share`].
    factors: [Register<U32>; 2],
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
        let load = |e: &mut Emitter, wanted: Wanted| {
            loaders.iter().try_for_each(|loader| loader.load(e, wanted))
        };
        let store = |e: &mut Emitter, buffer: Option<Register<U32>>| {
            loaders
                .iter()
                .try_for_each(|loader| loader.store::<T>(e, buffer))
        };
        e.comment("the first step's factors");
        let single = self.buffer.count == 1;
        let steps = Steps::new(e, &form.contracted, depth);
        let wanted = steps.first(e, single);
        load(e, wanted)?;
        store(e, None)?;
        e.barrier();
        if single {
            return self.products(e, None);
        }
        let bytes = self.buffer.cells() * T::BYTES;
        let buffer = e.copy(0u32);
        let (step, summed) = (e.label("step"), e.label("summed"));
        e.place(step);
        e.comment("the next step's factors into registers");
        // Under conditions of their own, not in a block of their own: that would be moved behind
        // the products, and what is loaded would be waited for.
        let (more, wanted) = steps.next(e);
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
        let factors = self.factors.map(|factors| match buffer {
            Some(buffer) => e.add(factors, buffer),
            None if moves => e.copy(factors),
            None => factors,
        });
        let some = |e: &mut Emitter| {
            for place in 0..unrolled {
                // Factors that are loaded too far ahead take registers that sums need.
                if place > 0 && self.sums.len() >= MANY_SUMS {
                    e.warp_barrier();
                }
                self.place(e, factors, place)?;
            }
            Ok(())
        };
        if !moves {
            return some(e);
        }
        let place = unrolled;
        let steps = self.buffer.panels.map(|panel| {
            let corner = Corner { own: 0, place };
            panel.cell(corner) * T::BYTES
        });
        let (left, again) = (e.copy::<U32>(depth / unrolled), e.label("products"));
        e.place(again);
        some(e)?;
        for (factor, step) in factors.into_iter().zip(steps) {
            e.set(factor, |b| b.add(factor, step));
        }
        e.set(left, |b| b.sub(left, 1u32));
        let more = e.compare(Comparison::NotEqual, left, 0u32);
        e.branch_where(more, true, again);
        Ok(())
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
