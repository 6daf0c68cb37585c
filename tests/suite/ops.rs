//! Every op by itself: all element types that there is code for, a batch of 0, 1 and odd extents.

use std::collections::BTreeMap;

use eyas::{Compiler, DType, Module, Number, Tensor};
use eyas_ir::{
    BinaryFunction, Combine, Comparison, Composite, Constant, Distribution, Entry, Extreme, Graph,
    GraphId, Mode, Op, Reduction, Symbol, TensorType, Trip, UnaryFunction, Value,
};
use eyas_tensor::Dim;
use eyas_testing::Draw;

use crate::program::{Runner, compile_module, evaluate};

/// The element types that there is code for.
pub const DTYPES: [DType; 13] = [
    DType::F64,
    DType::F32,
    DType::F16,
    DType::BF16,
    DType::I64,
    DType::I32,
    DType::I16,
    DType::I8,
    DType::U64,
    DType::U32,
    DType::U16,
    DType::U8,
    DType::Bool,
];

/// The extents that the batch `B` is given.
const BATCHES: [usize; 5] = [0, 1, 2, 7, 33];

/// How the values of an input are drawn.
#[derive(Clone, Copy)]
enum Values {
    /// Near zero, of both signs.
    Any,
    /// Above zero; of floats at least a half.
    Positive,
    /// Places along an axis of this extent.
    Below(usize),
}

/// A module whose outputs are ops on inputs.
struct Sweep {
    name: String,
    graph: Graph,
    bodies: Vec<Graph>,
    inputs: Vec<(TensorType, Values)>,
    outputs: usize,
}

impl Sweep {
    fn new(name: &str, dtype: DType) -> Sweep {
        Sweep {
            name: format!("{name} of {dtype}"),
            graph: Graph::new("main"),
            bodies: Vec::new(),
            inputs: Vec::new(),
            outputs: 0,
        }
    }

    /// An input; extents of -1 are the batch.
    fn input(&mut self, dtype: DType, shape: &[i64], values: Values) -> Value {
        let ty = TensorType::new(dtype, dims(shape));
        let name = format!("x{}", self.inputs.len());
        self.inputs.push((ty.clone(), values));
        self.graph.add_input(name, ty)
    }

    fn add(&mut self, op: Op, operands: &[Value]) -> Value {
        let name = self.name.clone();
        self.graph
            .add(op.clone(), operands)
            .unwrap_or_else(|error| panic!("{name}: {op:?}: {error}"))
    }

    fn output(&mut self, op: Op, operands: &[Value]) {
        let name = format!("{}{}", op_name(&op), self.outputs);
        self.outputs += 1;
        let value = self.add(op, operands);
        self.graph.add_output(name, value);
    }

    fn module(&self) -> Module {
        let mut module = Module::default();
        for body in &self.bodies {
            module.add_graph(body.clone());
        }
        let graph = module.add_graph(self.graph.clone());
        module.entries.push(Entry {
            name: "main".into(),
            graph,
            mode: Mode::Inference,
            states: Vec::new(),
        });
        module.symbols.push(Symbol {
            name: "B".to_owned(),
            span: None,
        });
        module
            .verify()
            .unwrap_or_else(|error| panic!("{}: {error:?}", self.name));
        module
    }

    fn tensors(&self, batch: usize) -> Vec<Tensor> {
        let mut draw = Draw::new(batch as u64 + 1);
        let inputs = self.inputs.iter().map(|(ty, values)| {
            let extents = ty.shape.iter();
            let extent = |dim: &Dim| dim.evaluate(&|_| Some(batch as i64)).unwrap() as usize;
            let shape: Vec<usize> = extents.map(extent).collect();
            let count = shape.iter().product();
            let numbers: Vec<Number> = (0..count)
                .map(|_| match values {
                    Values::Any => draw.number(ty.dtype),
                    Values::Positive => positive(&mut draw, ty.dtype),
                    Values::Below(extent) => Number::Int(draw.below(*extent) as i128),
                })
                .collect();
            Tensor::from_numbers(ty.dtype, &shape, &numbers).unwrap()
        });
        inputs.collect()
    }
}

fn positive(draw: &mut Draw, dtype: DType) -> Number {
    match draw.number(dtype) {
        Number::Float(value) => dtype.round(Number::Float(value.abs() + 0.5)),
        Number::Int(value) => Number::Int(value.abs() + 1),
        Number::Bool(value) => Number::Bool(value),
    }
}

fn dims(shape: &[i64]) -> Vec<Dim> {
    let dim = |&extent: &i64| match extent {
        -1 => Dim::symbol("B"),
        extent => Dim::from(extent),
    };
    shape.iter().map(dim).collect()
}

