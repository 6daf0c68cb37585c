use eyas_ir::{BinaryFunction, Op, UnaryFunction};
use eyas_tensor::{DType, Number};

use crate::pattern::Pattern;
use crate::rule::{EVERYTHING, FLOATS, Family, INTEGERS, NUMBERS, Rule};
use crate::term::Kind;

use BinaryFunction::{Add, And, Divide, Multiply, Or, Power, Subtract, Xor};
use Pattern as P;
use UnaryFunction::{Absolute, Negate, Not, Reciprocal, Rsqrt, Sqrt};

/// Identities: sums, products, signs, choices, conversions.
pub(super) fn rules() -> Vec<Rule> {
    [identities(), signs(), roots(), choices()].concat()
}

/// `function(x, number)` is `x`.
fn neutral(name: &str, function: BinaryFunction, number: f64, documentation: &str) -> Rule {
    Rule::new(
        name,
        Family::Algebra,
        documentation,
        P::binary(function, P::any(0), P::Splat(number)),
        |matched, _| Some(matched.value(0)),
        move |instance| {
            let x = instance.any()?;
            let number = instance.splat(number, x)?;
            instance.binary(function, x, number)
        },
    )
    .of(&NUMBERS)
}

/// `function(x, x)` is `x`.
fn idempotent(name: &str, function: BinaryFunction, dtypes: &[DType]) -> Rule {
    Rule::new(
        name,
        Family::Algebra,
        "A value combined with itself is the value.",
        P::binary(function, P::any(0), P::any(0)),
        |matched, _| Some(matched.value(0)),
        move |instance| {
            let x = instance.any()?;
            instance.binary(function, x, x)
        },
    )
    .of(dtypes)
}

fn identities() -> Vec<Rule> {
    let with_bool = [&INTEGERS[..], &[DType::Bool]].concat();
    vec![
        neutral("add-zero", Add, 0.0, "`x + 0` is `x`."),
        neutral("subtract-zero", Subtract, 0.0, "`x - 0` is `x`."),
        neutral("multiply-one", Multiply, 1.0, "`x * 1` is `x`."),
        neutral("divide-one", Divide, 1.0, "`x / 1` is `x`."),
        neutral("power-one", Power, 1.0, "`x ^ 1` is `x`."),
        Rule::new(
            "multiply-zero",
            Family::Algebra,
            "`x * 0` is 0 for integers; a float may be infinite or NaN.",
            P::binary(Multiply, P::any(0), P::Splat(0.0)),
            |matched, builder| {
                let ty = builder.ty(matched.root());
                let integer = ty.dtype.is_integer();
                integer
                    .then(|| builder.splat(Number::Int(0), &ty))
                    .flatten()
            },
            |instance| {
                let x = instance.any()?;
                let zero = instance.splat(0.0, x)?;
                instance.binary(Multiply, x, zero)
            },
        )
        .of(&INTEGERS)
        .given("integers"),
        Rule::new(
            "subtract-self",
            Family::Algebra,
            "`x - x` is 0 for integers.",
            P::binary(Subtract, P::any(0), P::any(0)),
            |matched, builder| {
                let ty = builder.ty(matched.root());
                let integer = ty.dtype.is_integer();
                integer
                    .then(|| builder.splat(Number::Int(0), &ty))
                    .flatten()
            },
            |instance| {
                let x = instance.any()?;
                instance.binary(Subtract, x, x)
            },
        )
        .of(&INTEGERS)
        .given("integers"),
        Rule::new(
            "exclusive-or-self",
            Family::Algebra,
            "`x xor x` is 0.",
            P::binary(Xor, P::any(0), P::any(0)),
            |matched, builder| {
                let ty = builder.ty(matched.root());
                builder.splat(Number::Int(0), &ty)
            },
            |instance| {
                let x = instance.any()?;
                instance.binary(Xor, x, x)
            },
        )
        .of(&with_bool),
        idempotent("and-self", And, &with_bool),
        idempotent("or-self", Or, &with_bool),
        Rule::new(
            "power-two",
            Family::Algebra,
            "`x ^ 2` is `x * x`.",
            P::binary(Power, P::any(0), P::Splat(2.0)),
            |matched, builder| builder.binary(Multiply, matched.value(0), matched.value(0)),
            |instance| {
                let x = instance.any()?;
                let two = instance.splat(2.0, x)?;
                instance.binary(Power, x, two)
            },
        )
        .of(&NUMBERS),
    ]
}

