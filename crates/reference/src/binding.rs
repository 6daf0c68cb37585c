//! The values of symbols, read off the shapes of inputs.

use std::collections::BTreeMap;

use eyas_ir::{GraphId, Module, Op};
use eyas_tensor::{Atom, Dim, DimError, Monomial, Relation};

use crate::EvaluateError;

/// An extent that is declared and given.
struct Extent<'a> {
    input: &'a str,
    axis: usize,
    dim: &'a Dim,
    found: usize,
}

/// The values of the symbols in a graph's inputs, given the inputs' shapes. Extents that are a
/// symbol bind it first; then those that are linear in one unbound symbol, and equalities among
/// the facts; all extents and facts are checked in the end.
///
/// # Errors
/// [`EvaluateError::InputCount`], [`EvaluateError::WrongType`] for a wrong rank,
/// [`EvaluateError::Extent`] where an extent contradicts another, [`EvaluateError::Unsolved`]
/// where one leaves its symbols open, [`EvaluateError::Fact`] where a fact does not hold.
pub fn bind_symbols(
    module: &Module,
    graph: GraphId,
    shapes: &[&[usize]],
) -> Result<BTreeMap<String, i64>, EvaluateError> {
    let extents = extents(module, graph, shapes)?;
    let mut bindings = BTreeMap::new();
    for extent in &extents {
        if let Some(symbol) = extent.dim.as_symbol() {
            bindings
                .entry(symbol.to_owned())
                .or_insert(i64::try_from(extent.found).unwrap_or(i64::MAX));
        }
    }
    solve(module, &extents, &mut bindings);
    for extent in &extents {
        check(extent, &bindings)?;
    }
    check_facts(module, &bindings)?;
    Ok(bindings)
}

fn extents<'a>(
    module: &'a Module,
    id: GraphId,
    shapes: &[&[usize]],
) -> Result<Vec<Extent<'a>>, EvaluateError> {
    let graph = module
        .graphs
        .get(id.0)
        .ok_or(EvaluateError::UnknownGraph(id.0))?;
    if graph.inputs().len() != shapes.len() {
        return Err(EvaluateError::InputCount {
            graph: graph.name().to_owned(),
            expected: graph.inputs().len(),
            found: shapes.len(),
        });
    }
    let mut extents = Vec::new();
    for (place, (id, shape)) in graph.inputs().iter().zip(shapes).enumerate() {
        let node = graph.node(*id);
        let input = match &node.op {
            Op::Input { name } => name,
            _ => graph.name(),
        };
        let Some(ty) = node.types.first() else {
            return Err(EvaluateError::Malformed(format!(
                "input {place} has no type"
            )));
        };
        if ty.rank() != shape.len() {
            let constants = shape
                .iter()
                .map(|&n| Dim::from(i64::try_from(n).unwrap_or(i64::MAX)));
            return Err(EvaluateError::WrongType {
                subject: format!("input `{input}`"),
                expected: ty.clone(),
                found: ty.with_shape(constants.collect::<Vec<_>>()),
            });
        }
        let axes = ty.shape.iter().zip(*shape).enumerate();
        extents.extend(axes.map(|(axis, (dim, &found))| Extent {
            input,
            axis,
            dim,
            found,
        }));
    }
    Ok(extents)
}

/// Binds symbols that one equation has left, as long as there are any.
fn solve(module: &Module, extents: &[Extent<'_>], bindings: &mut BTreeMap<String, i64>) {
    let zero = |extent: &Extent<'_>| {
        extent
            .dim
            .sub(&Dim::from(i64::try_from(extent.found).ok()?))
            .ok()
    };
    let equal = module
        .facts
        .iter()
        .filter(|fact| fact.relation == Relation::Equal);
    let facts = equal.filter_map(|fact| fact.left.sub(&fact.right).ok());
    let equations: Vec<Dim> = extents.iter().filter_map(zero).chain(facts).collect();
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

fn check(extent: &Extent<'_>, bindings: &BTreeMap<String, i64>) -> Result<(), EvaluateError> {
    let (input, dim) = (extent.input.to_owned(), extent.dim.to_string());
    let (axis, found) = (extent.axis, extent.found);
    match extent.dim.evaluate(&|name| bindings.get(name).copied()) {
        Ok(expected) if usize::try_from(expected) == Ok(found) => Ok(()),
        Ok(expected) => Err(EvaluateError::Extent {
            input,
            axis,
            dim,
            expected,
            found,
        }),
        Err(DimError::Unbound(_)) => Err(EvaluateError::Unsolved {
            input,
            axis,
            dim,
            found,
        }),
        Err(error) => Err(error.into()),
    }
}

/// Facts about symbols of other entry points are left alone.
fn check_facts(module: &Module, bindings: &BTreeMap<String, i64>) -> Result<(), EvaluateError> {
    for fact in module.facts.iter() {
        match fact.holds(&|name| bindings.get(name).copied()) {
            Ok(true) | Err(DimError::Unbound(_)) => {}
            Ok(false) => {
                return Err(EvaluateError::Fact {
                    fact: fact.to_string(),
                    message: fact.message.clone(),
                });
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
