use eyas_ir::ScalarId;
use eyas_tensor::DType;

use super::exp::ln_2;
use super::writer::Writer;

/// `(log(1 + f) - f + f^2 / 2) / f^3` for `1 + f` in `[sqrt(1/2), sqrt(2)]`: minimax, relative
/// error of the logarithm 7.6e-10.
const NARROW: [f64; 9] = [
    0.333_333_124_159_187_4,
    -0.250_000_096_268_463_4,
    0.200_021_335_152_109_9,
    -0.166_680_070_756_537_5,
    0.142_192_260_468_291_86,
    -0.124_051_363_539_098_06,
    0.118_903_144_701_794_71,
    -0.116_796_341_224_934_46,
    0.067_465_848_401_286_03,
];

/// `(log((1 + s) / (1 - s)) - 2 s) / s^3` in `s^2`: the series of the inverse hyperbolic tangent.
const WIDE: [f64; 10] = [
    2.0 / 3.0,
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

/// A positive finite number as `2^e * (1 + f)`, `1 + f` in `[sqrt(1/2), sqrt(2))`.
pub(super) struct Split {
    /// `e`, a float.
    pub(super) exponent: ScalarId,
    /// `f`
    pub(super) fraction: ScalarId,
}

impl Writer {
    /// The natural logarithm.
    pub(super) fn log(&mut self, x: ScalarId) -> ScalarId {
        let split = self.split(x);
        let [high, low] = ln_2(self.dtype(x));
        let (high, low) = (self.like(x, high), self.like(x, low));
        let (e, f) = (split.exponent, split.fraction);
        let small = self.multiply(e, low);
        let mut sum = match self.dtype(x) {
            DType::F64 => {
                let (two, half) = (self.like(x, 2.0), self.like(x, 0.5));
                let below = self.add(two, f);
                let s = self.divide(f, below);
                let square = self.multiply(s, s);
                let series = self.polynomial(square, &WIDE);
                let rest = self.multiply(square, series);
                // `log(1 + f) = f - (f^2/2 - s (f^2/2 + rest))`: what is rounded is small.
                let half_square = self.multiply(half, f);
                let half_square = self.multiply(half_square, f);
                let inner = self.add(half_square, rest);
                let inner = self.step(s, inner, small);
                let correction = self.subtract(half_square, inner);
                self.subtract(f, correction)
            }
            _ => {
                let series = self.polynomial(f, &NARROW);
                let square = self.multiply(f, f);
                let cube = self.multiply(series, f);
                let half = self.like(x, -0.5);
                let inner = self.add(cube, half);
                let rest = self.step(square, inner, small);
                self.add(f, rest)
            }
        };
        sum = self.step(e, high, sum);
        self.log_of_edges(x, sum)
    }

    /// Takes a number apart; denormals are scaled first.
    pub(super) fn split(&mut self, x: ScalarId) -> Split {
        let wide = self.dtype(x) == DType::F64;
        let (least, scale, digits) = if wide {
            (f64::MIN_POSITIVE, 18_014_398_509_481_984.0, 54.0)
        } else {
            (f32::MIN_POSITIVE.into(), 33_554_432.0, 25.0)
        };
        let (least, scale) = (self.like(x, least), self.like(x, scale));
        let denormal = self.less(x, least);
        let scaled = self.multiply(x, scale);
        let normal = self.select(denormal, scaled, x);
        let (bits_type, significand) = (self.bits_type(x), self.significand(x));
        let bits = self.bits_of(normal);
        let root = self.like(x, std::f64::consts::FRAC_1_SQRT_2);
        let root = self.bits_of(root);
        let above = self.subtract(bits, root);
        let exponent = self.shift_right(above, significand);
        let moved = self.shift_left(exponent, significand);
        let fraction = self.subtract(bits, moved);
        let fraction = self.float_of(fraction);
        let one = self.one(x);
        let fraction = self.subtract(fraction, one);
        // The exponent is small, so adding it to the magic number's bits converts it.
        let magic = self.magic(x);
        let magic_bits = self.bits(magic, bits_type);
        let sum = self.add(exponent, magic_bits);
        let sum = self.float_of(sum);
        let exponent = self.subtract(sum, magic);
        let (none, digits) = (self.like(x, 0.0), self.like(x, digits));
        let shift = self.select(denormal, digits, none);
        let exponent = self.subtract(exponent, shift);
        Split { exponent, fraction }
    }

    /// The logarithm of 0, infinity, negative numbers and NaN, else the value.
    pub(super) fn log_of_edges(&mut self, x: ScalarId, value: ScalarId) -> ScalarId {
        let infinity = self.like(x, f64::INFINITY);
        let finite = self.less(x, infinity);
        // Infinity and NaN are their own logarithm.
        let value = self.select(finite, value, x);
        let zero = self.like(x, 0.0);
        let (none, below) = (self.equal(x, zero), self.less(x, zero));
        let least = self.like(x, f64::NEG_INFINITY);
        let value = self.select(none, least, value);
        let nan = self.like(x, f64::NAN);
        self.select(below, nan, value)
    }
}
