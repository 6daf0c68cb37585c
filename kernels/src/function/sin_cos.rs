use eyas_ir::ScalarId;
use eyas_tensor::DType;

use super::writer::Writer;

/// 2 / pi in pieces of 29 bits, so that products with an f32 are exact; after them comes less
/// than 2^-203.
const TWO_OVER_PI: [f64; 7] = [
    0.636_619_770_899_415,
    1.468_166_324_625_208_6e-9,
    2.276_010_067_197_181_6e-18,
    5.881_214_738_773_043_4e-27,
    1.034_686_870_083_621_5e-35,
    3.783_256_351_091_319e-45,
    3.720_474_878_517_739e-53,
];

/// pi / 2 in pieces; the products of the first three with integers below 2^20 are exact.
const PI_OVER_TWO: [f64; 4] = [
    1.570_796_326_734_125_6,
    6.077_100_506_303_966e-11,
    2.022_266_248_711_166_5e-21,
    8.478_427_660_368_9e-32,
];

/// `(sin(r) - r) / r^3` in `r^2`, its Taylor series.
const SIN: [f64; 8] = [
    -1.0 / 6.0,
    1.0 / 120.0,
    -1.0 / 5_040.0,
    1.0 / 362_880.0,
    -1.0 / 39_916_800.0,
    1.0 / 6_227_020_800.0,
    -1.0 / 1_307_674_368_000.0,
    1.0 / 355_687_428_096_000.0,
];

/// `(cos(r) - 1 + r^2 / 2) / r^4` in `r^2`.
const COS: [f64; 8] = [
    1.0 / 24.0,
    -1.0 / 720.0,
    1.0 / 40_320.0,
    -1.0 / 3_628_800.0,
    1.0 / 479_001_600.0,
    -1.0 / 87_178_291_200.0,
    1.0 / 20_922_789_888_000.0,
    -1.0 / 6_402_373_705_728_000.0,
];

/// A number as `quadrant * pi / 2 + rest`.
struct Turned {
    /// An i64 whose low bits are the quadrant.
    quadrant: ScalarId,
    /// `|rest| <= pi / 4`
    rest: ScalarId,
}

impl Writer {
    /// The sine or cosine, computed in f64.
    pub(super) fn sin_cos(&mut self, x: ScalarId, cosine: bool) -> ScalarId {
        let dtype = self.dtype(x);
        let x = self.cast(x, DType::F64);
        let wide = self.absolute(x);
        let turned = match dtype {
            DType::F64 => self.turned(wide),
            _ => self.turned_exactly(wide),
        };
        let r = turned.rest;
        let square = self.multiply(r, r);
        let series = self.polynomial(square, &SIN);
        let series = self.multiply(series, square);
        let sin = self.step(series, r, r);
        let series = self.polynomial(square, &COS);
        let (half, one) = (self.like(r, -0.5), self.one(r));
        let inner = self.step(series, square, half);
        let cos = self.step(inner, square, one);

        let [zero, first, second] = [0, 1, 2].map(|n| self.integer(DType::I64, n));
        let quadrant = match cosine {
            true => self.add(turned.quadrant, first),
            false => turned.quadrant,
        };
        let odd = self.and(quadrant, first);
        let odd = self.not_equal(odd, zero);
        let value = self.select(odd, cos, sin);
        let upper = self.and(quadrant, second);
        let upper = self.not_equal(upper, zero);
        let opposite = match cosine {
            true => upper,
            false => {
                let sign = self.bits_of(x);
                let negative = self.less(sign, zero);
                self.xor(upper, negative)
            }
        };
        let other = self.negate(value);
        let value = self.select(opposite, other, value);
        self.cast(value, dtype)
    }

    /// By pieces of pi / 2 (Cody and Waite).
    fn turned(&mut self, x: ScalarId) -> Turned {
        let scale = self.like(x, std::f64::consts::FRAC_2_PI);
        let magic = self.magic(x);
        let shifted = self.step(x, scale, magic);
        let n = self.subtract(shifted, magic);
        let mut rest = x;
        for part in PI_OVER_TWO {
            let part = self.like(x, -part);
            rest = self.step(n, part, rest);
        }
        Turned {
            quadrant: self.bits_of(shifted),
            rest,
        }
    }

    /// By the digits of 2 / pi that count, for any f32 (Payne and Hanek, "Radian reduction for
    /// trigonometric functions", 1983): the product with each piece modulo 4, summed.
    fn turned_exactly(&mut self, x: ScalarId) -> Turned {
        // 0, but for infinity and NaN, which have no sine.
        let none = self.like(x, 0.0);
        let mut sum = self.multiply(x, none);
        for (place, piece) in TWO_OVER_PI.into_iter().enumerate() {
            let piece = self.like(x, piece);
            let product = self.multiply(x, piece);
            let rest = match place {
                0..=2 => {
                    // A float from here on is a multiple of 4.
                    let limit = self.like(x, 18_014_398_509_481_984.0);
                    let whole = self.greater(product, limit);
                    let rest = self.modulo_four(product);
                    self.select(whole, none, rest)
                }
                3 | 4 => self.modulo_four(product),
                _ => product,
            };
            sum = self.add(sum, rest);
        }
        let magic = self.magic(x);
        let shifted = self.add(sum, magic);
        let n = self.subtract(shifted, magic);
        let fraction = self.subtract(sum, n);
        let scale = self.like(x, std::f64::consts::FRAC_PI_2);
        Turned {
            quadrant: self.bits_of(shifted),
            rest: self.multiply(fraction, scale),
        }
    }

    /// A number congruent to one that is not negative, not far from 0.
    fn modulo_four(&mut self, product: ScalarId) -> ScalarId {
        let (magic, quarter) = (self.magic(product), self.like(product, 0.25));
        let four = self.like(product, -4.0);
        let turns = self.step(product, quarter, magic);
        let turns = self.subtract(turns, magic);
        self.step(turns, four, product)
    }
}
