//! Functions of one and two numbers, one element or several at a time.

use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{InstBuilder, Value, types};
use eyas_ir::{BinaryFunction, Comparison, UnaryFunction};
use eyas_tensor::DType;

use crate::emitter::Emitter;
use crate::error::Fault;
use crate::form::Form;
use crate::rounding::{Direction, integral};
use crate::sixteen;

/// Whether values are kept as f32 and rounded after each op.
fn is_sixteen(dtype: DType) -> bool {
    matches!(dtype, DType::F16 | DType::BF16)
}

/// A result of f32 arithmetic as the type has it.
fn rounded(e: &mut Emitter, dtype: DType, value: Value) -> Value {
    match is_sixteen(dtype) {
        true => sixteen::round(e, dtype, value),
        false => value,
    }
}

/// An integer result in a wider lane as the type has it; nothing where the lane is the type's.
pub(crate) fn wrap(e: &mut Emitter, form: Form, dtype: DType, value: Value) -> Value {
    let beyond = 32 - dtype.bits() as i64;
    if form != Form::Four || dtype.is_float() || dtype == DType::Bool || beyond <= 0 {
        return value;
    }
    let up = e.ins().ishl_imm_s(value, beyond);
    match dtype.is_signed() {
        true => e.ins().sshr_imm_s(up, beyond),
        false => e.ins().ushr_imm_s(up, beyond),
    }
}

/// Whether there is code for a function of one number.
pub(crate) fn has_unary(form: Form, function: UnaryFunction, dtype: DType) -> bool {
    use UnaryFunction::*;
    match function {
        Negate | Absolute => dtype != DType::Bool,
        Floor | Ceil | Round | Sqrt | Reciprocal => dtype.is_float(),
        Not => !dtype.is_float(),
        Sign => dtype.is_integer() && form == Form::Scalar,
        Rsqrt | Exp | Log | Sin | Cos | Tanh | Erf => false,
    }
}

/// A function of one number.
///
/// # Errors
/// [`Fault::Unsupported`] where [`has_unary`] says so.
pub(crate) fn unary(
    e: &mut Emitter,
    form: Form,
    function: UnaryFunction,
    dtype: DType,
    a: Value,
) -> Result<Value, Fault> {
    if !has_unary(form, function, dtype) {
        let what = format!("`{}` of {dtype}", function_name(&function));
        return Err(Fault::Unsupported(what));
    }
    if dtype.is_float() {
        return Ok(unary_float(e, function, dtype, a));
    }
    let result = match function {
        UnaryFunction::Negate => e.ins().ineg(a),
        UnaryFunction::Absolute if dtype.is_signed() => {
            let negative = e.ins().ineg(a);
            extreme_integer(e, dtype, a, negative, true)
        }
        UnaryFunction::Not if dtype == DType::Bool && form == Form::Scalar => {
            e.ins().bxor_imm_s(a, 1)
        }
        UnaryFunction::Not => e.ins().bnot(a),
        UnaryFunction::Sign => sign(e, dtype, a),
        _ => a,
    };
    Ok(wrap(e, form, dtype, result))
}

fn unary_float(e: &mut Emitter, function: UnaryFunction, dtype: DType, a: Value) -> Value {
    match function {
        UnaryFunction::Negate => e.ins().fneg(a),
        UnaryFunction::Absolute => e.ins().fabs(a),
        UnaryFunction::Floor => integral(e, Direction::Down, a),
        UnaryFunction::Ceil => integral(e, Direction::Up, a),
        UnaryFunction::Round => integral(e, Direction::Nearest, a),
        UnaryFunction::Sqrt => {
            let root = e.ins().sqrt(a);
            rounded(e, dtype, root)
        }
        UnaryFunction::Reciprocal => {
            let ty = e.type_of(a);
            let one = e.float(ty, 1.0);
            let quotient = e.ins().fdiv(one, a);
            rounded(e, dtype, quotient)
        }
        _ => a,
    }
}

/// -1, 0 or 1, one element.
fn sign(e: &mut Emitter, dtype: DType, a: Value) -> Value {
    let ty = e.type_of(a);
    let zero = e.ins().iconst(ty, 0);
    let positive = match dtype.is_signed() {
        true => e.ins().icmp(IntCC::SignedGreaterThan, a, zero),
        false => e.ins().icmp(IntCC::NotEqual, a, zero),
    };
    let negative = match dtype.is_signed() {
        true => e.ins().icmp(IntCC::SignedLessThan, a, zero),
        false => e.ins().iconst(types::I8, 0),
    };
    let difference = e.ins().isub(positive, negative);
    match ty {
        types::I8 => difference,
        _ => e.ins().sextend(ty, difference),
    }
}

