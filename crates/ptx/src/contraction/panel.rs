use super::operand::Direction;
use super::tile::{GROUP, THREADS, Tile};
use crate::builder::{Register, U32};
use crate::emitter::Emitter;

/// Lanes of a warp.
pub(super) const LANES: u32 = 32;

/// How the factors of one side lie in shared memory: those of a place that is summed over side by
/// side, a line for each place.
///
/// A thread that loads four places of a row stores them into four lines; there each fourth line
/// begins `skew` cells further on, so that the lanes of a warp meet in no bank.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Panel {
    /// Rows or columns.
    pub(super) length: u32,
    /// Places that are summed over.
    pub(super) depth: u32,
    skew: u32,
}

/// Which elements of a panel each thread loads: a slot after the other, and in a slot `group`
/// elements along a direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pattern {
    pub(super) direction: Direction,
    pub(super) group: u32,
    /// Slots of a thread.
    pub(super) slots: u32,
    /// Threads that load.
    pub(super) threads: u32,
    /// From a slot to the next.
    pub(super) step: Corner<u32>,
}

/// A row or column of a panel, and a place that is summed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Corner<T> {
    pub(super) own: T,
    pub(super) place: T,
}

impl Panel {
    pub(super) fn new(tile: &Tile, side: usize, direction: Direction) -> Panel {
        Panel::of(tile.length(side), tile.depth, direction)
    }

    fn of(length: u32, depth: u32, direction: Direction) -> Panel {
        let skew = match direction {
            Direction::Own => 0,
            Direction::Contracted => LANES / lanes_along(depth),
        };
        Panel {
            length,
            depth,
            skew,
        }
    }

    /// Cells before the one of a row or column and a place.
    pub(super) fn cell(&self, corner: Corner<u32>) -> u32 {
        corner.place * self.length + corner.place / GROUP * self.skew + corner.own
    }

    /// Cells that it takes.
    pub(super) fn cells(&self) -> u32 {
        self.depth * self.length + self.depth / GROUP * self.skew
    }

    /// Cells before the one of a thread.
    pub(super) fn cell_of(&self, e: &mut Emitter, corner: Corner<Register<U32>>) -> Register<U32> {
        let cell = e.mad(corner.place, self.length, corner.own);
        match self.skew {
            0 => cell,
            skew => {
                let fours = e.shift_right(corner.place, GROUP.trailing_zeros());
                e.mad(fours, skew, cell)
            }
        }
    }
}

impl Pattern {
    /// Groups of neighbours along a direction.
    pub(super) fn groups(panel: &Panel, direction: Direction) -> Pattern {
        let groups = panel.length * panel.depth / GROUP;
        let step = match direction {
            Direction::Own => Corner {
                own: 0,
                place: THREADS * GROUP / panel.length,
            },
            Direction::Contracted => Corner {
                own: LANES / lanes_along(panel.depth) * (THREADS / LANES)
                    / warps_along(panel.depth),
                place: 0,
            },
        };
        Pattern {
            direction,
            group: GROUP,
            slots: (groups / THREADS).max(1),
            threads: groups.min(THREADS),
            step,
        }
    }

    /// Elements one by one, the lanes along rows or columns.
    pub(super) fn single(panel: &Panel) -> Pattern {
        Pattern {
            direction: Direction::Own,
            group: 1,
            slots: panel.length * panel.depth / THREADS,
            threads: THREADS,
            step: Corner {
                own: 0,
                place: THREADS / panel.length,
            },
        }
    }

    /// Where a thread's first slot is.
    pub(super) fn first(&self, e: &mut Emitter, panel: &Panel) -> Corner<Register<U32>> {
        let thread = e.thread();
        match self.direction {
            Direction::Own => {
                let [place, own] = split(e, thread, panel.length / self.group);
                let own = woven(e, own, self.group, None);
                Corner { own, place }
            }
            Direction::Contracted => {
                let (lanes, warps) = (lanes_along(panel.depth), warps_along(panel.depth));
                let [warp, lane] = split(e, thread, LANES);
                let [own, place] = split(e, lane, lanes);
                let (own, place) = match warps {
                    1 => (woven(e, warp, LANES / lanes, Some(own)), place),
                    _ => {
                        let [beside, along] = split(e, warp, warps);
                        let own = woven(e, beside, LANES / lanes, Some(own));
                        (own, woven(e, along, lanes, Some(place)))
                    }
                };
                let place = woven(e, place, self.group, None);
                Corner { own, place }
            }
        }
    }

    /// How far a slot is from the first.
    pub(super) fn distance(&self, slot: u32) -> Corner<u32> {
        Corner {
            own: slot * self.step.own,
            place: slot * self.step.place,
        }
    }
}

/// Quotient and remainder by a power of two.
pub(super) fn split(e: &mut Emitter, number: Register<U32>, by: u32) -> [Register<U32>; 2] {
    let quotient = e.shift_right(number, by.trailing_zeros());
    [quotient, e.and(number, by - 1)]
}

/// `outer * by + inner`, the inverse of [`split`].
pub(super) fn woven(
    e: &mut Emitter,
    outer: Register<U32>,
    by: u32,
    inner: Option<Register<U32>>,
) -> Register<U32> {
    match inner {
        Some(inner) => e.mad(outer, by, inner),
        None if by == 1 => outer,
        None => e.shift_left(outer, by.trailing_zeros()),
    }
}

/// Lanes of a warp that load neighbouring groups of one row's places.
fn lanes_along(depth: u32) -> u32 {
    (depth / GROUP).min(8)
}

/// Warps that load neighbouring groups of one row's places.
fn warps_along(depth: u32) -> u32 {
    depth / GROUP / lanes_along(depth)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lanes that store a cell each at the same time, a bank each.
    #[test]
    fn transposing_stores_meet_in_no_bank() {
        for (length, depth) in [(128, 8), (64, 16), (32, 32), (8, 128), (32, 128)] {
            let panel = Panel::of(length, depth, Direction::Contracted);
            let lanes = lanes_along(depth);
            let mut banks: Vec<u32> = (0..LANES)
                .map(|lane| {
                    let (own, place) = (lane / lanes, lane % lanes * GROUP);
                    panel.cell(Corner { own, place }) % LANES
                })
                .collect();
            banks.sort_unstable();
            assert_eq!(
                banks,
                (0..LANES).collect::<Vec<u32>>(),
                "{length} x {depth}"
            );
        }
    }
}
