use eyas_ir::{BinaryFunction, Composite, Einsum, Op, Reduction, UnaryFunction};

use crate::pattern::Pattern;
use crate::rule::{EVERYTHING, Family, NUMBERS, Rule};
use crate::term::Kind;

use Pattern as P;

/// The order of axes and their grouping: cancelled, joined, moved outward.
pub(super) fn rules() -> Vec<Rule> {
    [transposes(), reshapes(), into_contractions()].concat()
}

fn transpose(x: Pattern) -> Pattern {
    P::kind(Kind::Transpose, "transpose", [x])
}

fn reshape(x: Pattern) -> Pattern {
    P::kind(Kind::Reshape, "reshape", [x])
}

/// The order of axes of a transpose.
pub(super) fn permutation(op: Option<&Op>) -> Option<Vec<usize>> {
    match op? {
        Op::Transpose { permutation } => Some(permutation.clone()),
        _ => None,
    }
}

fn transposes() -> Vec<Rule> {
    vec![
        Rule::new(
            "transpose-same",
            Family::Layout,
            "Axes in the order they have are as they were.",
            transpose(P::any(0)),
            |matched, _| {
                let permutation = permutation(matched.op(0))?;
                let same = permutation.iter().copied().eq(0..permutation.len());
                same.then(|| matched.value(0))
            },
            |instance| {
                let x = instance.any()?;
                let permutation = (0..instance.ty(x).rank()).collect();
                instance.op(Op::Transpose { permutation }, &[x])
            },
        )
        .of(&EVERYTHING),
        Rule::new(
            "transpose-transpose",
            Family::Layout,
            "Two orders of axes make one.",
            transpose(transpose(P::any(0))),
            |matched, builder| {
                let (outer, inner) = (permutation(matched.op(0))?, permutation(matched.op(1))?);
                let both: Vec<usize> = outer.iter().map(|&axis| inner[axis]).collect();
                builder.transpose(matched.value(0), &both)
            },
            |instance| {
                let x = instance.any()?;
                let once = instance.transpose(x)?;
                instance.transpose(once)
            },
        )
        .of(&EVERYTHING),
        Rule::new(
            "transpose-of-ones",
            Family::Layout,
            "Where only axes of extent 1 change place, the elements stay in order.",
            transpose(P::any(0)),
            |matched, builder| {
                let permutation = permutation(matched.op(0))?;
                let shape = builder.ty(matched.value(0)).shape;
                let moved: Vec<usize> = permutation
                    .iter()
                    .copied()
                    .filter(|&axis| !shape[axis].is(1))
                    .collect();
                if !moved.is_sorted() {
                    return None;
                }
                let shape = builder.ty(matched.root()).shape;
                builder.reshape(matched.value(0), &shape)
            },
            |instance| {
                let extent = instance.extent();
                let x = instance.input(&[1, extent, 1])?;
                instance.transpose(x)
            },
        )
        .of(&EVERYTHING)
        .given("the axes of other extents keep their order"),
        Rule::new(
            "unary-of-transpose",
            Family::Layout,
            "A function of reordered axes is the function, reordered.",
            P::of(
                [Kind::Unary, Kind::Cast, Kind::Composite],
                "a function of one value",
                Op::is_elementwise,
                [transpose(P::any(0))],
            ),
            |matched, builder| {
                let permutation = permutation(matched.op(1))?;
                let inner = builder.op(matched.op(0)?.clone(), &[matched.value(0)])?;
                builder.transpose(inner, &permutation)
            },
            |instance| {
                let x = instance.any()?;
                let turned = instance.transpose(x)?;
                instance.unary(UnaryFunction::Negate, turned)
            },
        )
        .of(&NUMBERS),
        Rule::new(
            "binary-of-transposes",
            Family::Layout,
            "A function of two values reordered alike is the function, reordered.",
            P::of(
                [Kind::Binary, Kind::Compare],
                "a function of two values",
                |op| matches!(op, Op::Binary { .. } | Op::Compare { .. }),
                [transpose(P::any(0)), transpose(P::any(1))],
            ),
            |matched, builder| {
                let permutation = permutation(matched.op(1))?;
                if matched.op(1) != matched.op(2) {
                    return None;
                }
                let op = matched.op(0)?.clone();
                let inner = builder.op(op, &[matched.value(0), matched.value(1)])?;
                builder.transpose(inner, &permutation)
            },
            |instance| {
                let x = instance.any()?;
                let y = instance.like(x)?;
                let permutation = instance.draw.permutation(instance.ty(x).rank());
                let op = Op::Transpose { permutation };
                let (x, y) = (instance.op(op.clone(), &[x])?, instance.op(op, &[y])?);
                instance.op(Op::binary(BinaryFunction::Subtract), &[x, y])
            },
        )
        .of(&NUMBERS)
        .given("both have the same order"),
        Rule::new(
            "reduce-of-transpose",
            Family::Layout,
            "A reduction of reordered axes is the reduction over the axes they were.",
            P::kind(Kind::Reduce, "reduction", [transpose(P::any(0))]),
            |matched, builder| {
                let permutation = permutation(matched.op(1))?;
                let Op::Reduce { reduction, axes } = matched.op(0)? else {
                    return None;
                };
                let mut axes: Vec<usize> = axes.iter().map(|&axis| permutation[axis]).collect();
                axes.sort_unstable();
                let reduction = *reduction;
                let inner = builder.op(Op::Reduce { reduction, axes }, &[matched.value(0)])?;
                builder.transpose(inner, &permutation)
            },
            |instance| {
                let x = instance.any()?;
                let turned = instance.transpose(x)?;
                let axis = instance.axis(turned)?;
                let reduction = *instance.draw.pick(&[Reduction::Sum, Reduction::Maximum]);
                instance.reduce(reduction, &[axis], turned)
            },
        )
        .of(&NUMBERS)
        .ranks(1, 3),
    ]
}