/// Whether there is code for a function of two numbers.
pub(crate) fn has_binary(form: Form, function: BinaryFunction, dtype: DType) -> bool {
    use BinaryFunction::*;
    match function {
        Add | Subtract | Multiply | Maximum | Minimum => true,
        Divide => dtype.is_float() || dtype.is_integer() && form == Form::Scalar,
        FloorDivide | Remainder => dtype.is_integer() && form == Form::Scalar,
        And | Or | Xor => !dtype.is_float(),
        Power => false,
    }
}

/// A function of two numbers.
///
/// # Errors
/// [`Fault::Unsupported`] where [`has_binary`] says so.
pub(crate) fn binary(
    e: &mut Emitter,
    form: Form,
    function: BinaryFunction,
    dtype: DType,
    a: Value,
    b: Value,
) -> Result<Value, Fault> {
    if !has_binary(form, function, dtype) {
        let what = format!("`{}` of {dtype}", function_name(&function));
        return Err(Fault::Unsupported(what));
    }
    if dtype.is_float() {
        return Ok(binary_float(e, function, dtype, a, b));
    }
    if dtype == DType::Bool {
        return Ok(binary_bool(e, function, a, b));
    }
    let result = match function {
        BinaryFunction::Add => e.ins().iadd(a, b),
        BinaryFunction::Subtract => e.ins().isub(a, b),
        BinaryFunction::Multiply => e.ins().imul(a, b),
        BinaryFunction::Maximum => extreme_integer(e, dtype, a, b, true),
        BinaryFunction::Minimum => extreme_integer(e, dtype, a, b, false),
        BinaryFunction::And => e.ins().band(a, b),
        BinaryFunction::Or => e.ins().bor(a, b),
        BinaryFunction::Xor => e.ins().bxor(a, b),
        BinaryFunction::Divide => divide(e, dtype, a, b),
        BinaryFunction::FloorDivide => floor_divide(e, dtype, a, b),
        BinaryFunction::Remainder | BinaryFunction::Power => {
            let quotient = floor_divide(e, dtype, a, b);
            let product = e.ins().imul(b, quotient);
            let rest = e.ins().isub(a, product);
            let ty = e.type_of(b);
            let zero = e.ins().iconst(ty, 0);
            let by_zero = e.ins().icmp(IntCC::Equal, b, zero);
            e.ins().select(by_zero, zero, rest)
        }
    };
    Ok(wrap(e, form, dtype, result))
}

fn binary_float(
    e: &mut Emitter,
    function: BinaryFunction,
    dtype: DType,
    a: Value,
    b: Value,
) -> Value {
    let result = match function {
        BinaryFunction::Add => e.ins().fadd(a, b),
        BinaryFunction::Subtract => e.ins().fsub(a, b),
        BinaryFunction::Multiply => e.ins().fmul(a, b),
        BinaryFunction::Maximum => return e.ins().fmax(a, b),
        BinaryFunction::Minimum => return e.ins().fmin(a, b),
        _ => e.ins().fdiv(a, b),
    };
    rounded(e, dtype, result)
}

/// The greater (or lesser) of a value and a number that is no NaN, as [`binary`] gives it; one
/// instruction where the general form takes eight.
pub(crate) fn extreme_with(e: &mut Emitter, greatest: bool, value: Value, number: f64) -> Value {
    let ty = e.type_of(value);
    let bound = e.float(ty, number);
    // With zeros of both signs the comparison takes the value as it is.
    let condition = match greatest {
        true => FloatCC::GreaterThan,
        false => FloatCC::LessThan,
    };
    let beyond = e.ins().fcmp(condition, bound, value);
    let result = e.choose(beyond, bound, value);
    if number != 0.0 || greatest == number.is_sign_negative() {
        return result;
    }
    match greatest {
        // -0 + 0 is 0.
        true => e.ins().fadd(result, bound),
        // 0 with the bits of -0 is -0, and a number that is not above 0 has a sign already.
        false => {
            let zero = e.float(ty, 0.0);
            let is_zero = e.ins().fcmp(FloatCC::Equal, result, zero);
            e.choose(is_zero, bound, result)
        }
    }
}

/// A bool is 0 or 1, and what is not 0 is true.
fn binary_bool(e: &mut Emitter, function: BinaryFunction, a: Value, b: Value) -> Value {
    use BinaryFunction::*;
    match function {
        Multiply | Minimum | And => e.ins().band(a, b),
        Subtract | Xor => e.ins().bxor(a, b),
        _ => e.ins().bor(a, b),
    }
}

/// The greater or lesser of two integers.
fn extreme_integer(e: &mut Emitter, dtype: DType, a: Value, b: Value, greatest: bool) -> Value {
    let wide = e.type_of(a) == types::I64X2;
    match (dtype.is_signed(), greatest) {
        _ if wide => {
            let condition = match dtype.is_signed() {
                true => IntCC::SignedGreaterThan,
                false => IntCC::UnsignedGreaterThan,
            };
            let first = e.ins().icmp(condition, a, b);
            match greatest {
                true => e.choose(first, a, b),
                false => e.choose(first, b, a),
            }
        }
        (true, true) => e.ins().smax(a, b),
        (true, false) => e.ins().smin(a, b),
        (false, true) => e.ins().umax(a, b),
        (false, false) => e.ins().umin(a, b),
    }
}

