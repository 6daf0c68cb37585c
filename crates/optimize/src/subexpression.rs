use std::collections::HashMap;

use eyas_ir::{Module, NodeId, Op, Value};

use crate::report::PassReport;
use crate::{Error, Options};

/// Removes nodes that no output needs.
pub(crate) fn dead_code(
    module: &mut Module,
    _options: &Options,
    report: &mut PassReport,
) -> Result<(), Error> {
    let mut removed = 0;
    for graph in &mut module.graphs {
        let before = graph.node_count();
        graph.remove_dead();
        removed += before - graph.node_count();
    }
    report.counts.insert("nodes removed".into(), removed);
    Ok(())
}

/// Makes nodes that compute the same one node; the first stays and takes up where the others
/// came from.
pub(crate) fn common_subexpression(
    module: &mut Module,
    _options: &Options,
    report: &mut PassReport,
) -> Result<(), Error> {
    let mut merged = 0;
    for graph in &mut module.graphs {
        let mut known: HashMap<(Op, Vec<Value>), NodeId> = HashMap::new();
        for node in graph.topological_order() {
            let op = graph.node(node).op.clone();
            if !op.is_pure() {
                continue;
            }
            let key = (op, graph.operands(node));
            let Some(&first) = known.get(&key) else {
                known.insert(key, node);
                continue;
            };
            let origin = graph.node(node).origin.clone();
            graph.node_mut(first).origin.merge(&origin);
            let result = 0;
            graph.replace_uses(
                Value { node, result },
                Value {
                    node: first,
                    result,
                },
            );
            merged += 1;
        }
        graph.remove_dead();
    }
    report.counts.insert("nodes merged".into(), merged);
    Ok(())
}
