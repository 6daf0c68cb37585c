//! Tidies what was written: arithmetic with constants that does nothing, registers that only repeat
//! others, addresses that a load can add up itself, and results that nobody reads. The assembler would find
//! the same; readers and the interpreter are spared it.

mod address;
mod fold;
mod unused;
mod uses;

use crate::builder::{AnyOperand, AnyRegister, Immediate, Mnemonic, Statement, Written};
use uses::Uses;

/// Rounds until nothing changes; each makes chains shorter, so few are needed.
const ROUNDS: usize = 8;

/// The same function with less to read.
pub(crate) fn simplify(mut written: Written) -> Written {
    let statements = &mut written.statements;
    for _ in 0..ROUNDS {
        let folded = fold::fold(statements);
        let repeated = propagate(statements);
        let added = address::fold(statements);
        let removed = unused::remove(statements);
        if !(folded || repeated || added || removed) {
            break;
        }
    }
    unused::renumber(&mut written);
    written
}

/// Lets whoever reads a copy read what was copied, where both are written once.
fn propagate(statements: &mut [Statement]) -> bool {
    let uses = Uses::of(statements);
    let mut copies: std::collections::BTreeMap<AnyRegister, AnyOperand> = Default::default();
    for statement in statements.iter() {
        let Statement::Instruction(instruction) = statement else {
            continue;
        };
        let (Mnemonic::Move, None) = (instruction.opcode.mnemonic, instruction.guard) else {
            continue;
        };
        let [AnyOperand::Register(to), from] = &instruction.operands[..] else {
            continue;
        };
        let copied = match from {
            AnyOperand::Register(from) => from.file == to.file && uses.writes(*from) == 1,
            AnyOperand::Immediate(Immediate::Integer(_) | Immediate::Unsigned(_)) => true,
            _ => false,
        };
        if copied && uses.writes(*to) == 1 {
            copies.insert(*to, from.clone());
        }
    }
    let mut changed = false;
    for statement in statements.iter_mut() {
        let Statement::Instruction(instruction) = statement else {
            continue;
        };
        let constants = takes_constants(instruction.opcode.mnemonic);
        let written = uses::written(instruction.opcode.mnemonic);
        if let Some(guard) = &mut instruction.guard
            && let Some(AnyOperand::Register(from)) = copies.get(&guard.predicate)
        {
            guard.predicate = *from;
            changed = true;
        }
        for (place, operand) in instruction.operands.iter_mut().enumerate() {
            if place < written {
                continue;
            }
            match operand {
                AnyOperand::Register(register) => match copies.get(register) {
                    Some(AnyOperand::Immediate(_)) if !constants => {}
                    Some(from) => {
                        *operand = from.clone();
                        changed = true;
                    }
                    None => {}
                },
                AnyOperand::Memory(base, _) => {
                    if let Some(AnyOperand::Register(from)) = copies.get(base) {
                        *base = *from;
                        changed = true;
                    }
                }
                AnyOperand::Vector(registers) => {
                    for register in registers {
                        if let Some(AnyOperand::Register(from)) = copies.get(register) {
                            *register = *from;
                            changed = true;
                        }
                    }
                }
                AnyOperand::Immediate(_)
                | AnyOperand::Special(_)
                | AnyOperand::Named(..)
                | AnyOperand::Symbol(_)
                | AnyOperand::Label(_) => {}
            }
        }
    }
    changed
}

/// Whether integers may be constants in every place that is read.
fn takes_constants(mnemonic: Mnemonic) -> bool {
    use Mnemonic::*;
    matches!(
        mnemonic,
        Add | And
            | Divide
            | Mad
            | Maximum
            | Minimum
            | Move
            | Multiply
            | Or
            | Remainder
            | ShiftLeft
            | ShiftRight
            | Subtract
            | Xor
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builder::{Builder, Global, Register, U32, U64};

    fn text(written: Written) -> String {
        let written = simplify(written);
        let lines = written.statements.iter().map(|statement| match statement {
            Statement::Instruction(instruction) => format!("{instruction}\n"),
            Statement::Label(label) => format!("{label}:\n"),
            Statement::Comment(_) => String::new(),
        });
        let text: String = lines.collect();
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    fn store(b: &mut Builder, base: Register<U64>, value: Register<U32>) {
        b.store(Global { base, offset: 0 }, value);
    }

    #[test]
    fn arithmetic_that_does_nothing_goes() {
        let mut b = Builder::new();
        let (x, base): (Register<U32>, Register<U64>) = (b.parameter("x"), b.parameter("base"));
        let one = b.mul(x, 1u32);
        let none = b.shift_left(one, 0u32);
        let sum = b.mad(none, 1u32, 0u32);
        let four = b.mul(sum, 4u32);
        store(&mut b, base, four);
        let expected = "ld.param.u32 %u1, [x]; ld.param.u64 %ud1, [base]; shl.b32 %u2, %u1, 2; \
                        st.global.u32 [%ud1], %u2; ret;";
        assert_eq!(text(b.finish()), expected);
    }

    #[test]
    fn constants_are_worked_out() {
        let mut b = Builder::new();
        let base: Register<U64> = b.parameter("base");
        let five = b.copy::<U32>(5u32);
        let sum = b.add(five, 3u32);
        let product = b.mul(sum, sum);
        store(&mut b, base, product);
        let expected =
            "ld.param.u64 %ud1, [base]; mov.u32 %u1, 64; st.global.u32 [%ud1], %u1; ret;";
        assert_eq!(text(b.finish()), expected);
    }

    #[test]
    fn loads_add_up_their_addresses_unless_the_base_moves_on() {
        let mut b = Builder::new();
        let (start, to): (Register<U64>, Register<U64>) = (b.parameter("start"), b.parameter("to"));
        let base = b.copy(start);
        let next = b.add(base, 8u32);
        let x: Register<U32> = b.load(Global {
            base: next,
            offset: 4,
        });
        let late = b.add(base, 16u32);
        b.set(base, |b| b.add(base, 64u32));
        let y: Register<U32> = b.load(Global {
            base: late,
            offset: 0,
        });
        let sum = b.add(x, y);
        store(&mut b, to, sum);
        let found = text(b.finish());
        assert!(found.contains("ld.global.u32 %u1, [%ud3+12]"), "{found}");
        assert!(found.contains("add.u64 %ud4, %ud3, 16"), "{found}");
        assert!(found.contains("[%ud4]"), "{found}");
    }

    #[test]
    fn a_register_that_is_written_twice_is_left_alone() {
        let mut b = Builder::new();
        let (x, base): (Register<U32>, Register<U64>) = (b.parameter("x"), b.parameter("base"));
        let y = b.copy(x);
        let z = b.copy(y);
        b.assign(y, 7u32);
        let sum = b.add(z, y);
        store(&mut b, base, sum);
        let found = text(b.finish());
        assert!(
            found.contains("mov.u32 %u2, %u1; mov.u32 %u3, %u2; mov.u32 %u2, 7;"),
            "{found}"
        );
    }
}
