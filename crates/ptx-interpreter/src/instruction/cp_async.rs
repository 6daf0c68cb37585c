use super::convert::defined;
use super::{Decoded, Operation};
use crate::decoder::{Address, Decoder, Modifiers, Register};
use crate::lane::{LANES, Mask, lanes};
use crate::machine::{Addressing, Machine, Reach, Step, Stop};
use crate::syntax::Statement;
use crate::{Cause, Type};

/// Copies from global to shared memory that go on while their thread does.
#[derive(Debug, Clone)]
pub(crate) enum CopyAsync {
    Begin {
        to: Address,
        from: Address,
        /// How many bytes, as a power of two.
        size: u32,
        /// How many of them are read; the others become zeros.
        read: Option<Register>,
    },
    /// Those since the last one are a group.
    Commit,
    /// All groups but so many, the last ones, must be done; all copies for `None`.
    Wait(Option<u32>),
}

/// The copies of a thread that need not be done yet, by group.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pending {
    groups: Vec<Vec<Copy>>,
    open: Vec<Copy>,
}

#[derive(Debug, Clone, Copy)]
struct Copy {
    to: u64,
    size: u32,
    bytes: [u8; 16],
}

pub(super) fn decode<'a>(
    statement: &Statement<'a>,
    modifiers: &mut Modifiers<'_, 'a>,
    decoder: &mut Decoder<'a>,
) -> Decoded {
    modifiers.expect(&["async"])?;
    let copy = if modifiers.eat("commit_group") {
        let [] = decoder.operands(statement)?;
        CopyAsync::Commit
    } else if modifiers.eat("wait_all") {
        let [] = decoder.operands(statement)?;
        CopyAsync::Wait(None)
    } else if modifiers.eat("wait_group") {
        let [count] = decoder.operands(statement)?;
        CopyAsync::Wait(Some(decoder.literal(count, u32::MAX)?))
    } else {
        let around = modifiers.expect(&["ca", "cg"])? == 1;
        modifiers.expect(&["shared", "shared::cta"])?;
        modifiers.expect(&["global"])?;
        modifiers.one_of(&["L2::64B", "L2::128B", "L2::256B"]);
        let (to, from, bytes, read) = match statement.operands.as_slice() {
            [to, from, bytes] => (to, from, bytes, None),
            [to, from, bytes, read] => (to, from, bytes, Some(read)),
            _ => return decoder.error("`cp.async` takes 3 or 4 operands"),
        };
        let bytes = decoder.literal(bytes, 17)?;
        if bytes != 16 && (around || !matches!(bytes, 4 | 8)) {
            return decoder.error(format!("`cp.async` does not copy {bytes} bytes"));
        }
        let size = bytes.trailing_zeros();
        decoder.needs.accesses(Addressing::Shared, size);
        // It may read any part of them.
        decoder
            .needs
            .accesses(Addressing::Global, if read.is_some() { 0 } else { size });
        let read = match read {
            Some(read) => {
                let slot = decoder.source(read, Type::U32)?;
                Some(Register {
                    kind: Type::U32,
                    slot,
                })
            }
            None => None,
        };
        let (to, from) = (decoder.address(to, true)?, decoder.address(from, false)?);
        CopyAsync::Begin {
            to,
            from,
            size,
            read,
        }
    };
    Ok(Operation::CopyAsync(copy))
}

/// The most copies of a group, and the most groups of a thread.
const MOST: usize = 1 << 12;

fn too_many(lane: usize) -> Stop {
    let what = format!("more than {MOST} copies or groups that are not waited for");
    Stop::new(lane, Cause::Forbidden(what))
}

impl CopyAsync {
    pub(super) fn run(&self, mask: Mask, machine: &mut Machine<'_>) -> Step {
        match self {
            CopyAsync::Begin {
                to,
                from,
                size,
                read,
            } => {
                let (to, from) = (
                    machine.addresses(*to, mask)?,
                    machine.addresses(*from, mask)?,
                );
                let mut counts = [1u32 << size; LANES];
                if let Some(read) = read {
                    machine.require(mask, defined(machine.warp, *read), "a count of bytes")?;
                    let plane = machine.warp.plane::<u32>(read.slot);
                    counts = plane.map(|count| count.min(1 << size));
                }
                for lane in lanes(mask) {
                    let mut copy = Copy {
                        to: to[lane],
                        size: *size,
                        bytes: [0; 16],
                    };
                    let count = counts[lane];
                    if count == 1 << size {
                        let place = (Addressing::Global, from[lane]);
                        let (region, at) = machine.reach(lane, place, *size, Reach::READ)?;
                        let bytes = &region.bytes[at..at + (1 << size)];
                        copy.bytes[..1 << size].copy_from_slice(bytes);
                    } else {
                        for byte in 0..count {
                            let place = (Addressing::Global, from[lane] + u64::from(byte));
                            let (region, at) = machine.reach(lane, place, 0, Reach::READ)?;
                            copy.bytes[byte as usize] = region.bytes[at];
                        }
                    }
                    // What is there is gone, and what comes is not there yet.
                    let place = (Addressing::Shared, to[lane]);
                    let (region, at) = machine.reach(lane, place, *size, Reach::WRITE)?;
                    region.initialise(at, 1 << size, false);
                    let pending = &mut machine.warp.copies[lane];
                    if pending.open.len() >= MOST {
                        return Err(too_many(lane));
                    }
                    pending.open.push(copy);
                }
                Ok(())
            }
            CopyAsync::Commit => {
                for lane in lanes(mask) {
                    let pending = &mut machine.warp.copies[lane];
                    if pending.groups.len() >= MOST {
                        return Err(too_many(lane));
                    }
                    let group = std::mem::take(&mut pending.open);
                    pending.groups.push(group);
                }
                Ok(())
            }
            CopyAsync::Wait(keep) => {
                for lane in lanes(mask) {
                    let pending = &mut machine.warp.copies[lane];
                    let done = match keep {
                        Some(keep) => pending.groups.len().saturating_sub(*keep as usize),
                        None => pending.groups.len(),
                    };
                    let mut copies: Vec<Copy> = pending.groups.drain(..done).flatten().collect();
                    if keep.is_none() {
                        copies.append(&mut pending.open);
                    }
                    for copy in copies {
                        let place = (Addressing::Shared, copy.to);
                        let (region, at) = machine.reach(lane, place, copy.size, Reach::WRITE)?;
                        let count = 1 << copy.size;
                        region.bytes[at..at + count].copy_from_slice(&copy.bytes[..count]);
                    }
                }
                Ok(())
            }
        }
    }
}
