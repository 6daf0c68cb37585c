//! Dim arithmetic under facts, bounded in size.

use eyas_tensor::{Atom, Dim, DimError, Fact, Facts, Monomial, Relation};

/// Atoms and coefficients that a dim may have: equal parts are shared in memory, but walked one by one.
const DIM_LIMIT: usize = 400;

/// Why arithmetic on dims gives nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// What the dims say.
    Dim(DimError),
    /// The dim has grown beyond bounds.
    Large,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Fault::Dim(error) => error.fmt(f),
            Fault::Large => f.write_str("the dim has too many terms"),
        }
    }
}

/// The operations on two dims.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DimOperation {
    Add,
    Subtract,
    Multiply,
    FloorDivide,
    Remainder,
    Minimum,
    Maximum,
}

/// Computes, and brings the result to normal form.
pub(crate) fn compute(
    facts: &Facts,
    operation: DimOperation,
    a: &Dim,
    b: &Dim,
) -> Result<Dim, Fault> {
    let result = match operation {
        DimOperation::Add => a.add(b),
        DimOperation::Subtract => a.sub(b),
        DimOperation::Multiply => a.mul(b),
        DimOperation::FloorDivide => a.floor_div(b),
        DimOperation::Remainder => a.modulo(b),
        DimOperation::Minimum => Ok(a.minimum(b)),
        DimOperation::Maximum => Ok(a.maximum(b)),
    };
    bounded(normal(facts, &result.map_err(Fault::Dim)?))
}

/// The product of extents.
pub(crate) fn product<'d>(
    facts: &Facts,
    dims: impl IntoIterator<Item = &'d Dim>,
) -> Result<Dim, Fault> {
    dims.into_iter().try_fold(Dim::from(1), |product, dim| {
        compute(facts, DimOperation::Multiply, &product, dim)
    })
}

/// The quotient where the division leaves nothing; `None` where that is not proved.
pub(crate) fn exact_quotient(facts: &Facts, a: &Dim, b: &Dim) -> Result<Option<Dim>, Fault> {
    if !compute(facts, DimOperation::Remainder, a, b)?.is(0) {
        return Ok(None);
    }
    compute(facts, DimOperation::FloorDivide, a, b).map(Some)
}

fn bounded(dim: Dim) -> Result<Dim, Fault> {
    let mut left = DIM_LIMIT;
    if within(&dim, &mut left) {
        Ok(dim)
    } else {
        Err(Fault::Large)
    }
}

fn within(dim: &Dim, left: &mut usize) -> bool {
    if dim.as_constant().is_some() {
        return true;
    }
    dim.terms().iter().all(|(monomial, _)| {
        monomial.iter().all(|(atom, exponent)| {
            let cost = 1 + *exponent as usize;
            if *left < cost {
                return false;
            }
            *left -= cost;
            match atom {
                Atom::Symbol(_) => true,
                Atom::FloorDiv(a, b) | Atom::Mod(a, b) | Atom::Min(a, b) | Atom::Max(a, b) => {
                    within(a, left) && within(b, left)
                }
            }
        })
    })
}

/// The form in which equal dims, as far as the facts prove them, are the same: symbols that are
/// equal to others replaced, remainders that are zero left out, `d * (x // d)` written `x`.
pub(crate) fn normal(facts: &Facts, dim: &Dim) -> Dim {
    if dim.as_constant().is_some() || facts.iter().next().is_none() {
        return dim.clone();
    }
    let simple = facts.simplify(dim);
    join_multiples(facts, &simple).unwrap_or(simple)
}

fn join_multiples(facts: &Facts, dim: &Dim) -> Result<Dim, DimError> {
    let terms = dim.terms();
    let mut terms = terms.iter();
    terms.try_fold(Dim::from(0), |sum, (monomial, &coefficient)| {
        sum.add(&joined(facts, monomial, coefficient)?)
    })
}

/// A term, `d * (x // d)` in it replaced by `x` where `d` divides `x`.
fn joined(facts: &Facts, monomial: &Monomial, coefficient: i64) -> Result<Dim, DimError> {
    for atom in monomial.keys() {
        let Atom::FloorDiv(whole, by) = atom else {
            continue;
        };
        if facts.simplify(&whole.modulo(by)?).is(0) {
            let rest = term(monomial, coefficient, Some(atom))?;
            if rest.modulo(by)?.is(0) {
                return rest.floor_div(by)?.mul(whole);
            }
        }
    }
    term(monomial, coefficient, None)
}

/// A term as a dim, one factor left out.
fn term(monomial: &Monomial, coefficient: i64, left_out: Option<&Atom>) -> Result<Dim, DimError> {
    let mut product = Dim::from(coefficient);
    for (atom, exponent) in monomial {
        let factor = match atom {
            Atom::Symbol(name) => Dim::symbol(name),
            Atom::FloorDiv(a, b) => a.floor_div(b)?,
            Atom::Mod(a, b) => a.modulo(b)?,
            Atom::Min(a, b) => a.minimum(b),
            Atom::Max(a, b) => a.maximum(b),
        };
        let times = exponent - u32::from(Some(atom) == left_out);
        for _ in 0..times {
            product = product.mul(&factor)?;
        }
    }
    Ok(product)
}

/// Whether a statement holds for every binding (`Some(true)`), for none (`Some(false)`), or is open.
pub(crate) fn decide(facts: &Facts, fact: &Fact) -> Option<bool> {
    let (a, b) = (normal(facts, &fact.left), normal(facts, &fact.right));
    let least = |dim: Option<Dim>| dim.and_then(|dim| facts.range(&dim).0);
    let less = |a: &Dim, b: &Dim| least(b.sub(a).ok()).is_some_and(|low| low > 0);
    let at_most = |a: &Dim, b: &Dim| facts.proves_at_most(a, b);
    let equal = facts.proves_equal(&a, &b);
    let unequal = less(&a, &b) || less(&b, &a) || assumed_unequal(facts, &a, &b);
    let (holds, fails) = match fact.relation {
        Relation::Equal => (equal, unequal),
        Relation::NotEqual => (unequal, equal),
        Relation::LessOrEqual => (at_most(&a, &b), less(&b, &a)),
        Relation::Less => (less(&a, &b), at_most(&b, &a)),
    };
    if holds {
        Some(true)
    } else if fails {
        Some(false)
    } else {
        None
    }
}

fn assumed_unequal(facts: &Facts, a: &Dim, b: &Dim) -> bool {
    facts.iter().any(|fact| {
        fact.relation == Relation::NotEqual
            && ((fact.left == *a && fact.right == *b) || (fact.left == *b && fact.right == *a))
    })
}

/// The opposite statement.
pub(crate) fn negated(fact: &Fact) -> Fact {
    let (left, right) = (fact.left.clone(), fact.right.clone());
    let (left, relation, right) = match fact.relation {
        Relation::Equal => (left, Relation::NotEqual, right),
        Relation::NotEqual => (left, Relation::Equal, right),
        Relation::LessOrEqual => (right, Relation::Less, left),
        Relation::Less => (right, Relation::LessOrEqual, left),
    };
    Fact {
        left,
        relation,
        right,
        message: fact.message.clone(),
    }
}
