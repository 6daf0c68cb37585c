use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{Atom, Dim, DimError};

/// How the two sides of a [`Fact`] compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Relation {
    Equal,
    NotEqual,
    LessOrEqual,
    Less,
}

/// Something that `where` or `assert` says of dims: proved at compile time, assumed by the
/// prover, or checked when the dims are bound.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Fact {
    /// The left side.
    pub left: Dim,
    /// How they compare.
    pub relation: Relation,
    /// The right side.
    pub right: Dim,
    /// What to say when it does not hold.
    pub message: Option<String>,
}

impl Fact {
    /// Whether the fact holds under a binding.
    ///
    /// # Errors
    /// What evaluating the two dims gives.
    pub fn holds(&self, binding: &dyn Fn(&str) -> Option<i64>) -> Result<bool, DimError> {
        let (left, right) = (self.left.evaluate(binding)?, self.right.evaluate(binding)?);
        Ok(match self.relation {
            Relation::Equal => left == right,
            Relation::NotEqual => left != right,
            Relation::LessOrEqual => left <= right,
            Relation::Less => left < right,
        })
    }
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let relation = match self.relation {
            Relation::Equal => "==",
            Relation::NotEqual => "!=",
            Relation::LessOrEqual => "<=",
            Relation::Less => "<",
        };
        write!(f, "{} {relation} {}", self.left, self.right)
    }
}

/// What is known of the symbols: the assumed facts, and what follows from them.
/// A symbol with no fact is an extent, so at least 0.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    facts: Vec<Fact>,
}

/// Rewriting by facts stops after so many rounds; each round makes a dim simpler.
const SIMPLIFY_ROUNDS: usize = 8;

impl Facts {
    /// Assumes a fact.
    pub fn assume(&mut self, fact: Fact) {
        if !self.facts.contains(&fact) {
            self.facts.push(fact);
        }
    }

    /// The assumed facts in order.
    pub fn iter(&self) -> impl Iterator<Item = &Fact> {
        self.facts.iter()
    }

    /// The dim with symbols replaced by what facts make them equal to (`S == T`), and with
    /// remainders that a fact says are zero taken out.
    pub fn simplify(&self, dim: &Dim) -> Dim {
        if dim.as_constant().is_some() || self.facts.is_empty() {
            return dim.clone();
        }
        let mut current = dim.clone();
        for _ in 0..SIMPLIFY_ROUNDS {
            let next = current
                .map_atoms(&|atom| Ok(self.replacement(atom)))
                .unwrap_or_else(|_| current.clone());
            if next == current {
                break;
            }
            current = next;
        }
        current
    }

    fn replacement(&self, atom: &Atom) -> Option<Dim> {
        match atom {
            Atom::Symbol(name) => self.equalities().get(name).cloned(),
            Atom::Mod(value, divisor) => self.divides(divisor, value).then(|| Dim::from(0)),
            // Where d divides x, x // d * k is kept as an atom; see `proves_equal`.
            _ => None,
        }
    }

    /// Symbols that a fact makes equal to a simpler dim: a constant, or a symbol earlier in the order.
    fn equalities(&self) -> BTreeMap<Arc<str>, Dim> {
        let mut map = BTreeMap::new();
        for fact in self
            .facts
            .iter()
            .filter(|fact| fact.relation == Relation::Equal)
        {
            let pairs = [(&fact.left, &fact.right), (&fact.right, &fact.left)];
            for (from, to) in pairs {
                let Some(name) = from.as_symbol() else {
                    continue;
                };
                let simpler = !to.symbols().contains(name)
                    && to.symbols().iter().all(|other| &**other < name);
                if simpler {
                    map.insert(Arc::from(name), to.clone());
                    break;
                }
            }
        }
        map
    }

    fn divides(&self, divisor: &Dim, value: &Dim) -> bool {
        self.facts.iter().any(|fact| {
            let (left, right) = (&fact.left, &fact.right);
            let zero_side = [(left, right), (right, left)];
            fact.relation == Relation::Equal && zero_side.into_iter().any(|(a, b)| {
                let terms = a.terms();
                let atom = terms
                    .keys()
                    .next()
                    .and_then(|monomial| monomial.keys().next());
                b.is(0)
                    && terms.len() == 1
                    && matches!(atom, Some(Atom::Mod(x, d)) if x == value && multiple(d, divisor))
            })
        })
    }

    /// Whether two dims are equal under the facts. A `false` means "not proved".
    pub fn proves_equal(&self, a: &Dim, b: &Dim) -> bool {
        if a == b {
            return true;
        }
        let (a, b) = (self.simplify(a), self.simplify(b));
        a == b || self.restore_multiples(&a) == self.restore_multiples(&b)
    }

    /// With `x % d == 0` known, writes the symbol x as `d * (x // d)`, so that products with
    /// the quotient and with the whole meet in one form.
    fn restore_multiples(&self, dim: &Dim) -> Dim {
        dim.substitute(&|name| {
            let whole = Dim::symbol(name);
            self.facts.iter().find_map(|fact| {
                let terms = fact.left.terms();
                let atom = terms
                    .keys()
                    .next()
                    .and_then(|monomial| monomial.keys().next());
                match atom {
                    Some(Atom::Mod(x, d))
                        if fact.relation == Relation::Equal && fact.right.is(0) && *x == whole =>
                    {
                        whole.floor_div(d).ok()?.mul(d).ok()
                    }
                    _ => None,
                }
            })
        })
        .unwrap_or_else(|_| dim.clone())
    }

