use eyas_ir::{BinaryFunction, Op, Reduction};

use crate::pattern::Pattern;
use crate::rule::{FLOATS, Family, INTEGERS, NUMBERS, Rule};
use crate::term::Kind;

use Pattern as P;

/// Reductions: of reductions, over nothing much, of scaled values.
pub(super) fn rules() -> Vec<Rule> {
    vec![
        nested("reduce-reduce", &[&NUMBERS[..]].concat(), false),
        nested("reduce-reduce-float", &FLOATS, true).fast(),
        Rule::new(
            "reduce-ones",
            Family::Reduction,
            "A reduction over an axis of extent 1 does nothing along it.",
            P::kind(Kind::Reduce, "reduction", [P::any(0)]),
            |matched, builder| {
                let Op::Reduce { reduction, axes } = matched.op(0)? else {
                    return None;
                };
                let (reduction, axes) = (*reduction, axes.clone());
                let shape = builder.ty(matched.value(0)).shape;
                let kept: Vec<usize> = axes
                    .iter()
                    .copied()
                    .filter(|&axis| !shape[axis].is(1))
                    .collect();
                if kept.len() == axes.len() && !axes.is_empty() {
                    return None;
                }
                if kept.is_empty() {
                    return Some(matched.value(0));
                }
                builder.op(
                    Op::Reduce {
                        reduction,
                        axes: kept,
                    },
                    &[matched.value(0)],
                )
            },
            |instance| {
                let mut shape = instance.shape();
                let axis = instance.draw.below(shape.len());
                shape[axis] = 1;
                let x = instance.input(&shape)?;
                let reduction = *instance.draw.pick(&[Reduction::Sum, Reduction::Minimum]);
                let axes: Vec<usize> = match instance.draw.one_in(2) {
                    true => vec![axis],
                    false => (0..shape.len()).collect(),
                };
                instance.reduce(reduction, &axes, x)
            },
        )
        .of(&NUMBERS)
        .ranks(1, 3),
        Rule::new(
            "sum-of-scaled",
            Family::Reduction,
            "A sum of products with one number is the sum's product with it.",
            P::sum(P::binary(
                BinaryFunction::Multiply,
                P::any(0),
                P::constant(1),
            )),
            |matched, builder| {
                let sum = builder.op(matched.op(0)?.clone(), &[matched.value(0)])?;
                let ty = builder.ty(matched.root());
                let factor = builder.data(matched.value(1)).splat?;
                let factor = builder.splat(factor, &ty)?;
                builder.binary(BinaryFunction::Multiply, sum, factor)
            },
            |instance| {
                let x = instance.any()?;
                let axis = instance.axis(x)?;
                let factor = instance.splat(3.0, x)?;
                let product = instance.binary(BinaryFunction::Multiply, x, factor)?;
                instance.reduce(Reduction::Sum, &[axis], product)
            },
        )
        .of(&NUMBERS)
        .ranks(1, 3)
        .fast(),
    ]
}

/// Two reductions of one kind are one over the axes of both.
fn nested(name: &str, dtypes: &[eyas_tensor::DType], floats: bool) -> Rule {
    Rule::new(
        name,
        Family::Reduction,
        "Two reductions of one kind are one over the axes of both. For sums and products of \
         floats that changes what is added first.",
        P::kind(
            Kind::Reduce,
            "reduction",
            [P::kind(Kind::Reduce, "reduction", [P::any(0)])],
        ),
        move |matched, builder| {
            let (
                Op::Reduce { reduction, axes },
                Op::Reduce {
                    reduction: inner,
                    axes: more,
                },
            ) = (matched.op(0)?, matched.op(1)?)
            else {
                return None;
            };
            let extreme = matches!(reduction, Reduction::Maximum | Reduction::Minimum);
            let exact = extreme || !builder.ty(matched.root()).dtype.is_float();
            if reduction != inner || exact == floats {
                return None;
            }
            let mut axes: Vec<usize> = axes.iter().chain(more).copied().collect();
            axes.sort_unstable();
            axes.dedup();
            let reduction = *reduction;
            builder.op(Op::Reduce { reduction, axes }, &[matched.value(0)])
        },
        move |instance| {
            let x = instance.any()?;
            let integer = INTEGERS.contains(&instance.dtype());
            let kinds: &[Reduction] = match (floats, integer) {
                (true, _) => &[Reduction::Sum],
                (false, true) => &[Reduction::Sum, Reduction::Maximum],
                (false, false) => &[Reduction::Minimum, Reduction::Maximum],
            };
            let reduction = *instance.draw.pick(kinds);
            let (first, second) = (instance.axis(x)?, instance.axis(x)?);
            let once = instance.reduce(reduction, &[first], x)?;
            instance.reduce(reduction, &[second], once)
        },
    )
    .of(dtypes)
    .ranks(1, 3)
}
