use std::collections::BTreeSet;

use eyas_ir::{
    BinaryFunction, Body, BodyBuilder, Comparison, Constant, Graph, Module, Op, Origin, Scalar,
    ScalarId, ScalarOp, TextOptions, UnaryFunction,
};
use eyas_tensor::{DType, Dim, Number, Tensor};
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::everything::{epilogue, ty};

const COMPARISONS: [Comparison; 6] = {
    use Comparison::*;
    [Equal, NotEqual, Less, LessOrEqual, Greater, GreaterOrEqual]
};

/// A name a scalar op; a new one does not compile until it has a name, and then the counts below
/// fail until the bodies have it too.
fn name(op: &ScalarOp) -> &'static str {
    match op {
        ScalarOp::Input(_) => "input",
        ScalarOp::Literal(_) => "literal",
        ScalarOp::Extent(_) => "extent",
        ScalarOp::Index(_) => "index",
        ScalarOp::Unary(..) => "unary",
        ScalarOp::Binary(..) => "binary",
        ScalarOp::Compare(..) => "compare",
        ScalarOp::Select(..) => "select",
        ScalarOp::Cast(_) => "cast",
        ScalarOp::MultiplyAdd(..) => "multiply_add",
        ScalarOp::Bitcast(_) => "bitcast",
        ScalarOp::ShiftLeft(..) => "shift_left",
        ScalarOp::ShiftRight(..) => "shift_right",
    }
}

fn read(text: &str) -> Body {
    let body = text.parse::<Body>();
    body.map_err(|error| format!("{error}\n{text}")).unwrap()
}

#[test]
fn a_body_with_every_scalar_op_reads_well() {
    let body = epilogue();
    let found: BTreeSet<&str> = body.nodes.iter().map(|node| name(&node.op)).collect();
    assert_eq!(found.len(), 13, "{found:?}");
    let text = "(%0: f32, %1: f32) { %2: u32 = bitcast %0; %3 = shift_left 3 %2; \
         %4 = shift_right 3 %3; %5: f32 = bitcast %4; %6 = extent 2*B + 1; %7 = index 1; \
         %8 = less %7, %6; %9 = 0.5; %10 = multiply_add %5, %9, %1; %11 = tanh %10; \
         %12 = maximum %11, %1; %13 = select %8, %12, %5; %14: f16 = cast %13; return %14 }";
    assert_eq!(body.to_string(), text);
    assert_eq!(read(text), body);
}

#[test]
fn inputs_stand_where_the_head_says() {
    let mut builder = BodyBuilder::new();
    let sum = builder.input(DType::F32);
    let half = builder.float(DType::F32, 0.5);
    let scaled = builder.binary(BinaryFunction::Multiply, sum, half);
    let _unread = builder.input(DType::I8);
    let bias = builder.input(DType::F32);
    let result = builder.binary(BinaryFunction::Add, scaled, bias);
    let body = builder.finish(&[result, scaled]);
    let text = "(%0: f32, i8, %3: f32) { %1 = 0.5; %2 = multiply %0, %1; %4 = add %2, %3; \
         return %4, %2 }";
    assert_eq!(body.to_string(), text);
    assert_eq!(read(text), body);
}

#[test]
fn texts_that_are_seldom_survive() {
    for text in [
        "() { return }",
        "(f32) { return }",
        "(%0: bool) { return %0 }",
        "(%1: f32, %0: i64) { return %0, %0, %1 }",
        "(%0: f32) { %1 = input 0; return %1 }",
        "(f32) { %0: i8 = input 0; return %0 }",
        "() { %0: f32 = NaN; %1: f64 = -inf; return %0 }",
        "() { %0: i4 = -8; %1: u64 = 18446744073709551615; %2: bool = true; return }",
        "(f32) { %0 = -0.0; %1 = 1e-45; %2: bf16 = inf; return }",
        "(f32) { %0 = literal f32[2](1.0, 2.0); %1 = literal i8[](1); return }",
        "() { %0: f16 = extent min(B, S'2) - 1; %1: f16 = index 4294967295; return }",
        "(%0: f32) { %1: f32 = cast %0; %2: i8 = less %0, %1; %3: f32 = add %2, %0; return }",
    ] {
        let body = read(text);
        assert_eq!(read(&body.to_string()), body, "{text}");
    }
    let spaced = "(%0:f32,f32){%1=exp%0;%2 =  add %0 ,%1 ;return%2}";
    let text = "(%0: f32, f32) { %1 = exp %0; %2 = add %0, %1; return %2 }";
    assert_eq!(read(spaced).to_string(), text);
}

