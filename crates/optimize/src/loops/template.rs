use eyas_ir::{Graph, GraphId, Module, Op};

use crate::arena::owned;

/// Whether a body, or one in it, reads a path with the loop's counter.
pub(super) fn mentions(module: &Module, body: GraphId, variable: &str) -> bool {
    let counter = format!("{{{variable}}}");
    let graph = module.graph(body);
    let own = graph.node_ids().any(|node| {
        let op = &graph.node(node).op;
        path(op).is_some_and(|path| path.contains(&counter))
    });
    own || owned_below(graph, variable)
        .into_iter()
        .any(|id| mentions(module, id, variable))
}

fn path(op: &Op) -> Option<&String> {
    match op {
        Op::Parameter { path } | Op::State { path } => Some(path),
        Op::Random { stream, .. } => Some(stream),
        _ => None,
    }
}

/// Bodies in which the counter still means this loop's.
fn owned_below(graph: &Graph, variable: &str) -> Vec<GraphId> {
    let nodes = graph.node_ids();
    nodes
        .filter(|node| {
            let op = &graph.node(*node).op;
            !matches!(op, Op::Loop { variable: own, .. } if own == variable)
        })
        .flat_map(|node| graph.node(node).op.bodies())
        .collect()
}

/// A copy of a body with a number for the loop's counter in all paths. Bodies in it that say the
/// counter are copied, too.
///
/// # Errors
/// In words, for a body that reads a derived parameter of the iteration.
pub(super) fn instance(
    module: &mut Module,
    body: GraphId,
    variable: &str,
    value: i64,
) -> Result<Graph, String> {
    let mut graph = module.graph(body).clone();
    let counter = format!("{{{variable}}}");
    let number = value.to_string();
    for node in graph.node_ids().collect::<Vec<_>>() {
        let mut op = graph.node(node).op.clone();
        match &mut op {
            Op::Parameter { path } | Op::State { path } | Op::Random { stream: path, .. } => {
                if !path.contains(&counter) {
                    continue;
                }
                if module.derived.iter().any(|derived| derived.path == *path) {
                    return Err(format!("reads the derived parameter `{path}`"));
                }
                *path = path.replace(&counter, &number);
            }
            Op::Loop {
                body,
                variable: own,
                ..
            } if own != variable => *body = copied(module, *body, variable, value)?,
            Op::If { then, otherwise } => {
                *then = copied(module, *then, variable, value)?;
                *otherwise = copied(module, *otherwise, variable, value)?;
            }
            _ => continue,
        }
        graph.node_mut(node).op = op;
    }
    debug_assert!(owned(&graph).len() == owned(module.graph(body)).len());
    Ok(graph)
}

fn copied(
    module: &mut Module,
    body: GraphId,
    variable: &str,
    value: i64,
) -> Result<GraphId, String> {
    if !mentions(module, body, variable) {
        return Ok(body);
    }
    let graph = instance(module, body, variable, value)?;
    Ok(module.add_graph(graph))
}
