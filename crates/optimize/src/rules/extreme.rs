use eyas_ir::{BinaryFunction, Composite, UnaryFunction};
use eyas_tensor::DType;

use crate::pattern::Pattern;
use crate::rule::{EVERYTHING, FLOATS, Family, NUMBERS, Rule};

use BinaryFunction::{Add, Maximum, Minimum, Multiply};
use Pattern as P;
use UnaryFunction::{Absolute, Exp, Sqrt};

/// Maxima, minima and magnitudes of values whose range is known.
pub(super) fn rules() -> Vec<Rule> {
    let same = |name: &str, function: BinaryFunction| {
        Rule::new(
            name,
            Family::Algebra,
            "Of a value and itself either is the extreme.",
            P::binary(function, P::any(0), P::any(0)),
            |matched, _| Some(matched.value(0)),
            move |instance| {
                let x = instance.any()?;
                instance.binary(function, x, x)
            },
        )
        .of(&NUMBERS)
    };
    let numbers: Vec<DType> = EVERYTHING[..4].to_vec();
    vec![
        same("maximum-self", Maximum),
        same("minimum-self", Minimum),
        Rule::new(
            "maximum-by-range",
            Family::Algebra,
            "The maximum with one number, where the value is never below it, is the value.",
            P::binary(Maximum, P::any(0), P::constant(1)),
            |matched, builder| {
                let bound = builder.data(matched.value(1)).splat?.to_f64();
                let known = builder.data(matched.value(0)).range.low >= bound;
                known.then(|| matched.value(0))
            },
            |instance| {
                let x = instance.any()?;
                let power = instance.unary(Exp, x)?;
                let number = *instance.draw.pick(&[0.0, -1.0]);
                let number = instance.splat(number, x)?;
                instance.binary(Maximum, power, number)
            },
        )
        .given("the range of the value is known")
        .of(&numbers),
        Rule::new(
            "minimum-by-range",
            Family::Algebra,
            "The minimum with one number, where the value is never above it, is the value.",
            P::binary(Minimum, P::any(0), P::constant(1)),
            |matched, builder| {
                let bound = builder.data(matched.value(1)).splat?.to_f64();
                let known = builder.data(matched.value(0)).range.high <= bound;
                known.then(|| matched.value(0))
            },
            |instance| {
                let x = instance.any()?;
                let share = instance.composite(Composite::Sigmoid, &[x])?;
                let number = *instance.draw.pick(&[2.0, 1.5]);
                let number = instance.splat(number, x)?;
                instance.binary(Minimum, share, number)
            },
        )
        .given("the range of the value is known")
        .of(&FLOATS),
        Rule::new(
            "absolute-of-positive",
            Family::Algebra,
            "The magnitude of what is never below zero is itself.",
            P::unary(Absolute, P::any(0)),
            |matched, builder| {
                let known = builder.data(matched.value(0)).range.is_non_negative();
                known.then(|| matched.value(0))
            },
            |instance| {
                let x = instance.any()?;
                let function = *instance.draw.pick(&[Absolute, Exp, Sqrt]);
                let positive = instance.unary(function, x)?;
                instance.unary(Absolute, positive)
            },
        )
        .given("the range of the value is known"),
        Rule::new(
            "relu-of-positive",
            Family::Algebra,
            "`relu` of what is never below zero is itself.",
            P::composite(Composite::Relu, [P::any(0)]),
            |matched, builder| {
                let known = builder.data(matched.value(0)).range.is_non_negative();
                known.then(|| matched.value(0))
            },
            |instance| {
                let x = instance.any()?;
                let positive = match instance.draw.below(3) {
                    0 => instance.composite(Composite::Relu, &[x])?,
                    1 => {
                        let positive = instance.unary(Absolute, x)?;
                        instance.binary(Add, positive, positive)?
                    }
                    _ => {
                        let power = instance.unary(Exp, x)?;
                        instance.binary(Multiply, power, power)?
                    }
                };
                instance.composite(Composite::Relu, &[positive])
            },
        )
        .given("the range of the value is known"),
    ]
}
