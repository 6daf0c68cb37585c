//! What a drawing says of a node.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::text::attribute;
use crate::{Graph, NodeId, Op};

/// Characters of an attribute that are shown.
const ATTRIBUTE_LIMIT: usize = 40;

/// Elements of a constant that are shown.
const ELEMENT_LIMIT: usize = 4;

/// The op with its attributes, then the type of each result, a line each.
pub(crate) fn lines(graph: &Graph, id: NodeId) -> Vec<String> {
    let node = graph.node(id);
    let types = node.types.iter().map(ToString::to_string);
    let types = types.map(|ty| shortened(&ty));
    std::iter::once(op(&node.op)).chain(types).collect()
}

fn op(op: &Op) -> String {
    if let Op::Constant { value } = op
        && value.tensor().element_count() > ELEMENT_LIMIT
    {
        return "constant".to_owned();
    }
    let (mut label, fields) = attribute::parts(op);
    for (key, value) in fields {
        let mut text = String::new();
        if attribute::positional(&label) != Some(&*key) && key != "spec" {
            text.push_str(&key);
            text.push('=');
        }
        match (&*key, &value) {
            ("epilogue", _) => text.push_str("..."),
            ("spec", Value::String(spec)) => text.push_str(spec),
            _ => attribute::print_value(&mut text, &value),
        }
        label.push(' ');
        label.push_str(&shortened(&text));
    }
    label
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= ATTRIBUTE_LIMIT {
        return text.to_owned();
    }
    let kept: String = text.chars().take(ATTRIBUTE_LIMIT - 3).collect();
    kept + "..."
}

/// Inputs in their order, then the others in topological order, then what lies on cycles.
pub(crate) fn printed_order(graph: &Graph) -> Vec<NodeId> {
    let inputs = graph.inputs().iter().copied();
    let inputs = inputs.filter(|id| graph.contains(*id));
    let others = graph
        .topological_order()
        .into_iter()
        .chain(graph.node_ids());
    let mut known = BTreeSet::new();
    inputs
        .chain(others)
        .filter(|id| known.insert(*id))
        .collect()
}

/// The nodes' places in the printed order.
pub(crate) fn places(order: &[NodeId]) -> BTreeMap<NodeId, usize> {
    order.iter().copied().zip(0..).collect()
}
