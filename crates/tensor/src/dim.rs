use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// An extent or offset: a polynomial over symbols with floor division, remainder, minimum and
/// maximum, kept in canonical form, so that equal forms compare equal. Coefficients are i64 and
/// every operation is checked for overflow.
#[derive(Clone)]
pub struct Dim(Repr);

#[derive(Clone)]
enum Repr {
    Constant(i64),
    Polynomial(Arc<Terms>),
}

/// Monomials with their non-zero coefficients.
type Terms = BTreeMap<Monomial, i64>;

/// A product of atoms with exponents; the empty product is the constant term.
pub type Monomial = BTreeMap<Atom, u32>;

/// A factor that does not come apart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Atom {
    /// A named dim.
    Symbol(Arc<str>),
    /// Floor division.
    FloorDiv(Dim, Dim),
    /// The remainder that goes with floor division.
    Mod(Dim, Dim),
    /// The lesser of two.
    Min(Dim, Dim),
    /// The greater of two.
    Max(Dim, Dim),
}

/// Why dim arithmetic failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DimError {
    /// A value or coefficient left the range of i64.
    #[error("dim arithmetic overflows a 64-bit integer")]
    Overflow,
    /// A division or remainder by zero.
    #[error("dim arithmetic divides by zero")]
    DivisionByZero,
    /// A product with more terms or a higher degree than any shape has.
    #[error("a dim has more than {TERM_LIMIT} terms or a degree above {DEGREE_LIMIT}")]
    TooComplex,
    /// A symbol that the binding does not name.
    #[error("dim `{0}` is not bound")]
    Unbound(String),
}

/// Terms that a product may have.
const TERM_LIMIT: usize = 1024;

/// Atoms that a term of a product may multiply.
const DEGREE_LIMIT: u32 = 64;

impl Dim {
    /// The dim of a symbol.
    pub fn symbol(name: &str) -> Dim {
        Dim::atom(Atom::Symbol(Arc::from(name)))
    }

    fn atom(atom: Atom) -> Dim {
        Dim::from_terms(Terms::from([(Monomial::from([(atom, 1)]), 1)]))
    }

    fn from_terms(mut terms: Terms) -> Dim {
        terms.retain(|_, coefficient| *coefficient != 0);
        match terms.len() {
            0 => Dim(Repr::Constant(0)),
            1 if terms.contains_key(&Monomial::new()) => {
                Dim(Repr::Constant(terms[&Monomial::new()]))
            }
            _ => Dim(Repr::Polynomial(Arc::new(terms))),
        }
    }

    /// The monomials with their coefficients, in canonical order.
    pub fn terms(&self) -> BTreeMap<Monomial, i64> {
        match &self.0 {
            Repr::Constant(0) => Terms::new(),
            Repr::Constant(value) => Terms::from([(Monomial::new(), *value)]),
            Repr::Polynomial(terms) => (**terms).clone(),
        }
    }

    /// The value where the dim is a constant.
    pub fn as_constant(&self) -> Option<i64> {
        match self.0 {
            Repr::Constant(value) => Some(value),
            Repr::Polynomial(_) => None,
        }
    }

    /// The symbol's name where the dim is one symbol and nothing else.
    pub fn as_symbol(&self) -> Option<&str> {
        let Repr::Polynomial(terms) = &self.0 else {
            return None;
        };
        let (monomial, 1) = terms.iter().next()? else {
            return None;
        };
        match monomial.iter().next()? {
            (Atom::Symbol(name), 1) if terms.len() == 1 && monomial.len() == 1 => Some(name),
            _ => None,
        }
    }

    /// Whether this is the constant `value`.
    pub fn is(&self, value: i64) -> bool {
        self.as_constant() == Some(value)
    }

    /// Sum.
    ///
    /// # Errors
    /// [`DimError::Overflow`].
    pub fn add(&self, other: &Dim) -> Result<Dim, DimError> {
        if let (Repr::Constant(a), Repr::Constant(b)) = (&self.0, &other.0) {
            return a.checked_add(*b).map(Dim::from).ok_or(DimError::Overflow);
        }
        let mut terms = self.terms();
        for (monomial, coefficient) in other.terms() {
            let entry = terms.entry(monomial).or_insert(0);
            *entry = entry.checked_add(coefficient).ok_or(DimError::Overflow)?;
        }
        Ok(Dim::from_terms(terms))
    }

