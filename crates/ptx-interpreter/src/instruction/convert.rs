use half::{bf16, f16};

use super::{Decoded, Operation};
use crate::decoder::{Decoder, Modifiers, Register, is_wide};
use crate::lane::{LANES, Mask, Plane, Slot};
use crate::rounding::Rounding;
use crate::syntax::Statement;
use crate::warp::Warp;
use crate::{ParseError, Type};

/// A conversion.
#[derive(Debug, Clone)]
pub(crate) enum Convert {
    One {
        to: (Type, Register),
        from: (Type, Register),
        rounding: Rounding,
        /// Whether a float is first rounded to an integral one.
        integral: bool,
        saturates: bool,
        flushed: bool,
    },
    /// Two floats of 32 bits to the upper and the lower half of a register.
    Pair {
        kind: Type,
        rounding: Rounding,
        to: Slot,
        from: [Slot; 2],
    },
}

const KINDS: [Type; 12] = [
    Type::U8,
    Type::U16,
    Type::U32,
    Type::U64,
    Type::S8,
    Type::S16,
    Type::S32,
    Type::S64,
    Type::F16,
    Type::Bf16,
    Type::F32,
    Type::F64,
];
const ROUNDINGS: [Rounding; 4] = [
    Rounding::Nearest,
    Rounding::TowardZero,
    Rounding::Down,
    Rounding::Up,
];

pub(super) fn decode<'a>(
    statement: &Statement<'a>,
    modifiers: &mut Modifiers<'_, 'a>,
    decoder: &mut Decoder<'a>,
) -> Decoded {
    let integral = modifiers.one_of(&["rni", "rzi", "rmi", "rpi"]);
    let rounding = match integral {
        None => modifiers.one_of(&["rn", "rz", "rm", "rp"]),
        Some(_) => None,
    };
    let flushed = modifiers.eat("ftz");
    let saturates = modifiers.eat("sat");
    if let Some(at) = modifiers.one_of(&["f16x2", "bf16x2"]) {
        let Some(rounding @ (0 | 1)) = rounding else {
            return decoder.error("two floats are converted with `.rn` or `.rz`");
        };
        modifiers.expect(&["f32"])?;
        let [to, a, b] = decoder.operands(statement)?;
        let from = [decoder.source(a, Type::F32)?, decoder.source(b, Type::F32)?];
        let kind = [Type::F16, Type::Bf16][at];
        let to = decoder.result(to, Type::B32)?;
        let rounding = ROUNDINGS[rounding];
        return Ok(Operation::Convert(Convert::Pair {
            kind,
            rounding,
            to,
            from,
        }));
    }
    let (to_kind, from_kind) = (modifiers.kind(&KINDS)?, modifiers.kind(&KINDS)?);
    check(decoder, (to_kind, from_kind), integral, rounding)?;
    if flushed && to_kind != Type::F32 && from_kind != Type::F32 {
        return decoder.error("`.ftz` is of `.f32` alone");
    }
    let [to, from] = decoder.operands(statement)?;
    let from = (from_kind, decoder.any_loose_source(from, from_kind)?);
    let to = (to_kind, decoder.loose(to, to_kind)?);
    let rounding = ROUNDINGS[integral.or(rounding).unwrap_or(0)];
    let integral = integral.is_some();
    Ok(Operation::Convert(Convert::One {
        to,
        from,
        rounding,
        integral,
        saturates,
        flushed,
    }))
}

