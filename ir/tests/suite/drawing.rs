use std::time::{Duration, Instant};

use eyas_ir::{BinaryFunction, Graph, Module, Op, SvgError, UnaryFunction, Value};
use proptest::prelude::*;

use crate::everything::{everything, ty};

const SMALL: &str = "module
parameter w : f32[4, 4]
graph #0 body {
  %0 = input i : i64[]
  %1 = input x : f32[B, 4]
  %2 = parameter w : f32[4, 4]
  %3 = contraction %1, %2 spec=\"ab,bc->ac\" accumulator=f32 : f32[B, 4]
  return x = %3, \"all of it\" = %1
}
graph #1 main {
  %0 = input x : f32[B, 4]
  %1, %2 = loop %0 body=#0 variable=i trip={range: {start: 0, count: 12}} carried=1 : f32[B, 4], f32[12, B, 4]
  %3 = subtract %1, %0 : f32[B, 4]
  %4 = constant f32[](0.5) : f32[]
  return y = %3, all = %2
}
entry Main = #1 inference
";

#[test]
fn a_dot_file_shows_graphs_bodies_and_types() {
    insta::assert_snapshot!(Module::from_text(SMALL).unwrap().to_dot());
}

#[test]
fn a_drawing_shows_the_same() {
    insta::assert_snapshot!(Module::from_text(SMALL).unwrap().to_svg().unwrap());
}

#[test]
fn drawings_of_everything_are_deterministic() {
    let module = everything();
    assert_eq!(module.to_dot(), everything().to_dot());
    let svg = module.to_svg().unwrap();
    assert_eq!(svg, everything().to_svg().unwrap());
    for op in [
        "contraction ab,cb",
        "layer_norm epsilon",
        "the main graph",
        "fused half",
    ] {
        assert!(svg.contains(op), "{op}");
    }
    assert!(Module::default().to_svg().unwrap().ends_with("</svg>\n"));
    assert!(Module::default().to_dot().ends_with("}\n"));
}

#[test]
fn names_cannot_break_out() {
    let mut graph = Graph::new("a\"b\\</svg>&\u{1}\n");
    let x = graph.add_input("x\n\"]; y", ty("f32[4]"));
    graph.add_output("</text>\\", x);
    let mut module = Module::default();
    module.add_graph(graph);
    assert!(module.to_dot().contains("label=\"</text>\\\\\""));
    let svg = module.to_svg().unwrap();
    assert_eq!(svg.matches("</svg>").count(), 1);
    assert!(svg.contains("&lt;/text&gt;") && !svg.contains('\u{1}'));
}

/// A chain of additions, each of the last two.
fn ladder(length: usize) -> Module {
    let mut graph = Graph::new("ladder");
    let x = graph.add_input("x", ty("f32[4]"));
    let mut last = [x, graph.add(Op::unary(UnaryFunction::Exp), &[x]).unwrap()];
    for _ in 0..length {
        let sum = graph.add(Op::binary(BinaryFunction::Add), &last).unwrap();
        last = [last[1], sum];
    }
    graph.add_output("y", last[1]);
    let mut module = Module::default();
    module.add_graph(graph);
    module
}

#[test]
fn a_large_graph_is_drawn_in_time_or_refused() {
    let start = Instant::now();
    ladder(500).to_svg().unwrap();
    assert!(
        start.elapsed() < Duration::from_secs(30),
        "{:?}",
        start.elapsed()
    );
    let error = ladder(5000).to_svg().unwrap_err();
    assert!(
        matches!(error, SvgError::TooLarge { graph: 0, .. }),
        "{error}"
    );
    assert!(ladder(5000).to_dot().lines().count() > 15_000);
}

/// Many inputs, all joined, and joined again by halves.
fn fan(width: usize) -> Module {
    let mut graph = Graph::new("fan");
    let inputs: Vec<Value> = (0..width)
        .map(|place| graph.add_input(format!("x{place}"), ty("f32[4]")))
        .collect();
    let concat = Op::Concat { axis: 0 };
    let all = graph.add(concat.clone(), &inputs).unwrap();
    let mut parts = vec![all];
    for part in inputs.chunks(width.div_ceil(30)) {
        let part = graph.add(concat.clone(), part).unwrap();
        parts.push(graph.add(concat.clone(), &[part, all]).unwrap());
    }
    let last = graph.add(concat, &parts).unwrap();
    graph.add_output("y", last);
    let mut module = Module::default();
    module.add_graph(graph);
    module
}

#[test]
fn a_wide_graph_is_drawn_in_time() {
    let start = Instant::now();
    fan(38).to_svg().unwrap();
    fan(1000).to_svg().unwrap();
    assert!(
        start.elapsed() < Duration::from_secs(30),
        "{:?}",
        start.elapsed()
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_graph_is_drawn(
        nodes in prop::collection::vec(
            prop::collection::vec(any::<prop::sample::Index>(), 0..4),
            0..40,
        ),
        outputs in prop::collection::vec(any::<prop::sample::Index>(), 0..4),
    ) {
        let mut graph = Graph::new("random");
        let mut values: Vec<Value> = Vec::new();
        for (place, operands) in nodes.iter().enumerate() {
            let value = match (&operands[..], values.is_empty()) {
                ([], _) | (_, true) => graph.add_input(format!("x{place}"), ty("f32[4]")),
                (operands, false) => {
                    let operands = operands.iter().map(|index| *index.get(&values));
                    let operands: Vec<Value> = operands.collect();
                    graph.add(Op::Concat { axis: 0 }, &operands).unwrap()
                }
            };
            values.push(value);
        }
        for (place, output) in outputs.iter().enumerate().filter(|_| !values.is_empty()) {
            graph.add_output(format!("y{place}"), *output.get(&values));
        }
        let mut module = Module::default();
        module.add_graph(graph);
        let svg = module.to_svg().unwrap();
        prop_assert!(!svg.contains("NaN") && !svg.contains("inf"), "{}", svg);
        module.to_dot();
    }
}
