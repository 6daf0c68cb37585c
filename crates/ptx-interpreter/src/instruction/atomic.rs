use super::convert::defined;
use super::{Decoded, Operation};
use crate::Type;
use crate::decoder::{Address, Decoder, Modifiers, Register, is_wide};
use crate::lane::{LANES, Mask, Plane, lanes};
use crate::machine::{Addressing, Machine, Reach, Step};
use crate::syntax::{Operand, Statement};

/// A read and a write of one place that no other thread comes between.
#[derive(Debug, Clone)]
pub(crate) struct Atomic {
    function: Function,
    kind: Type,
    addressing: Addressing,
    at: Address,
    /// Where what was there before goes.
    to: Option<Register>,
    /// One operand, or two of a comparison and exchange.
    from: Vec<Register>,
    releases: bool,
    acquires: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Function {
    Add,
    Minimum,
    Maximum,
    And,
    Or,
    Xor,
    Exchange,
    CompareExchange,
    Increment,
    Decrement,
}

pub(super) fn decode<'a>(
    statement: &Statement<'a>,
    modifiers: &mut Modifiers<'_, 'a>,
    decoder: &mut Decoder<'a>,
) -> Decoded {
    let gives = statement.opcode == "atom";
    let order = modifiers
        .one_of(&["relaxed", "acquire", "release", "acq_rel"])
        .unwrap_or(0);
    modifiers.one_of(&["cta", "cluster", "gpu", "sys"]);
    let addressing = match modifiers.one_of(&["global", "shared", "shared::cta"]) {
        Some(0) => Addressing::Global,
        Some(_) => Addressing::Shared,
        None => Addressing::Generic,
    };
    let names = [
        "add", "min", "max", "and", "or", "xor", "exch", "cas", "inc", "dec",
    ];
    let bits = [Type::B32, Type::B64];
    let at = modifiers.expect(&names)?;
    if !gives && (at == 6 || at == 7) {
        return decoder.error("`red` gives nothing back, so that it has no `.exch` and no `.cas`");
    }
    let (function, kinds): (Function, &[Type]) = match at {
        0 => (
            Function::Add,
            &[Type::U32, Type::S32, Type::U64, Type::F32, Type::F64],
        ),
        1 => (
            Function::Minimum,
            &[Type::U32, Type::S32, Type::U64, Type::S64],
        ),
        2 => (
            Function::Maximum,
            &[Type::U32, Type::S32, Type::U64, Type::S64],
        ),
        3 => (Function::And, &bits),
        4 => (Function::Or, &bits),
        5 => (Function::Xor, &bits),
        6 => (Function::Exchange, &bits),
        7 => (
            Function::CompareExchange,
            &[Type::B16, Type::B32, Type::B64],
        ),
        8 => (Function::Increment, &[Type::U32]),
        _ => (Function::Decrement, &[Type::U32]),
    };
    let kind = modifiers.kind(kinds)?;
    let values = if function == Function::CompareExchange {
        2
    } else {
        1
    };
    let operands = &statement.operands;
    if operands.len() != values + 1 + usize::from(gives) {
        return decoder.error(format!(
            "`{}` has too few or too many operands",
            statement.opcode
        ));
    }
    let to = match operands.first() {
        Some(Operand::Sink) | None => None,
        Some(operand) if gives => Some(Register {
            kind,
            slot: decoder.result(operand, kind)?,
        }),
        Some(_) => None,
    };
    let rest = &operands[usize::from(gives)..];
    let at = decoder.address(&rest[0], addressing == Addressing::Shared)?;
    let mut from = Vec::new();
    for operand in &rest[1..] {
        from.push(Register {
            kind,
            slot: decoder.source(operand, kind)?,
        });
    }
    decoder
        .needs
        .accesses(addressing, kind.bytes().trailing_zeros());
    decoder.needs.fences |= order > 0;
    let (acquires, releases) = (matches!(order, 1 | 3), matches!(order, 2 | 3));
    let atomic = Atomic {
        function,
        kind,
        addressing,
        at,
        to,
        from,
        releases,
        acquires,
    };
    Ok(Operation::Atomic(atomic))
}

impl Atomic {
    pub(super) fn run(&self, mask: Mask, machine: &mut Machine<'_>) -> Step {
        let addresses = machine.addresses(self.at, mask)?;
        let mut operands: [Plane<u64>; 2] = [[0; LANES]; 2];
        for (register, values) in self.from.iter().zip(&mut operands) {
            machine.require(mask, defined(machine.warp, *register), "what is stored")?;
            *values = match is_wide(register.kind) {
                true => *machine.warp.plane::<u64>(register.slot),
                false => machine.warp.plane::<u32>(register.slot).map(u64::from),
            };
        }
        let size = self.kind.bytes().trailing_zeros();
        let mut before = [0; LANES];
        for lane in lanes(mask) {
            if self.releases {
                machine.fence(lane)?;
            }
            let address = addresses[lane];
            let place = (self.addressing, address);
            let (region, at) = machine.reach(lane, place, size, Reach::ATOMIC)?;
            let old = region.get(at, size);
            let [a, b] = operands.map(|values| values[lane]);
            before[lane] = old;
            region.set(at, size, self.function.of(self.kind, old, a, b));
            if self.addressing != Addressing::Shared {
                machine
                    .clock
                    .atomic(machine.warp.first_thread() + lane as u32, address);
            }
            if self.acquires {
                machine.fence(lane)?;
            }
        }
        if let Some(to) = self.to {
            match is_wide(to.kind) {
                true => machine.warp.store::<u64>(to.slot, mask, &before, !0),
                false => {
                    let before = before.map(|bits| bits as u32);
                    machine.warp.store::<u32>(to.slot, mask, &before, !0);
                }
            }
        }
        Ok(())
    }
}

impl Function {
    /// What replaces `old`.
    fn of(self, kind: Type, old: u64, a: u64, b: u64) -> u64 {
        let signed = |bits: u64| match kind {
            Type::S32 => i64::from(bits as i32),
            _ => bits as i64,
        };
        let less = match kind.is_signed() {
            true => signed(a) < signed(old),
            false => a < old,
        };
        match self {
            Function::Add => match kind {
                Type::F32 => {
                    let sum = f32::from_bits(old as u32) + f32::from_bits(a as u32);
                    u64::from(if sum.is_nan() {
                        0x7fff_ffff
                    } else {
                        sum.to_bits()
                    })
                }
                Type::F64 => (f64::from_bits(old) + f64::from_bits(a)).to_bits(),
                _ => old.wrapping_add(a),
            },
            Function::Minimum => {
                if less {
                    a
                } else {
                    old
                }
            }
            Function::Maximum => {
                if less {
                    old
                } else {
                    a
                }
            }
            Function::And => old & a,
            Function::Or => old | a,
            Function::Xor => old ^ a,
            Function::Exchange => a,
            Function::CompareExchange => {
                if old == a {
                    b
                } else {
                    old
                }
            }
            Function::Increment => {
                if old >= a {
                    0
                } else {
                    old + 1
                }
            }
            Function::Decrement => {
                if old == 0 || old > a {
                    a
                } else {
                    old - 1
                }
            }
        }
    }
}
