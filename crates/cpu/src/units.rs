//! How work is cut into units: rows, that is places of the outer axes, so many to a unit that it
//! is worth a thread's while.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, Value, types};
use eyas_tensor::Dim;

use crate::emitter::Emitter;
use crate::error::Fault;

/// Scalar operations that a unit should have at least.
pub(crate) const UNIT: i64 = 16_384;

/// Rows in units.
pub(crate) struct Units {
    /// The outer axes.
    pub(crate) outer: Vec<Dim>,
    /// Rows to a unit.
    pub(crate) rows: Dim,
    /// How many units.
    pub(crate) count: Dim,
}

impl Units {
    /// As many rows to a unit as cost about [`UNIT`] together.
    pub(crate) fn new(outer: Vec<Dim>, row_cost: &Dim) -> Result<Units, Fault> {
        let rows = match row_cost.as_constant() {
            Some(cost) => Dim::from((UNIT / cost.max(1)).max(1)),
            None => {
                let cost = row_cost.maximum(&Dim::from(1));
                Dim::from(UNIT).floor_div(&cost)?.maximum(&Dim::from(1))
            }
        };
        let all = Dim::product(&outer)?;
        let rows = match (all.as_constant(), rows.as_constant()) {
            (Some(all), Some(rows)) => Dim::from(rows.min(all.max(1))),
            _ => rows,
        };
        let count = all.add(&rows)?.sub(&Dim::from(1))?.floor_div(&rows)?;
        Ok(Units { outer, rows, count })
    }

    /// One row to a unit.
    pub(crate) fn single(outer: Vec<Dim>) -> Result<Units, Fault> {
        let (count, rows) = (Dim::product(&outer)?, Dim::from(1));
        Ok(Units { outer, rows, count })
    }

    /// Runs `body` for each row of the units that the function is called for, with its places
    /// along the outer axes.
    pub(crate) fn emit(
        &self,
        e: &mut Emitter,
        body: impl FnOnce(&mut Emitter, &[Value]) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let (start, end) = e.units();
        let (mut first, mut last) = (start, end);
        if !self.rows.is(1) {
            let rows = e.dim(&self.rows);
            first = e.ins().imul(start, rows);
            last = e.ins().imul(end, rows);
            let all = Dim::product(&self.outer)?;
            let all = e.dim(&all);
            last = e.least(last, all);
        }
        let any = e.ins().icmp(IntCC::SignedLessThan, first, last);
        // Divisions by an extent are safe only where there is a row.
        e.when(any, |e| {
            let places = self.places(e, first);
            e.repeat(first, last, 1, &places, |e, _, places| {
                body(e, places)?;
                Ok(self.next(e, places))
            })
            .map(drop)
        })
    }

    /// The places of a row.
    fn places(&self, e: &mut Emitter, row: Value) -> Vec<Value> {
        let mut rest = row;
        let mut places = Vec::with_capacity(self.outer.len());
        for extent in self.outer.iter().skip(1).rev() {
            let extent = e.dim(extent);
            places.push(e.ins().urem(rest, extent));
            rest = e.ins().udiv(rest, extent);
        }
        if !self.outer.is_empty() {
            places.push(rest);
        }
        places.reverse();
        places
    }

    /// The places of the row after.
    fn next(&self, e: &mut Emitter, places: &[Value]) -> Vec<Value> {
        let mut next = places.to_vec();
        let mut carry = e.integer(1);
        for axis in (0..places.len()).rev() {
            let place = e.ins().iadd(places[axis], carry);
            next[axis] = place;
            if axis > 0 {
                let extent = e.dim(&self.outer[axis]);
                let over = e.ins().icmp(IntCC::Equal, place, extent);
                let zero = e.integer(0);
                next[axis] = e.ins().select(over, zero, place);
                carry = e.ins().uextend(types::I64, over);
            }
        }
        next
    }
}
