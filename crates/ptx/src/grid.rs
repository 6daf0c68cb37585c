//! How threads share work: every thread of the grid takes the places that lie a grid apart.

use eyas_ir::Comparison;
use eyas_tensor::Dim;

use crate::builder::{Control, Register, U32, U64};
use crate::emitter::Emitter;
use crate::error::Fault;
use crate::place::{Place, is_narrow};

/// Threads of a block.
pub(crate) const THREADS: u32 = 256;

/// Blocks that fill the largest device several times over.
const MOST_BLOCKS: i64 = 132 * 16;

/// Blocks for so many places, so many to a block and turn.
pub(crate) fn blocks(count: &Dim, each: i64) -> Result<Dim, Fault> {
    let all = ceiling(count, each)?;
    Ok(match all.as_constant() {
        Some(all) => Dim::from(all.min(MOST_BLOCKS)),
        None => all.minimum(&Dim::from(MOST_BLOCKS)),
    })
}

/// Whether there is a block for each of so many places.
pub(crate) fn is_one_turn(count: &Dim) -> bool {
    let count = count.as_constant();
    count.is_some_and(|count| count <= MOST_BLOCKS)
}

/// `count / each`, rounded up.
pub(crate) fn ceiling(count: &Dim, each: i64) -> Result<Dim, Fault> {
    let beyond = count.add(&Dim::from(each))?.sub(&Dim::from(1))?;
    Ok(beyond.floor_div(&Dim::from(each))?)
}

impl Emitter<'_> {
    /// The thread's number in the grid.
    fn thread_of_grid(&mut self, narrow: bool) -> Place {
        let (block, thread) = (self.block(), self.thread());
        match narrow {
            true => self.mad::<U32>(block, THREADS, thread).into(),
            false => {
                let thread = self.resize::<U64, U32>(thread);
                self.mad_wide(block, THREADS, thread).into()
            }
        }
    }

    /// Runs `body` for the places `0..count` that are this thread's, in a grid of so many blocks of
    /// [`THREADS`].
    pub(crate) fn each_place(
        &mut self,
        count: &Dim,
        blocks: &Dim,
        body: impl FnOnce(&mut Self, Place) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        self.each_place_in(is_narrow(count), count, blocks, body)
    }

    /// [`Emitter::each_place`], in 32 bits where it is known that these hold the count.
    pub(crate) fn each_place_in(
        &mut self,
        narrow: bool,
        count: &Dim,
        blocks: &Dim,
        body: impl FnOnce(&mut Self, Place) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let first = self.thread_of_grid(narrow);
        let threads = blocks.mul(&Dim::from(i64::from(THREADS)))?;
        let constants = (count.as_constant(), threads.as_constant());
        if matches!(constants, (Some(count), Some(threads)) if count <= threads) {
            let any = self.is_below(first, count);
            return self.when(any, |e| body(e, first));
        }
        let blocks = self.blocks();
        match first {
            Place::Narrow(first) => {
                let count = self.narrow_dim(count);
                let step = self.mul::<U32>(blocks, THREADS);
                self.repeat(first, count, step, |e, place: Register<U32>| {
                    body(e, place.into())
                })
            }
            place => {
                let (first, count) = (self.wide(place), self.dim(count));
                let step = self.mul_wide::<U32>(blocks, THREADS);
                self.repeat(first, count, step, |e, place: Register<U64>| {
                    body(e, place.into())
                })
            }
        }
    }

    /// Runs `body` for the places `0..count` that are this block's, in a grid of as many blocks or
    /// of [`MOST_BLOCKS`], all threads of the block together.
    pub(crate) fn each_block_place(
        &mut self,
        count: &Dim,
        body: impl FnOnce(&mut Self, Place) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let block = self.block();
        if count
            .as_constant()
            .is_some_and(|count| count <= MOST_BLOCKS)
        {
            return body(self, block.into());
        }
        let blocks = self.blocks();
        match count.as_constant() {
            Some(count) if is_narrow(&Dim::from(count)) => {
                self.repeat(block, count as u32, blocks, |e, place: Register<U32>| {
                    body(e, place.into())
                })
            }
            _ => {
                let count = self.dim(count);
                let block = self.resize::<U64, U32>(block);
                let blocks = self.resize::<U64, U32>(blocks);
                self.repeat(block, count, blocks, |e, place: Register<U64>| {
                    body(e, place.into())
                })
            }
        }
    }

    /// Runs `body` for the places `first..count`, of which there are fewer than [`THREADS`], a
    /// thread of the first block each.
    pub(crate) fn each_left(
        &mut self,
        first: &Dim,
        count: &Dim,
        body: impl FnOnce(&mut Self, Place) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let thread = self.thread_of_grid(is_narrow(count));
        let place = match (thread, first.as_constant()) {
            (Place::Narrow(thread), Some(first)) => self.add::<U32>(thread, first as u32).into(),
            (thread, _) => {
                let (thread, first) = (self.wide(thread), self.dim(first));
                Place::Wide(self.add::<U64>(thread, first))
            }
        };
        let any = self.is_below(place, count);
        self.when(any, |e| body(e, place))
    }

    /// Whether a place is below an extent.
    pub(crate) fn is_below(
        &mut self,
        place: Place,
        extent: &Dim,
    ) -> Register<crate::builder::Predicate> {
        match place {
            Place::Narrow(place) => {
                let extent = self.narrow_dim(extent);
                self.compare(Comparison::Less, place, extent)
            }
            _ => {
                let (place, extent) = (self.wide(place), self.dim(extent));
                self.compare(Comparison::Less, place, extent)
            }
        }
    }
}
