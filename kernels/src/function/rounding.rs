use eyas_ir::{ScalarId, UnaryFunction};
use eyas_tensor::DType;

use super::writer::Writer;

impl Writer {
    /// Floor, ceil, or the nearest integer with ties to even.
    pub(super) fn rounded(&mut self, function: UnaryFunction, x: ScalarId) -> ScalarId {
        if self.available.rounding {
            return self.unary(function, x);
        }
        // Numbers of this magnitude are integers, and sums with it round to integers.
        let limit = match self.dtype(x) {
            DType::F64 => 4_503_599_627_370_496.0,
            _ => 8_388_608.0,
        };
        let limit = self.like(x, limit);
        let magnitude = self.absolute(x);
        let sum = self.add(magnitude, limit);
        let nearest = self.subtract(sum, limit);
        let nearest = self.with_sign_of(nearest, x);
        let (one, zero) = (self.one(x), self.like(x, 0.0));
        let rounded = match function {
            UnaryFunction::Floor => {
                let above = self.greater(nearest, x);
                let step = self.select(above, one, zero);
                self.subtract(nearest, step)
            }
            UnaryFunction::Ceil => {
                let below = self.less(nearest, x);
                let step = self.select(below, one, zero);
                let up = self.add(nearest, step);
                // What is rounded up to zero keeps its sign.
                let magnitude = self.absolute(up);
                self.with_sign_of(magnitude, x)
            }
            _ => nearest,
        };
        let fraction = self.less(magnitude, limit);
        self.select(fraction, rounded, x)
    }
}
