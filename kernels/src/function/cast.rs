use eyas_ir::{ScalarId, ScalarOp};
use eyas_tensor::{DType, Number};

use super::minifloat::MiniFloat;
use super::working;
use super::writer::Writer;

/// Integers up to this magnitude are floats of any kind but the rounding.
const EXACT: i128 = 1 << 53;

impl Writer {
    /// A conversion as `Cast` means it, by casts that all targets have.
    pub(super) fn convert(&mut self, a: ScalarId, to: DType) -> ScalarId {
        use DType::*;
        let from = self.dtype(a);
        if from == to {
            return a;
        }
        if let Some(value) = self.value(a).filter(|value| !is_large(*value)) {
            return self.literal(to, value);
        }
        match (from, to) {
            (Bool, _) => {
                let wide = working(to);
                let [one, zero] = [1, 0].map(|n| self.literal(wide, Number::Int(n)));
                let value = self.select(a, one, zero);
                self.convert(value, to)
            }
            (_, Bool) => {
                let a = self.convert(a, working(from));
                let zero = self.literal(working(from), Number::Int(0));
                self.not_equal(a, zero)
            }
            (F16 | BF16 | F8E4M3 | F8E5M2, F32) => self.widened(a),
            (F16 | BF16 | F8E4M3 | F8E5M2, _) => self.through(a, F32, to),
            (F32, F16 | BF16 | F8E4M3 | F8E5M2) => self.narrowed(a, to),
            (F64, F16 | BF16 | F8E4M3 | F8E5M2) => {
                let a = self.rounded_to_odd(a);
                self.narrowed(a, to)
            }
            (I16 | I8 | I4 | U16 | U8 | U4, I32) => self.cast(a, to),
            (I16 | I8 | I4 | U16 | U8 | U4, _) => self.through(a, I32, to),
            (F32 | F64, I16 | I8 | I4 | U16 | U8 | U4) => {
                let wide = self.cast(a, I32);
                let (least, greatest) = to.integer_range().unwrap_or_default();
                let [least, greatest] =
                    [least, greatest].map(|n| self.literal(I32, Number::Int(n)));
                let above = self.greater(wide, greatest);
                let wide = self.select(above, greatest, wide);
                let below = self.less(wide, least);
                let wide = self.select(below, least, wide);
                self.cast(wide, to)
            }
            (I32, I16 | I8 | I4 | U16 | U8 | U4) => self.cast(a, to),
            (_, I16 | I8 | I4 | U16 | U8 | U4) => self.through(a, I32, to),
            (I64 | U64, BF16) => {
                let a = self.with_sticky_bit(a);
                self.through(a, F64, to)
            }
            (_, F16 | BF16 | F8E4M3 | F8E5M2) => self.through(a, F64, to),
            _ => self.cast(a, to),
        }
    }

    fn through(&mut self, a: ScalarId, middle: DType, to: DType) -> ScalarId {
        let a = self.convert(a, middle);
        self.convert(a, to)
    }

    /// The same bits as another type of the same width.
    pub(super) fn reinterpret(&mut self, a: ScalarId, to: DType) -> ScalarId {
        let from = self.dtype(a);
        if from == to {
            return a;
        }
        let whole = |dtype: DType| dtype == DType::Bool || dtype.is_integer() && dtype.bits() < 32;
        match (from, to) {
            _ if whole(from) && whole(to) => self.convert(a, to),
            (DType::Bool, _) => {
                let a = self.convert(a, DType::U8);
                self.push(ScalarOp::Bitcast(a), to)
            }
            (_, DType::Bool) => {
                let a = self.push(ScalarOp::Bitcast(a), DType::U8);
                self.convert(a, to)
            }
            _ => self.push(ScalarOp::Bitcast(a), to),
        }
    }

    fn widened(&mut self, a: ScalarId) -> ScalarId {
        let from = self.dtype(a);
        if self.available.half && matches!(from, DType::F16 | DType::BF16) {
            return self.cast(a, DType::F32);
        }
        let code = MiniFloat::code_type(from);
        let bits = self.bits(a, code);
        let bits = self.cast(bits, DType::I32);
        match MiniFloat::of(from) {
            None => {
                let bits = self.shift_left(bits, 16);
                self.float_of(bits)
            }
            Some(format) => self.decoded(&format, bits),
        }
    }

    fn narrowed(&mut self, a: ScalarId, to: DType) -> ScalarId {
        if self.available.half && matches!(to, DType::F16 | DType::BF16) {
            return self.cast(a, to);
        }
        let bits = match MiniFloat::of(to) {
            None => self.upper_half(a),
            Some(format) => self.encoded(&format, a),
        };
        let bits = self.cast(bits, MiniFloat::code_type(to));
        self.bits(bits, to)
    }

    /// The code of an f32 as bf16, ties to even.
    fn upper_half(&mut self, a: ScalarId) -> ScalarId {
        let bits = self.bits_of(a);
        let [one, below, quiet] = [1, 0x7fff, 0x40].map(|n| self.integer(DType::I32, n));
        let upper = self.shift_right(bits, 16);
        let odd = self.and(upper, one);
        let step = self.add(odd, below);
        let rounded = self.add(bits, step);
        let rounded = self.shift_right(rounded, 16);
        let nan = self.not_equal(a, a);
        let quieted = self.or(upper, quiet);
        self.select(nan, quieted, rounded)
    }

    /// An f64 as f32, rounded to odd: rounding that again to fewer digits is rounding once.
    fn rounded_to_odd(&mut self, a: ScalarId) -> ScalarId {
        let nearest = self.cast(a, DType::F32);
        let back = self.cast(nearest, DType::F64);
        let (magnitude, exact) = (self.absolute(back), self.absolute(a));
        let [zero, one] = [0, 1].map(|n| self.integer(DType::I32, n));
        let bits = self.bits_of(nearest);
        // Comparisons with NaN fail, which leaves it as it is.
        let above = self.greater(magnitude, exact);
        let step = self.select(above, one, zero);
        let bits = self.subtract(bits, step);
        let below = self.less(magnitude, exact);
        let inexact = self.or(above, below);
        let odd = self.select(inexact, one, zero);
        let bits = self.or(bits, odd);
        self.float_of(bits)
    }

    /// An integer whose value as f64 rounds to bf16 as the integer itself does.
    fn with_sticky_bit(&mut self, a: ScalarId) -> ScalarId {
        let dtype = self.dtype(a);
        let [low, bit, zero] = [0xfff, 0x1000, 0].map(|n| self.integer(dtype, n));
        let rest = self.and(a, low);
        let cleared = self.subtract(a, rest);
        let some = self.not_equal(rest, zero);
        let sticky = self.select(some, bit, zero);
        let sticky = self.or(cleared, sticky);
        let far = self.literal(dtype, Number::Int(EXACT));
        let mut large = self.greater(a, far);
        if dtype.is_signed() {
            let far = self.literal(dtype, Number::Int(-EXACT));
            let below = self.less(a, far);
            large = self.or(large, below);
        }
        self.select(large, sticky, a)
    }
}

fn is_large(value: Number) -> bool {
    matches!(value, Number::Int(n) if n.abs() > EXACT)
}
