use std::fmt;

/// The type of a register, an instruction, a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Type {
    Predicate,
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
    F16x2,
    Bf16,
    Bf16x2,
    F32,
    F64,
}

impl Type {
    const ALL: [(Type, &'static str, u32); 19] = [
        (Type::Predicate, "pred", 0),
        (Type::B8, "b8", 1),
        (Type::B16, "b16", 2),
        (Type::B32, "b32", 4),
        (Type::B64, "b64", 8),
        (Type::U8, "u8", 1),
        (Type::U16, "u16", 2),
        (Type::U32, "u32", 4),
        (Type::U64, "u64", 8),
        (Type::S8, "s8", 1),
        (Type::S16, "s16", 2),
        (Type::S32, "s32", 4),
        (Type::S64, "s64", 8),
        (Type::F16, "f16", 2),
        (Type::F16x2, "f16x2", 4),
        (Type::Bf16, "bf16", 2),
        (Type::Bf16x2, "bf16x2", 4),
        (Type::F32, "f32", 4),
        (Type::F64, "f64", 8),
    ];

    /// The type of that name, which is written without its dot.
    pub(crate) fn named(name: &str) -> Option<Type> {
        Type::ALL
            .into_iter()
            .find(|(_, text, _)| *text == name)
            .map(|(kind, ..)| kind)
    }

    /// How many bytes a value takes; a predicate takes none in memory.
    pub fn bytes(self) -> u32 {
        Type::ALL
            .into_iter()
            .find(|(kind, ..)| *kind == self)
            .map_or(0, |(.., bytes)| bytes)
    }

    /// Whether it is a signed integer.
    pub fn is_signed(self) -> bool {
        matches!(self, Type::S8 | Type::S16 | Type::S32 | Type::S64)
    }

    /// Whether it is a signed or unsigned integer.
    pub fn is_integer(self) -> bool {
        self.is_signed() || matches!(self, Type::U8 | Type::U16 | Type::U32 | Type::U64)
    }

    /// Whether it is bits of no further meaning.
    pub fn is_bits(self) -> bool {
        matches!(self, Type::B8 | Type::B16 | Type::B32 | Type::B64)
    }

    /// Whether it is a floating-point type.
    pub fn is_float(self) -> bool {
        !self.is_bits() && !self.is_integer() && self != Type::Predicate
    }

    /// Whether an operand of an instruction of type `self` may be a register of type `register`:
    /// of its size, where bits agree with all, integers with integers, and floats of one format.
    pub(crate) fn agrees_with(self, register: Type) -> bool {
        if self == Type::Predicate || register == Type::Predicate {
            return self == register;
        }
        self.bytes() == register.bytes()
            && (self.is_bits()
                || register.is_bits()
                || self == register
                || (self.is_integer() && register.is_integer()))
    }
}

/// As in the text, with its dot.
impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found = Type::ALL.into_iter().find(|(kind, ..)| kind == self);
        write!(f, ".{}", found.map_or("", |(_, name, _)| name))
    }
}
