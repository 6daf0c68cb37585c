use std::collections::BTreeMap;

use egg::Id;
use eyas_ir::{Graph, Value};

use crate::analysis::Equalities;
use crate::extract::Selection;
use crate::load::Loaded;
use crate::term::TermOp;

/// The graph of what is selected, with the inputs and outputs of the graph that was loaded.
/// `None` where the selection has a cycle.
pub(crate) fn write(loaded: &Loaded, selection: &Selection, name: &str) -> Option<Graph> {
    let egraph = &loaded.egraph;
    let mut graph = Graph::new(name);
    let mut inputs = BTreeMap::new();
    for (input, ty) in &loaded.inputs {
        let value = graph.add_input(input.clone(), ty.clone());
        inputs.insert(input.clone(), value);
    }
    let mut written: BTreeMap<Id, Value> = BTreeMap::new();
    selection.order()?;
    for (output, id) in &loaded.outputs {
        write_class(egraph, selection, &mut graph, &inputs, &mut written, *id)?;
        graph.add_output(output.clone(), *written.get(&egraph.find(*id))?);
    }
    Some(graph)
}

/// Writes a class after all that it needs.
fn write_class(
    egraph: &Equalities,
    selection: &Selection,
    graph: &mut Graph,
    inputs: &BTreeMap<String, Value>,
    written: &mut BTreeMap<Id, Value>,
    root: Id,
) -> Option<()> {
    let mut stack = vec![egraph.find(root)];
    while let Some(&id) = stack.last() {
        if written.contains_key(&id) {
            stack.pop();
            continue;
        }
        let term = selection.term(egraph, id)?;
        let operands: Vec<Id> = term.operands.iter().map(|id| egraph.find(*id)).collect();
        let missing: Vec<Id> = operands
            .iter()
            .filter(|id| !written.contains_key(id))
            .copied()
            .collect();
        if !missing.is_empty() {
            stack.extend(missing.into_iter().rev());
            continue;
        }
        stack.pop();
        let values: Vec<Value> = operands.iter().map(|id| written[id]).collect();
        let data = &egraph[id].data;
        let value = match &*egraph.analysis.ops.entry(term.op).op {
            TermOp::Project(result) => Value {
                node: values[0].node,
                result: *result,
            },
            TermOp::Op(eyas_ir::Op::Input { name }, _) => {
                let value = *inputs.get(name)?;
                graph.node_mut(value.node).origin.merge(&data.origin);
                value
            }
            TermOp::Op(op, _) => {
                let types = data.types.to_vec();
                graph.add_typed(op.clone(), &values, types, (*data.origin).clone())
            }
        };
        written.insert(id, value);
    }
    Some(())
}
