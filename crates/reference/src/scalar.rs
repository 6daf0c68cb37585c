//! The functions of one and two numbers, before rounding. They are total: an operand of another
//! kind than the type is converted.

use std::cmp::Ordering;

use eyas_ir::{BinaryFunction, Comparison, UnaryFunction};
use eyas_tensor::{DType, Number};

/// A function of one number of a type.
pub(crate) fn unary(function: UnaryFunction, dtype: DType, a: Number) -> Number {
    if dtype.is_float() {
        Number::Float(unary_float(function, a.to_f64()))
    } else if dtype == DType::Bool {
        let a = a.to_bool();
        Number::Bool(if function == UnaryFunction::Not {
            !a
        } else {
            a
        })
    } else {
        Number::Int(unary_integer(function, a.to_i128()))
    }
}

fn unary_float(function: UnaryFunction, a: f64) -> f64 {
    match function {
        UnaryFunction::Negate => -a,
        UnaryFunction::Absolute => a.abs(),
        UnaryFunction::Sign if a == 0.0 || a.is_nan() => a,
        UnaryFunction::Sign => a.signum(),
        UnaryFunction::Floor => a.floor(),
        UnaryFunction::Ceil => a.ceil(),
        UnaryFunction::Round => a.round_ties_even(),
        UnaryFunction::Sqrt => a.sqrt(),
        UnaryFunction::Rsqrt => 1.0 / a.sqrt(),
        UnaryFunction::Reciprocal => 1.0 / a,
        UnaryFunction::Exp => libm::exp(a),
        UnaryFunction::Log => libm::log(a),
        UnaryFunction::Sin => libm::sin(a),
        UnaryFunction::Cos => libm::cos(a),
        UnaryFunction::Tanh => libm::tanh(a),
        UnaryFunction::Erf => libm::erf(a),
        UnaryFunction::Not => f64::from(u8::from(a == 0.0)),
    }
}

fn unary_integer(function: UnaryFunction, a: i128) -> i128 {
    match function {
        UnaryFunction::Negate => a.wrapping_neg(),
        UnaryFunction::Absolute => a.wrapping_abs(),
        UnaryFunction::Sign => a.signum(),
        UnaryFunction::Not => !a,
        // Inference refuses the rest for integers.
        _ => a,
    }
}

/// A function of two numbers of a type.
pub(crate) fn binary(function: BinaryFunction, dtype: DType, a: Number, b: Number) -> Number {
    if dtype.is_float() {
        Number::Float(binary_float(function, a.to_f64(), b.to_f64()))
    } else {
        // A bool is 0 or 1, and rounding makes the result one again.
        Number::Int(binary_integer(function, a.to_i128(), b.to_i128()))
    }
}

fn binary_float(function: BinaryFunction, a: f64, b: f64) -> f64 {
    let bits = |combine: fn(bool, bool) -> bool| f64::from(u8::from(combine(a != 0.0, b != 0.0)));
    match function {
        BinaryFunction::Add => a + b,
        BinaryFunction::Subtract => a - b,
        BinaryFunction::Multiply => a * b,
        BinaryFunction::Divide => a / b,
        BinaryFunction::FloorDivide => (a / b).floor(),
        BinaryFunction::Remainder => a - b * (a / b).floor(),
        BinaryFunction::Power => libm::pow(a, b),
        BinaryFunction::Maximum => maximum(a, b),
        BinaryFunction::Minimum => -maximum(-a, -b),
        BinaryFunction::And => bits(|a, b| a && b),
        BinaryFunction::Or => bits(|a, b| a || b),
        BinaryFunction::Xor => bits(|a, b| a != b),
    }
}

/// The greater of two, NaN where one is; 0 is greater than -0.
pub(crate) fn maximum(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() {
        f64::NAN
    } else if a > b || a == b && a.is_sign_positive() {
        a
    } else {
        b
    }
}

fn binary_integer(function: BinaryFunction, a: i128, b: i128) -> i128 {
    match function {
        BinaryFunction::Add => a.wrapping_add(b),
        BinaryFunction::Subtract => a.wrapping_sub(b),
        BinaryFunction::Multiply => a.wrapping_mul(b),
        BinaryFunction::Divide => a.checked_div(b).unwrap_or(0),
        BinaryFunction::FloorDivide => floor_divide(a, b).unwrap_or(0),
        BinaryFunction::Remainder => {
            floor_divide(a, b).map_or(0, |quotient| a.wrapping_sub(b.wrapping_mul(quotient)))
        }
        BinaryFunction::Power => power(a, b),
        BinaryFunction::Maximum => a.max(b),
        BinaryFunction::Minimum => a.min(b),
        BinaryFunction::And => a & b,
        BinaryFunction::Or => a | b,
        BinaryFunction::Xor => a ^ b,
    }
}

fn floor_divide(a: i128, b: i128) -> Option<i128> {
    let quotient = a.checked_div(b)?;
    let below = a % b != 0 && (a < 0) != (b < 0);
    Some(quotient - i128::from(below))
}