#[test]
fn errors_say_where_and_what() {
    let texts = [
        "",
        "(",
        "(f33) { return }",
        "(%0 f32) { return }",
        "(%0: f32, %0: f32) { return %0 }",
        "(%1: f32) { return }",
        "(%1: f32) { %1 = 0.0; return }",
        "() return",
        "() { }",
        "() { returned }",
        "() { return",
        "() { return %0 }",
        "() { return } else",
        "(%0: f32) { %2 = exp %0; return %2 }",
        "(%0: f32) { %1 = exp %1; return %1 }",
        "(%0: f32) { %1 = exp %99999999999; return %1 }",
        "(%0: f32) { %1 = exp %0 return %1 }",
        "(%0: f32) { %1 = add %0; return %1 }",
        "(%0: f32) { %1 = exp %0, %0; return %1 }",
        "(%0: f32) { %1 = relu %0; return %1 }",
        "(%0: f32) { %1 = cast %0; return %1 }",
        "(%0: f32) { %1: half = cast %0; return %1 }",
        "(%0: f32) { %1 = shift_left %0; return %1 }",
        "(%0: f32) { %1 = input 1; return %1 }",
        "() { %0 = 0.0; return %0 }",
        "() { %0: i32 = 0.5; return %0 }",
        "(f32) { %0 = 1 + 2; return %0 }",
        "(f32) { %0 = literal 3; return %0 }",
        "(f32) { %0 = extent B +; return %0 }",
    ];
    let mut report = String::new();
    for text in texts {
        let error = text.parse::<Body>().unwrap_err();
        report.push_str(&format!("{text}\n    {error}\n"));
    }
    insta::assert_snapshot!(report);
}

fn number(dtype: DType) -> impl Strategy<Value = Number> {
    let float = prop_oneof![
        any::<f64>(),
        any::<f32>().prop_map(f64::from),
        select(&[0.0, -0.0, 1.0, f64::INFINITY, f64::NEG_INFINITY, f64::NAN][..]),
    ];
    (float, any::<i64>(), any::<u64>()).prop_map(move |(x, i, u)| match dtype {
        DType::Bool => Number::Bool(i % 2 == 0),
        // A NaN's text does not say which it is.
        _ if dtype.is_float() && x.is_nan() => Number::Float(f64::NAN),
        _ if dtype.is_float() => Number::Float(x),
        _ if dtype.is_signed() => Number::Int(i.into()),
        _ => Number::Int(u.into()),
    })
}

fn literal() -> impl Strategy<Value = Constant> {
    const SHAPES: [&[usize]; 6] = [&[], &[], &[], &[2], &[0], &[1, 3]];
    let chosen = (select(&DType::ALL[..]), select(&SHAPES[..]));
    chosen.prop_flat_map(|(dtype, shape)| {
        let count = shape.iter().product::<usize>();
        let numbers = prop::collection::vec(number(dtype), count);
        numbers.prop_map(move |numbers| {
            Constant::from(Tensor::from_numbers(dtype, shape, &numbers).unwrap())
        })
    })
}

/// What a node is drawn from: which scalar op, its operands, and what it takes besides.
type Draw = (usize, [Index; 3], u32, Constant, DType, bool);

/// Any body whose operands stand before their users; types fit or do not.
fn body() -> impl Strategy<Value = Body> {
    let dtype = || select(&DType::ALL[..]);
    let draw = (
        0..13usize,
        any::<[Index; 3]>(),
        any::<u32>(),
        literal(),
        dtype(),
        any::<bool>(),
    );
    let parts = (
        prop::collection::vec(dtype(), 0..4),
        prop::collection::vec(draw, 0..16),
        prop::collection::vec(any::<Index>(), 0..4),
    );
    parts.prop_map(|(inputs, draws, outputs)| {
        let mut body = Body {
            inputs,
            ..Body::default()
        };
        for draw in draws {
            body.nodes.extend(node(&body, draw));
        }
        if !body.nodes.is_empty() {
            let ids = outputs.iter().map(|index| place(&body, index));
            body.outputs = ids.collect();
        }
        body
    })
}

fn place(body: &Body, index: &Index) -> ScalarId {
    ScalarId(index.index(body.nodes.len()) as u32)
}

