use super::cell::Cell;
use super::panel::{LANES, split, woven};
use super::tile::Tile;
use crate::builder::{Register, U32};
use crate::emitter::Emitter;

/// A thread's part of a tile.
pub(super) struct Share {
    /// Where its first factors of either side would be if the side's panel came first in the first
    /// buffer.
    pub(super) factors: [Register<U32>; 2],
    /// Where that buffer is.
    memory: Register<U32>,
}

impl Share {
    /// The lanes of a warp form a rectangle, so that the factors that they load lie in few lines,
    /// and what they store fills whole sectors.
    pub(super) fn new<T: Cell>(e: &mut Emitter, tile: &Tile, memory: Register<U32>) -> Share {
        let across = tile.columns / tile.thread_columns;
        let lanes = match tile.thread_columns {
            1 => across.min(LANES),
            _ => across.min(LANES / 4),
        };
        let thread = e.thread();
        let [warp, lane] = split(e, thread, LANES);
        let [row, column] = match LANES / lanes {
            1 => [None, Some(lane)],
            // The lanes of a pair differ in rows, those of neighbouring pairs in columns: then
            // loads of 16 bytes are done for half a warp at a time.
            down => {
                let [pair, first] = split(e, lane, 2);
                let [high, column] = split(e, pair, lanes);
                let row = match down {
                    2 => first,
                    _ => woven(e, high, 2, Some(first)),
                };
                [Some(row), Some(column)]
            }
        };
        let [down, along] = match across / lanes {
            1 => [Some(warp), None],
            warps => split(e, warp, warps).map(Some),
        };
        let mut place =
            |outer: Option<Register<U32>>, inner: Option<Register<U32>>, side: usize| {
                let lanes = [LANES / lanes, lanes][side];
                let place = match (outer, inner) {
                    (Some(outer), inner) => woven(e, outer, lanes, inner),
                    (None, Some(inner)) => inner,
                    (None, None) => e.copy(0u32),
                };
                e.mad(place, tile.group(side) * T::BYTES, memory)
            };
        Share {
            factors: [place(down, row, 0), place(along, column, 1)],
            memory,
        }
    }

    /// The first row or column, found from what is in registers all the time.
    pub(super) fn first<T: Cell>(&self, e: &mut Emitter, side: usize) -> Register<U32> {
        let bytes = e.sub(self.factors[side], self.memory);
        e.shift_right(bytes, T::BYTES.trailing_zeros())
    }
}
