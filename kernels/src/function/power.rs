use eyas_ir::{ScalarId, UnaryFunction};
use eyas_tensor::{DType, Number};

use super::exp::ln_2;
use super::writer::Writer;

/// `(log((1 + s) / (1 - s)) - 2 s - 2 s^3 / 3) / s^5` in `s^2`.
const SERIES: [f64; 9] = [
    2.0 / 5.0,
    2.0 / 7.0,
    2.0 / 9.0,
    2.0 / 11.0,
    2.0 / 13.0,
    2.0 / 15.0,
    2.0 / 17.0,
    2.0 / 19.0,
    2.0 / 21.0,
];

/// What 2/3 has beyond its nearest f64.
const TWO_THIRDS_LOW: f64 = 3.700_743_415_417_188e-17;

impl Writer {
    /// `a` to the power `b`: `e^(b log |a|)`, the logarithm in two f64 where the result is one.
    /// Edges are those of C's `pow`.
    pub(super) fn power(&mut self, a: ScalarId, b: ScalarId) -> ScalarId {
        let dtype = self.dtype(a);
        let (a, b) = (self.cast(a, DType::F64), self.cast(b, DType::F64));
        let magnitude = self.absolute(a);
        let value = if dtype == DType::F64 {
            self.precise_power(magnitude, b)
        } else {
            let log = self.log(magnitude);
            let product = self.multiply(b, log);
            self.exp(product)
        };
        let value = self.power_at_edges(a, b, value);
        self.cast(value, dtype)
    }

    fn power_at_edges(&mut self, a: ScalarId, b: ScalarId, value: ScalarId) -> ScalarId {
        let (zero, one) = (self.like(a, 0.0), self.one(a));
        let magnitude = self.absolute(a);
        let unit = self.equal(magnitude, one);
        let value = self.select(unit, one, value);
        let nearest = self.rounded(UnaryFunction::Round, b);
        let integral = self.equal(nearest, b);
        let half = self.like(a, 0.5);
        let half = self.multiply(b, half);
        let nearest = self.rounded(UnaryFunction::Round, half);
        let odd = self.not_equal(nearest, half);
        let odd = self.and(integral, odd);
        let negative = self.bits_of(a);
        let none = self.integer(DType::I64, 0);
        let negative = self.less(negative, none);
        let turns = self.and(odd, negative);
        let opposite = self.negate(value);
        let value = self.select(turns, opposite, value);
        let least = self.like(a, f64::NEG_INFINITY);
        let (below, finite) = (self.less(a, zero), self.greater(a, least));
        let below = self.and(below, finite);
        let broken = self.not(integral);
        let undefined = self.and(below, broken);
        let nan = self.like(a, f64::NAN);
        let value = self.select(undefined, nan, value);
        let trivial = self.equal(b, zero);
        self.select(trivial, one, value)
    }

    fn precise_power(&mut self, x: ScalarId, y: ScalarId) -> ScalarId {
        let (high, low) = self.log_in_two(x);
        let (product, error) = self.exact_product(y, high);
        let more = self.multiply(y, low);
        let rest = self.add(error, more);
        // Where the product is out of range, the rest may be no number.
        let (bound, none) = (self.like(x, 1000.0), self.like(x, 0.0));
        let magnitude = self.absolute(product);
        let within = self.less(magnitude, bound);
        let rest = self.select(within, rest, none);
        self.exp_of_sum(product, rest)
    }

    /// The logarithm of a number that is not negative, as the sum of two.
    fn log_in_two(&mut self, x: ScalarId) -> (ScalarId, ScalarId) {
        let split = self.split(x);
        let (e, f) = (split.exponent, split.fraction);
        // log(1 + f) = 2 s + 2 s^3 / 3 + ... with s = f / (2 + f), s and s^3 in two parts each.
        let two = self.like(x, 2.0);
        let t = self.add(two, f);
        let t_high = self.subtract(t, two);
        let t_low = self.subtract(f, t_high);
        let s = self.divide(f, t);
        let (product, error) = self.exact_product(s, t);
        let rest = self.subtract(f, product);
        let rest = self.subtract(rest, error);
        let more = self.multiply(s, t_low);
        let rest = self.subtract(rest, more);
        let s_low = self.divide(rest, t);

        let (square, square_low) = self.exact_product(s, s);
        let cross = self.multiply(s, s_low);
        let cross = self.add(cross, cross);
        let square_low = self.add(square_low, cross);
        let (cube, cube_low) = self.exact_product(square, s);
        let cube_low = self.step(square_low, s, cube_low);
        let cube_low = self.step(square, s_low, cube_low);

        let thirds = self.like(x, 2.0 / 3.0);
        let thirds_low = self.like(x, TWO_THIRDS_LOW);
        let (third, mut third_low) = self.exact_product(cube, thirds);
        third_low = self.step(cube, thirds_low, third_low);
        third_low = self.step(cube_low, thirds, third_low);
        let series = self.polynomial(square, &SERIES);
        let fifth = self.multiply(cube, square);
        let tail = self.multiply(fifth, series);

        let [ln_high, ln_low] = ln_2(DType::F64).map(|part| self.like(x, part));
        let whole = self.multiply(e, ln_high);
        let double = self.add(s, s);
        let (sum, first) = self.exact_sum(whole, double);
        let (sum, second) = self.exact_sum(sum, third);
        let mut low = self.multiply(e, ln_low);
        for part in [first, second, third_low, s_low, s_low, tail] {
            low = self.add(low, part);
        }
        let (high, low) = self.exact_sum(sum, low);
        let high = self.log_of_edges(x, high);
        (high, low)
    }

    /// By squaring; a negative exponent gives 0.
    pub(super) fn integer_power(&mut self, a: ScalarId, b: ScalarId, narrow: DType) -> ScalarId {
        let dtype = self.dtype(a);
        let (zero, one) = (self.integer(dtype, 0), self.integer(dtype, 1));
        let constant = self.value(b).map(Number::to_i128);
        if constant.is_some_and(|exponent| exponent < 0) {
            return zero;
        }
        let digits = match constant {
            Some(exponent) => 128 - exponent.leading_zeros(),
            None => narrow.bits() as u32 - u32::from(narrow.is_signed()),
        };
        let (mut result, mut square) = (one, a);
        for digit in 0..digits {
            if digit > 0 {
                square = self.multiply(square, square);
            }
            if let Some(exponent) = constant {
                if exponent >> digit & 1 == 1 {
                    result = self.multiply(result, square);
                }
                continue;
            }
            let rest = self.shift_right(b, digit);
            let bit = self.and(rest, one);
            let set = self.not_equal(bit, zero);
            let product = self.multiply(result, square);
            result = self.select(set, product, result);
        }
        if constant.is_some() || !narrow.is_signed() {
            return result;
        }
        let negative = self.less(b, zero);
        self.select(negative, zero, result)
    }
}
