use std::collections::{BTreeMap, BTreeSet};

use eyas_ir::Module;
use eyas_tensor::{Atom, Dim, DimError, Relation};

/// Values of the symbols.
#[derive(Debug, Clone, Default)]
pub(super) struct Binding(BTreeMap<String, i64>);

impl Binding {
    pub(super) fn value(&self, dim: &Dim) -> Result<i64, DimError> {
        dim.evaluate(&|name| self.0.get(name).copied())
    }

    pub(super) fn values(&self, dims: &[Dim]) -> Result<Vec<i64>, DimError> {
        dims.iter().map(|dim| self.value(dim)).collect()
    }

    /// The binding with one more symbol.
    pub(super) fn with(&self, name: &str, value: i64) -> Binding {
        let mut binding = self.clone();
        binding.0.insert(name.to_owned(), value);
        binding
    }
}

/// Random numbers from a fixed seed (a linear congruence, Knuth's constants).
#[derive(Debug, Clone)]
pub(super) struct Draw(u64);

impl Draw {
    pub(super) fn new(seed: u64) -> Draw {
        Draw(seed.wrapping_mul(2).wrapping_add(1))
    }

    /// A number below a bound; 0 where there is none.
    pub(super) fn below(&mut self, bound: i64) -> i64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        match u64::try_from(bound) {
            Ok(bound) if bound > 0 => ((self.0 >> 33) % bound) as i64,
            _ => 0,
        }
    }
}

/// Bindings that are wanted.
const WANTED: usize = 2;

/// Tries to find one that obeys the facts.
const ATTEMPTS: u64 = 2000;

/// A few bindings that obey the facts; fewer, perhaps none, where random ones do not.
pub(super) fn bindings(module: &Module) -> Vec<Binding> {
    let names = symbols(module);
    let mut found: Vec<Binding> = Vec::new();
    for attempt in 0..ATTEMPTS {
        if found.len() == WANTED || names.is_empty() && found.len() == 1 {
            break;
        }
        let mut draw = Draw::new(attempt);
        let mut binding = Binding::default();
        let most = if attempt < ATTEMPTS / 2 { 7 } else { 40 };
        for name in &names {
            let step = steps(module, name);
            let value = step.saturating_mul(2 + draw.below(most));
            binding = binding.with(name, value);
        }
        for name in &names {
            let own = Dim::symbol(name);
            let simple = module.facts.simplify(&own);
            if simple != own
                && let Ok(value) = binding.value(&simple)
            {
                binding = binding.with(name, value);
            }
        }
        let obeys = |fact: &eyas_tensor::Fact| {
            fact.holds(&|name| binding.0.get(name).copied())
                .unwrap_or(false)
        };
        if module.facts.iter().all(obeys) {
            found.push(binding);
        }
    }
    found
}

fn symbols(module: &Module) -> BTreeSet<String> {
    let declared = module.symbols.iter().map(|symbol| symbol.name.clone());
    let facts = module.facts.iter();
    let named = facts.flat_map(|fact| [fact.left.symbols(), fact.right.symbols()]);
    let named = named.flatten().map(|name| name.to_string());
    let mut all: BTreeSet<String> = declared.chain(named).collect();
    for graph in &module.graphs {
        for &node in graph.inputs() {
            for ty in &graph.node(node).types {
                let names = ty.shape.iter().flat_map(Dim::symbols);
                all.extend(names.map(|name| name.to_string()));
            }
        }
    }
    all
}

/// What a symbol is a multiple of, as the facts say.
fn steps(module: &Module, name: &str) -> i64 {
    let mut step = 1i64;
    for fact in module
        .facts
        .iter()
        .filter(|fact| fact.relation == Relation::Equal)
    {
        for monomial in fact.left.terms().keys() {
            for atom in monomial.keys() {
                if let Atom::Mod(value, by) = atom
                    && value.as_symbol() == Some(name)
                    && let Some(by) = by.as_constant().filter(|by| *by > 0)
                    && step % by != 0
                {
                    step = step.saturating_mul(by);
                }
            }
        }
    }
    step
}
