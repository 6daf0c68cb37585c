use eyas_ir::{BinaryFunction, Op, UnaryFunction};
use eyas_tensor::Dim;

use crate::builder::Builder;
use crate::pattern::Pattern;
use crate::rule::{EVERYTHING, Family, NUMBERS, Rule};
use crate::term::Kind;

use Pattern as P;

/// Repetition: dropped, joined, and done after the arithmetic.
pub(super) fn rules() -> Vec<Rule> {
    vec![
        Rule::new(
            "broadcast-same",
            Family::Layout,
            "Repetition to the shape a value has is the value.",
            P::broadcast(P::any(0)),
            |matched, builder| {
                let same = builder.ty(matched.root()) == builder.ty(matched.value(0));
                same.then(|| matched.value(0))
            },
            |instance| {
                let x = instance.any()?;
                let shape = instance.ty(x).shape;
                instance.op(Op::Broadcast { shape }, &[x])
            },
        )
        .of(&EVERYTHING),
        Rule::new(
            "broadcast-broadcast",
            Family::Layout,
            "Repetition of what is repeated is one repetition.",
            P::broadcast(P::broadcast(P::any(0))),
            |matched, builder| {
                let shape = builder.ty(matched.root()).shape;
                builder.broadcast(matched.value(0), &shape)
            },
            |instance| {
                let x = instance.any()?;
                let shape = instance.wider(x);
                let once = instance.broadcast(x, &shape)?;
                let shape = instance.wider(once);
                instance.broadcast(once, &shape)
            },
        )
        .of(&EVERYTHING),
        Rule::new(
            "broadcast-of-leading-ones",
            Family::Layout,
            "Axes of extent 1 in front need not be made before a repetition makes them.",
            P::broadcast(P::kind(Kind::Reshape, "reshape", [P::any(0)])),
            |matched, builder| {
                let inner = builder.ty(matched.value(0)).shape;
                let reshaped = builder.ty(*matched.operands(0).first()?).shape;
                let added = reshaped.len().checked_sub(inner.len())?;
                let ones = reshaped[..added].iter().all(|extent| extent.is(1));
                if !ones || reshaped[added..] != inner[..] {
                    return None;
                }
                let shape = builder.ty(matched.root()).shape;
                builder.broadcast(matched.value(0), &shape)
            },
            |instance| {
                let x = instance.any()?;
                let mut shape = instance.extents(x);
                shape.insert(0, 1);
                let reshaped = instance.reshape(x, &shape)?;
                shape[0] = instance.extent();
                instance.broadcast(reshaped, &shape)
            },
        )
        .of(&EVERYTHING)
        .given("the reshape adds axes in front alone"),
        hoist_unary(),
        hoist_binary(),
        hoist_binary_number(),
    ]
}

fn hoist_unary() -> Rule {
    Rule::new(
        "unary-of-broadcast",
        Family::Layout,
        "A function of what is repeated is the function, repeated.",
        P::of(
            [Kind::Unary, Kind::Cast, Kind::Composite],
            "a function of one value",
            Op::is_elementwise,
            [P::broadcast(P::any(0))],
        ),
        |matched, builder| {
            let shape = builder.ty(matched.root()).shape;
            let inner = builder.op(matched.op(0)?.clone(), &[matched.value(0)])?;
            builder.broadcast(inner, &shape)
        },
        |instance| {
            let x = instance.any()?;
            let shape = instance.wider(x);
            let repeated = instance.broadcast(x, &shape)?;
            instance.unary(UnaryFunction::Negate, repeated)
        },
    )
    .of(&NUMBERS)
}

fn binary_function(op: &Op) -> bool {
    matches!(op, Op::Binary { .. } | Op::Compare { .. })
}

