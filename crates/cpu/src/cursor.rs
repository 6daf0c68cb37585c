use cranelift_codegen::ir::Value;
use eyas_kernels::Access;
use eyas_tensor::{DType, Dim};

use crate::cast;
use crate::emitter::Emitter;
use crate::error::Fault;
use crate::form::Form;

/// Where an access is while the loops around it run: the address so far.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cursor {
    address: Value,
    /// The address of the index so far; `None` where there is none, or it was read already.
    index: Option<Value>,
}

/// Bytes of an element.
pub(crate) fn size_of(dtype: DType) -> i64 {
    (dtype.bits() / 8) as i64
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
        let address = start(e, access)?;
        let index = match &access.indirect {
            Some(indirect) => Some(start(e, &indirect.index)?),
            None => None,
        };
        Ok(Cursor { address, index })
    }

    /// At some address.
    pub(crate) fn at(address: Value) -> Cursor {
        let index = None;
        Cursor { address, index }
    }

    /// The address so far, where no index is left to be read.
    pub(crate) fn address(self) -> Value {
        self.address
    }

    /// The address of an element of those side by side from here on.
    pub(crate) fn side_by_side(
        self,
        e: &mut Emitter,
        dtype: DType,
        place: Value,
    ) -> Result<Value, Fault> {
        e.step(self.address, place, &Dim::from(1), size_of(dtype))
    }

    /// At a place of one more axis.
    pub(crate) fn advance(
        self,
        e: &mut Emitter,
        access: &Access,
        axis: usize,
        place: Value,
    ) -> Result<Cursor, Fault> {
        let address = step(e, self.address, access, axis, place)?;
        let index = match (&access.indirect, self.index) {
            (Some(indirect), Some(index)) => Some(step(e, index, &indirect.index, axis, place)?),
            _ => None,
        };
        Ok(Cursor { address, index })
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
            true => self.gather(e, access).map(Cursor::at),
            false => Ok(self),
        }
    }

    /// The address, once all axes are placed.
    pub(crate) fn element(
        self,
        e: &mut Emitter,
        access: &Access,
        axis: usize,
        place: Value,
    ) -> Result<Value, Fault> {
        self.advance(e, access, axis, place)?.gather(e, access)
    }

    /// The address so far, the index added.
    pub(crate) fn gather(self, e: &mut Emitter, access: &Access) -> Result<Value, Fault> {
        let (Some(indirect), Some(index)) = (&access.indirect, self.index) else {
            return Ok(self.address);
        };
        let dtype = e.dtype(indirect.index.argument);
        let value = e.load(Form::Scalar, dtype, index, 0);
        let value = cast::to_index(e, dtype, value);
        e.check_index(access.argument, value, &indirect.extent);
        let size = size_of(e.dtype(access.argument));
        e.step(self.address, value, &indirect.stride, size)
    }
}

fn start(e: &mut Emitter, access: &Access) -> Result<Value, Fault> {
    let (address, size) = (
        e.argument(access.argument),
        size_of(e.dtype(access.argument)),
    );
    e.shift(address, &access.offset, size)
}

fn step(
    e: &mut Emitter,
    address: Value,
    access: &Access,
    axis: usize,
    place: Value,
) -> Result<Value, Fault> {
    let size = size_of(e.dtype(access.argument));
    e.step(address, place, &access.strides[axis], size)
}

/// Cursors of several accesses at the places of the first axes, an axis each.
pub(crate) fn cursors_at(
    e: &mut Emitter,
    accesses: &[Access],
    places: &[Value],
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
