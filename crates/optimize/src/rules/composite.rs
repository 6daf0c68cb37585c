use std::f64::consts::{FRAC_1_SQRT_2, SQRT_2};

use eyas_ir::{BinaryFunction, Comparison, Composite, Op, Reduction, UnaryFunction};
use eyas_tensor::{DType, Dim};

use crate::builder::Builder;
use crate::pattern::Pattern;
use crate::rule::{FLOATS, Family, INTEGERS, Matched, NUMBERS, Rule};
use crate::term::Kind;

use BinaryFunction::{Add, Divide, Maximum, Multiply, Subtract};
use Pattern as P;
use UnaryFunction::{Erf, Exp, Log, Negate, Reciprocal};

/// Composites written by hand.
pub(super) fn rules() -> Vec<Rule> {
    [activations(), gelu(), means(), softmax(), losses()].concat()
}

/// `1 + exp(-x)`
fn logistic_divisor() -> Pattern {
    P::binary(
        Add,
        P::unary(Exp, P::unary(Negate, P::any(0))),
        P::Splat(1.0),
    )
}

fn activations() -> Vec<Rule> {
    let zero_below = |name: &str, comparison: Comparison| {
        Rule::new(
            name,
            Family::Composite,
            "`x < 0 ? 0 : x` is `relu(x)`: where x is NaN, so is the choice.",
            P::kind(
                Kind::Select,
                "select",
                [
                    P::compare(comparison, P::any(0), P::Splat(0.0)),
                    P::Splat(0.0),
                    P::any(0),
                ],
            ),
            |matched, builder| builder.composite(Composite::Relu, &[matched.value(0)]),
            move |instance| {
                let x = instance.any()?;
                let zero = instance.splat(0.0, x)?;
                let below = instance.compare(comparison, x, zero)?;
                instance.op(Op::Select, &[below, zero, x])
            },
        )
        .of(&NUMBERS)
    };
    vec![
        Rule::new(
            "relu",
            Family::Composite,
            "`maximum(x, 0)` is `relu(x)`.",
            P::binary(Maximum, P::any(0), P::Splat(0.0)),
            |matched, builder| builder.composite(Composite::Relu, &[matched.value(0)]),
            |instance| {
                let x = instance.any()?;
                let zero = instance.splat(0.0, x)?;
                instance.binary(Maximum, x, zero)
            },
        )
        .of(&NUMBERS),
        zero_below("relu-below", Comparison::Less),
        zero_below("relu-at-most", Comparison::LessOrEqual),
        Rule::new(
            "relu-above",
            Family::Composite,
            "`x > 0 ? x : 0` is `relu(x)` for integers; of a NaN the choice would be 0.",
            P::kind(
                Kind::Select,
                "select",
                [
                    P::compare(Comparison::Greater, P::any(0), P::Splat(0.0)),
                    P::any(0),
                    P::Splat(0.0),
                ],
            ),
            |matched, builder| {
                let integer = builder.ty(matched.root()).dtype.is_integer();
                integer
                    .then(|| builder.composite(Composite::Relu, &[matched.value(0)]))
                    .flatten()
            },
            |instance| {
                let x = instance.any()?;
                let zero = instance.splat(0.0, x)?;
                let above = instance.compare(Comparison::Greater, x, zero)?;
                instance.op(Op::Select, &[above, x, zero])
            },
        )
        .of(&INTEGERS)
        .given("integers"),
        Rule::new(
            "sigmoid",
            Family::Composite,
            "`1 / (1 + exp(-x))` is `sigmoid(x)`.",
            P::unary(Reciprocal, logistic_divisor()),
            |matched, builder| builder.composite(Composite::Sigmoid, &[matched.value(0)]),
            |instance| {
                let x = instance.any()?;
                let sum = instance_logistic(instance, x)?;
                instance.unary(Reciprocal, sum)
            },
        ),
        Rule::new(
            "silu",
            Family::Composite,
            "`x * sigmoid(x)` is `silu(x)`.",
            P::binary(
                Multiply,
                P::any(0),
                P::composite(Composite::Sigmoid, [P::any(0)]),
            ),
            |matched, builder| builder.composite(Composite::Silu, &[matched.value(0)]),
            |instance| {
                let x = instance.any()?;
                let share = instance.composite(Composite::Sigmoid, &[x])?;
                instance.binary(Multiply, x, share)
            },
        ),
        Rule::new(
            "silu-quotient",
            Family::Composite,
            "`x / (1 + exp(-x))` is `silu(x)`.",
            P::binary(Divide, P::any(0), logistic_divisor()),
            |matched, builder| builder.composite(Composite::Silu, &[matched.value(0)]),
            |instance| {
                let x = instance.any()?;
                let sum = instance_logistic(instance, x)?;
                instance.binary(Divide, x, sum)
            },
        ),
    ]
}

