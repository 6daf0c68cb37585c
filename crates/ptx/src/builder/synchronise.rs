//! What threads do together: barriers, shuffles, votes, atomics.

use super::{
    Address, AnyOperand, AnyRegister, Builder, F32, F64, Halves, Immediate, Integer, Kind,
    Mnemonic, Modifier, Operand, Predicate, Register, S32, S64, Stored, Suffix, Type, U32, U64,
};

/// All lanes of a warp.
const EVERYONE: AnyOperand = AnyOperand::Immediate(Immediate::Unsigned(0xffff_ffff));

/// What an atomic does to memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Atomic {
    Add,
    Minimum,
    Maximum,
}

/// Kinds that lanes of a warp exchange.
pub trait Shuffled: Stored {
    /// `exchange` of each word, which writes the first register with what becomes of the second.
    fn shuffled(
        b: &mut Builder,
        value: Register<Self>,
        exchange: &mut dyn FnMut(&mut Builder, AnyRegister, AnyRegister),
    ) -> Register<Self>;
}

macro_rules! shuffled {
    (words: $($word:ident)*; doubles: $($double:ident)*;) => {
        $(impl Shuffled for $word {
            fn shuffled(
                b: &mut Builder,
                value: Register<$word>,
                exchange: &mut dyn FnMut(&mut Builder, AnyRegister, AnyRegister),
            ) -> Register<$word> {
                let result = b.register::<$word>();
                exchange(b, result.any(), value.any());
                result
            }
        })*
        $(impl Shuffled for $double {
            fn shuffled(
                b: &mut Builder,
                value: Register<$double>,
                exchange: &mut dyn FnMut(&mut Builder, AnyRegister, AnyRegister),
            ) -> Register<$double> {
                let words = b.split(value).map(|word| {
                    let result = b.register::<U32>();
                    exchange(b, result.any(), word.any());
                    result
                });
                b.join(words)
            }
        })*
    };
}

shuffled! {
    words: F32 S32 U32 Halves;
    doubles: F64 S64 U64;
}

impl Builder {
    /// Waits for all threads of the block; what they wrote to memory is there for the others.
    pub fn barrier(&mut self) {
        let zero = AnyOperand::Immediate(Immediate::Integer(0));
        self.push(Mnemonic::Barrier, [Suffix::Sync.into()], [zero]);
    }

    /// Waits for all lanes of the warp; no load or store is moved across.
    pub fn warp_barrier(&mut self) {
        let modifiers = [Suffix::Warp.into(), Suffix::Sync.into()];
        self.push(Mnemonic::Barrier, modifiers, [EVERYONE]);
    }

    /// What this thread wrote is there for the whole device before what it writes after.
    pub fn fence(&mut self) {
        let modifiers = [Suffix::AcqRel.into(), Suffix::Gpu.into()];
        self.push(Mnemonic::Fence, modifiers, []);
    }

    /// The value of the lane whose number differs in these bits; the whole warp is there.
    pub fn shuffle_xor<T: Shuffled>(&mut self, value: Register<T>, bits: u32) -> Register<T> {
        self.shuffle(Suffix::Bfly, value, bits.into())
    }

    /// The value of the lane so much higher, its own where there is none; the whole warp is there.
    pub fn shuffle_down<T: Shuffled>(&mut self, value: Register<T>, by: u32) -> Register<T> {
        self.shuffle(Suffix::Down, value, by.into())
    }

    /// The value of a lane; the whole warp is there.
    pub fn shuffle_from<T: Shuffled>(
        &mut self,
        value: Register<T>,
        lane: impl Into<Operand<U32>>,
    ) -> Register<T> {
        self.shuffle(Suffix::Idx, value, lane.into())
    }

    fn shuffle<T: Shuffled>(
        &mut self,
        mode: Suffix,
        value: Register<T>,
        lane: Operand<U32>,
    ) -> Register<T> {
        T::shuffled(self, value, &mut |b, to, from| {
            let modifiers = [Suffix::Sync.into(), mode.into(), Type::B32.into()];
            let [to, from] = [to, from].map(AnyOperand::Register);
            let clamp = AnyOperand::Immediate(Immediate::Integer(31));
            b.push(
                Mnemonic::Shuffle,
                modifiers,
                [to, from, lane.into(), clamp, EVERYONE],
            );
        })
    }

    /// Whether the condition holds for any lane; the whole warp is there.
    pub fn any_lane(&mut self, condition: Register<Predicate>) -> Register<Predicate> {
        self.vote(Suffix::Any, Type::Pred, condition)
    }

    /// Whether the condition holds for all lanes; the whole warp is there.
    pub fn every_lane(&mut self, condition: Register<Predicate>) -> Register<Predicate> {
        self.vote(Suffix::All, Type::Pred, condition)
    }

    /// A bit a lane, set where the condition holds; the whole warp is there.
    pub fn ballot(&mut self, condition: Register<Predicate>) -> Register<U32> {
        self.vote(Suffix::Ballot, Type::B32, condition)
    }

    fn vote<T: Kind>(
        &mut self,
        mode: Suffix,
        ty: Type,
        condition: Register<Predicate>,
    ) -> Register<T> {
        let modifiers = [Suffix::Sync.into(), mode.into(), ty.into()];
        self.result(Mnemonic::Vote, modifiers, [condition.into_any(), EVERYONE])
    }

    /// Combines a value into memory in one step and gives what was there.
    pub fn atomic<T: Integer>(
        &mut self,
        atomic: Atomic,
        at: impl Into<Address>,
        value: impl Into<Operand<T>>,
    ) -> Register<T> {
        let (word, ty) = match atomic {
            // A sum of signed 64-bit integers is that of unsigned ones.
            Atomic::Add if T::TYPE == Type::S64 => (Suffix::Add, Type::U64),
            Atomic::Add => (Suffix::Add, T::TYPE),
            Atomic::Minimum => (Suffix::Min, T::TYPE),
            Atomic::Maximum => (Suffix::Max, T::TYPE),
        };
        let (at, value) = (at.into(), self.held(value));
        let modifiers: [Modifier; 3] = [at.space(), word.into(), ty.into()];
        self.result(Mnemonic::Atom, modifiers, [at.operand(), value.into_any()])
    }

    /// Writes a value in one step where `expected` is found, and gives what was there.
    pub fn compare_and_swap<T: Integer>(
        &mut self,
        at: impl Into<Address>,
        expected: impl Into<Operand<T>>,
        value: impl Into<Operand<T>>,
    ) -> Register<T> {
        let at = at.into();
        let modifiers = [at.space(), Suffix::Cas.into(), T::TYPE.untyped().into()];
        let operands = [at.operand(), expected.into().into(), value.into().into()];
        self.result(Mnemonic::Atom, modifiers, operands)
    }

    /// Writes a value in one step, and gives what was there.
    pub fn exchange<T: Integer>(
        &mut self,
        at: impl Into<Address>,
        value: impl Into<Operand<T>>,
    ) -> Register<T> {
        let at = at.into();
        let modifiers = [at.space(), Suffix::Exch.into(), T::TYPE.untyped().into()];
        self.result(
            Mnemonic::Atom,
            modifiers,
            [at.operand(), value.into().into()],
        )
    }
}