fn op_name(op: &Op) -> String {
    let name = format!("{op:?}");
    let word = |c: char| c.is_ascii_alphanumeric() || c == ' ';
    let name: String = name.chars().filter(|&c| word(c)).take(40).collect();
    name.replace(' ', "_").to_lowercase()
}

/// What goes wrong is told with the module and the batch.
fn check(sweep: &Sweep, compiler: &Compiler, runner: &Runner) {
    let module = sweep.module();
    let set = compile_module(compiler, &module, &BTreeMap::new());
    let mut session = runner.session(&set);
    for batch in BATCHES {
        let inputs = sweep.tensors(batch);
        let expected = evaluate(&module, &BTreeMap::new(), &inputs);
        let given: Vec<&Tensor> = inputs.iter().collect();
        let found = session.run_ordered(&given);
        let found = found.unwrap_or_else(|error| panic!("{}, B = {batch}: {error}", sweep.name));
        for ((name, found), (_, expected)) in found.iter().zip(&expected) {
            let error = found.relative_error(expected);
            let limit = tolerance(found.dtype());
            assert!(
                error <= limit,
                "{}, B = {batch}, {name}: error {error:e}\nfound {found:?}\nexpected {expected:?}",
                sweep.name
            );
        }
    }
}

fn tolerance(dtype: DType) -> f64 {
    match dtype {
        DType::F64 => 1e-13,
        DType::F32 => 1e-5,
        DType::F16 => 4e-3,
        DType::BF16 => 3e-2,
        _ => 0.0,
    }
}

fn elementwise(dtype: DType) -> Sweep {
    let mut sweep = Sweep::new("functions", dtype);
    let x = sweep.input(dtype, &[-1, 5], Values::Any);
    let y = sweep.input(dtype, &[-1, 5], Values::Any);
    let above = sweep.input(dtype, &[-1, 5], Values::Positive);
    let condition = sweep.input(DType::Bool, &[-1, 5], Values::Any);
    for function in UnaryFunction::ALL {
        use UnaryFunction::*;
        if function.accepts(dtype) {
            let poles = matches!(function, Sqrt | Rsqrt | Reciprocal | Log);
            sweep.output(Op::unary(function), &[if poles { above } else { x }]);
        }
    }
    for function in BinaryFunction::ALL {
        use BinaryFunction::*;
        if !function.accepts(dtype) {
            continue;
        }
        let poles = dtype.is_float() && matches!(function, Divide | FloorDivide | Remainder);
        let operands = match function {
            Power => [above, y],
            _ if poles => [x, above],
            _ => [x, y],
        };
        sweep.output(Op::binary(function), &operands);
    }
    use Comparison::*;
    for comparison in [Equal, NotEqual, Less, LessOrEqual, Greater, GreaterOrEqual] {
        sweep.output(Op::Compare { comparison }, &[x, y]);
    }
    sweep.output(Op::Select, &[condition, x, y]);
    if dtype.is_float() {
        for composite in [
            Composite::Relu,
            Composite::Sigmoid,
            Composite::Silu,
            Composite::Gelu,
        ] {
            sweep.output(Op::composite(composite), &[above]);
        }
    }
    sweep
}

fn casts(dtype: DType) -> Sweep {
    let mut sweep = Sweep::new("casts", dtype);
    let x = sweep.input(dtype, &[-1, 3], Values::Any);
    let above = sweep.input(dtype, &[-1, 3], Values::Positive);
    for to in DTYPES {
        sweep.output(Op::Cast { dtype: to }, &[x]);
        if dtype != DType::Bool {
            // Far out of the range of most.
            let mut far = above;
            for _ in 0..5 {
                far = sweep.add(Op::binary(BinaryFunction::Multiply), &[far, far]);
            }
            sweep.output(Op::Cast { dtype: to }, &[far]);
        }
    }
    sweep
}

