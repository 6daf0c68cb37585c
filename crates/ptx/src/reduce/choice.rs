use std::fmt;

use eyas_tensor::{Dim, DimError};

/// Blocks that keep a large GPU busy.
const BLOCKS: i64 = 528;

/// Threads of a block where nothing says otherwise.
const THREADS: i64 = 256;

/// Lanes of a warp.
pub(crate) const WARP: i64 = 32;

/// The longest row of an unknown extent that a warp folds alone.
const SHORT: i64 = 1024;

/// What the choice hangs on.
#[derive(Debug, Clone)]
pub(crate) struct Traits {
    /// How many rows.
    pub(crate) rows: Dim,
    /// Places of a row.
    pub(crate) length: Dim,
    /// Whether neighbours in memory are in different rows.
    pub(crate) columns: bool,
    /// Places side by side that 16 bytes of every contiguous access hold, a power of two.
    pub(crate) vector: i64,
    /// Whether the places of a row are those along one axis, found without reading an index.
    pub(crate) plain: bool,
    /// Whether a row may be folded in parts: there is one stage, and nothing is done after it at
    /// every place.
    pub(crate) divisible: bool,
    /// Scalar operations an element.
    pub(crate) cost: i64,
    /// Registers that an element takes while it is kept.
    pub(crate) kept: i64,
}

/// How rows are spread over threads. All counts but those of parts are powers of two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Choice {
    /// Whether threads side by side have rows side by side, not places of one row.
    pub(crate) columns: bool,
    /// Threads of a block.
    pub(crate) threads: i64,
    /// Threads that share a row.
    pub(crate) lanes: i64,
    /// Places side by side that a thread takes at once.
    pub(crate) vector: i64,
    /// How often a thread takes places where it keeps all of them in registers, so that each is
    /// read once; else every stage goes through the row anew.
    pub(crate) kept: Option<i64>,
    /// Blocks that share a row.
    pub(crate) parts: Dim,
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let many = |count: i64| if count == 1 { "" } else { "s" };
        let (rows, lanes) = (self.rows(), self.lanes);
        let beside = if self.columns { " side by side" } else { "" };
        write!(f, "{rows} row{}{beside} a block, ", many(rows))?;
        write!(f, "{lanes} thread{} a row", many(lanes))?;
        if self.vector > 1 {
            write!(f, ", {} places at once", self.vector)?;
        }
        if self.kept.is_some() {
            write!(f, ", all in registers")?;
        }
        match self.is_divided() {
            true => write!(f, ", {} blocks a row", self.parts),
            false => Ok(()),
        }
    }
}

/// One choice, or two between which the extent decides when the kernel runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Choices {
    Always(Choice),
    /// The first for rows of so many places at most.
    UpTo(i64, Choice, Choice),
}

impl Traits {
    /// A deterministic choice from what is known of the extents.
    pub(crate) fn choose(&self) -> Result<Choices, DimError> {
        let Some(length) = self.length.as_constant() else {
            let long = match self.columns {
                true => self.columns(None)?,
                false => self.divided(self.looped(THREADS, THREADS))?,
            };
            return Ok(match self.columns {
                true => Choices::Always(long),
                false => {
                    let short = Choice {
                        threads: long.threads,
                        ..self.looped(THREADS, WARP)
                    };
                    Choices::UpTo(SHORT, short, long)
                }
            });
        };
        let choice = match self.columns {
            true => self.columns(Some(length))?,
            false => match self.kept(length) {
                Some(choice) => choice,
                None => self.long(length)?,
            },
        };
        Ok(Choices::Always(choice))
    }

    /// Rows whose elements stay in registers.
    fn kept(&self, length: i64) -> Option<Choice> {
        if !self.plain {
            return None;
        }
        let vector = self.vector;
        let elements = |lanes: i64| vector * rounded_up(length, lanes * vector);
        let fits = |lanes: &i64| {
            let most = match *lanes {
                ..WARP => vector.max(4),
                WARP => 32,
                _ => 16,
            };
            elements(*lanes) <= most && self.keeps(elements(*lanes))
        };
        // A warp needs no shared memory, so it takes more than its share.
        let lanes = (0..=10).map(|bits| 1 << bits).find(fits)?;
        let elements = elements(lanes);
        Some(Choice {
            kept: Some(elements / vector),
            ..self.looped(lanes.max(THREADS), lanes)
        })
    }

    /// Whether a thread has registers for so many elements, and their code stays short.
    fn keeps(&self, elements: i64) -> bool {
        elements * self.kept <= 40 && elements * self.cost <= 4000
    }

