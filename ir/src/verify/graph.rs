use std::collections::{BTreeMap, BTreeSet};

use super::{Place, VerifyCause, VerifyError, body, distinct, verify_type};
use crate::{Graph, GraphId, Module, NodeId, Op, ParameterKind, TensorType, Value};

/// Checks a graph; those before it are sound.
pub(super) fn verify(module: &Module, id: GraphId) -> Result<(), VerifyError> {
    let graph = module.graph(id);
    verify_whole(graph).map_err(|cause| VerifyError {
        place: Place::Graph {
            id,
            name: graph.name().to_string(),
        },
        cause: cause.into(),
    })?;
    let numbers = operand_numbers(graph);
    for node in graph.topological_order() {
        let none = Vec::new();
        let numbers = numbers.get(&node).unwrap_or(&none);
        verify_node(module, id, node, numbers).map_err(|cause| VerifyError {
            place: Place::Node {
                id,
                name: graph.name().to_string(),
                node,
                op: graph.node(node).op.text_name(),
            },
            cause: cause.into(),
        })?;
    }
    Ok(())
}

fn verify_whole(graph: &Graph) -> Result<(), VerifyCause> {
    let lost = graph.node_count() - graph.topological_order().len();
    if lost > 0 {
        return Err(VerifyCause::Cycle(lost));
    }
    let mut listed = BTreeSet::new();
    let mut names = Vec::new();
    for &input in graph.inputs() {
        let op = graph.contains(input).then(|| &graph.node(input).op);
        let Some(Op::Input { name }) = op.filter(|_| listed.insert(input)) else {
            return Err(VerifyCause::InputList(input.index()));
        };
        names.push(&**name);
    }
    let mut nodes = graph.node_ids();
    if let Some(extra) =
        nodes.find(|id| matches!(graph.node(*id).op, Op::Input { .. }) && !listed.contains(id))
    {
        return Err(VerifyCause::InputList(extra.index()));
    }
    distinct("input", names)?;
    distinct("output", graph.outputs().iter().map(|(name, _)| &**name))?;
    for (name, value) in graph.outputs() {
        value_exists(graph, *value, || format!("output `{name}`"))?;
    }
    Ok(())
}

fn value_exists(graph: &Graph, value: Value, user: impl Fn() -> String) -> Result<(), VerifyCause> {
    let exists =
        graph.contains(value.node) && (value.result as usize) < graph.node(value.node).types.len();
    if exists {
        return Ok(());
    }
    Err(VerifyCause::Missing {
        user: user(),
        node: value.node.index(),
        result: value.result,
    })
}

/// The operand numbers of each node's edges, ascending.
fn operand_numbers(graph: &Graph) -> BTreeMap<NodeId, Vec<u32>> {
    let used: BTreeSet<Value> = graph.node_ids().flat_map(|id| graph.operands(id)).collect();
    let mut numbers: BTreeMap<NodeId, Vec<u32>> = BTreeMap::new();
    for value in used {
        for (user, operand) in graph.uses(value) {
            numbers.entry(user).or_default().push(operand);
        }
    }
    numbers.values_mut().for_each(|list| list.sort_unstable());
    numbers
}

fn verify_node(
    module: &Module,
    id: GraphId,
    node: NodeId,
    numbers: &[u32],
) -> Result<(), VerifyCause> {
    let graph = module.graph(id);
    let operands = graph.operands(node);
    for (place, value) in operands.iter().enumerate() {
        value_exists(graph, *value, || format!("operand {place}"))?;
    }
    if !numbers.iter().copied().eq(0..operands.len() as u32) {
        return Err(VerifyCause::OperandNumbers(numbers.to_vec()));
    }
    let node = graph.node(node);
    node.types.iter().try_for_each(verify_type)?;
    if let Some(owned) = node.op.bodies().into_iter().find(|body| body.0 >= id.0) {
        return Err(VerifyCause::BodyOrder(owned));
    }
    match &node.op {
        Op::Parameter { path } => module.verify_kind(path, ParameterKind::Parameter)?,
        Op::State { path } => module.verify_kind(path, ParameterKind::State)?,
        Op::Contraction {
            epilogue: Some(epilogue),
            ..
        } => body::verify(epilogue)?,
        _ => {}
    }
    let operand_types: Vec<&TensorType> = operands.iter().map(|v| graph.type_of(*v)).collect();
    let expected = match (&node.op, &node.types[..]) {
        (Op::Input { .. }, [own]) if operands.is_empty() => vec![own.clone()],
        _ => module.result_types(&node.op, &operand_types)?,
    };
    if node.types != expected {
        return Err(VerifyCause::Types {
            found: list(&node.types),
            expected: list(&expected),
        });
    }
    Ok(())
}

fn list(types: &[TensorType]) -> String {
    let texts: Vec<String> = types.iter().map(ToString::to_string).collect();
    texts.join(", ")
}
