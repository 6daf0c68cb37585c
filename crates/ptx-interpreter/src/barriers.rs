use crate::Cause;
use crate::clock::Clock;
use crate::instruction::Barrier;
use crate::lane::{LANES, Mask, Slot, lanes};
use crate::machine::Stop;
use crate::warp::{State, Warp};

/// The barriers of a block.
#[derive(Debug)]
pub(crate) struct Barriers {
    places: Vec<Place>,
    warps: usize,
}

/// What a barrier waits for.
#[derive(Debug, Clone, Default)]
struct Place {
    /// The number of warps that must come, once one has.
    expected: Option<usize>,
    /// The warps that came and wait, and those that came.
    waiting: Vec<usize>,
    arrived: usize,
    /// What those that came know ([`Clock::arrive`]).
    known: [u32; LANES],
}

impl Barriers {
    pub(crate) fn new(warps: usize) -> Barriers {
        Barriers {
            places: vec![Place::default(); 16],
            warps,
        }
    }

    pub(crate) fn clear(&mut self) {
        self.places.fill(Place::default());
    }

    /// How many warps have come to a barrier, and how many must.
    pub(crate) fn at(&self, number: u32) -> (usize, usize) {
        let place = &self.places[number as usize % 16];
        (place.arrived, place.expected.unwrap_or(self.warps))
    }

    /// The lanes of `mask` come to a barrier; gives the warps that go on.
    pub(crate) fn come(
        &mut self,
        barrier: Barrier,
        (warp, whole): (&mut Warp, Mask),
        mask: Mask,
        clock: &mut Clock,
    ) -> Result<Vec<usize>, Stop> {
        let Barrier::Block {
            number,
            threads,
            waits,
        } = barrier
        else {
            return Ok(Vec::new());
        };
        let fail = |what: String| Err(Stop::first(mask, Cause::Barrier(what)));
        if mask != whole {
            let ended = whole & !warp.live;
            return fail(if ended != 0 {
                format!("a barrier, when lanes {ended:#010x} of the warp have ended")
            } else {
                let missing = whole & !mask;
                format!("a barrier, while lanes {missing:#010x} of the warp are elsewhere")
            });
        }
        let number = uniform(warp, number, mask, "a barrier's number")?;
        let Some(place) = self.places.get_mut(number as usize) else {
            return fail(format!("there is no barrier {number}"));
        };
        let expected = match threads {
            None => self.warps,
            Some(threads) => {
                let count = uniform(warp, threads, mask, "a barrier's count of threads")?;
                let warps = count as usize / LANES;
                if !(count as usize).is_multiple_of(LANES) || warps == 0 || warps > self.warps {
                    return fail(format!("a barrier of {count} threads"));
                }
                warps
            }
        };
        if *place.expected.get_or_insert(expected) != expected {
            return fail(format!(
                "barrier {number} is used with several counts of threads"
            ));
        }
        let index = warp.index as usize;
        place.arrived += 1;
        let mut goes_on = clock.arrive(index, &mut place.known);
        if waits {
            place.waiting.push(index);
            warp.state = State::Waits(number);
        }
        let mut released = Vec::new();
        if place.arrived == expected {
            released = std::mem::take(&mut place.waiting);
            if released.len() == self.warps {
                goes_on &= clock.meet();
            } else {
                released
                    .iter()
                    .for_each(|warp| clock.leave(*warp, &place.known));
            }
            *place = Place::default();
        }
        match goes_on {
            true => Ok(released),
            false => Err(Stop::first(mask, Cause::Instructions(u64::from(u32::MAX)))),
        }
    }
}

/// The value that a register has in all lanes of a mask.
fn uniform(warp: &Warp, slot: Slot, mask: Mask, what: &'static str) -> Result<u32, Stop> {
    let missing = mask & !warp.defined::<u32>(slot);
    if missing != 0 {
        return Err(Stop::first(missing, Cause::Undefined { what }));
    }
    let plane = warp.plane::<u32>(slot);
    let mut values = lanes(mask).map(|lane| plane[lane]);
    let first = values.next().unwrap_or(0);
    match values.all(|value| value == first) {
        true => Ok(first),
        false => {
            let what = format!("{what} that is not the same in all lanes");
            Err(Stop::first(mask, Cause::Barrier(what)))
        }
    }
}
