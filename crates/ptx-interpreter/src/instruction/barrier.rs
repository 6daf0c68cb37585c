use super::{Decoded, Operation};
use crate::Type;
use crate::decoder::{Decoder, Modifiers};
use crate::lane::Slot;
use crate::syntax::{Operand, Statement};

/// Where threads wait for each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Barrier {
    /// Threads of the block, at one of sixteen places.
    Block {
        number: Slot,
        /// How many; all of them where it is not said.
        threads: Option<Slot>,
        /// Whether they wait, or only say that they were there.
        waits: bool,
    },
    /// The lanes of a warp in a mask.
    Warp(Slot),
}

pub(super) fn decode<'a>(
    statement: &Statement<'a>,
    modifiers: &mut Modifiers<'_, 'a>,
    decoder: &mut Decoder<'a>,
) -> Decoded {
    let short = statement.opcode == "bar";
    if short && modifiers.eat("warp") {
        modifiers.expect(&["sync"])?;
        let [mask] = decoder.operands(statement)?;
        let mask = decoder.source(mask, Type::B32)?;
        return Ok(Operation::Barrier(Barrier::Warp(mask)));
    }
    modifiers.eat("cta");
    let waits = modifiers.expect(&["sync", "arrive"])? == 0;
    if !short {
        modifiers.eat("aligned");
    }
    let (number, threads) = match statement.operands.as_slice() {
        [number] if waits => (number, None),
        [number, threads] => (number, Some(threads)),
        _ => return decoder.error("a barrier has a number and may have a count of threads"),
    };
    if let Operand::Integer(_) = number {
        decoder.literal(number, 16)?;
    }
    let number = decoder.source(number, Type::U32)?;
    let threads = match threads {
        Some(threads) => Some(decoder.source(threads, Type::U32)?),
        None => None,
    };
    Ok(Operation::Barrier(Barrier::Block {
        number,
        threads,
        waits,
    }))
}
