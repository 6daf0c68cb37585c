use half::{bf16, f16};

use crate::Type;

/// How a number that a type does not hold is rounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rounding {
    /// To the nearest, of two equally near to the even one.
    Nearest,
    TowardZero,
    Down,
    Up,
}

impl Rounding {
    /// To an integral number.
    pub(crate) fn integral(self, x: f64) -> f64 {
        match self {
            Rounding::Nearest => x.round_ties_even(),
            Rounding::TowardZero => x.trunc(),
            Rounding::Down => x.floor(),
            Rounding::Up => x.ceil(),
        }
    }

    /// Whether what lies above the exact value is wrong; `negative` of the exact value.
    fn goes_down(self, negative: bool) -> bool {
        self == Rounding::Down || self == Rounding::TowardZero && !negative
    }

    fn goes_up(self, negative: bool) -> bool {
        self == Rounding::Up || self == Rounding::TowardZero && negative
    }

    pub(crate) fn f32(self, x: f64) -> f32 {
        let near = x as f32;
        let exact = f64::from(near);
        if self == Rounding::Nearest || exact == x || x.is_nan() {
            near
        } else if exact > x && self.goes_down(x < 0.0) {
            near.next_down()
        } else if exact < x && self.goes_up(x < 0.0) {
            near.next_up()
        } else {
            near
        }
    }

    /// An integer, as a float of 32 bits.
    pub(crate) fn f32_of_integer(self, x: i128) -> f32 {
        let near = x as f32;
        let exact = near as i128;
        if exact > x && self.goes_down(x < 0) {
            near.next_down()
        } else if exact < x && self.goes_up(x < 0) {
            near.next_up()
        } else {
            near
        }
    }

    /// An integer, as a float of 64 bits.
    pub(crate) fn f64_of_integer(self, x: i128) -> f64 {
        let near = x as f64;
        let exact = near as i128;
        if exact > x && self.goes_down(x < 0) {
            near.next_down()
        } else if exact < x && self.goes_up(x < 0) {
            near.next_up()
        } else {
            near
        }
    }

    /// The bits of a float of 16 bits. Rounded to nearest through 32 bits that keep, as their last
    /// bit, whether anything was lost.
    pub(crate) fn half(self, x: f64, kind: Type) -> u16 {
        let value = |bits: u16| match kind {
            Type::F16 => f16::from_bits(bits).to_f64(),
            _ => bf16::from_bits(bits).to_f64(),
        };
        let odd = if x as f32 as f64 == x || x.is_nan() {
            x as f32
        } else {
            let toward_zero = Rounding::TowardZero.f32(x);
            f32::from_bits(toward_zero.to_bits() | 1)
        };
        let near = match kind {
            Type::F16 => f16::from_f32(odd).to_bits(),
            _ => bf16::from_f32(odd).to_bits(),
        };
        if x.is_nan() {
            return 0x7fff;
        }
        let exact = value(near);
        if exact > x && self.goes_down(x < 0.0) {
            step(near, false)
        } else if exact < x && self.goes_up(x < 0.0) {
            step(near, true)
        } else {
            near
        }
    }
}

/// The next float of 16 bits, in either format.
fn step(bits: u16, up: bool) -> u16 {
    let negative = bits >> 15 == 1;
    match bits & 0x7fff {
        0 => {
            if up {
                1
            } else {
                0x8001
            }
        }
        _ if up == negative => bits - 1,
        _ => bits + 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_direction_is_kept() {
        let third = 1.0 / 3.0;
        assert!(f64::from(Rounding::Down.f32(third)) < third);
        assert!(f64::from(Rounding::Up.f32(third)) > third);
        assert_eq!(Rounding::TowardZero.f32(-third), -Rounding::Down.f32(third));
        let odd = (1i128 << 24) + 1;
        assert_eq!(Rounding::Up.f32_of_integer(odd), 16777218.0);
        assert_eq!(Rounding::Down.f32_of_integer(odd), 16777216.0);
        assert_eq!(Rounding::TowardZero.f32_of_integer(-odd), -16777216.0);
    }

    #[test]
    fn a_double_is_rounded_to_half_once() {
        // Just above the middle between 1 and the next half: through 32 bits it would be a tie.
        let above = 1.0 + 2f64.powi(-11) + 2f64.powi(-40);
        assert_eq!(Rounding::Nearest.half(above, Type::F16), 0x3c01);
        assert_eq!(
            Rounding::Nearest.half(1.0 + 2f64.powi(-11), Type::F16),
            0x3c00
        );
        assert_eq!(Rounding::TowardZero.half(above, Type::F16), 0x3c00);
        assert_eq!(Rounding::Down.half(-1e-30, Type::F16), 0x8001);
        assert_eq!(Rounding::Nearest.half(70000.0, Type::F16), 0x7c00);
        assert_eq!(Rounding::TowardZero.half(70000.0, Type::F16), 0x7bff);
        assert_eq!(Rounding::Nearest.half(3.0e38, Type::Bf16), 0x7f62);
    }
}