fn instance_logistic(
    instance: &mut crate::instance::Instance,
    x: eyas_ir::Value,
) -> Option<eyas_ir::Value> {
    let negated = instance.unary(Negate, x)?;
    let power = instance.unary(Exp, negated)?;
    let one = instance.splat(1.0, x)?;
    instance.binary(Add, power, one)
}

/// How the half and the two factors of a gelu are put together, and what the error function is of.
fn gelu() -> Vec<Rule> {
    let mut rules = Vec::new();
    for (argument, function, number) in [
        ("product", Multiply, FRAC_1_SQRT_2),
        ("quotient", Divide, SQRT_2),
    ] {
        for order in ["half-first", "half-last", "half-of-share"] {
            rules.push(gelu_form(argument, function, number, order));
        }
    }
    rules
}

fn gelu_form(argument: &str, function: BinaryFunction, number: f64, order: &'static str) -> Rule {
    let share = P::binary(
        Add,
        P::unary(Erf, P::binary(function, P::any(0), P::Splat(number))),
        P::Splat(1.0),
    );
    let product = |a, b| P::binary(Multiply, a, b);
    let pattern = match order {
        "half-first" => product(product(P::any(0), P::Splat(0.5)), share),
        "half-last" => product(product(P::any(0), share), P::Splat(0.5)),
        _ => product(P::any(0), product(share, P::Splat(0.5))),
    };
    Rule::new(
        format!("gelu-{order}-{argument}"),
        Family::Composite,
        "`x * (1 + erf(x / sqrt(2))) / 2` is `gelu(x)`, its factors in any order.",
        pattern,
        |matched, builder| builder.composite(Composite::Gelu, &[matched.value(0)]),
        move |instance| {
            let x = instance.any()?;
            let number = instance.splat(number, x)?;
            let scaled = instance.binary(function, x, number)?;
            let error = instance.unary(Erf, scaled)?;
            let one = instance.splat(1.0, x)?;
            let share = instance.binary(Add, error, one)?;
            let half = instance.splat(0.5, x)?;
            match order {
                "half-first" => {
                    let first = instance.binary(Multiply, x, half)?;
                    instance.binary(Multiply, first, share)
                }
                "half-last" => {
                    let first = instance.binary(Multiply, x, share)?;
                    instance.binary(Multiply, first, half)
                }
                _ => {
                    let share = instance.binary(Multiply, share, half)?;
                    instance.binary(Multiply, x, share)
                }
            }
        },
    )
    // The root of two is exact enough in this type alone for the check's tolerance.
    .of(&[DType::F64])
}

/// The axes of a sum and the number of elements that it adds.
fn summed(matched: &Matched<'_>, place: usize, builder: &Builder<'_>) -> Option<(Vec<usize>, Dim)> {
    let Op::Reduce { axes, .. } = matched.op(place)? else {
        return None;
    };
    let shape = builder.ty(matched.value(0)).shape;
    let count = Dim::product(axes.iter().map(|&axis| &shape[axis])).ok()?;
    Some((axes.clone(), count))
}

