use std::collections::BTreeSet;

use eyas_ir::{Body, ScalarOp};
use eyas_kernels::Access;
use eyas_tensor::Dim;

use crate::error::Fault;

/// An iteration space with as few axes as its accesses allow: axes of one place are gone, and
/// neighbours through which every access steps evenly are one.
pub(crate) struct Space {
    /// Extents, a list a group.
    pub(crate) groups: Vec<Vec<Dim>>,
    /// The accesses seen from all axes that are left.
    pub(crate) accesses: Vec<Access>,
    /// Where an axis of before is now; `None` where its place is always 0. Axes that no body
    /// asks for may be anywhere.
    pub(crate) index: Vec<Option<usize>>,
}

impl Space {
    /// Axes merge only inside a group. Every access has a stride for each axis of all groups;
    /// `kept` are axes whose places bodies ask for.
    pub(crate) fn new(
        groups: &[&[Dim]],
        accesses: Vec<Access>,
        kept: &BTreeSet<usize>,
    ) -> Result<Space, Fault> {
        let mut space = Space {
            groups: Vec::new(),
            accesses: accesses.iter().map(without_axes).collect(),
            index: Vec::new(),
        };
        let mut axis = 0;
        for group in groups {
            space.groups.push(Vec::new());
            let mut mergeable = false;
            for extent in *group {
                if extent.is(1) {
                    space.index.push(None);
                } else if mergeable
                    && !kept.contains(&axis)
                    && space.merges(&accesses, axis, extent)
                {
                    space.merge(&accesses, axis, extent)?;
                } else {
                    space.push(&accesses, axis, extent);
                    mergeable = !kept.contains(&axis);
                }
                axis += 1;
            }
        }
        Ok(space)
    }

    /// Gives a group that has no axis left one of a single place.
    pub(crate) fn fill(&mut self, group: usize) {
        if !self.groups[group].is_empty() {
            return;
        }
        let place: usize = self.groups[..group].iter().map(Vec::len).sum();
        self.groups[group].push(Dim::from(1));
        for access in &mut self.accesses {
            access.strides.insert(place, Dim::from(0));
            if let Some(indirect) = &mut access.indirect {
                indirect.index.strides.insert(place, Dim::from(0));
            }
        }
        for index in self.index.iter_mut().flatten() {
            if *index >= place {
                *index += 1;
            }
        }
    }

    /// The first axis of a group.
    pub(crate) fn first(&self, group: usize) -> usize {
        self.groups[..group].iter().map(Vec::len).sum()
    }

    /// All extents.
    pub(crate) fn extents(&self) -> Vec<Dim> {
        self.groups.concat()
    }

    fn push(&mut self, accesses: &[Access], axis: usize, extent: &Dim) {
        let place = self.groups.iter().map(Vec::len).sum();
        self.index.push(Some(place));
        if let Some(group) = self.groups.last_mut() {
            group.push(extent.clone());
        }
        self.each_part(accesses, |part, before| {
            part.strides.push(before.strides[axis].clone());
        });
    }

    /// Whether a step along the axis before is as far as all of this axis.
    fn merges(&self, accesses: &[Access], axis: usize, extent: &Dim) -> bool {
        let pairs = self.accesses.iter().zip(accesses);
        pairs
            .flat_map(|(part, before)| part.parts().zip(before.parts()))
            .all(|(part, before)| {
                let whole = before.strides[axis].mul(extent).ok();
                part.strides.last() == whole.as_ref()
            })
    }

    fn merge(&mut self, accesses: &[Access], axis: usize, extent: &Dim) -> Result<(), Fault> {
        let place: usize = self.groups.iter().map(Vec::len).sum();
        self.index.push(place.checked_sub(1));
        if let Some(last) = self.groups.last_mut().and_then(|group| group.last_mut()) {
            *last = last.mul(extent)?;
        }
        self.each_part(accesses, |part, before| {
            part.strides.pop();
            part.strides.push(before.strides[axis].clone());
        });
        Ok(())
    }

    fn each_part(&mut self, accesses: &[Access], change: impl Fn(&mut Access, &Access)) {
        for (access, before) in self.accesses.iter_mut().zip(accesses) {
            change(access, before);
            if let (Some(part), Some(before)) = (&mut access.indirect, &before.indirect) {
                change(&mut part.index, &before.index);
            }
        }
    }
}

fn without_axes(access: &Access) -> Access {
    access.reordered(&[])
}

/// The access seen from a space with more axes: its own are those numbered by `axes`.
pub(crate) fn spread(access: &Access, axes: &[usize], rank: usize) -> Access {
    let mut spread = access.clone();
    let place = |strides: &[Dim]| {
        let mut placed = vec![Dim::from(0); rank];
        for (axis, stride) in axes.iter().zip(strides) {
            placed[*axis] = stride.clone();
        }
        placed
    };
    spread.strides = place(&access.strides);
    if let Some(indirect) = &mut spread.indirect {
        indirect.index.strides = place(&indirect.index.strides);
    }
    spread
}

/// The axes whose places a body asks for.
pub(crate) fn indexed_axes<'a>(bodies: impl IntoIterator<Item = &'a Body>) -> BTreeSet<usize> {
    let nodes = bodies.into_iter().flat_map(|body| &body.nodes);
    nodes
        .filter_map(|node| match node.op {
            ScalarOp::Index(axis) => Some(axis as usize),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dims(texts: &[&str]) -> Vec<Dim> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn axes_of_dense_tensors_become_one() {
        let extents = dims(&["B", "1", "S", "64"]);
        let access = Access::dense(0, &extents).unwrap();
        let space = Space::new(&[&extents], vec![access], &BTreeSet::new()).unwrap();
        assert_eq!(space.extents(), dims(&["64*B*S"]));
        assert_eq!(space.accesses[0].strides, dims(&["1"]));
    }

    #[test]
    fn axes_that_are_asked_for_or_broadcast_stay() {
        let extents = dims(&["B", "S", "64"]);
        let access = Access::dense(0, &extents).unwrap();
        let kept = BTreeSet::from([1]);
        let space = Space::new(&[&extents], vec![access.clone()], &kept).unwrap();
        assert_eq!(space.extents(), extents);
        assert_eq!(space.index, [Some(0), Some(1), Some(2)]);
        let row = spread(&Access::dense(1, &extents[2..]).unwrap(), &[2], 3);
        let space = Space::new(&[&extents], vec![access, row], &BTreeSet::new()).unwrap();
        assert_eq!(space.extents(), dims(&["B*S", "64"]));
        assert_eq!(space.accesses[1].strides, dims(&["0", "1"]));
    }
}
