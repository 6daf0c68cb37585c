use cranelift_codegen::ir::{InstBuilder, Value};
use eyas_ir::Body;
use eyas_kernels::{Access, Contraction, RightLayout, row_major};
use eyas_tensor::{DType, Dim};

use crate::body::cost;
use crate::cursor::{Cursor, cursors_at, is_contiguous, size_of};
use crate::emitter::Emitter;
use crate::error::Fault;
use crate::expansion::expand;
use crate::function::WorkSize;
use crate::row::{Input, Row, RowPlace};
use crate::space::{Space, indexed_axes, spread};
use crate::tile::{Columns, Tile};
use crate::units::Units;

/// Rows in a block.
const ROWS: i64 = 48;
/// Columns in a block of a strided operand.
const COLUMNS: i64 = 64;

/// A contraction after its axes were merged, all accesses seen from all axes: batch, rows,
/// columns, contracted.
///
/// The terms of a sum are added in row-major order of the contracted axes, each with a
/// multiply-add that rounds once where the machine has one, else with a product that is rounded
/// and added; no sum hangs on the tile it is in.
pub(crate) struct Contracting {
    pub(crate) space: Space,
    pub(crate) left: Access,
    pub(crate) right: Access,
    pub(crate) accumulator: DType,
    /// Columns side by side in memory, at a place of the contracted axes.
    pub(crate) contiguous: bool,
    panels: Option<i64>,
    reads: Vec<Access>,
    write: Access,
    epilogue: Body,
    columns: i64,
}

/// Blocks of rows and columns: the sums into scratch memory, then the epilogue over them.
pub(crate) fn emit(e: &mut Emitter, contraction: &Contraction) -> Result<WorkSize, Fault> {
    let work = Contracting::new(contraction)?;
    let blocks = |extent: &Dim, size: i64| -> Result<Dim, Fault> {
        Ok(extent
            .add(&Dim::from(size - 1))?
            .floor_div(&Dim::from(size))?)
    };
    let outer = work.outer_axes();
    let mut extents: Vec<Dim> = outer
        .iter()
        .map(|axis| work.extent(*axis).clone())
        .collect();
    extents.push(blocks(work.extent(work.column_axis()), work.columns)?);
    extents.push(blocks(work.extent(work.row_axis()), ROWS)?);
    let units = Units::single(extents)?;
    units.emit(e, |e, places| {
        let (blocks, outer_places) = (&places[outer.len()..], &places[..outer.len()]);
        // Places along batch, rows and columns, the last of rows and of columns at the block's.
        let mut all = vec![None; work.contracted_axis()];
        for (axis, place) in outer.iter().zip(outer_places) {
            all[*axis] = Some(*place);
        }
        work.block(e, &all, blocks[0], blocks[1])
    })?;
    let size = size_of(work.accumulator);
    let rows = work.extent(work.row_axis()).minimum(&Dim::from(ROWS));
    let columns = work
        .extent(work.column_axis())
        .minimum(&Dim::from(work.columns));
    let terms = Dim::product(&contraction.contracted)?;
    let each = terms.add(&Dim::from(cost(&work.epilogue)))?;
    Ok(WorkSize {
        units: units.count,
        unit_cost: rows.mul(&columns)?.mul(&each)?,
        scratch: Dim::from(ROWS * work.columns * size),
    })
}

/// Part of the result.
struct Block {
    first_row: Value,
    end_row: Value,
    first_column: Value,
    end_column: Value,
    /// The sum of its first row and column.
    sums: Value,
}

impl Contracting {
    fn new(c: &Contraction) -> Result<Contracting, Fault> {
        let (batch, rows) = (c.batch.len(), c.rows.len());
        let (columns, contracted) = (c.columns.len(), c.contracted.len());
        let rank = batch + rows + columns + contracted;
        let axes = |first: std::ops::Range<usize>, second: std::ops::Range<usize>| -> Vec<usize> {
            first.chain(second).collect()
        };
        let (row_end, column_end) = (batch + rows, batch + rows + columns);
        let left = spread(&c.left, &axes(0..row_end, column_end..rank), rank);
        let panels = match c.right_layout {
            RightLayout::Strided => None,
            RightLayout::Panels(width) => Some(i64::try_from(width).unwrap_or(i64::MAX).max(1)),
        };
        let right = match panels {
            None => spread(&c.right, &axes(0..batch, row_end..rank), rank),
            Some(width) => {
                let strides = row_major(&c.contracted)?;
                let strides: Result<Vec<Dim>, _> =
                    strides.iter().map(|s| s.mul(&Dim::from(width))).collect();
                let packed = Access {
                    strides: strides?,
                    ..c.right.clone()
                };
                spread(&packed, &axes(0..0, column_end..rank), rank)
            }
        };
        for operand in [&left, &right] {
            if operand.indirect.is_some() {
                let what = "an indexed operand of a contraction";
                return Err(Fault::Unsupported(what.to_owned()));
            }
        }
        let result: Vec<usize> = (0..column_end).collect();
        let mut accesses = vec![left, right, spread(&c.write, &result, rank)];
        accesses.extend(c.reads.iter().map(|read| spread(read, &result, rank)));
        let epilogue = expand(&c.epilogue);
        let groups: [&[Dim]; 4] = [&c.batch, &c.rows, &c.columns, &c.contracted];
        let mut space = Space::new(&groups, accesses, &indexed_axes([&epilogue]))?;
        for group in 1..4 {
            space.fill(group);
        }
        let mut accesses = std::mem::take(&mut space.accesses);
        let reads = accesses.split_off(3);
        let [left, right, write] = <[Access; 3]>::try_from(accesses)
            .map_err(|_| Fault::Malformed("a contraction without operands".to_owned()))?;
        let mut contracting = Contracting {
            space,
            left,
            right,
            accumulator: c.accumulator,
            contiguous: false,
            panels,
            reads,
            write,
            epilogue,
            columns: COLUMNS,
        };
        let column_axis = contracting.column_axis();
        match panels {
            Some(width) if contracting.space.groups[2].len() == 1 && width <= 1024 => {
                contracting.columns = width;
                contracting.contiguous = true;
            }
            Some(_) => {}
            None => contracting.contiguous = is_contiguous(&contracting.right, column_axis),
        }
        Ok(contracting)
    }

