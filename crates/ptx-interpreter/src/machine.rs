use crate::clock::Clock;
use crate::decoder::Address;
use crate::lane::{BITS, Mask, Plane, Slot, lanes};
use crate::memory::Memory;
use crate::region::{Region, Trouble};
use crate::shadow::{Record, Touch};
use crate::warp::Warp;
use crate::{Cause, Space};

/// What an instruction works on.
#[derive(Debug)]
pub(crate) struct Machine<'m> {
    pub(crate) warp: &'m mut Warp,
    /// The shared memory of the block.
    pub(crate) shared: &'m mut Region,
    pub(crate) memory: &'m mut Memory,
    pub(crate) clock: &'m mut Clock,
    pub(crate) parameters: &'m [u8],
    /// The least accesses of the entry, as powers of two.
    pub(crate) global_granule: u32,
    pub(crate) shared_granule: u32,
    /// The number of the running instruction.
    pub(crate) at: u32,
}

/// Why a lane does not go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stop {
    pub(crate) lane: usize,
    pub(crate) why: Why,
}

/// Why a lane does not go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Why {
    Cause(Cause),
    Race {
        space: Space,
        address: u64,
        writes: bool,
        other: Record,
        wrote: bool,
    },
}

/// What an instruction gives.
pub(crate) type Step = Result<(), Stop>;

impl Stop {
    pub(crate) fn new(lane: usize, cause: Cause) -> Stop {
        Stop {
            lane,
            why: Why::Cause(cause),
        }
    }

    /// What the first lane of a mask does.
    pub(crate) fn first(mask: Mask, cause: Cause) -> Stop {
        Stop::new(lanes(mask).next().unwrap_or(0), cause)
    }
}

/// How a lane reaches memory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reach {
    pub(crate) reads: bool,
    pub(crate) writes: bool,
    /// Whether it may meet others of its kind.
    pub(crate) strong: bool,
}

impl Reach {
    pub(crate) const READ: Reach = Reach {
        reads: true,
        writes: false,
        strong: false,
    };
    pub(crate) const WRITE: Reach = Reach {
        reads: false,
        writes: true,
        strong: false,
    };
    pub(crate) const ATOMIC: Reach = Reach {
        reads: true,
        writes: true,
        strong: true,
    };
}

/// Lanes that name each other.
#[derive(Debug, Clone)]
pub(crate) struct Groups {
    rest: Mask,
    mask: Mask,
    members: Plane<u32>,
}

impl Iterator for Groups {
    type Item = Mask;

    fn next(&mut self) -> Option<Mask> {
        let first = lanes(self.rest).next()?;
        let group = self.members[first] & self.mask;
        self.rest &= !group;
        Some(group)
    }
}

/// Where generic addresses of shared memory begin; those of global memory are its own.
pub(crate) const SHARED_WINDOW: u64 = 1 << 32;

/// A space as instructions name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Addressing {
    Global,
    Shared,
    /// Either, by the address.
    Generic,
}

