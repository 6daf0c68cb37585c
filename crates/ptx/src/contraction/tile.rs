use std::fmt;

use eyas_tensor::{DType, Dim};

use super::form::Form;
use crate::error::Fault;

/// Threads of a block, for every tile.
pub(super) const THREADS: u32 = 256;

/// Blocks that a GPU should have at least: about one for each of its multiprocessors.
const BLOCKS: i64 = 128;

/// Rows up to which a tile for few rows is taken.
const FEW_ROWS: i64 = 8;

/// Columns from which on a large tile is worth code of its own where rows are not known.
const WIDE: i64 = 256;

/// Places summed over from which on a tile for few rows is worth code of its own.
const MANY_TERMS: i64 = 512;

/// Elements that a thread loads at a time.
pub(super) const GROUP: u32 = 4;

/// The part of the result that a block computes, and how its threads share it out: each sums
/// `thread_rows` times `thread_columns` results in registers, in groups of four rows and four columns that
/// lie apart, over `depth` places at a time whose factors lie in shared memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tile {
    pub(super) rows: u32,
    pub(super) columns: u32,
    pub(super) depth: u32,
    pub(super) thread_rows: u32,
    pub(super) thread_columns: u32,
    /// Places whose products stand one after the other in the code.
    pub(super) unrolled: u32,
    /// Blocks that fit into a multiprocessor's registers at the same time.
    pub(super) resident: u32,
}

/// Tiles by what they are for, for cells of one size.
#[derive(Debug)]
struct Tiles {
    large: Tile,
    medium: Tile,
    small: Tile,
    few_rows: Tile,
}

const WORDS: Tiles = Tiles {
    large: Tile {
        rows: 128,
        columns: 128,
        depth: 8,
        thread_rows: 8,
        thread_columns: 8,
        unrolled: 8,
        resident: 2,
    },
    medium: Tile {
        rows: 64,
        columns: 64,
        depth: 16,
        thread_rows: 4,
        thread_columns: 4,
        unrolled: 16,
        resident: 3,
    },
    small: Tile {
        rows: 32,
        columns: 32,
        depth: 64,
        thread_rows: 2,
        thread_columns: 4,
        unrolled: 8,
        resident: 3,
    },
    few_rows: Tile {
        rows: 8,
        columns: 32,
        depth: 128,
        thread_rows: 4,
        thread_columns: 1,
        unrolled: 8,
        resident: 2,
    },
};

/// Half as deep, so that buffers of cells twice as large take as much memory.
const DOUBLES: Tiles = Tiles {
    large: Tile {
        columns: 64,
        rows: 64,
        depth: 16,
        thread_rows: 4,
        thread_columns: 4,
        ..WORDS.large
    },
    medium: SMALL_DOUBLES,
    small: SMALL_DOUBLES,
    few_rows: Tile {
        depth: 64,
        ..WORDS.few_rows
    },
};

const SMALL_DOUBLES: Tile = Tile {
    depth: 32,
    ..WORDS.small
};

impl Tile {
    /// The tile with no more than the depth that so many places need.
    fn fitted(mut self, terms: Option<i64>) -> Tile {
        let least = (THREADS / self.rows.min(self.columns)).max(self.unrolled);
        while self.depth > least && terms.is_some_and(|terms| terms <= i64::from(self.depth / 2)) {
            self.depth /= 2;
        }
        self.unrolled = self.unrolled.min(self.depth);
        self
    }

    /// Threads that sum; the others only load.
    pub(super) fn summing(&self) -> u32 {
        self.rows / self.thread_rows * (self.columns / self.thread_columns)
    }

    /// Rows or columns of the tile.
    pub(super) fn length(&self, side: usize) -> u32 {
        [self.rows, self.columns][side]
    }

    /// Rows or columns of a thread.
    pub(super) fn thread_length(&self, side: usize) -> u32 {
        [self.thread_rows, self.thread_columns][side]
    }

