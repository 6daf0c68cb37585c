//! Composites equal the primitives that they decompose into.

use std::collections::BTreeMap;

use eyas_ir::{
    BinaryFunction, Comparison, Composite, Constant, Graph, Module, Op, TensorType, UnaryFunction,
    decompose, scalar_body,
};
use eyas_reference::{Evaluator, Storage};
use eyas_tensor::{DType, Number, Tensor};

use crate::single::{apply, apply_wide, floats, integers, type_of};

fn run(graph: &Graph, operands: &[Tensor], storage: Storage) -> Result<Vec<f64>, String> {
    let module = Module::default();
    let evaluator = Evaluator::new(&module).storage(storage);
    let outputs = evaluator.run_graph(graph, operands, &BTreeMap::new());
    Ok(outputs.map_err(|error| error.to_string())?[0].1.to_f64())
}

fn cases() -> Vec<(Composite, bool, bool)> {
    let epsilon = Constant::scalar(DType::F64, Number::Float(1e-5));
    use Composite::*;
    vec![
        (Relu, false, false),
        (Sigmoid, false, false),
        (Silu, false, false),
        (Gelu, false, false),
        (Mean { axes: vec![1] }, false, false),
        (Mean { axes: vec![0, 2] }, false, false),
        (Softmax { axis: 2 }, false, false),
        (Softmax { axis: 0 }, false, false),
        (LogSoftmax { axis: 1 }, false, false),
        (CrossEntropy, false, true),
        (NegativeLogLikelihood, false, true),
        (
            RmsNorm {
                epsilon: epsilon.clone(),
            },
            true,
            false,
        ),
        (LayerNorm { epsilon }, true, false),
    ]
}

fn operands(case: &(Composite, bool, bool), dtype: DType) -> Vec<Tensor> {
    let shape = [2, 3, 4];
    let value = |i: usize| ((i * 37 % 23) as f64 - 9.0) / 4.0;
    let positive = case.0 == Composite::NegativeLogLikelihood;
    let x: Vec<f64> = (0..24)
        .map(|i| {
            if positive {
                value(i).abs() + 0.25
            } else {
                value(i)
            }
        })
        .collect();
    let mut operands = vec![floats(dtype, &shape, &x)];
    if case.1 {
        operands.push(floats(dtype, &[4], &[0.5, 1.0, -2.0, 1.5]));
    }
    if matches!(case.0, Composite::LayerNorm { .. }) {
        operands.push(floats(dtype, &[4], &[1.0, -0.5, 0.25, 2.0]));
    }
    if case.2 {
        operands.push(integers(DType::U8, &[2, 3], &[0, 3, 1, 2, 2, 0]));
    }
    operands
}

#[test]
fn composites_equal_their_decompositions() {
    for case in cases() {
        for dtype in [DType::F64, DType::F32, DType::F16] {
            let operands = operands(&case, dtype);
            let types: Vec<TensorType> = operands.iter().map(type_of).collect();
            let graph = decompose(&case.0, &types).unwrap();
            let only_primitives = graph
                .node_ids()
                .all(|id| !matches!(graph.node(id).op, Op::Composite { .. }));
            assert!(only_primitives, "{:?}", case.0);
            let result = &graph.outputs()[0].1;
            let whole = Op::composite(case.0.clone());
            let references: Vec<&TensorType> = types.iter().collect();
            let expected = eyas_ir::infer::result_types(&whole, &references).unwrap();
            assert_eq!(*graph.type_of(*result), expected[0]);
            let found = run(&graph, &operands, Storage::Wide).unwrap();
            // The root of 2 is a constant of the type, so it rounds even in wide storage.
            let bound = if dtype == DType::F64 { 1e-12 } else { 1e-6 };
            for (a, b) in found.iter().zip(apply_wide(whole, &operands)) {
                assert!(
                    (a - b).abs() <= bound * (1.0 + b.abs()),
                    "{case:?}: {a} {b}"
                );
            }
        }
    }
}

#[test]
fn a_mean_over_a_dim_divides_by_its_value() {
    let ty: TensorType = "f32[B, 2]".parse().unwrap();
    let composite = Composite::Mean { axes: vec![0, 1] };
    let graph = decompose(&composite, &[ty]).unwrap();
    let x = floats(DType::F32, &[3, 2], &[1.0, 2.0, 3.0, 4.0, 5.0, 9.0]);
    let module = Module::default();
    let evaluator = Evaluator::new(&module);
    let bindings = BTreeMap::from([("B".to_owned(), 3)]);
    let outputs = evaluator.run_graph(&graph, &[x], &bindings).unwrap();
    assert_eq!(outputs[0].1.to_f64(), [4.0]);
}

