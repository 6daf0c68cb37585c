use cranelift_codegen::ir::Value;
use eyas_kernels::Access;
use eyas_tensor::Dim;

use crate::cursor::Cursor;
use crate::emitter::Emitter;
use crate::error::Fault;

/// Loops inside each other, over axes from `first` on.
pub(crate) struct Nest<'a> {
    pub(crate) extents: &'a [Dim],
    pub(crate) accesses: &'a [Access],
    pub(crate) first: usize,
}

/// What is done inside: from the cursors, the places along the axes, and what is carried, what is
/// carried on.
pub(crate) type Inside<'a> =
    dyn Fn(&mut Emitter, &[Cursor], &[Value], &[Value]) -> Result<Vec<Value>, Fault> + 'a;

impl Nest<'_> {
    /// Runs `inside` at every place in row-major order; gives what it carries at last.
    pub(crate) fn emit(
        &self,
        e: &mut Emitter,
        cursors: &[Cursor],
        places: &[Value],
        carried: &[Value],
        inside: &Inside<'_>,
    ) -> Result<Vec<Value>, Fault> {
        let depth = places.len();
        let Some(extent) = self.extents.get(depth) else {
            return inside(e, cursors, places, carried);
        };
        let (from, to) = (e.integer(0), e.dim(extent));
        let axis = self.first + depth;
        e.repeat(from, to, 1, carried, |e, place, carried| {
            let mut deeper = Vec::with_capacity(cursors.len());
            for (cursor, access) in cursors.iter().zip(self.accesses) {
                let cursor = cursor.advance(e, access, axis, place)?;
                deeper.push(cursor.settle(e, access, axis + 1)?);
            }
            let places = [places, &[place]].concat();
            self.emit(e, &deeper, &places, carried, inside)
        })
    }
}
