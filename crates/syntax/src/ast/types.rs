use super::{Expr, Name};
use eyas_diagnostic::{Span, Spanned};
use serde::Serialize;
use std::fmt;

/// What stands between the word `layer`, `model` or `rule` and the body.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Signature {
    /// The name declared.
    pub name: Name,
    /// What it takes.
    pub formals: Vec<Formal>,
    /// What it gives; inferred where absent.
    pub results: Option<Results>,
    /// `where` facts about the dims that the types bind.
    pub facts: Vec<Expr>,
    /// The whole signature.
    pub span: Span,
}

/// `bias: bool = true`
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Formal {
    /// Its name.
    pub name: Name,
    /// Its type; inferred where absent.
    pub ty: Option<Type>,
    /// The value where no argument is given.
    pub default: Option<Expr>,
    /// The whole formal.
    pub span: Span,
}

/// What follows `->`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub enum Results {
    /// `-> f32[B, 10]`: one output, whose name is `output`.
    Unnamed(Type),
    /// `-> (probability: f32[B, 10])`
    Named(Vec<NamedOutput>),
}

/// `probability: f32[B, 10]`
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NamedOutput {
    /// Its name.
    pub name: Name,
    /// Its type.
    pub ty: Type,
    /// Name and type.
    pub span: Span,
}

/// `f32[B, .., 10]`, or a scalar such as `int`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Type {
    /// What the elements are.
    pub element: Spanned<ElementType>,
    /// The axes; a scalar has no brackets.
    pub shape: Option<Vec<TypeDim>>,
    /// The whole type.
    pub span: Span,
}

/// One entry of a shape.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub enum TypeDim {
    /// `..`: any number of axes.
    Rest(Span),
    /// An extent: a number, a dim or arithmetic on them.
    Dim(Expr),
}

impl TypeDim {
    /// The whole entry.
    pub fn span(&self) -> Span {
        match self {
            Self::Rest(span) => *span,
            Self::Dim(extent) => extent.span,
        }
    }
}

/// What a tensor's elements are, or the kind of a compile-time scalar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub enum ElementType {
    /// A number with a given width, or `bool`.
    Dtype(Dtype),
    /// `int`: a compile-time integer or a dim.
    Int,
    /// `float`: a compile-time real number.
    Float,
}

impl ElementType {
    /// Every element type.
    pub fn all() -> impl Iterator<Item = Self> {
        Dtype::ALL
            .into_iter()
            .map(Self::Dtype)
            .chain([Self::Int, Self::Float])
    }

    /// The element type of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::all().find(|element| element.name() == name)
    }

    /// The name in source.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dtype(dtype) => dtype.name(),
            Self::Int => "int",
            Self::Float => "float",
        }
    }
}

impl fmt::Display for ElementType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

macro_rules! dtypes {
    ($($variant:ident $name:literal $documentation:literal,)*) => {
        /// The numeric types of tensors.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        pub enum Dtype {
            $(#[doc = $documentation] $variant,)*
        }

        impl Dtype {
            /// Every dtype.
            pub const ALL: [Self; [$($name),*].len()] = [$(Self::$variant),*];

            /// The name in source.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

dtypes! {
    F64 "f64" "IEEE binary64.",
    F32 "f32" "IEEE binary32.",
    F16 "f16" "IEEE binary16.",
    Bf16 "bf16" "The upper half of a binary32.",
    F8E4M3 "f8e4m3" "8 bits: 4 of exponent, 3 of mantissa.",
    F8E5M2 "f8e5m2" "8 bits: 5 of exponent, 2 of mantissa.",
    I64 "i64" "64 bits, signed.",
    I32 "i32" "32 bits, signed.",
    I16 "i16" "16 bits, signed.",
    I8 "i8" "8 bits, signed.",
    I4 "i4" "4 bits, signed.",
    U64 "u64" "64 bits, unsigned.",
    U32 "u32" "32 bits, unsigned.",
    U16 "u16" "16 bits, unsigned.",
    U8 "u8" "8 bits, unsigned.",
    U4 "u4" "4 bits, unsigned.",
    Bool "bool" "True or false.",
}

impl fmt::Display for Dtype {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
