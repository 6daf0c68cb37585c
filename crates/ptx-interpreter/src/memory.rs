use crate::MemoryError;
use crate::clock::Clock;
use crate::region::{Region, Trouble};
use crate::shadow::Touch;

/// Global memory: pieces that are reserved and freed. It knows which bytes were ever written.
#[derive(Debug, Clone)]
pub struct Memory {
    /// In the order of their addresses.
    pieces: Vec<Piece>,
    /// The piece that was reached last.
    recent: usize,
    next: u64,
    used: u64,
    capacity: u64,
    /// What a launch begins at ([`crate::clock::Clock`]).
    pub(crate) time: u32,
}

#[derive(Debug, Clone)]
struct Piece {
    address: u64,
    region: Region,
}

/// Addresses begin here, so that one cut to 32 bits is none.
const FIRST: u64 = 1 << 40;
/// At least as many bytes lie between two pieces, and no address is used twice.
const GAP: u64 = 1 << 30;

impl Default for Memory {
    fn default() -> Memory {
        Memory::new()
    }
}

impl Memory {
    /// Empty, of 16 GiB.
    pub fn new() -> Memory {
        Memory::with_capacity(16 << 30)
    }

    /// Empty; at most `capacity` bytes can be in use.
    pub fn with_capacity(capacity: u64) -> Memory {
        Memory {
            pieces: Vec::new(),
            recent: 0,
            next: FIRST,
            used: 0,
            capacity,
            time: 1,
        }
    }

    /// Bytes in use.
    pub fn used(&self) -> u64 {
        self.used
    }

    /// Bytes that can be in use at most.
    pub fn capacity(&self) -> u64 {
        self.capacity
    }

    /// Reserves `bytes`, which hold nothing yet; gives the address of the first, a multiple of 256.
    ///
    /// # Errors
    ///
    /// [`MemoryError::OutOfMemory`].
    pub fn allocate(&mut self, bytes: u64) -> Result<u64, MemoryError> {
        let full = MemoryError::OutOfMemory {
            bytes,
            used: self.used,
            capacity: self.capacity,
        };
        if bytes > self.capacity - self.used {
            return Err(full);
        }
        let length = usize::try_from(bytes).map_err(|_| full.clone())?;
        Vec::<u8>::new()
            .try_reserve_exact(length)
            .map_err(|_| full)?;
        let address = self.next;
        self.pieces.push(Piece {
            address,
            region: Region::new(length),
        });
        self.next += bytes.next_multiple_of(256) + GAP;
        self.used += bytes;
        Ok(address)
    }

    /// Frees what begins at `address`.
    ///
    /// # Errors
    ///
    /// [`MemoryError::NotReserved`].
    pub fn free(&mut self, address: u64) -> Result<(), MemoryError> {
        let found = self
            .pieces
            .iter()
            .position(|piece| piece.address == address);
        let piece = self
            .pieces
            .remove(found.ok_or(MemoryError::NotReserved { address })?);
        self.recent = 0;
        self.used -= piece.region.bytes.len() as u64;
        Ok(())
    }

    /// Writes bytes from outside.
    ///
    /// # Errors
    ///
    /// [`MemoryError::OutOfBounds`].
    pub fn write(&mut self, address: u64, bytes: &[u8]) -> Result<(), MemoryError> {
        let (region, start) = self.region(address, bytes.len() as u64)?;
        region.bytes[start..start + bytes.len()].copy_from_slice(bytes);
        region.initialise(start, bytes.len(), true);
        Ok(())
    }

    /// Reads bytes from outside.
    ///
    /// # Errors
    ///
    /// [`MemoryError::OutOfBounds`], [`MemoryError::Uninitialised`].
    pub fn read(&self, address: u64, bytes: &mut [u8]) -> Result<(), MemoryError> {
        let (at, start) = self.find(address, bytes.len() as u64)?;
        let region = &self.pieces[at].region;
        if let Some(hole) = region.hole(start, start + bytes.len()) {
            let address = address + (hole - start) as u64;
            return Err(MemoryError::Uninitialised { address });
        }
        bytes.copy_from_slice(&region.bytes[start..start + bytes.len()]);
        Ok(())
    }

