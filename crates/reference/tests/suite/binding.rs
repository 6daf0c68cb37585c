use std::collections::BTreeMap;

use eyas_ir::{Graph, GraphId, Module};
use eyas_reference::{EvaluateError, bind_symbols};
use eyas_tensor::{Fact, Relation};

fn module(types: &[&str]) -> Module {
    let mut graph = Graph::new("main");
    for (place, ty) in types.iter().enumerate() {
        graph.add_input(format!("x{place}"), ty.parse().unwrap());
    }
    let mut module = Module::default();
    module.add_graph(graph);
    module
}

fn fact(left: &str, relation: Relation, right: &str) -> Fact {
    Fact {
        left: left.parse().unwrap(),
        relation,
        right: right.parse().unwrap(),
        message: Some("because".to_owned()),
    }
}

fn bind(module: &Module, shapes: &[&[usize]]) -> Result<BTreeMap<String, i64>, EvaluateError> {
    bind_symbols(module, GraphId(0), shapes)
}

#[test]
fn symbols_are_read_off_and_polynomials_checked() {
    let module = module(&["f32[2*B + 1, S]", "f32[B*S]", "f32[B]"]);
    let bindings = bind(&module, &[&[7, 5], &[15], &[3]]).unwrap();
    assert_eq!((bindings["B"], bindings["S"]), (3, 5));
    let error = bind(&module, &[&[7, 5], &[16], &[3]]).unwrap_err();
    let message = error.to_string();
    assert_eq!(
        message,
        "input `x1`, axis 0: extent 16 does not equal `B*S`, which is 15"
    );
    let zero = bind(&module, &[&[1, 0], &[0], &[0]]).unwrap();
    assert_eq!((zero["B"], zero["S"]), (0, 0));
}

#[test]
fn a_linear_extent_is_solved() {
    let module = module(&["f32[2*B + 1]", "f32[B*T]"]);
    let bindings = bind(&module, &[&[7], &[12]]).unwrap();
    assert_eq!((bindings["B"], bindings["T"]), (3, 4));
    for shapes in [[8, 12], [7, 13], [0, 12]] {
        let error = bind(&module, &[&shapes[..1], &shapes[1..]]).unwrap_err();
        assert!(matches!(error, EvaluateError::Unsolved { .. }), "{error}");
    }
}

#[test]
fn one_symbol_has_one_value() {
    let error = bind(&module(&["f32[B]", "f32[B]"]), &[&[2], &[3]]).unwrap_err();
    assert!(matches!(
        error,
        EvaluateError::Extent {
            expected: 2,
            found: 3,
            ..
        }
    ));
    let error = bind(&module(&["f32[4]"]), &[&[5]]).unwrap_err();
    assert!(matches!(
        error,
        EvaluateError::Extent {
            expected: 4,
            found: 5,
            ..
        }
    ));
    assert!(matches!(
        bind(&module(&["f32[B]"]), &[&[1, 1]]),
        Err(EvaluateError::WrongType { .. })
    ));
    assert!(matches!(
        bind(&module(&["f32[B]"]), &[]),
        Err(EvaluateError::InputCount { .. })
    ));
}

#[test]
fn facts_are_checked_and_equalities_bind() {
    let mut module = module(&["f32[S]"]);
    module.facts.assume(fact("S % 4", Relation::Equal, "0"));
    module.facts.assume(fact("H", Relation::Equal, "S // 4"));
    module.facts.assume(fact("Other", Relation::Less, "1"));
    assert_eq!(bind(&module, &[&[8]]).unwrap()["H"], 2);
    let error = bind(&module, &[&[6]]).unwrap_err();
    assert!(matches!(error, EvaluateError::Fact { .. }));
    assert!(error.to_string().ends_with("does not hold: because"));
}
