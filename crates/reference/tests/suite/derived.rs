use std::collections::BTreeMap;

use eyas_ir::{
    BinaryFunction, Derived, Graph, GraphId, Initialiser, Module, Op, Origin, ParameterDecl,
    ParameterKind,
};
use eyas_reference::{Evaluator, compute_derived, initialise};
use eyas_tensor::{DType, Tensor};

use crate::single::{floats, module};

fn parameter(graph: &mut Graph, path: &str) -> eyas_ir::Value {
    let path = path.to_owned();
    let ty = "f32[2]".parse().unwrap();
    graph.add_typed(Op::Parameter { path }, &[], vec![ty], Origin::default())
}

fn doubled() -> (Module, BTreeMap<String, Tensor>) {
    let mut double = Graph::new("double");
    let w = parameter(&mut double, "w.{i}");
    let sum = double
        .add(Op::binary(BinaryFunction::Add), &[w, w])
        .unwrap();
    double.add_output("sum", sum);
    let mut main = Graph::new("main");
    let (a, b) = (
        parameter(&mut main, "double.0"),
        parameter(&mut main, "double.1"),
    );
    let product = main
        .add(Op::binary(BinaryFunction::Multiply), &[a, b])
        .unwrap();
    main.add_output("product", product);
    let mut module = module(vec![double, main]);
    module.derived.push(Derived {
        path: "double.{i}".to_owned(),
        ty: "f32[2]".parse().unwrap(),
        graph: GraphId(0),
        counters: vec![("i".to_owned(), 0, 2)],
    });
    let weights = BTreeMap::from([
        ("w.0".to_owned(), floats(DType::F32, &[2], &[1.0, 2.0])),
        ("w.1".to_owned(), floats(DType::F32, &[2], &[3.0, 5.0])),
    ]);
    (module, weights)
}

#[test]
fn derived_parameters_are_computed_for_each_counter_and_on_demand() {
    let (module, weights) = doubled();
    let derived = compute_derived(&module, &weights).unwrap();
    assert_eq!(derived.keys().collect::<Vec<_>>(), ["double.0", "double.1"]);
    assert_eq!(derived["double.1"], floats(DType::F32, &[2], &[6.0, 10.0]));
    let outcome = Evaluator::new(&module)
        .parameters(weights)
        .run("main", &[])
        .unwrap();
    assert_eq!(outcome.outputs[0].1.to_f64(), [12.0, 40.0]);
    let given = Evaluator::new(&module)
        .parameters(derived)
        .run("main", &[])
        .unwrap();
    assert_eq!(given.outputs, outcome.outputs);
}

fn initialised(initialiser: Initialiser, seed: u64) -> Vec<f64> {
    let mut module = Module::default();
    let declaration = |initialiser| ParameterDecl {
        ty: "f32[100, 100]".parse().unwrap(),
        initialiser,
        kind: ParameterKind::Parameter,
        span: None,
    };
    module
        .parameters
        .insert("w".to_owned(), declaration(Some(initialiser)));
    module
        .parameters
        .insert("given".to_owned(), declaration(None));
    let tensors = initialise(&module, seed).unwrap();
    assert_eq!(tensors.len(), 1);
    tensors["w"]
        .numbers()
        .into_iter()
        .map(|x| x.to_f64())
        .collect()
}

fn moments(values: &[f64]) -> (f64, f64) {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let square = values.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>();
    (mean, (square / values.len() as f64).sqrt())
}

#[test]
fn initialisers_fill_and_draw() {
    assert_eq!(initialised(Initialiser::Fill(0.5), 1), vec![0.5; 10_000]);
    let uniform = initialised(
        Initialiser::Uniform {
            low: -1.0,
            high: 3.0,
        },
        1,
    );
    assert!(uniform.iter().all(|x| (-1.0..=3.0).contains(x)));
    let (mean, deviation) = moments(&uniform);
    assert!((mean - 1.0).abs() < 0.05 && (deviation - 4.0 / 12f64.sqrt()).abs() < 0.05);
    let normal = Initialiser::Normal {
        mean: 2.0,
        deviation: 0.5,
    };
    let draws = initialised(normal.clone(), 1);
    let (mean, deviation) = moments(&draws);
    assert!((mean - 2.0).abs() < 0.02 && (deviation - 0.5).abs() < 0.02);
    assert_eq!(draws, initialised(normal.clone(), 1));
    assert_ne!(draws, initialised(normal, 2));
}
