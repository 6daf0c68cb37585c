use eyas_ir::{Body, ScalarOp};
use eyas_kernels::{Access, RightLayout, Work};
use eyas_tensor::{Dim, Facts};

use crate::ScheduleError;

/// Makes one axis of neighbours that every access goes through as if they were one.
pub(crate) fn collapse(work: &mut Work, facts: &Facts) -> Result<(), ScheduleError> {
    match work {
        Work::Map(map) => {
            let bodies = vec![&mut map.body];
            let accesses = map.reads.iter_mut().chain(&mut map.writes);
            let accesses = accesses.map(|access| (access, 0)).collect();
            merge(&mut map.extents, 0, accesses, bodies, facts)
        }
        Work::Reduce(reduce) => {
            let outer = reduce.outer.len();
            for inner in [true, false] {
                let mut bodies: Vec<&mut Body> =
                    reduce.stages.iter_mut().map(|s| &mut s.body).collect();
                let mut accesses: Vec<(&mut Access, usize)> = Vec::new();
                let base = if inner { outer } else { 0 };
                accesses.extend(reduce.reads.iter_mut().map(|a| (a, base)));
                if let Some(element) = &mut reduce.element {
                    bodies.push(&mut element.body);
                    accesses.extend(element.writes.iter_mut().map(|a| (a, base)));
                }
                if let Some(row) = &mut reduce.row {
                    bodies.push(&mut row.body);
                    if !inner {
                        let own = row.reads.iter_mut().chain(&mut row.writes);
                        accesses.extend(own.map(|a| (a, 0)));
                    }
                }
                let extents = match inner {
                    true => &mut reduce.inner,
                    false => &mut reduce.outer,
                };
                merge(extents, base, accesses, bodies, facts)?;
            }
            Ok(())
        }
        Work::Contraction(c) => {
            let (batch, rows, columns) = (c.batch.len(), c.rows.len(), c.columns.len());
            let strided = c.right_layout == RightLayout::Strided;
            let sums = vec![(&mut c.left, batch + rows), (&mut c.right, batch + columns)];
            merge(&mut c.contracted, 0, sums, Vec::new(), facts)?;
            let base = batch + rows;
            let mut all: Vec<(&mut Access, usize)> =
                c.reads.iter_mut().map(|a| (a, base)).collect();
            all.push((&mut c.write, base));
            all.push((&mut c.right, batch));
            merge(&mut c.columns, base, all, vec![&mut c.epilogue], facts)?;
            let mut all: Vec<(&mut Access, usize)> =
                c.reads.iter_mut().map(|a| (a, batch)).collect();
            all.extend([(&mut c.write, batch), (&mut c.left, batch)]);
            merge(&mut c.rows, batch, all, vec![&mut c.epilogue], facts)?;
            let mut all: Vec<(&mut Access, usize)> = c.reads.iter_mut().map(|a| (a, 0)).collect();
            all.extend([(&mut c.write, 0), (&mut c.left, 0)]);
            if strided {
                all.push((&mut c.right, 0));
            }
            merge(&mut c.batch, 0, all, vec![&mut c.epilogue], facts)
        }
        Work::Scatter(_) => Ok(()),
    }
}

/// Merges neighbours among one group of axes. Each access has the group's strides from a position
/// of its own on; bodies number the group's axes from `base` on.
fn merge(
    extents: &mut Vec<Dim>,
    base: usize,
    mut accesses: Vec<(&mut Access, usize)>,
    mut bodies: Vec<&mut Body>,
    facts: &Facts,
) -> Result<(), ScheduleError> {
    for axis in (1..extents.len()).rev() {
        let numbered = |axis: usize| {
            let wanted = ScalarOp::Index((base + axis) as u32);
            bodies
                .iter()
                .any(|body| body.nodes.iter().any(|node| node.op == wanted))
        };
        if numbered(axis) || numbered(axis - 1) {
            continue;
        }
        let mut one = true;
        for (access, position) in &accesses {
            for part in access.parts() {
                let step = part.strides[position + axis].mul(&extents[axis])?;
                one &= facts.proves_equal(&part.strides[position + axis - 1], &step);
            }
        }
        if !one {
            continue;
        }
        let outer = extents.remove(axis - 1);
        extents[axis - 1] = outer.mul(&extents[axis - 1])?;
        for (access, position) in &mut accesses {
            access.strides.remove(*position + axis - 1);
            if let Some(indirect) = &mut access.indirect {
                indirect.index.strides.remove(*position + axis - 1);
            }
        }
        for body in &mut bodies {
            for node in &mut body.nodes {
                match &mut node.op {
                    ScalarOp::Index(number) if *number as usize >= base + axis => *number -= 1,
                    _ => {}
                }
            }
        }
    }
    Ok(())
}
