use eyas_ir::{
    BinaryFunction, Composite, Graph, Op, Origin, TensorType, Trip, UnaryFunction, Value,
};
use eyas_tensor::{DType, Dim};

use crate::generator::{Generator, Slot};

/// A loop over a value there is: `x = tanh(x * w[i] + y)` or the like, slices stacked or not,
/// the counter used or not.
pub(crate) fn add(generator: &mut Generator<'_>) -> Option<()> {
    let x = generator.any_float()?;
    let y = generator.like(&x.ty)?;
    let number = generator.module.graphs.len();
    let (start, count) = (generator.draw.below(3), generator.draw.below(4));
    let mut body = Graph::new(format!("body{number}"));
    let counter = body.add_input("i", TensorType::scalar(DType::I64));
    let carried = body.add_input("x", x.ty.clone());
    let invariant = body.add_input("y", y.ty.clone());
    let mut value = carried;
    let last: Option<Vec<Dim>> =
        x.ty.shape
            .last()
            .filter(|extent| extent.as_constant().is_some())
            .map(|extent| vec![extent.clone()]);
    if let Some(shape) = last {
        let ty = x.ty.with_shape(shape);
        for iteration in start..start + count.max(1) {
            generator.declare(&format!("loop{number}.{iteration}.w"), &ty)?;
        }
        let path = format!("loop{number}.{{i}}.w");
        let weight = body.add_typed(Op::Parameter { path }, &[], vec![ty], Origin::default());
        let weight = match generator.draw.one_in(2) {
            true => body.add(Op::unary(UnaryFunction::Tanh), &[weight]).ok()?,
            false => weight,
        };
        let shape = x.ty.shape.clone();
        let weight = body.add(Op::Broadcast { shape }, &[weight]).ok()?;
        let op = Op::binary(BinaryFunction::Multiply);
        value = body.add(op, &[value, weight]).ok()?;
    }
    if generator.draw.one_in(2) {
        let dtype = x.ty.dtype;
        let scalar = body.add(Op::Cast { dtype }, &[counter]).ok()?;
        let shape = x.ty.shape.clone();
        let spread = body.add(Op::Broadcast { shape }, &[scalar]).ok()?;
        let op = Op::binary(BinaryFunction::Add);
        value = body.add(op, &[value, spread]).ok()?;
    }
    let op = Op::binary(BinaryFunction::Add);
    value = body.add(op, &[value, invariant]).ok()?;
    let op = match generator.draw.one_in(2) {
        true => Op::unary(UnaryFunction::Tanh),
        false => Op::composite(Composite::Sigmoid),
    };
    value = body.add(op, &[value]).ok()?;
    body.add_output("x", value);
    if generator.draw.one_in(2) {
        body.add_output("slice", invariant);
        body.add_output("again", value);
    }
    let body = generator.module.add_graph(body);
    let op = Op::Loop {
        body,
        variable: "i".into(),
        trip: Trip::Range {
            start: Dim::from(start as i64),
            count: Dim::from(count as i64),
        },
        carried: 1,
    };
    let operands = [x.value, y.value];
    let types = operands.map(|value| generator.graph.type_of(value).clone());
    let types = generator
        .module
        .result_types(&op, &[&types[0], &types[1]])
        .ok()?;
    let first = generator
        .graph
        .add_typed(op, &operands, types.clone(), Origin::default());
    for (result, ty) in types.into_iter().enumerate() {
        let value = Value {
            node: first.node,
            result: result as u32,
        };
        let count = generator.concrete(&ty)?.iter().product::<usize>();
        if count <= generator.options.max_elements {
            let bound = if result == 0 {
                x.bound.max(1)
            } else {
                y.bound.max(1)
            };
            generator.slots.push(Slot { value, ty, bound });
        }
    }
    Some(())
}
