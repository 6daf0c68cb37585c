use std::marker::PhantomData;

use super::{B16, F32, F64, Kind, Predicate, RegisterFile, S32, S64, U32, U64};

/// A register that holds a value of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Register<T: Kind> {
    number: u32,
    kind: PhantomData<T>,
}

/// A register of any kind, as instructions keep it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AnyRegister {
    /// Where it is numbered.
    pub file: RegisterFile,
    /// Its number there.
    pub number: u32,
}

/// What an instruction reads: a register or a constant of one kind.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Operand<T: Kind> {
    /// A register.
    Register(Register<T>),
    /// A constant.
    Constant(T::Constant),
}

impl<T: Kind> Register<T> {
    pub(super) fn new(number: u32) -> Register<T> {
        let kind = PhantomData;
        Register { number, kind }
    }

    /// The same register with its kind as data.
    pub fn any(self) -> AnyRegister {
        let (file, number) = (T::FILE, self.number);
        AnyRegister { file, number }
    }
}

impl<T: Kind> From<Register<T>> for Operand<T> {
    fn from(register: Register<T>) -> Operand<T> {
        Operand::Register(register)
    }
}

macro_rules! constants {
    ($($from:ty => $kind:ident;)*) => {$(
        impl From<$from> for Operand<$kind> {
            fn from(constant: $from) -> Operand<$kind> {
                Operand::Constant(constant.into())
            }
        }
    )*};
}

constants! {
    bool => Predicate;
    u16 => B16;
    f32 => F32;
    f64 => F64;
    i32 => S32;
    u32 => U32;
    i32 => S64;
    i64 => S64;
    u32 => U64;
    u64 => U64;
}