/// Whether the rounding is one that such a conversion must have, or may.
fn check(
    decoder: &Decoder<'_>,
    (to, from): (Type, Type),
    integral: Option<usize>,
    rounding: Option<usize>,
) -> Result<(), ParseError> {
    let loses = matches!(
        (to, from),
        (Type::F32, Type::F64)
            | (Type::F16 | Type::Bf16, Type::F32 | Type::F64)
            | (Type::F16, Type::Bf16)
            | (Type::Bf16, Type::F16)
    );
    let (needed, what) = match (to.is_float(), from.is_float()) {
        (false, true) => (
            integral.is_some() && rounding.is_none(),
            "one of `.rni .rzi .rmi .rpi`",
        ),
        (true, false) => (
            rounding.is_some() && integral.is_none(),
            "one of `.rn .rz .rm .rp`",
        ),
        (true, true) if loses => (
            rounding.is_some() && integral.is_none(),
            "one of `.rn .rz .rm .rp`",
        ),
        (true, true) if to == from => (rounding.is_none(), "no rounding but to integers"),
        _ => (rounding.is_none() && integral.is_none(), "no rounding"),
    };
    if !needed {
        return decoder.error(format!("`cvt` from {from} to {to} needs {what}"));
    }
    let bf16 = [to, from].contains(&Type::Bf16);
    if bf16 && (to, from) != (Type::Bf16, Type::F32) && decoder.target < 90 {
        return decoder.error(format!("`cvt` from {from} to {to} needs `sm_90`"));
    }
    if bf16 && matches!(rounding, Some(2 | 3)) {
        return decoder.error(format!(
            "`cvt` from {from} to {to} rounds by `.rn` or `.rz`"
        ));
    }
    Ok(())
}

/// Numbers of a type in every lane.
enum Numbers {
    Signed(Plane<u64>),
    Unsigned(Plane<u64>),
    Float(Plane<f64>),
}

impl Convert {
    pub(super) fn run(&self, mask: Mask, warp: &mut Warp) {
        match self {
            Convert::Pair {
                kind,
                rounding,
                to,
                from: [high, low],
            } => {
                warp.binary(mask, *to, [*high, *low], |high: f32, low: f32| {
                    let half = |x: f32| u32::from(rounding.half(f64::from(x), *kind));
                    half(high) << 16 | half(low)
                });
            }
            Convert::One {
                to,
                from,
                rounding,
                integral,
                saturates,
                flushed,
            } => {
                let good = defined(warp, from.1);
                let numbers = read(warp, from.0, from.1);
                let values = match numbers {
                    Numbers::Float(mut x) => {
                        if *flushed && from.0 == Type::F32 {
                            x = x.map(|x| {
                                if (x as f32).is_subnormal() {
                                    0.0 * x
                                } else {
                                    x
                                }
                            });
                        }
                        if *integral {
                            x = x.map(|x| rounding.integral(x));
                        }
                        if to.0.is_float() {
                            if *saturates {
                                x = x.map(|x| if x > 0.0 { x.min(1.0) } else { 0.0 });
                            }
                            let bits = float_bits(&x, to.0, *rounding);
                            if *flushed && to.0 == Type::F32 {
                                bits.map(flush)
                            } else {
                                bits
                            }
                        } else {
                            x.map(|x| integer_of(x, to.0, from.0))
                        }
                    }
                    Numbers::Signed(x) if to.0.is_float() => {
                        float_of(&x.map(|x| i128::from(x as i64)), to.0, *rounding)
                    }
                    Numbers::Unsigned(x) if to.0.is_float() => {
                        float_of(&x.map(i128::from), to.0, *rounding)
                    }
                    Numbers::Signed(x) if *saturates => {
                        x.map(|x| clamp(i128::from(x as i64), to.0))
                    }
                    Numbers::Unsigned(x) if *saturates => x.map(|x| clamp(i128::from(x), to.0)),
                    Numbers::Signed(x) | Numbers::Unsigned(x) => x,
                };
                write_extended(warp, mask, to.0, to.1, &values, good);
            }
        }
    }
}

pub(super) fn defined(warp: &Warp, register: Register) -> Mask {
    match is_wide(register.kind) {
        true => warp.defined::<u64>(register.slot),
        false => warp.defined::<u32>(register.slot),
    }
}

fn read(warp: &Warp, kind: Type, register: Register) -> Numbers {
    let bits: Plane<u64> = match is_wide(register.kind) {
        true => *warp.plane::<u64>(register.slot),
        false => warp.plane::<u32>(register.slot).map(u64::from),
    };
    match kind {
        Type::F64 => Numbers::Float(bits.map(f64::from_bits)),
        Type::F32 => Numbers::Float(bits.map(|bits| f64::from(f32::from_bits(bits as u32)))),
        Type::F16 => Numbers::Float(bits.map(|bits| f16::from_bits(bits as u16).to_f64())),
        Type::Bf16 => Numbers::Float(bits.map(|bits| bf16::from_bits(bits as u16).to_f64())),
        _ if kind.is_signed() => Numbers::Signed(extend(&bits, kind)),
        _ => Numbers::Unsigned(extend(&bits, kind)),
    }
}

