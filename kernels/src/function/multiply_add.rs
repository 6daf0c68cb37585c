use eyas_ir::ScalarId;
use eyas_tensor::DType;

use super::writer::Writer;

impl Writer {
    /// `a * b + c` rounded once; of f64 on targets that lack it, but for products near the ends
    /// of the range and sums within 2^-106 of a tie.
    pub(super) fn fused(&mut self, a: ScalarId, b: ScalarId, c: ScalarId) -> ScalarId {
        if self.available.fused {
            return self.multiply_add(a, b, c);
        }
        match self.dtype(a) {
            DType::F64 => {
                let (product, low) = self.exact_product(a, b);
                let (sum, error) = self.exact_sum(product, c);
                let rest = self.add(error, low);
                let none = self.like(a, 0.0);
                let known = self.equal(rest, rest);
                let rest = self.select(known, rest, none);
                self.add(sum, rest)
            }
            dtype => {
                let [a, b, c] = [a, b, c].map(|x| self.cast(x, DType::F64));
                let product = self.multiply(a, b);
                let sum = self.sum_to_odd(product, c);
                self.cast(sum, dtype)
            }
        }
    }

    /// A sum of two f64 rounded to odd, so that rounding it again to f32 is rounding once (Boldo
    /// and Melquiond, "Emulation of FMA and correctly rounded sums", 2008).
    fn sum_to_odd(&mut self, a: ScalarId, b: ScalarId) -> ScalarId {
        let (sum, error) = self.exact_sum(a, b);
        let [zero, one, minus] = [0, 1, -1].map(|n| self.integer(DType::I64, n));
        let none = self.like(a, 0.0);
        let positive = self.greater(sum, none);
        let away = self.select(positive, one, minus);
        let toward = self.select(positive, minus, one);
        // An infinite sum has an error that is NaN, which is neither.
        let (more, less) = (self.greater(error, none), self.less(error, none));
        let step = self.select(less, toward, zero);
        let step = self.select(more, away, step);
        let bits = self.bits_of(sum);
        let odd = self.and(bits, one);
        let even = self.equal(odd, zero);
        let step = self.select(even, step, zero);
        let bits = self.add(bits, step);
        self.float_of(bits)
    }
}
