use std::fmt;
use std::str::FromStr;

use half::{bf16, f16};
use serde::{Deserialize, Serialize};

/// The element types of tensors. The set is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum DType {
    F64,
    F32,
    F16,
    BF16,
    F8E4M3,
    F8E5M2,
    I64,
    I32,
    I16,
    I8,
    I4,
    U64,
    U32,
    U16,
    U8,
    U4,
    Bool,
}

/// One element, widened without loss.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub enum Number {
    /// A value of a floating-point type.
    Float(f64),
    /// A value of an integer type.
    Int(i128),
    /// A truth value.
    Bool(bool),
}

impl Number {
    /// The value as an f64; a bool is 0 or 1.
    pub fn to_f64(self) -> f64 {
        match self {
            Number::Float(x) => x,
            Number::Int(x) => x as f64,
            Number::Bool(x) => f64::from(u8::from(x)),
        }
    }

    /// The value as an integer; floats truncate towards zero and saturate, NaN is 0.
    pub fn to_i128(self) -> i128 {
        match self {
            Number::Float(x) => x as i128,
            Number::Int(x) => x,
            Number::Bool(x) => i128::from(x),
        }
    }

    /// Whether the value is not zero (NaN is not).
    pub fn to_bool(self) -> bool {
        match self {
            Number::Float(x) => x != 0.0,
            Number::Int(x) => x != 0,
            Number::Bool(x) => x,
        }
    }
}

impl DType {
    /// Every type, widest first within its kind.
    pub const ALL: [DType; 17] = [
        DType::F64,
        DType::F32,
        DType::F16,
        DType::BF16,
        DType::F8E4M3,
        DType::F8E5M2,
        DType::I64,
        DType::I32,
        DType::I16,
        DType::I8,
        DType::I4,
        DType::U64,
        DType::U32,
        DType::U16,
        DType::U8,
        DType::U4,
        DType::Bool,
    ];

