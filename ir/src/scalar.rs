use std::collections::BTreeMap;

use eyas_tensor::DType;

use crate::{Body, BodyBuilder, Graph, Op, ScalarId, ScalarOp, TensorType, Value, decompose};

/// The arithmetic of one element of an op that works element by element, composites among them:
/// an input an operand, one output. `None` where the op does not, or does not take these types.
///
/// Every node has the type of the op's operands; composites of floats narrower than f32 compute
/// in f32 and round once.
pub fn scalar_body(op: &Op, operands: &[DType]) -> Option<Body> {
    if !op.is_elementwise() {
        return None;
    }
    let types: Vec<TensorType> = operands.iter().copied().map(TensorType::scalar).collect();
    let graph = match op {
        Op::Composite { composite } => decompose(composite, &types).ok()?,
        _ => single(op, types)?,
    };
    body_of(&graph)
}

/// A graph of one node.
fn single(op: &Op, types: Vec<TensorType>) -> Option<Graph> {
    let mut graph = Graph::new("scalar");
    let inputs: Vec<Value> = (0..)
        .zip(types)
        .map(|(place, ty): (u32, _)| graph.add_input(place.to_string(), ty))
        .collect();
    let result = graph.add(op.clone(), &inputs).ok()?;
    graph.add_output("result", result);
    Some(graph)
}

/// A graph over scalars as a body; `None` where a node is not arithmetic.
fn body_of(graph: &Graph) -> Option<Body> {
    let mut builder = BodyBuilder::new();
    let mut places: BTreeMap<Value, ScalarId> = BTreeMap::new();
    for &node in graph.inputs() {
        let value = Value { node, result: 0 };
        places.insert(value, builder.input(graph.type_of(value).dtype));
    }
    for node in graph.topological_order() {
        let value = Value { node, result: 0 };
        let operands = graph.operands(node);
        let operands: Option<Vec<ScalarId>> =
            operands.iter().map(|v| places.get(v).copied()).collect();
        let scalar = match (graph.op(value), &operands?[..]) {
            (Op::Input { .. }, _) => continue,
            (Op::Constant { value }, []) => ScalarOp::Literal(value.clone()),
            (Op::Extent { dim, .. }, []) => ScalarOp::Extent(dim.clone()),
            (Op::Unary { function }, [a]) => ScalarOp::Unary(*function, *a),
            (Op::Binary { function }, [a, b]) => ScalarOp::Binary(*function, *a, *b),
            (Op::Compare { comparison }, [a, b]) => ScalarOp::Compare(*comparison, *a, *b),
            (Op::Select, [condition, a, b]) => ScalarOp::Select(*condition, *a, *b),
            (Op::Cast { dtype }, [a]) => {
                places.insert(value, builder.cast(*a, *dtype));
                continue;
            }
            _ => return None,
        };
        places.insert(value, builder.push(scalar, graph.type_of(value).dtype));
    }
    let results = graph.outputs().iter();
    let results: Option<Vec<ScalarId>> = results.map(|(_, v)| places.get(v).copied()).collect();
    Some(builder.finish(&results?))
}
