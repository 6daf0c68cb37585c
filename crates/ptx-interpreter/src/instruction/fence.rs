use super::{Decoded, Operation};
use crate::decoder::{Decoder, Modifiers};
use crate::lane::{Mask, lanes};
use crate::machine::{Machine, Step};
use crate::syntax::Statement;

/// A thread's accesses before it come before those behind it, as others see them.
#[derive(Debug, Clone)]
pub(crate) struct Fence {
    /// Whether other blocks see it so.
    device: bool,
}

pub(super) fn decode<'a>(
    statement: &Statement<'a>,
    modifiers: &mut Modifiers<'_, 'a>,
    decoder: &mut Decoder<'a>,
) -> Decoded {
    let [] = decoder.operands(statement)?;
    let device = if statement.opcode == "membar" {
        modifiers.expect(&["cta", "gl", "sys"])? > 0
    } else {
        modifiers.one_of(&["sc", "acq_rel"]);
        modifiers.expect(&["cta", "cluster", "gpu", "sys"])? > 1
    };
    decoder.needs.fences = true;
    Ok(Operation::Fence(Fence { device }))
}

impl Fence {
    pub(super) fn run(&self, mask: Mask, machine: &mut Machine<'_>) -> Step {
        if self.device {
            for lane in lanes(mask) {
                machine.fence(lane)?;
            }
        }
        Ok(())
    }
}
