//! A module in which every op, type and declaration stands.

use std::collections::BTreeMap;

use eyas_diagnostic::{FileId, Span};
use eyas_ir::{
    BinaryFunction, Body, BodyBuilder, Combine, Comparison, Composite, Constant, Derived,
    Distribution, Entry, Extreme, Graph, GraphId, Initialiser, Mode, Module, Op, Origin,
    ParameterDecl, ParameterKind, Reduction, ScalarOp, StateOutput, Symbol, TensorType, Trip,
    UnaryFunction, Value,
};
use eyas_tensor::{DType, Dim, Fact, Number, Relation, Tensor};

pub fn ty(text: &str) -> TensorType {
    text.parse().unwrap()
}

fn dims(text: &str) -> Vec<Dim> {
    ty(&format!("f32[{text}]")).shape
}

fn scalar(value: f64) -> Constant {
    Constant::scalar(DType::F32, Number::Float(value))
}

/// Two values that the type has, two that are at its edges.
fn constant(dtype: DType) -> Constant {
    let numbers: Vec<Number> = match dtype.integer_range() {
        None => [0.1, -0.0, f64::INFINITY, f64::NAN]
            .map(Number::Float)
            .to_vec(),
        Some(_) if dtype == DType::Bool => [true, false, true, true].map(Number::Bool).to_vec(),
        Some((low, high)) => [0, 1, low, high].map(Number::Int).to_vec(),
    };
    Tensor::from_numbers(dtype, &[2, 2], &numbers)
        .unwrap()
        .into()
}

/// An epilogue with every scalar op: of the sum, an f32, and a bias.
pub fn epilogue() -> Body {
    use ScalarOp::{Bitcast, Extent, Index, ShiftLeft, ShiftRight};
    let mut builder = BodyBuilder::new();
    let (sum, bias) = (builder.input(DType::F32), builder.input(DType::F32));
    let bits = builder.push(Bitcast(sum), DType::U32);
    let bits = builder.push(ShiftLeft(bits, 3), DType::U32);
    let bits = builder.push(ShiftRight(bits, 3), DType::U32);
    let bits = builder.push(Bitcast(bits), DType::F32);
    let extent = builder.push(Extent("2*B + 1".parse().unwrap()), DType::I64);
    let index = builder.push(Index(1), DType::I64);
    let less = builder.compare(Comparison::Less, index, extent);
    let half = builder.float(DType::F32, 0.5);
    let scaled = builder.multiply_add(bits, half, bias);
    let tanh = builder.unary(UnaryFunction::Tanh, scaled);
    let greater = builder.binary(BinaryFunction::Maximum, tanh, bias);
    let chosen = builder.select(less, greater, bits);
    let result = builder.cast(chosen, DType::F16);
    builder.finish(&[result])
}

fn elementwise(graph: &mut Graph, x: Value) -> Value {
    let mut x = x;
    let floats = UnaryFunction::ALL
        .into_iter()
        .filter(|f| f.accepts(DType::F32));
    for function in floats {
        x = graph.add(Op::unary(function), &[x]).unwrap();
    }
    for function in BinaryFunction::ALL
        .into_iter()
        .filter(|f| f.accepts(DType::F32))
    {
        x = graph.add(Op::binary(function), &[x, x]).unwrap();
    }
    use Comparison::*;
    for comparison in [Equal, NotEqual, Less, LessOrEqual, Greater, GreaterOrEqual] {
        let mut bits = graph.add(Op::Compare { comparison }, &[x, x]).unwrap();
        for function in [BinaryFunction::And, BinaryFunction::Or, BinaryFunction::Xor] {
            bits = graph.add(Op::binary(function), &[bits, bits]).unwrap();
        }
        bits = graph.add(Op::unary(UnaryFunction::Not), &[bits]).unwrap();
        x = graph.add(Op::Select, &[bits, x, x]).unwrap();
    }
    for dtype in DType::ALL {
        graph.add(Op::Cast { dtype }, &[x]).unwrap();
    }
    x
}

fn reductions(graph: &mut Graph, x: Value) {
    use Reduction::{Maximum, Minimum, Product, Sum};
    for reduction in [Sum, Product, Maximum, Minimum] {
        let axes = vec![0, 1];
        graph.add(Op::Reduce { reduction, axes }, &[x]).unwrap();
    }
    for extreme in [Extreme::Maximum, Extreme::Minimum] {
        graph.add(Op::ArgReduce { extreme, axis: 1 }, &[x]).unwrap();
    }
}

fn layout(graph: &mut Graph, x: Value) {
    let ops = [
        Op::Reshape { shape: dims("4*B") },
        Op::Transpose {
            permutation: vec![1, 0],
        },
        Op::Broadcast {
            shape: dims("3, B, 4"),
        },
        Op::Slice {
            starts: dims("B - 1, 3"),
            shape: dims("B, 2"),
            steps: vec![-1, -2],
        },
        Op::Pad {
            low: dims("1, 0"),
            high: dims("(B + 3) // 4, max(B, 2)"),
            value: scalar(-1.5),
        },
    ];
    for op in ops {
        graph.add(op, &[x]).unwrap();
    }
    graph.add(Op::Concat { axis: 0 }, &[x, x, x]).unwrap();
}

