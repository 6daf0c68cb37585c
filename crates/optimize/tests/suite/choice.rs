//! What is chosen among equal forms.

use eyas_ir::{Module, Op};
use eyas_optimize::{Math, Options, Report, optimize, run_passes};

fn read(body: &str) -> Module {
    Module::from_text(&format!(
        "module\nsymbol B\n{body}\nentry main = #0 inference"
    ))
    .unwrap()
}

fn count(module: &Module, holds: fn(&Op) -> bool) -> usize {
    let graph = module.graph(module.entries[0].graph);
    graph
        .node_ids()
        .filter(|id| holds(&graph.node(*id).op))
        .count()
}

fn is_contraction(op: &Op) -> bool {
    matches!(op, Op::Contraction { .. })
}

const SHARED: &str = "parameter w : f32[64, 32]
parameter b : f32[32]
graph #0 main {
  %0 = input x : f32[B, 64]
  %1 = parameter w : f32[64, 32]
  %2 = parameter b : f32[32]
  %3 = contraction %0, %1 spec=\"ab,bc->ac\" accumulator=f32 : f32[B, 32]
  %4 = broadcast %2 shape=[B, 32] : f32[B, 32]
  %5 = add %3, %4 : f32[B, 32]
  %6 = relu %5 : f32[B, 32]
  return y = %6, z = %3
}";

#[test]
fn a_product_that_is_an_output_itself_is_computed_once() {
    let mut module = read(SHARED);
    optimize(&mut module, &Options::default()).unwrap();
    assert_eq!(count(&module, is_contraction), 1);
}

#[test]
fn a_sum_that_two_functions_read_is_computed_once() {
    let mut module = read(
        &SHARED
            .replace("z = %3", "z = %7")
            .replace("  return", "  %7 = tanh %5 : f32[B, 32]\n  return"),
    );
    optimize(&mut module, &Options::default()).unwrap();
    assert_eq!(count(&module, is_contraction), 1);
    let bare = |op: &Op| matches!(op, Op::Contraction { epilogue: None, .. });
    assert_eq!(count(&module, bare), 0);
}

const CHAIN: &str = "graph #0 main {
  %0 = input a : f32[64, 2]
  %1 = input b : f32[2, 64]
  %2 = input c : f32[64, 2]
  %3 = contraction %0, %1 spec=\"ab,bc->ac\" accumulator=f32 : f32[64, 64]
  %4 = contraction %3, %2 spec=\"ab,bc->ac\" accumulator=f32 : f32[64, 2]
  return y = %4
}";

#[test]
fn products_are_associated_by_cost_where_mathematics_is_fast() {
    let small = |op: &Op| matches!(op, Op::Contraction { .. });
    let largest = |module: &Module| {
        let graph = module.graph(module.entries[0].graph);
        let nodes = graph.node_ids().filter(|id| small(&graph.node(*id).op));
        let sizes = nodes.map(|id| {
            let shape = graph.node(id).types[0].static_shape().unwrap();
            shape.iter().product::<usize>()
        });
        sizes.max().unwrap()
    };
    let mut strict = read(CHAIN);
    optimize(&mut strict, &Options::default()).unwrap();
    assert_eq!(largest(&strict), 64 * 64);
    let mut fast = read(CHAIN);
    let options = Options {
        math: Math::Fast,
        ..Options::default()
    };
    optimize(&mut fast, &options).unwrap();
    assert_eq!(largest(&fast), 128);
}

#[test]
fn products_of_one_value_merge_and_their_weights_are_put_side_by_side_once() {
    let mut module = read(
        "parameter q : f32[8, 4]
parameter k : f32[8, 6]
parameter v : f32[8, 4]
graph #0 main {
  %0 = input x : f32[B, 8]
  %1 = parameter q : f32[8, 4]
  %2 = parameter k : f32[8, 6]
  %3 = parameter v : f32[8, 4]
  %4 = contraction %0, %1 spec=\"ab,bc->ac\" accumulator=f32 : f32[B, 4]
  %5 = contraction %0, %2 spec=\"ab,bc->ac\" accumulator=f32 : f32[B, 6]
  %6 = contraction %0, %3 spec=\"ab,bc->ac\" accumulator=f32 : f32[B, 4]
  return q = %4, k = %5, v = %6
}",
    );
    let mut report = Report::default();
    let names = ["merge-contractions", "hoist-parameters"];
    run_passes(&mut module, &names, &Options::default(), &mut report).unwrap();
    assert_eq!(count(&module, is_contraction), 1);
    insta::assert_snapshot!(format!("{}\n{report}", module.to_text(Default::default())));
}

#[test]
fn the_same_initialiser_is_kept_once() {
    let body = "  %0 = input x : f32[4]
  %1 = parameter w : f32[4]
  %2 = tanh %1 : f32[4]
  %3 = add %0, %2 : f32[4]
  return y = %3
}";
    let mut module = Module::from_text(&format!(
        "module\nparameter w : f32[4]\ngraph #0 one {{\n{body}\ngraph #1 two {{\n{body}
entry one = #0 inference\nentry two = #1 inference"
    ))
    .unwrap();
    let mut report = Report::default();
    run_passes(
        &mut module,
        &["hoist-parameters"],
        &Options::default(),
        &mut report,
    )
    .unwrap();
    assert_eq!(module.derived.len(), 1);
    module.entries[1].mode = eyas_ir::Mode::Training;
}

#[test]
fn a_chain_of_a_thousand_ops_is_optimised() {
    let mut graph = eyas_ir::Graph::new("main");
    let x = graph.add_input("x", "f32[B]".parse().unwrap());
    let mut value = x;
    for step in 0..1000 {
        value = match step % 3 {
            0 => graph
                .add(Op::unary(eyas_ir::UnaryFunction::Sin), &[value])
                .unwrap(),
            1 => graph
                .add(Op::binary(eyas_ir::BinaryFunction::Add), &[value, x])
                .unwrap(),
            _ => graph
                .add(Op::unary(eyas_ir::UnaryFunction::Negate), &[value])
                .unwrap(),
        };
    }
    graph.add_output("y", value);
    let mut module = Module::default();
    module.add_graph(graph);
    let start = std::time::Instant::now();
    optimize(&mut module, &Options::default()).unwrap();
    println!("{:?}", start.elapsed());
    assert!(module.graphs[0].node_count() > 600);
}
