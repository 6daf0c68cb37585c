//! The values of symbols, read off the shapes of inputs.

use std::collections::BTreeMap;
use std::fmt;

use crate::{Atom, Dim, DimError, Facts, Monomial, Relation};

/// An extent that is declared and given.
#[derive(Debug, Clone, Copy)]
pub struct Extent<'a> {
    /// The input's name.
    pub input: &'a str,
    /// Which of its axes.
    pub axis: usize,
    /// The declared extent.
    pub dim: &'a Dim,
    /// The extent that is given.
    pub found: usize,
}

/// An input's extent that alone gives a symbol its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SymbolSource {
    /// The symbol.
    pub symbol: String,
    /// Its value.
    pub value: i64,
    /// The input's name.
    pub input: String,
    /// Which of its axes.
    pub axis: usize,
}

impl fmt::Display for SymbolSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SymbolSource {
            symbol,
            value,
            input,
            axis,
        } = self;
        write!(f, "`{symbol}` is {value} by axis {axis} of input `{input}`")
    }
}

/// Why shapes do not bind the symbols.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BindError {
    /// An extent that contradicts another.
    #[error(
        "input `{input}`, axis {axis}: extent {found} does not equal {}{}",
        valued(dim, *expected),
        listed(sources)
    )]
    Extent {
        /// The input's name.
        input: String,
        /// The axis.
        axis: usize,
        /// The declared extent.
        dim: String,
        /// What it is under the bindings.
        expected: i64,
        /// The extent that is given.
        found: usize,
        /// Where the values of its symbols come from, as far as one extent gives them.
        sources: Vec<SymbolSource>,
    },
    /// An extent that no value of its symbols gives, or that does not determine them.
    #[error("input `{input}`, axis {axis}: extent {found} does not determine `{dim}`")]
    Unsolved {
        /// The input's name.
        input: String,
        /// The axis.
        axis: usize,
        /// The declared extent.
        dim: String,
        /// The extent that is given.
        found: usize,
    },
    /// A fact that the bound dims do not keep.
    #[error("`{fact}` does not hold{}", message.as_ref().map_or(String::new(), |text| format!(": {text}")))]
    Fact {
        /// The fact.
        fact: String,
        /// What the source says of it.
        message: Option<String>,
    },
    /// Dim arithmetic that fails.
    #[error(transparent)]
    Dim(#[from] DimError),
}

/// The dim and what it is, where that is not the same.
fn valued(dim: &str, value: i64) -> String {
    let value = value.to_string();
    match dim == value {
        true => value,
        false => format!("`{dim}`, which is {value}"),
    }
}

fn listed(sources: &[SymbolSource]) -> String {
    let texts: Vec<String> = sources.iter().map(SymbolSource::to_string).collect();
    match texts.is_empty() {
        true => String::new(),
        false => format!(" ({})", texts.join(", ")),
    }
}

