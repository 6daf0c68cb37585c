use eyas_ir::{BinaryFunction, UnaryFunction};
use eyas_tensor::DType;

use crate::analysis::FOLDED_ELEMENTS;
use crate::pattern::Pattern;
use crate::rule::{Family, NUMBERS, Rule};

use Pattern as P;

/// Values known at compile time.
pub(super) fn rules() -> Vec<Rule> {
    vec![
        Rule::new(
            "fold-number",
            Family::Folding,
            "A value that is one number everywhere is that number, repeated. The number is what \
             the reference evaluator computes, rounded to the type.",
            P::such(0, "one number everywhere", |data| data.splat.is_some()),
            |matched, builder| {
                let data = builder.data(matched.root());
                let (ty, splat) = (data.ty().clone(), data.splat?);
                builder.splat(splat, &ty)
            },
            |instance| {
                let x = instance.any()?;
                let numbers = [0.5, 1.0, 2.0, 3.0];
                let (a, b) = (*instance.draw.pick(&numbers), *instance.draw.pick(&numbers));
                let (a, b) = (instance.splat(a, x)?, instance.splat(b, x)?);
                let sum = instance.binary(BinaryFunction::Add, a, b)?;
                match instance.dtype().is_float() && instance.draw.one_in(2) {
                    true => instance.unary(UnaryFunction::Exp, sum),
                    false => Some(sum),
                }
            },
        )
        .of(&NUMBERS)
        .rounded(),
        Rule::new(
            "fold-constant",
            Family::Folding,
            "A small value computed from constants alone is a constant.",
            P::such(0, "a small constant", |data| {
                data.constant.is_some() && data.splat.is_none()
            }),
            |matched, builder| {
                let constant = builder.data(matched.root()).constant.clone()?;
                builder.constant(constant)
            },
            |instance| {
                let shape = instance.shape();
                if shape.iter().product::<usize>() > FOLDED_ELEMENTS {
                    return None;
                }
                let (a, b) = (instance.constant(&shape)?, instance.constant(&shape)?);
                match instance.draw.below(3) {
                    0 => instance.binary(BinaryFunction::Multiply, a, b),
                    1 => instance.transpose(a),
                    _ => instance.unary(UnaryFunction::Negate, a),
                }
            },
        )
        .of(&[&NUMBERS[..], &[DType::F8E4M3]].concat())
        .ranks(1, 3)
        .rounded(),
    ]
}
