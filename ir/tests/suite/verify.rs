use eyas_ir::{
    Body, Entry, Graph, GraphId, Mode, Module, Op, Origin, Place, Scalar, ScalarId, ScalarOp,
    StateOutput, UnaryFunction, VerifyCause, VerifyError,
};
use eyas_tensor::DType;

use crate::everything::{everything, ty};

/// Why a text that parses does not verify.
fn fault(lines: &str) -> VerifyError {
    let module = Module::from_text_unverified(&format!("module\n{lines}\n"));
    module.unwrap().verify().unwrap_err()
}

/// Why a graph does not verify.
fn graph_fault(lines: &str) -> VerifyError {
    fault(&format!(
        "graph #0 main {{\n%0 = input x : f32[4]\n{lines}\n}}"
    ))
}

fn cause(error: VerifyError) -> VerifyCause {
    *error.cause
}

#[test]
fn the_module_of_everything_is_sound() {
    everything().verify().unwrap();
    Module::default().verify().unwrap();
}

#[test]
fn types_are_those_of_inference() {
    let error = graph_fault("%1 = exp %0 : f32[5]");
    assert_eq!(
        error.to_string(),
        "graph #0 `main`, node 1 `exp`: its results are (f32[5]), but inference gives (f32[4])"
    );
    assert!(matches!(error.place, Place::Node { id: GraphId(0), .. }));
    let infer = [
        "%1 = not %0 : f32[4]",
        "%1 = add %0 : f32[4]",
        "%1 = softmax %0 axis=3 : f32[4]",
        "%1 = parameter w : f32[4]",
        "%1 = loop %0 body=#7 variable=i trip={range: {start: 0, count: 1}} carried=1 : f32[4]",
        "%1 = exp : f32[4]",
    ];
    for line in infer {
        let cause = cause(graph_fault(line));
        let body = matches!(cause, VerifyCause::BodyOrder(_));
        assert!(
            body || matches!(cause, VerifyCause::Infer(_)),
            "{line}: {cause}"
        );
    }
    let bad = "%1 = reshape %0 shape=[-4, -1] : f32[-4, -1]";
    assert!(matches!(cause(graph_fault(bad)), VerifyCause::BadType(_)));
    let bad = "%1 = exp %0 : f32[1, 1, 1, 1, 1, 1, 1, 1, 1]";
    assert!(matches!(cause(graph_fault(bad)), VerifyCause::BadType(_)));
}

#[test]
fn names_are_distinct() {
    for lines in [
        "symbol B\nsymbol B",
        "graph #0 g {\n%0 = input x : f32[]\n%1 = input x : f32[]\n}",
        "graph #0 g {\n%0 = input x : f32[]\nreturn y = %0, y = %0\n}",
        "graph #0 g {\n}\nentry M = #0 inference\nentry M = #0 inference",
        "parameter w : f32[]\ngraph #0 g {\n%0 = parameter w : f32[]\nreturn w = %0\n}\n\
         derived w : f32[] = #0",
        "state s : f32[]\ngraph #0 g {\n%0 = state s : f32[]\nreturn y = %0\n}\n\
         entry M = #0 inference state s=0, s=0",
    ] {
        let cause = cause(fault(lines));
        assert!(
            matches!(cause, VerifyCause::Twice { .. }),
            "{lines}: {cause}"
        );
    }
}

#[test]
fn declarations_fit_their_uses() {
    let open = cause(fault("parameter w : f32[B]"));
    assert!(matches!(open, VerifyCause::OpenParameter { .. }), "{open}");
    for lines in [
        "state w : f32[]\ngraph #0 g {\n%0 = parameter w : f32[]\n}",
        "parameter w : f32[]\ngraph #0 g {\n%0 = state w : f32[]\n}",
    ] {
        let cause = cause(fault(lines));
        assert_eq!(cause, VerifyCause::Kind("w".to_owned()));
    }
    for (derived, inputs, result) in [
        ("f32[2]", "", "f32[]"),
        ("f32[]", "%1 = input x : f32[]\n", "f32[]"),
    ] {
        let lines = format!(
            "parameter w : {result}\ngraph #0 g {{\n{inputs}%0 = parameter w : {result}\n\
             return y = %0\n}}\nderived d : {derived} = #0"
        );
        let cause = cause(fault(&lines));
        assert!(matches!(cause, VerifyCause::Derived { .. }), "{cause}");
    }
    for line in ["entry M = #3 inference", "derived d : f32[] = #3"] {
        let cause = cause(fault(line));
        assert!(
            matches!(cause, VerifyCause::NoGraph { id: GraphId(3), .. }),
            "{cause}"
        );
    }
}

#[test]
fn next_values_of_states_fit() {
    let module = |states: &str| {
        fault(&format!(
            "state s : f32[]\nparameter w : f32[]\ngraph #0 g {{\n%0 = state s : f32[]\n\
             %1 = input x : i64[]\nreturn y = %0, x = %1\n}}\nentry M = #0 inference state {states}"
        ))
    };
    for states in ["s=1", "s=2", "s=18446744073709551615"] {
        let cause = cause(module(states));
        assert!(matches!(cause, VerifyCause::NextState { .. }), "{cause}");
        assert!(
            cause.to_string().contains("no `f32[]` in output"),
            "{cause}"
        );
    }
    for states in ["w=0", "t=0"] {
        let cause = cause(module(states));
        assert!(matches!(cause, VerifyCause::NoState { .. }), "{cause}");
    }
}

