use std::ops::{Deref, DerefMut};

use eyas_ir::{BinaryFunction, Body, BodyBuilder, Comparison, ScalarId, ScalarOp, UnaryFunction};
use eyas_tensor::DType;

use super::Capabilities;

/// Writes a body in what a target has.
pub(super) struct Writer {
    builder: BodyBuilder,
    pub(super) available: Capabilities,
}

impl Deref for Writer {
    type Target = BodyBuilder;

    fn deref(&self) -> &BodyBuilder {
        &self.builder
    }
}

impl DerefMut for Writer {
    fn deref_mut(&mut self) -> &mut BodyBuilder {
        &mut self.builder
    }
}

/// A method for each function of two numbers.
macro_rules! binary {
    ($($name:ident $function:ident),*) => {$(
        pub(super) fn $name(&mut self, a: ScalarId, b: ScalarId) -> ScalarId {
            self.binary(BinaryFunction::$function, a, b)
        }
    )*};
}

impl Writer {
    pub(super) fn new(available: Capabilities) -> Writer {
        Writer {
            builder: BodyBuilder::new(),
            available,
        }
    }

    pub(super) fn finish(self, outputs: &[ScalarId]) -> Body {
        self.builder.finish(outputs)
    }

    binary!(
        add Add,
        subtract Subtract,
        multiply Multiply,
        divide Divide,
        and And,
        or Or,
        xor Xor
    );

    pub(super) fn negate(&mut self, a: ScalarId) -> ScalarId {
        self.unary(UnaryFunction::Negate, a)
    }

    pub(super) fn absolute(&mut self, a: ScalarId) -> ScalarId {
        self.unary(UnaryFunction::Absolute, a)
    }

    pub(super) fn sqrt(&mut self, a: ScalarId) -> ScalarId {
        self.unary(UnaryFunction::Sqrt, a)
    }

    pub(super) fn not(&mut self, a: ScalarId) -> ScalarId {
        self.unary(UnaryFunction::Not, a)
    }

    pub(super) fn less(&mut self, a: ScalarId, b: ScalarId) -> ScalarId {
        self.compare(Comparison::Less, a, b)
    }

    pub(super) fn greater(&mut self, a: ScalarId, b: ScalarId) -> ScalarId {
        self.compare(Comparison::Greater, a, b)
    }

    pub(super) fn equal(&mut self, a: ScalarId, b: ScalarId) -> ScalarId {
        self.compare(Comparison::Equal, a, b)
    }

    pub(super) fn not_equal(&mut self, a: ScalarId, b: ScalarId) -> ScalarId {
        self.compare(Comparison::NotEqual, a, b)
    }

    pub(super) fn bits(&mut self, a: ScalarId, dtype: DType) -> ScalarId {
        self.push(ScalarOp::Bitcast(a), dtype)
    }

    pub(super) fn shift_left(&mut self, a: ScalarId, by: u32) -> ScalarId {
        let dtype = self.dtype(a);
        self.push(ScalarOp::ShiftLeft(a, by), dtype)
    }

    pub(super) fn shift_right(&mut self, a: ScalarId, by: u32) -> ScalarId {
        let dtype = self.dtype(a);
        self.push(ScalarOp::ShiftRight(a, by), dtype)
    }

    /// A constant of the type of a float.
    pub(super) fn like(&mut self, a: ScalarId, value: f64) -> ScalarId {
        let dtype = self.dtype(a);
        self.float(dtype, value)
    }

    /// 1 of the type of a float.
    pub(super) fn one(&mut self, a: ScalarId) -> ScalarId {
        self.like(a, 1.0)
    }

    /// `a * b + c`, rounded once where the target does that.
    pub(super) fn step(&mut self, a: ScalarId, b: ScalarId, c: ScalarId) -> ScalarId {
        if self.available.fused {
            return self.multiply_add(a, b, c);
        }
        let product = self.multiply(a, b);
        self.add(product, c)
    }

    /// A polynomial, the constant term first.
    pub(super) fn polynomial(&mut self, x: ScalarId, coefficients: &[f64]) -> ScalarId {
        let mut terms = coefficients.iter().rev();
        let mut sum = self.like(x, terms.next().copied().unwrap_or(0.0));
        for &term in terms {
            let term = self.like(x, term);
            sum = self.step(sum, x, term);
        }
        sum
    }