fn node(body: &Body, (kind, operands, n, value, dtype, fits): Draw) -> Option<Scalar> {
    let (inputs, nodes) = (body.inputs.len(), body.nodes.len());
    let needs_operands = kind >= 4;
    if kind == 0 && inputs == 0 || needs_operands && nodes == 0 {
        return None;
    }
    let at = |operand: usize| place(body, &operands[operand]);
    let dims = ["0", "-3", "B", "2*B + 1", "min(B, S'2) // 4", "a.b % 8"];
    let n_of = |count: usize| n as usize % count;
    let op = match kind {
        0 => ScalarOp::Input(n_of(inputs) as u32),
        1 => ScalarOp::Literal(value),
        2 => ScalarOp::Extent(dims[n_of(dims.len())].parse::<Dim>().unwrap()),
        3 => ScalarOp::Index(n),
        4 => ScalarOp::Unary(UnaryFunction::ALL[n_of(16)], at(0)),
        5 => ScalarOp::Binary(BinaryFunction::ALL[n_of(12)], at(0), at(1)),
        6 => ScalarOp::Compare(COMPARISONS[n_of(6)], at(0), at(1)),
        7 => ScalarOp::Select(at(0), at(1), at(2)),
        8 => ScalarOp::Cast(at(0)),
        9 => ScalarOp::MultiplyAdd(at(0), at(1), at(2)),
        10 => ScalarOp::Bitcast(at(0)),
        11 => ScalarOp::ShiftLeft(at(0), n),
        _ => ScalarOp::ShiftRight(at(0), n),
    };
    let fitting = match &op {
        ScalarOp::Input(input) => body.inputs[*input as usize],
        ScalarOp::Literal(value) => value.tensor().dtype(),
        ScalarOp::Compare(..) => DType::Bool,
        ScalarOp::Extent(_) | ScalarOp::Index(_) => DType::I64,
        ScalarOp::Select(_, a, _) => body.node(*a).dtype,
        ScalarOp::Cast(_) | ScalarOp::Bitcast(_) => dtype,
        other => body.node(other.operands()[0]).dtype,
    };
    let dtype = if fits { fitting } else { dtype };
    Some(Scalar { op, dtype })
}

/// A module with a contraction that has the epilogue; it need not verify.
fn around(body: Body) -> Module {
    let mut graph = Graph::new("main");
    let x = graph.add_input("x", ty("f32[4, 4]"));
    let op = Op::Contraction {
        spec: "ab,bc->ac".parse().unwrap(),
        accumulator: DType::F32,
        epilogue: Some(body),
    };
    let product = graph.add_typed(op, &[x, x], vec![ty("f32[4, 4]")], Origin::default());
    graph.add_output("y", product);
    let mut module = Module::default();
    module.add_graph(graph);
    module
}

/// Pieces that bodies are put together from.
const PIECES: [&str; 32] = [
    "(",
    ")",
    " { ",
    " }",
    "; ",
    ", ",
    "%0",
    "%1",
    "%2",
    "%4294967296",
    ": ",
    "f32",
    "i4",
    " = ",
    "return ",
    "add ",
    "exp ",
    "less ",
    "select ",
    "cast ",
    "multiply_add ",
    "shift_left 3 ",
    "input 0",
    "index 1",
    "extent B",
    "literal ",
    "f32[2](1.0, NaN)",
    "-1",
    "true",
    "[",
    "π",
    "{\"a\": [",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_body_survives_its_text(body in body()) {
        prop_assert!(body.is_well_formed());
        let text = body.to_string();
        prop_assert!(!text.contains('\n'));
        prop_assert_eq!(&read(&text), &body, "{}", text);
        let module = around(body);
        let text = module.to_text(TextOptions::default());
        let again = Module::from_text_unverified(&text);
        prop_assert_eq!(again.as_ref(), Ok(&module), "{}", text);
    }

    #[test]
    fn any_pieces_are_read_or_refused(
        pieces in prop::collection::vec(select(&PIECES[..]), 0..40),
    ) {
        let _ = pieces.concat().parse::<Body>();
    }

    #[test]
    fn a_changed_text_is_read_or_refused(
        body in body(),
        edits in prop::collection::vec((any::<Index>(), 0..6usize, select(&PIECES[..])), 1..4),
    ) {
        let mut characters: Vec<char> = body.to_string().chars().collect();
        for (place, removed, piece) in edits {
            let from = place.index(characters.len() + 1);
            let to = characters.len().min(from + removed);
            characters.splice(from..to, piece.chars());
        }
        // What is taken prints and parses back.
        if let Ok(body) = characters.iter().collect::<String>().parse::<Body>() {
            prop_assert!(body.is_well_formed());
            prop_assert_eq!(&read(&body.to_string()), &body);
        }
    }
}