fn signs() -> Vec<Rule> {
    let twice = |name: &str, function: UnaryFunction, dtypes: &[DType], says: &str| {
        Rule::new(
            name,
            Family::Algebra,
            says,
            P::unary(function, P::unary(function, P::any(0))),
            |matched, _| Some(matched.value(0)),
            move |instance| {
                let x = instance.any()?;
                let once = instance.unary(function, x)?;
                instance.unary(function, once)
            },
        )
        .of(dtypes)
    };
    let with_bool = [&INTEGERS[..], &[DType::Bool]].concat();
    vec![
        twice("negate-negate", Negate, &NUMBERS, "`-(-x)` is `x`."),
        twice("not-not", Not, &with_bool, "`not not x` is `x`."),
        Rule::new(
            "absolute-negate",
            Family::Algebra,
            "`|-x|` is `|x|`.",
            P::unary(Absolute, P::unary(Negate, P::any(0))),
            |matched, builder| builder.unary(Absolute, matched.value(0)),
            |instance| {
                let x = instance.any()?;
                let negated = instance.unary(Negate, x)?;
                instance.unary(Absolute, negated)
            },
        )
        .of(&FLOATS),
        Rule::new(
            "add-negated",
            Family::Algebra,
            "`x + (-y)` is `x - y`.",
            P::binary(Add, P::any(0), P::unary(Negate, P::any(1))),
            |matched, builder| builder.binary(Subtract, matched.value(0), matched.value(1)),
            |instance| {
                let x = instance.any()?;
                let y = instance.like(x)?;
                let negated = instance.unary(Negate, y)?;
                instance.binary(Add, x, negated)
            },
        )
        .of(&NUMBERS),
        Rule::new(
            "subtract-negated",
            Family::Algebra,
            "`x - (-y)` is `x + y`.",
            P::binary(Subtract, P::any(0), P::unary(Negate, P::any(1))),
            |matched, builder| builder.binary(Add, matched.value(0), matched.value(1)),
            |instance| {
                let x = instance.any()?;
                let y = instance.like(x)?;
                let negated = instance.unary(Negate, y)?;
                instance.binary(Subtract, x, negated)
            },
        )
        .of(&NUMBERS),
        Rule::new(
            "zero-minus",
            Family::Algebra,
            "`0 - x` is `-x`.",
            P::binary(Subtract, P::Splat(0.0), P::any(0)),
            |matched, builder| builder.unary(Negate, matched.value(0)),
            |instance| {
                let x = instance.any()?;
                let zero = instance.splat(0.0, x)?;
                instance.binary(Subtract, zero, x)
            },
        )
        .of(&NUMBERS),
    ]
}

fn roots() -> Vec<Rule> {
    let quotient = |name: &str, of: UnaryFunction, to: UnaryFunction, says: &str| {
        Rule::new(
            name,
            Family::Algebra,
            says,
            P::unary(of, P::unary(Sqrt, P::any(0))),
            move |matched, builder| builder.unary(to, matched.value(0)),
            move |instance| {
                let x = instance.any()?;
                let root = instance.unary(Sqrt, x)?;
                instance.unary(of, root)
            },
        )
    };
    vec![
        quotient(
            "reciprocal-of-root",
            Reciprocal,
            Rsqrt,
            "`1 / sqrt(x)` is one function.",
        ),
        Rule::new(
            "one-over",
            Family::Algebra,
            "`1 / x` is the reciprocal, of floats.",
            P::binary(Divide, P::Splat(1.0), P::any(0)),
            |matched, builder| builder.unary(Reciprocal, matched.value(0)),
            |instance| {
                let x = instance.any()?;
                let one = instance.splat(1.0, x)?;
                instance.binary(Divide, one, x)
            },
        )
        .given("floats"),
        Rule::new(
            "times-reciprocal",
            Family::Algebra,
            "`x * (1 / y)` is `x / y`.",
            P::binary(Multiply, P::any(0), P::unary(Reciprocal, P::any(1))),
            |matched, builder| builder.binary(Divide, matched.value(0), matched.value(1)),
            |instance| {
                let x = instance.any()?;
                let y = instance.like(x)?;
                let reciprocal = instance.unary(Reciprocal, y)?;
                instance.binary(Multiply, x, reciprocal)
            },
        ),
        Rule::new(
            "divide-by-root",
            Family::Algebra,
            "`x / sqrt(y)` is `x * rsqrt(y)`.",
            P::binary(Divide, P::any(0), P::unary(Sqrt, P::any(1))),
            |matched, builder| {
                let factor = builder.unary(Rsqrt, matched.value(1))?;
                builder.binary(Multiply, matched.value(0), factor)
            },
            |instance| {
                let x = instance.any()?;
                let y = instance.like(x)?;
                let root = instance.unary(Sqrt, y)?;
                instance.binary(Divide, x, root)
            },
        ),
        Rule::new(
            "divide-by-power-of-two",
            Family::Algebra,
            "Division by a power of two is multiplication by its reciprocal, which is exact.",
            P::binary(Divide, P::any(0), P::constant(1)),
            |matched, builder| {
                let (ty, splat) = {
                    let data = builder.data(matched.value(1));
                    (data.ty().clone(), data.splat?.to_f64())
                };
                if !ty.dtype.is_float() || !is_power_of_two(splat) {
                    return None;
                }
                let inverse = ty.dtype.round(Number::Float(1.0 / splat));
                let exact = inverse.to_f64() * splat == 1.0;
                let factor = exact.then(|| builder.splat(inverse, &ty)).flatten()?;
                builder.binary(Multiply, matched.value(0), factor)
            },
            |instance| {
                let x = instance.any()?;
                let number = *instance.draw.pick(&[2.0, 4.0, 0.5, 8.0, -2.0]);
                let divisor = instance.splat(number, x)?;
                instance.binary(Divide, x, divisor)
            },
        )
        .given("the divisor and its reciprocal are powers of two of a float type"),
    ]
}

