use cranelift_codegen::ir::{Type, types};
use eyas_tensor::DType;

/// How many elements a value holds, and how.
///
/// A scalar f16 or bf16 is kept as the f32 of the same value, a bool as a byte that is 0 or 1. In
/// [`Form::Four`] integers narrower than 32 bits lie in lanes of 32, extended as their type says,
/// and a bool is a lane of ones or zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// One element.
    Scalar,
    /// Four of at most 32 bits.
    Four,
    /// Two of 64 bits.
    Two,
}

impl Form {
    /// Elements in a value.
    pub(crate) fn lanes(self) -> i64 {
        match self {
            Form::Scalar => 1,
            Form::Four => 4,
            Form::Two => 2,
        }
    }

    /// What a value of the type is to Cranelift.
    pub(crate) fn clif(self, dtype: DType) -> Type {
        match (self, dtype) {
            (Form::Scalar, _) => scalar(dtype),
            (Form::Four, _) if dtype.is_float() => types::F32X4,
            (Form::Four, _) => types::I32X4,
            (Form::Two, DType::F64) => types::F64X2,
            (Form::Two, _) => types::I64X2,
        }
    }

    /// Whether elements of the type fit in it and lie so in memory that it can be loaded.
    pub(crate) fn holds(self, dtype: DType) -> bool {
        match self {
            Form::Scalar => true,
            Form::Four => dtype.bits() <= 32,
            Form::Two => dtype.bits() == 64,
        }
    }
}

fn scalar(dtype: DType) -> Type {
    match dtype {
        DType::F64 => types::F64,
        DType::F32 | DType::F16 | DType::BF16 | DType::F8E4M3 | DType::F8E5M2 => types::F32,
        DType::I64 | DType::U64 => types::I64,
        DType::I32 | DType::U32 => types::I32,
        DType::I16 | DType::U16 => types::I16,
        DType::I8 | DType::U8 | DType::I4 | DType::U4 | DType::Bool => types::I8,
    }
}