/// By squaring; the result is right modulo 2^128.
fn power(base: i128, exponent: i128) -> i128 {
    if exponent < 0 {
        return 0;
    }
    let (mut result, mut square, mut left) = (1i128, base, exponent);
    while left > 0 {
        if left & 1 == 1 {
            result = result.wrapping_mul(square);
        }
        square = square.wrapping_mul(square);
        left >>= 1;
    }
    result
}

/// A comparison of two numbers of one type.
pub(crate) fn compare(comparison: Comparison, a: Number, b: Number) -> bool {
    let order = match (a, b) {
        (Number::Float(_), _) | (_, Number::Float(_)) => a.to_f64().partial_cmp(&b.to_f64()),
        _ => Some(a.to_i128().cmp(&b.to_i128())),
    };
    match comparison {
        Comparison::Equal => order == Some(Ordering::Equal),
        Comparison::NotEqual => order != Some(Ordering::Equal),
        Comparison::Less => order == Some(Ordering::Less),
        Comparison::LessOrEqual => matches!(order, Some(Ordering::Less | Ordering::Equal)),
        Comparison::Greater => order == Some(Ordering::Greater),
        Comparison::GreaterOrEqual => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn integers(function: BinaryFunction, a: i128, b: i128) -> i128 {
        binary(function, DType::I32, Number::Int(a), Number::Int(b)).to_i128()
    }

    fn floats(function: BinaryFunction, a: f64, b: f64) -> f64 {
        binary(function, DType::F64, Number::Float(a), Number::Float(b)).to_f64()
    }

    #[test]
    fn integer_division_by_zero_is_zero_and_signs_follow_the_kind() {
        use BinaryFunction::*;
        assert_eq!(
            [Divide, FloorDivide, Remainder].map(|f| integers(f, 7, 0)),
            [0, 0, 0]
        );
        assert_eq!(
            [Divide, FloorDivide, Remainder].map(|f| integers(f, -7, 2)),
            [-3, -4, 1]
        );
        assert_eq!(
            [Divide, FloorDivide, Remainder].map(|f| integers(f, 7, -2)),
            [-3, -4, -1]
        );
        assert_eq!(
            [Divide, FloorDivide, Remainder].map(|f| integers(f, -8, 2)),
            [-4, -4, 0]
        );
    }

    #[test]
    fn integer_powers_wrap_and_negative_exponents_give_zero() {
        assert_eq!(integers(BinaryFunction::Power, 3, 4), 81);
        assert_eq!(integers(BinaryFunction::Power, 0, 0), 1);
        assert_eq!(integers(BinaryFunction::Power, 1, -1), 0);
        assert_eq!(integers(BinaryFunction::Power, 2, 1_000_000_007), 0);
    }

    #[test]
    fn extremes_carry_nan_and_order_zeros() {
        use BinaryFunction::*;
        for function in [Maximum, Minimum] {
            assert!(floats(function, f64::NAN, 1.0).is_nan());
            assert!(floats(function, 1.0, f64::NAN).is_nan());
        }
        assert!(floats(Maximum, -0.0, 0.0).is_sign_positive());
        assert!(floats(Minimum, 0.0, -0.0).is_sign_negative());
        assert_eq!(floats(Minimum, 3.0, -2.0), -2.0);
    }

    #[test]
    fn a_float_remainder_has_the_sign_of_the_divisor() {
        assert_eq!(floats(BinaryFunction::Remainder, -5.5, 2.0), 0.5);
        assert_eq!(floats(BinaryFunction::Remainder, 5.5, -2.0), -0.5);
        assert!(floats(BinaryFunction::Remainder, 1.0, 0.0).is_nan());
    }

    #[test]
    fn rounding_is_half_to_even_and_signs_of_zero_and_nan_stay() {
        use UnaryFunction::*;
        let call = |f, x| unary(f, DType::F32, Number::Float(x)).to_f64();
        assert_eq!(
            [0.5, 1.5, 2.5, -0.5].map(|x| call(Round, x)),
            [0.0, 2.0, 2.0, 0.0]
        );
        assert_eq!([-3.0, 0.0, 2.0].map(|x| call(Sign, x)), [-1.0, 0.0, 1.0]);
        assert!(call(Sign, f64::NAN).is_nan());
        assert!((call(Erf, 0.5) - 0.520_499_877_813_046_5).abs() < 1e-15);
        assert_eq!(unary(Not, DType::U8, Number::Int(1)), Number::Int(-2));
        assert_eq!(
            unary(Not, DType::Bool, Number::Bool(true)),
            Number::Bool(false)
        );
    }

    #[test]
    fn comparisons_with_nan_are_false_but_for_not_equal() {
        use Comparison::*;
        let all = [Equal, NotEqual, Less, LessOrEqual, Greater, GreaterOrEqual];
        let found = all.map(|c| compare(c, Number::Float(f64::NAN), Number::Float(1.0)));
        assert_eq!(found, [false, true, false, false, false, false]);
        assert!(compare(Less, Number::Bool(false), Number::Bool(true)));
    }
}