fn means() -> Vec<Rule> {
    vec![
        Rule::new(
            "mean",
            Family::Composite,
            "A sum over its count is the mean.",
            P::binary(Divide, P::sum(P::any(0)), P::any(1)),
            |matched, builder| {
                let (axes, count) = summed(matched, 1, builder)?;
                let divisor = builder.data(matched.value(1));
                let known = match count.as_constant() {
                    Some(count) => divisor.splat.is_some_and(|x| x.to_f64() == count as f64),
                    None => divisor.extent.as_ref() == Some(&count),
                };
                let float = builder.ty(matched.root()).dtype.is_float();
                (known && float)
                    .then(|| builder.composite(Composite::Mean { axes }, &[matched.value(0)]))
                    .flatten()
            },
            |instance| {
                let x = instance.any()?;
                let axis = instance.axis(x)?;
                let sum = instance.reduce(Reduction::Sum, &[axis], x)?;
                let count = instance.count(x, axis, sum)?;
                instance.binary(Divide, sum, count)
            },
        )
        .ranks(1, 3)
        .given("the divisor is the number of elements summed"),
        Rule::new(
            "mean-by-factor",
            Family::Composite,
            "A sum times the reciprocal of its count is the mean.",
            P::binary(Multiply, P::sum(P::any(0)), P::constant(1)),
            |matched, builder| {
                let (axes, count) = summed(matched, 1, builder)?;
                let count = count.as_constant().filter(|&count| count > 1)?;
                let ty = builder.ty(matched.root());
                let factor = builder.data(matched.value(1)).splat?;
                let inverse = ty
                    .dtype
                    .round(eyas_tensor::Number::Float(1.0 / count as f64));
                (ty.dtype.is_float() && factor == inverse)
                    .then(|| builder.composite(Composite::Mean { axes }, &[matched.value(0)]))
                    .flatten()
            },
            |instance| {
                let x = instance.any()?;
                let axis = instance.axis(x)?;
                let sum = instance.reduce(Reduction::Sum, &[axis], x)?;
                let count = *instance.extents(x).get(axis)?;
                let factor = instance.splat(1.0 / count as f64, sum)?;
                instance.binary(Multiply, sum, factor)
            },
        )
        .of(&[DType::F64])
        .ranks(1, 3)
        .given("the factor is the reciprocal of the count, rounded to the type"),
    ]
}

/// The axis of a reduction over one.
fn only_axis(op: Option<&Op>) -> Option<usize> {
    match op? {
        Op::Reduce { axes, .. } => match axes[..] {
            [axis] => Some(axis),
            _ => None,
        },
        Op::Composite {
            composite: Composite::Softmax { axis } | Composite::LogSoftmax { axis },
        } => Some(*axis),
        _ => None,
    }
}

fn is_softmax(op: &Op) -> bool {
    matches!(
        op,
        Op::Composite {
            composite: Composite::Softmax { .. }
        }
    )
}

fn is_log_softmax(op: &Op) -> bool {
    matches!(
        op,
        Op::Composite {
            composite: Composite::LogSoftmax { .. }
        }
    )
}

