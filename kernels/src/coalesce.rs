use std::collections::BTreeSet;

use eyas_ir::{Body, BodyBuilder, ScalarId, ScalarOp};
use eyas_tensor::{Dim, Number};

use crate::{
    Access, Contraction, ElementFinish, Indirect, Kernel, Map, Reduce, RightLayout, RowFinish,
    Scatter, Stage, Work,
};

/// Axes that may be merged with each other, by number; what ranges over the space of a family
/// ranges over some of its groups.
type Group = usize;

const ALL: Group = 0;

const OUTER: Group = 0;
const INNER: Group = 1;

const BATCH: Group = 0;
const ROWS: Group = 1;
const COLUMNS: Group = 2;
const CONTRACTED: Group = 3;

impl Kernel {
    /// The same work over as few axes as the accesses allow: axes of extent 1 are left out,
    /// neighbours that every access steps through as through one axis become one, and batch axes
    /// that the right operand of a contraction does not have become rows. A map's axes are put in
    /// order of its first write, the nearest places innermost. The order of folded places, and
    /// that of a scatter, stays.
    #[must_use]
    pub fn coalesced(&self) -> Kernel {
        let work = match &self.work {
            Work::Map(map) => coalesced_map(map).map(Work::Map),
            Work::Reduce(reduce) => coalesced_reduce(reduce).map(Work::Reduce),
            Work::Contraction(c) => coalesced_contraction(c).map(Work::Contraction),
            Work::Scatter(scatter) => coalesced_scatter(scatter).map(Work::Scatter),
        };
        Kernel {
            work: work.unwrap_or_else(|| self.work.clone()),
            ..self.clone()
        }
    }
}

fn coalesced_map(map: &Map) -> Option<Map> {
    let mut space = Space::new(&[&map.extents], &[&map.body]);
    let reads = map.reads.iter().map(|read| (read, &[ALL][..]));
    let writes = map.writes.iter().map(|write| (write, &[ALL][..]));
    space.watch(reads.chain(writes))?;
    if let Some(write) = map.writes.first() {
        space.order_by(&write.strides);
    }
    space.merge(&[]);
    Some(Map {
        extents: space.extents(ALL),
        reads: space.rebuilt_all(&map.reads, &[ALL])?,
        body: space.rebuilt_body(&map.body),
        writes: space.rebuilt_all(&map.writes, &[ALL])?,
    })
}

fn coalesced_scatter(scatter: &Scatter) -> Option<Scatter> {
    let mut space = Space::new(&[&scatter.extents], &[]);
    let accesses = [&scatter.update, &scatter.target];
    space.watch(accesses.map(|access| (access, &[ALL][..])))?;
    space.merge(&[]);
    Some(Scatter {
        extents: space.extents(ALL),
        update: space.rebuilt(&scatter.update, &[ALL])?,
        target: space.rebuilt(&scatter.target, &[ALL])?,
        combine: scatter.combine,
    })
}

fn coalesced_reduce(reduce: &Reduce) -> Option<Reduce> {
    const BOTH: &[Group] = &[OUTER, INNER];
    const ROW: &[Group] = &[OUTER];
    let mut space = Space::new(&[&reduce.outer, &reduce.inner], &reduce.bodies());
    let row = reduce.row.iter();
    let row = row.flat_map(|row| row.reads.iter().chain(&row.writes));
    let element = reduce.element.iter().flat_map(|element| &element.writes);
    let whole = reduce.reads.iter().chain(element);
    space.watch(whole.map(|a| (a, BOTH)).chain(row.map(|a| (a, ROW))))?;
    space.merge(&[INNER]);
    let stage = |stage: &Stage| Stage {
        body: space.rebuilt_body(&stage.body),
        ..stage.clone()
    };
    let row = |row: &RowFinish| {
        Some(RowFinish {
            reads: space.rebuilt_all(&row.reads, ROW)?,
            body: space.rebuilt_body(&row.body),
            writes: space.rebuilt_all(&row.writes, ROW)?,
        })
    };
    let element = |element: &ElementFinish| {
        Some(ElementFinish {
            body: space.rebuilt_body(&element.body),
            writes: space.rebuilt_all(&element.writes, BOTH)?,
        })
    };
    Some(Reduce {
        outer: space.extents(OUTER),
        inner: space.extents(INNER),
        reads: space.rebuilt_all(&reduce.reads, BOTH)?,
        stages: reduce.stages.iter().map(stage).collect(),
        row: present(reduce.row.as_ref().map(row))?,
        element: present(reduce.element.as_ref().map(element))?,
    })
}