    /// The name in source and in dumps: `f32`, `bool`.
    pub fn name(self) -> &'static str {
        match self {
            DType::F64 => "f64",
            DType::F32 => "f32",
            DType::F16 => "f16",
            DType::BF16 => "bf16",
            DType::F8E4M3 => "f8e4m3",
            DType::F8E5M2 => "f8e5m2",
            DType::I64 => "i64",
            DType::I32 => "i32",
            DType::I16 => "i16",
            DType::I8 => "i8",
            DType::I4 => "i4",
            DType::U64 => "u64",
            DType::U32 => "u32",
            DType::U16 => "u16",
            DType::U8 => "u8",
            DType::U4 => "u4",
            DType::Bool => "bool",
        }
    }

    /// Bits an element takes in storage (a bool takes a byte, i4 and u4 half of one).
    pub fn bits(self) -> usize {
        match self {
            DType::F64 | DType::I64 | DType::U64 => 64,
            DType::F32 | DType::I32 | DType::U32 => 32,
            DType::F16 | DType::BF16 | DType::I16 | DType::U16 => 16,
            DType::F8E4M3 | DType::F8E5M2 | DType::I8 | DType::U8 | DType::Bool => 8,
            DType::I4 | DType::U4 => 4,
        }
    }

    /// Bytes that `count` elements take, packed; `None` on overflow.
    pub fn bytes_for(self, count: usize) -> Option<usize> {
        count.checked_mul(self.bits()).map(|bits| bits.div_ceil(8))
    }

    /// Whether the type is a floating-point type.
    pub fn is_float(self) -> bool {
        matches!(
            self,
            DType::F64 | DType::F32 | DType::F16 | DType::BF16 | DType::F8E4M3 | DType::F8E5M2
        )
    }

    /// Whether the type is an integer type (a bool is not).
    pub fn is_integer(self) -> bool {
        !self.is_float() && self != DType::Bool
    }

    /// Whether the type has negative values.
    pub fn is_signed(self) -> bool {
        self.is_float()
            || matches!(
                self,
                DType::I64 | DType::I32 | DType::I16 | DType::I8 | DType::I4
            )
    }

    /// The least and greatest value of an integer type or a bool.
    pub fn integer_range(self) -> Option<(i128, i128)> {
        if self.is_float() {
            return None;
        }
        if self == DType::Bool {
            return Some((0, 1));
        }
        let bits = self.bits() as u32;
        Some(if self.is_signed() {
            (-(1i128 << (bits - 1)), (1i128 << (bits - 1)) - 1)
        } else {
            (0, (1i128 << bits) - 1)
        })
    }

    /// Rounds a value to the nearest one of this type: floats half to even, integers wrap
    /// (two's complement) as arithmetic does, a bool is "not zero".
    pub fn round(self, value: Number) -> Number {
        match self {
            DType::F64 => Number::Float(value.to_f64()),
            DType::F32 => Number::Float(f64::from(value.to_f64() as f32)),
            DType::F16 => Number::Float(f16::from_f32(to_odd(value.to_f64())).to_f64()),
            DType::BF16 => Number::Float(bf16::from_f32(to_odd(value.to_f64())).to_f64()),
            DType::F8E4M3 => Number::Float(f8_decode(f8_encode(value.to_f64(), 4, 3), 4, 3)),
            DType::F8E5M2 => Number::Float(f8_decode(f8_encode(value.to_f64(), 5, 2), 5, 2)),
            DType::Bool => Number::Bool(value.to_bool()),
            _ => {
                let bits = self.bits() as u32;
                let wide = match value {
                    // A float converts by saturation, as a cast does.
                    Number::Float(x) => {
                        let (low, high) = self.integer_range().unwrap_or((0, 0));
                        (x as i128).clamp(low, high)
                    }
                    other => other.to_i128(),
                };
                let masked = wide & ((1i128 << bits) - 1);
                let negative = self.is_signed() && masked >> (bits - 1) & 1 == 1;
                Number::Int(if negative {
                    masked - (1i128 << bits)
                } else {
                    masked
                })
            }
        }
    }

    /// Reads element `index` of packed little-endian storage.
    ///
    /// # Panics
    /// Where the storage is shorter than the element's position.
    pub fn read(self, bytes: &[u8], index: usize) -> Number {
        macro_rules! load {
            ($t:ty) => {{
                let size = size_of::<$t>();
                let mut raw = [0u8; size_of::<$t>()];
                raw.copy_from_slice(&bytes[index * size..(index + 1) * size]);
                <$t>::from_le_bytes(raw)
            }};
        }
        match self {
            DType::F64 => Number::Float(load!(f64)),
            DType::F32 => Number::Float(f64::from(load!(f32))),
            DType::F16 => Number::Float(f16::from_bits(load!(u16)).to_f64()),
            DType::BF16 => Number::Float(bf16::from_bits(load!(u16)).to_f64()),
            DType::F8E4M3 => Number::Float(f8_decode(bytes[index], 4, 3)),
            DType::F8E5M2 => Number::Float(f8_decode(bytes[index], 5, 2)),
            DType::I64 => Number::Int(load!(i64).into()),
            DType::I32 => Number::Int(load!(i32).into()),
            DType::I16 => Number::Int(load!(i16).into()),
            DType::I8 => Number::Int(load!(i8).into()),
            DType::U64 => Number::Int(load!(u64).into()),
            DType::U32 => Number::Int(load!(u32).into()),
            DType::U16 => Number::Int(load!(u16).into()),
            DType::U8 => Number::Int(bytes[index].into()),
            DType::Bool => Number::Bool(bytes[index] != 0),
            DType::I4 | DType::U4 => {
                let nibble = bytes[index / 2] >> (4 * (index % 2)) & 15;
                self.round(Number::Int(nibble.into()))
            }
        }
    }

    /// Writes element `index` of packed little-endian storage, rounding as [`DType::round`] does.
    ///
    /// # Panics
    /// Where the storage is shorter than the element's position.
    pub fn write(self, bytes: &mut [u8], index: usize, value: Number) {
        macro_rules! store {
            ($v:expr) => {{
                let raw = $v.to_le_bytes();
                bytes[index * raw.len()..(index + 1) * raw.len()].copy_from_slice(&raw);
            }};
        }
        let rounded = self.round(value);
        match self {
            DType::F64 => store!(rounded.to_f64()),
            DType::F32 => store!((rounded.to_f64() as f32)),
            DType::F16 => store!(f16::from_f64(rounded.to_f64()).to_bits()),
            DType::BF16 => store!(bf16::from_f64(rounded.to_f64()).to_bits()),
            DType::F8E4M3 => bytes[index] = f8_encode(rounded.to_f64(), 4, 3),
            DType::F8E5M2 => bytes[index] = f8_encode(rounded.to_f64(), 5, 2),
            DType::I64 | DType::U64 => store!((rounded.to_i128() as u64)),
            DType::I32 | DType::U32 => store!((rounded.to_i128() as u32)),
            DType::I16 | DType::U16 => store!((rounded.to_i128() as u16)),
            DType::I8 | DType::U8 | DType::Bool => bytes[index] = rounded.to_i128() as u8,
            DType::I4 | DType::U4 => {
                let shift = 4 * (index % 2);
                let nibble = (rounded.to_i128() as u8) & 15;
                let byte = &mut bytes[index / 2];
                *byte = *byte & !(15 << shift) | nibble << shift;
            }
        }
    }
}

/// A number as f32, rounded to odd, so that rounding it again to 16 bits is rounding once: the
/// nearest f32, or its neighbour on the number's side where that is inexact and even.
fn to_odd(value: f64) -> f32 {
    let nearest = value as f32;
    let back = f64::from(nearest);
    if back == value || value.is_nan() || nearest.to_bits() & 1 == 1 {
        nearest
    } else if back.abs() > value.abs() {
        f32::from_bits(nearest.to_bits() - 1)
    } else {
        f32::from_bits(nearest.to_bits() + 1)
    }
}

