//! Graphs of one op.

use std::collections::BTreeMap;

use eyas_ir::{Entry, Graph, GraphId, Mode, Module, Op, TensorType};
use eyas_reference::{EvaluateError, Evaluator, Storage, Values, evaluate_graph};
use eyas_tensor::{DType, Dim, Number, Tensor};

/// The type of a tensor.
pub fn type_of(tensor: &Tensor) -> TensorType {
    let shape: Vec<Dim> = tensor
        .shape()
        .iter()
        .map(|&n| Dim::from(n as i64))
        .collect();
    TensorType::new(tensor.dtype(), shape)
}

/// A graph of one op over inputs of these types.
pub fn graph(op: Op, types: &[TensorType]) -> Graph {
    let mut graph = Graph::new("single");
    let operands = types.iter().map(|ty| graph.add_input("x", ty.clone()));
    let operands: Vec<_> = operands.collect();
    let result = graph.add(op, &operands).unwrap();
    graph.add_output("y", result);
    graph
}

/// The values that an op gives.
pub fn values(op: Op, operands: &[Tensor]) -> Result<Values, EvaluateError> {
    let types: Vec<TensorType> = operands.iter().map(type_of).collect();
    let graph = graph(op, &types);
    let mut outputs = evaluate_graph(&Module::default(), &graph, operands, &BTreeMap::new())?;
    Ok(outputs.remove(0).1)
}

/// What an op gives, as f64.
pub fn apply(op: Op, operands: &[Tensor]) -> Vec<f64> {
    values(op, operands).unwrap().to_f64()
}

/// The same in wide storage.
pub fn apply_wide(op: Op, operands: &[Tensor]) -> Vec<f64> {
    let types: Vec<TensorType> = operands.iter().map(type_of).collect();
    let (module, graph) = (Module::default(), graph(op, &types));
    let evaluator = Evaluator::new(&module).storage(Storage::Wide);
    let outputs = evaluator.run_graph(&graph, operands, &BTreeMap::new());
    outputs.unwrap().remove(0).1.to_f64()
}

/// A tensor of floats.
pub fn floats(dtype: DType, shape: &[usize], values: &[f64]) -> Tensor {
    let numbers: Vec<Number> = values.iter().map(|&x| Number::Float(x)).collect();
    Tensor::from_numbers(dtype, shape, &numbers).unwrap()
}

/// A tensor of integers.
pub fn integers(dtype: DType, shape: &[usize], values: &[i128]) -> Tensor {
    let numbers: Vec<Number> = values.iter().map(|&x| Number::Int(x)).collect();
    Tensor::from_numbers(dtype, shape, &numbers).unwrap()
}

/// A module with one entry point, `main`.
pub fn module(graphs: Vec<Graph>) -> Module {
    let mut module = Module::default();
    for graph in graphs {
        module.add_graph(graph);
    }
    module.entries.push(Entry {
        name: "main".to_owned(),
        graph: GraphId(module.graphs.len() - 1),
        mode: Mode::Inference,
        states: Vec::new(),
    });
    module
}

/// The dims of a text such as `2, B`.
pub fn dims(text: &str) -> Vec<Dim> {
    let parts = text.split(',').filter(|part| !part.trim().is_empty());
    parts.map(|part| part.trim().parse().unwrap()).collect()
}
