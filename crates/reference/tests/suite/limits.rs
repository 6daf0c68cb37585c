use std::collections::BTreeMap;

use eyas_ir::{Constant, Graph, GraphId, Module, Op, Origin, Trip};
use eyas_reference::{EvaluateError, Evaluator, evaluate_graph};
use eyas_tensor::{DType, Number, Tensor};

use crate::single::{dims, graph, integers, module};

fn run(graph: &Graph, n: i64) -> Result<f64, EvaluateError> {
    let bindings = BTreeMap::from([("N".to_owned(), n)]);
    let outputs = evaluate_graph(&Module::default(), graph, &[], &bindings)?;
    Ok(outputs[0].1.to_f64().len() as f64)
}

#[test]
fn what_is_too_large_is_refused_before_it_is_made() {
    let iota = |shape| Op::Iota {
        dtype: DType::F32,
        shape: dims(shape),
        axis: 0,
    };
    for (shape, n) in [
        ("N", 1 << 40),
        ("N, N", 1 << 20),
        ("N, N, N", i64::MAX),
        ("N", (1 << 31) + 1),
    ] {
        let error = run(&graph(iota(shape), &[]), n).unwrap_err();
        assert!(
            matches!(error.cause(), EvaluateError::TooLarge { .. }),
            "{error}"
        );
    }
    assert_eq!(run(&graph(iota("N, N, 0"), &[]), i64::MAX), Ok(0.0));
    let error = run(&graph(iota("N"), &[]), -1).unwrap_err();
    assert!(matches!(
        error.cause(),
        EvaluateError::NegativeExtent { value: -1, .. }
    ));
    let error = run(&graph(iota("M"), &[]), 1).unwrap_err();
    assert!(matches!(error.cause(), EvaluateError::Dim(_)));
    let random = Op::Random {
        distribution: eyas_ir::Distribution::Bits,
        stream: "r".to_owned(),
        shape: dims("N"),
    };
    assert!(run(&graph(random, &[]), 1 << 33).is_err());
}

#[test]
fn the_memory_of_all_values_together_is_bounded() {
    let mut graph = Graph::new("wide");
    let op = Op::Iota {
        dtype: DType::I64,
        shape: dims("N"),
        axis: 0,
    };
    let iota = graph.add(op, &[]).unwrap();
    graph.add_output("y", iota);
    let error = run(&graph, (1 << 30) + 1).unwrap_err();
    assert!(matches!(error.cause(), EvaluateError::TooLarge { .. }));
}

#[test]
fn zero_extents_beside_huge_ones_do_not_overflow() {
    let huge = Tensor::zeros(DType::F32, &[0, 1 << 40, 1 << 40]);
    // The tensor itself may refuse such a shape.
    let Ok(huge) = huge else { return };
    let op = Op::Pad {
        low: dims("0, 5, 0"),
        high: dims("0, 0, 7"),
        value: Constant::scalar(DType::F32, Number::Float(1.0)),
    };
    let ops = [
        op,
        Op::Concat { axis: 1 },
        Op::Transpose {
            permutation: vec![2, 0, 1],
        },
        Op::Slice {
            starts: dims("0, 1, 1"),
            shape: dims("0, 5, 5"),
            steps: vec![1, 3, -1],
        },
    ];
    for op in ops {
        let ty = crate::single::type_of(&huge);
        let graph = graph_of(op, ty);
        let _ = evaluate_graph(
            &Module::default(),
            &graph,
            std::slice::from_ref(&huge),
            &BTreeMap::new(),
        );
    }
}

fn graph_of(op: Op, ty: eyas_ir::TensorType) -> Graph {
    let mut graph = Graph::new("single");
    let x = graph.add_input("x", ty.clone());
    let y = graph.add_typed(op, &[x], vec![ty], Origin::default());
    graph.add_output("y", y);
    graph
}

#[test]
fn a_graph_that_owns_itself_is_refused() {
    let mut body = Graph::new("body");
    body.add_input("i", "i64[]".parse().unwrap());
    let op = Op::Loop {
        body: GraphId(0),
        variable: "i".to_owned(),
        trip: Trip::Range {
            start: 0.into(),
            count: 1.into(),
        },
        carried: 0,
    };
    body.add_typed(op.clone(), &[], Vec::new(), Origin::default());
    let scalar = vec!["i64[1]".parse().unwrap()];
    let again = body.add_typed(op, &[], scalar, Origin::default());
    body.add_output("again", again);
    let module = module(vec![body]);
    let error = Evaluator::new(&module).run("main", &[integers(DType::I64, &[], &[0])]);
    assert!(matches!(
        error.unwrap_err().cause(),
        EvaluateError::TooDeep(_)
    ));
}

#[test]
fn what_a_graph_contradicts_is_an_error_and_not_a_panic() {
    let module = module(vec![Graph::new("main")]);
    let evaluator = Evaluator::new(&module);
    assert_eq!(
        evaluator.run("other", &[]).unwrap_err(),
        EvaluateError::UnknownEntry("other".into())
    );
    assert_eq!(
        evaluator.run(GraphId(7), &[]).unwrap_err(),
        EvaluateError::UnknownGraph(7)
    );

    let wrong = graph_of(Op::Gather { axis: 3 }, "f32[2]".parse().unwrap());
    let input = Tensor::zeros(DType::F32, &[2]).unwrap();
    let run = |graph: &Graph| {
        evaluate_graph(
            &module,
            graph,
            std::slice::from_ref(&input),
            &BTreeMap::new(),
        )
    };
    assert!(matches!(
        run(&wrong).unwrap_err().cause(),
        EvaluateError::Infer(_)
    ));
    let wrong = graph_of(Op::Cast { dtype: DType::F64 }, "f32[2]".parse().unwrap());
    assert!(matches!(
        run(&wrong).unwrap_err().cause(),
        EvaluateError::WrongType { .. }
    ));
    let wrong = graph_of(Op::Cast { dtype: DType::F32 }, "f32[3]".parse().unwrap());
    assert!(matches!(
        run(&wrong).unwrap_err().cause(),
        EvaluateError::WrongType { .. }
    ));
}