/// The OCP 8-bit formats. With four exponent bits there is no infinity and one NaN pattern
/// (E4M3FN), with five they are as in IEEE 754; values beyond the greatest become NaN
/// (E4M3) or infinity (E5M2).
fn f8_decode(byte: u8, exponent_bits: u32, mantissa_bits: u32) -> f64 {
    let sign = if byte & 0x80 != 0 { -1.0 } else { 1.0 };
    let exponent = i32::from(byte & 0x7f) >> mantissa_bits;
    let mantissa = f64::from(byte & ((1 << mantissa_bits) - 1));
    let bias = (1 << (exponent_bits - 1)) - 1;
    let top = (1 << exponent_bits) - 1;
    let scale = f64::from(1u32 << mantissa_bits);
    if exponent_bits == 4 && byte & 0x7f == 0x7f {
        return f64::NAN;
    }
    if exponent_bits == 5 && exponent == top {
        return if mantissa == 0.0 {
            sign * f64::INFINITY
        } else {
            f64::NAN
        };
    }
    if exponent == 0 {
        sign * mantissa / scale * 2f64.powi(1 - bias)
    } else {
        sign * (1.0 + mantissa / scale) * 2f64.powi(exponent - bias)
    }
}

fn f8_encode(value: f64, exponent_bits: u32, mantissa_bits: u32) -> u8 {
    let sign = if value.is_sign_negative() { 0x80 } else { 0 };
    if value.is_nan() {
        return sign | 0x7f;
    }
    let magnitude = value.abs();
    // The codes of non-negative finite values grow with the value, so bisection finds the pair around it.
    let greatest: u8 = if exponent_bits == 4 { 0x7e } else { 0x7b };
    let decode = |code: u8| f8_decode(code, exponent_bits, mantissa_bits);
    if magnitude >= decode(greatest) {
        let half_step = (decode(greatest) - decode(greatest - 1)) / 2.0;
        // A tie above the greatest value rounds up where its code is odd.
        let limit = decode(greatest) + half_step;
        let over = magnitude > limit || magnitude == limit && greatest % 2 == 1;
        let beyond = if exponent_bits == 4 { 0x7f } else { 0x7c };
        return sign | if over { beyond } else { greatest };
    }
    let (mut low, mut high) = (0u8, greatest);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if decode(middle) <= magnitude {
            low = middle;
        } else {
            high = middle;
        }
    }
    let (below, above) = (magnitude - decode(low), decode(high) - magnitude);
    sign | if below < above || below == above && low % 2 == 0 {
        low
    } else {
        high
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for DType {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        DType::ALL
            .into_iter()
            .find(|dtype| dtype.name() == name)
            .ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_of_an_eight_bit_float_survives_a_round_trip() {
        for (exponent, mantissa) in [(4, 3), (5, 2)] {
            for byte in 0..=255u8 {
                let value = f8_decode(byte, exponent, mantissa);
                if !value.is_nan() {
                    assert_eq!(f8_encode(value, exponent, mantissa), byte);
                }
            }
        }
        assert!(DType::F8E4M3.round(Number::Float(500.0)).to_f64().is_nan());
        assert_eq!(DType::F8E4M3.round(Number::Float(449.0)).to_f64(), 448.0);
    }

    #[test]
    fn four_bit_integers_pack_two_to_a_byte_and_keep_their_sign() {
        let mut bytes = [0u8; 2];
        for (index, value) in [-8, 7, -1].into_iter().enumerate() {
            DType::I4.write(&mut bytes, index, Number::Int(value));
        }
        let read: Vec<_> = (0..3).map(|index| DType::I4.read(&bytes, index)).collect();
        assert_eq!(read, [Number::Int(-8), Number::Int(7), Number::Int(-1)]);
    }

    #[test]
    fn sixteen_bit_floats_round_once() {
        let step = 2f64.powi(-36);
        for (dtype, half) in [(DType::F16, 2f64.powi(-11)), (DType::BF16, 2f64.powi(-8))] {
            let round = |x: f64| dtype.round(Number::Float(x)).to_f64();
            assert_eq!(round(1.0 + half), 1.0);
            assert_eq!(round(1.0 + half + step), 1.0 + 2.0 * half);
            assert_eq!(round(-1.0 - 3.0 * half + step), -1.0 - 2.0 * half);
        }
        let round = |dtype: DType, x: f64| dtype.round(Number::Float(x)).to_f64();
        assert_eq!(round(DType::F16, 65520.0), f64::INFINITY);
        assert_eq!(round(DType::F16, 65520.0 - step), 65504.0);
        assert_eq!(round(DType::BF16, f64::MAX), f64::INFINITY);
        assert_eq!(round(DType::F16, f64::NEG_INFINITY), f64::NEG_INFINITY);
        assert!(round(DType::F16, f64::NAN).is_nan());
    }

    #[test]
    fn integers_wrap_and_floats_saturate() {
        assert_eq!(DType::I8.round(Number::Int(130)), Number::Int(-126));
        assert_eq!(DType::I8.round(Number::Float(130.0)), Number::Int(127));
        assert_eq!(DType::U8.round(Number::Float(-3.5)), Number::Int(0));
    }
}