fn reductions(dtype: DType) -> Sweep {
    let mut sweep = Sweep::new("reductions", dtype);
    let x = sweep.input(dtype, &[-1, 7, 35], Values::Positive);
    for reduction in [
        Reduction::Sum,
        Reduction::Product,
        Reduction::Maximum,
        Reduction::Minimum,
    ] {
        let nothing = matches!(reduction, Reduction::Sum | Reduction::Product);
        for axes in [vec![2], vec![1], vec![1, 2], vec![0], vec![0, 2]] {
            if nothing || !axes.contains(&0) {
                sweep.output(Op::Reduce { reduction, axes }, &[x]);
            }
        }
    }
    for extreme in [Extreme::Maximum, Extreme::Minimum] {
        for axis in [1, 2] {
            sweep.output(Op::ArgReduce { extreme, axis }, &[x]);
        }
    }
    if dtype.is_float() {
        let scale = sweep.input(dtype, &[35], Values::Any);
        let bias = sweep.input(dtype, &[35], Values::Any);
        let epsilon = || Constant::scalar(DType::F64, Number::Float(1e-5));
        sweep.output(Op::composite(Composite::Mean { axes: vec![2] }), &[x]);
        sweep.output(Op::composite(Composite::Mean { axes: vec![1] }), &[x]);
        sweep.output(Op::composite(Composite::Softmax { axis: 2 }), &[x]);
        sweep.output(Op::composite(Composite::Softmax { axis: 1 }), &[x]);
        sweep.output(Op::composite(Composite::LogSoftmax { axis: 2 }), &[x]);
        let norm = Composite::LayerNorm { epsilon: epsilon() };
        sweep.output(Op::composite(norm), &[x, scale, bias]);
        let norm = Composite::RmsNorm { epsilon: epsilon() };
        sweep.output(Op::composite(norm), &[x, scale]);
        let labels = sweep.input(DType::I32, &[-1, 7], Values::Below(35));
        sweep.output(Op::composite(Composite::CrossEntropy), &[x, labels]);
        let probabilities = sweep.add(Op::composite(Composite::Softmax { axis: 2 }), &[x]);
        let loss = Op::composite(Composite::NegativeLogLikelihood);
        sweep.output(loss, &[probabilities, labels]);
    }
    sweep
}

fn contractions(dtype: DType) -> Sweep {
    let mut sweep = Sweep::new("contractions", dtype);
    let accumulator = match dtype {
        DType::F16 | DType::BF16 => DType::F32,
        DType::I8 | DType::I16 => DType::I32,
        DType::U8 | DType::U16 => DType::U32,
        other => other,
    };
    let x = sweep.input(dtype, &[-1, 19], Values::Any);
    let w = sweep.input(dtype, &[19, 13], Values::Any);
    let transposed = sweep.input(dtype, &[13, 19], Values::Any);
    let batched = sweep.input(dtype, &[-1, 19, 3], Values::Any);
    let one = sweep.input(dtype, &[19], Values::Any);
    for (spec, left, right) in [
        ("ab,bc->ac", x, w),
        ("ab,cb->ac", x, transposed),
        ("ab,abc->ac", x, batched),
        ("ab,cb->ca", x, transposed),
        ("ab,b->a", x, one),
        ("abc,b->ac", batched, one),
        ("ab,ac->bc", x, x),
    ] {
        let op = Op::Contraction {
            spec: spec.parse().unwrap(),
            accumulator,
            epilogue: None,
        };
        sweep.output(op, &[left, right]);
    }
    sweep
}

fn layouts(dtype: DType) -> Sweep {
    let mut sweep = Sweep::new("layouts", dtype);
    let x = sweep.input(dtype, &[-1, 6, 5], Values::Any);
    let row = sweep.input(dtype, &[1, 5], Values::Any);
    for permutation in [vec![0, 2, 1], vec![2, 1, 0], vec![1, 0, 2]] {
        sweep.output(Op::Transpose { permutation }, &[x]);
    }
    let shape = dims(&[-1, 30]);
    sweep.output(Op::Reshape { shape }, &[x]);
    let shape = dims(&[-1, 6, 5]);
    sweep.output(Op::Broadcast { shape }, &[row]);
    let slice = Op::Slice {
        starts: dims(&[0, 4, 1]),
        shape: dims(&[-1, 2, 2]),
        steps: vec![1, -2, 3],
    };
    sweep.output(slice, &[x]);
    let pad = Op::Pad {
        low: dims(&[1, 0, 2]),
        high: dims(&[0, 3, 1]),
        value: match dtype.is_float() {
            true => Constant::scalar(dtype, Number::Float(0.5)),
            false if dtype == DType::Bool => Constant::scalar(dtype, Number::Bool(true)),
            false => Constant::scalar(dtype, Number::Int(3)),
        },
    };
    sweep.output(pad, &[x]);
    sweep.output(Op::Concat { axis: 1 }, &[x, x]);
    sweep.output(Op::Concat { axis: 0 }, &[x, x]);
    sweep
}

