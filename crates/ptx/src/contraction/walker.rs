use eyas_ir::Comparison;
use eyas_tensor::Dim;

use super::operand::{Direction, Operand};
use super::panel::Pattern;
use crate::builder::{Operand as Source, Register, U64};
use crate::cursor::Cursor;
use crate::emitter::Emitter;
use crate::error::Fault;
use crate::memory::size_of;
use crate::place::Place;

/// Registers, and what is added to each.
type Moves = Vec<(Register<U64>, Source<U64>)>;

/// Where an operand's element is, in registers that move on along the places that are summed over.
pub(super) struct Walker {
    cursor: Cursor,
    /// The places along the contracted axes but the outermost.
    digits: Vec<Register<U64>>,
}

impl Walker {
    /// How many a thread needs: one where the others are as far from it everywhere.
    pub(super) fn count(operand: &Operand, pattern: &Pattern) -> u32 {
        match pattern.direction {
            Direction::Own if !operand.is_scattered() => 1,
            _ => pattern.slots,
        }
    }

    /// At a row or column, to which `cursor` belongs, and at a place that is summed over.
    pub(super) fn new(
        e: &mut Emitter,
        operand: &Operand,
        cursor: Cursor,
        place: Place,
    ) -> Result<Walker, Fault> {
        let axes = operand.contracted.clone();
        let places = e.places(place, &operand.extents[axes.clone()])?;
        let mut cursor = cursor;
        for (axis, place) in axes.zip(&places) {
            cursor = cursor.advance(e, &operand.access, axis, *place)?;
        }
        let mut digits = Vec::new();
        for place in places.iter().skip(1) {
            let digit = e.wide(*place);
            digits.push(e.copy(digit));
        }
        cursor.spot.address = e.copy(cursor.spot.address);
        cursor.index = cursor.index.map(|index| e.copy(index));
        Ok(Walker { cursor, digits })
    }

    /// Another one's registers.
    pub(super) fn room(&self, e: &mut Emitter) -> Walker {
        let mut cursor = self.cursor;
        cursor.spot.address = e.register();
        cursor.spot.inside = cursor.spot.inside.map(|_| e.register());
        cursor.index = cursor.index.map(|_| e.register());
        let digits = self.digits.iter().map(|_| e.register()).collect();
        Walker { cursor, digits }
    }

    /// Goes to where another one is.
    pub(super) fn assign(&self, e: &mut Emitter, other: &Walker) {
        let (own, other_cursor) = (self.cursor, other.cursor);
        e.assign(own.spot.address, other_cursor.spot.address);
        if let (Some(own), Some(other)) = (own.spot.inside, other_cursor.spot.inside) {
            e.assign(own, other);
        }
        if let (Some(own), Some(other)) = (own.index, other_cursor.index) {
            e.assign(own, other);
        }
        for (own, other) in self.digits.iter().zip(&other.digits) {
            e.assign(*own, *other);
        }
    }

    /// Where the element is that lies so many places further along the only contracted axis, and
    /// so many bytes beyond.
    pub(super) fn at(
        &self,
        e: &mut Emitter,
        operand: &Operand,
        by: u32,
    ) -> Result<(Cursor, i32), Fault> {
        let Some(axis) = operand.contracted.clone().next_back().filter(|_| by > 0) else {
            return Ok((self.cursor, 0));
        };
        let bytes = operand.access.strides[axis].mul(&Dim::from(
            i64::from(by) * size_of(e.dtype(operand.access.argument)),
        ))?;
        let near = bytes.as_constant().and_then(|n| i32::try_from(n).ok());
        match near.filter(|_| self.cursor.index.is_none()) {
            Some(bytes) => Ok((self.cursor, bytes)),
            None => {
                let place = Place::Constant(by.into());
                let cursor = self.cursor.advance(e, &operand.access, axis, place)?;
                Ok((cursor, 0))
            }
        }
    }

    /// Goes on by so many places, as one adds to a number digit by digit.
    pub(super) fn advance(&self, e: &mut Emitter, operand: &Operand, by: u32) -> Result<(), Fault> {
        let axes: Vec<usize> = operand.contracted.clone().collect();
        let mut steps = Vec::with_capacity(axes.len());
        let mut rest = Dim::from(i64::from(by));
        for axis in axes.iter().skip(1).rev() {
            // Where an extent is 0 nothing is summed.
            let extent = operand.extents[*axis].maximum(&Dim::from(1));
            steps.push(rest.modulo(&extent)?);
            rest = rest.floor_div(&extent)?;
        }
        steps.push(rest);
        steps.reverse();
        let all: Vec<(usize, Dim)> = axes.iter().copied().zip(steps.iter().cloned()).collect();
        self.shift(e, operand, &all)?;
        for number in (1..axes.len()).rev() {
            let (axis, digit) = (axes[number], self.digits[number - 1]);
            let step = e.dim(&steps[number]);
            e.set(digit, |b| b.add(digit, step));
            let extent = e.dim(&operand.extents[axis]);
            let carries = e.compare(Comparison::GreaterOrEqual, digit, extent);
            let back = operand.extents[axis].mul(&Dim::from(-1))?;
            let carried = [(axis, back), (axes[number - 1], Dim::from(1))];
            let outer = number.checked_sub(2).map(|outer| self.digits[outer]);
            let moves = self.moves(e, operand, &carried)?;
            e.guarded(carries, true, |b| {
                b.set(digit, |b| b.sub(digit, extent));
                if let Some(outer) = outer {
                    b.set(outer, |b| b.add(outer, 1u64));
                }
                for (register, by) in moves {
                    b.set(register, |b| b.add(register, by));
                }
            });
        }
        Ok(())
    }

    /// Moves by so many places along axes.
    fn shift(
        &self,
        e: &mut Emitter,
        operand: &Operand,
        steps: &[(usize, Dim)],
    ) -> Result<(), Fault> {
        for (register, by) in self.moves(e, operand, steps)? {
            e.set(register, |b| b.add(register, by));
        }
        Ok(())
    }

    /// What is added to each register for so many places along axes.
    fn moves(
        &self,
        e: &mut Emitter,
        operand: &Operand,
        steps: &[(usize, Dim)],
    ) -> Result<Moves, Fault> {
        let index = operand.access.indirect.as_ref();
        let index = index.map(|indirect| &*indirect.index);
        let parts = [
            Some((self.cursor.spot.address, &operand.access)),
            self.cursor.index.zip(index),
        ];
        let mut moves = Vec::new();
        for (register, access) in parts.into_iter().flatten() {
            let mut bytes = Dim::from(0);
            for (axis, step) in steps {
                let far = access.strides[*axis].mul(step)?;
                bytes = bytes.add(&far.mul(&Dim::from(size_of(e.dtype(access.argument))))?)?;
            }
            if !bytes.is(0) {
                moves.push((register, e.dim(&bytes)));
            }
        }
        Ok(moves)
    }
}
