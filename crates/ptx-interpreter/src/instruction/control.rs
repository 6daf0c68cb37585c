use super::{Decoded, Operation};
use crate::decoder::{Decoder, Modifiers};
use crate::flow::Flow;
use crate::syntax::Statement;
use crate::warp::NOWHERE;

/// What moves control.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Control {
    Branch {
        target: u32,
        /// Where those that go and those that stay meet.
        join: u32,
        /// Whether all lanes must go the same way.
        uniform: bool,
    },
    End,
    Trap,
}

pub(super) fn decode<'a>(
    statement: &Statement<'a>,
    modifiers: &mut Modifiers<'_, 'a>,
    decoder: &mut Decoder<'a>,
) -> Decoded {
    let control = match statement.opcode {
        "bra" => {
            let uniform = modifiers.eat("uni");
            let [label] = decoder.operands(statement)?;
            Control::Branch {
                target: decoder.label(label)?,
                join: NOWHERE,
                uniform,
            }
        }
        opcode => {
            let [] = decoder.operands(statement)?;
            if opcode == "ret" {
                modifiers.eat("uni");
            }
            if opcode == "trap" {
                Control::Trap
            } else {
                Control::End
            }
        }
    };
    Ok(Operation::Control(control))
}

impl Control {
    /// Where control goes; `guarded` lanes may go on instead.
    pub(crate) fn flow(self, guarded: bool) -> Flow {
        match self {
            Control::Branch { target, .. } if guarded => Flow::Branch(target),
            Control::Branch { target, .. } => Flow::Jump(target),
            Control::End | Control::Trap if guarded => Flow::Next,
            Control::End | Control::Trap => Flow::End,
        }
    }
}