#[test]
fn a_label_that_is_no_class_fails() {
    for label in [-1, 3] {
        let operands = [
            floats(DType::F32, &[1, 3], &[0.2, 0.3, 0.5]),
            integers(DType::I32, &[1], &[label]),
        ];
        let types: Vec<TensorType> = operands.iter().map(type_of).collect();
        for composite in [Composite::CrossEntropy, Composite::NegativeLogLikelihood] {
            let graph = decompose(&composite, &types).unwrap();
            let error = run(&graph, &operands, Storage::Exact).unwrap_err();
            assert!(error.contains(&label.to_string()), "{error}");
        }
    }
}

/// A contraction of one product with the body as its epilogue, so that the body is evaluated.
fn through_epilogue(op: &Op, operands: &[Tensor]) -> Vec<f64> {
    let dtypes: Vec<DType> = operands.iter().map(Tensor::dtype).collect();
    let epilogue = Some(scalar_body(op, &dtypes).unwrap());
    let one = Tensor::from_numbers(dtypes[0], &[1], &[Number::Int(1)]).unwrap();
    let contraction = Op::Contraction {
        spec: "ab,b->a".parse().unwrap(),
        accumulator: dtypes[0],
        epilogue,
    };
    let all: Vec<Tensor> = [operands[0].clone().reshaped(&[4, 1]).unwrap(), one]
        .into_iter()
        .chain(operands[1..].iter().cloned())
        .collect();
    apply(contraction, &all)
}

#[test]
fn scalar_bodies_equal_their_ops() {
    for dtype in [DType::F64, DType::F32, DType::F16, DType::I32] {
        let numbers = |values: [i128; 4]| {
            let values = values.map(|x| match dtype.is_float() {
                true => Number::Float(x as f64 / 4.0),
                false => Number::Int(x),
            });
            Tensor::from_numbers(dtype, &[4], &values).unwrap()
        };
        let (x, y) = (numbers([3, 7, 9, 12]), numbers([2, 7, -5, 1]));
        let unary = UnaryFunction::ALL.into_iter().filter(|f| f.accepts(dtype));
        let binary = BinaryFunction::ALL.into_iter().filter(|f| f.accepts(dtype));
        let composites = [
            Composite::Relu,
            Composite::Sigmoid,
            Composite::Silu,
            Composite::Gelu,
        ];
        let composites = composites
            .into_iter()
            .filter(|c| dtype.is_float() || *c == Composite::Relu);
        let comparison = Comparison::Less;
        let one = unary
            .map(Op::unary)
            .chain(composites.map(Op::composite))
            .chain([Op::Cast { dtype: DType::I8 }]);
        let two = binary.map(Op::binary).chain([Op::Compare { comparison }]);
        let one = one.map(|op| (op, vec![x.clone()]));
        let two = two.map(|op| (op, vec![x.clone(), y.clone()]));
        for (op, operands) in one.chain(two) {
            let found = through_epilogue(&op, &operands);
            let expected = apply(op.clone(), &operands);
            for (a, b) in found.iter().zip(&expected) {
                let bound = if dtype == DType::F16 { 1e-3 } else { 1e-6 };
                let close = a == b || (a - b).abs() <= bound * (1.0 + b.abs());
                assert!(close || a.is_nan() && b.is_nan(), "{op:?}: {a} {b}");
            }
        }
    }
}

#[test]
fn only_elementwise_ops_have_scalar_bodies() {
    use DType::{Bool, F32};
    assert!(scalar_body(&Op::Select, &[Bool, F32, F32]).is_some());
    assert!(scalar_body(&Op::Select, &[F32, F32, F32]).is_none());
    assert!(scalar_body(&Op::unary(UnaryFunction::Exp), &[DType::I32]).is_none());
    assert!(scalar_body(&Op::Concat { axis: 0 }, &[F32, F32]).is_none());
    let softmax = Op::composite(Composite::Softmax { axis: 0 });
    assert!(scalar_body(&softmax, &[F32]).is_none());
}
