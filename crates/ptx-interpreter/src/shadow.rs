use crate::clock::Clock;

/// An access as it is remembered: when, by whom, at which instruction.
///
/// From the highest bit: 32 of time, 19 of the instruction's number, 10 of the thread's, whether
/// several threads of the block did the like, whether earlier blocks did, whether all were strong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Record(u64);

/// The most instructions of an entry.
pub(crate) const INSTRUCTIONS: usize = 1 << 19;
/// The most threads of a block.
pub(crate) const THREADS: u32 = 1 << 10;

const STRONG: u64 = 1;
const FOREIGN: u64 = 2;
const MANY: u64 = 4;

/// The last write and the last read of a few bytes.
pub(crate) type Cell = [u64; 2];

/// An access that is being made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Touch {
    pub(crate) thread: u32,
    /// The instruction's number.
    pub(crate) at: u32,
    pub(crate) writes: bool,
    /// Whether it may meet others of its kind: an atomic, a volatile access.
    pub(crate) strong: bool,
    /// What was before this time is long past.
    pub(crate) floor: u32,
}

impl Record {
    #[inline(always)]
    pub(crate) fn time(self) -> u32 {
        (self.0 >> 32) as u32
    }

    pub(crate) fn at(self) -> u32 {
        (self.0 >> 13) as u32 & (INSTRUCTIONS as u32 - 1)
    }

    pub(crate) fn thread(self) -> u32 {
        (self.0 >> 3) as u32 & (THREADS - 1)
    }

    /// Whether several threads of the block did the like.
    pub(crate) fn is_many(self) -> bool {
        self.0 & MANY != 0
    }

    /// Whether threads of earlier blocks did the like too.
    pub(crate) fn is_foreign(self) -> bool {
        self.0 & FOREIGN != 0
    }

    pub(crate) fn is_strong(self) -> bool {
        self.0 & STRONG != 0
    }
}

impl Touch {
    #[inline(always)]
    fn record(self, time: u32) -> u64 {
        u64::from(time) << 32
            | u64::from(self.at) << 13
            | u64::from(self.thread) << 3
            | u64::from(self.strong)
    }

    #[inline(always)]
    fn is_long_past(self, record: Record) -> bool {
        record.time() < self.floor
    }

    /// Whether the access comes after a record.
    #[inline(always)]
    fn follows(self, record: Record, clock: &Clock, address: u64) -> bool {
        self.is_long_past(record) || clock.is_ordered(record, self.thread, address)
    }

    /// Whether the access may meet a record that it does not come after.
    fn may_meet(self, record: Record) -> bool {
        self.strong && record.is_strong()
    }

    /// Makes the access to a cell.
    ///
    /// # Errors
    ///
    /// The access that it races with, and whether that one wrote.
    #[inline(always)]
    pub(crate) fn make(
        self,
        cell: &mut Cell,
        clock: &Clock,
        address: u64,
    ) -> Result<(), (Record, bool)> {
        let [write, read] = cell.map(Record);
        let now = self.record(clock.time());
        let follows = self.follows(write, clock, address);
        if !follows && !self.may_meet(write) {
            return Err((write, true));
        }
        if !self.writes {
            cell[1] = self.join(read, now, clock, address);
            return Ok(());
        }
        if !self.follows(read, clock, address) && !self.may_meet(read) {
            return Err((read, false));
        }
        cell[0] = self.join(write, now, clock, address);
        Ok(())
    }

    /// What is to be remembered of an access and one before it, both allowed.
    #[inline(always)]
    fn join(self, before: Record, now: u64, clock: &Clock, address: u64) -> u64 {
        if self.is_long_past(before) {
            return now;
        }
        if clock.is_ordered(before, self.thread, address) {
            // A weak access of the same thread is not forgotten for a strong one.
            let same = before.thread() == self.thread && before.time() == clock.time();
            return if same && !before.is_strong() {
                now & !STRONG
            } else {
                now
            };
        }
        let earlier = clock.is_of_earlier_block(before);
        let apart = !earlier && !clock.is_ordered_in_block(before, self.thread);
        let foreign = earlier || before.is_foreign();
        let weak = if before.is_strong() { 0 } else { STRONG };
        (now | if apart { MANY } else { 0 } | if foreign { FOREIGN } else { 0 }) & !weak
    }
}
