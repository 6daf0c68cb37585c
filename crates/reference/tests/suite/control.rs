use eyas_ir::{
    BinaryFunction, Comparison, Constant, Distribution, Graph, GraphId, Initialiser, Module, Op,
    Origin, ParameterDecl, ParameterKind, Reduction, TensorType, Trip, UnaryFunction, Value,
};
use eyas_reference::{EvaluateError, Evaluator};
use eyas_tensor::{DType, Number, Tensor};

use crate::single::{dims, floats, integers, module, type_of};

fn ty(text: &str) -> TensorType {
    text.parse().unwrap()
}

fn add_owner(module: &Module, graph: &mut Graph, op: Op, operands: &[Value]) -> Vec<Value> {
    let types: Vec<TensorType> = operands.iter().map(|v| graph.type_of(*v).clone()).collect();
    let types = module
        .result_types(&op, &types.iter().collect::<Vec<_>>())
        .unwrap();
    let count = types.len() as u32;
    let node = graph.add_typed(op, operands, types, Origin::default()).node;
    (0..count).map(|result| Value { node, result }).collect()
}

fn binary(graph: &mut Graph, function: BinaryFunction, a: Value, b: Value) -> Value {
    graph.add(Op::binary(function), &[a, b]).unwrap()
}

fn layer(graph: &mut Graph, path: &str, x: Value, scale: Value) -> Value {
    let op = Op::Parameter {
        path: path.to_owned(),
    };
    let weights = graph.add_typed(op, &[], vec![ty("f32[2]")], Origin::default());
    let product = binary(graph, BinaryFunction::Multiply, x, scale);
    let sum = binary(graph, BinaryFunction::Add, product, weights);
    graph.add(Op::unary(UnaryFunction::Tanh), &[sum]).unwrap()
}

fn weights(module: &mut Module) -> Vec<(String, Tensor)> {
    let tensors = (1..4).map(|i| {
        let tensor = floats(DType::F32, &[2], &[0.1 * f64::from(i), -0.3 * f64::from(i)]);
        (format!("block.{i}.w"), tensor)
    });
    let tensors: Vec<_> = tensors.collect();
    for (path, tensor) in &tensors {
        let declaration = ParameterDecl {
            ty: type_of(tensor),
            initialiser: None,
            kind: ParameterKind::Parameter,
            span: None,
        };
        module.parameters.insert(path.clone(), declaration);
    }
    tensors
}

#[test]
fn a_rolled_loop_equals_the_unrolled_one() {
    let mut body = Graph::new("body");
    body.add_input("i", ty("i64[]"));
    let (x, scale) = (
        body.add_input("x", ty("f32[2]")),
        body.add_input("scale", ty("f32[2]")),
    );
    let next = layer(&mut body, "block.{i}.w", x, scale);
    body.add_output("x", next);
    body.add_output("trace", next);
    let mut rolled = module(vec![body]);
    let weights = weights(&mut rolled);

    let mut main = Graph::new("main");
    let (x, scale) = (
        main.add_input("x", ty("f32[2]")),
        main.add_input("scale", ty("f32[2]")),
    );
    let op = Op::Loop {
        body: GraphId(0),
        variable: "i".to_owned(),
        trip: Trip::Range {
            start: 1.into(),
            count: 3.into(),
        },
        carried: 1,
    };
    let results = add_owner(&rolled, &mut main, op, &[x, scale]);
    main.add_output("x", results[0]);
    main.add_output("trace", results[1]);
    let rolled_id = rolled.add_graph(main);

    let mut unrolled = Graph::new("unrolled");
    let (mut x, scale) = (
        unrolled.add_input("x", ty("f32[2]")),
        unrolled.add_input("scale", ty("f32[2]")),
    );
    for i in 1..4 {
        x = layer(&mut unrolled, &format!("block.{i}.w"), x, scale);
        unrolled.add_output(format!("x{i}"), x);
    }
    let unrolled_id = rolled.add_graph(unrolled);

    let inputs = [
        floats(DType::F32, &[2], &[0.5, -2.0]),
        floats(DType::F32, &[2], &[1.5, 0.7]),
    ];
    let evaluator = Evaluator::new(&rolled).parameters(weights.into_iter().collect());
    let found = evaluator.run(rolled_id, &inputs).unwrap().outputs;
    let expected = evaluator.run(unrolled_id, &inputs).unwrap().outputs;
    assert_eq!(found[0].1, expected[2].1);
    assert_eq!(found[1].1.shape(), [3, 2]);
    let rows: Vec<f64> = expected
        .iter()
        .flat_map(|(_, values)| values.to_f64())
        .collect();
    assert_eq!(found[1].1.to_f64(), rows);

    let missing = Evaluator::new(&rolled).run(rolled_id, &inputs).unwrap_err();
    assert_eq!(
        *missing.cause(),
        EvaluateError::MissingParameter("block.1.w".to_owned())
    );
}

/// Doubles `x` while it is below 20, at most `limit` times, and stacks what it was.
fn doubling() -> (Module, GraphId) {
    let mut body = Graph::new("body");
    body.add_input("i", ty("i64[]"));
    let x = body.add_input("x", ty("i32[]"));
    let double = binary(&mut body, BinaryFunction::Add, x, x);
    let value = Constant::scalar(DType::I32, Number::Int(20));
    let bound = body.add(Op::Constant { value }, &[]).unwrap();
    let comparison = Comparison::Less;
    let more = body
        .add(Op::Compare { comparison }, &[double, bound])
        .unwrap();
    body.add_output("more", more);
    body.add_output("x", double);
    body.add_output("was", x);
    let mut doubling = module(vec![body]);
    let mut main = Graph::new("main");
    let x = main.add_input("x", ty("i32[]"));
    let limit = main.add_input("limit", ty("i32[L]"));
    let op = Op::Loop {
        body: GraphId(0),
        variable: "i".to_owned(),
        trip: Trip::While {
            limit: "L".parse().unwrap(),
        },
        carried: 1,
    };
    let results = add_owner(&doubling, &mut main, op, &[x]);
    main.add_output("x", results[0]);
    main.add_output("was", results[1]);
    main.add_output("limit", limit);
    let id = doubling.add_graph(main);
    (doubling, id)
}

