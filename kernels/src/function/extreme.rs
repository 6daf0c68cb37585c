use eyas_ir::{Comparison, ScalarId, ScalarOp};
use eyas_tensor::Number;

use super::writer::Writer;

impl Writer {
    /// The greater or lesser of two; of floats, NaN where one is.
    pub(super) fn extreme(&mut self, wins: Comparison, a: ScalarId, b: ScalarId) -> ScalarId {
        if !self.dtype(a).is_float() {
            return self.chosen(wins, a, b);
        }
        // A comparison with NaN fails, so the second operand may be NaN.
        if self.is_number(a) {
            return self.chosen(wins, a, b);
        }
        if self.is_number(b) {
            return self.chosen(wins, b, a);
        }
        let chosen = self.chosen(wins, a, b);
        let nan = self.not_equal(a, a);
        self.select(nan, a, chosen)
    }

    fn chosen(&mut self, wins: Comparison, a: ScalarId, b: ScalarId) -> ScalarId {
        let first = self.compare(wins, a, b);
        self.select(first, a, b)
    }

    /// Whether this is a constant that is not NaN.
    fn is_number(&self, id: ScalarId) -> bool {
        matches!(self.value(id), Some(Number::Float(x)) if !x.is_nan())
    }

    /// The value of a constant.
    pub(super) fn value(&self, id: ScalarId) -> Option<Number> {
        match self.op(id) {
            ScalarOp::Literal(constant) => constant.splat(),
            _ => None,
        }
    }

    /// -1, 0 or 1; of floats, zeros and NaN stay.
    pub(super) fn sign(&mut self, a: ScalarId) -> ScalarId {
        let dtype = self.dtype(a);
        let [zero, one] = [0, 1].map(|n| self.literal(dtype, Number::Int(n)));
        let above = self.greater(a, zero);
        if !dtype.is_signed() {
            return self.select(above, one, zero);
        }
        let minus = self.literal(dtype, Number::Int(-1));
        let below = self.less(a, zero);
        let other = if dtype.is_float() { a } else { zero };
        let other = self.select(below, minus, other);
        self.select(above, one, other)
    }
}
