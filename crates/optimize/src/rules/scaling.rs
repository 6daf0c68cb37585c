use egg::Id;
use eyas_ir::{BinaryFunction, Op, Value};
use eyas_tensor::Dim;

use crate::builder::Builder;
use crate::instance::Instance;
use crate::pattern::Pattern;
use crate::rule::{FLOATS, Family, Rule};
use crate::rules::layout::contraction;
use crate::term::{Kind, TermOp};

use BinaryFunction::{Add, Multiply, Subtract};
use Pattern as P;

/// Scales and biases folded into weights, which batch norms after a layer come down to.
pub(super) fn rules() -> Vec<Rule> {
    vec![
        scale_into_weights(),
        number_into_weights(),
        scaled_sum("scale-of-sum", Add),
        scaled_sum("scale-of-difference", Subtract),
        two_biases("bias-of-sum", Add, Add),
        two_biases("bias-of-difference", Subtract, Add),
        two_biases("difference-of-sum", Add, Subtract),
        two_biases("difference-of-difference", Subtract, Subtract),
    ]
}

fn product() -> Pattern {
    P::of(
        [Kind::Contraction],
        "contraction",
        |op| matches!(op, Op::Contraction { epilogue: None, .. }),
        [P::any(0), P::such(1, "from parameters", |data| data.fixed)],
    )
}

/// What of a class is repeated, where that is computed from parameters alone.
fn fixed_operand(builder: &Builder<'_>, id: Id) -> Option<Id> {
    if builder.data(id).splat.is_some() {
        return None;
    }
    let nodes = builder.nodes(id).into_iter();
    let mut repeated = nodes.filter_map(|(op, operands)| match &*op {
        TermOp::Op(Op::Broadcast { .. }, _) => operands.first().copied(),
        _ => None,
    });
    repeated.find(|operand| builder.data(*operand).fixed)
}

fn scale_into_weights() -> Rule {
    Rule::new(
        "scale-into-weights",
        Family::Linear,
        "A scale of the columns of a product with weights is a scale of the weights.",
        P::binary(Multiply, product(), P::broadcast(P::any(2))),
        |matched, builder| {
            let Op::Contraction {
                spec, accumulator, ..
            } = matched.op(1)?
            else {
                return None;
            };
            let scale = matched.value(2);
            let (weights, fixed) = (matched.value(1), builder.data(scale).fixed);
            if !fixed || !builder.ty(matched.root()).dtype.is_float() {
                return None;
            }
            // An empty sum times NaN is NaN.
            if builder.ty(weights).shape.iter().any(|extent| extent.is(0)) {
                return None;
            }
            // The letters of the scale's axes: it is aligned with the last ones of the result.
            let shape = builder.ty(scale).shape;
            let offset = spec.output.len().checked_sub(shape.len())?;
            let mut letters = Vec::new();
            let mut extents = Vec::new();
            for (axis, extent) in shape.iter().enumerate() {
                if !extent.is(1) {
                    letters.push(spec.output[offset + axis]);
                    extents.push(extent.clone());
                }
            }
            if letters.is_empty() || !letters.iter().all(|letter| spec.columns().contains(letter)) {
                return None;
            }
            let scale = builder.reshape(scale, &extents)?;
            let scale = in_layout(builder, scale, &letters, &spec.right, weights)?;
            let weights = builder.binary(Multiply, weights, scale)?;
            let spec = spec.clone();
            contraction(spec, *accumulator, builder, matched.value(0), weights)
        },
        |instance| {
            let (product, columns) = instance_product(instance)?;
            let scale = instance.parameter(&[columns])?;
            let shape = instance.extents(product);
            let scale = instance.broadcast(scale, &shape)?;
            instance.binary(Multiply, product, scale)
        },
    )
    .of(&FLOATS)
    .fast()
    .given(
        "weights and scale are computed from parameters alone, the weights are not empty, the \
         scale is along columns",
    )
}

/// A value whose axes have these letters, repeated to the layout of another.
fn in_layout(
    builder: &mut Builder<'_>,
    value: Id,
    letters: &[char],
    layout: &[char],
    like: Id,
) -> Option<Id> {
    let order: Vec<usize> = layout
        .iter()
        .filter_map(|letter| letters.iter().position(|own| own == letter))
        .collect();
    let value = builder.transpose(value, &order)?;
    let shape = builder.ty(like).shape;
    let extents: Vec<Dim> = layout
        .iter()
        .zip(&shape)
        .map(|(letter, extent)| match letters.contains(letter) {
            true => extent.clone(),
            false => Dim::from(1),
        })
        .collect();
    let value = builder.reshape(value, &extents)?;
    builder.broadcast(value, &shape)
}

