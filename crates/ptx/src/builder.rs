//! Writes PTX an instruction at a time, with registers whose kinds are types.
//!
//! ```
//! use eyas_ptx::builder::{Builder, F32, Register};
//!
//! let mut b = Builder::new();
//! let x: Register<F32> = b.parameter("x");
//! let y = b.add(x, 1.0);
//! let z = b.fma(y, y, x);
//! ```
//!
//! An instruction on registers of another kind does not build:
//!
//! ```compile_fail
//! use eyas_ptx::builder::{Builder, F32, Register, S32};
//!
//! let mut b = Builder::new();
//! let x: Register<F32> = b.parameter("x");
//! let n: Register<S32> = b.parameter("n");
//! let y = b.add(x, n);
//! ```
//!
//! Nor does one on two packed halves where a word is wanted:
//!
//! ```compile_fail
//! use eyas_ptx::builder::{Builder, Halves, Register};
//!
//! let mut b = Builder::new();
//! let x: Register<Halves> = b.parameter("x");
//! let y = b.shift_left(x, 1u32);
//! ```

mod arithmetic;
mod control;
mod convert;
mod instruction;
mod kind;
mod memory;
mod register;
mod synchronise;

use std::collections::BTreeMap;

pub use control::{Control, Label};
pub use convert::Rounding;
pub use instruction::{
    AnyOperand, Guard, Immediate, Instruction, Mnemonic, Modifier, Opcode, Special, Statement,
    Suffix,
};
pub use kind::{
    B16, Bitwise, Bytes, F32, F64, Float, Halves, Integer, Integer32, Kind, Narrow, Number,
    Predicate, RegisterFile, S32, S64, Stored, Type, U32, U64,
};
pub use memory::{Address, Global, Shared, SharedArray};
pub use register::{AnyRegister, Operand, Register};
pub use synchronise::{Atomic, Shuffled};

/// Writes the statements of one entry.
#[derive(Debug, Default)]
pub struct Builder {
    registers: BTreeMap<RegisterFile, u32>,
    shared: Vec<SharedArray>,
    entry: Vec<Statement>,
    body: Vec<Statement>,
    labels: u32,
    guard: Option<Guard>,
}

/// What a builder has written.
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
    /// How many registers of each file.
    pub registers: BTreeMap<RegisterFile, u32>,
    /// Arrays in shared memory.
    pub shared: Vec<SharedArray>,
    /// The statements in order.
    pub statements: Vec<Statement>,
}

impl Builder {
    /// With nothing written.
    pub fn new() -> Builder {
        Builder::default()
    }

    /// All that was written, with a return at its end.
    pub fn finish(mut self) -> Written {
        self.push(Mnemonic::Return, [], []);
        let mut statements = self.entry;
        statements.append(&mut self.body);
        Written {
            registers: self.registers,
            shared: self.shared,
            statements,
        }
    }

    /// A register that nothing was written to.
    pub fn register<T: Kind>(&mut self) -> Register<T> {
        let count = self.registers.entry(T::FILE).or_default();
        *count += 1;
        Register::new(*count)
    }

    /// A comment before the next instruction.
    pub fn comment(&mut self, text: impl Into<String>) {
        self.body.push(Statement::Comment(text.into()));
    }

    /// Writes what `body` does at the entry's beginning, before everything else but what was
    /// written there already.
    pub fn at_entry<R>(&mut self, body: impl FnOnce(&mut Builder) -> R) -> R {
        let guard = self.guard.take();
        std::mem::swap(&mut self.entry, &mut self.body);
        let result = body(self);
        std::mem::swap(&mut self.entry, &mut self.body);
        self.guard = guard;
        result
    }

    /// Puts a condition before every instruction that `body` writes. What they leave unwritten
    /// where it does not hold keeps its value.
    pub fn guarded<R>(
        &mut self,
        condition: Register<Predicate>,
        holds: bool,
        body: impl FnOnce(&mut Builder) -> R,
    ) -> R {
        let guard = Guard {
            predicate: condition.any(),
            negated: !holds,
        };
        let outer = self.guard.replace(guard);
        let result = body(self);
        self.guard = outer;
        result
    }

    /// Writes a register anew: what `body` computes goes into it. The last instruction of `body`
    /// writes it directly where it is the one that gives the result.
    pub fn set<T: Kind>(
        &mut self,
        register: Register<T>,
        body: impl FnOnce(&mut Builder) -> Register<T>,
    ) {
        let start = self.body.len();
        let result = body(self);
        self.settle_from(start, register, result);
    }

    /// Writes a register anew with a value that nothing after this reads: the last instruction
    /// writes it directly where it is the one that gives the value.
    pub fn settle<T: Kind>(&mut self, register: Register<T>, value: Register<T>) {
        self.settle_from(0, register, value);
    }

    fn settle_from<T: Kind>(&mut self, start: usize, register: Register<T>, value: Register<T>) {
        let (guard, result) = (self.guard, value.any());
        let last = self.body[start..].last_mut();
        if let Some(Statement::Instruction(instruction)) = last
            && instruction.opcode.mnemonic != Mnemonic::Store
            && instruction.guard == guard
            && instruction.operands.first() == Some(&AnyOperand::Register(result))
        {
            instruction.operands[0] = AnyOperand::Register(register.any());
            // Nobody has the number that was drawn last.
            let drawn = self.registers.entry(T::FILE).or_default();
            if *drawn == result.number && result != register.any() {
                *drawn -= 1;
            }
            return;
        }
        self.assign(register, value);
    }

    /// Writes a register anew.
    pub fn assign<T: Kind>(&mut self, register: Register<T>, value: impl Into<Operand<T>>) {
        let operands = [register.into_any(), value.into().into()];
        self.push(Mnemonic::Move, [T::TYPE.into()], operands);
    }

    /// A register of its own with this value.
    pub fn copy<T: Kind>(&mut self, value: impl Into<Operand<T>>) -> Register<T> {
        let register = self.register();
        self.assign(register, value);
        register
    }

    /// A register with this value, which may be one that is there.
    pub fn held<T: Kind>(&mut self, value: impl Into<Operand<T>>) -> Register<T> {
        match value.into() {
            Operand::Register(register) => register,
            constant => self.copy(constant),
        }
    }

    /// A special register.
    pub fn special(&mut self, special: Special) -> Register<U32> {
        let register = self.register();
        let operands = [register.into_any(), AnyOperand::Special(special)];
        self.push(Mnemonic::Move, [Type::U32.into()], operands);
        register
    }

    /// Any instruction.
    pub fn push(
        &mut self,
        mnemonic: Mnemonic,
        modifiers: impl Into<Vec<Modifier>>,
        operands: impl Into<Vec<AnyOperand>>,
    ) {
        self.body.push(Statement::Instruction(Instruction {
            guard: self.guard,
            opcode: Opcode {
                mnemonic,
                modifiers: modifiers.into(),
            },
            operands: operands.into(),
        }));
    }

    /// An instruction that writes one register.
    fn result<T: Kind, const M: usize, const N: usize>(
        &mut self,
        mnemonic: Mnemonic,
        modifiers: [Modifier; M],
        operands: [AnyOperand; N],
    ) -> Register<T> {
        let register = self.register::<T>();
        let operands = std::iter::once(register.into_any()).chain(operands);
        self.push(mnemonic, modifiers, operands.collect::<Vec<_>>());
        register
    }
}

impl<T: Kind> Register<T> {
    fn into_any(self) -> AnyOperand {
        AnyOperand::Register(self.any())
    }
}