fn coalesced_contraction(c: &Contraction) -> Option<Contraction> {
    const LEFT: &[Group] = &[BATCH, ROWS, CONTRACTED];
    const RIGHT: &[Group] = &[BATCH, COLUMNS, CONTRACTED];
    const RESULT: &[Group] = &[BATCH, ROWS, COLUMNS];
    let groups = [&c.batch[..], &c.rows, &c.columns, &c.contracted];
    let mut space = Space::new(&groups, &[&c.epilogue]);
    let strided = c.right_layout == RightLayout::Strided;
    let right = strided.then_some((&c.right, RIGHT));
    let result = c.reads.iter().chain([&c.write]).map(|a| (a, RESULT));
    space.watch([(&c.left, LEFT)].into_iter().chain(right).chain(result))?;
    let is_fixed = |axis: usize, part: &Access| part.strides.get(axis).is_some_and(|s| s.is(0));
    space.move_to_rows(|axis| !strided || c.right.parts().all(|part| is_fixed(axis, part)));
    space.merge(&[]);
    Some(Contraction {
        batch: space.extents(BATCH),
        rows: space.extents(ROWS),
        columns: space.extents(COLUMNS),
        contracted: space.extents(CONTRACTED),
        left: space.rebuilt(&c.left, LEFT)?,
        right: space.rebuilt(&c.right, RIGHT)?,
        right_layout: c.right_layout,
        accumulator: c.accumulator,
        epilogue: space.rebuilt_body(&c.epilogue),
        reads: space.rebuilt_all(&c.reads, RESULT)?,
        write: space.rebuilt(&c.write, RESULT)?,
    })
}

/// Nothing stays nothing; what could not be made fails the whole.
fn present<T>(part: Option<Option<T>>) -> Option<Option<T>> {
    match part {
        Some(None) => None,
        Some(made) => Some(made),
        None => Some(None),
    }
}

/// An axis of the new space.
#[derive(Debug, Clone)]
struct Axis {
    extent: Dim,
    group: Group,
    /// The axes of the old space that it runs through, the innermost last.
    members: Vec<usize>,
}

/// A space being coalesced.
struct Space {
    /// The group of each old axis.
    groups: Vec<Group>,
    axes: Vec<Axis>,
    /// The strides that must agree, by old axis.
    views: Vec<Vec<Option<Dim>>>,
    /// Old axes whose places bodies read.
    indexed: BTreeSet<usize>,
}

impl Space {
    /// The groups' axes one after the other.
    fn new(extents: &[&[Dim]], bodies: &[&Body]) -> Space {
        let grouped = extents.iter().enumerate();
        let all = grouped.flat_map(|(group, extents)| extents.iter().map(move |e| (group, e)));
        let axes: Vec<Axis> = all
            .enumerate()
            .map(|(place, (group, extent))| Axis {
                extent: extent.clone(),
                group,
                members: vec![place],
            })
            .collect();
        let nodes = bodies.iter().flat_map(|body| &body.nodes);
        let indexed = nodes.filter_map(|node| match node.op {
            ScalarOp::Index(axis) => Some(axis as usize),
            _ => None,
        });
        Space {
            groups: axes.iter().map(|axis| axis.group).collect(),
            indexed: indexed.collect(),
            axes,
            views: Vec::new(),
        }
    }