fn instance_product(instance: &mut Instance) -> Option<(Value, usize)> {
    let (rows, depth, columns) = (instance.extent(), instance.extent(), instance.extent());
    if columns == 1 {
        return None;
    }
    let (x, w) = (
        instance.input(&[rows, depth])?,
        instance.parameter(&[depth, columns])?,
    );
    Some((instance.contract("ab,bc->ac", x, w)?, columns))
}

fn number_into_weights() -> Rule {
    Rule::new(
        "number-into-weights",
        Family::Linear,
        "A product with weights times one number is a product with weights times the number.",
        P::binary(Multiply, product(), P::constant(2)),
        |matched, builder| {
            let Op::Contraction {
                spec, accumulator, ..
            } = matched.op(1)?
            else {
                return None;
            };
            let ty = builder.ty(matched.value(1));
            if !ty.dtype.is_float() {
                return None;
            }
            let number = builder.data(matched.value(2)).splat?;
            let number = builder.splat(number, &ty)?;
            let weights = builder.binary(Multiply, matched.value(1), number)?;
            let spec = spec.clone();
            contraction(spec, *accumulator, builder, matched.value(0), weights)
        },
        |instance| {
            let (product, _) = instance_product(instance)?;
            let number = instance.splat(0.125, product)?;
            instance.binary(Multiply, product, number)
        },
    )
    .of(&FLOATS)
    .fast()
    .given("the weights are computed from parameters alone")
}

/// `(y + b) * s` is `y * s + b * s`, where b and s are computed from parameters alone.
fn scaled_sum(name: &str, function: BinaryFunction) -> Rule {
    Rule::new(
        name,
        Family::Linear,
        "A scaled sum is the sum of what is scaled, where bias and scale are known when weights \
         are bound.",
        P::binary(
            Multiply,
            P::binary(function, P::any(0), P::any(1)),
            P::any(2),
        ),
        move |matched, builder| {
            let bias = fixed_operand(builder, matched.value(1))?;
            let scale = fixed_operand(builder, matched.value(2))?;
            if builder.ty(bias) != builder.ty(scale) || !builder.ty(bias).dtype.is_float() {
                return None;
            }
            let shape = builder.ty(matched.root()).shape;
            let scaled = builder.binary(Multiply, matched.value(0), matched.value(2))?;
            let bias = builder.binary(Multiply, bias, scale)?;
            let bias = builder.broadcast(bias, &shape)?;
            builder.binary(function, scaled, bias)
        },
        move |instance| {
            let x = instance.any()?;
            let shape = instance.extents(x);
            let last = &shape[shape.len() - 1..];
            let (bias, scale) = (instance.parameter(last)?, instance.parameter(last)?);
            let bias = instance.broadcast(bias, &shape)?;
            let scale = instance.broadcast(scale, &shape)?;
            let sum = instance.op(Op::binary(function), &[x, bias])?;
            instance.binary(Multiply, sum, scale)
        },
    )
    .of(&FLOATS)
    .ranks(2, 3)
    .fast()
    .given("bias and scale have one shape and are computed from parameters alone")
}

/// `(y + b) + c` is `y + (b + c)`, where b and c are computed from parameters alone.
fn two_biases(name: &str, inner: BinaryFunction, outer: BinaryFunction) -> Rule {
    Rule::new(
        name,
        Family::Linear,
        "Two biases are one, where both are known when weights are bound.",
        P::binary(outer, P::binary(inner, P::any(0), P::any(1)), P::any(2)),
        move |matched, builder| {
            let first = fixed_operand(builder, matched.value(1))?;
            let second = fixed_operand(builder, matched.value(2))?;
            if builder.ty(first) != builder.ty(second) || !builder.ty(first).dtype.is_float() {
                return None;
            }
            let shape = builder.ty(matched.root()).shape;
            let together = if inner == outer { Add } else { Subtract };
            let bias = builder.binary(together, first, second)?;
            let bias = builder.broadcast(bias, &shape)?;
            builder.binary(inner, matched.value(0), bias)
        },
        move |instance| {
            let x = instance.any()?;
            let shape = instance.extents(x);
            let last = &shape[shape.len() - 1..];
            let (first, second) = (instance.parameter(last)?, instance.parameter(last)?);
            let first = instance.broadcast(first, &shape)?;
            let second = instance.broadcast(second, &shape)?;
            let sum = instance.op(Op::binary(inner), &[x, first])?;
            instance.op(Op::binary(outer), &[sum, second])
        },
    )
    .of(&FLOATS)
    .ranks(2, 3)
    .fast()
    .given("both biases have one shape and are computed from parameters alone")
}
