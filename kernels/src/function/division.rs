use eyas_ir::{ScalarId, UnaryFunction};
use eyas_tensor::{DType, Number};

use super::writer::Writer;

impl Writer {
    /// `floor(a / b)`; f32 in f64, where the quotient is not rounded up to an integer.
    pub(super) fn floor_quotient(&mut self, a: ScalarId, b: ScalarId) -> ScalarId {
        let dtype = self.dtype(a);
        let (a, b) = (self.cast(a, DType::F64), self.cast(b, DType::F64));
        let quotient = self.divide(a, b);
        let floor = self.rounded(UnaryFunction::Floor, quotient);
        self.cast(floor, dtype)
    }

    /// `a - b * floor(a / b)`; f32 in f64.
    pub(super) fn float_remainder(&mut self, a: ScalarId, b: ScalarId) -> ScalarId {
        let dtype = self.dtype(a);
        let (a, b) = (self.cast(a, DType::F64), self.cast(b, DType::F64));
        let floor = self.floor_quotient(a, b);
        let multiple = self.multiply(b, floor);
        let rest = self.subtract(a, multiple);
        self.cast(rest, dtype)
    }

    /// Towards zero; by zero 0, and the least number by -1 is itself.
    pub(super) fn integer_quotient(&mut self, a: ScalarId, b: ScalarId) -> ScalarId {
        let quotient = self.guarded(a, b).quotient;
        self.unless_zero(b, quotient)
    }

    /// Towards negative infinity; by zero 0.
    pub(super) fn integer_floor_quotient(&mut self, a: ScalarId, b: ScalarId) -> ScalarId {
        if let Some(power) = self.power_of_two(b) {
            return self.shift_right(a, power);
        }
        let guarded = self.guarded(a, b);
        let Some(adjust) = self.below(a, &guarded) else {
            return self.unless_zero(b, guarded.quotient);
        };
        let dtype = self.dtype(a);
        let one = self.integer(dtype, 1);
        let less = self.subtract(guarded.quotient, one);
        let floor = self.select(adjust, less, guarded.quotient);
        self.unless_zero(b, floor)
    }

    /// What is left after floor division; by zero 0.
    pub(super) fn integer_remainder(&mut self, a: ScalarId, b: ScalarId) -> ScalarId {
        let dtype = self.dtype(a);
        if let Some(power) = self.power_of_two(b) {
            let mask = self.literal(dtype, Number::Int((1 << power) - 1));
            return self.and(a, mask);
        }
        let guarded = self.guarded(a, b);
        let rest = self.rest(a, &guarded);
        let rest = match self.below(a, &guarded) {
            None => rest,
            Some(adjust) => {
                let more = self.add(rest, guarded.divisor);
                self.select(adjust, more, rest)
            }
        };
        self.unless_zero(b, rest)
    }

    /// `k` where a constant is `2^k`.
    fn power_of_two(&self, id: ScalarId) -> Option<u32> {
        let value = self.value(id)?.to_i128();
        let power = value > 0 && value & (value - 1) == 0;
        power.then(|| value.trailing_zeros())
    }

    /// A division that cannot trap: by 1 where it would.
    fn guarded(&mut self, a: ScalarId, b: ScalarId) -> Guarded {
        let dtype = self.dtype(a);
        let divisor = match self.value(b).map(Number::to_i128) {
            Some(0) => self.integer(dtype, 1),
            Some(value) if value != -1 => b,
            _ => {
                let (zero, one) = (self.integer(dtype, 0), self.integer(dtype, 1));
                let mut traps = self.equal(b, zero);
                if let Some((least, _)) = dtype.integer_range().filter(|_| dtype.is_signed()) {
                    let least = self.literal(dtype, Number::Int(least));
                    let minus = self.integer(dtype, -1);
                    let (a, b) = (self.equal(a, least), self.equal(b, minus));
                    let overflows = self.and(a, b);
                    traps = self.or(traps, overflows);
                }
                self.select(traps, one, b)
            }
        };
        let quotient = self.divide(a, divisor);
        Guarded { divisor, quotient }
    }

    fn rest(&mut self, a: ScalarId, guarded: &Guarded) -> ScalarId {
        let multiple = self.multiply(guarded.quotient, guarded.divisor);
        self.subtract(a, multiple)
    }

    /// Whether the quotient towards zero is above the floor; never for unsigned numbers.
    fn below(&mut self, a: ScalarId, guarded: &Guarded) -> Option<ScalarId> {
        let dtype = self.dtype(a);
        if !dtype.is_signed() {
            return None;
        }
        let rest = self.rest(a, guarded);
        let zero = self.integer(dtype, 0);
        let some = self.not_equal(rest, zero);
        let signs = self.xor(rest, guarded.divisor);
        let differ = self.less(signs, zero);
        Some(self.and(some, differ))
    }

    fn unless_zero(&mut self, b: ScalarId, value: ScalarId) -> ScalarId {
        let dtype = self.dtype(b);
        let zero = self.integer(dtype, 0);
        match self.value(b).map(Number::to_i128) {
            Some(0) => zero,
            Some(_) => value,
            None => {
                let none = self.equal(b, zero);
                self.select(none, zero, value)
            }
        }
    }
}

struct Guarded {
    divisor: ScalarId,
    quotient: ScalarId,
}