fn indexing(graph: &mut Graph, x: Value) {
    let shape = dims("3");
    let dtype = DType::I64;
    let indices = Op::Iota {
        dtype,
        shape,
        axis: 0,
    };
    let indices = graph.add(indices, &[]).unwrap();
    let rows = graph.add(Op::Gather { axis: 0 }, &[x, indices]).unwrap();
    use Combine::{Add, Maximum, Minimum, Replace};
    for combine in [Replace, Add, Maximum, Minimum] {
        let op = Op::Scatter { axis: 0, combine };
        graph.add(op, &[x, indices, rows]).unwrap();
    }
    let dim = "B // 2".parse().unwrap();
    let step = graph.add(Op::Extent { dim, dtype }, &[]).unwrap();
    for distribution in [Distribution::Bits, Distribution::Uniform] {
        let op = Op::Random {
            distribution,
            stream: "block[i].\"dropout\" π".to_owned(),
            shape: dims("B, 2"),
        };
        graph.add(op, &[step]).unwrap();
    }
}

fn composites(graph: &mut Graph, x: Value, scale: Value) {
    use Composite::*;
    let epsilon = Constant::scalar(DType::F64, Number::Float(1e-5));
    let of_one = [
        Relu,
        Sigmoid,
        Silu,
        Gelu,
        Mean { axes: vec![1] },
        Softmax { axis: 1 },
        LogSoftmax { axis: 0 },
    ];
    for composite in of_one {
        graph.add(Op::composite(composite), &[x]).unwrap();
    }
    let norm = RmsNorm {
        epsilon: epsilon.clone(),
    };
    graph.add(Op::composite(norm), &[x, scale]).unwrap();
    let norm = LayerNorm { epsilon };
    graph.add(Op::composite(norm), &[x, scale, scale]).unwrap();
    let axis = 1;
    let extreme = Extreme::Maximum;
    let labels = graph.add(Op::ArgReduce { extreme, axis }, &[x]).unwrap();
    let shape = dims("B");
    let labels = graph.add(Op::Reshape { shape }, &[labels]).unwrap();
    for composite in [CrossEntropy, NegativeLogLikelihood] {
        graph.add(Op::composite(composite), &[x, labels]).unwrap();
    }
}

/// `(counter, carried, invariant) -> (carried, slice)`, with a condition first if asked for.
fn body(condition: bool) -> Graph {
    let mut graph = Graph::new("body");
    let counter = graph.add_input("i", ty("i64[]"));
    let x = graph.add_input("x", ty("f32[B, 4]"));
    let y = graph.add_input("y", ty("f32[B, 4]"));
    if condition {
        let comparison = Comparison::Less;
        let more = graph.add(Op::Compare { comparison }, &[counter, counter]);
        graph.add_output("more", more.unwrap());
    }
    let path = "block.{i}.w".to_owned();
    let types = vec![ty("f32[4, 4]")];
    let weight = graph.add_typed(Op::Parameter { path }, &[], types, Origin::default());
    let product = Op::Contraction {
        spec: "ab,bc->ac".parse().unwrap(),
        accumulator: DType::F32,
        epilogue: None,
    };
    let product = graph.add(product, &[x, weight]).unwrap();
    let next = graph
        .add(Op::binary(BinaryFunction::Add), &[product, y])
        .unwrap();
    graph.add_output("x", next);
    graph.add_output("slice", product);
    graph
}

fn branch(function: UnaryFunction) -> Graph {
    let mut graph = Graph::new("branch");
    let x = graph.add_input("x", ty("f32[B, 4]"));
    let x = graph.add(Op::unary(function), &[x]).unwrap();
    graph.add_output("x", x);
    graph
}

fn control(module: &Module, graph: &mut Graph, x: Value) -> Value {
    let mut last = x;
    let range = Trip::Range {
        start: Dim::from(-1),
        count: "B + 2".parse().unwrap(),
    };
    let limit = Trip::While {
        limit: Dim::from(5),
    };
    for (body, trip) in [(GraphId(0), range), (GraphId(1), limit)] {
        let op = Op::Loop {
            body,
            variable: "i".to_owned(),
            trip,
            carried: 1,
        };
        let types = module
            .result_types(&op, &[&ty("f32[B, 4]"), &ty("f32[B, 4]")])
            .unwrap();
        last = graph.add_typed(op, &[last, x], types, Origin::default());
    }
    let value = Constant::scalar(DType::Bool, Number::Bool(true));
    let condition = graph.add(Op::Constant { value }, &[]).unwrap();
    let op = Op::If {
        then: GraphId(2),
        otherwise: GraphId(3),
    };
    let types = vec![ty("f32[B, 4]")];
    graph.add_typed(op, &[condition, last], types, Origin::default())
}