/// Towards zero, one element; by zero it gives 0, and the least by -1 wraps to itself.
fn divide(e: &mut Emitter, dtype: DType, a: Value, b: Value) -> Value {
    let ty = e.type_of(a);
    if ty.bits() < 32 {
        let [wide_a, wide_b] = [a, b].map(|value| match dtype.is_signed() {
            true => e.ins().sextend(types::I32, value),
            false => e.ins().uextend(types::I32, value),
        });
        let quotient = divide(e, dtype, wide_a, wide_b);
        return e.ins().ireduce(ty, quotient);
    }
    let (zero, one) = (e.ins().iconst(ty, 0), e.ins().iconst(ty, 1));
    let by_zero = e.ins().icmp(IntCC::Equal, b, zero);
    let mut divisor = e.ins().select(by_zero, one, b);
    if !dtype.is_signed() {
        let quotient = e.ins().udiv(a, divisor);
        return e.ins().select(by_zero, zero, quotient);
    }
    let by_minus_one = e.ins().icmp_imm_s(IntCC::Equal, b, -1);
    divisor = e.ins().select(by_minus_one, one, divisor);
    let quotient = e.ins().sdiv(a, divisor);
    let negative = e.ins().ineg(a);
    let quotient = e.ins().select(by_minus_one, negative, quotient);
    e.ins().select(by_zero, zero, quotient)
}

/// Towards minus infinity, one element.
fn floor_divide(e: &mut Emitter, dtype: DType, a: Value, b: Value) -> Value {
    let quotient = divide(e, dtype, a, b);
    if !dtype.is_signed() {
        return quotient;
    }
    let ty = e.type_of(a);
    let zero = e.ins().iconst(ty, 0);
    let product = e.ins().imul(quotient, b);
    let inexact = e.ins().icmp(IntCC::NotEqual, product, a);
    let signs = e.ins().bxor(a, b);
    let apart = e.ins().icmp(IntCC::SignedLessThan, signs, zero);
    let by_something = e.ins().icmp(IntCC::NotEqual, b, zero);
    let below = e.ins().band(inexact, apart);
    let below = e.ins().band(below, by_something);
    let one_less = e.ins().iadd_imm_s(quotient, -1);
    e.ins().select(below, one_less, quotient)
}

/// A comparison, to bool.
pub(crate) fn compare(
    e: &mut Emitter,
    comparison: Comparison,
    dtype: DType,
    a: Value,
    b: Value,
) -> Value {
    use Comparison::*;
    if dtype.is_float() {
        let condition = match comparison {
            Equal => FloatCC::Equal,
            NotEqual => FloatCC::NotEqual,
            Less => FloatCC::LessThan,
            LessOrEqual => FloatCC::LessThanOrEqual,
            Greater => FloatCC::GreaterThan,
            GreaterOrEqual => FloatCC::GreaterThanOrEqual,
        };
        return e.ins().fcmp(condition, a, b);
    }
    let signed = dtype.is_signed();
    let condition = match comparison {
        Equal => IntCC::Equal,
        NotEqual => IntCC::NotEqual,
        Less if signed => IntCC::SignedLessThan,
        LessOrEqual if signed => IntCC::SignedLessThanOrEqual,
        Greater if signed => IntCC::SignedGreaterThan,
        GreaterOrEqual if signed => IntCC::SignedGreaterThanOrEqual,
        Less => IntCC::UnsignedLessThan,
        LessOrEqual => IntCC::UnsignedLessThanOrEqual,
        Greater => IntCC::UnsignedGreaterThan,
        GreaterOrEqual => IntCC::UnsignedGreaterThanOrEqual,
    };
    e.ins().icmp(condition, a, b)
}

/// Bits moved up or down; what is moved out is lost.
pub(crate) fn shift(
    e: &mut Emitter,
    form: Form,
    dtype: DType,
    a: Value,
    by: u32,
    up: bool,
) -> Value {
    let bits = dtype.bits() as u32;
    if by >= bits && (up || !dtype.is_signed()) {
        let ty = e.type_of(a);
        return e.constant(ty, 0);
    }
    let by = i64::from(by.min(bits - 1));
    let result = match (up, dtype.is_signed()) {
        (true, _) => e.ins().ishl_imm_s(a, by),
        (false, true) => e.ins().sshr_imm_s(a, by),
        (false, false) => e.ins().ushr_imm_s(a, by),
    };
    wrap(e, form, dtype, result)
}

/// What a function is called in text.
fn function_name(function: &impl std::fmt::Debug) -> String {
    format!("{function:?}").to_lowercase()
}