fn reshapes() -> Vec<Rule> {
    vec![
        Rule::new(
            "reshape-same",
            Family::Layout,
            "The extents a value has are the value's.",
            reshape(P::any(0)),
            |matched, builder| {
                let same = builder.ty(matched.root()) == builder.ty(matched.value(0));
                same.then(|| matched.value(0))
            },
            |instance| {
                let x = instance.any()?;
                let shape = instance.ty(x).shape;
                instance.op(Op::Reshape { shape }, &[x])
            },
        )
        .of(&EVERYTHING),
        Rule::new(
            "reshape-reshape",
            Family::Layout,
            "Of two regroupings the last is enough.",
            reshape(reshape(P::any(0))),
            |matched, builder| {
                let shape = builder.ty(matched.root()).shape;
                builder.reshape(matched.value(0), &shape)
            },
            |instance| {
                let x = instance.any()?;
                let shape = instance.regrouped(x);
                let once = instance.reshape(x, &shape)?;
                let shape = instance.regrouped(once);
                instance.reshape(once, &shape)
            },
        )
        .of(&EVERYTHING),
        Rule::new(
            "unary-of-reshape",
            Family::Layout,
            "A function of regrouped elements is the function, regrouped.",
            P::of(
                [Kind::Unary, Kind::Cast, Kind::Composite],
                "a function of one value",
                Op::is_elementwise,
                [reshape(P::any(0))],
            ),
            |matched, builder| {
                let shape = builder.ty(matched.root()).shape;
                let inner = builder.op(matched.op(0)?.clone(), &[matched.value(0)])?;
                builder.reshape(inner, &shape)
            },
            |instance| {
                let x = instance.any()?;
                let shape = instance.regrouped(x);
                let regrouped = instance.reshape(x, &shape)?;
                instance.unary(UnaryFunction::Absolute, regrouped)
            },
        )
        .of(&NUMBERS),
        Rule::new(
            "binary-of-reshapes",
            Family::Layout,
            "A function of two values of one shape, regrouped alike, is the function, regrouped.",
            P::kind(
                Kind::Binary,
                "a function of two values",
                [reshape(P::any(0)), reshape(P::any(1))],
            ),
            |matched, builder| {
                let (x, y) = (matched.value(0), matched.value(1));
                if builder.ty(x) != builder.ty(y) {
                    return None;
                }
                let shape = builder.ty(matched.root()).shape;
                let inner = builder.op(matched.op(0)?.clone(), &[x, y])?;
                builder.reshape(inner, &shape)
            },
            |instance| {
                let x = instance.any()?;
                let y = instance.like(x)?;
                let shape = instance.regrouped(x);
                let (x, y) = (instance.reshape(x, &shape)?, instance.reshape(y, &shape)?);
                instance.op(Op::binary(BinaryFunction::Subtract), &[x, y])
            },
        )
        .of(&NUMBERS)
        .given("both had the same shape"),
        Rule::new(
            "reshape-of-broadcast",
            Family::Layout,
            "Axes of extent 1 that are dropped need not be repeated first.",
            reshape(P::broadcast(P::any(0))),
            |matched, builder| {
                let shape = builder.ty(matched.root()).shape;
                let inner = builder.ty(matched.value(0)).shape;
                // One element alone, however its axes are grouped.
                if !inner.iter().all(|extent| extent.is(1)) {
                    return None;
                }
                let scalar = builder.reshape(matched.value(0), &[])?;
                builder.broadcast(scalar, &shape)
            },
            |instance| {
                let x = instance.input(&[1, 1])?;
                let shape = instance.wider(x);
                let repeated = instance.broadcast(x, &shape)?;
                let shape = instance.regrouped(repeated);
                instance.reshape(repeated, &shape)
            },
        )
        .of(&EVERYTHING)
        .given("the value has one element"),
    ]
}

