use eyas_tensor::{DType, Number};

/// What results of floating-point operations are kept in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Storage {
    /// Each op computes in f64, and its result is rounded to its type.
    #[default]
    Exact,
    /// Floats are f64 throughout, whatever their type; a cast between float types does nothing.
    /// Integers wrap as they always do.
    Wide,
}

impl Storage {
    /// The number as storage of the type keeps it: integers wrap, floats round (once).
    pub(crate) fn round(self, dtype: DType, value: Number) -> Number {
        match (self, value) {
            (Storage::Wide, value) if dtype.is_float() => Number::Float(value.to_f64()),
            (Storage::Exact, Number::Int(value)) if dtype.is_float() && dtype != DType::F64 => {
                dtype.round(Number::Float(integer_to_odd(value)))
            }
            (_, value) => dtype.round(value),
        }
    }

    /// `a * b + c`, rounded once to the type.
    pub(crate) fn multiply_add(self, dtype: DType, a: f64, b: f64, c: f64) -> Number {
        if self == Storage::Wide || dtype == DType::F64 {
            return Number::Float(libm::fma(a, b, c));
        }
        // Narrow significands have at most 24 bits, so the product is exact.
        dtype.round(Number::Float(sum_to_odd(a * b, c)))
    }
}

/// The sum rounded to odd, so that rounding it again to fewer bits is rounding once
/// (Boldo and Melquiond, "Emulation of FMA and correctly rounded sums", 2008).
fn sum_to_odd(a: f64, b: f64) -> f64 {
    let sum = a + b;
    if !sum.is_finite() {
        return sum;
    }
    let part = sum - a;
    let error = (a - (sum - part)) + (b - part);
    to_odd(sum, error)
}

/// An integer as f64, rounded to odd.
fn integer_to_odd(value: i128) -> f64 {
    let nearest = value as f64;
    let error = value.saturating_sub(nearest as i128);
    to_odd(nearest, error as f64)
}

/// Moves a value with an even last bit to its odd neighbour on the side of the error.
fn to_odd(value: f64, error: f64) -> f64 {
    if error == 0.0 || value.to_bits() & 1 == 1 {
        value
    } else if (error > 0.0) == (value > 0.0) {
        f64::from_bits(value.to_bits() + 1)
    } else {
        f64::from_bits(value.to_bits() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_multiply_add_of_narrow_floats_rounds_once() {
        let mut state = 1u32;
        let mut draw = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f32::from_bits(state & 0x0fff_ffff | 0x3800_0000)
        };
        for _ in 0..20_000 {
            let (a, b, c) = (draw(), draw(), draw());
            let found = Storage::Exact.multiply_add(DType::F32, a.into(), b.into(), c.into());
            assert_eq!(found, Number::Float(a.mul_add(b, c).into()));
        }
    }

    #[test]
    fn a_large_integer_becomes_a_float_by_one_rounding() {
        for value in [
            (1i64 << 60) + (1 << 36) + 1,
            (1 << 60) + (1 << 36),
            (1 << 60) + (1 << 36) - 1,
            -(1 << 60) - (1 << 36) - 1,
            i64::MAX,
            16_777_217,
        ] {
            let found = Storage::Exact.round(DType::F32, Number::Int(value.into()));
            assert_eq!(found, Number::Float(f64::from(value as f32)));
        }
    }
}
