use super::{Decoded, Operation};
use crate::decoder::{Decoder, Modifiers};
use crate::fused;
use crate::lane::{Lane, Mask, Slot};
use crate::syntax::Statement;
use crate::warp::Warp;
use crate::{ParseError, Type};

/// Floating-point arithmetic.
#[derive(Debug, Clone)]
pub(crate) enum Float {
    Unary(Unary, Kind, Slot, Slot),
    Binary(Binary, Kind, Slot, [Slot; 2]),
    /// A product and a sum, rounded once.
    MultiplyAdd(Kind, Slot, [Slot; 3]),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unary {
    Absolute,
    Negate,
    SquareRoot,
    Reciprocal,
    ReciprocalSquareRoot,
    Exp2,
    Log2,
    Sine,
    Cosine,
    Tanh,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Binary {
    Add,
    Subtract,
    Multiply,
    Divide,
    /// The other operand where one is NaN.
    Minimum,
    Maximum,
    /// NaN where an operand is.
    MinimumNan,
    MaximumNan,
    CopySign,
}

/// The types of floating-point arithmetic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    F32,
    /// Subnormal operands and results become zeros.
    F32Flushed,
    F64,
}

const ALL: [Type; 2] = [Type::F32, Type::F64];

/// Whether an instruction whose name integers share is meant for floats.
pub(super) fn is_meant(statement: &Statement<'_>) -> bool {
    statement
        .modifiers
        .last()
        .is_some_and(|last| last.starts_with('f'))
}

/// `.ftz.f32`, `.f32`, `.f64`.
fn kind(modifiers: &mut Modifiers<'_, '_>) -> Result<(Kind, Type), ParseError> {
    let flushed = modifiers.eat("ftz");
    let kind = modifiers.kind(if flushed { &ALL[..1] } else { &ALL })?;
    let found = match kind {
        Type::F32 if flushed => Kind::F32Flushed,
        Type::F32 => Kind::F32,
        _ => Kind::F64,
    };
    Ok((found, kind))
}

/// `.rn`, without which a compiler may round as it likes.
fn nearest(statement: &Statement<'_>, modifiers: &mut Modifiers<'_, '_>) -> Result<(), ParseError> {
    if modifiers.eat("rn") {
        return Ok(());
    }
    let opcode = statement.opcode;
    match modifiers.one_of(&["rz", "rm", "rp"]) {
        Some(_) => modifiers.error(format!("`{opcode}` is known with `.rn` alone")),
        None if matches!(opcode, "add" | "sub" | "mul") => modifiers.error(format!(
            "`{opcode}` of floats without `.rn` may be contracted to `fma`"
        )),
        None => modifiers.error(format!("`{opcode}` needs a rounding such as `.rn`")),
    }
}

pub(super) fn decode<'a>(
    statement: &Statement<'a>,
    modifiers: &mut Modifiers<'_, 'a>,
    decoder: &mut Decoder<'a>,
) -> Decoded {
    let function = match statement.opcode {
        "fma" => {
            nearest(statement, modifiers)?;
            let (found, kind) = kind(modifiers)?;
            let [to, a, b, c] = decoder.operands(statement)?;
            let [a, b] = [decoder.source(a, kind)?, decoder.source(b, kind)?];
            let from = [a, b, decoder.source(c, kind)?];
            let to = decoder.result(to, kind)?;
            return Ok(Operation::Float(Float::MultiplyAdd(found, to, from)));
        }
        "add" | "sub" | "mul" => {
            nearest(statement, modifiers)?;
            match statement.opcode {
                "add" => Binary::Add,
                "sub" => Binary::Subtract,
                _ => Binary::Multiply,
            }
        }
        "div" => {
            if modifiers.one_of(&["full", "approx"]).is_none() {
                nearest(statement, modifiers)?;
            }
            Binary::Divide
        }
        "min" | "max" => {
            let flushed = modifiers.eat("ftz");
            let nan = modifiers.eat("NaN");
            let kind = modifiers.kind(if flushed || nan { &ALL[..1] } else { &ALL })?;
            let found = match kind {
                Type::F32 if flushed => Kind::F32Flushed,
                Type::F32 => Kind::F32,
                _ => Kind::F64,
            };
            let function = match (statement.opcode, nan) {
                ("min", false) => Binary::Minimum,
                ("min", true) => Binary::MinimumNan,
                (_, false) => Binary::Maximum,
                (_, true) => Binary::MaximumNan,
            };
            return binary(statement, decoder, function, (found, kind));
        }
        "copysign" => Binary::CopySign,
        _ => return unary(statement, modifiers, decoder),
    };
    let kind = kind(modifiers)?;
    binary(statement, decoder, function, kind)
}

