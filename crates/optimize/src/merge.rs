use std::collections::{BTreeMap, BTreeSet};

use eyas_ir::{Einsum, Graph, Module, NodeId, Op, Origin, Value};
use eyas_tensor::{DType, Dim};

use crate::report::PassReport;
use crate::{Error, Options};

/// What products must share to be merged: the left operand, the letters, the accumulator, the
/// extents of the weights beside the columns, and their type.
type Shared = (Value, Einsum, DType, Vec<Dim>, DType);

/// Merges products of one value with several weights into one with the weights side by side, of
/// which each takes its part. The weights put side by side are computed from parameters alone, so
/// that hoisting makes them a derived parameter.
pub(crate) fn merge_contractions(
    module: &mut Module,
    _options: &Options,
    report: &mut PassReport,
) -> Result<(), Error> {
    let mut merged = 0;
    for graph in &mut module.graphs {
        for (shared, nodes) in groups(graph) {
            merge(graph, &shared, &nodes)?;
            merged += nodes.len();
        }
        graph.remove_dead();
    }
    report.counts.insert("contractions merged".into(), merged);
    Ok(())
}

/// Nodes that are computed from parameters and constants alone.
fn fixed(graph: &Graph) -> BTreeSet<NodeId> {
    let mut fixed = BTreeSet::new();
    for id in graph.topological_order() {
        let node = graph.node(id);
        let known = match &node.op {
            Op::Parameter { .. } | Op::Constant { .. } => true,
            Op::Input { .. } | Op::State { .. } | Op::Random { .. } => false,
            Op::Loop { .. } | Op::If { .. } => false,
            _ => node.types.iter().all(|ty| ty.static_shape().is_some()),
        };
        let operands = graph.operands(id);
        if known && operands.iter().all(|value| fixed.contains(&value.node)) {
            fixed.insert(id);
        }
    }
    fixed
}

/// The axis of the weights that is put side by side, and that of the result.
fn column(spec: &Einsum) -> Option<(usize, usize)> {
    let letter = *spec.columns().first()?;
    let place = |letters: &[char]| letters.iter().position(|own| *own == letter);
    Some((place(&spec.right)?, place(&spec.output)?))
}

fn groups(graph: &Graph) -> Vec<(Shared, Vec<NodeId>)> {
    let fixed = fixed(graph);
    let mut groups: BTreeMap<Shared, Vec<NodeId>> = BTreeMap::new();
    let mut order: Vec<Shared> = Vec::new();
    for id in graph.topological_order() {
        let Op::Contraction {
            spec,
            accumulator,
            epilogue: None,
        } = &graph.node(id).op
        else {
            continue;
        };
        let (spec, operands) = (spec.canonical(), graph.operands(id));
        let Some((axis, _)) = column(&spec) else {
            continue;
        };
        let [left, right] = operands[..] else {
            continue;
        };
        if !fixed.contains(&right.node) || fixed.contains(&left.node) {
            continue;
        }
        let ty = graph.type_of(right);
        let mut extents = ty.shape.clone();
        extents.remove(axis);
        let shared = (left, spec, *accumulator, extents, ty.dtype);
        if !groups.contains_key(&shared) {
            order.push(shared.clone());
        }
        groups.entry(shared).or_default().push(id);
    }
    let found = order.into_iter().filter_map(|shared| {
        let nodes = groups.remove(&shared)?;
        Some((shared, nodes))
    });
    found.filter(|(_, nodes)| nodes.len() > 1).collect()
}

fn merge(graph: &mut Graph, shared: &Shared, nodes: &[NodeId]) -> Result<(), Error> {
    let (left, spec, accumulator, _, _) = shared;
    let Some((axis, result_axis)) = column(spec) else {
        return Ok(());
    };
    let weights: Vec<Value> = nodes.iter().map(|id| graph.operands(*id)[1]).collect();
    let mut origin = Origin::default();
    for &id in nodes {
        origin.merge(&graph.node(id).origin);
    }
    let wide = graph.add(Op::Concat { axis }, &weights)?;
    let op = Op::Contraction {
        spec: spec.clone(),
        accumulator: *accumulator,
        epilogue: None,
    };
    let product = graph.add(op, &[*left, wide])?;
    graph.node_mut(wide.node).origin = origin.clone();
    graph.node_mut(product.node).origin = origin;
    let mut start = Dim::from(0);
    for &id in nodes {
        let old = Value {
            node: id,
            result: 0,
        };
        let shape = graph.type_of(old).shape.clone();
        let mut starts = vec![Dim::from(0); shape.len()];
        starts[result_axis] = start.clone();
        start = start
            .add(&shape[result_axis])
            .map_err(|error| Error::Graph {
                graph: graph.name().to_owned(),
                message: error.to_string(),
            })?;
        let steps = vec![1; shape.len()];
        let op = Op::Slice {
            starts,
            shape,
            steps,
        };
        let part = graph.add(op, &[product])?;
        graph.node_mut(part.node).origin = graph.node(id).origin.clone();
        graph.replace_uses(old, part);
    }
    Ok(())
}