fn indexing(dtype: DType) -> Sweep {
    let mut sweep = Sweep::new("indexing", dtype);
    let data = sweep.input(dtype, &[9, 4], Values::Any);
    let indices = sweep.input(DType::I64, &[-1], Values::Below(9));
    let columns = sweep.input(DType::U8, &[-1, 2], Values::Below(4));
    sweep.output(Op::Gather { axis: 0 }, &[data, indices]);
    sweep.output(Op::Gather { axis: 1 }, &[data, columns]);
    let updates = sweep.input(dtype, &[-1, 4], Values::Any);
    let inner = sweep.input(dtype, &[9, -1, 2], Values::Any);
    let combines = [
        Combine::Replace,
        Combine::Add,
        Combine::Maximum,
        Combine::Minimum,
    ];
    for combine in combines {
        if dtype == DType::Bool && combine != Combine::Replace {
            continue;
        }
        let op = |axis| Op::Scatter { axis, combine };
        sweep.output(op(0), &[data, indices, updates]);
        sweep.output(op(1), &[data, columns, inner]);
    }
    if dtype != DType::Bool {
        for axis in [0, 1] {
            let shape = dims(&[-1, 5]);
            sweep.output(Op::Iota { dtype, shape, axis }, &[]);
        }
        let dim = Dim::symbol("B");
        sweep.output(Op::Extent { dim, dtype }, &[]);
    }
    sweep
}

fn random() -> Sweep {
    let mut sweep = Sweep::new("random numbers", DType::F32);
    sweep.input(DType::Bool, &[-1], Values::Any);
    for (place, distribution) in [Distribution::Bits, Distribution::Uniform]
        .into_iter()
        .enumerate()
    {
        let op = Op::Random {
            distribution,
            stream: format!("stream{place}"),
            shape: dims(&[-1, 37]),
        };
        sweep.output(op, &[]);
    }
    sweep
}

/// `x -> x + x * counter`, a fixed number of times and while a sum is small; and a choice.
fn control(dtype: DType) -> Sweep {
    let mut sweep = Sweep::new("control", dtype);
    let x = sweep.input(dtype, &[-1, 3], Values::Positive);
    let condition = sweep.input(DType::Bool, &[], Values::Any);
    let ty = TensorType::new(dtype, dims(&[-1, 3]));
    let counter_ty = TensorType::new(DType::I64, Vec::new());
    let twice = |name: &str, stops: bool| {
        let mut body = Graph::new(name);
        let counter = body.add_input("counter", counter_ty.clone());
        let value = body.add_input("value", ty.clone());
        let sum = body
            .add(Op::binary(BinaryFunction::Add), &[value, value])
            .unwrap();
        if stops {
            let limit = Constant::scalar(DType::I64, Number::Int(1));
            let limit = body.add(Op::Constant { value: limit }, &[]).unwrap();
            let less = Comparison::LessOrEqual;
            let more = body
                .add(Op::Compare { comparison: less }, &[counter, limit])
                .unwrap();
            body.add_output("more", more);
        }
        body.add_output("value", sum);
        body
    };
    sweep.bodies = vec![twice("fixed", false), twice("while", true)];
    for (body, trip) in [
        (
            0,
            Trip::Range {
                start: Dim::from(2),
                count: Dim::from(3),
            },
        ),
        (
            1,
            Trip::While {
                limit: Dim::from(9),
            },
        ),
    ] {
        let op = Op::Loop {
            body: GraphId(body),
            variable: format!("i{body}"),
            trip,
            carried: 1,
        };
        let value = sweep
            .graph
            .add_typed(op, &[x], vec![ty.clone()], Default::default());
        sweep.graph.add_output(format!("loop{body}"), value);
    }
    for (name, function) in [
        ("then", BinaryFunction::Add),
        ("otherwise", BinaryFunction::Multiply),
    ] {
        let mut branch = Graph::new(name);
        let value = branch.add_input("value", ty.clone());
        let result = branch.add(Op::binary(function), &[value, value]).unwrap();
        branch.add_output("result", result);
        sweep.bodies.push(branch);
    }
    let op = Op::If {
        then: GraphId(2),
        otherwise: GraphId(3),
    };
    let value = sweep
        .graph
        .add_typed(op, &[condition, x], vec![ty.clone()], Default::default());
    sweep.graph.add_output("choice", value);
    sweep
}

fn numeric() -> impl Iterator<Item = DType> {
    DTYPES.into_iter().filter(|&dtype| dtype != DType::Bool)
}

/// All modules, in parts that may run side by side.
pub fn check_all(compiler: &Compiler, runner: &Runner) {
    let mut sweeps: Vec<Sweep> = DTYPES.into_iter().map(elementwise).collect();
    sweeps.extend(DTYPES.into_iter().map(casts));
    sweeps.extend(numeric().map(reductions));
    sweeps.extend(numeric().map(contractions));
    sweeps.extend(DTYPES.into_iter().map(layouts));
    sweeps.extend(DTYPES.into_iter().map(indexing));
    sweeps.push(random());
    sweeps.extend(numeric().map(control));
    for sweep in &sweeps {
        check(sweep, compiler, runner);
    }
}

#[test]
fn every_op_of_every_type_gives_on_the_cpu_what_it_evaluates_to() {
    check_all(&Compiler::default(), &Runner::Cpu);
}
