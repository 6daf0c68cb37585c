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
    const ALL: [(Type, &'static str); 19] = [
        (Type::Predicate, "pred"),
        (Type::B8, "b8"),
        (Type::B16, "b16"),
        (Type::B32, "b32"),
        (Type::B64, "b64"),
        (Type::U8, "u8"),
        (Type::U16, "u16"),
        (Type::U32, "u32"),
        (Type::U64, "u64"),
        (Type::S8, "s8"),
        (Type::S16, "s16"),
        (Type::S32, "s32"),
        (Type::S64, "s64"),
        (Type::F16, "f16"),
        (Type::F16x2, "f16x2"),
        (Type::Bf16, "bf16"),
        (Type::Bf16x2, "bf16x2"),
        (Type::F32, "f32"),
        (Type::F64, "f64"),
    ];

    /// The type of that name, which is written without its dot.
    pub(crate) fn named(name: &str) -> Option<Type> {
        let found = Type::ALL.into_iter().find(|(_, text)| *text == name);
        found.map(|(kind, _)| kind)
    }

    /// How many bytes a value takes; a predicate takes none in memory.
    pub fn bytes(self) -> u32 {
        match self {
            Type::Predicate => 0,
            Type::B8 | Type::U8 | Type::S8 => 1,
            Type::B16 | Type::U16 | Type::S16 | Type::F16 | Type::Bf16 => 2,
            Type::B32 | Type::U32 | Type::S32 | Type::F32 | Type::F16x2 | Type::Bf16x2 => 4,
            Type::B64 | Type::U64 | Type::S64 | Type::F64 => 8,
        }
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
        let found = Type::ALL.into_iter().find(|(kind, _)| kind == self);
        write!(f, ".{}", found.map_or("", |(_, name)| name))
    }
}