/// The values of all symbols in the extents. Extents that are a symbol bind it first; then those
/// that are linear in one unbound symbol, and equalities among the facts; all extents and facts
/// are checked in the end. Facts about symbols that stay unbound are left alone.
///
/// # Errors
/// [`BindError`].
pub fn bind(extents: &[Extent<'_>], facts: &Facts) -> Result<BTreeMap<String, i64>, BindError> {
    let mut bindings = BTreeMap::new();
    let mut sources = BTreeMap::new();
    for extent in extents {
        if let Some(symbol) = extent.dim.as_symbol() {
            let value = i64::try_from(extent.found).unwrap_or(i64::MAX);
            bindings.entry(symbol.to_owned()).or_insert(value);
            sources.entry(symbol).or_insert(extent);
        }
    }
    solve(extents, facts, &mut bindings);
    for extent in extents {
        check(extent, &bindings, &sources)?;
    }
    check_facts(facts, &bindings)?;
    Ok(bindings)
}

/// Binds symbols that one equation has left, as long as there are any.
fn solve(extents: &[Extent<'_>], facts: &Facts, bindings: &mut BTreeMap<String, i64>) {
    let zero = |extent: &Extent<'_>| {
        extent
            .dim
            .sub(&Dim::from(i64::try_from(extent.found).ok()?))
            .ok()
    };
    let equal = facts.iter().filter(|fact| fact.relation == Relation::Equal);
    let differences = equal.filter_map(|fact| fact.left.sub(&fact.right).ok());
    let equations: Vec<Dim> = extents.iter().filter_map(zero).chain(differences).collect();
    while let Some((symbol, value)) = equations.iter().find_map(|dim| root(dim, bindings)) {
        bindings.insert(symbol, value);
    }
}

/// The one unbound symbol of a dim that is zero, and its value, where it is a linear one.
fn root(zero: &Dim, bindings: &BTreeMap<String, i64>) -> Option<(String, i64)> {
    let known = |name: &str| bindings.get(name).map(|&value| Dim::from(value));
    let open = zero.substitute(&known).ok()?;
    let mut terms = open.terms();
    let constant = terms.remove(&Monomial::new()).unwrap_or(0);
    let (monomial, coefficient) = terms.pop_first()?;
    let symbol = match monomial.first_key_value()? {
        (Atom::Symbol(name), 1) if monomial.len() == 1 && terms.is_empty() => name.to_string(),
        _ => return None,
    };
    let negated = constant.checked_neg()?;
    let exact = negated.checked_rem(coefficient)? == 0;
    let value = negated.checked_div(coefficient)?;
    (exact && value >= 0).then_some((symbol, value))
}

fn check(
    extent: &Extent<'_>,
    bindings: &BTreeMap<String, i64>,
    sources: &BTreeMap<&str, &Extent<'_>>,
) -> Result<(), BindError> {
    let (input, dim) = (extent.input.to_owned(), extent.dim.to_string());
    let (axis, found) = (extent.axis, extent.found);
    match extent.dim.evaluate(&|name| bindings.get(name).copied()) {
        Ok(expected) if usize::try_from(expected) == Ok(found) => Ok(()),
        Ok(expected) => Err(BindError::Extent {
            input,
            axis,
            dim,
            expected,
            found,
            sources: sources_of(extent.dim, bindings, sources),
        }),
        Err(DimError::Unbound(_)) => Err(BindError::Unsolved {
            input,
            axis,
            dim,
            found,
        }),
        Err(error) => Err(error.into()),
    }
}

fn sources_of(
    dim: &Dim,
    bindings: &BTreeMap<String, i64>,
    sources: &BTreeMap<&str, &Extent<'_>>,
) -> Vec<SymbolSource> {
    let symbols = dim.symbols().into_iter();
    symbols
        .filter_map(|symbol| {
            let source = sources.get(&*symbol)?;
            Some(SymbolSource {
                value: *bindings.get(&*symbol)?,
                input: source.input.to_owned(),
                axis: source.axis,
                symbol: symbol.to_string(),
            })
        })
        .collect()
}

fn check_facts(facts: &Facts, bindings: &BTreeMap<String, i64>) -> Result<(), BindError> {
    for fact in facts.iter() {
        match fact.holds(&|name| bindings.get(name).copied()) {
            Ok(true) | Err(DimError::Unbound(_)) => {}
            Ok(false) => {
                return Err(BindError::Fact {
                    fact: fact.to_string(),
                    message: fact.message.clone(),
                });
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contradiction_names_both_of_its_sources() {
        let (batch, product) = ("B".parse().unwrap(), "B*S".parse().unwrap());
        let extent = |input, axis, dim, found| Extent {
            input,
            axis,
            dim,
            found,
        };
        let extents = [
            extent("x", 0, &batch, 3),
            extent("y", 1, &product, 15),
            extent("z", 2, &batch, 4),
        ];
        let facts = Facts::default();
        let bindings = bind(&extents[..2], &facts).unwrap();
        assert_eq!((bindings["B"], bindings["S"]), (3, 5));
        let message = bind(&extents, &facts).unwrap_err().to_string();
        assert_eq!(
            message,
            "input `z`, axis 2: extent 4 does not equal `B`, which is 3 (`B` is 3 by axis 0 of input `x`)"
        );
    }
}
