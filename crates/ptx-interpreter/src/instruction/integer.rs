use super::{Decoded, Operation};
use crate::Type;
use crate::decoder::{Decoder, Modifiers};
use crate::lane::{Lane, Mask, Slot};
use crate::syntax::Statement;
use crate::warp::Warp;

/// Integer arithmetic.
#[derive(Debug, Clone)]
pub(crate) enum Integer {
    Unary(Unary, Kind, Slot, Slot),
    Binary(Binary, Kind, Slot, [Slot; 2]),
    /// The low or high half of a product, and a sum with it.
    MultiplyAdd(bool, Kind, Slot, [Slot; 3]),
    /// The whole product, twice as wide.
    Wide(Kind, Slot, [Slot; 2]),
    /// The whole product, and a sum with it.
    WideAdd(Kind, Slot, [Slot; 3]),
    /// Four products of bytes, and a sum with them; whether the bytes of each have signs.
    DotProduct([bool; 2], Slot, [Slot; 3]),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unary {
    Absolute,
    Negate,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Binary {
    Add,
    Subtract,
    MultiplyLow,
    MultiplyHigh,
    Divide,
    Remainder,
    Minimum,
    Maximum,
}

/// The types of integer arithmetic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    U16,
    S16,
    U32,
    S32,
    U64,
    S64,
}

const ALL: [Type; 6] = [
    Type::U16,
    Type::S16,
    Type::U32,
    Type::S32,
    Type::U64,
    Type::S64,
];
const NARROW: [Type; 4] = [Type::U16, Type::S16, Type::U32, Type::S32];
const SIGNED: [Type; 3] = [Type::S16, Type::S32, Type::S64];

impl Kind {
    fn of(kind: Type) -> Kind {
        match kind {
            Type::U16 => Kind::U16,
            Type::S16 => Kind::S16,
            Type::U32 => Kind::U32,
            Type::S32 => Kind::S32,
            Type::U64 => Kind::U64,
            _ => Kind::S64,
        }
    }
}

/// The type of a product of two numbers of a type.
fn double(kind: Type) -> Type {
    match kind {
        Type::U16 => Type::U32,
        Type::S16 => Type::S32,
        Type::U32 => Type::U64,
        _ => Type::S64,
    }
}

pub(super) fn decode<'a>(
    statement: &Statement<'a>,
    modifiers: &mut Modifiers<'_, 'a>,
    decoder: &mut Decoder<'a>,
) -> Decoded {
    let integer = match statement.opcode {
        "mul" => {
            let part = modifiers.expect(&["lo", "hi", "wide"])?;
            let kind = modifiers.kind(if part == 2 { &NARROW } else { &ALL })?;
            let [to, a, b] = decoder.operands(statement)?;
            let from = [decoder.source(a, kind)?, decoder.source(b, kind)?];
            if part == 2 {
                Integer::Wide(Kind::of(kind), decoder.result(to, double(kind))?, from)
            } else {
                let function = [Binary::MultiplyLow, Binary::MultiplyHigh][part];
                Integer::Binary(function, Kind::of(kind), decoder.result(to, kind)?, from)
            }
        }
        "mad" => {
            let part = modifiers.expect(&["lo", "hi", "wide"])?;
            let kind = modifiers.kind(if part == 2 { &NARROW } else { &ALL })?;
            let [to, a, b, c] = decoder.operands(statement)?;
            let result = if part == 2 { double(kind) } else { kind };
            let [a, b] = [decoder.source(a, kind)?, decoder.source(b, kind)?];
            let from = [a, b, decoder.source(c, result)?];
            let to = decoder.result(to, result)?;
            if part == 2 {
                Integer::WideAdd(Kind::of(kind), to, from)
            } else {
                Integer::MultiplyAdd(part == 1, Kind::of(kind), to, from)
            }
        }
        "abs" | "neg" => {
            let kind = modifiers.kind(&SIGNED)?;
            let function = if statement.opcode == "abs" {
                Unary::Absolute
            } else {
                Unary::Negate
            };
            let [to, a] = decoder.operands(statement)?;
            let a = decoder.source(a, kind)?;
            Integer::Unary(function, Kind::of(kind), decoder.result(to, kind)?, a)
        }
        "dp4a" => {
            let signs = [
                modifiers.expect(&["u32", "s32"])?,
                modifiers.expect(&["u32", "s32"])?,
            ];
            let signs = signs.map(|sign| sign == 1);
            let sum = if signs[0] || signs[1] {
                Type::S32
            } else {
                Type::U32
            };
            let [to, a, b, c] = decoder.operands(statement)?;
            let [a, b] = [decoder.source(a, Type::B32)?, decoder.source(b, Type::B32)?];
            let from = [a, b, decoder.source(c, sum)?];
            Integer::DotProduct(signs, decoder.result(to, sum)?, from)
        }
        opcode => {
            let function = match opcode {
                "add" => Binary::Add,
                "sub" => Binary::Subtract,
                "div" => Binary::Divide,
                "rem" => Binary::Remainder,
                "min" => Binary::Minimum,
                _ => Binary::Maximum,
            };
            let kind = modifiers.kind(&ALL)?;
            let [to, a, b] = decoder.operands(statement)?;
            let from = [decoder.source(a, kind)?, decoder.source(b, kind)?];
            Integer::Binary(function, Kind::of(kind), decoder.result(to, kind)?, from)
        }
    };
    Ok(Operation::Integer(integer))
}