fn is_power_of_two(number: f64) -> bool {
    number.is_normal() && number.to_bits().trailing_zeros() >= 52
}

fn choices() -> Vec<Rule> {
    vec![
        Rule::new(
            "select-same",
            Family::Algebra,
            "A choice between a value and itself is the value.",
            P::kind(Kind::Select, "select", [P::any(0), P::any(1), P::any(1)]),
            |matched, _| Some(matched.value(1)),
            |instance| {
                let x = instance.any()?;
                let shape = instance.extents(x);
                let condition = instance.input_of(DType::Bool, &shape)?;
                instance.op(Op::Select, &[condition, x, x])
            },
        )
        .of(&EVERYTHING),
        Rule::new(
            "select-known",
            Family::Algebra,
            "A choice by a known condition is made.",
            P::kind(
                Kind::Select,
                "select",
                [P::constant(0), P::any(1), P::any(2)],
            ),
            |matched, builder| {
                let condition = builder.data(matched.value(0)).splat?;
                Some(matched.value(if condition.to_bool() { 1 } else { 2 }))
            },
            |instance| {
                let x = instance.any()?;
                let y = instance.like(x)?;
                let value = Number::Bool(instance.draw.one_in(2));
                let value = eyas_ir::Constant::scalar(DType::Bool, value);
                let scalar = instance.op(Op::Constant { value }, &[])?;
                let shape = instance.extents(x);
                let condition = instance.broadcast(scalar, &shape)?;
                instance.op(Op::Select, &[condition, x, y])
            },
        )
        .of(&EVERYTHING),
        Rule::new(
            "cast-same",
            Family::Algebra,
            "A conversion to the type a value has is the value.",
            P::kind(Kind::Cast, "cast", [P::any(0)]),
            |matched, builder| {
                let same = builder.ty(matched.root()) == builder.ty(matched.value(0));
                same.then(|| matched.value(0))
            },
            |instance| {
                let x = instance.any()?;
                let dtype = instance.dtype();
                instance.op(Op::Cast { dtype }, &[x])
            },
        )
        .of(&EVERYTHING),
        Rule::new(
            "cast-cast",
            Family::Algebra,
            "Of two conversions, the first of which loses nothing, the second is enough.",
            P::kind(
                Kind::Cast,
                "cast",
                [P::kind(Kind::Cast, "cast", [P::any(0)])],
            ),
            |matched, builder| {
                let dtype = |id| builder.data(id).ty().dtype;
                let (first, last) = (dtype(matched.value(0)), dtype(matched.root()));
                let middle = dtype(*matched.operands(0).first()?);
                // An integer wraps around where a float that holds it saturates.
                let saturates = first.is_integer() && middle.is_float() && last.is_integer();
                (keeps_all(first, middle) && (!saturates || keeps_all(first, last)))
                    .then(|| builder.cast(matched.value(0), last))
                    .flatten()
            },
            |instance| {
                let x = instance.any()?;
                let dtype = *instance.draw.pick(&EVERYTHING);
                let middle = instance.op(Op::Cast { dtype }, &[x])?;
                let dtype = *instance.draw.pick(&EVERYTHING);
                instance.op(Op::Cast { dtype }, &[middle])
            },
        )
        .of(&EVERYTHING)
        .given("the middle type holds every value of the first")
        .rounded(),
    ]
}

/// Whether every value of one type is one of the other, and means the same.
fn keeps_all(from: DType, to: DType) -> bool {
    let exact_integers = |dtype: DType| match dtype {
        DType::F64 => 1i128 << 53,
        DType::F32 => 1 << 24,
        DType::F16 => 1 << 11,
        DType::BF16 => 1 << 8,
        _ => 0,
    };
    if from == to {
        return true;
    }
    match (from.integer_range(), to.integer_range()) {
        _ if to == DType::Bool => false,
        (Some((low, high)), Some((least, most))) => low >= least && high <= most,
        (Some((low, high)), None) => high.max(-low) <= exact_integers(to),
        (None, Some(_)) => false,
        (None, None) => match (from, to) {
            (_, DType::F64) => true,
            (DType::F64, _) => false,
            (_, DType::F32) => true,
            (DType::F8E4M3 | DType::F8E5M2, DType::F16) => true,
            _ => false,
        },
    }
}