    /// Difference.
    ///
    /// # Errors
    /// [`DimError::Overflow`].
    pub fn sub(&self, other: &Dim) -> Result<Dim, DimError> {
        self.add(&other.mul(&Dim::from(-1))?)
    }

    /// Product.
    ///
    /// # Errors
    /// [`DimError::Overflow`] and [`DimError::TooComplex`].
    pub fn mul(&self, other: &Dim) -> Result<Dim, DimError> {
        if let (Repr::Constant(a), Repr::Constant(b)) = (&self.0, &other.0) {
            return a.checked_mul(*b).map(Dim::from).ok_or(DimError::Overflow);
        }
        let mut terms = Terms::new();
        for (left, a) in self.terms() {
            for (right, b) in other.terms() {
                let mut monomial = left.clone();
                for (atom, exponent) in right {
                    *monomial.entry(atom).or_insert(0) += exponent;
                }
                if terms.len() > TERM_LIMIT || monomial.values().sum::<u32>() > DEGREE_LIMIT {
                    return Err(DimError::TooComplex);
                }
                let product = a.checked_mul(b).ok_or(DimError::Overflow)?;
                let entry = terms.entry(monomial).or_insert(0);
                *entry = i64::checked_add(*entry, product).ok_or(DimError::Overflow)?;
            }
        }
        Ok(Dim::from_terms(terms))
    }

