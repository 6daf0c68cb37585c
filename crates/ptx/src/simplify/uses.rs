use std::collections::BTreeMap;

use crate::builder::{AnyOperand, AnyRegister, Instruction, Mnemonic, Statement};

/// How often registers are written and read.
#[derive(Debug, Default)]
pub(super) struct Uses {
    writes: BTreeMap<AnyRegister, usize>,
    reads: BTreeMap<AnyRegister, usize>,
}

impl Uses {
    pub(super) fn of(statements: &[Statement]) -> Uses {
        let mut uses = Uses::default();
        for statement in statements {
            let Statement::Instruction(instruction) = statement else {
                continue;
            };
            for register in targets(instruction) {
                *uses.writes.entry(register).or_default() += 1;
            }
            for register in sources(instruction) {
                *uses.reads.entry(register).or_default() += 1;
            }
        }
        uses
    }

    /// How many instructions write a register.
    pub(super) fn writes(&self, register: AnyRegister) -> usize {
        self.writes.get(&register).copied().unwrap_or(0)
    }

    /// How often a register is read.
    pub(super) fn reads(&self, register: AnyRegister) -> usize {
        self.reads.get(&register).copied().unwrap_or(0)
    }
}

/// How many operands an instruction writes.
pub(super) fn written(mnemonic: Mnemonic) -> usize {
    use Mnemonic::*;
    match mnemonic {
        Barrier | Branch | Fence | Return | Store => 0,
        Abs | Add | And | Atom | Convert | ConvertAddress | Divide | Fma | Load | Mad | Maximum
        | Minimum | Move | Multiply | Negate | Not | Or | Remainder | Select | SetPredicate
        | Shuffle | ShiftLeft | ShiftRight | SquareRoot | Subtract | Vote | Xor => 1,
    }
}

/// The registers that an instruction writes.
pub(super) fn targets(instruction: &Instruction) -> Vec<AnyRegister> {
    let count = written(instruction.opcode.mnemonic);
    let operands = instruction.operands.iter().take(count);
    let registers = operands.flat_map(|operand| match operand {
        AnyOperand::Register(register) => vec![*register],
        AnyOperand::Vector(registers) => registers.clone(),
        _ => Vec::new(),
    });
    registers.collect()
}

/// The registers that an instruction reads.
pub(super) fn sources(instruction: &Instruction) -> Vec<AnyRegister> {
    let count = written(instruction.opcode.mnemonic);
    let operands = instruction.operands.iter().skip(count);
    let registers = operands.flat_map(|operand| match operand {
        AnyOperand::Register(register) | AnyOperand::Memory(register, _) => vec![*register],
        AnyOperand::Vector(registers) => registers.clone(),
        _ => Vec::new(),
    });
    let guard = instruction.guard.map(|guard| guard.predicate);
    registers.chain(guard).collect()
}
