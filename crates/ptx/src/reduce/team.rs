use eyas_ir::Comparison;
use eyas_tensor::Dim;

use crate::builder::{Operand, Predicate, Register, U32, U64};
use crate::emitter::Emitter;
use crate::error::Fault;
use crate::place::{Place, is_narrow};
use crate::reduce::choice::Choice;

/// A thread among those that share a row.
pub(crate) struct Team<'c> {
    pub(crate) choice: &'c Choice,
    /// Its number among those of the row.
    pub(crate) lane: Place,
    /// The row's number in the block.
    pub(crate) slot: Place,
    /// The row's number.
    pub(crate) row: Place,
    /// The row's places along the outer axes.
    pub(crate) places: Vec<Place>,
    /// Whether the row is this thread's alone to store; where not, the row is a copy of another,
    /// there so that all threads go the same way.
    pub(crate) valid: Option<Register<Predicate>>,
    /// The number of the block's rows among all such groups.
    pub(crate) group: Place,
    /// Which part of the row the block has.
    pub(crate) part: Place,
}

/// Places of a row, one after the other.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Range {
    /// The first.
    pub(crate) first: Place,
    /// The one after the last.
    pub(crate) end: Place,
}

impl<'c> Team<'c> {
    /// Who this thread is.
    pub(crate) fn new(
        e: &mut Emitter,
        choice: &'c Choice,
        rows: &Dim,
        outer: &[Dim],
    ) -> Result<Team<'c>, Fault> {
        let thread = Place::from(e.thread());
        let near = if choice.columns {
            choice.rows()
        } else {
            choice.lanes
        };
        let (far, near) = match near {
            _ if choice.threads == near => (Place::Constant(0), thread),
            near => {
                let [far, near] = e.divide(thread, &Dim::from(near))?;
                (far, near)
            }
        };
        let (lane, slot) = match choice.columns {
            true => (far, near),
            false => (near, far),
        };
        let block = Place::from(e.block());
        let [group, part] = match choice.is_divided() {
            true if choice.groups(rows)?.is(1) => [Place::Constant(0), block],
            true => e.divide(block, &choice.parts)?,
            false => [block, Place::Constant(0)],
        };
        let row = first_row(e, group, choice.rows(), rows);
        let row = sum(e, row, slot);
        let whole = rows
            .as_constant()
            .is_some_and(|rows| rows % choice.rows() == 0);
        let valid = (!whole && choice.rows() > 1).then(|| e.is_below(row, rows));
        let row = match (valid, row) {
            (Some(valid), Place::Narrow(row)) => e.select::<U32>(valid, row, 0u32).into(),
            (Some(valid), Place::Wide(row)) => e.select::<U64>(valid, row, 0u32).into(),
            (_, row) => row,
        };
        Ok(Team {
            choice,
            lane,
            slot,
            row,
            places: e.places(row, outer)?,
            valid,
            group,
            part,
        })
    }

    /// The block's places of a row of so many.
    pub(crate) fn range(&self, e: &mut Emitter, length: &Dim) -> Result<Range, Fault> {
        let end = whole_place(e, length);
        if !self.choice.is_divided() {
            let first = Place::Constant(0);
            return Ok(Range { first, end });
        }
        let part = self.choice.part(length)?;
        let first = e.step_place(self.part, &part, is_narrow(length));
        let part = whole_place(e, &part);
        let beyond = sum(e, first, part);
        let end = match (beyond, end) {
            (Place::Narrow(beyond), Place::Constant(end)) => {
                e.min::<U32>(beyond, end as u32).into()
            }
            (beyond, end) => {
                let (beyond, end) = (e.wide(beyond), e.wide(end));
                e.min::<U64>(beyond, end).into()
            }
        };
        Ok(Range { first, end })
    }

    /// Whether this thread stores what there is one of a row; `None` where all do.
    pub(crate) fn leads(&self, e: &mut Emitter) -> Option<Register<Predicate>> {
        let first = match self.lane {
            Place::Narrow(lane) => Some(e.compare(Comparison::Equal, lane, 0u32)),
            Place::Constant(_) | Place::Wide(_) => None,
        };
        match (first, self.valid) {
            (Some(first), Some(valid)) => Some(e.and(first, valid)),
            (first, valid) => first.or(valid),
        }
    }
}

/// A dim as a place.
pub(crate) fn whole_place(e: &mut Emitter, dim: &Dim) -> Place {
    match e.dim(dim) {
        Operand::Constant(dim) => Place::Constant(dim),
        Operand::Register(dim) => Place::Wide(dim),
    }
}

fn first_row(e: &mut Emitter, group: Place, rows: i64, all: &Dim) -> Place {
    match group {
        Place::Narrow(group) if !is_narrow(all) => {
            let group = e.resize::<U64, U32>(group);
            e.scale(group.into(), rows as u64)
        }
        group => e.scale(group, rows as u64),
    }
}

/// The sum of two places; it is narrow where the first is.
pub(crate) fn sum(e: &mut Emitter, a: Place, b: Place) -> Place {
    match (a, b) {
        (a, Place::Constant(b)) => e.advance(a, b),
        (Place::Constant(a), b) => e.advance(b, a),
        (Place::Narrow(a), Place::Narrow(b)) => e.add::<U32>(a, b).into(),
        (a, b) => {
            let (a, b) = (e.wide(a), e.wide(b));
            e.add::<U64>(a, b).into()
        }
    }
}

impl Emitter<'_> {
    /// `place * by`, which stays narrow where that is known to suffice.
    fn step_place(&mut self, place: Place, by: &Dim, narrow: bool) -> Place {
        let by = self.dim(by);
        match (place, by) {
            (Place::Constant(0), _) => place,
            (Place::Narrow(_), Operand::Constant(by)) if narrow => self.scale(place, by),
            (place, by) => {
                let place = self.wide(place);
                let product = self.mul::<U64>(place, by);
                match narrow {
                    true => self.resize::<U32, U64>(product).into(),
                    false => product.into(),
                }
            }
        }
    }
}
