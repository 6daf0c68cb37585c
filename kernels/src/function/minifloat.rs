use eyas_ir::ScalarId;
use eyas_tensor::DType;

use super::writer::Writer;

/// A float of at most 16 bits whose exponent has another range than that of f32.
pub(super) struct MiniFloat {
    /// Bits of the code.
    bits: u32,
    /// Bits of the significand that are stored.
    significand: u32,
    /// What the exponent's bias lacks to that of f32.
    bias: i32,
    /// The least code without sign that is no finite number.
    beyond: i64,
    /// The code without sign of what is too large.
    overflow: i64,
    /// A code without sign of NaN.
    nan: i64,
}

/// Infinity's bits in f32.
const INFINITY: i64 = 0x7f80_0000;

impl MiniFloat {
    /// The format; `None` for bf16 and wider types.
    pub(super) fn of(dtype: DType) -> Option<MiniFloat> {
        let format = |bits, significand, bias, [beyond, overflow, nan]: [i64; 3]| {
            Some(MiniFloat {
                bits,
                significand,
                bias,
                beyond,
                overflow,
                nan,
            })
        };
        match dtype {
            DType::F16 => format(16, 10, 112, [0x7c00, 0x7c00, 0x7e00]),
            DType::F8E5M2 => format(8, 2, 112, [0x7c, 0x7c, 0x7f]),
            DType::F8E4M3 => format(8, 3, 120, [0x7f, 0x7f, 0x7f]),
            _ => None,
        }
    }

    /// The integer type of a narrow float's code.
    pub(super) fn code_type(dtype: DType) -> DType {
        match dtype.bits() {
            16 => DType::U16,
            _ => DType::U8,
        }
    }

    /// Bits of an f32's significand that the format has not.
    fn shift(&self) -> u32 {
        23 - self.significand
    }

    /// The exponent of the least positive number.
    fn least_digit(&self) -> i32 {
        self.bias - 126 - self.significand as i32
    }

    fn sign(&self) -> i64 {
        1 << (self.bits - 1)
    }
}

impl Writer {
    /// The f32 of a code, an i32.
    pub(super) fn decoded(&mut self, format: &MiniFloat, code: ScalarId) -> ScalarId {
        let int = DType::I32;
        let (magnitude, sign) = (
            self.integer(int, format.sign() - 1),
            self.integer(int, format.sign()),
        );
        let (magnitude, sign) = (self.and(code, magnitude), self.and(code, sign));
        // Multiplying moves the bias; what is denormal becomes normal.
        let bits = self.shift_left(magnitude, format.shift());
        let value = self.float_of(bits);
        let scale = self.float(DType::F32, 2f64.powi(format.bias));
        let value = self.multiply(value, scale);
        let bits = self.bits_of(value);
        let [last, none, infinity] = [format.beyond - 1, 0, INFINITY].map(|n| self.integer(int, n));
        let beyond = self.greater(magnitude, last);
        let mask = self.select(beyond, infinity, none);
        let bits = self.or(bits, mask);
        let sign = self.shift_left(sign, 32 - format.bits);
        let bits = self.or(bits, sign);
        self.float_of(bits)
    }

    /// The code, an i32, of the number that an f32 is nearest to, ties to even.
    pub(super) fn encoded(&mut self, format: &MiniFloat, a: ScalarId) -> ScalarId {
        let (int, shift) = (DType::I32, format.shift());
        let least = i64::from(format.bias + 1) << 23;
        let half = (1 << (shift - 1)) - 1;
        let bias = i64::from(format.bias) << 23;
        let [mask, one, least, step, overflow, infinity, nan] = [
            0x7fff_ffff,
            1,
            least,
            half - bias,
            format.overflow,
            INFINITY,
            format.nan,
        ]
        .map(|n| self.integer(int, n));
        let bits = self.bits_of(a);
        let magnitude = self.and(bits, mask);
        let odd = self.shift_right(magnitude, shift);
        let odd = self.and(odd, one);
        let step = self.add(odd, step);
        let normal = self.add(magnitude, step);
        let normal = self.shift_right(normal, shift);
        // Adding a number whose last digit is the format's least rounds to that digit.
        let base = self.float(DType::F32, 2f64.powi(format.least_digit() + 23));
        let base_bits = self.bits_of(base);
        let value = self.float_of(magnitude);
        let sum = self.add(value, base);
        let sum = self.bits_of(sum);
        let denormal = self.subtract(sum, base_bits);
        let small = self.less(magnitude, least);
        let code = self.select(small, denormal, normal);
        let large = self.greater(code, overflow);
        let code = self.select(large, overflow, code);
        let not_a_number = self.greater(magnitude, infinity);
        let code = self.select(not_a_number, nan, code);
        let sign = self.shift_right(bits, 32 - format.bits);
        let high = self.integer(int, format.sign());
        let sign = self.and(sign, high);
        self.or(code, sign)
    }
}