    /// Whether the right operand lies in panels.
    pub(crate) fn is_packed(&self) -> bool {
        self.panels.is_some()
    }

    fn extent(&self, axis: usize) -> &Dim {
        let mut rest = axis;
        for group in &self.space.groups {
            match group.get(rest) {
                Some(extent) => return extent,
                None => rest -= group.len(),
            }
        }
        &self.space.groups[3][0]
    }

    /// The innermost axis of rows.
    pub(crate) fn row_axis(&self) -> usize {
        self.space.first(2) - 1
    }

    /// The innermost axis of columns.
    pub(crate) fn column_axis(&self) -> usize {
        self.space.first(3) - 1
    }

    /// The outermost contracted axis.
    pub(crate) fn contracted_axis(&self) -> usize {
        self.space.first(3)
    }

    /// Contracted extents.
    pub(crate) fn contracted(&self) -> &[Dim] {
        &self.space.groups[3]
    }

    /// Batch, and the outer ones of columns and rows.
    fn outer_axes(&self) -> Vec<usize> {
        let (row, column) = (self.row_axis(), self.column_axis());
        let batch = 0..self.space.first(1);
        let columns = self.space.first(2)..column;
        batch
            .chain(columns)
            .chain(self.space.first(1)..row)
            .collect()
    }

    fn block(
        &self,
        e: &mut Emitter,
        outer: &[Option<Value>],
        column_block: Value,
        row_block: Value,
    ) -> Result<(), Fault> {
        let range = |e: &mut Emitter, block: Value, size: i64, extent: &Dim| {
            let first = e.ins().imul_imm_s(block, size);
            let (end, extent) = (e.ins().iadd_imm_s(first, size), e.dim(extent));
            (first, e.least(end, extent))
        };
        let (first_row, end_row) = range(e, row_block, ROWS, self.extent(self.row_axis()));
        let column_extent = self.extent(self.column_axis()).clone();
        let (first_column, end_column) = range(e, column_block, self.columns, &column_extent);
        let block = Block {
            first_row,
            end_row,
            first_column,
            end_column,
            sums: e.scratch(),
        };
        self.sums(e, outer, column_block, &block)?;
        self.finish(e, outer, &block)
    }

    /// All sums of a block.
    fn sums(
        &self,
        e: &mut Emitter,
        outer: &[Option<Value>],
        column_block: Value,
        block: &Block,
    ) -> Result<(), Fault> {
        let at = |e: &mut Emitter, access: &Access| -> Result<Cursor, Fault> {
            let mut cursor = Cursor::new(e, access)?;
            for (axis, place) in outer.iter().enumerate() {
                if let Some(place) = place {
                    cursor = cursor.advance(e, access, axis, *place)?;
                }
            }
            Ok(cursor)
        };
        let left = at(e, &self.left)?;
        let left = left.advance(e, &self.left, self.row_axis(), block.first_row)?;
        let right = at(e, &self.right)?;
        let right = match (self.panels, self.contiguous) {
            (None, _) => right.advance(e, &self.right, self.column_axis(), block.first_column)?,
            (Some(width), true) => {
                let panel = Dim::product(self.contracted())?.mul(&Dim::from(width))?;
                let size = size_of(e.dtype(self.right.argument));
                Cursor::at(e.step(right.address(), column_block, &panel, size)?)
            }
            (Some(_), false) => right,
        };
        let rows = e.ins().isub(block.end_row, block.first_row);
        let columns = e.ins().isub(block.end_column, block.first_column);
        let size = size_of(self.accumulator);
        let row_length = self.extent(self.row_axis()).as_constant();
        let column_length = self.block_columns();
        let mut first_row = e.integer(0);
        for tall in Tile::heights(self, row_length) {
            let whole = e.ins().isub(rows, first_row);
            let whole = whole_steps(e, whole, tall);
            let end_row = e.ins().iadd(first_row, whole);
            let mut first_column = e.integer(0);
            for across in Columns::widths(self, tall, column_length) {
                let whole = e.ins().isub(columns, first_column);
                let whole = whole_steps(e, whole, across.count());
                let end_column = e.ins().iadd(first_column, whole);
                let tile = Tile {
                    work: self,
                    rows: tall,
                    columns: across,
                };
                e.repeat(
                    first_column,
                    end_column,
                    across.count(),
                    &[],
                    |e, column, _| {
                        e.repeat(first_row, end_row, tall, &[], |e, row, _| {
                            let left = left.advance(e, &self.left, self.row_axis(), row)?;
                            let base = match (self.panels, self.contiguous) {
                                (Some(width), false) => {
                                    let column = e.ins().iadd(block.first_column, column);
                                    self.in_panels(e, outer, right, width, column)?
                                }
                                (Some(_), true) => {
                                    let dtype = e.dtype(self.right.argument);
                                    Cursor::at(right.side_by_side(e, dtype, column)?)
                                }
                                _ => right.advance(e, &self.right, self.column_axis(), column)?,
                            };
                            let place = e.ins().imul_imm_s(row, self.columns);
                            let place = e.ins().iadd(place, column);
                            let sums = e.step(block.sums, place, &Dim::from(1), size)?;
                            tile.emit(e, left, base, sums, self.columns)?;
                            Ok(Vec::new())
                        })
                    },
                )?;
                first_column = end_column;
            }
            first_row = end_row;
        }
        Ok(())
    }

