use eyas_ir::{BinaryFunction, Comparison, Constant, Op, UnaryFunction};
use eyas_tensor::{DType, Number};

use crate::generator::{Generator, Slot};

/// A function of one, two or three values there are.
pub(crate) fn add(generator: &mut Generator<'_>) -> Option<()> {
    let x = generator.any()?;
    match generator.draw.below(8) {
        0..=2 => unary(generator, &x),
        3..=5 => binary(generator, &x),
        6 => choose(generator, &x),
        _ => cast(generator, &x),
    }
}

fn unary(generator: &mut Generator<'_>, x: &Slot) -> Option<()> {
    use UnaryFunction::*;
    let dtype = x.ty.dtype;
    if dtype.is_float() && generator.options.jumps && generator.draw.one_in(5) {
        let function = *generator.draw.pick(&[Floor, Ceil, Round, Sign]);
        return generator
            .push(Op::unary(function), &[x.value], x.bound + 1)
            .map(drop);
    }
    let function = match dtype {
        DType::Bool => Not,
        _ if dtype.is_integer() => *generator.draw.pick(&[Negate, Absolute, Sign, Not]),
        _ => *generator.draw.pick(&[
            Negate, Absolute, Sqrt, Rsqrt, Reciprocal, Exp, Log, Sin, Cos, Tanh, Erf,
        ]),
    };
    let (operand, bound) = match function {
        Exp => (squashed(generator, x)?, 2),
        Log => (away_from_zero(generator, x)?, x.bound.max(1)),
        Rsqrt | Reciprocal => (away_from_zero(generator, x)?, 0),
        Sqrt => {
            let absolute = generator.push(Op::unary(Absolute), &[x.value], x.bound)?;
            (absolute, x.bound.max(0))
        }
        Negate | Absolute | Not => (x.clone(), x.bound),
        _ => (x.clone(), 0),
    };
    generator
        .push(Op::unary(function), &[operand.value], bound)
        .map(drop)
}

/// `tanh(x)`
fn squashed(generator: &mut Generator<'_>, x: &Slot) -> Option<Slot> {
    generator.push(Op::unary(UnaryFunction::Tanh), &[x.value], 0)
}

/// `|x| + 1`
fn away_from_zero(generator: &mut Generator<'_>, x: &Slot) -> Option<Slot> {
    let absolute = generator.push(Op::unary(UnaryFunction::Absolute), &[x.value], x.bound)?;
    let one = splat(generator, &absolute, Number::Int(1))?;
    let op = Op::binary(BinaryFunction::Add);
    generator.push(op, &[absolute.value, one.value], x.bound.max(0) + 1)
}

/// A scalar constant, broadcast to the shape of a value.
pub(crate) fn splat(generator: &mut Generator<'_>, like: &Slot, value: Number) -> Option<Slot> {
    let value = match like.ty.dtype.is_float() {
        true => Number::Float(value.to_f64()),
        false => value,
    };
    let value = Constant::scalar(like.ty.dtype, value);
    let scalar = generator.push(Op::Constant { value }, &[], 3)?;
    let shape = like.ty.shape.clone();
    generator.push(Op::Broadcast { shape }, &[scalar.value], 3)
}

fn binary(generator: &mut Generator<'_>, x: &Slot) -> Option<()> {
    use BinaryFunction::*;
    let y = match generator.draw.one_in(6) {
        true => x.clone(),
        false => generator.like(&x.ty)?,
    };
    let sum = x.bound.max(y.bound) + 1;
    if !x.ty.dtype.is_float() {
        let functions = BinaryFunction::ALL;
        let function = *generator.draw.pick(&functions);
        if !function.accepts(x.ty.dtype) {
            return None;
        }
        return generator
            .push(Op::binary(function), &[x.value, y.value], sum)
            .map(drop);
    }
    let functions = [
        Add, Add, Subtract, Multiply, Multiply, Divide, Maximum, Minimum,
    ];
    let function = *generator.draw.pick(&functions);
    let (y, bound) = match function {
        Multiply => (y.clone(), x.bound + y.bound),
        Divide => (away_from_zero(generator, &y)?, x.bound),
        _ => (y, sum),
    };
    generator
        .push(Op::binary(function), &[x.value, y.value], bound)
        .map(drop)
}

/// `compare(x, y) ? a : b`
fn choose(generator: &mut Generator<'_>, x: &Slot) -> Option<()> {
    let y = generator.like(&x.ty)?;
    let dtype = x.ty.dtype;
    let condition = match dtype {
        DType::Bool => x.value,
        _ if dtype.is_float() && !generator.options.jumps => {
            generator.like(&x.ty.with_dtype(DType::Bool))?.value
        }
        _ => {
            use Comparison::*;
            let comparison = *generator.draw.pick(&[
                Equal,
                NotEqual,
                Less,
                LessOrEqual,
                Greater,
                GreaterOrEqual,
            ]);
            let op = Op::Compare { comparison };
            generator.push(op, &[x.value, y.value], 0)?.value
        }
    };
    let bound = x.bound.max(y.bound);
    generator
        .push(Op::Select, &[condition, x.value, y.value], bound)
        .map(drop)
}

fn cast(generator: &mut Generator<'_>, x: &Slot) -> Option<()> {
    let dtypes = generator.options.dtypes.clone();
    let dtype = *generator.draw.pick(&dtypes);
    if x.ty.dtype.is_float() && !dtype.is_float() && !generator.options.jumps {
        return None;
    }
    let bound = if x.ty.dtype.is_integer() { 64 } else { x.bound };
    generator
        .push(Op::Cast { dtype }, &[x.value], bound)
        .map(drop)
}

/// An op with a constant, of those that identities are about.
pub(crate) fn add_splat(generator: &mut Generator<'_>) -> Option<()> {
    use BinaryFunction::*;
    let x = generator.any()?;
    if x.ty.dtype == DType::Bool {
        return None;
    }
    let number = *generator.draw.pick(&[0, 1, 1, 2, 3]);
    let constant = splat(generator, &x, Number::Int(number))?;
    let functions: &[BinaryFunction] = match (number, x.ty.dtype.is_float()) {
        (0, _) => &[Add, Subtract, Multiply, Maximum, Minimum],
        (2, true) => &[Add, Multiply, Divide, Power],
        _ => &[Add, Subtract, Multiply, Divide, Maximum],
    };
    let function = *generator.draw.pick(functions);
    let bound = match function {
        Power => 2 * x.bound.max(0),
        _ => x.bound.max(0) + 2,
    };
    let operands = match function.is_commutative() && generator.draw.one_in(2) {
        true => [constant.value, x.value],
        false => [x.value, constant.value],
    };
    generator
        .push(Op::binary(function), &operands, bound)
        .map(drop)
}