    /// Rows that are gone through stage by stage.
    fn long(&self, length: i64) -> Result<Choice, DimError> {
        let lanes = match length {
            ..=SHORT => {
                let shared = rounded_up(length, 4 * self.vector);
                power_of_two(shared).min(WARP)
            }
            _ if self.divisible || length <= 16 * SHORT => THREADS,
            _ => 4 * THREADS,
        };
        self.divided(self.looped(lanes.max(THREADS), lanes))
    }

    /// Rows side by side.
    fn columns(&self, length: Option<i64>) -> Result<Choice, DimError> {
        let across = self.rows.as_constant().map_or(WARP, power_of_two).min(WARP);
        let most = THREADS / across;
        let lanes = length.map_or(most, |length| power_of_two(length).min(most));
        let kept = length
            .map(|length| rounded_up(length, lanes))
            .filter(|count| self.plain && *count <= 16 && self.keeps(*count));
        let choice = Choice {
            columns: true,
            vector: 1,
            kept,
            ..self.looped(THREADS, lanes)
        };
        match kept {
            Some(_) => Ok(choice),
            None => self.divided(choice),
        }
    }

    fn looped(&self, threads: i64, lanes: i64) -> Choice {
        // No more threads than there are rows for.
        let rows = self.rows.as_constant().map_or(threads, power_of_two);
        Choice {
            columns: false,
            threads: threads.min((rows * lanes).max(WARP)),
            lanes,
            vector: self.vector,
            kept: None,
            parts: Dim::from(1),
        }
    }

    /// The same, with several blocks a row where there are few rows and these are long.
    fn divided(&self, choice: Choice) -> Result<Choice, DimError> {
        let one = Dim::from(1);
        if !self.divisible {
            return Ok(choice);
        }
        let groups = choice.groups(&self.rows)?.maximum(&one);
        let wanted = Dim::from(BLOCKS).floor_div(&groups)?;
        let places = choice.lanes * choice.vector * 8;
        let possible = self.length.floor_div(&Dim::from(places))?;
        let is_small = |dim: &Dim| dim.as_constant().is_some_and(|dim| dim <= 1);
        if is_small(&wanted) || is_small(&possible) {
            return Ok(choice);
        }
        let parts = wanted.minimum(&possible).maximum(&one);
        Ok(Choice { parts, ..choice })
    }
}

impl Choice {
    /// Rows of a block.
    pub(crate) fn rows(&self) -> i64 {
        self.threads / self.lanes
    }

    /// How many blocks all rows take where none is shared.
    pub(crate) fn groups(&self, rows: &Dim) -> Result<Dim, DimError> {
        let last = Dim::from(self.rows() - 1);
        rows.add(&last)?.floor_div(&Dim::from(self.rows()))
    }

    /// How many blocks there are.
    pub(crate) fn blocks(&self, rows: &Dim) -> Result<Dim, DimError> {
        self.groups(rows)?.mul(&self.parts)
    }

    /// Whether several blocks may share a row.
    pub(crate) fn is_divided(&self) -> bool {
        !self.parts.is(1)
    }

    /// Places of a row that each of its blocks has, but for the last that has less.
    pub(crate) fn part(&self, length: &Dim) -> Result<Dim, DimError> {
        let step = Dim::from(self.lanes * self.vector);
        let all = self.parts.mul(&step)?;
        let steps = length.add(&all)?.sub(&Dim::from(1))?.floor_div(&all)?;
        steps.mul(&step)
    }
}

impl Choices {
    /// How many blocks there are.
    pub(crate) fn blocks(&self, traits: &Traits) -> Result<Dim, DimError> {
        let rows = &traits.rows;
        match self {
            Choices::Always(choice) => choice.blocks(rows),
            Choices::UpTo(limit, short, long) => {
                // 0 up to the limit, 1 beyond.
                let beyond = traits.length.floor_div(&Dim::from(limit + 1))?;
                let beyond = beyond.minimum(&Dim::from(1));
                let within = Dim::from(1).sub(&beyond)?;
                let short = short.blocks(rows)?.mul(&within)?;
                short.add(&long.blocks(rows)?.mul(&beyond)?)
            }
        }
    }

    /// Threads of a block.
    pub(crate) fn threads(&self) -> i64 {
        match self {
            Choices::Always(choice) => choice.threads,
            // Both have as many.
            Choices::UpTo(_, short, long) => short.threads.max(long.threads),
        }
    }
}

fn rounded_up(length: i64, step: i64) -> i64 {
    (length + step - 1) / step
}

/// The least power of two that is no less.
fn power_of_two(least: i64) -> i64 {
    u64::try_from(least)
        .map_or(1, u64::next_power_of_two)
        .min(1 << 30) as i64
}