fn softmax() -> Vec<Rule> {
    let shifted = |name: &str, test: fn(&Op) -> bool, log: bool| {
        Rule::new(
            name,
            Family::Composite,
            "A softmax does not change when the greatest is subtracted first.",
            P::of(
                [Kind::Composite],
                "softmax",
                test,
                [P::binary(
                    Subtract,
                    P::any(0),
                    P::broadcast(P::greatest(P::any(0))),
                )],
            ),
            |matched, builder| {
                let (own, greatest) = (only_axis(matched.op(0))?, only_axis(matched.op(3))?);
                let op = matched.op(0)?.clone();
                (own == greatest)
                    .then(|| builder.op(op, &[matched.value(0)]))
                    .flatten()
            },
            move |instance| {
                let x = instance.any()?;
                let axis = instance.axis(x)?;
                let greatest = instance.reduced(Reduction::Maximum, axis, x)?;
                let difference = instance.binary(Subtract, x, greatest)?;
                let composite = match log {
                    true => Composite::LogSoftmax { axis },
                    false => Composite::Softmax { axis },
                };
                instance.composite(composite, &[difference])
            },
        )
        .of(&FLOATS)
        .ranks(1, 3)
        .given("the greatest is taken along the same axis")
    };
    vec![
        Rule::new(
            "softmax",
            Family::Composite,
            "`exp(x) / sum(exp(x))` along an axis is the softmax, which does not overflow.",
            P::binary(
                Divide,
                P::unary(Exp, P::any(0)),
                P::broadcast(P::sum(P::unary(Exp, P::any(0)))),
            ),
            |matched, builder| {
                let axis = only_axis(matched.op(3))?;
                builder.composite(Composite::Softmax { axis }, &[matched.value(0)])
            },
            |instance| {
                let x = instance.any()?;
                let axis = instance.axis(x)?;
                let power = instance.unary(Exp, x)?;
                let sum = instance.reduced(Reduction::Sum, axis, power)?;
                instance.binary(Divide, power, sum)
            },
        )
        .ranks(1, 3)
        .given("one axis is summed over"),
        shifted("softmax-shifted", is_softmax, false),
        shifted("log-softmax-shifted", is_log_softmax, true),
        Rule::new(
            "log-softmax",
            Family::Composite,
            "`log(softmax(x))` is one function, which does not underflow.",
            P::unary(
                Log,
                P::of([Kind::Composite], "softmax", is_softmax, [P::any(0)]),
            ),
            |matched, builder| {
                let axis = only_axis(matched.op(1))?;
                builder.composite(Composite::LogSoftmax { axis }, &[matched.value(0)])
            },
            |instance| {
                let x = instance.any()?;
                let axis = instance.axis(x)?;
                let softmax = instance.composite(Composite::Softmax { axis }, &[x])?;
                instance.unary(Log, softmax)
            },
        )
        .ranks(1, 3),
        Rule::new(
            "log-softmax-difference",
            Family::Composite,
            "`x - log(sum(exp(x)))` along an axis is the logarithm of the softmax.",
            P::binary(
                Subtract,
                P::any(0),
                P::broadcast(P::unary(Log, P::sum(P::unary(Exp, P::any(0))))),
            ),
            |matched, builder| {
                let axis = only_axis(matched.op(3))?;
                builder.composite(Composite::LogSoftmax { axis }, &[matched.value(0)])
            },
            |instance| {
                let x = instance.any()?;
                let axis = instance.axis(x)?;
                let power = instance.unary(Exp, x)?;
                let sum = instance.reduce(Reduction::Sum, &[axis], power)?;
                let logarithm = instance.unary(Log, sum)?;
                let shape = instance.extents(x);
                let logarithm = instance.broadcast(logarithm, &shape)?;
                instance.binary(Subtract, x, logarithm)
            },
        )
        .ranks(1, 3)
        .given("one axis is summed over"),
    ]
}

fn losses() -> Vec<Rule> {
    vec![
        Rule::new(
            "cross-entropy",
            Family::Composite,
            "The negative log-likelihood of a softmax along the last axis is the cross-entropy.",
            P::composite(
                Composite::NegativeLogLikelihood,
                [
                    P::of([Kind::Composite], "softmax", is_softmax, [P::any(0)]),
                    P::any(1),
                ],
            ),
            |matched, builder| {
                let last = builder.ty(matched.value(0)).rank().checked_sub(1)?;
                let operands = [matched.value(0), matched.value(1)];
                (only_axis(matched.op(1))? == last)
                    .then(|| builder.composite(Composite::CrossEntropy, &operands))
                    .flatten()
            },
            |instance| {
                let x = instance.any()?;
                let (classes, rest) = {
                    let shape = instance.extents(x);
                    (*shape.last()?, shape[..shape.len() - 1].to_vec())
                };
                let axis = rest.len();
                let softmax = instance.composite(Composite::Softmax { axis }, &[x])?;
                let count: usize = rest.iter().product();
                if classes == 0 && count > 0 {
                    return None;
                }
                let labels: Vec<eyas_tensor::Number> = (0..count)
                    .map(|_| eyas_tensor::Number::Int(instance.draw.below(classes) as i128))
                    .collect();
                let labels = eyas_tensor::Tensor::from_numbers(DType::I64, &rest, &labels).ok()?;
                let value = labels.into();
                let labels = instance.op(Op::Constant { value }, &[])?;
                instance.composite(Composite::NegativeLogLikelihood, &[softmax, labels])
            },
        )
        .ranks(1, 3)
        .given("the softmax is along the last axis"),
    ]
}
