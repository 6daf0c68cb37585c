use super::operand::{Direction};
use super::tile::{GROUP, THREADS, Tile};

/// How the factors of one side lie in shared memory: `length` of a place that is summed over side
/// by side, a place after the other.
///
/// Threads that load four places of one row store them into four lines; there each fourth line
/// begins `skew` cells further on, so that the lanes of a warp meet in no bank.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Panel {
    pub(super) length: u32,
    pub(super) depth: u32,
    pub(super) skew: u32,
    pub(super) direction: Direction,
}

/// Lanes of a warp.
const LANES: u32 = 32;

impl Panel {
    pub(super) fn new(tile: &Tile, side: usize, direction: Direction) -> Panel {
        let (length, depth) = (tile.length(side), tile.depth);
        let skew = match direction {
            Direction::Own => 0,
            Direction::Contracted => LANES / lanes_along(depth),
        };
        Panel {
            length,
            depth,
            skew,
            direction,
        }
    }

    /// Cells from the panel's first to the one of a place and a row or column.
    pub(super) fn cell(&self, place: u32, own: u32) -> u32 {
        place * self.length + place / GROUP * self.skew + own
    }

    /// Cells that it takes.
    pub(super) fn cells(&self) -> u32 {
        self.depth * self.length + self.depth / GROUP * self.skew
    }

    /// How many groups of elements a thread loads.
    pub(super) fn passes(&self) -> u32 {
        (self.groups() / THREADS).max(1)
    }

    /// Groups of elements of the panel.
    pub(super) fn groups(&self) -> u32 {
        self.length * self.depth / GROUP
    }
}

/// Lanes of a warp that load neighbouring groups of one row's places.
pub(super) fn lanes_along(depth: u32) -> u32 {
    (depth / GROUP).min(8)
}