/// Integers as machines compute with them.
trait Machinery: Lane + Default + Ord {
    type Double: Lane;

    fn add(self, other: Self) -> Self;
    fn subtract(self, other: Self) -> Self;
    fn multiply(self, other: Self) -> Self;
    fn multiply_high(self, other: Self) -> Self;
    fn divide(self, other: Self) -> Self;
    fn remainder(self, other: Self) -> Self;
    fn absolute(self) -> Self;
    fn negate(self) -> Self;
    fn multiply_wide(self, other: Self) -> Self::Double;
    fn add_wide(a: Self::Double, b: Self::Double) -> Self::Double;
}

macro_rules! machinery {
    ($($kind:ty, $double:ty, $lane:ty, $absolute:expr;)*) => {$(
        impl Machinery for $kind {
            type Double = $lane;

            #[inline(always)]
            fn add(self, other: $kind) -> $kind {
                self.wrapping_add(other)
            }

            #[inline(always)]
            fn subtract(self, other: $kind) -> $kind {
                self.wrapping_sub(other)
            }

            #[inline(always)]
            fn multiply(self, other: $kind) -> $kind {
                self.wrapping_mul(other)
            }

            #[inline(always)]
            fn multiply_high(self, other: $kind) -> $kind {
                ((self as $double * other as $double) >> <$kind>::BITS) as $kind
            }

            #[inline(always)]
            fn divide(self, other: $kind) -> $kind {
                if other == 0 { 0 } else { self.wrapping_div(other) }
            }

            #[inline(always)]
            fn remainder(self, other: $kind) -> $kind {
                if other == 0 { 0 } else { self.wrapping_rem(other) }
            }

            #[inline(always)]
            fn absolute(self) -> $kind {
                $absolute(self)
            }

            #[inline(always)]
            fn negate(self) -> $kind {
                self.wrapping_neg()
            }

            #[inline(always)]
            fn multiply_wide(self, other: $kind) -> $lane {
                (self as $double * other as $double) as $lane
            }

            #[inline(always)]
            fn add_wide(a: $lane, b: $lane) -> $lane {
                a.wrapping_add(b)
            }
        }
    )*};
}

machinery! {
    u16, u32, u32, std::convert::identity;
    i16, i32, i32, i16::wrapping_abs;
    u32, u64, u64, std::convert::identity;
    i32, i64, i64, i32::wrapping_abs;
    u64, u128, u64, std::convert::identity;
    i64, i128, i64, i64::wrapping_abs;
}

