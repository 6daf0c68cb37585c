use eyas_ir::Body;
use eyas_kernels::Access;
use eyas_tensor::Dim;

use crate::error::Fault;

/// The factors of one side of a contraction.
#[derive(Debug)]
pub(super) struct Operand {
    /// The argument that they are read from.
    pub(super) argument: usize,
    /// The place of the first, in elements.
    pub(super) offset: Dim,
    /// A part that hangs on a value.
    pub(super) index: Option<Index>,
    /// Axes of the batch, as many as the result has.
    pub(super) batch: Vec<Axis>,
    /// Axes of the side.
    pub(super) own: Vec<Axis>,
    /// Axes that are summed over.
    pub(super) contracted: Vec<Axis>,
    /// From an element a factor.
    pub(super) convert: Body,
}

/// Where an index is read; what it steps by stands in each [`Axis`].
#[derive(Debug)]
pub(super) struct Index {
    pub(super) argument: usize,
    pub(super) offset: Dim,
    /// Elements of the operand between places of the indexed axis.
    pub(super) stride: Dim,
    /// Places of the indexed axis.
    pub(super) extent: Dim,
}

/// An axis that an operand is read along.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Axis {
    pub(super) extent: Dim,
    /// Elements between neighbours.
    pub(super) stride: Dim,
    /// Elements between neighbours where the index is read; 0 where none is.
    pub(super) index: Dim,
}

/// The direction along which elements lie side by side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    /// Along the side's own places.
    Own,
    /// Along what is summed over.
    Contracted,
}

impl Operand {
    /// `extents` are those of batch, of the side and of what is summed over, as the access has
    /// strides.
    pub(super) fn new(
        access: &Access,
        extents: [&[Dim]; 3],
        convert: Body,
    ) -> Result<Operand, Fault> {
        let zero = Dim::from(0);
        let index = access.indirect.as_ref().map(|indirect| &*indirect.index);
        let mut place = 0;
        let mut groups = Vec::with_capacity(extents.len());
        for group in extents {
            let axes = group.iter().map(|extent| {
                place += 1;
                let stride = |access: &Access| access.strides.get(place - 1).cloned();
                Axis {
                    extent: extent.clone(),
                    stride: stride(access).unwrap_or(zero.clone()),
                    index: index.and_then(stride).unwrap_or(zero.clone()),
                }
            });
            groups.push(axes.collect::<Vec<Axis>>());
        }
        let contracted = merged(groups.pop().unwrap_or_default())?;
        let own = merged(groups.pop().unwrap_or_default())?;
        Ok(Operand {
            argument: access.argument,
            offset: access.offset.clone(),
            index: access.indirect.as_ref().map(|indirect| Index {
                argument: indirect.index.argument,
                offset: indirect.index.offset.clone(),
                stride: indirect.stride.clone(),
                extent: indirect.extent.clone(),
            }),
            batch: groups.pop().unwrap_or_default(),
            own,
            contracted,
            convert,
        })
    }

    /// The direction to read along, and whether elements lie side by side there.
    pub(super) fn direction(&self) -> (Direction, bool) {
        let near = |axes: &[Axis]| axes.last().is_some_and(|axis| axis.is_contiguous());
        let indexed = self.is_indexed_along(&self.contracted);
        match (near(&self.own), near(&self.contracted)) {
            (true, false) => (Direction::Own, true),
            (false, true) => (Direction::Contracted, true),
            // Both only where one of them has a single place or overlaps itself.
            (true, true) => (Direction::Own, true),
            (false, false) if indexed => (Direction::Own, false),
            (false, false) => {
                let least = |axes: &[Axis]| {
                    let last = axes.last().and_then(|axis| axis.stride.as_constant());
                    last.map_or(i64::MAX, |stride| stride.saturating_abs())
                };
                match least(&self.contracted) < least(&self.own) {
                    true => (Direction::Contracted, false),
                    false => (Direction::Own, false),
                }
            }
        }
    }

    /// Whether the index is not the same everywhere along these axes.
    pub(super) fn is_indexed_along(&self, axes: &[Axis]) -> bool {
        self.index.is_some() && axes.iter().any(|axis| !axis.index.is(0))
    }
}

impl Axis {
    /// Whether neighbours lie side by side under one index.
    fn is_contiguous(&self) -> bool {
        self.stride.is(1) && self.index.is(0)
    }
}

/// The axes that are left when those of one place are gone, and neighbours that are stepped
/// through as through one are one.
fn merged(axes: Vec<Axis>) -> Result<Vec<Axis>, Fault> {
    let mut merged: Vec<Axis> = Vec::with_capacity(axes.len());
    for axis in axes {
        if axis.extent.is(1) {
            continue;
        }
        if let Some(outer) = merged.last_mut()
            && outer.stride == axis.stride.mul(&axis.extent)?
            && outer.index == axis.index.mul(&axis.extent)?
        {
            outer.extent = outer.extent.mul(&axis.extent)?;
            outer.stride = axis.stride;
            outer.index = axis.index;
            continue;
        }
        merged.push(axis);
    }
    Ok(merged)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(extent: i64, stride: i64) -> Axis {
        Axis {
            extent: Dim::from(extent),
            stride: Dim::from(stride),
            index: Dim::from(0),
        }
    }

    #[test]
    fn axes_of_one_place_go_and_dense_neighbours_become_one() {
        let axes = vec![axis(1, 9), axis(2, 12), axis(3, 4), axis(4, 1)];
        assert_eq!(merged(axes).unwrap(), [axis(24, 1)]);
        let axes = vec![axis(2, 1), axis(3, 2)];
        assert_eq!(merged(axes.clone()).unwrap(), axes);
    }
}