#[test]
fn a_while_loop_ends_by_its_condition_or_its_limit() {
    let (module, id) = doubling();
    let run = |limit: usize| {
        let inputs = [
            integers(DType::I32, &[], &[3]),
            Tensor::zeros(DType::I32, &[limit]).unwrap(),
        ];
        let outcome = Evaluator::new(&module).run(id, &inputs).unwrap();
        (
            outcome.outputs[0].1.to_f64()[0],
            outcome.outputs[1].1.to_f64(),
        )
    };
    assert_eq!(run(5), (24.0, vec![3.0, 6.0, 12.0, 0.0, 0.0]));
    assert_eq!(run(2), (12.0, vec![3.0, 6.0]));
    assert_eq!(run(0), (3.0, vec![]));
}

#[test]
fn an_if_runs_one_branch() {
    let mut negate = Graph::new("negate");
    let x = negate.add_input("x", ty("f32[2]"));
    let y = negate.add(Op::unary(UnaryFunction::Negate), &[x]).unwrap();
    negate.add_output("y", y);
    let mut missing = Graph::new("missing");
    missing.add_input("x", ty("f32[2]"));
    let op = Op::Parameter {
        path: "nowhere".to_owned(),
    };
    let y = missing.add_typed(op, &[], vec![ty("f32[2]")], Origin::default());
    missing.add_output("y", y);
    let mut branches = module(vec![negate, missing]);
    let mut main = Graph::new("main");
    let (condition, x) = (
        main.add_input("c", ty("bool[]")),
        main.add_input("x", ty("f32[2]")),
    );
    let op = Op::If {
        then: GraphId(0),
        otherwise: GraphId(1),
    };
    let results = add_owner(&branches, &mut main, op, &[condition, x]);
    main.add_output("y", results[0]);
    let id = branches.add_graph(main);
    let x = floats(DType::F32, &[2], &[1.0, -2.0]);
    let run = |condition| {
        let inputs = [
            Tensor::scalar(DType::Bool, Number::Bool(condition)),
            x.clone(),
        ];
        Evaluator::new(&branches).run(id, &inputs)
    };
    assert_eq!(
        run(true).unwrap().output("y").unwrap().to_f64(),
        [-1.0, 2.0]
    );
    let error = run(false).unwrap_err();
    assert_eq!(
        *error.cause(),
        EvaluateError::MissingParameter("nowhere".to_owned())
    );
}

#[test]
fn each_iteration_draws_from_its_own_stream() {
    let mut body = Graph::new("body");
    let counter = body.add_input("i", ty("i64[]"));
    let random = |stream: &str| Op::Random {
        distribution: Distribution::Bits,
        stream: stream.to_owned(),
        shape: dims("2"),
    };
    let path = body.add(random("drop.{i}"), &[]).unwrap();
    let number = body.add(random("drop"), &[counter]).unwrap();
    body.add_output("path", path);
    body.add_output("number", number);
    let mut module = module(vec![body]);
    let mut main = Graph::new("main");
    let op = Op::Loop {
        body: GraphId(0),
        variable: "i".to_owned(),
        trip: Trip::Range {
            start: 0.into(),
            count: 4.into(),
        },
        carried: 0,
    };
    let results = add_owner(&module, &mut main, op, &[]);
    main.add_output("path", results[0]);
    main.add_output("number", results[1]);
    let third = main.add(random("drop.2"), &[]).unwrap();
    main.add_output("third", third);
    let id = module.add_graph(main);
    let outputs = Evaluator::new(&module).run(id, &[]).unwrap().outputs;
    for (_, values) in &outputs[..2] {
        let mut words = values.to_f64();
        words.sort_by(f64::total_cmp);
        words.dedup();
        assert_eq!(words.len(), 8);
    }
    assert_eq!(outputs[0].1.to_f64()[4..6], outputs[2].1.to_f64());
}

#[test]
fn a_state_that_is_not_given_begins_with_its_initialiser() {
    let mut main = Graph::new("main");
    let op = Op::State {
        path: "count".to_owned(),
    };
    let state = main.add_typed(op, &[], vec![ty("f32[2]")], Origin::default());
    let op = Op::Reduce {
        reduction: Reduction::Sum,
        axes: vec![0],
    };
    let sum = main.add(op, &[state]).unwrap();
    main.add_output("sum", sum);
    let mut module = module(vec![main]);
    let declaration = ParameterDecl {
        ty: ty("f32[2]"),
        initialiser: Some(Initialiser::Fill(2.5)),
        kind: ParameterKind::State,
        span: None,
    };
    module.parameters.insert("count".to_owned(), declaration);
    let sum = |evaluator: Evaluator<'_>| evaluator.run("main", &[]).unwrap().outputs[0].1.to_f64();
    assert_eq!(sum(Evaluator::new(&module)), [5.0]);
    let given = floats(DType::F32, &[2], &[1.0, 1.0]);
    assert_eq!(
        sum(Evaluator::new(&module).parameter("count", given)),
        [2.0]
    );
}
