use std::collections::{BTreeMap, BTreeSet};

use eyas_ir::{Graph, Module, NodeId, Op, Value};

use crate::ScheduleError;
use crate::naming::composite_name;

/// The module with the composites that are not element by element taken apart. Nodes that stay
/// keep their ids.
pub(crate) struct Lowered {
    pub(crate) module: Module,
    /// Of each graph, the name of the composite that a node is a part of.
    pub(crate) names: Vec<BTreeMap<NodeId, &'static str>>,
}

/// Takes composites apart.
pub(crate) fn lower(module: &Module) -> Result<Lowered, ScheduleError> {
    let mut lowered = Lowered {
        module: module.clone(),
        names: Vec::with_capacity(module.graphs.len()),
    };
    for graph in &mut lowered.module.graphs {
        lowered.names.push(lower_graph(graph)?);
    }
    Ok(lowered)
}

fn lower_graph(graph: &mut Graph) -> Result<BTreeMap<NodeId, &'static str>, ScheduleError> {
    let mut names = BTreeMap::new();
    for id in graph.topological_order() {
        let node = graph.node(id);
        let Op::Composite { composite } = &node.op else {
            continue;
        };
        if composite.is_elementwise() {
            continue;
        }
        let (composite, origin) = (composite.clone(), node.origin.clone());
        let operands = graph.operands(id);
        let before: BTreeSet<NodeId> = graph.node_ids().collect();
        let result = graph
            .add_decomposed(&composite, &operands, &origin)
            .map_err(|error| ScheduleError::Malformed(error.to_string()))?;
        let new = graph.node_ids().filter(|id| !before.contains(id));
        names.extend(new.map(|id| (id, composite_name(&composite))));
        graph.replace_uses(
            Value {
                node: id,
                result: 0,
            },
            result,
        );
    }
    graph.remove_dead();
    Ok(names)
}
