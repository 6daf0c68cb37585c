//! The passes that search for rewrites, a graph at a time: a loop's body once, however often it
//! runs.

use std::collections::BTreeSet;

use eyas_ir::{GraphId, Mode, Module};

use crate::report::PassReport;
use crate::rule::{Family, Rule};
use crate::rules::{rules, select};
use crate::saturate::rewrite;
use crate::{Error, Options};

/// Everything but what is about speed alone.
const CANONICAL: [Family; 4] = [
    Family::Algebra,
    Family::Folding,
    Family::Layout,
    Family::Composite,
];

const ALL: [Family; 8] = [
    Family::Algebra,
    Family::Folding,
    Family::Layout,
    Family::Reduction,
    Family::Linear,
    Family::Composite,
    Family::Epilogue,
    Family::User,
];

/// Recognises composites.
pub(crate) fn canonicalise(
    module: &mut Module,
    options: &Options,
    report: &mut PassReport,
) -> Result<(), Error> {
    search(module, options, report, &CANONICAL)
}

/// All families.
pub(crate) fn optimize(
    module: &mut Module,
    options: &Options,
    report: &mut PassReport,
) -> Result<(), Error> {
    search(module, options, report, &ALL)
}

/// Constant folding alone.
pub(crate) fn fold(
    module: &mut Module,
    options: &Options,
    report: &mut PassReport,
) -> Result<(), Error> {
    search(module, options, report, &[Family::Folding])
}

fn search(
    module: &mut Module,
    options: &Options,
    report: &mut PassReport,
    families: &[Family],
) -> Result<(), Error> {
    let built_in = rules();
    let all: Vec<&Rule> = built_in.iter().chain(&options.rules).collect();
    let rules = select(all, options.math, families);
    let derived: BTreeSet<usize> = module
        .derived
        .iter()
        .map(|derived| derived.graph.0)
        .collect();
    for id in 0..module.graphs.len() {
        // What initialises parameters stays as the source has it.
        if derived.contains(&id) {
            continue;
        }
        let (graph, own) = rewrite(module, GraphId(id), &rules, options)?;
        module.graphs[id] = graph;
        report.graphs.push(own);
    }
    Ok(())
}

/// Whether an entry point of training reaches a graph: its parameters change from run to run.
pub(crate) fn trained(module: &Module) -> BTreeSet<usize> {
    let entries = module.entries.iter();
    let mut stack: Vec<GraphId> = entries
        .filter(|entry| entry.mode == Mode::Training)
        .map(|entry| entry.graph)
        .collect();
    let mut seen = BTreeSet::new();
    while let Some(id) = stack.pop() {
        if seen.insert(id.0) {
            let graph = module.graph(id);
            stack.extend(
                graph
                    .node_ids()
                    .flat_map(|node| graph.node(node).op.bodies()),
            );
        }
    }
    seen
}
