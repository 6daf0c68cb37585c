use std::collections::BTreeMap;
use std::sync::Arc;

use egg::Id;
use eyas_ir::{Graph, NodeId, Op, TensorType, Value};

use crate::Error;
use crate::analysis::{Equalities, Knowledge};
use crate::builder::Builder;
use crate::term::TermOp;

/// A graph in an e-graph.
pub(crate) struct Loaded {
    pub(crate) egraph: Equalities,
    /// The inputs, in order, whether used or not.
    pub(crate) inputs: Vec<(String, TensorType)>,
    /// The outputs.
    pub(crate) outputs: Vec<(String, Id)>,
    /// The id that each value was added as.
    pub(crate) values: BTreeMap<Value, Id>,
}

/// The e-graph of a graph.
///
/// # Errors
/// [`Error::Graph`] where nodes lie on a cycle.
pub(crate) fn load(graph: &Graph, explain: bool) -> Result<Loaded, Error> {
    let mut egraph = Equalities::new(Knowledge::default());
    if explain {
        egraph = egraph.with_explanations_enabled();
    }
    let mut values: BTreeMap<Value, Id> = BTreeMap::new();
    for node in graph.topological_order() {
        let operands = graph.operands(node).into_iter();
        let operands: Option<Vec<Id>> = operands.map(|v| values.get(&v).copied()).collect();
        let operands = operands.ok_or_else(|| fault(graph, "has a cycle"))?;
        add(&mut egraph, graph, node, &operands, &mut values);
    }
    let inputs = graph.inputs().iter().map(|&id| {
        let node = graph.node(id);
        let name = match &node.op {
            Op::Input { name } => name.clone(),
            _ => String::new(),
        };
        (name, node.types[0].clone())
    });
    let inputs = inputs.collect();
    let outputs = graph.outputs().iter().map(|(name, value)| {
        let id = values.get(value).copied();
        let id = id.ok_or_else(|| fault(graph, "gives a value that it has not"))?;
        Ok((name.clone(), id))
    });
    let outputs = outputs.collect::<Result<_, Error>>()?;
    egraph.rebuild();
    Ok(Loaded {
        egraph,
        inputs,
        outputs,
        values,
    })
}

fn fault(graph: &Graph, message: &str) -> Error {
    Error::Graph {
        graph: graph.name().to_owned(),
        message: message.to_owned(),
    }
}

fn add(
    egraph: &mut Equalities,
    graph: &Graph,
    id: NodeId,
    operands: &[Id],
    values: &mut BTreeMap<Value, Id>,
) {
    let node = graph.node(id);
    let types: Arc<[TensorType]> = node.types.clone().into();
    let mut builder = Builder::new(egraph, Arc::new(node.origin.clone()));
    let control = matches!(node.op, Op::Loop { .. } | Op::If { .. });
    // A node of its own number is never one with another.
    let number = if control { id.index() as u32 + 1 } else { 0 };
    let op = TermOp::Op(node.op.clone(), number);
    let declared = operands.is_empty().then(|| types.clone());
    let whole = builder.term(op, operands, types.clone(), declared);
    if !control {
        values.insert(
            Value {
                node: id,
                result: 0,
            },
            whole,
        );
        return;
    }
    for (result, ty) in (0..).zip(types.iter()) {
        let types = Arc::from(vec![ty.clone()]);
        let part = builder.term(TermOp::Project(result), &[whole], types, None);
        values.insert(Value { node: id, result }, part);
    }
}
