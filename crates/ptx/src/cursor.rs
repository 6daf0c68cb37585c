use eyas_kernels::Access;
use eyas_tensor::Dim;

use crate::builder::{Register, S64, U32, U64};
use crate::emitter::Emitter;
use crate::error::Fault;
use crate::memory::{Spot, size_of};
use crate::place::Place;
use crate::value::Value;

/// Where an access is while the axes are placed: the address so far.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cursor {
    pub(crate) spot: Spot,
    /// The address of the index so far; `None` where there is none, or it was read already.
    pub(crate) index: Option<Register<U64>>,
}

/// Whether an access is at the same place all along an axis.
pub(crate) fn is_uniform(access: &Access, axis: usize) -> bool {
    access.parts().all(|part| part.strides[axis].is(0))
}

/// Whether an access steps through neighbours along an axis.
pub(crate) fn is_contiguous(access: &Access, axis: usize) -> bool {
    let index = access.parts().skip(1);
    access.strides[axis].is(1) && index.into_iter().all(|part| part.strides[axis].is(0))
}

impl Cursor {
    /// At the first place of every axis.
    pub(crate) fn new(e: &mut Emitter, access: &Access) -> Result<Cursor, Fault> {
        let spot = start(e, access)?.into();
        let index = match &access.indirect {
            Some(indirect) => Some(start(e, &indirect.index)?),
            None => None,
        };
        Ok(Cursor { spot, index })
    }

    /// At a place of one more axis.
    pub(crate) fn advance(
        self,
        e: &mut Emitter,
        access: &Access,
        axis: usize,
        place: Place,
    ) -> Result<Cursor, Fault> {
        let spot = Spot {
            address: step(e, self.spot.address, access, axis, place)?,
            ..self.spot
        };
        let index = match (&access.indirect, self.index) {
            (Some(indirect), Some(index)) => Some(step(e, index, &indirect.index, axis, place)?),
            _ => None,
        };
        Ok(Cursor { spot, index })
    }

    /// At a place of one more axis, of which each step is so many of the access's.
    pub(crate) fn leap(
        self,
        e: &mut Emitter,
        access: &Access,
        axis: usize,
        place: Place,
        each: i64,
    ) -> Result<Cursor, Fault> {
        let mut longer = access.clone();
        for part in [
            Some(&mut longer.strides),
            longer.indirect.as_mut().map(|i| &mut i.index.strides),
        ] {
            if let Some(stride) = part.and_then(|strides| strides.get_mut(axis)) {
                *stride = stride.mul(&Dim::from(each))?;
            }
        }
        self.advance(e, &longer, axis, place)
    }

    /// Reads the index where no axis from `first` on changes it.
    pub(crate) fn settle(
        self,
        e: &mut Emitter,
        access: &Access,
        first: usize,
    ) -> Result<Cursor, Fault> {
        let Some(indirect) = &access.indirect else {
            return Ok(self);
        };
        let mut later = indirect.index.strides[first..].iter();
        match later.all(|stride| stride.is(0)) {
            true => Ok(Cursor {
                spot: self.spot(e, access)?,
                index: None,
            }),
            false => Ok(self),
        }
    }

    /// Where the element lies once all axes are placed; the index is read and checked where it was
    /// not yet.
    pub(crate) fn spot(self, e: &mut Emitter, access: &Access) -> Result<Spot, Fault> {
        let (Some(indirect), Some(index)) = (&access.indirect, self.index) else {
            return Ok(self.spot);
        };
        let dtype = e.dtype(indirect.index.argument);
        let value = e.load_element(dtype, index.into(), 0)?;
        let index = to_index(e, value)?;
        let inside = e.check_index(access.argument, index, &indirect.extent)?;
        let size = size_of(e.dtype(access.argument));
        let (address, stride) = (self.spot.address, &indirect.stride);
        Ok(Spot {
            address: e.step(address, Place::Wide(index), stride, size)?,
            inside: Some(inside),
        })
    }
}

/// An integer as 64 bits; a negative one, as one that is too great, is a great one.
fn to_index(e: &mut Emitter, value: Value) -> Result<Register<U64>, Fault> {
    Ok(match value {
        Value::S32(value) => {
            let wide: Register<S64> = e.resize(value);
            e.reinterpret(wide)
        }
        Value::U32(value) => e.resize::<U64, U32>(value),
        Value::S64(value) => e.reinterpret(value),
        Value::U64(value) => e.held::<U64>(value),
        _ => return Err(Value::other_kind()),
    })
}

fn start(e: &mut Emitter, access: &Access) -> Result<Register<U64>, Fault> {
    let (address, size) = (
        e.argument(access.argument),
        size_of(e.dtype(access.argument)),
    );
    e.shift(address, &access.offset, size)
}

fn step(
    e: &mut Emitter,
    address: Register<U64>,
    access: &Access,
    axis: usize,
    place: Place,
) -> Result<Register<U64>, Fault> {
    let size = size_of(e.dtype(access.argument));
    e.step(address, place, &access.strides[axis], size)
}

/// A cursor at the places that are known, an axis each.
pub(crate) fn cursor_beside(
    e: &mut Emitter,
    access: &Access,
    places: &[Option<Place>],
) -> Result<Cursor, Fault> {
    let mut cursor = Cursor::new(e, access)?;
    for (axis, place) in places.iter().enumerate() {
        if let Some(place) = place {
            cursor = cursor.advance(e, access, axis, *place)?;
        }
    }
    Ok(cursor)
}

/// Cursors of several accesses at the places of the first axes, an axis each.
pub(crate) fn cursors_at(
    e: &mut Emitter,
    accesses: &[Access],
    places: &[Place],
) -> Result<Vec<Cursor>, Fault> {
    let mut cursors = Vec::with_capacity(accesses.len());
    for access in accesses {
        let mut cursor = Cursor::new(e, access)?;
        for (axis, place) in places.iter().enumerate() {
            cursor = cursor.advance(e, access, axis, *place)?;
        }
        cursors.push(cursor.settle(e, access, places.len())?);
    }
    Ok(cursors)
}
