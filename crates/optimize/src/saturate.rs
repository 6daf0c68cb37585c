use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use egg::Id;
use eyas_ir::{Graph, GraphId, Module, Origin, TensorType, infer};

use crate::analysis::Equalities;
use crate::builder::Builder;
use crate::extract::{Selection, term_cost};
use crate::load::{Loaded, load};
use crate::pattern::{Match, Pattern};
use crate::report::{GraphReport, Stop};
use crate::rule::{Matched, Rule};
use crate::term::{Kind, Term, TermOp};
use crate::write::write;
use crate::{Error, Options, explain};

/// Nodes of an e-graph for each of the graph, beyond the limit.
const NODES_FOR_EACH: usize = 16;

/// Rewrites a graph of a module by rules: saturation, extraction, writing.
///
/// # Errors
/// [`Error::Contradiction`] where a rule is wrong, [`Error::Graph`] for a graph with a cycle.
pub(crate) fn rewrite(
    module: &Module,
    id: GraphId,
    rules: &[&Rule],
    options: &Options,
) -> Result<(Graph, GraphReport), Error> {
    let graph = module.graph(id);
    let mut loaded = load(graph, options.explain)?;
    let mut report = GraphReport {
        graph: id.0,
        name: graph.name().to_owned(),
        nodes_before: graph.node_count(),
        cost_before: cost_of(&loaded, options),
        ..GraphReport::default()
    };
    let mut search = Saturation {
        egraph: &mut loaded.egraph,
        rules,
        options,
        most_nodes: options.limits.nodes + NODES_FOR_EACH * graph.node_count(),
        done: HashSet::new(),
        fired: BTreeMap::new(),
    };
    (report.iterations, report.stop) = search.run()?;
    report.fired = search.fired;
    report.equalities = loaded.egraph.total_number_of_nodes();
    let roots: Vec<Id> = loaded.outputs.iter().map(|(_, id)| *id).collect();
    let selection = Selection::new(&loaded.egraph, &options.costs, &roots);
    let written = write(&loaded, &selection, graph.name());
    let written = written.ok_or_else(|| Error::Graph {
        graph: graph.name().to_owned(),
        message: "has no selection without a cycle".to_owned(),
    })?;
    report.nodes_after = written.node_count();
    report.cost_after = selection.cost();
    if options.explain {
        report.explanations = explain::outputs(&mut loaded, &selection);
    }
    Ok((written, report))
}

/// The modelled seconds of the graph as it was loaded.
fn cost_of(loaded: &Loaded, options: &Options) -> f64 {
    let egraph = &loaded.egraph;
    let (mut seen, mut cost) = (BTreeSet::new(), 0.0);
    let mut stack: Vec<Id> = loaded
        .outputs
        .iter()
        .map(|(_, id)| egraph.find(*id))
        .collect();
    while let Some(id) = stack.pop() {
        if seen.insert(id)
            && let Some(term) = egraph[id].nodes.first()
        {
            cost += term_cost(egraph, &options.costs, term, id);
            stack.extend(term.operands.iter().map(|id| egraph.find(*id)));
        }
    }
    cost
}

struct Saturation<'a> {
    egraph: &'a mut Equalities,
    rules: &'a [&'a Rule],
    options: &'a Options,
    most_nodes: usize,
    /// Matches that were applied, by the rule's number.
    done: HashSet<(usize, Match)>,
    fired: BTreeMap<String, usize>,
}

impl Saturation<'_> {
    fn run(&mut self) -> Result<(usize, Stop), Error> {
        for iteration in 0..self.options.limits.iterations {
            let found = self.search();
            let before = (
                self.egraph.nodes().len(),
                self.fired.values().sum::<usize>(),
            );
            for (rule, found) in found {
                if self.egraph.nodes().len() > self.most_nodes {
                    self.rebuild()?;
                    return Ok((iteration + 1, Stop::Nodes));
                }
                self.apply(rule, found)?;
            }
            self.rebuild()?;
            if before == (self.egraph.nodes().len(), self.fired.values().sum()) {
                return Ok((iteration + 1, Stop::Saturated));
            }
        }
        Ok((self.options.limits.iterations, Stop::Iterations))
    }

    /// All new matches, rules in order, classes in order.
    fn search(&mut self) -> Vec<(usize, Match)> {
        let classes: BTreeSet<Id> = self.egraph.classes().map(|class| class.id).collect();
        let mut by_kind: BTreeMap<Kind, Vec<Id>> = BTreeMap::new();
        for &id in &classes {
            let terms = self.egraph[id].nodes.iter();
            let kinds: BTreeSet<Kind> = terms
                .map(|term| self.egraph.analysis.ops.entry(term.op).kind)
                .collect();
            for kind in kinds {
                by_kind.entry(kind).or_default().push(id);
            }
        }
        let limit = self.options.limits.matches;
        let mut found = Vec::new();
        for (number, rule) in self.rules.iter().enumerate() {
            let roots: BTreeSet<Id> = match rule.pattern.root_kinds() {
                None => classes.clone(),
                Some(kinds) => {
                    let roots = kinds.iter().filter_map(|kind| by_kind.get(kind));
                    roots.flatten().copied().collect()
                }
            };
            for root in roots {
                for found_here in rule.pattern.search(self.egraph, root, limit) {
                    let key = (number, found_here);
                    if !self.done.contains(&key) {
                        self.done.insert(key.clone());
                        found.push(key);
                    }
                }
            }
        }
        found
    }

    fn apply(&mut self, number: usize, found: Match) -> Result<(), Error> {
        let rule = self.rules[number];
        let Some((from, to)) = apply(self.egraph, rule, &found) else {
            return Ok(());
        };
        self.egraph.analysis.rule.clone_from(&rule.name);
        check_types(self.egraph, rule, from, to)?;
        if self.egraph.union_trusted(from, to, &*rule.name) {
            *self.fired.entry(rule.name.clone()).or_insert(0) += 1;
        }
        self.contradiction()
    }

    fn rebuild(&mut self) -> Result<(), Error> {
        self.egraph.rebuild();
        self.contradiction()
    }

    fn contradiction(&self) -> Result<(), Error> {
        match &self.egraph.analysis.contradiction {
            None => Ok(()),
            Some(contradiction) => Err(Error::Contradiction {
                rule: contradiction.rule.clone(),
                message: contradiction.message.clone(),
            }),
        }
    }
}