fn binary<'a>(
    statement: &Statement<'a>,
    decoder: &mut Decoder<'a>,
    function: Binary,
    (found, kind): (Kind, Type),
) -> Decoded {
    let [to, a, b] = decoder.operands(statement)?;
    let from = [decoder.source(a, kind)?, decoder.source(b, kind)?];
    let to = decoder.result(to, kind)?;
    Ok(Operation::Float(Float::Binary(function, found, to, from)))
}

fn unary<'a>(
    statement: &Statement<'a>,
    modifiers: &mut Modifiers<'_, 'a>,
    decoder: &mut Decoder<'a>,
) -> Decoded {
    let function = match statement.opcode {
        "abs" => Unary::Absolute,
        "neg" => Unary::Negate,
        "sqrt" | "rcp" => {
            if !modifiers.eat("approx") {
                nearest(statement, modifiers)?;
            }
            if statement.opcode == "sqrt" {
                Unary::SquareRoot
            } else {
                Unary::Reciprocal
            }
        }
        opcode => {
            modifiers.expect(&["approx"])?;
            match opcode {
                "rsqrt" => Unary::ReciprocalSquareRoot,
                "ex2" => Unary::Exp2,
                "lg2" => Unary::Log2,
                "sin" => Unary::Sine,
                "cos" => Unary::Cosine,
                _ => Unary::Tanh,
            }
        }
    };
    let (found, kind) = kind(modifiers)?;
    let [to, a] = decoder.operands(statement)?;
    let a = decoder.source(a, kind)?;
    Ok(Operation::Float(Float::Unary(
        function,
        found,
        decoder.result(to, kind)?,
        a,
    )))
}

/// Numbers as GPUs compute with them.
trait Machinery: Lane + PartialOrd {
    /// Results, in the form that they have in registers.
    type Given: Lane;

    /// Of every operand.
    fn accept(self) -> Self;
    /// Of every result.
    fn give(self) -> Self::Given;
    fn nan() -> Self;
    fn is_nan(self) -> bool;
    fn bit(self, other: Self, both: bool) -> Self;
    fn absolute(self) -> Self;
    fn negate(self) -> Self;
    fn copy_sign(self, sign: Self) -> Self;
    fn add(self, other: Self) -> Self;
    fn subtract(self, other: Self) -> Self;
    fn multiply(self, other: Self) -> Self;
    fn divide(self, other: Self) -> Self;
    fn square_root(self) -> Self;
    /// Through 64 bits.
    fn through(self, f: impl Fn(f64) -> f64) -> Self;
}

macro_rules! machinery {
    ($bits:ty, $accept:expr, $given:ty, $give:expr, $nan:expr) => {
        type Given = $given;

        #[inline(always)]
        fn accept(self) -> Self {
            $accept(self)
        }

        #[inline(always)]
        fn give(self) -> $given {
            $give(self)
        }

        #[inline(always)]
        fn nan() -> Self {
            Self::from_bits($nan)
        }

        #[inline(always)]
        fn is_nan(self) -> bool {
            self != self
        }

        #[inline(always)]
        fn bit(self, other: Self, both: bool) -> Self {
            let (a, b) = (self.to_bits(), other.to_bits());
            Self::from_bits(if both { a & b } else { a | b })
        }

        #[inline(always)]
        fn absolute(self) -> Self {
            Self::from_bits(self.to_bits() & (<$bits>::MAX >> 1))
        }

        #[inline(always)]
        fn negate(self) -> Self {
            Self::from_bits(self.to_bits() ^ !(<$bits>::MAX >> 1))
        }

        #[inline(always)]
        fn copy_sign(self, sign: Self) -> Self {
            let sign_bit = !(<$bits>::MAX >> 1);
            Self::from_bits(self.to_bits() & !sign_bit | sign.to_bits() & sign_bit)
        }
    };
}