fn declare(module: &mut Module) {
    let span = Some(Span::new(FileId(0), 3, 9));
    let symbol = |name: &str| Symbol {
        name: name.to_owned(),
        span,
    };
    module.symbols = vec![symbol("B"), symbol("S'2")];
    use Relation::{Equal, Less, LessOrEqual, NotEqual};
    for (left, relation, right, message) in [
        ("B", LessOrEqual, "4096", None),
        ("B % 8", Equal, "0", Some("a whole \"tile\" < 9")),
        ("2*B", NotEqual, "S'2 - 1", None),
        ("0", Less, "min(B, S'2)", Some("word")),
    ] {
        module.facts.assume(Fact {
            left: left.parse().unwrap(),
            relation,
            right: right.parse().unwrap(),
            message: message.map(str::to_owned),
        });
    }
    let parameter = |text: &str, initialiser, kind| ParameterDecl {
        ty: ty(text),
        initialiser,
        kind,
        span,
    };
    let uniform = Initialiser::Uniform {
        low: -0.1,
        high: 1e30,
    };
    let normal = Initialiser::Normal {
        mean: 0.0,
        deviation: 0.02,
    };
    use ParameterKind::{Parameter, State};
    module.parameters = BTreeMap::from([
        (
            "block.0.w".to_owned(),
            parameter("f32[4, 4]", Some(uniform), Parameter),
        ),
        (
            "block.1.w".to_owned(),
            parameter("f32[4, 4]", None, Parameter),
        ),
        (
            "scale".to_owned(),
            parameter("f32[4]", Some(normal), Parameter),
        ),
        (
            "a count".to_owned(),
            parameter("i64[]", Some(Initialiser::Fill(f64::NEG_INFINITY)), State),
        ),
    ]);
}

/// The module; it verifies.
pub fn everything() -> Module {
    let mut module = Module::default();
    declare(&mut module);
    module.add_graph(body(false));
    module.add_graph(body(true));
    module.add_graph(branch(UnaryFunction::Exp));
    module.add_graph(branch(UnaryFunction::Negate));
    let mut derived = Graph::new("derived");
    let path = "block.{i}.w".to_owned();
    let types = vec![ty("f32[4, 4]")];
    let weight = derived.add_typed(Op::Parameter { path }, &[], types, Origin::default());
    derived.add_output("packed", weight);
    let derived = module.add_graph(derived);
    module.derived.push(Derived {
        path: "packed.{i}".to_owned(),
        ty: ty("f32[4, 4]"),
        graph: derived,
        counters: vec![("i".to_owned(), 0, 2)],
    });

    let mut graph = Graph::new("the main graph");
    let x = graph.add_input("x", ty("f32[B, 4]"));
    for dtype in DType::ALL {
        let value = constant(dtype);
        graph.add(Op::Constant { value }, &[]).unwrap();
    }
    for shape in [&[0usize, 3][..], &[]] {
        let value = Tensor::zeros(DType::F32, shape).unwrap().into();
        graph.add(Op::Constant { value }, &[]).unwrap();
    }
    let path = "scale".to_owned();
    let origin = Origin::new(Span::new(FileId(2), 10, 20), "block[i].attn");
    let scale = graph.add_typed(Op::Parameter { path }, &[], vec![ty("f32[4]")], origin);
    let path = "a count".to_owned();
    let types = vec![ty("i64[]")];
    let count = graph.add_typed(Op::State { path }, &[], types, Origin::default());
    let y = elementwise(&mut graph, x);
    reductions(&mut graph, y);
    layout(&mut graph, x);
    indexing(&mut graph, x);
    composites(&mut graph, x, scale);
    let fused = Op::Contraction {
        spec: "ab,cb->ac".parse().unwrap(),
        accumulator: DType::F32,
        epilogue: Some(epilogue()),
    };
    let bias = graph.add(Op::Broadcast { shape: dims("B") }, &[]);
    assert!(bias.is_err(), "a failed op adds nothing");
    let one = Op::Reshape { shape: dims("1") };
    let value = scalar(1.0);
    let bias = graph.add(Op::Constant { value }, &[]).unwrap();
    let bias = graph.add(one, &[bias]).unwrap();
    let fused = graph.add(fused, &[x, x, bias]).unwrap();
    let result = control(&module, &mut graph, y);
    let more = graph.add(Op::binary(BinaryFunction::Add), &[count, count]);
    graph.add_output("result", result);
    graph.add_output("fused half", fused);
    graph.add_output("next count", more.unwrap());
    let graph = module.add_graph(graph);
    for (name, mode) in [("Main", Mode::Inference), ("Main", Mode::Training)] {
        module.entries.push(Entry {
            name: name.to_owned(),
            graph,
            mode,
            states: vec![StateOutput {
                path: "a count".to_owned(),
                output: 2,
            }],
        });
    }
    module.verify().unwrap();
    module
}