impl Machine<'_> {
    /// Every lane of `mask` must have it.
    pub(crate) fn require(&self, mask: Mask, defined: Mask, what: &'static str) -> Step {
        let missing = mask & !defined;
        if missing == 0 {
            Ok(())
        } else {
            Err(Stop::first(missing, Cause::Undefined { what }))
        }
    }

    /// The lanes of `mask`, in groups that name each other as members; each group must be here.
    pub(crate) fn converge(&self, mask: Mask, members: Slot) -> Result<Groups, Stop> {
        self.require(mask, self.warp.defined::<u32>(members), "a mask of lanes")?;
        let plane = self.warp.plane::<u32>(members);
        let first = plane[lanes(mask).next().unwrap_or(0)];
        if lanes(mask).all(|lane| plane[lane] == first) && first & self.warp.live == mask {
            return Ok(Groups {
                rest: mask,
                mask,
                members: *plane,
            });
        }
        for lane in lanes(mask) {
            let named = plane[lane];
            let fail = |what: String| Err(Stop::new(lane, Cause::Lanes(what)));
            if named & BITS[lane] == 0 {
                return fail(format!("the lane itself is not in the mask {named:#010x}"));
            }
            let missing = named & self.warp.live & !mask;
            if missing != 0 {
                return fail(format!(
                    "of the mask {named:#010x}, lanes {missing:#010x} are elsewhere"
                ));
            }
            if lanes(named & mask).any(|other| plane[other] != named) {
                return fail(format!(
                    "not all lanes of the mask {named:#010x} name the same lanes"
                ));
            }
        }
        Ok(Groups {
            rest: mask,
            mask,
            members: *plane,
        })
    }

    /// All lanes of a warp must be in the mask.
    pub(crate) fn whole(&self, mask: Mask) -> Step {
        match mask {
            0xffff_ffff => Ok(()),
            _ => {
                let what = format!("all lanes of the warp must be here, not {mask:#010x} alone");
                Err(Stop::first(mask, Cause::Lanes(what)))
            }
        }
    }

    /// A lane's fence.
    pub(crate) fn fence(&mut self, lane: usize) -> Step {
        let thread = self.warp.first_thread() + lane as u32;
        match self.clock.fence(thread) {
            true => Ok(()),
            false => Err(Stop::new(lane, Cause::Instructions(u64::from(u32::MAX)))),
        }
    }

    /// A lane is about to write where others look for it, with all that it did before.
    pub(crate) fn release(&mut self, lane: usize, address: u64) -> Step {
        self.fence(lane)?;
        self.clock
            .atomic(self.warp.first_thread() + lane as u32, address);
        Ok(())
    }

    /// A lane has read what another wrote there, and sees all that it did before.
    pub(crate) fn acquire(&mut self, lane: usize, address: u64) -> Step {
        self.clock
            .atomic(self.warp.first_thread() + lane as u32, address);
        self.fence(lane)
    }

    /// The addresses of all lanes.
    pub(crate) fn addresses(&self, address: Address, mask: Mask) -> Result<Plane<u64>, Stop> {
        let offset = address.offset as u64;
        if address.wide {
            self.require(mask, self.warp.defined::<u64>(address.base), "an address")?;
            return Ok(self
                .warp
                .plane::<u64>(address.base)
                .map(|base| base.wrapping_add(offset)));
        }
        self.require(mask, self.warp.defined::<u32>(address.base), "an address")?;
        let base = self.warp.plane::<u32>(address.base);
        Ok(base.map(|base| u64::from(base).wrapping_add(offset)))
    }

    /// Checks a lane's access to `1 << size` bytes; gives the region, and where in it they are.
    #[inline(always)]
    pub(crate) fn reach(
        &mut self,
        lane: usize,
        (addressing, address): (Addressing, u64),
        size: u32,
        reach: Reach,
    ) -> Result<(&mut Region, usize), Stop> {
        let thread = self.warp.first_thread() + lane as u32;
        let shared = match addressing {
            Addressing::Global => false,
            Addressing::Shared => true,
            Addressing::Generic => (SHARED_WINDOW..2 * SHARED_WINDOW).contains(&address),
        };
        let Reach {
            reads,
            writes,
            strong,
        } = reach;
        if shared {
            let offset = match addressing {
                Addressing::Generic => address - SHARED_WINDOW,
                _ => address,
            };
            let floor = self.clock.block_began();
            let touch = Touch {
                thread,
                at: self.at,
                writes,
                strong,
                floor,
            };
            let with = (touch, self.shared_granule);
            let found = self
                .shared
                .touch(offset, size, reads, with, (self.clock, offset));
            return match found {
                Ok(at) => Ok((self.shared, at)),
                Err(trouble) => {
                    let near = format!("the block has {} bytes", self.shared.bytes.len());
                    Err(stop(
                        lane,
                        trouble,
                        (Space::Shared, offset, size),
                        writes,
                        near,
                    ))
                }
            };
        }
        let floor = self.clock.launch_began();
        let touch = Touch {
            thread,
            at: self.at,
            writes,
            strong,
            floor,
        };
        let with = (touch, self.global_granule);
        match self.memory.touch(address, size, reads, with, self.clock) {
            Ok((piece, at)) => Ok((self.memory.region_at(piece), at)),
            Err(trouble) => {
                let near = self.memory.near(address);
                Err(stop(
                    lane,
                    trouble,
                    (Space::Global, address, size),
                    writes,
                    near,
                ))
            }
        }
    }
}

#[cold]
fn stop(
    lane: usize,
    trouble: Trouble,
    (space, address, size): (Space, u64, u32),
    writes: bool,
    near: String,
) -> Stop {
    let bytes = 1 << size;
    let cause = match trouble {
        Trouble::OutOfBounds => Cause::OutOfBounds {
            space,
            address,
            bytes,
            near,
        },
        Trouble::Misaligned => Cause::Misaligned {
            space,
            address,
            bytes,
        },
        Trouble::Uninitialised => Cause::UninitialisedMemory {
            space,
            address,
            bytes,
        },
        Trouble::Race(other, wrote) => {
            return Stop {
                lane,
                why: Why::Race {
                    space,
                    address,
                    writes,
                    other,
                    wrote,
                },
            };
        }
    };
    Stop::new(lane, cause)
}
