use cranelift_codegen::ir::InstBuilder;
use eyas_kernels::Map;
use eyas_tensor::Dim;

use crate::body::cost;
use crate::cursor::cursors_at;
use crate::emitter::Emitter;
use crate::error::Fault;
use crate::expansion::expand;
use crate::function::WorkSize;
use crate::row::{Input, Row, RowPlace};
use crate::space::{Space, indexed_axes};
use crate::units::{UNIT, Units};

/// Rows along the innermost axis; a long one is cut in blocks.
pub(crate) fn emit(e: &mut Emitter, map: &Map) -> Result<WorkSize, Fault> {
    let body = expand(&map.body);
    let accesses = [&map.reads[..], &map.writes].concat();
    let mut space = Space::new(&[&map.extents], accesses, &indexed_axes([&body]))?;
    space.fill(0);
    let extents = space.extents();
    let (outer, inner) = extents.split_at(extents.len() - 1);
    let inner = &inner[0];
    let axis = outer.len();
    let cost = cost(&body) + space.accesses.len() as i64;
    let block = (UNIT / cost).clamp(512, 8192) / 64 * 64;
    let long = inner.as_constant().is_some_and(|inner| inner > 2 * block);
    let blocked = outer.is_empty() || long;
    let units = match blocked {
        true => {
            let blocks = inner
                .add(&Dim::from(block - 1))?
                .floor_div(&Dim::from(block))?;
            Units::single([outer, &[blocks]].concat())?
        }
        false => Units::new(outer.to_vec(), &inner.mul(&Dim::from(cost))?)?,
    };
    let (reads, writes) = space.accesses.split_at(map.reads.len());
    let inputs: Vec<Input> = reads.iter().map(Input::Access).collect();
    let varies = |number: usize| space.index[number] == Some(axis);
    let row = Row::new(&body, &inputs, writes, axis, inner.as_constant(), &varies);
    units.emit(e, |e, places| {
        let (first, end) = match blocked {
            true => {
                let size = e.integer(block);
                let first = e.ins().imul(places[axis], size);
                let extent = e.dim(inner);
                let end = e.ins().iadd(first, size);
                (first, e.least(end, extent))
            }
            false => (e.integer(0), e.dim(inner)),
        };
        let places = &places[..axis];
        let reads: Vec<_> = cursors_at(e, reads, places)?
            .into_iter()
            .map(Some)
            .collect();
        let writes = cursors_at(e, writes, places)?;
        let place = |e: &mut Emitter, number: usize| match space.index[number] {
            Some(axis) => places[axis],
            None => e.integer(0),
        };
        let at = RowPlace {
            reads: &reads,
            values: &vec![None; reads.len()],
            writes: &writes,
            place: &place,
            first,
            end,
        };
        row.emit(e, &at)
    })?;
    let length = match blocked {
        true => inner.minimum(&Dim::from(block)),
        false => inner.mul(&units.rows)?,
    };
    Ok(WorkSize {
        units: units.count,
        unit_cost: length.mul(&Dim::from(cost))?,
        scratch: Dim::from(0),
    })
}
