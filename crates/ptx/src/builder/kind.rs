//! What registers hold. Every kind is a type, so that an instruction of the wrong one does not
//! build.

use super::Immediate;

/// A type as instructions and declarations name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum Type {
    Pred,
    B8,
    B16,
    B32,
    B64,
    U8,
    U16,
    U32,
    U64,
    S8,
    S16,
    S32,
    S64,
    F16,
    Bf16,
    F32,
    F64,
}

impl Type {
    /// As it is written, without the dot.
    pub fn text(self) -> &'static str {
        match self {
            Type::Pred => "pred",
            Type::B8 => "b8",
            Type::B16 => "b16",
            Type::B32 => "b32",
            Type::B64 => "b64",
            Type::U8 => "u8",
            Type::U16 => "u16",
            Type::U32 => "u32",
            Type::U64 => "u64",
            Type::S8 => "s8",
            Type::S16 => "s16",
            Type::S32 => "s32",
            Type::S64 => "s64",
            Type::F16 => "f16",
            Type::Bf16 => "bf16",
            Type::F32 => "f32",
            Type::F64 => "f64",
        }
    }

    /// Bytes that a value takes in memory; of a predicate, which is never there, none.
    pub fn bytes(self) -> u32 {
        match self {
            Type::Pred => 0,
            Type::B8 | Type::U8 | Type::S8 => 1,
            Type::B16 | Type::U16 | Type::S16 | Type::F16 | Type::Bf16 => 2,
            Type::B32 | Type::U32 | Type::S32 | Type::F32 => 4,
            Type::B64 | Type::U64 | Type::S64 | Type::F64 => 8,
        }
    }

    /// The same width, its bits alone.
    pub fn untyped(self) -> Type {
        match self.bytes() {
            0 => Type::Pred,
            1 => Type::B8,
            2 => Type::B16,
            4 => Type::B32,
            _ => Type::B64,
        }
    }
}

/// The registers that are numbered together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum RegisterFile {
    Predicate,
    B16,
    Halves,
    Bytes,
    F32,
    S32,
    U32,
    F64,
    S64,
    U64,
}

impl RegisterFile {
    /// All of them, in the order they are declared.
    pub const ALL: [RegisterFile; 10] = [
        RegisterFile::Predicate,
        RegisterFile::B16,
        RegisterFile::Halves,
        RegisterFile::Bytes,
        RegisterFile::F32,
        RegisterFile::S32,
        RegisterFile::U32,
        RegisterFile::F64,
        RegisterFile::S64,
        RegisterFile::U64,
    ];

    /// What the names of its registers begin with.
    pub fn prefix(self) -> &'static str {
        match self {
            RegisterFile::Predicate => "%p",
            RegisterFile::B16 => "%h",
            RegisterFile::Halves => "%hh",
            RegisterFile::Bytes => "%bb",
            RegisterFile::F32 => "%f",
            RegisterFile::S32 => "%r",
            RegisterFile::U32 => "%u",
            RegisterFile::F64 => "%fd",
            RegisterFile::S64 => "%rd",
            RegisterFile::U64 => "%ud",
        }
    }

    /// What they are declared as.
    pub fn declared(self) -> Type {
        match self {
            RegisterFile::Predicate => Type::Pred,
            RegisterFile::B16 => Type::B16,
            RegisterFile::Halves | RegisterFile::Bytes => Type::B32,
            RegisterFile::F32 => Type::F32,
            RegisterFile::S32 => Type::S32,
            RegisterFile::U32 => Type::U32,
            RegisterFile::F64 => Type::F64,
            RegisterFile::S64 => Type::S64,
            RegisterFile::U64 => Type::U64,
        }
    }
}

/// What a register holds.
pub trait Kind: Copy + std::fmt::Debug + 'static {
    /// Where such registers are numbered.
    const FILE: RegisterFile;
    /// What instructions on them name.
    const TYPE: Type;
    /// Bytes in memory.
    const BYTES: u32;
    /// A constant of it.
    type Constant: Copy + std::fmt::Debug;
    /// A constant as an operand is written.
    fn immediate(constant: Self::Constant) -> Immediate;
}

/// Kinds that a load or store moves.
pub trait Stored: Kind {
    /// Nothing but zero bits.
    const ZERO: Self::Constant;
}