    /// So many rows or columns of a thread lie side by side.
    pub(super) fn group(&self, side: usize) -> u32 {
        self.thread_length(side).min(GROUP)
    }

    /// From one group of a thread to its next.
    pub(super) fn apart(&self, side: usize) -> u32 {
        self.length(side) / (self.thread_length(side) / self.group(side))
    }

    /// Tiles that cover a side.
    pub(super) fn count(&self, side: usize, length: &Dim) -> Result<Dim, Fault> {
        let size = i64::from(self.length(side));
        let raised = length.add(&Dim::from(size - 1))?;
        Ok(raised.floor_div(&Dim::from(size))?)
    }

    /// Tiles that cover the result.
    pub(super) fn blocks(&self, form: &Form) -> Result<Dim, Fault> {
        let [rows, columns] = &form.sides;
        let batch = Dim::product(&form.batch)?;
        let rows = self.count(0, &rows.length)?;
        Ok(rows.mul(&self.count(1, &columns.length)?)?.mul(&batch)?)
    }
}

/// A tile, and below how many rows it is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Choice {
    pub(super) tile: Tile,
    /// `None` of the last: however many there are.
    pub(super) below: Option<i64>,
}

/// The tiles to choose from when the number of rows is known, the one for the fewest first.
pub(super) fn choices(form: &Form) -> Vec<Choice> {
    let tiles = match form.cell {
        DType::F64 | DType::I64 | DType::U64 => &DOUBLES,
        _ => &WORDS,
    };
    let terms = form.contracted.as_constant();
    let choice = |tile: Tile, below: Option<i64>| Choice {
        tile: tile.fitted(terms),
        below,
    };
    let last = |tile: Tile| choice(tile, None);
    if form.step.is_some() {
        return vec![last(tiles.small)];
    }
    let [rows, columns] = &form.sides;
    // Elements that are found one by one leave no registers for many sums.
    let scattered = form.sides.iter().any(|side| side.operand.is_scattered());
    let large = match scattered {
        true => tiles.medium,
        false => tiles.large,
    };
    let batch = Dim::product(&form.batch).ok();
    let batch = batch.and_then(|batch| batch.as_constant()).unwrap_or(1);
    let width = columns.length.as_constant();
    let across = |tile: &Tile| {
        let columns = width.map_or(1, |width| up(width, tile.columns));
        columns.saturating_mul(batch).max(1)
    };
    if let Some(rows) = rows.length.as_constant() {
        let fills = |tile: &&Tile| up(rows, tile.rows).saturating_mul(across(tile)) >= BLOCKS;
        let tile = match rows <= FEW_ROWS {
            true => tiles.few_rows,
            false => *[&large, &tiles.medium]
                .into_iter()
                .find(fills)
                .unwrap_or(&tiles.small),
        };
        return vec![last(tile)];
    }
    let mut choices = Vec::new();
    let mut until = |tile: Tile, below: i64| choices.push(choice(tile, Some(below)));
    if terms.is_some_and(|terms| terms >= MANY_TERMS) {
        until(tiles.few_rows, FEW_ROWS + 1);
    }
    match width {
        Some(width) if width < WIDE => choices.push(last(tiles.small)),
        Some(_) => {
            // Half of the multiprocessors busy with large tiles do what all do with small ones.
            let rows = BLOCKS / 2 / across(&large);
            until(tiles.small, rows.max(1) * i64::from(large.rows));
            choices.push(last(large));
        }
        None => {
            until(tiles.small, WIDE);
            choices.push(last(tiles.medium));
        }
    }
    choices
}

/// How often a size goes into a length, rounded up.
fn up(length: i64, by: u32) -> i64 {
    let by = i64::from(by);
    length / by + i64::from(length % by != 0)
}

/// As the comment above its code.
impl fmt::Display for Tile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Tile {
            rows,
            columns,
            depth,
            thread_rows,
            thread_columns,
            ..
        } = self;
        write!(
            f,
            "a tile of {rows} x {columns} over {depth} at a time, {thread_rows} x {thread_columns} a thread"
        )
    }
}
