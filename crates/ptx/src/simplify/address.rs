use crate::builder::{
    AnyOperand, AnyRegister, Immediate, Instruction, Mnemonic, RegisterFile, Statement,
};

use super::uses::{Uses, targets};

/// Adds constants to addresses where memory is accessed: `add x, base, 8` and `[x]` become
/// `[base+8]` as far as `base` stays what it is.
pub(super) fn fold(statements: &mut [Statement]) -> bool {
    let uses = Uses::of(statements);
    let mut changed = false;
    for place in 0..statements.len() {
        let Some((sum, base, offset)) = addition(&statements[place]) else {
            continue;
        };
        if uses.writes(sum) != 1 {
            continue;
        }
        let fixed = uses.writes(base) == 1;
        for statement in &mut statements[place + 1..] {
            let instruction = match statement {
                Statement::Instruction(instruction) => instruction,
                Statement::Label(_) if !fixed => break,
                Statement::Label(_) | Statement::Comment(_) => continue,
            };
            changed |= rewrite(instruction, sum, base, offset);
            if !fixed && targets(instruction).contains(&base) {
                break;
            }
        }
    }
    changed
}

/// The sum, the base and the constant of an addition to an address.
fn addition(statement: &Statement) -> Option<(AnyRegister, AnyRegister, i64)> {
    let Statement::Instruction(instruction) = statement else {
        return None;
    };
    if instruction.opcode.mnemonic != Mnemonic::Add || instruction.guard.is_some() {
        return None;
    }
    let [
        AnyOperand::Register(sum),
        AnyOperand::Register(base),
        AnyOperand::Immediate(constant),
    ] = &instruction.operands[..]
    else {
        return None;
    };
    let offset = match (sum.file, constant) {
        (RegisterFile::U64 | RegisterFile::S64 | RegisterFile::U32, constant) => match constant {
            Immediate::Integer(value) => *value,
            Immediate::Unsigned(value) => i64::try_from(*value).ok()?,
            Immediate::F32(_) | Immediate::F64(_) => return None,
        },
        _ => return None,
    };
    (sum != base && sum.file == base.file).then_some((*sum, *base, offset))
}

fn rewrite(instruction: &mut Instruction, sum: AnyRegister, base: AnyRegister, add: i64) -> bool {
    let mut changed = false;
    for operand in &mut instruction.operands {
        if let AnyOperand::Memory(register, offset) = operand
            && *register == sum
            && let Ok(total) = i32::try_from(i64::from(*offset).saturating_add(add))
        {
            (*register, *offset) = (base, total);
            changed = true;
        }
    }
    changed
}