/// Kinds with arithmetic.
pub trait Number: Stored {
    /// Whether the type has negative values.
    const SIGNED: bool;
    /// Whether it is a floating-point type.
    const FLOAT: bool;
}

/// Floats of 32 and 64 bits.
pub trait Float: Number {}

/// Integers of 32 and 64 bits.
pub trait Integer: Number {
    /// A small constant.
    fn small(value: i32) -> Self::Constant;
}

/// Integers of 32 bits, which hold narrower ones too.
pub trait Integer32: Integer {
    /// The kind of twice the width and the same signedness.
    type Double: Integer;
    /// Bytes of memory as a value of this kind.
    const BYTE: Type;
    /// Two bytes of memory as a value of this kind.
    const SHORT: Type;
}

/// Integers of memory narrower than any register's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Narrow {
    U8,
    S8,
    U16,
    S16,
}

impl Narrow {
    /// As instructions name it.
    pub fn ty(self) -> Type {
        match self {
            Narrow::U8 => Type::U8,
            Narrow::S8 => Type::S8,
            Narrow::U16 => Type::U16,
            Narrow::S16 => Type::S16,
        }
    }
}

/// Kinds whose bits the bitwise instructions take: integers and predicates.
pub trait Bitwise: Kind {}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident $type:ident $bytes:literal $constant:ty, $convert:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub struct $name;

        impl Kind for $name {
            const FILE: RegisterFile = RegisterFile::$name;
            const TYPE: Type = Type::$type;
            const BYTES: u32 = $bytes;
            type Constant = $constant;
            fn immediate(constant: $constant) -> Immediate {
                let convert: fn($constant) -> Immediate = $convert;
                convert(constant)
            }
        }
    )*};
}

kinds! {
    /// A truth value.
    Predicate Pred 0 bool, |x| Immediate::Integer(i64::from(x));
    /// The bits of an f16, a bf16 or a 16-bit integer.
    B16 B16 2 u16, |x| Immediate::Integer(i64::from(x));
    /// Two 16-bit values packed, the first in the lower half.
    Halves B32 4 u32, |x| Immediate::Unsigned(u64::from(x));
    /// Four bytes packed, the first lowest.
    Bytes B32 4 u32, |x| Immediate::Unsigned(u64::from(x));
    /// A 32-bit float.
    F32 F32 4 f32, Immediate::F32;
    /// A 64-bit float.
    F64 F64 8 f64, Immediate::F64;
    /// A signed 32-bit integer.
    S32 S32 4 i32, |x| Immediate::Integer(i64::from(x));
    /// An unsigned 32-bit integer.
    U32 U32 4 u32, |x| Immediate::Unsigned(u64::from(x));
    /// A signed 64-bit integer.
    S64 S64 8 i64, Immediate::Integer;
    /// An unsigned 64-bit integer.
    U64 U64 8 u64, Immediate::Unsigned;
}

macro_rules! stored {
    ($($name:ident $zero:literal;)*) => {$(
        impl Stored for $name {
            const ZERO: Self::Constant = $zero;
        }
    )*};
}

stored! {
    B16 0;
    Halves 0;
    Bytes 0;
    F32 0.0;
    F64 0.0;
    S32 0;
    U32 0;
    S64 0;
    U64 0;
}

macro_rules! numbers {
    ($($name:ident $signed:literal $float:literal;)*) => {$(
        impl Number for $name {
            const SIGNED: bool = $signed;
            const FLOAT: bool = $float;
        }
    )*};
}

numbers! {
    F32 true true;
    F64 true true;
    S32 true false;
    U32 false false;
    S64 true false;
    U64 false false;
}

macro_rules! mark {
    ($mark:ident: $($name:ident)*) => {$(impl $mark for $name {})*};
}

mark!(Float: F32 F64);
mark!(Bitwise: Predicate S32 U32 S64 U64);

macro_rules! integers {
    ($($name:ident)*) => {$(
        impl Integer for $name {
            fn small(value: i32) -> Self::Constant {
                value as Self::Constant
            }
        }
    )*};
}

integers!(S32 U32 S64 U64);

impl Integer32 for S32 {
    type Double = S64;
    const BYTE: Type = Type::S8;
    const SHORT: Type = Type::S16;
}

impl Integer32 for U32 {
    type Double = U64;
    const BYTE: Type = Type::U8;
    const SHORT: Type = Type::U16;
}