/// Builds the right side of a match; gives the two sides, not yet one.
pub(crate) fn apply(egraph: &mut Equalities, rule: &Rule, found: &Match) -> Option<(Id, Id)> {
    let subject = found.values.first().copied().unwrap_or(found.root);
    let ty = egraph[subject].data.types.first()?;
    if !rule.premises.admits(ty.dtype) {
        return None;
    }
    let ops = found.terms.iter();
    let ops = ops.map(|term| egraph.analysis.ops.entry(term.op).op.clone());
    let matched = Matched {
        found,
        ops: ops.collect(),
    };
    let mut builder = Builder::new(egraph, origin(egraph, found));
    let to = (rule.replacement)(&matched, &mut builder)?;
    let from = match found.terms.first() {
        Some(_) if egraph.are_explanations_enabled() => {
            let mut terms = found.terms.iter();
            left_side(egraph, &rule.pattern, &mut terms).unwrap_or(found.root)
        }
        _ => found.root,
    };
    Some((from, to))
}

/// The matched nodes as a term of its own, so that an explanation begins at them.
fn left_side<'a>(
    egraph: &mut Equalities,
    pattern: &Pattern,
    terms: &mut impl Iterator<Item = &'a Term>,
) -> Option<Id> {
    let mut term = terms.next()?.clone();
    for operand in pattern.nodes_below() {
        let inner = left_side(egraph, operand, terms)?;
        let class = egraph.find(inner);
        let place = term.operands.iter().position(|id| *id == class);
        if let Some(place) = place {
            term.operands[place] = inner;
        }
    }
    // Between two rebuilds the node may not be found, and is added anew.
    let types = types_of(egraph, &term)?;
    egraph.analysis.next_types = Some(types);
    Some(egraph.add_uncanonical(term))
}

/// The types of a node that stands in the e-graph.
fn types_of(egraph: &Equalities, term: &Term) -> Option<Arc<[TensorType]>> {
    let entry = egraph.analysis.ops.entry(term.op);
    let TermOp::Op(op, _) = &*entry.op else {
        return None;
    };
    if let Some(types) = &entry.types {
        return Some(types.clone());
    }
    let operands = term
        .operands
        .iter()
        .map(|id| egraph[*id].data.types.first());
    let operands = operands.collect::<Option<Vec<_>>>()?;
    infer::result_types(op, &operands).ok().map(Arc::from)
}

/// What all nodes of a match came from.
fn origin(egraph: &Equalities, found: &Match) -> Arc<Origin> {
    let mut all = egraph[found.root].data.origin.clone();
    for term in found.terms.iter().skip(1) {
        if let Some(id) = egraph.lookup(term.clone()) {
            let own = &egraph[id].data.origin;
            if !Arc::ptr_eq(own, &all) && **own != *all {
                let mut merged = Origin::clone(&all);
                merged.merge(own);
                all = Arc::new(merged);
            }
        }
    }
    all
}

pub(crate) fn check_types(egraph: &Equalities, rule: &Rule, from: Id, to: Id) -> Result<(), Error> {
    let (left, right) = (&egraph[from].data.types, &egraph[to].data.types);
    if left == right {
        return Ok(());
    }
    let list = |types: &[TensorType]| {
        let texts: Vec<String> = types.iter().map(ToString::to_string).collect();
        texts.join(", ")
    };
    Err(Error::Contradiction {
        rule: rule.name.clone(),
        message: format!("`{}` becomes `{}`", list(left), list(right)),
    })
}
