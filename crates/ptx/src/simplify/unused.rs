use std::collections::BTreeMap;

use crate::builder::{
    AnyOperand, AnyRegister, Instruction, Mnemonic, RegisterFile, Statement, Written,
};

use super::uses::{Uses, targets};

/// Removes what computes results that nobody reads.
pub(super) fn remove(statements: &mut Vec<Statement>) -> bool {
    let uses = Uses::of(statements);
    let before = statements.len();
    statements.retain(|statement| match statement {
        Statement::Instruction(instruction) => {
            let results = targets(instruction);
            let acts = acts(instruction.opcode.mnemonic);
            acts || results.iter().any(|result| uses.reads(*result) > 0)
        }
        Statement::Label(_) | Statement::Comment(_) => true,
    });
    statements.len() != before
}

/// Whether an instruction does more than to write its results.
fn acts(mnemonic: Mnemonic) -> bool {
    use Mnemonic::*;
    match mnemonic {
        Atom | Barrier | Branch | Fence | Return | Shuffle | Store | Vote => true,
        Abs | Add | And | Convert | ConvertAddress | Divide | Fma | Load | Mad | Maximum
        | Minimum | Move | Multiply | Negate | Not | Or | Remainder | Select | SetPredicate
        | ShiftLeft | ShiftRight | SquareRoot | Subtract | Xor => false,
    }
}

/// Numbers the registers of each file in the order in which they stand.
pub(super) fn renumber(written: &mut Written) {
    let mut numbers = Numbers::default();
    for statement in &mut written.statements {
        if let Statement::Instruction(instruction) = statement {
            numbers.instruction(instruction);
        }
    }
    written.registers = numbers.counts;
}

#[derive(Default)]
struct Numbers {
    known: BTreeMap<AnyRegister, u32>,
    counts: BTreeMap<RegisterFile, u32>,
}

impl Numbers {
    fn instruction(&mut self, instruction: &mut Instruction) {
        if let Some(guard) = &mut instruction.guard {
            self.register(&mut guard.predicate);
        }
        for operand in &mut instruction.operands {
            match operand {
                AnyOperand::Register(register) | AnyOperand::Memory(register, _) => {
                    self.register(register);
                }
                AnyOperand::Vector(registers) => {
                    registers
                        .iter_mut()
                        .for_each(|register| self.register(register));
                }
                AnyOperand::Immediate(_)
                | AnyOperand::Special(_)
                | AnyOperand::Named(..)
                | AnyOperand::Symbol(_)
                | AnyOperand::Label(_) => {}
            }
        }
    }

    fn register(&mut self, register: &mut AnyRegister) {
        let counts = &mut self.counts;
        let number = self.known.entry(*register).or_insert_with(|| {
            let count = counts.entry(register.file).or_default();
            *count += 1;
            *count
        });
        register.number = *number;
    }
}