    /// Whether `a <= b` for every binding that the facts allow. A `false` means "not proved".
    pub fn proves_at_most(&self, a: &Dim, b: &Dim) -> bool {
        let Ok(difference) = b.sub(a) else {
            return false;
        };
        self.range(&difference).0.is_some_and(|low| low >= 0)
            || self.facts.iter().any(|fact| {
                matches!(
                    fact.relation,
                    Relation::LessOrEqual | Relation::Less | Relation::Equal
                ) && fact.left == *a
                    && self
                        .range(&b.sub(&fact.right).unwrap_or(Dim::from(-1)))
                        .0
                        .is_some_and(|low| low >= 0)
            })
    }

    /// The least and greatest value, where known, by interval arithmetic over the terms.
    pub fn range(&self, dim: &Dim) -> (Option<i64>, Option<i64>) {
        let (mut low, mut high) = (Some(0i64), Some(0i64));
        for (monomial, coefficient) in self.simplify(dim).terms() {
            let (mut least, mut most) = (Some(1i64), Some(1i64));
            for (atom, exponent) in monomial {
                let (atom_low, atom_high) = self.atom_range(&atom);
                // Products of ranges are followed only where no factor can be negative.
                if atom_low.is_none_or(|value| value < 0) {
                    return (None, None);
                }
                for _ in 0..exponent {
                    least = least.zip(atom_low).and_then(|(a, b)| a.checked_mul(b));
                    most = most.zip(atom_high).and_then(|(a, b)| a.checked_mul(b));
                }
            }
            let (small, large) = if coefficient < 0 {
                (most, least)
            } else {
                (least, most)
            };
            low = low
                .zip(small)
                .and_then(|(sum, x)| x.checked_mul(coefficient).and_then(|x| sum.checked_add(x)));
            high = high
                .zip(large)
                .and_then(|(sum, x)| x.checked_mul(coefficient).and_then(|x| sum.checked_add(x)));
        }
        (low, high)
    }

    fn atom_range(&self, atom: &Atom) -> (Option<i64>, Option<i64>) {
        match atom {
            Atom::Symbol(name) => self.symbol_range(name),
            Atom::FloorDiv(a, b) => match (self.range(a), b.as_constant()) {
                ((low, high), Some(by)) if by > 0 => (
                    low.map(|x| x.div_euclid(by)),
                    high.map(|x| x.div_euclid(by)),
                ),
                ((Some(low), high), None)
                    if low >= 0 && self.range(b).0.is_some_and(|x| x >= 0) =>
                {
                    (Some(0), high)
                }
                _ => (None, None),
            },
            Atom::Mod(_, b) => match self.range(b) {
                (Some(low), high) if low >= 0 => (Some(0), high.map(|x| x - 1)),
                _ => (None, None),
            },
            Atom::Min(a, b) => {
                let (a, b) = (self.range(a), self.range(b));
                let high = match (a.1, b.1) {
                    (Some(x), Some(y)) => Some(x.min(y)),
                    (x, y) => x.or(y),
                };
                (a.0.zip(b.0).map(|(x, y)| x.min(y)), high)
            }
            Atom::Max(a, b) => {
                let (a, b) = (self.range(a), self.range(b));
                let low = match (a.0, b.0) {
                    (Some(x), Some(y)) => Some(x.max(y)),
                    (x, y) => x.or(y),
                };
                (low, a.1.zip(b.1).map(|(x, y)| x.max(y)))
            }
        }
    }

    fn symbol_range(&self, name: &str) -> (Option<i64>, Option<i64>) {
        let (mut low, mut high) = (0i64, None::<i64>);
        for fact in &self.facts {
            let strict = i64::from(fact.relation == Relation::Less);
            let equal = fact.relation == Relation::Equal;
            if fact.relation == Relation::NotEqual {
                if fact.left.as_symbol() == Some(name) && fact.right.is(low) {
                    low += 1;
                }
                continue;
            }
            if let (Some(symbol), Some(value)) = (fact.left.as_symbol(), fact.right.as_constant())
                && symbol == name
            {
                high = Some(high.map_or(value - strict, |x| x.min(value - strict)));
                low = if equal { low.max(value) } else { low };
            }
            if let (Some(value), Some(symbol)) = (fact.left.as_constant(), fact.right.as_symbol())
                && symbol == name
            {
                low = low.max(value + strict);
                high = if equal {
                    Some(high.map_or(value, |x| x.min(value)))
                } else {
                    high
                };
            }
        }
        (Some(low), high)
    }
}

fn multiple(of: &Dim, divisor: &Dim) -> bool {
    of == divisor || of.modulo(divisor).is_ok_and(|rest| rest.is(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fact(left: &str, relation: Relation, right: &str) -> Fact {
        Fact {
            left: left.parse().unwrap(),
            relation,
            right: right.parse().unwrap(),
            message: None,
        }
    }

    fn dim(text: &str) -> Dim {
        text.parse().unwrap()
    }

    #[test]
    fn facts_prove_what_forms_alone_do_not() {
        let mut facts = Facts::default();
        assert!(!facts.proves_equal(&dim("S"), &dim("T")));
        facts.assume(fact("S", Relation::Equal, "T"));
        facts.assume(fact("D % 8", Relation::Equal, "0"));
        facts.assume(fact("S", Relation::LessOrEqual, "2048"));
        assert!(facts.proves_equal(&dim("2*S"), &dim("T + S")));
        assert!(facts.proves_equal(&dim("D // 8 * 8"), &dim("D")));
        assert!(facts.proves_equal(&dim("D % 4"), &dim("0")));
        assert!(facts.proves_at_most(&dim("S"), &dim("4096")));
        assert!(!facts.proves_at_most(&dim("S"), &dim("2047")));
        assert_eq!(facts.range(&dim("2*S + 1")), (Some(1), Some(4097)));
    }
}