fn into_contractions() -> Vec<Rule> {
    let operand = |name: &str, place: usize| {
        let operands = match place {
            0 => [transpose(P::any(0)), P::any(1)],
            _ => [P::any(0), transpose(P::any(1))],
        };
        Rule::new(
            name,
            Family::Layout,
            "A contraction reads an operand's axes in any order.",
            P::of(
                [Kind::Contraction],
                "contraction",
                |op| matches!(op, Op::Contraction { epilogue: None, .. }),
                operands,
            ),
            move |matched, builder| {
                let Op::Contraction {
                    spec, accumulator, ..
                } = matched.op(0)?
                else {
                    return None;
                };
                let permutation = permutation(matched.op(1))?;
                let mut spec = spec.clone();
                let letters = if place == 0 {
                    &mut spec.left
                } else {
                    &mut spec.right
                };
                let turned = letters.clone();
                for (letter, axis) in turned.iter().zip(permutation) {
                    letters[axis] = *letter;
                }
                contraction(
                    spec,
                    *accumulator,
                    builder,
                    matched.value(0),
                    matched.value(1),
                )
            },
            move |instance| {
                let (i, j, k) = (instance.extent(), instance.extent(), instance.extent());
                let (x, y) = match place {
                    0 => {
                        let x = instance.input(&[k, i])?;
                        let permutation = vec![1, 0];
                        let x = instance.op(Op::Transpose { permutation }, &[x])?;
                        (x, instance.input(&[k, j])?)
                    }
                    _ => {
                        let x = instance.input(&[i, k])?;
                        let y = instance.input(&[j, k])?;
                        let permutation = vec![1, 0];
                        (x, instance.op(Op::Transpose { permutation }, &[y])?)
                    }
                };
                instance.contract("ab,bc->ac", x, y)
            },
        )
        .of(&NUMBERS)
        .given("there is no epilogue")
    };
    vec![
        operand("contraction-of-transpose-left", 0),
        operand("contraction-of-transpose-right", 1),
        Rule::new(
            "transpose-of-contraction",
            Family::Layout,
            "A contraction writes its result's axes in any order.",
            transpose(P::of(
                [Kind::Contraction],
                "contraction",
                |op| matches!(op, Op::Contraction { epilogue: None, .. }),
                [P::any(0), P::any(1)],
            )),
            |matched, builder| {
                let permutation = permutation(matched.op(0))?;
                let Op::Contraction {
                    spec, accumulator, ..
                } = matched.op(1)?
                else {
                    return None;
                };
                let mut spec = spec.clone();
                spec.output = permutation.iter().map(|&axis| spec.output[axis]).collect();
                contraction(
                    spec,
                    *accumulator,
                    builder,
                    matched.value(0),
                    matched.value(1),
                )
            },
            |instance| {
                let (i, j, k) = (instance.extent(), instance.extent(), instance.extent());
                let (x, y) = (instance.input(&[2, i, k])?, instance.input(&[k, j])?);
                let product = instance.contract("abc,cd->abd", x, y)?;
                instance.transpose(product)
            },
        )
        .of(&NUMBERS)
        .given("there is no epilogue"),
        Rule::new(
            "softmax-of-transpose",
            Family::Layout,
            "A softmax of reordered axes is the softmax along the axis it was.",
            P::of(
                [Kind::Composite],
                "softmax",
                |op| {
                    matches!(
                        op,
                        Op::Composite {
                            composite: Composite::Softmax { .. }
                        }
                    )
                },
                [transpose(P::any(0))],
            ),
            |matched, builder| {
                let permutation = permutation(matched.op(1))?;
                let Op::Composite {
                    composite: Composite::Softmax { axis },
                } = matched.op(0)?
                else {
                    return None;
                };
                let axis = permutation[*axis];
                let inner = builder.composite(Composite::Softmax { axis }, &[matched.value(0)])?;
                builder.transpose(inner, &permutation)
            },
            |instance| {
                let x = instance.any()?;
                let turned = instance.transpose(x)?;
                let axis = instance.axis(turned)?;
                instance.composite(Composite::Softmax { axis }, &[turned])
            },
        )
        .ranks(1, 3),
    ]
}

/// A contraction without an epilogue, its letters in canonical form.
pub(super) fn contraction(
    spec: Einsum,
    accumulator: eyas_tensor::DType,
    builder: &mut crate::builder::Builder<'_>,
    x: egg::Id,
    y: egg::Id,
) -> Option<egg::Id> {
    let op = Op::Contraction {
        spec: spec.canonical(),
        accumulator,
        epilogue: None,
    };
    builder.op(op, &[x, y])
}
