use crate::builder::{
    AnyOperand, Immediate, Instruction, Mnemonic, Modifier, Opcode, Statement, Suffix, Type,
};

/// Writes integer arithmetic with constants in fewer or simpler operations.
pub(super) fn fold(statements: &mut [Statement]) -> bool {
    let mut changed = false;
    for statement in statements {
        if let Statement::Instruction(instruction) = statement
            && let Some(simpler) = simpler(instruction)
        {
            *instruction = simpler;
            changed = true;
        }
    }
    changed
}

/// An integer type, its bits and whether it is signed; of `b32` and `b64` both readings agree.
fn integer(ty: Type) -> Option<(u32, bool)> {
    match ty {
        Type::U32 | Type::B32 => Some((32, false)),
        Type::U64 | Type::B64 => Some((64, false)),
        Type::S32 => Some((32, true)),
        Type::S64 => Some((64, true)),
        _ => None,
    }
}

fn simpler(instruction: &Instruction) -> Option<Instruction> {
    use Mnemonic::*;
    let Opcode {
        mnemonic,
        modifiers,
    } = &instruction.opcode;
    let Some(Modifier::Type(ty)) = modifiers.last() else {
        return None;
    };
    let (bits, signed) = integer(*ty)?;
    let wide = modifiers.contains(&Suffix::Wide.into());
    let upper = modifiers.contains(&Suffix::Hi.into());
    let to = instruction.operands.first()?;
    let operands = &instruction.operands[1..];
    let constant = |place: usize| match operands.get(place) {
        Some(AnyOperand::Immediate(Immediate::Integer(value))) => Some(*value as u64),
        Some(AnyOperand::Immediate(Immediate::Unsigned(value))) => Some(*value),
        _ => None,
    };
    let mask = if bits == 32 {
        u64::from(u32::MAX)
    } else {
        u64::MAX
    };
    let value = |place| constant(place).map(|value| value & mask);
    let with = |mnemonic, modifiers: Vec<Modifier>, operands: Vec<AnyOperand>| {
        let operands = std::iter::once(to.clone()).chain(operands);
        Some(Instruction {
            guard: instruction.guard,
            opcode: Opcode {
                mnemonic,
                modifiers,
            },
            operands: operands.collect(),
        })
    };
    let typed = typed(to).unwrap_or(*ty);
    let number = |value: u64| {
        AnyOperand::Immediate(match (typed, bits) {
            (Type::S32, _) => Immediate::Integer(i64::from(value as u32 as i32)),
            (Type::S64, _) => Immediate::Integer(value as i64),
            (_, 32) => Immediate::Unsigned(value & mask),
            _ => Immediate::Unsigned(value),
        })
    };
    let small = |value: u64| AnyOperand::Immediate(Immediate::Unsigned(value));
    let moved = |operand: AnyOperand| with(Move, vec![typed.into()], vec![operand]);
    let untyped: Modifier = ty.untyped().into();
    let operand = |place: usize| operands[place].clone();
    match mnemonic {
        Mad if wide => match (value(0), value(1), constant(2)) {
            (_, _, Some(0)) => with(Multiply, modifiers.clone(), vec![operand(0), operand(1)]),
            _ => None,
        },
        Mad => match (value(0), value(1), value(2)) {
            (Some(_), None, _) => with(
                Mad,
                modifiers.clone(),
                vec![operand(1), operand(0), operand(2)],
            ),
            (_, _, Some(0)) => with(Multiply, modifiers.clone(), vec![operand(0), operand(1)]),
            (_, Some(0), _) => moved(operand(2)),
            (_, Some(1), _) => with(Add, vec![(*ty).into()], vec![operand(0), operand(2)]),
            (Some(a), Some(b), _) => {
                let product = number(a.wrapping_mul(b));
                with(Add, vec![(*ty).into()], vec![operand(2), product])
            }
            _ => None,
        },
        Multiply if wide || upper => None,
        Multiply => match (value(0), value(1)) {
            (Some(a), Some(b)) => moved(number(a.wrapping_mul(b))),
            (Some(_), None) => with(Multiply, modifiers.clone(), vec![operand(1), operand(0)]),
            (None, Some(0)) => moved(number(0)),
            (None, Some(1)) => moved(operand(0)),
            (None, Some(b)) if b.is_power_of_two() => {
                let by = small(b.trailing_zeros().into());
                with(ShiftLeft, vec![untyped], vec![operand(0), by])
            }
            _ => None,
        },
        Add => match (value(0), value(1)) {
            (Some(a), Some(b)) => moved(number(a.wrapping_add(b))),
            (Some(_), None) => with(Add, modifiers.clone(), vec![operand(1), operand(0)]),
            (None, Some(0)) => moved(operand(0)),
            _ => None,
        },
        Subtract => match (value(0), value(1)) {
            (Some(a), Some(b)) => moved(number(a.wrapping_sub(b))),
            (None, Some(0)) => moved(operand(0)),
            _ => None,
        },
        Or | Xor | And => match (value(0), value(1)) {
            (Some(a), Some(b)) => moved(number(match mnemonic {
                Or => a | b,
                Xor => a ^ b,
                _ => a & b,
            })),
            (None, Some(0)) if *mnemonic == And => moved(number(0)),
            (None, Some(0)) => moved(operand(0)),
            _ => None,
        },
        ShiftLeft | ShiftRight => match (value(0), constant(1)) {
            (_, Some(0)) => moved(operand(0)),
            (Some(a), Some(by)) if by < u64::from(bits) => moved(number(match mnemonic {
                ShiftLeft => a << by,
                _ if signed && bits == 32 => (i64::from(a as u32 as i32) >> by) as u64,
                _ if signed => ((a as i64) >> by) as u64,
                _ => a >> by,
            })),
            _ => None,
        },
        Divide => match value(1) {
            Some(1) => moved(operand(0)),
            Some(b) if !signed && b.is_power_of_two() => {
                let by = small(b.trailing_zeros().into());
                with(ShiftRight, vec![(*ty).into()], vec![operand(0), by])
            }
            _ => None,
        },
        Remainder => match value(1) {
            Some(1) => moved(number(0)),
            Some(b) if !signed && b.is_power_of_two() => {
                with(And, vec![untyped], vec![operand(0), number(b - 1)])
            }
            _ => None,
        },
        _ => None,
    }
}

/// The type of a register's own.
fn typed(operand: &AnyOperand) -> Option<Type> {
    match operand {
        AnyOperand::Register(register) => Some(register.file.declared()),
        _ => None,
    }
}