macro_rules! operators {
    ($get:expr, $make:expr, $kind:ty) => {
        #[inline(always)]
        fn add(self, other: Self) -> Self {
            $make($get(self) + $get(other))
        }

        #[inline(always)]
        fn subtract(self, other: Self) -> Self {
            $make($get(self) - $get(other))
        }

        #[inline(always)]
        fn multiply(self, other: Self) -> Self {
            $make($get(self) * $get(other))
        }

        #[inline(always)]
        fn divide(self, other: Self) -> Self {
            $make($get(self) / $get(other))
        }

        #[inline(always)]
        fn square_root(self) -> Self {
            $make(<$kind>::sqrt($get(self)))
        }

        #[inline(always)]
        fn through(self, f: impl Fn(f64) -> f64) -> Self {
            $make(f($get(self) as f64) as $kind)
        }
    };
}

/// The NaN that operations on 32 bits give.
const NAN: u32 = 0x7fff_ffff;

fn flush(x: f32) -> f32 {
    if x.is_subnormal() {
        0f32.copysign(x)
    } else {
        x
    }
}

impl Machinery for f32 {
    machinery! { u32, std::convert::identity, Result32, Result32, NAN }
    operators! { std::convert::identity, std::convert::identity, f32 }
}

impl Machinery for f64 {
    machinery! {
        u64, std::convert::identity, f64, std::convert::identity, 0x7ff8_0000_0000_0000
    }
    operators! { std::convert::identity, std::convert::identity, f64 }
}

/// A result of 32 bits. Which NaN a float is does not survive optimisation: only as bits it has one
/// form.
#[derive(Debug, Clone, Copy)]
struct Result32(f32);

impl Lane for Result32 {
    type Bits = u32;

    #[inline(always)]
    fn from_bits(bits: u32) -> Result32 {
        Result32(f32::from_bits(bits))
    }

    #[inline(always)]
    fn to_bits(self) -> u32 {
        if self.0.is_nan() {
            NAN
        } else {
            self.0.to_bits()
        }
    }
}

/// A number of 32 bits that is no subnormal.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
struct Flushed(f32);

impl Flushed {
    fn to_bits(self) -> u32 {
        self.0.to_bits()
    }

    fn from_bits(bits: u32) -> Flushed {
        Flushed(f32::from_bits(bits))
    }
}

impl Lane for Flushed {
    type Bits = u32;

    #[inline(always)]
    fn from_bits(bits: u32) -> Flushed {
        Flushed::from_bits(bits)
    }

    #[inline(always)]
    fn to_bits(self) -> u32 {
        Flushed::to_bits(self)
    }
}

impl Machinery for Flushed {
    machinery! {
        u32, |x: Flushed| Flushed(flush(x.0)), Result32, |x: Flushed| Result32(flush(x.0)), NAN
    }
    operators! { |x: Flushed| x.0, Flushed, f32 }
}

impl Float {
    pub(super) fn run(&self, mask: Mask, warp: &mut Warp) {
        match *self {
            Float::Unary(function, kind, to, a) => match kind {
                Kind::F32 => run_unary::<f32>(function, mask, warp, to, a),
                Kind::F32Flushed => run_unary::<Flushed>(function, mask, warp, to, a),
                Kind::F64 => run_unary::<f64>(function, mask, warp, to, a),
            },
            Float::Binary(function, kind, to, from) => match kind {
                Kind::F32 => run_binary::<f32>(function, mask, warp, to, from),
                Kind::F32Flushed => run_binary::<Flushed>(function, mask, warp, to, from),
                Kind::F64 => run_binary::<f64>(function, mask, warp, to, from),
            },
            Float::MultiplyAdd(kind, to, from) => match kind {
                Kind::F32 => {
                    let planes = from.map(|slot| warp.plane::<u32>(slot));
                    let values = fused::multiply_add(planes);
                    let defined = from.map(|slot| warp.defined::<u32>(slot));
                    let good = defined.iter().fold(!0, |all, defined| all & defined);
                    warp.store(to, mask, &values, good);
                }
                Kind::F32Flushed => {
                    warp.ternary(mask, to, from, |a: Flushed, b: Flushed, c: Flushed| {
                        let sum = a.accept().0.mul_add(b.accept().0, c.accept().0);
                        Flushed(sum).give()
                    });
                }
                Kind::F64 => warp.ternary(mask, to, from, f64::mul_add),
            },
        }
    }
}

