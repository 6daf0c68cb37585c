use std::collections::{BTreeMap, BTreeSet};

use eyas_ir::{Graph, GraphId, Module, Op};

/// The graphs that others own.
pub(crate) fn bodies(module: &Module) -> BTreeSet<usize> {
    let graphs = module.graphs.iter();
    graphs.flat_map(owned).map(|id| id.0).collect()
}

/// The graphs that a graph owns, in the order of its nodes.
pub(crate) fn owned(graph: &Graph) -> Vec<GraphId> {
    let nodes = graph.node_ids();
    nodes
        .flat_map(|node| graph.node(node).op.bodies())
        .collect()
}

/// Puts every graph behind those that it owns, and drops what were bodies (given by their
/// numbers, or added since) but are owned no longer. Graphs are numbered anew.
pub(crate) fn arrange(module: &mut Module, old_bodies: &BTreeSet<usize>, old_count: usize) {
    let derived = module.derived.iter().map(|derived| derived.graph.0);
    let entries = module.entries.iter().map(|entry| entry.graph.0);
    let outer = (0..old_count).filter(|id| !old_bodies.contains(id));
    let roots: BTreeSet<usize> = derived.chain(entries).chain(outer).collect();
    let mut order: Vec<usize> = Vec::new();
    let mut known = BTreeSet::new();
    for root in roots {
        let mut stack = vec![(root, false)];
        while let Some((id, ready)) = stack.pop() {
            if ready {
                order.push(id);
            } else if known.insert(id) {
                stack.push((id, true));
                let inner = owned(&module.graphs[id]);
                stack.extend(inner.into_iter().rev().map(|id| (id.0, false)));
            }
        }
    }
    let places: BTreeMap<usize, GraphId> = order
        .iter()
        .enumerate()
        .map(|(place, id)| (*id, GraphId(place)))
        .collect();
    let renumber = |id: &mut GraphId| {
        if let Some(place) = places.get(&id.0) {
            *id = *place;
        }
    };
    let mut graphs: Vec<Option<Graph>> = module.graphs.drain(..).map(Some).collect();
    module.graphs = order.iter().filter_map(|&id| graphs[id].take()).collect();
    for graph in &mut module.graphs {
        for node in graph.node_ids().collect::<Vec<_>>() {
            match &mut graph.node_mut(node).op {
                Op::Loop { body, .. } => renumber(body),
                Op::If { then, otherwise } => {
                    renumber(then);
                    renumber(otherwise);
                }
                _ => {}
            }
        }
    }
    module
        .entries
        .iter_mut()
        .for_each(|entry| renumber(&mut entry.graph));
    module
        .derived
        .iter_mut()
        .for_each(|derived| renumber(&mut derived.graph));
}