    /// The product of many; 1 for none.
    ///
    /// # Errors
    /// [`DimError::Overflow`].
    pub fn product<'a>(dims: impl IntoIterator<Item = &'a Dim>) -> Result<Dim, DimError> {
        dims.into_iter()
            .try_fold(Dim::from(1), |product, dim| product.mul(dim))
    }

    /// Splits into a part that `divisor` divides term by term, already divided, and the rest.
    fn split_divisible(&self, divisor: &Dim) -> Option<(Dim, Dim)> {
        let divisor_terms = divisor.terms();
        let (factor, &by) = divisor_terms.iter().next()?;
        if divisor_terms.len() != 1 {
            return None;
        }
        let (mut quotient, mut rest) = (Terms::new(), Terms::new());
        for (monomial, coefficient) in self.terms() {
            let divides = coefficient.checked_rem(by) == Some(0)
                && factor
                    .iter()
                    .all(|(atom, n)| monomial.get(atom).is_some_and(|m| m >= n));
            if !divides {
                rest.insert(monomial, coefficient);
                continue;
            }
            let mut divided = monomial;
            for (atom, n) in factor {
                if let Some(exponent) = divided.get_mut(atom) {
                    *exponent -= n;
                }
            }
            divided.retain(|_, exponent| *exponent > 0);
            quotient.insert(divided, coefficient / by);
        }
        Some((Dim::from_terms(quotient), Dim::from_terms(rest)))
    }

    /// Floor division. A quotient that comes out term by term is taken out:
    /// `(2*B + 3) // 2` is `B + 1`, `(h*d) // h` is `d`.
    ///
    /// # Errors
    /// [`DimError::DivisionByZero`] for a constant zero divisor, [`DimError::Overflow`].
    pub fn floor_div(&self, divisor: &Dim) -> Result<Dim, DimError> {
        if divisor.is(0) {
            return Err(DimError::DivisionByZero);
        }
        if let (Some(a), Some(b)) = (self.as_constant(), divisor.as_constant()) {
            return floor_div(a, b).map(Dim::from);
        }
        if self == divisor {
            return Ok(Dim::from(1));
        }
        let (quotient, rest) = self
            .split_divisible(divisor)
            .unwrap_or((Dim::from(0), self.clone()));
        let rest = match (rest.as_constant(), divisor.as_constant()) {
            (Some(0), _) => Dim::from(0),
            (Some(a), Some(b)) => Dim::from(floor_div(a, b)?),
            _ => Dim::atom(Atom::FloorDiv(rest, divisor.clone())),
        };
        quotient.add(&rest)
    }

    /// The remainder that goes with [`Dim::floor_div`]: its sign is the divisor's.
    ///
    /// # Errors
    /// [`DimError::DivisionByZero`] for a constant zero divisor, [`DimError::Overflow`].
    pub fn modulo(&self, divisor: &Dim) -> Result<Dim, DimError> {
        if divisor.is(0) {
            return Err(DimError::DivisionByZero);
        }
        let rest = match self.split_divisible(divisor) {
            Some((_, rest)) => rest,
            None if self == divisor => Dim::from(0),
            None => self.clone(),
        };
        match (rest.as_constant(), divisor.as_constant()) {
            (Some(0), _) => Ok(Dim::from(0)),
            (Some(a), Some(b)) => {
                let multiple = floor_div(a, b)?.checked_mul(b).ok_or(DimError::Overflow)?;
                a.checked_sub(multiple)
                    .map(Dim::from)
                    .ok_or(DimError::Overflow)
            }
            _ => Ok(Dim::atom(Atom::Mod(rest, divisor.clone()))),
        }
    }

    /// The lesser of two.
    pub fn minimum(&self, other: &Dim) -> Dim {
        self.choose(other, Ordering::Less, Atom::Min)
    }

    /// The greater of two.
    pub fn maximum(&self, other: &Dim) -> Dim {
        self.choose(other, Ordering::Greater, Atom::Max)
    }

    fn choose(&self, other: &Dim, wanted: Ordering, atom: fn(Dim, Dim) -> Atom) -> Dim {
        if let Some(difference) = self.sub(other).ok().and_then(|dim| dim.as_constant()) {
            return if difference.cmp(&0) == wanted {
                self.clone()
            } else {
                other.clone()
            };
        }
        let (first, second) = if self <= other {
            (self, other)
        } else {
            (other, self)
        };
        Dim::atom(atom(first.clone(), second.clone()))
    }

    /// The value under a binding of the symbols.
    ///
    /// # Errors
    /// [`DimError::Unbound`], [`DimError::Overflow`], [`DimError::DivisionByZero`].
    pub fn evaluate(&self, binding: &dyn Fn(&str) -> Option<i64>) -> Result<i64, DimError> {
        let terms = match &self.0 {
            Repr::Constant(value) => return Ok(*value),
            Repr::Polynomial(terms) => terms,
        };
        let mut sum = 0i64;
        for (monomial, &coefficient) in terms.iter() {
            let mut product = coefficient;
            for (atom, &exponent) in monomial {
                let value = atom.evaluate(binding)?;
                let power = value.checked_pow(exponent).ok_or(DimError::Overflow)?;
                product = product.checked_mul(power).ok_or(DimError::Overflow)?;
            }
            sum = sum.checked_add(product).ok_or(DimError::Overflow)?;
        }
        Ok(sum)
    }

    /// Replaces symbols; those that `replace` does not know stay.
    ///
    /// # Errors
    /// [`DimError::Overflow`], [`DimError::DivisionByZero`].
    pub fn substitute(&self, replace: &dyn Fn(&str) -> Option<Dim>) -> Result<Dim, DimError> {
        self.map_atoms(&|atom| match atom {
            Atom::Symbol(name) => Ok(replace(name)),
            _ => Ok(None),
        })
    }

    /// Rebuilds the dim bottom-up; `replace` may give another dim for an atom whose operands
    /// are already rebuilt.
    ///
    /// # Errors
    /// What `replace` and the arithmetic give.
    pub fn map_atoms(
        &self,
        replace: &dyn Fn(&Atom) -> Result<Option<Dim>, DimError>,
    ) -> Result<Dim, DimError> {
        let Repr::Polynomial(terms) = &self.0 else {
            return Ok(self.clone());
        };
        let mut sum = Dim::from(0);
        for (monomial, &coefficient) in terms.iter() {
            let mut product = Dim::from(coefficient);
            for (atom, &exponent) in monomial {
                let rebuilt = atom.map_atoms(replace)?;
                for _ in 0..exponent {
                    product = product.mul(&rebuilt)?;
                }
            }
            sum = sum.add(&product)?;
        }
        Ok(sum)
    }

    /// The names of all symbols in the dim.
    pub fn symbols(&self) -> BTreeSet<Arc<str>> {
        let mut names = BTreeSet::new();
        self.collect_symbols(&mut names);
        names
    }

    fn collect_symbols(&self, names: &mut BTreeSet<Arc<str>>) {
        let Repr::Polynomial(terms) = &self.0 else {
            return;
        };
        for atom in terms.keys().flat_map(|monomial| monomial.keys()) {
            match atom {
                Atom::Symbol(name) => {
                    names.insert(name.clone());
                }
                Atom::FloorDiv(a, b) | Atom::Mod(a, b) | Atom::Min(a, b) | Atom::Max(a, b) => {
                    a.collect_symbols(names);
                    b.collect_symbols(names);
                }
            }
        }
    }
}

