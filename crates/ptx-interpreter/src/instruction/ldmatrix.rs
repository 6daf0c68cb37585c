use super::{Decoded, Operation};
use crate::decoder::{Address, Decoder, Modifiers};
use crate::lane::{LANES, Mask, Slot};
use crate::machine::{Addressing, Machine, Reach, Step, Stop};
use crate::syntax::Statement;
use crate::{Cause, Space, Type};

/// Matrices of 8 by 8 elements of 16 bits, whose rows of 16 bytes lie where eight lanes say each.
#[derive(Debug, Clone)]
pub(crate) struct LoadMatrix {
    /// One register of two elements for each matrix.
    to: Vec<Slot>,
    from: Address,
    /// Whether a lane gets two elements of a column, not of a row.
    transposed: bool,
}

pub(super) fn decode<'a>(
    statement: &Statement<'a>,
    modifiers: &mut Modifiers<'_, 'a>,
    decoder: &mut Decoder<'a>,
) -> Decoded {
    modifiers.expect(&["sync"])?;
    modifiers.expect(&["aligned"])?;
    modifiers.expect(&["m8n8"])?;
    let count = 1 << modifiers.expect(&["x1", "x2", "x4"])?;
    let transposed = modifiers.eat("trans");
    modifiers.expect(&["shared", "shared::cta"])?;
    modifiers.kind(&[Type::B16])?;
    let [to, from] = decoder.operands(statement)?;
    let to = decoder.fragment(to, count, Type::B32)?;
    let from = decoder.address(from, true)?;
    decoder
        .needs
        .accesses(Addressing::Shared, if transposed { 1 } else { 2 });
    Ok(Operation::LoadMatrix(LoadMatrix {
        to,
        from,
        transposed,
    }))
}

impl LoadMatrix {
    pub(super) fn run(&self, mask: Mask, machine: &mut Machine<'_>) -> Step {
        machine.whole(mask)?;
        let LoadMatrix {
            to,
            from,
            transposed,
        } = self;
        // Lanes beyond those of the matrices' rows may say what they like.
        let speaking = if to.len() == 4 {
            !0
        } else {
            (1 << (8 * to.len())) - 1
        };
        let rows = machine.addresses(*from, speaking)?;
        for (lane, address) in rows.iter().enumerate().take(8 * to.len()) {
            if !address.is_multiple_of(16) {
                let (space, address) = (Space::Shared, *address);
                return Err(Stop::new(
                    lane,
                    Cause::Misaligned {
                        space,
                        address,
                        bytes: 16,
                    },
                ));
            }
        }
        for (matrix, to) in to.iter().enumerate() {
            let mut values = [0; LANES];
            for (lane, value) in values.iter_mut().enumerate() {
                let (major, minor) = (lane / 4, lane % 4 * 2);
                if *transposed {
                    for half in 0..2 {
                        let row = rows[matrix * 8 + minor + half];
                        let place = (Addressing::Shared, row + 2 * major as u64);
                        let (region, at) = machine.reach(lane, place, 1, Reach::READ)?;
                        *value |= (region.get(at, 1) as u32) << (16 * half);
                    }
                } else {
                    let row = rows[matrix * 8 + major];
                    let place = (Addressing::Shared, row + 2 * minor as u64);
                    let (region, at) = machine.reach(lane, place, 2, Reach::READ)?;
                    *value = region.get(at, 2) as u32;
                }
            }
            machine.warp.store::<u32>(*to, mask, &values, !0);
        }
        Ok(())
    }
}
