use super::{Decoded, Operation};
use crate::Type;
use crate::decoder::{Decoder, Modifiers};
use crate::lane::{BITS, LANES, Mask, Slot, lanes};
use crate::machine::{Machine, Step};
use crate::syntax::Statement;

/// Lanes read each other's registers.
#[derive(Debug, Clone)]
pub(crate) struct Shuffle {
    mode: Mode,
    to: Slot,
    /// Whether the lane that is read is there.
    there: Option<Slot>,
    from: Slot,
    lane: Slot,
    bounds: Slot,
    members: Slot,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Up,
    Down,
    Butterfly,
    Index,
}

pub(super) fn decode<'a>(
    statement: &Statement<'a>,
    modifiers: &mut Modifiers<'_, 'a>,
    decoder: &mut Decoder<'a>,
) -> Decoded {
    modifiers.expect(&["sync"])?;
    let modes = [Mode::Up, Mode::Down, Mode::Butterfly, Mode::Index];
    let mode = modes[modifiers.expect(&["up", "down", "bfly", "idx"])?];
    modifiers.kind(&[Type::B32])?;
    let [to, from, lane, bounds, members] = decoder.operands(statement)?;
    let from = decoder.source(from, Type::B32)?;
    let lane = decoder.source(lane, Type::U32)?;
    let bounds = decoder.source(bounds, Type::U32)?;
    let members = decoder.source(members, Type::B32)?;
    let (to, there) = decoder.results(to, [Type::B32, Type::Predicate])?;
    Ok(Operation::Shuffle(Shuffle {
        mode,
        to,
        there,
        from,
        lane,
        bounds,
        members,
    }))
}

impl Shuffle {
    pub(super) fn run(&self, mask: Mask, machine: &mut Machine<'_>) -> Step {
        machine.converge(mask, self.members)?;
        let warp = &mut *machine.warp;
        let chosen = warp.defined::<u32>(self.lane) & warp.defined::<u32>(self.bounds);
        let (values, by) = (*warp.plane::<u32>(self.from), *warp.plane::<u32>(self.lane));
        let (bounds, readable) = (
            *warp.plane::<u32>(self.bounds),
            warp.defined::<u32>(self.from),
        );
        let (mut found, mut there, mut good) = ([0; LANES], 0, 0);
        for lane in lanes(mask) {
            let (by, clamp) = (by[lane] & 31, bounds[lane] & 31);
            let segment = bounds[lane] >> 8 & 31;
            let this = lane as u32;
            let (least, most) = (this & segment, this & segment | clamp & !segment);
            let (source, holds) = match self.mode {
                Mode::Up => (
                    this.wrapping_sub(by),
                    this as i32 - by as i32 >= most as i32,
                ),
                Mode::Down => (this + by, this + by <= most),
                Mode::Butterfly => (this ^ by, this ^ by <= most),
                Mode::Index => (least | by & !segment, least | by & !segment <= most),
            };
            let source = if holds { source as usize % LANES } else { lane };
            found[lane] = values[source];
            there |= if holds { BITS[lane] } else { 0 };
            // What an absent lane would give is not specified.
            if mask & readable & BITS[source] != 0 {
                good |= BITS[lane];
            }
        }
        warp.store::<u32>(self.to, mask, &found, good & chosen);
        if let Some(to) = self.there {
            warp.store_predicate(to, mask, there, chosen);
        }
        Ok(())
    }
}
