use crate::builder::{B16, F32, F64, Operand, Predicate, Register, S32, S64, U32, U64};
use crate::emitter::Emitter;
use crate::error::Fault;

/// A scalar of a body. Integers narrower than 32 bits and 8-bit floats' codes are kept in
/// [`Value::S32`], widened as their type has them; f16 and bf16 as their bits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Value {
    Bool(Operand<Predicate>),
    Half(Operand<B16>),
    F32(Operand<F32>),
    F64(Operand<F64>),
    S32(Operand<S32>),
    U32(Operand<U32>),
    S64(Operand<S64>),
    U64(Operand<U64>),
}

macro_rules! values {
    ($($variant:ident $kind:ident $name:ident;)*) => {
        $(impl From<Register<$kind>> for Value {
            fn from(register: Register<$kind>) -> Value {
                Value::$variant(register.into())
            }
        })*

        impl Value {
            $(/// The operand, where it is of this kind.
            pub(crate) fn $name(self) -> Result<Operand<$kind>, Fault> {
                match self {
                    Value::$variant(operand) => Ok(operand),
                    _ => Err(Value::other_kind()),
                }
            })*

            /// The same in a register.
            pub(crate) fn held(self, e: &mut Emitter) -> Value {
                match self {
                    $(Value::$variant(operand) => e.held(operand).into(),)*
                }
            }

            /// A register that holds the same and may be written anew.
            pub(crate) fn copied(self, e: &mut Emitter) -> Value {
                match self {
                    $(Value::$variant(operand) => e.copy(operand).into(),)*
                }
            }

            /// Writes this register anew with a value of its kind that nothing after this reads.
            pub(crate) fn settle(self, e: &mut Emitter, value: Value) -> Result<(), Fault> {
                match (self, value) {
                    $((
                        Value::$variant(Operand::Register(register)),
                        Value::$variant(Operand::Register(value)),
                    ) => {
                        e.settle(register, value);
                        Ok(())
                    })*
                    _ => self.assign(e, value),
                }
            }

            /// Writes this register anew with another value of its kind.
            pub(crate) fn assign(self, e: &mut Emitter, value: Value) -> Result<(), Fault> {
                match (self, value) {
                    $((Value::$variant(Operand::Register(register)), Value::$variant(value)) => {
                        e.assign(register, value);
                        Ok(())
                    })*
                    _ => Err(Value::other_kind()),
                }
            }
        }
    };
}

values! {
    Bool Predicate bool;
    Half B16 half;
    F32 F32 f32;
    F64 F64 f64;
    S32 S32 s32;
    U32 U32 u32;
    S64 S64 s64;
    U64 U64 u64;
}

impl Value {
    /// What a body gives that mixes kinds, which verified kernels do not.
    pub(crate) fn other_kind() -> Fault {
        Fault::Unsupported("a scalar of another kind than its op takes".to_owned())
    }
}