#[test]
fn bodies_stand_before_their_owners_and_fit() {
    let own = "%1 = if %0 then=#0 otherwise=#0 : f32[4]";
    assert_eq!(cause(graph_fault(own)), VerifyCause::BodyOrder(GraphId(0)));
    let body = "graph #0 b {\n%0 = input x : f32[]\nreturn y = %0\n}\n";
    let owner = "graph #1 g {\n%0 = constant bool[](true) : bool[]\n\
                 %1 = if %0 then=#0 otherwise=#0 : f32[]\n}";
    let cause = cause(fault(&format!("{body}{owner}")));
    assert!(matches!(cause, VerifyCause::Infer(_)), "{cause}");
}

fn contraction(body: Body) -> Module {
    let mut graph = Graph::new("main");
    let x = graph.add_input("x", ty("f32[4]"));
    let op = Op::Contraction {
        spec: "a,a->a".parse().unwrap(),
        accumulator: DType::F32,
        epilogue: Some(body),
    };
    graph.add_typed(op, &[x, x], vec![ty("f32[4]")], Origin::default());
    let mut module = Module::default();
    module.add_graph(graph);
    module
}

#[test]
fn epilogues_are_well_typed() {
    let input = Scalar {
        op: ScalarOp::Input(0),
        dtype: DType::F32,
    };
    let body = |op: ScalarOp, dtype| Body {
        inputs: vec![DType::F32],
        nodes: vec![input.clone(), Scalar { op, dtype }],
        outputs: vec![ScalarId(1)],
    };
    let exp = ScalarOp::Unary(UnaryFunction::Exp, ScalarId(0));
    contraction(body(exp.clone(), DType::F32)).verify().unwrap();
    let not = ScalarOp::Unary(UnaryFunction::Not, ScalarId(0));
    for body in [
        body(exp, DType::F64),
        body(not, DType::F32),
        body(ScalarOp::Cast(ScalarId(1)), DType::F32),
        body(ScalarOp::Input(3), DType::F32),
        body(ScalarOp::Bitcast(ScalarId(0)), DType::U16),
        body(ScalarOp::ShiftLeft(ScalarId(0), 1), DType::F32),
        body(ScalarOp::Index(0), DType::F32),
    ] {
        let cause = cause(contraction(body.clone()).verify().unwrap_err());
        assert!(
            matches!(cause, VerifyCause::Epilogue { .. }),
            "{body:?}: {cause}"
        );
    }
}

/// A module of one graph, changed in its JSON where the library itself lets nobody change it.
fn changed(from: &str, to: &str) -> VerifyCause {
    let mut graph = Graph::new("main");
    let x = graph.add_input("x", ty("f32[4]"));
    let y = graph.add(Op::unary(UnaryFunction::Exp), &[x]).unwrap();
    let z = graph.add(Op::unary(UnaryFunction::Exp), &[y]).unwrap();
    graph.add_output("z", z);
    let mut module = Module::default();
    module.add_graph(graph);
    let text = serde_json::to_string(&module).unwrap();
    assert!(text.contains(from), "{text}");
    let module: Module = serde_json::from_str(&text.replacen(from, to, 1)).unwrap();
    cause(module.verify().unwrap_err())
}

#[test]
fn graphs_are_whole() {
    let second = r#"[1,2,{"result":0,"operand":0}]"#;
    for (from, to, expected) in [
        (second, r#"[2,2,{"result":0,"operand":0}]"#, "cycle"),
        (
            second,
            r#"[1,2,{"result":4,"operand":0}]"#,
            "result 4 of node 1",
        ),
        (second, r#"[1,2,{"result":0,"operand":5}]"#, "numbered [5]"),
        (r#""inputs":[0]"#, r#""inputs":[]"#, "differ at node 0"),
        (r#""inputs":[0]"#, r#""inputs":[0,0]"#, "differ at node 0"),
        (r#""inputs":[0]"#, r#""inputs":[0,1]"#, "differ at node 1"),
        (r#""inputs":[0]"#, r#""inputs":[0,77]"#, "differ at node 77"),
        (
            r#"[["z",{"node":2,"result":0}]]"#,
            r#"[["z",{"node":2,"result":1}]]"#,
            "output `z` is result 1 of node 2",
        ),
        (
            r#"[["z",{"node":2,"result":0}]]"#,
            r#"[["z",{"node":9,"result":0}]]"#,
            "output `z` is result 0 of node 9",
        ),
    ] {
        let cause = changed(from, to);
        assert!(cause.to_string().contains(expected), "{cause}");
    }
}

#[test]
fn a_state_may_be_changed_by_training_alone() {
    let mut module = everything();
    module.entries[0].states.clear();
    module.verify().unwrap();
    module.entries.push(Entry {
        name: "Other".to_owned(),
        graph: GraphId(0),
        mode: Mode::Inference,
        states: vec![StateOutput {
            path: "a count".to_owned(),
            output: 0,
        }],
    });
    let error = module.verify().unwrap_err();
    assert_eq!(error.place, Place::Module);
}
