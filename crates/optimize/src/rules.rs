//! The rules built in, a family a file.

mod algebra;
mod broadcast;
mod composite;
mod epilogue;
mod extreme;
mod folding;
mod layout;
mod linear;
mod norm;
mod product;
mod reduction;
mod scaling;
mod slice;

use crate::options::Math;
use crate::rule::{Exactness, Family, Rule};

/// Every rule built in, families in order, each in the order it is tried.
pub fn rules() -> Vec<Rule> {
    [
        algebra::rules(),
        extreme::rules(),
        folding::rules(),
        broadcast::rules(),
        layout::rules(),
        slice::rules(),
        reduction::rules(),
        composite::rules(),
        norm::rules(),
        linear::rules(),
        scaling::rules(),
        product::rules(),
        epilogue::rules(),
    ]
    .concat()
}

/// The rules of some families that a math mode allows.
pub(crate) fn select<'a>(
    all: impl IntoIterator<Item = &'a Rule>,
    math: Math,
    families: &[Family],
) -> Vec<&'a Rule> {
    let allowed = |rule: &&Rule| {
        let exact = rule.exactness == Exactness::Exact || math == Math::Fast;
        exact && families.contains(&rule.family)
    };
    all.into_iter().filter(allowed).collect()
}
