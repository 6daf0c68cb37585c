use super::convert::defined;
use super::{Decoded, Operation};
use crate::Type;
use crate::decoder::{Decoder, Modifiers, Register, is_wide};
use crate::lane::{LANES, Mask, Slot};
use crate::machine::SHARED_WINDOW;
use crate::syntax::{Operand, Statement};
use crate::warp::Warp;

/// Moves between registers.
#[derive(Debug, Clone)]
pub(crate) enum Move {
    Narrow(Slot, Slot),
    Wide(Slot, Slot),
    Predicate(Slot, Slot),
    /// Two or four registers become one; the first is the lowest.
    Pack(Slot, bool, Vec<Register>),
    /// One becomes two or four.
    Unpack(Vec<Option<Register>>, Slot, bool),
    /// A shared address and a generic one: what is added to get the result.
    Window(Slot, Slot, u64),
}

const KINDS: [Type; 12] = [
    Type::Predicate,
    Type::B16,
    Type::B32,
    Type::B64,
    Type::U16,
    Type::U32,
    Type::U64,
    Type::S16,
    Type::S32,
    Type::S64,
    Type::F32,
    Type::F64,
];

pub(super) fn decode<'a>(
    statement: &Statement<'a>,
    modifiers: &mut Modifiers<'_, 'a>,
    decoder: &mut Decoder<'a>,
) -> Decoded {
    if statement.opcode == "cvta" {
        return address(statement, modifiers, decoder);
    }
    let kind = modifiers.kind(&KINDS)?;
    let [to, from] = decoder.operands(statement)?;
    let moved = match (to, from) {
        (Operand::Vector(parts), from) => {
            let part = part_kind(decoder, kind, parts.len())?;
            let mut registers = Vec::new();
            for operand in parts {
                registers.push(match operand {
                    Operand::Sink => None,
                    _ => {
                        let slot = decoder.result(operand, part)?;
                        Some(Register { kind: part, slot })
                    }
                });
            }
            Move::Unpack(registers, decoder.source(from, kind)?, is_wide(kind))
        }
        (to, Operand::Vector(parts)) => {
            let part = part_kind(decoder, kind, parts.len())?;
            let mut registers = Vec::new();
            for operand in parts {
                let slot = decoder.source(operand, part)?;
                registers.push(Register { kind: part, slot });
            }
            Move::Pack(decoder.result(to, kind)?, is_wide(kind), registers)
        }
        (to, Operand::Name(name)) if decoder.variable(name).is_some() => {
            let at = decoder.variable(name).unwrap_or(0);
            if kind.is_float() || kind.bytes() < 4 {
                return decoder.error(format!("a {kind} holds no address"));
            }
            let from = decoder.constant_slot(kind, u64::from(at));
            let to = decoder.result(to, kind)?;
            if is_wide(kind) {
                Move::Wide(to, from)
            } else {
                Move::Narrow(to, from)
            }
        }
        (to, from) => {
            let (from, to) = (decoder.any_source(from, kind)?, decoder.result(to, kind)?);
            match kind {
                Type::Predicate => Move::Predicate(to, from),
                _ if is_wide(kind) => Move::Wide(to, from),
                _ => Move::Narrow(to, from),
            }
        }
    };
    Ok(Operation::Move(moved))
}

/// The type of each of `count` parts of a register.
fn part_kind(decoder: &Decoder<'_>, kind: Type, count: usize) -> Result<Type, crate::ParseError> {
    match (kind, count) {
        (Type::B32, 2) | (Type::B64, 4) => Ok(Type::B16),
        (Type::B64, 2) => Ok(Type::B32),
        (Type::B32, 4) => Ok(Type::B8),
        _ => decoder.error(format!("{kind} is not moved in {count} parts")),
    }
}

fn address<'a>(
    statement: &Statement<'a>,
    modifiers: &mut Modifiers<'_, 'a>,
    decoder: &mut Decoder<'a>,
) -> Decoded {
    let back = modifiers.eat("to");
    let spaces = ["global", "shared", "shared::cta"];
    let space = modifiers.expect(&spaces)?;
    modifiers.kind(&[Type::U64])?;
    let [to, from] = decoder.operands(statement)?;
    let slot = match from {
        Operand::Name(name) if decoder.variable(name).is_some() && space > 0 => {
            let at = decoder.variable(name).unwrap_or(0);
            decoder.constant_slot(Type::U64, u64::from(at))
        }
        _ => decoder.source(from, Type::U64)?,
    };
    let to = decoder.result(to, Type::U64)?;
    Ok(Operation::Move(match (space, back) {
        (0, _) => Move::Wide(to, slot),
        (_, false) => Move::Window(to, slot, SHARED_WINDOW),
        (_, true) => Move::Window(to, slot, SHARED_WINDOW.wrapping_neg()),
    }))
}

impl Move {
    pub(super) fn run(&self, mask: Mask, warp: &mut Warp) {
        match self {
            Move::Narrow(to, from) => {
                let (values, good) = (*warp.plane::<u32>(*from), warp.defined::<u32>(*from));
                warp.store(*to, mask, &values, good);
            }
            Move::Wide(to, from) => {
                let (values, good) = (*warp.plane::<u64>(*from), warp.defined::<u64>(*from));
                warp.store(*to, mask, &values, good);
            }
            Move::Predicate(to, from) => {
                let at = from.0 as usize;
                let (values, good) = (warp.predicates[at], warp.predicates_defined[at]);
                warp.store_predicate(*to, mask, values, good);
            }
            Move::Window(to, from, by) => {
                warp.unary(mask, *to, *from, |address: u64| address.wrapping_add(*by));
            }
            Move::Pack(to, wide, parts) => {
                let (mut values, mut good, mut shift) = ([0u64; LANES], !0, 0);
                for part in parts {
                    let plane = warp.plane::<u32>(part.slot);
                    for lane in 0..LANES {
                        values[lane] |= u64::from(plane[lane]) << shift;
                    }
                    good &= defined(warp, *part);
                    shift += part.kind.bytes() * 8;
                }
                match wide {
                    true => warp.store::<u64>(*to, mask, &values, good),
                    false => warp.store::<u32>(*to, mask, &values.map(|bits| bits as u32), good),
                }
            }
            Move::Unpack(parts, from, wide) => {
                let (values, good) = match wide {
                    true => (*warp.plane::<u64>(*from), warp.defined::<u64>(*from)),
                    false => {
                        let values = warp.plane::<u32>(*from).map(u64::from);
                        (values, warp.defined::<u32>(*from))
                    }
                };
                let width = if *wide { 64 } else { 32 } / parts.len() as u32;
                for (at, part) in parts.iter().enumerate() {
                    let Some(part) = part else { continue };
                    let (shift, low) = (at as u32 * width, (1u64 << width) - 1);
                    let values = values.map(|bits| (bits >> shift & low) as u32);
                    warp.store::<u32>(part.slot, mask, &values, good);
                }
            }
        }
    }
}
