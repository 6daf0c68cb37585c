use std::collections::BTreeSet;

use eyas_ir::{Composite, Module, Op, TextOptions};

use crate::everything::everything;

const ORIGINS: TextOptions = TextOptions { origins: true };

#[test]
fn every_op_stands_in_the_module_of_everything() {
    let module = everything();
    let nodes = module
        .graphs
        .iter()
        .flat_map(|graph| graph.node_ids().map(|id| &graph.node(id).op));
    let found: BTreeSet<&str> = nodes.map(name).collect();
    assert_eq!(found.len(), 37, "{found:?}");
}

/// A name an op; a new op does not compile until it has one, and then the count above fails until
/// the module of everything has it too.
fn name(op: &Op) -> &'static str {
    match op {
        Op::Input { .. } => "input",
        Op::Parameter { .. } => "parameter",
        Op::State { .. } => "state",
        Op::Constant { .. } => "constant",
        Op::Extent { .. } => "extent",
        Op::Unary { .. } => "unary",
        Op::Binary { .. } => "binary",
        Op::Compare { .. } => "compare",
        Op::Select => "select",
        Op::Cast { .. } => "cast",
        Op::Contraction { epilogue: None, .. } => "contraction",
        Op::Contraction { .. } => "contraction with an epilogue",
        Op::Reduce { .. } => "reduce",
        Op::ArgReduce { .. } => "arg_reduce",
        Op::Reshape { .. } => "reshape",
        Op::Transpose { .. } => "transpose",
        Op::Broadcast { .. } => "broadcast",
        Op::Slice { .. } => "slice",
        Op::Pad { .. } => "pad",
        Op::Concat { .. } => "concat",
        Op::Gather { .. } => "gather",
        Op::Scatter { .. } => "scatter",
        Op::Iota { .. } => "iota",
        Op::Random { .. } => "random",
        Op::Loop { .. } => "loop",
        Op::If { .. } => "if",
        Op::Composite { composite } => match composite {
            Composite::Relu => "relu",
            Composite::Sigmoid => "sigmoid",
            Composite::Silu => "silu",
            Composite::Gelu => "gelu",
            Composite::Mean { .. } => "mean",
            Composite::Softmax { .. } => "softmax",
            Composite::LogSoftmax { .. } => "log_softmax",
            Composite::LayerNorm { .. } => "layer_norm",
            Composite::RmsNorm { .. } => "rms_norm",
            Composite::CrossEntropy => "cross_entropy",
            Composite::NegativeLogLikelihood => "negative_log_likelihood",
        },
    }
}

#[test]
fn what_is_printed_parses_back() {
    let module = everything();
    let text = module.to_text(ORIGINS);
    let read = Module::from_text(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    assert_eq!(read.to_text(ORIGINS), text);
    assert_eq!(read.entries, module.entries);
    assert_eq!(read.symbols, module.symbols);
    assert_eq!(read.facts, module.facts);
    assert_eq!(read.parameters, module.parameters);
    assert_eq!(read.derived, module.derived);
    // Nodes are numbered as printed now, so once more is equal to the last.
    assert_eq!(Module::from_text(&read.to_text(ORIGINS)).unwrap(), read);
    for (read, graph) in read.graphs.iter().zip(&module.graphs) {
        assert_eq!(read.node_count(), graph.node_count());
        let names = |graph: &eyas_ir::Graph| -> Vec<String> {
            let outputs = graph.outputs().iter();
            outputs.map(|(name, _)| name.clone()).collect()
        };
        assert_eq!(names(read), names(graph));
    }
}

#[test]
fn origins_are_shown_where_asked_for() {
    let module = everything();
    let text = module.to_text(ORIGINS);
    assert!(
        text.contains("parameter scale : f32[4] @ 2:10-20 \"block[i].attn\"\n"),
        "{text}"
    );
    assert!(!module.to_text(TextOptions::default()).contains('@'));
}

#[test]
fn values_that_are_hard_to_print_survive() {
    let text = everything().to_text(TextOptions::default());
    for line in [
        "constant f32[2, 2](0.10000000149011612, -0.0, inf, NaN) : f32[2, 2]",
        "constant i64[2, 2](0, 1, -9223372036854775808, 9223372036854775807) : i64[2, 2]",
        "constant u64[2, 2](0, 1, 0, 18446744073709551615) : u64[2, 2]",
        "constant i4[2, 2](0, 1, -8, 7) : i4[2, 2]",
        "constant bool[2, 2](true, false, true, true) : bool[2, 2]",
        "constant f32[0, 3]() : f32[0, 3]",
        "constant f32[](0.0) : f32[]",
        "state \"a count\" : i64[] = fill(-inf)",
        "entry Main = #5 training state \"a count\"=2",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
}

#[test]
fn the_text_of_a_small_module_reads_well() {
    let text = "module
symbol B
fact B <= 4096
state count : i64[] = fill(0.0)
parameter fc1.b : f32[128] = fill(0.0)
parameter fc1.w : f32[784, 128] = uniform(-0.035, 0.035)
graph #0 main {
  %0 = input image : f32[B, 784]
  %1 = parameter fc1.w : f32[784, 128]
  %2 = parameter fc1.b : f32[128]
  %3 = state count : i64[]
  %4 = contraction %0, %1 spec=\"ab,bc->ac\" accumulator=f32 : f32[B, 128]
  %5 = broadcast %2 shape=[B, 128] : f32[B, 128]
  %6 = constant i64[](1) : i64[]
  %7 = add %3, %6 : i64[]
  %8 = add %4, %5 : f32[B, 128]
  %9 = relu %8 : f32[B, 128]
  return hidden = %9, next = %7
}
entry Mnist = #0 inference state count=1
";
    let module = Module::from_text(text).unwrap();
    assert_eq!(module.to_text(TextOptions::default()), text);
    assert_eq!(module.entries[0].states[0].output, 1);
}