    /// Takes up accesses over some of the groups; `None` where one has a wrong number of strides.
    fn watch<'a>(
        &mut self,
        accesses: impl IntoIterator<Item = (&'a Access, &'a [Group])>,
    ) -> Option<()> {
        for (access, groups) in accesses {
            for part in access.parts() {
                let view = self.strides(part, groups)?;
                self.views.push(view);
            }
        }
        Some(())
    }

    /// The stride along each old axis, where the access ranges over it.
    fn strides(&self, access: &Access, groups: &[Group]) -> Option<Vec<Option<Dim>>> {
        let mut strides = access.strides.iter();
        let own = self
            .groups
            .iter()
            .map(|group| match groups.contains(group) {
                true => strides.next().cloned().map(Some),
                false => Some(None),
            });
        let own: Option<Vec<Option<Dim>>> = own.collect();
        own.filter(|_| strides.next().is_none())
    }

    /// Puts the axes in order of falling strides, where these are constants; else an axis of
    /// stride 1 goes last.
    fn order_by(&mut self, strides: &[Dim]) {
        let constants: Option<Vec<i64>> = strides.iter().map(Dim::as_constant).collect();
        match constants {
            Some(strides) => self
                .axes
                .sort_by_key(|axis| std::cmp::Reverse(strides[axis.members[0]].unsigned_abs())),
            None => self.axes.sort_by_key(|axis| strides[axis.members[0]].is(1)),
        }
    }

    /// Makes rows of the batch axes that hold.
    fn move_to_rows(&mut self, holds: impl Fn(usize) -> bool) {
        for axis in &mut self.axes {
            if axis.group == BATCH && holds(axis.members[0]) {
                axis.group = ROWS;
            }
        }
        self.axes.sort_by_key(|axis| axis.group);
    }

    /// Leaves axes of extent 1 out and merges neighbours; the groups named keep one axis.
    fn merge(&mut self, kept: &[Group]) {
        let mut merged: Vec<Axis> = Vec::new();
        for axis in std::mem::take(&mut self.axes) {
            if axis.extent.is(1) {
                continue;
            }
            let outer = merged.last_mut();
            match outer.and_then(|outer| Some((self.product(outer, &axis)?, outer))) {
                Some((extent, outer)) => {
                    outer.extent = extent;
                    outer.members.extend(axis.members);
                }
                None => merged.push(axis),
            }
        }
        for &group in kept {
            if self.groups.contains(&group) && !merged.iter().any(|axis| axis.group == group) {
                merged.push(Axis {
                    extent: Dim::from(1),
                    group,
                    members: Vec::new(),
                });
            }
        }
        merged.sort_by_key(|axis| axis.group);
        self.axes = merged;
    }

    /// The extent of two neighbours as one axis, where they can be one.
    fn product(&self, outer: &Axis, inner: &Axis) -> Option<Dim> {
        let mut members = outer.members.iter().chain(&inner.members);
        if outer.group != inner.group || members.any(|axis| self.indexed.contains(axis)) {
            return None;
        }
        let (&last, &own) = (outer.members.last()?, inner.members.last()?);
        for view in &self.views {
            let (Some(far), Some(near)) = (&view[last], &view[own]) else {
                continue;
            };
            if near.mul(&inner.extent).ok()? != *far {
                return None;
            }
        }
        outer.extent.mul(&inner.extent).ok()
    }

    fn extents(&self, group: Group) -> Vec<Dim> {
        let own = self.axes.iter().filter(|axis| axis.group == group);
        own.map(|axis| axis.extent.clone()).collect()
    }

    fn rebuilt_all(&self, accesses: &[Access], groups: &[Group]) -> Option<Vec<Access>> {
        let accesses = accesses.iter().map(|access| self.rebuilt(access, groups));
        accesses.collect()
    }

    /// The access over the new axes.
    fn rebuilt(&self, access: &Access, groups: &[Group]) -> Option<Access> {
        let old = self.strides(access, groups)?;
        let own = self.axes.iter().filter(|axis| groups.contains(&axis.group));
        let stride = |axis: &Axis| match axis.members.last() {
            Some(&member) => old[member].clone(),
            None => Some(Dim::from(0)),
        };
        let indirect = access.indirect.as_ref().map(|indirect| {
            Some(Indirect {
                index: Box::new(self.rebuilt(&indirect.index, groups)?),
                ..indirect.clone()
            })
        });
        Some(Access {
            argument: access.argument,
            offset: access.offset.clone(),
            strides: own.map(stride).collect::<Option<_>>()?,
            indirect: present(indirect)?,
        })
    }

    /// The body with the new axes' numbers; the place along one that is left out is 0.
    fn rebuilt_body(&self, body: &Body) -> Body {
        let mut builder = BodyBuilder::new();
        let inputs: Vec<ScalarId> = body.inputs.iter().map(|&d| builder.input(d)).collect();
        let mut places: Vec<ScalarId> = Vec::with_capacity(body.nodes.len());
        for node in &body.nodes {
            let place = match node.op {
                ScalarOp::Input(n) => inputs[n as usize],
                ScalarOp::Index(axis) => {
                    let mut axes = self.axes.iter();
                    match axes.position(|new| new.members.contains(&(axis as usize))) {
                        Some(new) => builder.push(ScalarOp::Index(new as u32), node.dtype),
                        None => builder.literal(node.dtype, Number::Int(0)),
                    }
                }
                ref op => {
                    let op = op.map_operands(|id| places[id.0 as usize]);
                    builder.push(op, node.dtype)
                }
            };
            places.push(place);
        }
        let outputs: Vec<ScalarId> = body
            .outputs
            .iter()
            .map(|id| places[id.0 as usize])
            .collect();
        builder.finish(&outputs)
    }
}