impl Atom {
    fn evaluate(&self, binding: &dyn Fn(&str) -> Option<i64>) -> Result<i64, DimError> {
        match self {
            Atom::Symbol(name) => binding(name).ok_or_else(|| DimError::Unbound(name.to_string())),
            Atom::FloorDiv(a, b) => floor_div(a.evaluate(binding)?, b.evaluate(binding)?),
            Atom::Mod(a, b) => {
                let (a, b) = (a.evaluate(binding)?, b.evaluate(binding)?);
                floor_div(a, b)?
                    .checked_mul(b)
                    .and_then(|multiple| a.checked_sub(multiple))
                    .ok_or(DimError::Overflow)
            }
            Atom::Min(a, b) => Ok(a.evaluate(binding)?.min(b.evaluate(binding)?)),
            Atom::Max(a, b) => Ok(a.evaluate(binding)?.max(b.evaluate(binding)?)),
        }
    }

    fn map_atoms(
        &self,
        replace: &dyn Fn(&Atom) -> Result<Option<Dim>, DimError>,
    ) -> Result<Dim, DimError> {
        let rebuilt = match self {
            Atom::Symbol(_) => Dim::atom(self.clone()),
            Atom::FloorDiv(a, b) => a.map_atoms(replace)?.floor_div(&b.map_atoms(replace)?)?,
            Atom::Mod(a, b) => a.map_atoms(replace)?.modulo(&b.map_atoms(replace)?)?,
            Atom::Min(a, b) => a.map_atoms(replace)?.minimum(&b.map_atoms(replace)?),
            Atom::Max(a, b) => a.map_atoms(replace)?.maximum(&b.map_atoms(replace)?),
        };
        let single = match &rebuilt.0 {
            Repr::Polynomial(terms) if terms.len() == 1 => terms.iter().next(),
            _ => None,
        };
        match single
            .map(|(monomial, coefficient)| (monomial.iter().next(), monomial.len(), coefficient))
        {
            Some((Some((atom, 1)), 1, 1)) => Ok(replace(atom)?.unwrap_or(rebuilt)),
            _ => Ok(rebuilt),
        }
    }
}

fn floor_div(a: i64, b: i64) -> Result<i64, DimError> {
    if b == 0 {
        return Err(DimError::DivisionByZero);
    }
    let quotient = a.checked_div(b).ok_or(DimError::Overflow)?;
    Ok(if a % b != 0 && (a < 0) != (b < 0) {
        quotient - 1
    } else {
        quotient
    })
}

impl From<i64> for Dim {
    fn from(value: i64) -> Dim {
        Dim(Repr::Constant(value))
    }
}

impl PartialEq for Dim {
    fn eq(&self, other: &Dim) -> bool {
        match (&self.0, &other.0) {
            (Repr::Constant(a), Repr::Constant(b)) => a == b,
            (Repr::Polynomial(a), Repr::Polynomial(b)) => Arc::ptr_eq(a, b) || a == b,
            _ => false,
        }
    }
}

impl Eq for Dim {}

impl PartialOrd for Dim {
    fn partial_cmp(&self, other: &Dim) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A structural order for canonical forms; it says nothing about values unless both are constants.
impl Ord for Dim {
    fn cmp(&self, other: &Dim) -> Ordering {
        match (&self.0, &other.0) {
            (Repr::Constant(a), Repr::Constant(b)) => a.cmp(b),
            (Repr::Constant(_), _) => Ordering::Less,
            (_, Repr::Constant(_)) => Ordering::Greater,
            (Repr::Polynomial(a), Repr::Polynomial(b)) => a.cmp(b),
        }
    }
}

impl std::hash::Hash for Dim {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        match &self.0 {
            Repr::Constant(value) => value.hash(state),
            Repr::Polynomial(terms) => terms.hash(state),
        }
    }
}
