use eyas_ir::ScalarId;
use eyas_tensor::DType;

use super::writer::Writer;

/// `(e^r - 1 - r) / r^2` for `|r| <= ln(2) / 2`: minimax, relative error of `e^r` 3.1e-9.
const NARROW: [f64; 5] = [
    0.499_999_934_334_641_85,
    0.166_665_204_022_325_6,
    0.041_668_390_517_622_1,
    0.008_368_744_903_913_516,
    0.001_381_455_363_995_658_5,
];

/// The same as a Taylor series, relative error 4e-18.
const WIDE: [f64; 12] = [
    1.0 / 2.0,
    1.0 / 6.0,
    1.0 / 24.0,
    1.0 / 120.0,
    1.0 / 720.0,
    1.0 / 5_040.0,
    1.0 / 40_320.0,
    1.0 / 362_880.0,
    1.0 / 3_628_800.0,
    1.0 / 39_916_800.0,
    1.0 / 479_001_600.0,
    1.0 / 6_227_020_800.0,
];

/// ln(2) in two parts; products of the first with exponents are exact.
pub(super) fn ln_2(dtype: DType) -> [f64; 2] {
    match dtype {
        DType::F64 => [0.693_147_180_369_123_8, 1.908_214_929_270_587_7e-10],
        _ => [0.693_359_375, -2.121_944_400_546_905_8e-4],
    }
}

/// A number as `n * ln(2) + r`.
pub(super) struct Reduced {
    /// `magic + n`, whose low bits are `n`.
    pub(super) shifted: ScalarId,
    /// `|r| <= ln(2) / 2`
    pub(super) rest: ScalarId,
}

impl Writer {
    /// `e^x`: clamped to where the result is neither 0 nor infinite, reduced by ln(2) (Cody and
    /// Waite), a polynomial, and scaled by powers of two in two steps, so that denormal results
    /// round once.
    pub(super) fn exp(&mut self, x: ScalarId) -> ScalarId {
        let none = self.like(x, 0.0);
        self.exp_of_sum(x, none)
    }

    /// `e^(x + more)`, `more` being small beside `x`.
    pub(super) fn exp_of_sum(&mut self, x: ScalarId, more: ScalarId) -> ScalarId {
        let (low, high) = match self.dtype(x) {
            DType::F64 => (-746.0, 710.0),
            _ => (-104.0, 89.0),
        };
        let x = self.at_most(x, high);
        let x = self.at_least(x, low);
        let reduced = self.reduced(x);
        let exact = matches!(self.value(more), Some(number) if number.to_f64() == 0.0);
        let rest = match exact {
            true => reduced.rest,
            false => self.add(reduced.rest, more),
        };
        let value = self.exp_of_rest(rest);
        self.scaled(value, reduced.shifted)
    }

    pub(super) fn reduced(&mut self, x: ScalarId) -> Reduced {
        let inverse = self.like(x, std::f64::consts::LOG2_E);
        let magic = self.magic(x);
        let shifted = self.step(x, inverse, magic);
        let n = self.subtract(shifted, magic);
        let mut rest = x;
        for part in ln_2(self.dtype(x)) {
            let part = self.like(x, -part);
            rest = self.step(n, part, rest);
        }
        Reduced { shifted, rest }
    }

    /// `e^r` for `|r| <= ln(2) / 2`.
    pub(super) fn exp_of_rest(&mut self, rest: ScalarId) -> ScalarId {
        let coefficients = self.exp_coefficients(rest);
        self.polynomial(rest, &[&[1.0, 1.0], coefficients].concat())
    }

    /// `(e^r - 1 - r) / r^2`
    pub(super) fn exp_coefficients(&self, rest: ScalarId) -> &'static [f64] {
        match self.dtype(rest) {
            DType::F64 => &WIDE,
            _ => &NARROW,
        }
    }

    /// `value * 2^n`, `shifted` being `magic + n`.
    fn scaled(&mut self, value: ScalarId, shifted: ScalarId) -> ScalarId {
        let significand = self.significand(value);
        let bits = self.bits_of(shifted);
        let half = self.shift_right(bits, 1);
        let half = self.shift_left(half, significand);
        let all = self.shift_left(bits, significand);
        let rest = self.subtract(all, half);
        let value = self.scaled_by(value, half);
        self.scaled_by(value, rest)
    }

    /// Times the power of two whose exponent stands in the exponent's place.
    fn scaled_by(&mut self, value: ScalarId, exponent: ScalarId) -> ScalarId {
        let one = self.one(value);
        let one = self.bits_of(one);
        let bits = self.add(exponent, one);
        let power = self.float_of(bits);
        self.multiply(value, power)
    }

    /// `value * 2^n` where that is a normal number, `shifted` being `magic + n`.
    pub(super) fn scaled_within(&mut self, value: ScalarId, shifted: ScalarId) -> ScalarId {
        let significand = self.significand(value);
        let (bits, shifted) = (self.bits_of(value), self.bits_of(shifted));
        let exponent = self.shift_left(shifted, significand);
        let bits = self.add(bits, exponent);
        self.float_of(bits)
    }
}
