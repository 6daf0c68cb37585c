//! Instructions as data, for the printer and for whoever looks at them.

use super::{AnyRegister, Kind, Label, Operand, Type};

/// A line of a function.
#[derive(Debug, Clone, PartialEq)]
pub enum Statement {
    /// An instruction.
    Instruction(Instruction),
    /// A place that branches lead to.
    Label(Label),
    /// A comment of one line.
    Comment(String),
}

/// An instruction.
#[derive(Debug, Clone, PartialEq)]
pub struct Instruction {
    /// Where it is done only under a condition.
    pub guard: Option<Guard>,
    /// What is done.
    pub opcode: Opcode,
    /// What it is done with; what is written comes first.
    pub operands: Vec<AnyOperand>,
}

/// A condition of an instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guard {
    /// The predicate.
    pub predicate: AnyRegister,
    /// Whether it is done where the predicate does not hold.
    pub negated: bool,
}

/// What an instruction does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opcode {
    /// Its name.
    pub mnemonic: Mnemonic,
    /// What follows the name, each after a dot.
    pub modifiers: Vec<Modifier>,
}

/// An operand of any kind.
#[derive(Debug, Clone, PartialEq)]
pub enum AnyOperand {
    /// A register.
    Register(AnyRegister),
    /// A constant.
    Immediate(Immediate),
    /// A special register.
    Special(Special),
    /// Memory at a register and so many bytes.
    Memory(AnyRegister, i32),
    /// Memory at a name and so many bytes.
    Named(String, i32),
    /// The address of a name.
    Symbol(String),
    /// Registers side by side.
    Vector(Vec<AnyRegister>),
    /// Where a branch leads.
    Label(Label),
}

/// A constant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Immediate {
    /// Signed.
    Integer(i64),
    /// Unsigned.
    Unsigned(u64),
    /// Written by its bits.
    F32(f32),
    /// Written by its bits.
    F64(f64),
}

impl<T: Kind> From<Operand<T>> for AnyOperand {
    fn from(operand: Operand<T>) -> AnyOperand {
        match operand {
            Operand::Register(register) => AnyOperand::Register(register.any()),
            Operand::Constant(constant) => AnyOperand::Immediate(T::immediate(constant)),
        }
    }
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($variant:ident $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[allow(missing_docs)]
        pub enum $name {
            $($variant,)*
        }

        impl $name {
            /// As it is written.
            pub fn text(self) -> &'static str {
                match self {
                    $($name::$variant => $text,)*
                }
            }
        }
    };
}

words! {
    /// The names of instructions.
    Mnemonic {
        Abs "abs",
        Add "add",
        And "and",
        Atom "atom",
        Barrier "bar",
        Branch "bra",
        Convert "cvt",
        ConvertAddress "cvta",
        Divide "div",
        Fence "fence",
        Fma "fma",
        Load "ld",
        Mad "mad",
        Maximum "max",
        Minimum "min",
        Move "mov",
        Multiply "mul",
        Negate "neg",
        Not "not",
        Or "or",
        Remainder "rem",
        Return "ret",
        Select "selp",
        SetPredicate "setp",
        Shuffle "shfl",
        ShiftLeft "shl",
        ShiftRight "shr",
        SquareRoot "sqrt",
        Store "st",
        Subtract "sub",
        Vote "vote",
        Xor "xor",
    }
}

words! {
    /// Special registers.
    Special {
        ThreadX "%tid.x",
        ThreadsX "%ntid.x",
        BlockX "%ctaid.x",
        BlocksX "%nctaid.x",
        Lane "%laneid",
    }
}

/// What follows an instruction's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Modifier {
    /// A type.
    Type(Type),
    /// Anything else.
    Suffix(Suffix),
}

words! {
    /// What follows an instruction's name and is no type.
    Suffix {
        Rn "rn",
        Rni "rni",
        Rzi "rzi",
        Rmi "rmi",
        Rpi "rpi",
        Sat "sat",
        Lo "lo",
        Hi "hi",
        Wide "wide",
        Eq "eq",
        Ne "ne",
        Lt "lt",
        Le "le",
        Gt "gt",
        Ge "ge",
        Neu "neu",
        Num "num",
        Nan "nan",
        CarryNan "NaN",
        Global "global",
        Shared "shared",
        Param "param",
        V2 "v2",
        V4 "v4",
        To "to",
        Sync "sync",
        Warp "warp",
        Bfly "bfly",
        Down "down",
        Idx "idx",
        Ballot "ballot",
        Any "any",
        All "all",
        Add "add",
        Min "min",
        Max "max",
        Cas "cas",
        Exch "exch",
        AcqRel "acq_rel",
        Gpu "gpu",
        Uni "uni",
    }
}

impl Modifier {
    /// As it is written, without the dot.
    pub fn text(self) -> &'static str {
        match self {
            Modifier::Type(ty) => ty.text(),
            Modifier::Suffix(suffix) => suffix.text(),
        }
    }
}

impl From<Type> for Modifier {
    fn from(ty: Type) -> Modifier {
        Modifier::Type(ty)
    }
}

impl From<Suffix> for Modifier {
    fn from(suffix: Suffix) -> Modifier {
        Modifier::Suffix(suffix)
    }
}
