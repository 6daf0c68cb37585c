//! Arithmetic, comparisons and bits. Floats round to nearest, ties to even, in every instruction,
//! so that the assembler contracts nothing.

use eyas_ir::Comparison;

use super::{
    Bitwise, Builder, Float, Integer, Integer32, Kind, Mnemonic, Modifier, Number, Operand,
    Predicate, Register, Suffix, Type, U32,
};

impl Builder {
    /// `a + b`
    pub fn add<T: Number>(
        &mut self,
        a: impl Into<Operand<T>>,
        b: impl Into<Operand<T>>,
    ) -> Register<T> {
        self.sum(Mnemonic::Add, a.into(), b.into())
    }

    /// `a - b`
    pub fn sub<T: Number>(
        &mut self,
        a: impl Into<Operand<T>>,
        b: impl Into<Operand<T>>,
    ) -> Register<T> {
        self.sum(Mnemonic::Subtract, a.into(), b.into())
    }

    fn sum<T: Number>(&mut self, mnemonic: Mnemonic, a: Operand<T>, b: Operand<T>) -> Register<T> {
        let operands = [a.into(), b.into()];
        match T::FLOAT {
            true => self.result(mnemonic, [Suffix::Rn.into(), T::TYPE.into()], operands),
            false => self.result(mnemonic, [T::TYPE.into()], operands),
        }
    }

    /// `a * b`; of integers the lower half.
    pub fn mul<T: Number>(
        &mut self,
        a: impl Into<Operand<T>>,
        b: impl Into<Operand<T>>,
    ) -> Register<T> {
        let half = if T::FLOAT { Suffix::Rn } else { Suffix::Lo };
        let operands = [a.into().into(), b.into().into()];
        self.result(Mnemonic::Multiply, [half.into(), T::TYPE.into()], operands)
    }

    /// The upper half of `a * b`.
    pub fn mul_high<T: Integer>(
        &mut self,
        a: impl Into<Operand<T>>,
        b: impl Into<Operand<T>>,
    ) -> Register<T> {
        let modifiers = [Suffix::Hi.into(), T::TYPE.into()];
        let operands = [a.into().into(), b.into().into()];
        self.result(Mnemonic::Multiply, modifiers, operands)
    }

    /// All of `a * b`.
    pub fn mul_wide<T: Integer32>(
        &mut self,
        a: impl Into<Operand<T>>,
        b: impl Into<Operand<T>>,
    ) -> Register<T::Double> {
        let modifiers = [Suffix::Wide.into(), T::TYPE.into()];
        let operands = [a.into().into(), b.into().into()];
        self.result(Mnemonic::Multiply, modifiers, operands)
    }

    /// `a * b + c`, the lower half.
    pub fn mad<T: Integer>(
        &mut self,
        a: impl Into<Operand<T>>,
        b: impl Into<Operand<T>>,
        c: impl Into<Operand<T>>,
    ) -> Register<T> {
        let modifiers = [Suffix::Lo.into(), T::TYPE.into()];
        let operands = [a.into().into(), b.into().into(), c.into().into()];
        self.result(Mnemonic::Mad, modifiers, operands)
    }

    /// All of `a * b`, and `c`.
    pub fn mad_wide<T: Integer32>(
        &mut self,
        a: impl Into<Operand<T>>,
        b: impl Into<Operand<T>>,
        c: impl Into<Operand<T::Double>>,
    ) -> Register<T::Double> {
        let modifiers = [Suffix::Wide.into(), T::TYPE.into()];
        let operands = [a.into().into(), b.into().into(), c.into().into()];
        self.result(Mnemonic::Mad, modifiers, operands)
    }

    /// `a * b + c`, rounded once.
    pub fn fma<T: Float>(
        &mut self,
        a: impl Into<Operand<T>>,
        b: impl Into<Operand<T>>,
        c: impl Into<Operand<T>>,
    ) -> Register<T> {
        let modifiers = [Suffix::Rn.into(), T::TYPE.into()];
        let operands = [a.into().into(), b.into().into(), c.into().into()];
        self.result(Mnemonic::Fma, modifiers, operands)
    }

    /// `a / b`; of integers towards zero.
    pub fn div<T: Number>(
        &mut self,
        a: impl Into<Operand<T>>,
        b: impl Into<Operand<T>>,
    ) -> Register<T> {
        self.sum(Mnemonic::Divide, a.into(), b.into())
    }

    /// What is left of `a` after [`Builder::div`].
    pub fn rem<T: Integer>(
        &mut self,
        a: impl Into<Operand<T>>,
        b: impl Into<Operand<T>>,
    ) -> Register<T> {
        self.sum(Mnemonic::Remainder, a.into(), b.into())
    }

    /// The lesser of two integers.
    pub fn min<T: Integer>(
        &mut self,
        a: impl Into<Operand<T>>,
        b: impl Into<Operand<T>>,
    ) -> Register<T> {
        self.sum(Mnemonic::Minimum, a.into(), b.into())
    }

    /// The greater of two integers.
    pub fn max<T: Integer>(
        &mut self,
        a: impl Into<Operand<T>>,
        b: impl Into<Operand<T>>,
    ) -> Register<T> {
        self.sum(Mnemonic::Maximum, a.into(), b.into())
    }

    /// The lesser of two floats, NaN where one is; -0 is less than 0.
    pub fn minimum<T: Float>(
        &mut self,
        a: impl Into<Operand<T>>,
        b: impl Into<Operand<T>>,
    ) -> Register<T> {
        self.extreme(Mnemonic::Minimum, a.into(), b.into())
    }