/// The low bits that a type has, extended to 64 by its sign or by zeros.
pub(super) fn extend(bits: &Plane<u64>, kind: Type) -> Plane<u64> {
    match kind {
        Type::S8 => bits.map(|bits| bits as i8 as u64),
        Type::S16 => bits.map(|bits| bits as i16 as u64),
        Type::S32 => bits.map(|bits| bits as i32 as u64),
        _ => match kind.bytes() {
            1 => bits.map(|bits| bits & 0xff),
            2 => bits.map(|bits| bits & 0xffff),
            4 => bits.map(|bits| bits & 0xffff_ffff),
            _ => *bits,
        },
    }
}

/// Writes values of a type into a register that may be wider.
pub(super) fn write_extended(
    warp: &mut Warp,
    mask: Mask,
    kind: Type,
    register: Register,
    values: &Plane<u64>,
    good: Mask,
) {
    let values = extend(values, kind);
    match register.kind.bytes() {
        8 => warp.store::<u64>(register.slot, mask, &values, good),
        4 => warp.store::<u32>(register.slot, mask, &values.map(|bits| bits as u32), good),
        2 => {
            let values = values.map(|bits| bits as u32 & 0xffff);
            warp.store::<u32>(register.slot, mask, &values, good);
        }
        _ => {
            let values = values.map(|bits| bits as u32 & 0xff);
            warp.store::<u32>(register.slot, mask, &values, good);
        }
    }
}

fn flush(bits: u64) -> u64 {
    let x = f32::from_bits(bits as u32);
    if x.is_subnormal() {
        u64::from(0f32.copysign(x).to_bits())
    } else {
        bits
    }
}

fn float_bits(x: &Plane<f64>, kind: Type, rounding: Rounding) -> Plane<u64> {
    match kind {
        Type::F64 => x.map(f64::to_bits),
        Type::F32 => x.map(|x| match x.is_nan() {
            true => 0x7fff_ffff,
            false => u64::from(rounding.f32(x).to_bits()),
        }),
        _ => x.map(|x| u64::from(rounding.half(x, kind))),
    }
}

fn float_of(x: &Plane<i128>, kind: Type, rounding: Rounding) -> Plane<u64> {
    let mut values = [0; LANES];
    for lane in 0..LANES {
        let x = x[lane];
        values[lane] = match kind {
            Type::F64 => rounding.f64_of_integer(x).to_bits(),
            Type::F32 => u64::from(rounding.f32_of_integer(x).to_bits()),
            _ => {
                // Exact, or too great for either way.
                let near = x as f64;
                let lost = near as i128 != x;
                let odd = if lost {
                    Rounding::TowardZero.f64_of_integer(x)
                } else {
                    near
                };
                let odd = f64::from_bits(odd.to_bits() | u64::from(lost));
                u64::from(rounding.half(odd, kind))
            }
        };
    }
    values
}

/// The nearest number that an integer type holds.
fn clamp(x: i128, kind: Type) -> u64 {
    let width = kind.bytes() * 8;
    let (least, most) = match kind.is_signed() {
        true => (-(1i128 << (width - 1)), (1i128 << (width - 1)) - 1),
        false => (0, (1i128 << width) - 1),
    };
    x.clamp(least, most) as u64
}

/// An integral float as an integer: the nearest one that the type holds. What NaN becomes depends
/// on both types.
fn integer_of(x: f64, kind: Type, from: Type) -> u64 {
    if x.is_nan() {
        let wide = from == Type::F64 || kind.bytes() == 8;
        return if wide { 1 << (kind.bytes() * 8 - 1) } else { 0 };
    }
    match kind {
        Type::S64 => x as i64 as u64,
        Type::U64 => x as u64,
        _ => clamp(i128::from(x as i64), kind),
    }
}
