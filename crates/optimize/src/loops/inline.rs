use std::collections::BTreeMap;

use eyas_ir::{Graph, Op, Value};

/// Puts the nodes of a body into a graph, its inputs replaced; gives its outputs. `None` where
/// the body has other inputs, or a cycle.
pub(super) fn inline(graph: &mut Graph, body: &Graph, inputs: &[Value]) -> Option<Vec<Value>> {
    if body.inputs().len() != inputs.len() {
        return None;
    }
    let mut values: BTreeMap<Value, Value> = BTreeMap::new();
    for (&node, &value) in body.inputs().iter().zip(inputs) {
        values.insert(Value { node, result: 0 }, value);
    }
    for id in body.topological_order() {
        let node = body.node(id);
        if matches!(node.op, Op::Input { .. }) {
            continue;
        }
        let operands = body.operands(id);
        let operands: Option<Vec<Value>> = operands
            .iter()
            .map(|value| values.get(value).copied())
            .collect();
        let (types, origin) = (node.types.clone(), node.origin.clone());
        let new = graph.add_typed(node.op.clone(), &operands?, types, origin);
        for result in 0..node.types.len() as u32 {
            let value = Value {
                node: new.node,
                result,
            };
            values.insert(Value { node: id, result }, value);
        }
    }
    let outputs = body.outputs().iter();
    outputs
        .map(|(_, value)| values.get(value).copied())
        .collect()
}
