use eyas_ir::{BinaryFunction, Composite, Constant, Op, UnaryFunction, Value};
use eyas_tensor::DType;

use crate::builder::Builder;
use crate::instance::Instance;
use crate::pattern::Pattern;
use crate::rule::{FLOATS, Family, Matched, Rule};
use crate::term::Kind;

use BinaryFunction::{Add, Divide, Multiply, Subtract};
use Pattern as P;
use UnaryFunction::{Reciprocal, Rsqrt, Sqrt};

/// Norms written by hand, and the quotients that they are written with.
pub(super) fn rules() -> Vec<Rule> {
    let mut rules = quotients();
    for scale_first in [false, true] {
        rules.push(rms_norm(scale_first));
        rules.push(layer_norm(scale_first));
    }
    rules
}

fn quotients() -> Vec<Rule> {
    vec![
        Rule::new(
            "divide-by-repeated-root",
            Family::Algebra,
            "`x / sqrt(y)` is `x * rsqrt(y)`, the root repeated.",
            P::binary(Divide, P::any(0), P::broadcast(P::unary(Sqrt, P::any(1)))),
            |matched, builder| {
                let shape = builder.ty(matched.root()).shape;
                let factor = builder.unary(Rsqrt, matched.value(1))?;
                let factor = builder.broadcast(factor, &shape)?;
                builder.binary(Multiply, matched.value(0), factor)
            },
            |instance| {
                let y = instance.any()?;
                let root = instance.unary(Sqrt, y)?;
                let shape = instance.wider(y);
                let x = instance.input(&shape)?;
                let root = instance.broadcast(root, &shape)?;
                instance.binary(Divide, x, root)
            },
        ),
        Rule::new(
            "times-repeated-reciprocal",
            Family::Algebra,
            "`x * (1 / y)` is `x / y`, the reciprocal repeated.",
            P::binary(
                Multiply,
                P::any(0),
                P::broadcast(P::unary(Reciprocal, P::any(1))),
            ),
            |matched, builder| {
                let shape = builder.ty(matched.root()).shape;
                let divisor = builder.broadcast(matched.value(1), &shape)?;
                builder.binary(Divide, matched.value(0), divisor)
            },
            |instance| {
                let y = instance.any()?;
                let inverse = instance.unary(Reciprocal, y)?;
                let shape = instance.wider(y);
                let x = instance.input(&shape)?;
                let inverse = instance.broadcast(inverse, &shape)?;
                instance.binary(Multiply, x, inverse)
            },
        ),
    ]
}

fn mean(x: Pattern) -> Pattern {
    let test = |op: &Op| {
        matches!(
            op,
            Op::Composite {
                composite: Composite::Mean { .. }
            }
        )
    };
    P::of([Kind::Composite], "mean", test, [x])
}

/// `x * rsqrt(mean(x * x) + epsilon) * scale`; the numbers are 1 for epsilon and 2 for scale.
fn normalised(x: &Pattern, scale_first: bool) -> Pattern {
    let square = P::binary(Multiply, x.clone(), x.clone());
    let kept = P::binary(Add, mean(square), P::constant(1));
    let factor = P::broadcast(P::unary(Rsqrt, kept));
    let scale = P::broadcast(P::any(2));
    let product = |a, b| P::binary(Multiply, a, b);
    match scale_first {
        true => product(product(x.clone(), scale), factor),
        false => product(product(x.clone(), factor), scale),
    }
}

/// The epsilon, where all means are along the last axis of `x`.
fn epsilon(matched: &Matched<'_>, builder: &Builder<'_>) -> Option<Constant> {
    let last = builder.ty(matched.value(0)).rank().checked_sub(1)?;
    for place in 0..matched.ops.len() {
        if let Some(Op::Composite {
            composite: Composite::Mean { axes },
        }) = matched.op(place)
            && axes[..] != [last]
        {
            return None;
        }
    }
    let epsilon = builder.data(matched.value(1)).splat?;
    Some(Constant::scalar(DType::F64, epsilon))
}

fn name(of: &str, scale_first: bool) -> String {
    let suffix = if scale_first { "-scale-first" } else { "" };
    format!("{of}{suffix}")
}

fn rms_norm(scale_first: bool) -> Rule {
    Rule::new(
        name("rms-norm", scale_first),
        Family::Composite,
        "`x * rsqrt(mean(x * x) + epsilon) * scale` along the last axis is the RMS norm.",
        normalised(&P::any(0), scale_first),
        |matched, builder| {
            let epsilon = epsilon(matched, builder)?;
            let operands = [matched.value(0), matched.value(2)];
            builder.composite(Composite::RmsNorm { epsilon }, &operands)
        },
        move |instance| {
            let x = instance.any()?;
            instance_normalised(instance, x, scale_first)
        },
    )
    .of(&FLOATS)
    .ranks(2, 3)
    .given("the mean is along the last axis, and the scale has that axis alone")
}

fn layer_norm(scale_first: bool) -> Rule {
    let centred = P::binary(Subtract, P::any(0), P::broadcast(mean(P::any(0))));
    Rule::new(
        name("layer-norm", scale_first),
        Family::Composite,
        "`(x - mean) * rsqrt(mean((x - mean)^2) + epsilon) * scale + bias` along the last axis is \
         the layer norm.",
        P::binary(
            Add,
            normalised(&centred, scale_first),
            P::broadcast(P::any(3)),
        ),
        |matched, builder| {
            let epsilon = epsilon(matched, builder)?;
            let operands = [matched.value(0), matched.value(2), matched.value(3)];
            builder.composite(Composite::LayerNorm { epsilon }, &operands)
        },
        move |instance| {
            let x = instance.any()?;
            let shape = instance.extents(x);
            let axes = vec![shape.len() - 1];
            let mean = instance.composite(Composite::Mean { axes }, &[x])?;
            let mean = instance.broadcast(mean, &shape)?;
            let centred = instance.binary(Subtract, x, mean)?;
            let scaled = instance_normalised(instance, centred, scale_first)?;
            let bias = instance.input(&shape[shape.len() - 1..])?;
            let bias = instance.broadcast(bias, &shape)?;
            instance.binary(Add, scaled, bias)
        },
    )
    .of(&FLOATS)
    .ranks(2, 3)
    .given("the means are along the last axis, and scale and bias have that axis alone")
}

fn instance_normalised(instance: &mut Instance, x: Value, scale_first: bool) -> Option<Value> {
    let shape = instance.extents(x);
    let axes = vec![shape.len() - 1];
    let square = instance.binary(Multiply, x, x)?;
    let mean = instance.composite(Composite::Mean { axes }, &[square])?;
    let epsilon = instance.splat(1e-3, mean)?;
    let kept = instance.binary(Add, mean, epsilon)?;
    let factor = instance.unary(Rsqrt, kept)?;
    let factor = instance.broadcast(factor, &shape)?;
    let scale = instance.input(&shape[shape.len() - 1..])?;
    let scale = instance.broadcast(scale, &shape)?;
    let (first, second) = match scale_first {
        true => (scale, factor),
        false => (factor, scale),
    };
    let product = instance.binary(Multiply, x, first)?;
    instance.binary(Multiply, product, second)
}
