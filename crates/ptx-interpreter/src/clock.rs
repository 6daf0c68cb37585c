use crate::lane::LANES;
use crate::publication::Publications;
use crate::shadow::Record;

/// Which accesses of a launch are ordered.
///
/// Time is a count that barriers and fences raise; an access is stamped with it. What a warp has
/// synchronised with is a time for each warp of its block (a vector clock): accesses stamped before
/// it come first. Blocks run one after another, so that a time belongs to one block.
#[derive(Debug)]
pub(crate) struct Clock {
    time: u32,
    /// When the launch began.
    launch: u32,
    /// When the running block began.
    block: u32,
    /// When the whole block last met at a barrier.
    barrier: u32,
    /// By warp, by the other warp.
    seen: Vec<[u32; LANES]>,
    /// When each block began that has begun.
    blocks: Vec<u32>,
    /// `None` of entries without fences.
    publications: Option<Publications>,
}

impl Clock {
    pub(crate) fn new(time: u32, warps: usize, fences: bool) -> Clock {
        Clock {
            time,
            launch: time,
            block: time,
            barrier: time,
            seen: vec![[time; LANES]; warps],
            blocks: Vec::new(),
            publications: fences.then(|| Publications::new(warps * LANES)),
        }
    }

    #[inline(always)]
    pub(crate) fn time(&self) -> u32 {
        self.time
    }

    /// When the launch began.
    pub(crate) fn launch_began(&self) -> u32 {
        self.launch
    }

    /// When the running block began.
    pub(crate) fn block_began(&self) -> u32 {
        self.block
    }

    /// When the block of a record began.
    fn beginning_of(&self, time: u32) -> u32 {
        let after = self.blocks.partition_point(|began| *began <= time);
        after.checked_sub(1).map_or(0, |at| self.blocks[at])
    }

    /// The number of the block that ran then.
    pub(crate) fn block_at(&self, time: u32) -> usize {
        self.blocks
            .partition_point(|began| *began <= time)
            .saturating_sub(1)
    }

    /// Lets time pass; false when it ends.
    fn tick(&mut self) -> bool {
        self.time = self.time.saturating_add(1);
        self.time < u32::MAX
    }

    pub(crate) fn begin_block(&mut self) -> bool {
        let goes_on = self.tick();
        self.block = self.time;
        self.blocks.push(self.time);
        self.synchronise_all();
        if let Some(publications) = &mut self.publications {
            publications.begin_block();
        }
        goes_on
    }

    fn synchronise_all(&mut self) {
        self.barrier = self.time;
        for seen in &mut self.seen {
            *seen = [self.time; LANES];
        }
    }

    /// All warps of the block meet.
    pub(crate) fn meet(&mut self) -> bool {
        let goes_on = self.tick();
        self.synchronise_all();
        if let Some(publications) = &mut self.publications {
            publications.meet();
        }
        goes_on
    }

    /// A warp comes to a barrier that not all warps must come to; what is known there grows by
    /// what it knows.
    pub(crate) fn arrive(&mut self, warp: usize, known: &mut [u32; LANES]) -> bool {
        let goes_on = self.tick();
        for (known, seen) in known.iter_mut().zip(self.seen[warp]) {
            *known = seen.max(*known);
        }
        known[warp] = self.time;
        goes_on
    }

    /// A warp leaves such a barrier.
    pub(crate) fn leave(&mut self, warp: usize, known: &[u32; LANES]) {
        for (seen, known) in self.seen[warp].iter_mut().zip(known) {
            *seen = (*known).max(*seen);
        }
    }

    /// The lanes of a warp meet.
    pub(crate) fn meet_lanes(&mut self, warp: usize) -> bool {
        let goes_on = self.tick();
        self.seen[warp][warp] = self.time;
        goes_on
    }

    /// A thread's fence.
    pub(crate) fn fence(&mut self, thread: u32) -> bool {
        let goes_on = self.tick();
        if let Some(publications) = &mut self.publications {
            publications.fence(thread, self.time, self.barrier);
        }
        goes_on
    }

    /// A thread's atomic operation on global memory.
    #[inline(always)]
    pub(crate) fn atomic(&mut self, thread: u32, address: u64) {
        if let Some(publications) = &mut self.publications {
            publications.atomic(thread, address, self.block);
        }
    }

    pub(crate) fn is_of_earlier_block(&self, record: Record) -> bool {
        record.time() < self.block
    }

    /// Whether a thread of the running block comes after a record.
    #[inline(always)]
    pub(crate) fn is_ordered(&self, record: Record, thread: u32, address: u64) -> bool {
        let time = record.time();
        if time < self.launch {
            return true;
        }
        if time >= self.block {
            return self.is_ordered_in_block(record, thread)
                && (!record.is_foreign() || self.is_met(record, thread, address));
        }
        self.publications.as_ref().is_some_and(|publications| {
            let began = self.beginning_of(time);
            publications.is_acquired(record, began, thread, address)
        })
    }

    /// Whether what earlier blocks did at a place was an atomic operation that the thread knows of.
    fn is_met(&self, record: Record, thread: u32, address: u64) -> bool {
        let publications = self.publications.as_ref();
        record.is_strong() && publications.is_some_and(|all| all.has_acquired(thread, address))
    }

    /// Whether a thread comes after a record of its own block.
    #[inline(always)]
    pub(crate) fn is_ordered_in_block(&self, record: Record, thread: u32) -> bool {
        let time = record.time();
        if time < self.barrier {
            return true;
        }
        let seen = &self.seen[thread as usize / LANES];
        if record.is_many() {
            return seen[..self.seen.len()].iter().all(|seen| time < *seen);
        }
        record.thread() == thread || time < seen[record.thread() as usize / LANES]
    }
}