macro_rules! by_kind {
    ($kind:expr, $function:ident($($argument:expr),*)) => {
        match $kind {
            Kind::U16 => $function::<u16>($($argument),*),
            Kind::S16 => $function::<i16>($($argument),*),
            Kind::U32 => $function::<u32>($($argument),*),
            Kind::S32 => $function::<i32>($($argument),*),
            Kind::U64 => $function::<u64>($($argument),*),
            Kind::S64 => $function::<i64>($($argument),*),
        }
    };
}

impl Integer {
    pub(super) fn run(&self, mask: Mask, warp: &mut Warp) {
        match *self {
            Integer::Unary(function, kind, to, a) => {
                by_kind!(kind, unary(function, mask, warp, to, a))
            }
            Integer::Binary(function, kind, to, from) => {
                by_kind!(kind, binary(function, mask, warp, to, from))
            }
            Integer::MultiplyAdd(high, kind, to, from) => {
                by_kind!(kind, multiply_add(high, mask, warp, to, from))
            }
            Integer::Wide(kind, to, from) => by_kind!(kind, wide(mask, warp, to, from)),
            Integer::WideAdd(kind, to, from) => by_kind!(kind, wide_add(mask, warp, to, from)),
            Integer::DotProduct(signs, to, from) => {
                warp.ternary(mask, to, from, |a: u32, b: u32, c: u32| {
                    let byte = |word: u32, at: u32, signed| {
                        let byte = (word >> (8 * at)) as u8;
                        if signed {
                            i32::from(byte as i8)
                        } else {
                            i32::from(byte)
                        }
                    };
                    let products = (0..4).map(|at| byte(a, at, signs[0]) * byte(b, at, signs[1]));
                    products.fold(c, |sum, product| sum.wrapping_add(product as u32))
                });
            }
        }
    }
}

fn unary<T: Machinery>(function: Unary, mask: Mask, warp: &mut Warp, to: Slot, a: Slot) {
    match function {
        Unary::Absolute => warp.unary(mask, to, a, T::absolute),
        Unary::Negate => warp.unary(mask, to, a, T::negate),
    }
}

fn binary<T: Machinery>(function: Binary, mask: Mask, warp: &mut Warp, to: Slot, from: [Slot; 2]) {
    match function {
        Binary::Add => warp.binary(mask, to, from, T::add),
        Binary::Subtract => warp.binary(mask, to, from, T::subtract),
        Binary::MultiplyLow => warp.binary(mask, to, from, T::multiply),
        Binary::MultiplyHigh => warp.binary(mask, to, from, T::multiply_high),
        Binary::Minimum => warp.binary(mask, to, from, T::min),
        Binary::Maximum => warp.binary(mask, to, from, T::max),
        Binary::Divide | Binary::Remainder => {
            // What a division by zero gives is not specified.
            let zero = [from[1]; 2];
            let (divides, _) = warp.compare(zero, |divisor: T, _| divisor != T::default());
            if function == Binary::Divide {
                warp.binary(mask, to, from, T::divide);
            } else {
                warp.binary(mask, to, from, T::remainder);
            }
            warp.spoil::<T::Bits>(to, mask & !divides);
        }
    }
}

fn multiply_add<T: Machinery>(high: bool, mask: Mask, warp: &mut Warp, to: Slot, from: [Slot; 3]) {
    if high {
        warp.ternary(mask, to, from, |a: T, b: T, c: T| a.multiply_high(b).add(c));
    } else {
        warp.ternary(mask, to, from, |a: T, b: T, c: T| a.multiply(b).add(c));
    }
}

fn wide<T: Machinery>(mask: Mask, warp: &mut Warp, to: Slot, from: [Slot; 2]) {
    warp.binary(mask, to, from, T::multiply_wide);
}

fn wide_add<T: Machinery>(mask: Mask, warp: &mut Warp, to: Slot, from: [Slot; 3]) {
    warp.ternary(mask, to, from, |a: T, b: T, c: T::Double| {
        T::add_wide(a.multiply_wide(b), c)
    });
}