fn run_unary<T: Machinery>(function: Unary, mask: Mask, warp: &mut Warp, to: Slot, a: Slot) {
    let through = |f: fn(f64) -> f64| move |x: T| x.accept().through(f).give();
    match function {
        Unary::Absolute => warp.unary(mask, to, a, |x: T| x.accept().absolute()),
        Unary::Negate => warp.unary(mask, to, a, |x: T| x.accept().negate()),
        Unary::SquareRoot => warp.unary(mask, to, a, |x: T| x.accept().square_root().give()),
        Unary::Reciprocal => warp.unary(mask, to, a, through(|x| 1.0 / x)),
        Unary::ReciprocalSquareRoot => warp.unary(mask, to, a, through(|x| 1.0 / x.sqrt())),
        Unary::Exp2 => warp.unary(mask, to, a, through(f64::exp2)),
        Unary::Log2 => warp.unary(mask, to, a, through(f64::log2)),
        Unary::Sine => warp.unary(mask, to, a, through(f64::sin)),
        Unary::Cosine => warp.unary(mask, to, a, through(f64::cos)),
        Unary::Tanh => warp.unary(mask, to, a, through(f64::tanh)),
    }
}

fn run_binary<T: Machinery>(
    function: Binary,
    mask: Mask,
    warp: &mut Warp,
    to: Slot,
    from: [Slot; 2],
) {
    let least = |nan| move |x: T, y: T| extreme(x.accept(), y.accept(), T::lt, nan, false);
    let greatest = |nan| move |x: T, y: T| extreme(x.accept(), y.accept(), T::gt, nan, true);
    match function {
        Binary::Add => {
            warp.binary(mask, to, from, |x: T, y: T| {
                x.accept().add(y.accept()).give()
            });
        }
        Binary::Subtract => {
            warp.binary(mask, to, from, |x: T, y: T| {
                x.accept().subtract(y.accept()).give()
            });
        }
        Binary::Multiply => {
            warp.binary(mask, to, from, |x: T, y: T| {
                x.accept().multiply(y.accept()).give()
            });
        }
        Binary::Divide => {
            warp.binary(mask, to, from, |x: T, y: T| {
                x.accept().divide(y.accept()).give()
            });
        }
        Binary::Minimum => warp.binary(mask, to, from, least(false)),
        Binary::Maximum => warp.binary(mask, to, from, greatest(false)),
        Binary::MinimumNan => warp.binary(mask, to, from, least(true)),
        Binary::MaximumNan => warp.binary(mask, to, from, greatest(true)),
        // The first operand gives the sign.
        Binary::CopySign => warp.binary(mask, to, from, |x: T, y: T| y.copy_sign(x)),
    }
}

/// The first operand where it `wins`; of zeros, the positive one is the greater.
#[inline(always)]
fn extreme<T: Machinery>(x: T, y: T, wins: fn(&T, &T) -> bool, nan: bool, both: bool) -> T::Given {
    let one = pick(x, y, wins, nan, both);
    one.give()
}

#[inline(always)]
fn pick<T: Machinery>(x: T, y: T, wins: fn(&T, &T) -> bool, nan: bool, both: bool) -> T {
    if x.is_nan() || y.is_nan() {
        return if nan || x.is_nan() && y.is_nan() {
            T::nan()
        } else if x.is_nan() {
            y
        } else {
            x
        };
    }
    if x == y {
        x.bit(y, both)
    } else if wins(&x, &y) {
        x
    } else {
        y
    }
}