    /// The greater of two floats, NaN where one is; 0 is greater than -0.
    pub fn maximum<T: Float>(
        &mut self,
        a: impl Into<Operand<T>>,
        b: impl Into<Operand<T>>,
    ) -> Register<T> {
        self.extreme(Mnemonic::Maximum, a.into(), b.into())
    }

    fn extreme<T: Float>(
        &mut self,
        mnemonic: Mnemonic,
        a: Operand<T>,
        b: Operand<T>,
    ) -> Register<T> {
        let operands = [a.into(), b.into()];
        if T::TYPE == Type::F32 {
            let modifiers = [Suffix::CarryNan.into(), T::TYPE.into()];
            return self.result(mnemonic, modifiers, operands);
        }
        // Of f64 there is only the form that leaves NaN out.
        let number = self.result(mnemonic, [T::TYPE.into()], operands);
        let (sum, unordered) = (
            self.add(a, b),
            self.set_predicate(Suffix::Nan, T::TYPE, a, b),
        );
        self.select(unordered, sum, number)
    }

    /// The square root.
    pub fn sqrt<T: Float>(&mut self, a: impl Into<Operand<T>>) -> Register<T> {
        let modifiers = [Suffix::Rn.into(), T::TYPE.into()];
        self.result(Mnemonic::SquareRoot, modifiers, [a.into().into()])
    }

    /// `-a`
    pub fn neg<T: Number>(&mut self, a: impl Into<Operand<T>>) -> Register<T> {
        self.result(Mnemonic::Negate, [T::TYPE.into()], [a.into().into()])
    }

    /// `|a|`
    pub fn abs<T: Number>(&mut self, a: impl Into<Operand<T>>) -> Register<T> {
        self.result(Mnemonic::Abs, [T::TYPE.into()], [a.into().into()])
    }

    /// Bits that are set in both.
    pub fn and<T: Bitwise>(
        &mut self,
        a: impl Into<Operand<T>>,
        b: impl Into<Operand<T>>,
    ) -> Register<T> {
        self.bits(Mnemonic::And, a.into(), b.into())
    }

    /// Bits that are set in either.
    pub fn or<T: Bitwise>(
        &mut self,
        a: impl Into<Operand<T>>,
        b: impl Into<Operand<T>>,
    ) -> Register<T> {
        self.bits(Mnemonic::Or, a.into(), b.into())
    }

    /// Bits that are set in one alone.
    pub fn xor<T: Bitwise>(
        &mut self,
        a: impl Into<Operand<T>>,
        b: impl Into<Operand<T>>,
    ) -> Register<T> {
        self.bits(Mnemonic::Xor, a.into(), b.into())
    }

    fn bits<T: Bitwise>(
        &mut self,
        mnemonic: Mnemonic,
        a: Operand<T>,
        b: Operand<T>,
    ) -> Register<T> {
        let operands = [a.into(), b.into()];
        self.result(mnemonic, [T::TYPE.untyped().into()], operands)
    }

    /// Every bit turned over.
    pub fn not<T: Bitwise>(&mut self, a: impl Into<Operand<T>>) -> Register<T> {
        let modifiers = [T::TYPE.untyped().into()];
        self.result(Mnemonic::Not, modifiers, [a.into().into()])
    }

    /// Bits moved up.
    pub fn shift_left<T: Integer>(
        &mut self,
        a: impl Into<Operand<T>>,
        by: impl Into<Operand<U32>>,
    ) -> Register<T> {
        let operands = [a.into().into(), by.into().into()];
        self.result(Mnemonic::ShiftLeft, [T::TYPE.untyped().into()], operands)
    }

    /// Bits moved down, the sign kept where there is one.
    pub fn shift_right<T: Integer>(
        &mut self,
        a: impl Into<Operand<T>>,
        by: impl Into<Operand<U32>>,
    ) -> Register<T> {
        let operands = [a.into().into(), by.into().into()];
        self.result(Mnemonic::ShiftRight, [T::TYPE.into()], operands)
    }

    /// A comparison; with NaN only [`Comparison::NotEqual`] holds.
    pub fn compare<T: Number>(
        &mut self,
        comparison: Comparison,
        a: impl Into<Operand<T>>,
        b: impl Into<Operand<T>>,
    ) -> Register<Predicate> {
        let test = match comparison {
            Comparison::Equal => Suffix::Eq,
            Comparison::NotEqual if T::FLOAT => Suffix::Neu,
            Comparison::NotEqual => Suffix::Ne,
            Comparison::Less => Suffix::Lt,
            Comparison::LessOrEqual => Suffix::Le,
            Comparison::Greater => Suffix::Gt,
            Comparison::GreaterOrEqual => Suffix::Ge,
        };
        self.set_predicate(test, T::TYPE, a.into(), b.into())
    }

    /// Whether a float is NaN.
    pub fn is_nan<T: Float>(&mut self, a: impl Into<Operand<T>>) -> Register<Predicate> {
        let a = a.into();
        self.set_predicate(Suffix::Nan, T::TYPE, a, a)
    }

    fn set_predicate<T: Kind>(
        &mut self,
        test: Suffix,
        ty: Type,
        a: Operand<T>,
        b: Operand<T>,
    ) -> Register<Predicate> {
        let modifiers: [Modifier; 2] = [test.into(), ty.into()];
        self.result(Mnemonic::SetPredicate, modifiers, [a.into(), b.into()])
    }

    /// `condition ? a : b`
    pub fn select<T: Number>(
        &mut self,
        condition: Register<Predicate>,
        a: impl Into<Operand<T>>,
        b: impl Into<Operand<T>>,
    ) -> Register<T> {
        let operands = [a.into().into(), b.into().into(), condition.into_any()];
        self.result(Mnemonic::Select, [T::TYPE.into()], operands)
    }
}