fn hoist_binary() -> Rule {
    Rule::new(
        "binary-of-broadcasts",
        Family::Layout,
        "A function of two values that are repeated alike is the function, repeated.",
        P::of(
            [Kind::Binary, Kind::Compare],
            "a function of two values",
            binary_function,
            [P::broadcast(P::any(0)), P::broadcast(P::any(1))],
        ),
        |matched, builder| {
            let operands = common(builder, [matched.value(0), matched.value(1)])?;
            let shape = builder.ty(matched.root()).shape;
            let inner = builder.op(matched.op(0)?.clone(), &operands)?;
            if builder.ty(inner).shape == shape {
                return None;
            }
            builder.broadcast(inner, &shape)
        },
        |instance| {
            let x = instance.any()?;
            let y = instance.like(x)?;
            let shape = instance.wider(x);
            let (x, y) = (
                instance.broadcast(x, &shape)?,
                instance.broadcast(y, &shape)?,
            );
            let functions = [BinaryFunction::Add, BinaryFunction::Subtract];
            let function = *instance.draw.pick(&functions);
            instance.op(Op::binary(function), &[x, y])
        },
    )
    .of(&NUMBERS)
    .given("the repetition of both together is smaller than the result")
}

/// Two values repeated to the least shape that both broadcast to.
fn common(builder: &mut Builder<'_>, values: [egg::Id; 2]) -> Option<[egg::Id; 2]> {
    let [left, right] = values.map(|id| builder.ty(id).shape);
    let rank = left.len().max(right.len());
    let at = |shape: &[Dim], axis: usize| -> Dim {
        let missing = rank - shape.len();
        match axis.checked_sub(missing) {
            Some(axis) => shape[axis].clone(),
            None => Dim::from(1),
        }
    };
    let mut shape = Vec::with_capacity(rank);
    for axis in 0..rank {
        let (a, b) = (at(&left, axis), at(&right, axis));
        shape.push(match (a.is(1), b.is(1)) {
            (true, _) => b,
            (_, true) => a,
            _ if a == b => a,
            _ => return None,
        });
    }
    Some([
        builder.broadcast(values[0], &shape)?,
        builder.broadcast(values[1], &shape)?,
    ])
}

fn hoist_binary_number() -> Rule {
    Rule::new(
        "binary-of-broadcast-and-number",
        Family::Layout,
        "A function of a repeated value and one number is the function, repeated.",
        P::of(
            [Kind::Binary, Kind::Compare],
            "a function of two values",
            binary_function,
            [P::any(0), P::any(1)],
        ),
        |matched, builder| {
            let operands = matched.operands(0).to_vec();
            let [left, right] = operands[..] else {
                return None;
            };
            let (number, value) = match builder.data(right).splat {
                Some(_) => (right, left),
                None => (left, right),
            };
            let splat = builder.data(number).splat?;
            if builder.data(value).splat.is_some() {
                return None;
            }
            let shape = builder.ty(matched.root()).shape;
            let repeated = builder
                .nodes(value)
                .into_iter()
                .find_map(|(op, operands)| {
                    let broadcast =
                        matches!(&*op, crate::term::TermOp::Op(Op::Broadcast { .. }, _));
                    broadcast.then(|| operands[0])
                })?;
            let ty = builder.ty(repeated);
            let constant = builder.splat(splat, &ty)?;
            let inner = match number == right {
                true => [repeated, constant],
                false => [constant, repeated],
            };
            let inner = builder.op(matched.op(0)?.clone(), &inner)?;
            builder.broadcast(inner, &shape)
        },
        |instance| {
            let x = instance.any()?;
            let shape = instance.wider(x);
            let repeated = instance.broadcast(x, &shape)?;
            let number = instance.splat(2.0, repeated)?;
            let operands = match instance.draw.one_in(2) {
                true => [repeated, number],
                false => [number, repeated],
            };
            let functions = [
                BinaryFunction::Add,
                BinaryFunction::Subtract,
                BinaryFunction::Multiply,
            ];
            let function = *instance.draw.pick(&functions);
            instance.op(Op::binary(function), &operands)
        },
    )
    .of(&NUMBERS)
    .given("one operand is one number everywhere, the other a repetition")
}
