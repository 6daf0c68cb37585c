use std::collections::BTreeMap;

use eyas_ir::Value;
use eyas_kernels::row_major;
use eyas_tensor::{Dim, Facts};

use crate::refusal::Refusal;

/// A place along an axis of a value, or in the flat storage of one, as a kernel sees it:
/// `constant + sum(factor * axis)` over the axes of the kernel's space, and perhaps a number that
/// is read from memory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Index {
    pub(crate) constant: Dim,
    pub(crate) terms: BTreeMap<usize, Dim>,
    pub(crate) lookup: Option<Lookup>,
}

/// `factor` times a number read from a materialised value, in `0..extent`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Lookup {
    pub(crate) source: Value,
    pub(crate) place: Box<Index>,
    pub(crate) extent: Dim,
    pub(crate) factor: Dim,
}

impl Index {
    /// A fixed place.
    pub(crate) fn constant(constant: Dim) -> Index {
        Index {
            constant,
            terms: BTreeMap::new(),
            lookup: None,
        }
    }

    /// The first place.
    pub(crate) fn zero() -> Index {
        Index::constant(Dim::from(0))
    }

    /// The place along an axis of the space.
    pub(crate) fn axis(axis: usize) -> Index {
        Index {
            terms: BTreeMap::from([(axis, Dim::from(1))]),
            ..Index::zero()
        }
    }

    /// An axis for each extent, numbered from 0; where there is one place, that.
    pub(crate) fn identity(shape: &[Dim]) -> Vec<Index> {
        let axis = |(axis, extent): (usize, &Dim)| match extent.is(1) {
            true => Index::zero(),
            false => Index::axis(axis),
        };
        shape.iter().enumerate().map(axis).collect()
    }

    /// The axis where the place is that of one axis and nothing else.
    pub(crate) fn as_axis(&self) -> Option<usize> {
        let (axis, factor) = self.terms.first_key_value()?;
        let alone = self.terms.len() == 1 && self.lookup.is_none() && self.constant.is(0);
        (alone && factor.is(1)).then_some(*axis)
    }

    /// Whether this is the first place, whatever the axes.
    pub(crate) fn is_zero(&self) -> bool {
        self.constant.is(0) && self.terms.is_empty() && self.lookup.is_none()
    }

    /// Whether the place changes along an axis.
    pub(crate) fn uses(&self, axis: usize) -> bool {
        let lookup = self.lookup.as_ref();
        self.terms.contains_key(&axis) || lookup.is_some_and(|lookup| lookup.place.uses(axis))
    }

    /// The factor of an axis.
    pub(crate) fn factor(&self, axis: usize) -> Dim {
        self.terms.get(&axis).cloned().unwrap_or(Dim::from(0))
    }

    /// Every factor times `by`.
    pub(crate) fn scaled(&self, by: &Dim) -> Result<Index, Refusal> {
        let mut terms = BTreeMap::new();
        for (axis, factor) in &self.terms {
            let factor = factor.mul(by)?;
            if !factor.is(0) {
                terms.insert(*axis, factor);
            }
        }
        let lookup = match &self.lookup {
            None => None,
            Some(lookup) => Some(Lookup {
                factor: lookup.factor.mul(by)?,
                ..lookup.clone()
            }),
        };
        Ok(Index {
            constant: self.constant.mul(by)?,
            terms,
            lookup,
        })
    }

    /// The sum of two.
    pub(crate) fn plus(&self, other: &Index) -> Result<Index, Refusal> {
        let mut sum = self.clone();
        sum.constant = sum.constant.add(&other.constant)?;
        for (axis, factor) in &other.terms {
            let total = sum.factor(*axis).add(factor)?;
            match total.is(0) {
                true => sum.terms.remove(axis),
                false => sum.terms.insert(*axis, total),
            };
        }
        match (&sum.lookup, &other.lookup) {
            (Some(_), Some(_)) => return Err(Refusal::Form),
            (None, lookup) => sum.lookup = lookup.clone(),
            _ => {}
        }
        Ok(sum)
    }