    /// How many columns all blocks have, as far as tails go.
    fn block_columns(&self) -> Option<i64> {
        let extent = self.extent(self.column_axis()).as_constant()?;
        let even = self.columns % 64 == 0 || extent <= self.columns;
        even.then_some(extent)
    }

    /// A column of a packed operand whose columns are several axes.
    fn in_panels(
        &self,
        e: &mut Emitter,
        outer: &[Option<Value>],
        right: Cursor,
        width: i64,
        column: Value,
    ) -> Result<Cursor, Fault> {
        let mut flat = e.integer(0);
        for (number, extent) in self.space.groups[2].iter().enumerate() {
            let place = outer[self.space.first(2) + number].unwrap_or(column);
            let extent = e.dim(extent);
            flat = e.ins().imul(flat, extent);
            flat = e.ins().iadd(flat, place);
        }
        let size = size_of(e.dtype(self.right.argument));
        let width_value = e.integer(width);
        let panel = e.ins().udiv(flat, width_value);
        let within = e.ins().urem(flat, width_value);
        let length = Dim::product(self.contracted())?.mul(&Dim::from(width))?;
        let address = e.step(right.address(), panel, &length, size)?;
        Ok(Cursor::at(e.step(address, within, &Dim::from(1), size)?))
    }

    /// The epilogue over a block.
    fn finish(&self, e: &mut Emitter, outer: &[Option<Value>], block: &Block) -> Result<(), Fault> {
        let axis = self.column_axis();
        let inputs = [Input::Buffer(self.accumulator)];
        let inputs: Vec<Input> = inputs
            .into_iter()
            .chain(self.reads.iter().map(Input::Access))
            .collect();
        let varies = |number: usize| self.space.index[number] == Some(axis);
        let length = self.block_columns();
        let writes = std::slice::from_ref(&self.write);
        let row = Row::new(&self.epilogue, &inputs, writes, axis, length, &varies);
        e.repeat(block.first_row, block.end_row, 1, &[], |e, place, _| {
            let zero = e.integer(0);
            let places: Vec<Value> = (0..axis)
                .map(|number| match outer[number] {
                    Some(place) => place,
                    None if number == self.row_axis() => place,
                    None => zero,
                })
                .collect();
            let row_number = e.ins().isub(place, block.first_row);
            let row_number = e.ins().imul_imm_s(row_number, self.columns);
            // Addressed by the column's own number.
            let sums = e.ins().isub(row_number, block.first_column);
            let size = size_of(self.accumulator);
            let sums = e.step(block.sums, sums, &Dim::from(1), size)?;
            let mut reads = vec![Some(Cursor::at(sums))];
            reads.extend(cursors_at(e, &self.reads, &places)?.into_iter().map(Some));
            let place_of = |e: &mut Emitter, number: usize| match self.space.index[number] {
                Some(axis) => places[axis],
                None => e.integer(0),
            };
            let at = RowPlace {
                reads: &reads,
                values: &vec![None; reads.len()],
                writes: &cursors_at(e, writes, &places)?,
                place: &place_of,
                first: block.first_column,
                end: block.end_column,
            };
            row.emit(e, &at)?;
            Ok(Vec::new())
        })
        .map(drop)
    }
}

/// As many as whole steps take.
fn whole_steps(e: &mut Emitter, count: Value, step: i64) -> Value {
    if step == 1 {
        return count;
    }
    if step & (step - 1) == 0 {
        return e.ins().band_imm_s(count, -step);
    }
    let step = e.integer(step);
    let rest = e.ins().urem(count, step);
    e.ins().isub(count, rest)
}
