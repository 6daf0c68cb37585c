use std::ops::Range;

use eyas_ir::Body;
use eyas_kernels::Access;
use eyas_tensor::Dim;

use crate::cursor::is_contiguous;
use crate::error::Fault;

/// The factors of one side of a contraction.
#[derive(Debug)]
pub(super) struct Operand {
    /// Over batch, the side's own axes, and those that are summed over; axes of the last two were
    /// merged as far as this operand alone allows.
    pub(super) access: Access,
    /// All extents.
    pub(super) extents: Vec<Dim>,
    /// The side's own axes.
    pub(super) own: Range<usize>,
    /// The axes that are summed over.
    pub(super) contracted: Range<usize>,
    /// From an element a factor.
    pub(super) convert: Body,
}

/// Along what a thread loads several elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    /// Along the side's own places.
    Own,
    /// Along what is summed over.
    Contracted,
}

impl Operand {
    /// `groups` are the extents of batch, of the side and of what is summed over, as the access
    /// has strides.
    pub(super) fn new(
        access: &Access,
        groups: [&[Dim]; 3],
        convert: Body,
    ) -> Result<Operand, Fault> {
        let mut operand = Operand {
            access: access.reordered(&[]),
            extents: Vec::new(),
            own: 0..0,
            contracted: 0..0,
            convert,
        };
        let mut axis = 0;
        for (number, group) in groups.into_iter().enumerate() {
            let start = operand.extents.len();
            for extent in group {
                operand.take(access, axis, extent, start, number > 0)?;
                axis += 1;
            }
            let range = start..operand.extents.len();
            match number {
                1 => operand.own = range,
                _ => operand.contracted = range,
            }
        }
        Ok(operand)
    }

    /// Takes up an axis; those from `start` on are of its group.
    fn take(
        &mut self,
        access: &Access,
        axis: usize,
        extent: &Dim,
        start: usize,
        mergeable: bool,
    ) -> Result<(), Fault> {
        if mergeable && extent.is(1) {
            return Ok(());
        }
        let mut steps_on = mergeable && self.extents.len() > start;
        for (own, whole) in self.access.parts().zip(access.parts()) {
            let far = whole.strides[axis].mul(extent)?;
            steps_on &= own.strides.last() == Some(&far);
        }
        match self.extents.last_mut().filter(|_| steps_on) {
            Some(outer) => *outer = outer.mul(extent)?,
            None => self.extents.push(extent.clone()),
        }
        let place = |own: &mut Access, whole: &Access| {
            if steps_on {
                own.strides.pop();
            }
            own.strides.push(whole.strides[axis].clone());
        };
        place(&mut self.access, access);
        if let (Some(own), Some(whole)) = (&mut self.access.indirect, &access.indirect) {
            place(&mut own.index, &whole.index);
        }
        Ok(())
    }

    /// Along what elements are loaded, and whether they lie side by side there.
    pub(super) fn direction(&self) -> (Direction, bool) {
        let near = |axes: &Range<usize>| {
            let last = axes.clone().next_back();
            last.is_some_and(|axis| is_contiguous(&self.access, axis))
        };
        match (near(&self.own), near(&self.contracted)) {
            (true, _) => (Direction::Own, true),
            (false, true) => (Direction::Contracted, true),
            (false, false) if self.is_scattered() => (Direction::Own, false),
            (false, false) => {
                let step = |axes: &Range<usize>| {
                    let last = axes.clone().next_back()?;
                    self.access.strides[last].as_constant()
                };
                match (step(&self.own), step(&self.contracted)) {
                    (Some(own), Some(contracted))
                        if own.unsigned_abs() <= contracted.unsigned_abs() =>
                    {
                        (Direction::Own, false)
                    }
                    (Some(_), None) => (Direction::Own, false),
                    _ => (Direction::Contracted, false),
                }
            }
        }
    }

    /// Whether an element's place along what is summed over is no single step from its
    /// neighbour's.
    pub(super) fn is_scattered(&self) -> bool {
        self.contracted.len() > 1 || self.is_indexed_along_contracted()
    }

    /// Whether another index is read at each place that is summed over.
    pub(super) fn is_indexed_along_contracted(&self) -> bool {
        let indirect = self.access.indirect.as_ref();
        indirect.is_some_and(|indirect| {
            let strides = &indirect.index.strides[self.contracted.clone()];
            strides.iter().any(|stride| !stride.is(0))
        })
    }
}
