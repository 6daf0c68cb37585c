use eyas_tensor::Dim;

use super::form::Form;
use super::tile::Tile;
use crate::builder::{Register, U32, U64};
use crate::emitter::Emitter;
use crate::error::Fault;
use crate::place::{Place, is_narrow};

/// Rows of tiles that are gone through together, a column of tiles after the other, so that blocks
/// that run at the same time read the same factors.
const TOGETHER: u32 = 8;

/// A block's part of the result.
pub(super) struct Block<'f> {
    pub(super) form: &'f Form,
    pub(super) tile: Tile,
    /// The places along the batch's axes.
    pub(super) batch: Vec<Place>,
    /// The tile's number along rows and columns.
    number: [Place; 2],
}

impl<'f> Block<'f> {
    /// The part of the block that runs.
    pub(super) fn new(e: &mut Emitter, form: &'f Form, tile: Tile) -> Result<Block<'f>, Fault> {
        let mut counts = Vec::with_capacity(2);
        for (number, side) in form.sides.iter().enumerate() {
            counts.push(tile.count(number, &side.length)?);
        }
        let [rows, columns] = [&counts[0], &counts[1]];
        let number = Place::Narrow(e.block());
        let [batch, number] = match form.batch.is_empty() {
            true => [Place::Constant(0), number],
            false => e.divide(number, &rows.mul(columns)?)?,
        };
        let batch = e.places(batch, &form.batch)?;
        let number = order(e, number, rows, columns)?;
        Ok(Block {
            form,
            tile,
            batch,
            number: number.map(|number| match number {
                Place::Constant(_) => number,
                _ => narrow(e, number).into(),
            }),
        })
    }

    /// The row or column that is so far from the tile's first, and a constant further.
    pub(super) fn place(
        &self,
        e: &mut Emitter,
        side: usize,
        by: Register<U32>,
        constant: u32,
    ) -> Place {
        let length = self.tile.length(side);
        let wide = !is_narrow(&self.form.sides[side].length);
        let place = match (self.number[side], wide) {
            (Place::Narrow(number), false) => e.mad(number, length, by).into(),
            (Place::Narrow(number), true) => {
                let by = e.resize::<U64, U32>(by);
                e.mad_wide(number, length, by).into()
            }
            (_, false) => by.into(),
            (_, true) => e.resize::<U64, U32>(by).into(),
        };
        e.advance(place, constant.into())
    }

    /// Whether the tiles of a side end where it does.
    pub(super) fn is_whole(&self, side: usize) -> bool {
        let length = self.form.sides[side].length.as_constant();
        length.is_some_and(|length| length % i64::from(self.tile.length(side)) == 0)
    }

    /// A row or column, or the first of some that lie together, of which the first begin at 0; of
    /// what is beyond the last the last ones.
    pub(super) fn clamped(
        &self,
        e: &mut Emitter,
        side: usize,
        place: Place,
        together: u32,
    ) -> Place {
        if self.is_whole(side) {
            return place;
        }
        let length = &self.form.sides[side].length;
        match place {
            Place::Constant(_) => place,
            Place::Narrow(place) => {
                let last = length.as_constant().unwrap_or(i64::MAX).saturating_sub(1);
                let last = u32::try_from(last).unwrap_or(0);
                e.min::<U32>(place, last - last % together).into()
            }
            Place::Wide(place) => {
                let length = e.dim(length);
                let mut last = e.sub(length, 1u64);
                if together > 1 {
                    last = e.and(last, !(u64::from(together) - 1));
                }
                e.min(place, last).into()
            }
        }
    }
}

/// The row and column of tiles that is this one in order.
fn order(e: &mut Emitter, number: Place, rows: &Dim, columns: &Dim) -> Result<[Place; 2], Fault> {
    if rows.is(1) {
        return Ok([Place::Constant(0), number]);
    }
    if columns.is(1) {
        return Ok([number, Place::Constant(0)]);
    }
    let few = |rows: i64| rows <= i64::from(TOGETHER);
    if rows.as_constant().is_some_and(few) {
        let [column, row] = e.divide(number, rows)?;
        return Ok([row, column]);
    }
    let band = columns.mul(&Dim::from(i64::from(TOGETHER)))?;
    let [band, within] = e.divide(number, &band)?;
    let first = e.scale(band, TOGETHER.into());
    let even = |rows: i64| rows % i64::from(TOGETHER) == 0;
    if rows.as_constant().is_some_and(even) {
        let [column, row] = e.divide(within, &Dim::from(i64::from(TOGETHER)))?;
        let (first, row) = (narrow(e, first), narrow(e, row));
        return Ok([e.add(first, row).into(), column]);
    }
    let (first, within) = (narrow(e, first), narrow(e, within));
    let rows = e.dim(rows);
    let rows = e.resize::<U32, _>(rows);
    let left = e.sub(rows, first);
    let height = e.min(left, TOGETHER);
    let column = e.div(within, height);
    let before = e.mul(column, height);
    let row = e.sub(within, before);
    let row = e.add(first, row);
    Ok([row.into(), column.into()])
}

/// The number of a block or less.
fn narrow(e: &mut Emitter, place: Place) -> Register<U32> {
    match place {
        Place::Constant(place) => e.copy(place as u32),
        Place::Narrow(place) => place,
        Place::Wide(place) => e.resize(place),
    }
}