    /// The lesser of a number and a bound; NaN stays.
    pub(super) fn at_most(&mut self, a: ScalarId, bound: f64) -> ScalarId {
        let bound = self.like(a, bound);
        let less = self.less(bound, a);
        self.select(less, bound, a)
    }

    /// The greater of a number and a bound; NaN stays.
    pub(super) fn at_least(&mut self, a: ScalarId, bound: f64) -> ScalarId {
        let bound = self.like(a, bound);
        let greater = self.greater(bound, a);
        self.select(greater, bound, a)
    }

    /// The integer type that a float's bits are read as.
    pub(super) fn bits_type(&self, a: ScalarId) -> DType {
        match self.dtype(a) {
            DType::F64 => DType::I64,
            _ => DType::I32,
        }
    }

    /// The bits of a float as a signed integer.
    pub(super) fn bits_of(&mut self, a: ScalarId) -> ScalarId {
        let dtype = self.bits_type(a);
        self.bits(a, dtype)
    }

    /// The float of these bits.
    pub(super) fn float_of(&mut self, a: ScalarId) -> ScalarId {
        let dtype = match self.dtype(a) {
            DType::I64 | DType::U64 => DType::F64,
            _ => DType::F32,
        };
        self.bits(a, dtype)
    }

    /// A magnitude, its sign bit 0, with another number's sign.
    pub(super) fn with_sign_of(&mut self, magnitude: ScalarId, sign: ScalarId) -> ScalarId {
        let dtype = self.bits_type(sign);
        let mask = match dtype {
            DType::I64 => i64::MIN,
            _ => i32::MIN.into(),
        };
        let mask = self.integer(dtype, mask);
        let (magnitude, sign) = (self.bits_of(magnitude), self.bits_of(sign));
        let sign = self.and(sign, mask);
        let bits = self.or(magnitude, sign);
        self.float_of(bits)
    }

    /// Bits of the significand that are stored.
    pub(super) fn significand(&self, a: ScalarId) -> u32 {
        match self.dtype(a) {
            DType::F64 => 52,
            _ => 23,
        }
    }

    /// `1.5 * 2^significand`: a number within `2^(significand - 2)` of 0 that this is added to
    /// becomes an integer, kept in the low bits of the sum.
    pub(super) fn magic(&mut self, a: ScalarId) -> ScalarId {
        let magic = match self.dtype(a) {
            DType::F64 => 6_755_399_441_055_744.0,
            _ => 12_582_912.0,
        };
        self.like(a, magic)
    }

    /// `a * b` as a sum of two floats without error, but for products out of range
    /// (Dekker, "A floating-point technique for extending the available precision", 1971).
    pub(super) fn exact_product(&mut self, a: ScalarId, b: ScalarId) -> (ScalarId, ScalarId) {
        let product = self.multiply(a, b);
        let opposite = self.negate(product);
        if self.available.fused {
            return (product, self.multiply_add(a, b, opposite));
        }
        let ((a_high, a_low), (b_high, b_low)) = (self.halves(a), self.halves(b));
        let mut error = self.multiply(a_high, b_high);
        error = self.add(error, opposite);
        for (x, y) in [(a_high, b_low), (a_low, b_high), (a_low, b_low)] {
            let part = self.multiply(x, y);
            error = self.add(error, part);
        }
        (product, error)
    }

    /// A float as the sum of two with half as many digits each.
    fn halves(&mut self, a: ScalarId) -> (ScalarId, ScalarId) {
        let splitter = match self.dtype(a) {
            DType::F64 => 134_217_729.0,
            _ => 4097.0,
        };
        let splitter = self.like(a, splitter);
        let scaled = self.multiply(splitter, a);
        let difference = self.subtract(scaled, a);
        let high = self.subtract(scaled, difference);
        (high, self.subtract(a, high))
    }

    /// `a + b` as a sum of two floats without error (Knuth).
    pub(super) fn exact_sum(&mut self, a: ScalarId, b: ScalarId) -> (ScalarId, ScalarId) {
        let sum = self.add(a, b);
        let part = self.subtract(sum, a);
        let rest = self.subtract(sum, part);
        let (first, second) = (self.subtract(a, rest), self.subtract(b, part));
        (sum, self.add(first, second))
    }
}
