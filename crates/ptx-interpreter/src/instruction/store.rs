use super::convert::defined;
use super::load::{Access, access, elements};
use super::{Decoded, Operation};
use crate::decoder::{Address, Decoder, Modifiers, Register, is_wide};
use crate::lane::{LANES, Mask, lanes};
use crate::machine::{Addressing, Machine, Reach, Step};
use crate::syntax::Statement;

/// A store.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    access: Access,
    to: Address,
    from: Vec<Register>,
}

pub(super) fn decode<'a>(
    statement: &Statement<'a>,
    modifiers: &mut Modifiers<'_, 'a>,
    decoder: &mut Decoder<'a>,
) -> Decoded {
    let (Some(access), kind, count) = access(modifiers, decoder, true)? else {
        return decoder.error("parameters are not written");
    };
    let [to, value] = decoder.operands(statement)?;
    let mut from = Vec::new();
    for element in elements(value, count, decoder)? {
        from.push(decoder.loose_source(element, kind)?);
    }
    let to = decoder.address(to, access.addressing == Addressing::Shared)?;
    Ok(Operation::Store(Store { access, to, from }))
}

impl Store {
    pub(super) fn run(&self, mask: Mask, machine: &mut Machine<'_>) -> Step {
        let Store { access, to, from } = self;
        let addresses = machine.addresses(*to, mask)?;
        let mut values = [[0u64; LANES]; 4];
        for (register, values) in from.iter().zip(&mut values) {
            machine.require(mask, defined(machine.warp, *register), "what is stored")?;
            if is_wide(register.kind) {
                *values = *machine.warp.plane::<u64>(register.slot);
            } else {
                let plane = machine.warp.plane::<u32>(register.slot);
                for lane in 0..LANES {
                    values[lane] = u64::from(plane[lane]);
                }
            }
        }
        let reach = Reach {
            strong: access.strong,
            ..Reach::WRITE
        };
        let element = access.element;
        for lane in lanes(mask) {
            if access.releases {
                machine.release(lane, addresses[lane])?;
            }
            let address = (access.addressing, addresses[lane]);
            let (region, at) = machine.reach(lane, address, access.size, reach)?;
            for (part, values) in values.iter().enumerate().take(from.len()) {
                region.set(at + (part << element), element, values[lane]);
            }
        }
        Ok(())
    }
}
