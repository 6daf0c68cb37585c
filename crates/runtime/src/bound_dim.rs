use std::collections::BTreeMap;

use eyas_tensor::{Atom, Dim, DimError};

/// A dim under a binding: a number, or what the loops around make of it.
#[derive(Debug, Clone)]
pub(crate) enum BoundDim {
    /// `constant + sum(coefficient * trip)`, by the loops' numbers.
    Affine {
        constant: i64,
        terms: Box<[(usize, i64)]>,
    },
    /// Anything else, over the trip symbols.
    General {
        dim: Dim,
        slots: Box<[(String, usize)]>,
    },
}

impl BoundDim {
    /// The dim under the binding, inside the loops with these trip symbols.
    pub(crate) fn new(
        dim: &Dim,
        binding: &BTreeMap<String, i64>,
        trips: &[(String, usize)],
    ) -> Result<BoundDim, DimError> {
        if let Some(constant) = dim.as_constant() {
            return Ok(BoundDim::constant(constant));
        }
        let slot = |name: &str| {
            let found = trips.iter().rev().find(|(trip, _)| trip == name);
            found.map(|(_, slot)| *slot)
        };
        let known = |name: &str| match slot(name) {
            Some(_) => None,
            None => binding.get(name).map(|&value| Dim::from(value)),
        };
        let open = dim.substitute(&known)?;
        let (mut constant, mut terms) = (0, Vec::new());
        for (monomial, coefficient) in open.terms() {
            match monomial.first_key_value() {
                None => constant = coefficient,
                Some((Atom::Symbol(name), 1)) if monomial.len() == 1 => {
                    let slot = slot(name).ok_or_else(|| DimError::Unbound(name.to_string()))?;
                    terms.push((slot, coefficient));
                }
                Some(_) => return BoundDim::general(open, &slot),
            }
        }
        let terms = terms.into_boxed_slice();
        Ok(BoundDim::Affine { constant, terms })
    }

    fn general(dim: Dim, slot: &dyn Fn(&str) -> Option<usize>) -> Result<BoundDim, DimError> {
        let slots = dim.symbols().into_iter().map(|name| {
            let slot = slot(&name).ok_or_else(|| DimError::Unbound(name.to_string()))?;
            Ok((name.to_string(), slot))
        });
        let slots = slots.collect::<Result<_, DimError>>()?;
        Ok(BoundDim::General { dim, slots })
    }

    pub(crate) fn constant(constant: i64) -> BoundDim {
        let terms = Box::default();
        BoundDim::Affine { constant, terms }
    }

    /// The value where no loop changes it.
    pub(crate) fn as_constant(&self) -> Option<i64> {
        match self {
            BoundDim::Affine { constant, terms } if terms.is_empty() => Some(*constant),
            BoundDim::Affine { .. } | BoundDim::General { .. } => None,
        }
    }

    /// The value in an iteration.
    pub(crate) fn evaluate(&self, trips: &[i64]) -> Result<i64, DimError> {
        match self {
            BoundDim::Affine { constant, terms } => {
                let sum = terms
                    .iter()
                    .try_fold(*constant, |sum, (slot, coefficient)| {
                        sum.checked_add(coefficient.checked_mul(trips[*slot])?)
                    });
                sum.ok_or(DimError::Overflow)
            }
            BoundDim::General { dim, slots } => dim.evaluate(&|name| {
                let found = slots.iter().find(|(known, _)| known == name);
                found.map(|(_, slot)| trips[*slot])
            }),
        }
    }

    /// The least and greatest value where each trip is below its count; `None` where it is not
    /// affine, or a count is not known.
    pub(crate) fn range(&self, counts: &dyn Fn(usize) -> Option<i64>) -> Option<(i128, i128)> {
        let BoundDim::Affine { constant, terms } = self else {
            return None;
        };
        let (mut low, mut high) = (i128::from(*constant), i128::from(*constant));
        for (slot, coefficient) in terms {
            let last = i128::from(counts(*slot)?.saturating_sub(1).max(0));
            let reach = last.checked_mul(i128::from(*coefficient))?;
            low = low.checked_add(reach.min(0))?;
            high = high.checked_add(reach.max(0))?;
        }
        Some((low, high))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dim_in_loops_is_what_its_evaluation_says() {
        let binding = BTreeMap::from([("B".to_owned(), 3)]);
        let trips = [("i".to_owned(), 0), ("j".to_owned(), 1)];
        for text in [
            "7",
            "B*i + 2*j - 4",
            "i * j + B",
            "(B*i + j) // 2",
            "min(i, B)",
        ] {
            let dim: Dim = text.parse().unwrap();
            let bound = BoundDim::new(&dim, &binding, &trips).unwrap();
            for (i, j) in [(0, 0), (1, 4), (5, 2)] {
                let expected = dim.evaluate(&|name| match name {
                    "B" => Some(3),
                    "i" => Some(i),
                    _ => Some(j),
                });
                assert_eq!(bound.evaluate(&[i, j]), expected, "{text}");
                if let Some((low, high)) = bound.range(&|_| Some(6)) {
                    let value = i128::from(expected.unwrap());
                    assert!(low <= value && value <= high, "{text}");
                }
            }
        }
        let unbound = BoundDim::new(&"S + i".parse().unwrap(), &binding, &trips);
        assert_eq!(unbound.unwrap_err(), DimError::Unbound("S".to_owned()));
    }
}
