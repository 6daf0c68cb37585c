use crate::clock::Clock;
use crate::shadow::{Cell, Record, Touch};

/// Bytes that kernels reach, what of them was ever written, and who was there last.
#[derive(Debug, Clone, Default)]
pub(crate) struct Region {
    pub(crate) bytes: Vec<u8>,
    /// A bit a byte.
    initialised: Vec<u8>,
    /// A cell a granule; what is missing was never reached.
    cells: Vec<Cell>,
}

/// Why an access is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    OutOfBounds,
    Misaligned,
    Uninitialised,
    /// With an earlier access, and whether that one wrote.
    Race(Record, bool),
}

impl Region {
    pub(crate) fn new(length: usize) -> Region {
        Region {
            bytes: vec![0; length],
            initialised: vec![0; length.div_ceil(8) + 1],
            cells: Vec::new(),
        }
    }

    /// Forgets what was written.
    pub(crate) fn clear(&mut self) {
        self.initialised.fill(0);
    }

    /// Forgets who was there.
    pub(crate) fn forget(&mut self) {
        self.cells = Vec::new();
    }

    /// The first byte from `start` on, before `end`, that was never written.
    pub(crate) fn hole(&self, start: usize, end: usize) -> Option<usize> {
        let mut at = start;
        while at < end {
            if at.is_multiple_of(8) && self.initialised[at / 8] == 0xff {
                at += 8;
            } else if self.initialised[at / 8] >> (at % 8) & 1 == 1 {
                at += 1;
            } else {
                return Some(at);
            }
        }
        None
    }

    /// Says of bytes whether they were written.
    pub(crate) fn initialise(&mut self, start: usize, count: usize, written: bool) {
        let end = start + count;
        let mut at = start;
        while at < end {
            if at.is_multiple_of(8) && end - at >= 8 {
                let whole = (end - at) / 8;
                self.initialised[at / 8..at / 8 + whole].fill(if written { 0xff } else { 0 });
                at += whole * 8;
            } else {
                let bit = 1 << (at % 8);
                let byte = &mut self.initialised[at / 8];
                *byte = if written { *byte | bit } else { *byte & !bit };
                at += 1;
            }
        }
    }

    /// Checks an access to `1 << size` bytes, and remembers it. `granule` is the least size of an
    /// access in the running kernel, in the same way; `address` is what clocks know the place by.
    #[inline(always)]
    pub(crate) fn touch(
        &mut self,
        offset: u64,
        size: u32,
        reads: bool,
        (touch, granule): (Touch, u32),
        (clock, address): (&Clock, u64),
    ) -> Result<usize, Trouble> {
        let bytes = 1u64 << size;
        let length = self.bytes.len() as u64;
        if offset >= length || bytes > length - offset {
            return Err(Trouble::OutOfBounds);
        }
        if offset & (bytes - 1) != 0 {
            return Err(Trouble::Misaligned);
        }
        let at = offset as usize;
        // Aligned, so that all bits but those of sixteen bytes are in one byte.
        let first = &mut self.initialised[at / 8..at / 8 + 2];
        let bits = ((1u32 << bytes) - 1) << (at % 8);
        let [low, high] = [first[0], first[1]];
        let found = u32::from(low) | u32::from(high) << 8;
        if reads && found & bits != bits {
            return Err(Trouble::Uninitialised);
        }
        if touch.writes {
            first[0] |= bits as u8;
            if size == 4 {
                first[1] = 0xff;
            }
        }
        let first = at >> granule;
        let count = 1usize << size.saturating_sub(granule);
        if first + count > self.cells.len() {
            // What the cells of coarser granules held is of an earlier launch.
            self.cells = vec![[0; 2]; self.bytes.len().div_ceil(1 << granule)];
        }
        for cell in &mut self.cells[first..first + count] {
            touch
                .make(cell, clock, address)
                .map_err(|(record, wrote)| Trouble::Race(record, wrote))?;
        }
        Ok(at)
    }

    /// The number in the `1 << size` bytes at `at`, at most eight.
    #[inline(always)]
    pub(crate) fn get(&self, at: usize, size: u32) -> u64 {
        let bytes = &self.bytes[at..at + (1 << size)];
        match *bytes {
            [a] => u64::from(a),
            [a, b] => u64::from(u16::from_le_bytes([a, b])),
            [a, b, c, d] => u64::from(u32::from_le_bytes([a, b, c, d])),
            [a, b, c, d, e, f, g, h] => u64::from_le_bytes([a, b, c, d, e, f, g, h]),
            _ => 0,
        }
    }

    /// Writes a number into the `1 << size` bytes at `at`, at most eight.
    #[inline(always)]
    pub(crate) fn set(&mut self, at: usize, size: u32, value: u64) {
        let bytes = &mut self.bytes[at..at + (1 << size)];
        match size {
            0 => bytes.copy_from_slice(&(value as u8).to_le_bytes()),
            1 => bytes.copy_from_slice(&(value as u16).to_le_bytes()),
            2 => bytes.copy_from_slice(&(value as u32).to_le_bytes()),
            _ => bytes.copy_from_slice(&value.to_le_bytes()),
        }
    }
}
