//! Conversions between kinds.

use super::{
    AnyOperand, B16, Builder, F32, F64, Float, Halves, Integer, Integer32, Kind, Mnemonic,
    Modifier, Narrow, Operand, Register, Stored, Suffix, Type, U32, U64,
};

/// To which integer a float is rounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rounding {
    /// To the nearest, ties to even.
    Nearest,
    /// Towards zero.
    Zero,
    /// Down.
    Down,
    /// Up.
    Up,
}

impl Rounding {
    fn suffix(self) -> Suffix {
        match self {
            Rounding::Nearest => Suffix::Rni,
            Rounding::Zero => Suffix::Rzi,
            Rounding::Down => Suffix::Rmi,
            Rounding::Up => Suffix::Rpi,
        }
    }
}

impl Builder {
    fn convert<D: Kind, S: Kind>(
        &mut self,
        rounding: Option<Suffix>,
        to: Type,
        from: Type,
        a: Operand<S>,
    ) -> Register<D> {
        let types = [to.into(), from.into()];
        match rounding {
            Some(rounding) => {
                let modifiers: [Modifier; 3] = [rounding.into(), types[0], types[1]];
                self.result(Mnemonic::Convert, modifiers, [a.into()])
            }
            None => self.result(Mnemonic::Convert, types, [a.into()]),
        }
    }

    /// A float as the integer near it, still a float.
    pub fn round<T: Float>(&mut self, rounding: Rounding, a: impl Into<Operand<T>>) -> Register<T> {
        self.convert(Some(rounding.suffix()), T::TYPE, T::TYPE, a.into())
    }

    /// A float as an integer, cut to its range. NaN is 0 where neither is of 64 bits.
    pub fn to_integer<D: Integer, S: Float>(
        &mut self,
        rounding: Rounding,
        a: impl Into<Operand<S>>,
    ) -> Register<D> {
        self.convert(Some(rounding.suffix()), D::TYPE, S::TYPE, a.into())
    }

    /// An integer as the nearest float.
    pub fn to_float<D: Float, S: Integer>(&mut self, a: impl Into<Operand<S>>) -> Register<D> {
        self.convert(Some(Suffix::Rn), D::TYPE, S::TYPE, a.into())
    }

    /// An f64 as the nearest f32.
    pub fn narrow_float(&mut self, a: impl Into<Operand<F64>>) -> Register<F32> {
        self.convert(Some(Suffix::Rn), Type::F32, Type::F64, a.into())
    }

    /// An f32 as f64.
    pub fn widen_float(&mut self, a: impl Into<Operand<F32>>) -> Register<F64> {
        self.convert(None, Type::F64, Type::F32, a.into())
    }

    /// An f32 as the bits of the nearest f16.
    pub fn to_f16(&mut self, a: impl Into<Operand<F32>>) -> Register<B16> {
        self.convert(Some(Suffix::Rn), Type::F16, Type::F32, a.into())
    }

    /// An f32 as the bits of the nearest bf16.
    pub fn to_bf16(&mut self, a: impl Into<Operand<F32>>) -> Register<B16> {
        self.convert(Some(Suffix::Rn), Type::Bf16, Type::F32, a.into())
    }

    /// The bits of an f16 as f32.
    pub fn from_f16(&mut self, a: Register<B16>) -> Register<F32> {
        self.convert(None, Type::F32, Type::F16, a.into())
    }

    /// The bits of a bf16 as f32: they are its upper half.
    pub fn from_bf16(&mut self, a: Register<B16>) -> Register<F32> {
        let bits: Register<U32> = self.from_short(a);
        let bits = self.shift_left(bits, 16u32);
        self.reinterpret(bits)
    }

    /// An integer as one of another width or signedness, wrapped.
    pub fn resize<D: Integer, S: Integer>(&mut self, a: impl Into<Operand<S>>) -> Register<D> {
        self.convert(None, D::TYPE, S::TYPE, a.into())
    }

    /// The lower byte, widened by its sign where the kind has one.
    pub fn low_byte<T: Integer32>(&mut self, a: impl Into<Operand<T>>) -> Register<T> {
        self.convert(None, T::TYPE, T::BYTE, a.into())
    }

    /// The lower two bytes, widened by their sign where the kind has one.
    pub fn low_short<T: Integer32>(&mut self, a: impl Into<Operand<T>>) -> Register<T> {
        self.convert(None, T::TYPE, T::SHORT, a.into())
    }

    /// 16 bits as a word, widened by their sign where the kind has one.
    pub fn from_short<T: Integer32>(&mut self, a: Register<B16>) -> Register<T> {
        self.convert(None, T::TYPE, T::SHORT, a.into())
    }

    /// A narrow integer of 16 bits as a word, widened as its type has it.
    pub fn widen_short<T: Integer32>(&mut self, narrow: Narrow, a: Register<B16>) -> Register<T> {
        self.convert(None, T::TYPE, narrow.ty(), a.into())
    }

    /// The lower 16 bits of a word.
    pub fn to_short<T: Integer32>(&mut self, a: impl Into<Operand<T>>) -> Register<B16> {
        self.convert(None, Type::U16, Type::U32, a.into())
    }

    /// The same bits as another kind of the same width.
    pub fn reinterpret<D: Stored, S: Stored>(&mut self, a: impl Into<Operand<S>>) -> Register<D> {
        const { assert!(D::BYTES == S::BYTES, "kinds of different widths") }
        let modifiers = [D::TYPE.untyped().into()];
        self.result(Mnemonic::Move, modifiers, [a.into().into()])
    }

    /// Two 16-bit values side by side, the first in the lower half.
    pub fn pack(&mut self, low: Register<B16>, high: Register<B16>) -> Register<Halves> {
        let halves = AnyOperand::Vector(vec![low.any(), high.any()]);
        self.result(Mnemonic::Move, [Type::B32.into()], [halves])
    }

    /// Two packed 16-bit values, the lower half first.
    pub fn unpack(&mut self, packed: Register<Halves>) -> [Register<B16>; 2] {
        let halves = [self.register(), self.register()];
        self.spread(halves, Type::B32, packed);
        halves
    }

    /// The two words of 64 bits, the lower half first.
    pub fn split<S: Stored>(&mut self, a: Register<S>) -> [Register<U32>; 2] {
        const { assert!(S::BYTES == 8, "a kind that has no two words") }
        let words = [self.register(), self.register()];
        self.spread(words, Type::B64, a);
        words
    }

    fn spread<D: Kind, S: Kind>(&mut self, parts: [Register<D>; 2], ty: Type, a: Register<S>) {
        let parts = AnyOperand::Vector(parts.iter().map(|part| part.any()).collect());
        self.push(Mnemonic::Move, [ty.into()], [parts, a.into_any()]);
    }

    /// 64 bits of two words, the lower half first.
    pub fn join<D: Stored>(&mut self, [low, high]: [Register<U32>; 2]) -> Register<D> {
        const { assert!(D::BYTES == 8, "a kind that has no two words") }
        let words = AnyOperand::Vector(vec![low.any(), high.any()]);
        self.result(Mnemonic::Move, [Type::B64.into()], [words])
    }

    /// The place in global memory that a generic address is.
    pub fn to_global(&mut self, generic: Register<U64>) -> Register<U64> {
        let modifiers = [Suffix::To.into(), Suffix::Global.into(), Type::U64.into()];
        self.result(Mnemonic::ConvertAddress, modifiers, [generic.into_any()])
    }
}