    /// The place in the row-major storage of a shape, from the places along its axes.
    pub(crate) fn flatten(map: &[Index], shape: &[Dim]) -> Result<Index, Refusal> {
        let strides = row_major(shape)?;
        let mut flat = Index::zero();
        for ((index, stride), extent) in map.iter().zip(&strides).zip(shape) {
            if extent.is(1) && index.lookup.is_none() {
                continue;
            }
            flat = flat.plus(&index.scaled(stride)?)?;
        }
        Ok(flat)
    }

    /// The places along the axes of a shape whose row-major storage has this flat place. Refused
    /// where that is not proved to be affine.
    pub(crate) fn unflatten(
        &self,
        shape: &[Dim],
        space: &[Dim],
        facts: &Facts,
    ) -> Result<Vec<Index>, Refusal> {
        let strides = row_major(shape)?;
        let mut map = vec![Index::zero(); shape.len()];
        let target = |factor: &Dim| {
            let axes = (0..shape.len()).filter(|&axis| !shape[axis].is(1));
            let quotient = |axis| Some((axis, exact_quotient(factor, &strides[axis])?));
            axes.into_iter().find_map(quotient).ok_or(Refusal::Form)
        };
        for (axis, factor) in &self.terms {
            let (place, quotient) = target(factor)?;
            map[place].terms.insert(*axis, quotient);
        }
        if let Some(lookup) = &self.lookup {
            let (place, factor) = target(&lookup.factor)?;
            let lookup = lookup.clone();
            map[place].lookup = Some(Lookup { factor, ..lookup });
        }
        let mut rest = self.constant.clone();
        while !rest.is(0) {
            let (place, quotient) = leading_quotient(&rest, shape, &strides)?;
            rest = rest.sub(&quotient.mul(&strides[place])?)?;
            map[place].constant = map[place].constant.add(&quotient)?;
        }
        for (index, extent) in map.iter().zip(shape) {
            if !index.is_within(extent, space, facts)? {
                return Err(Refusal::Form);
            }
        }
        Ok(map)
    }

    /// Whether the place is proved to be in `0..extent` for every place of the space.
    fn is_within(&self, extent: &Dim, space: &[Dim], facts: &Facts) -> Result<bool, Refusal> {
        let mut last = self.constant.clone();
        let zero = Dim::from(0);
        let mut sound = facts.proves_at_most(&zero, &self.constant);
        let lookups = self.lookup.iter().map(|x| (&x.factor, &x.extent));
        let terms = self.terms.iter().map(|(axis, f)| (f, &space[*axis]));
        for (factor, extent) in terms.chain(lookups) {
            sound &= facts.proves_at_most(&zero, factor);
            last = last.add(&extent.sub(&Dim::from(1))?.mul(factor)?)?;
        }
        Ok(sound && facts.proves_at_most(&last, &extent.sub(&Dim::from(1))?))
    }
}

/// The quotient where the division comes out.
pub(crate) fn exact_quotient(dividend: &Dim, divisor: &Dim) -> Option<Dim> {
    let quotient = dividend.floor_div(divisor).ok()?;
    let back = quotient.mul(divisor).ok()?;
    (back == *dividend && !quotient.is(0)).then_some(quotient)
}

/// The outermost axis that takes a part of a fixed place, and how many steps along it.
fn leading_quotient(rest: &Dim, shape: &[Dim], strides: &[Dim]) -> Result<(usize, Dim), Refusal> {
    for axis in (0..shape.len()).filter(|&axis| !shape[axis].is(1)) {
        let whole = match (rest.as_constant(), strides[axis].as_constant()) {
            (Some(rest), Some(stride)) if stride > 0 => Some(Dim::from(rest / stride)),
            _ => exact_quotient(rest, &strides[axis]),
        };
        if let Some(quotient) = whole.filter(|quotient| !quotient.is(0)) {
            return Ok((axis, quotient));
        }
    }
    Err(Refusal::Form)
}