    /// Writes `byte` into `bytes` bytes.
    ///
    /// # Errors
    ///
    /// [`MemoryError::OutOfBounds`].
    pub fn fill(&mut self, address: u64, byte: u8, bytes: u64) -> Result<(), MemoryError> {
        let (region, start) = self.region(address, bytes)?;
        region.bytes[start..start + bytes as usize].fill(byte);
        region.initialise(start, bytes as usize, true);
        Ok(())
    }

    /// Counts `bytes` bytes as never written, so that a kernel that reads them faults.
    ///
    /// # Errors
    /// [`MemoryError`].
    pub fn forget(&mut self, address: u64, bytes: u64) -> Result<(), MemoryError> {
        let (region, start) = self.region(address, bytes)?;
        region.initialise(start, bytes as usize, false);
        Ok(())
    }

    /// Copies `bytes` bytes; what was never written at `from` counts as never written at `to`.
    ///
    /// # Errors
    ///
    /// [`MemoryError::OutOfBounds`].
    pub fn copy(&mut self, to: u64, from: u64, bytes: u64) -> Result<(), MemoryError> {
        let (at, start) = self.find(from, bytes)?;
        let (source, count) = (&self.pieces[at].region, bytes as usize);
        let copied = source.bytes[start..start + count].to_vec();
        let mut holes = Vec::new();
        let mut next = start;
        while let Some(hole) = source.hole(next, start + count) {
            holes.push(hole - start);
            next = hole + 1;
        }
        let (region, start) = self.region(to, bytes)?;
        region.bytes[start..start + count].copy_from_slice(&copied);
        region.initialise(start, count, true);
        for hole in holes {
            region.initialise(start + hole, 1, false);
        }
        Ok(())
    }

    /// The piece that holds all these bytes, and where in it they begin.
    fn find(&self, address: u64, bytes: u64) -> Result<(usize, usize), MemoryError> {
        let error = MemoryError::OutOfBounds { address, bytes };
        let after = self
            .pieces
            .partition_point(|piece| piece.address <= address);
        let at = after.checked_sub(1).ok_or(error.clone())?;
        let offset = address - self.pieces[at].address;
        let length = self.pieces[at].region.bytes.len() as u64;
        if offset > length || bytes > length - offset {
            return Err(error);
        }
        Ok((at, offset as usize))
    }

    fn region(&mut self, address: u64, bytes: u64) -> Result<(&mut Region, usize), MemoryError> {
        let (at, start) = self.find(address, bytes)?;
        Ok((&mut self.pieces[at].region, start))
    }

    /// Checks a kernel's access to `1 << size` bytes ([`Region::touch`]); gives the piece's number
    /// and where in it they are.
    #[inline(always)]
    pub(crate) fn touch(
        &mut self,
        address: u64,
        size: u32,
        reads: bool,
        touch: (Touch, u32),
        clock: &Clock,
    ) -> Result<(usize, usize), Trouble> {
        let recent = self.pieces.get(self.recent);
        let near = recent.is_some_and(|piece| {
            address.wrapping_sub(piece.address) < piece.region.bytes.len() as u64
        });
        if !near {
            let after = self
                .pieces
                .partition_point(|piece| piece.address <= address);
            self.recent = after.checked_sub(1).ok_or(Trouble::OutOfBounds)?;
        }
        let piece = &mut self.pieces[self.recent];
        let offset = address - piece.address;
        let at = piece
            .region
            .touch(offset, size, reads, touch, (clock, address))?;
        Ok((self.recent, at))
    }

    /// The region of the piece of that number.
    #[inline(always)]
    pub(crate) fn region_at(&mut self, piece: usize) -> &mut Region {
        &mut self.pieces[piece].region
    }

    /// What is near an address, in words.
    pub(crate) fn near(&self, address: u64) -> String {
        let after = self
            .pieces
            .partition_point(|piece| piece.address <= address);
        match after.checked_sub(1).map(|at| &self.pieces[at]) {
            Some(piece) => {
                let (first, length) = (piece.address, piece.region.bytes.len());
                let offset = address - first;
                format!("the piece before has {length} bytes at {first:#x}, that is byte {offset}")
            }
            None => "nothing lies before it".to_owned(),
        }
    }

    /// The time at which a launch begins; far from the end of time.
    pub(crate) fn begin_launch(&mut self) -> u32 {
        if self.time > 1 << 31 {
            self.time = 1;
            self.pieces
                .iter_mut()
                .for_each(|piece| piece.region.forget());
        }
        self.time
    }
}
