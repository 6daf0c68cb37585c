use std::collections::BTreeMap;

use crate::MemoryError;

/// Global memory: pieces that are reserved and freed. It knows which bytes were ever written.
#[derive(Debug, Clone)]
pub struct Memory {
    /// By the first byte's address.
    pieces: BTreeMap<u64, Piece>,
    next: u64,
    used: u64,
    capacity: u64,
}

#[derive(Debug, Clone)]
struct Piece {
    bytes: Vec<u8>,
    /// A bit a byte.
    initialised: Vec<u8>,
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
            pieces: BTreeMap::new(),
            next: FIRST,
            used: 0,
            capacity,
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
        let piece = Piece {
            bytes: vec![0; length],
            initialised: vec![0; length.div_ceil(8)],
        };
        let address = self.next;
        self.pieces.insert(address, piece);
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
        let piece = self.pieces.remove(&address);
        let piece = piece.ok_or(MemoryError::NotReserved { address })?;
        self.used -= piece.bytes.len() as u64;
        Ok(())
    }

    /// Writes bytes from outside.
    ///
    /// # Errors
    ///
    /// [`MemoryError::OutOfBounds`].
    pub fn write(&mut self, address: u64, bytes: &[u8]) -> Result<(), MemoryError> {
        let (piece, start) = self.piece_mut(address, bytes.len() as u64)?;
        piece.bytes[start..start + bytes.len()].copy_from_slice(bytes);
        piece.initialise(start, bytes.len(), true);
        Ok(())
    }

    /// Reads bytes from outside.
    ///
    /// # Errors
    ///
    /// [`MemoryError::OutOfBounds`], [`MemoryError::Uninitialised`].
    pub fn read(&self, address: u64, bytes: &mut [u8]) -> Result<(), MemoryError> {
        let (piece, start) = self.piece(address, bytes.len() as u64)?;
        if let Some(at) = (start..start + bytes.len()).find(|at| !piece.is_initialised(*at)) {
            let address = address + (at - start) as u64;
            return Err(MemoryError::Uninitialised { address });
        }
        bytes.copy_from_slice(&piece.bytes[start..start + bytes.len()]);
        Ok(())
    }

    /// Writes `byte` into `bytes` bytes.
    ///
    /// # Errors
    ///
    /// [`MemoryError::OutOfBounds`].
    pub fn fill(&mut self, address: u64, byte: u8, bytes: u64) -> Result<(), MemoryError> {
        let (piece, start) = self.piece_mut(address, bytes)?;
        piece.bytes[start..start + bytes as usize].fill(byte);
        piece.initialise(start, bytes as usize, true);
        Ok(())
    }

    /// Copies `bytes` bytes; what was never written at `from` counts as never written at `to`.
    ///
    /// # Errors
    ///
    /// [`MemoryError::OutOfBounds`].
    pub fn copy(&mut self, to: u64, from: u64, bytes: u64) -> Result<(), MemoryError> {
        let (piece, start) = self.piece(from, bytes)?;
        let count = bytes as usize;
        let copied = piece.bytes[start..start + count].to_vec();
        let holes: Vec<usize> = (0..count)
            .filter(|at| !piece.is_initialised(start + at))
            .collect();
        let (piece, start) = self.piece_mut(to, bytes)?;
        piece.bytes[start..start + count].copy_from_slice(&copied);
        piece.initialise(start, count, true);
        for hole in holes {
            piece.initialise(start + hole, 1, false);
        }
        Ok(())
    }

    fn piece(&self, address: u64, bytes: u64) -> Result<(&Piece, usize), MemoryError> {
        let found = self.pieces.range(..=address).next_back();
        match found {
            Some((base, piece)) if piece.holds(address - base, bytes) => {
                Ok((piece, (address - base) as usize))
            }
            _ => Err(MemoryError::OutOfBounds { address, bytes }),
        }
    }

    fn piece_mut(&mut self, address: u64, bytes: u64) -> Result<(&mut Piece, usize), MemoryError> {
        let found = self.pieces.range_mut(..=address).next_back();
        match found {
            Some((base, piece)) if piece.holds(address - base, bytes) => {
                Ok((piece, (address - base) as usize))
            }
            _ => Err(MemoryError::OutOfBounds { address, bytes }),
        }
    }
}

impl Piece {
    fn holds(&self, start: u64, bytes: u64) -> bool {
        let length = self.bytes.len() as u64;
        start <= length && bytes <= length - start
    }

    fn is_initialised(&self, at: usize) -> bool {
        self.initialised[at / 8] >> (at % 8) & 1 == 1
    }

    fn initialise(&mut self, start: usize, count: usize, written: bool) {
        let end = start + count;
        let mut at = start;
        while at < end {
            if at.is_multiple_of(8) && end - at >= 8 {
                let whole = (end - at) / 8;
                let byte = if written { 0xff } else { 0 };
                self.initialised[at / 8..at / 8 + whole].fill(byte);
                at += whole * 8;
            } else {
                let bit = 1 << (at % 8);
                let byte = &mut self.initialised[at / 8];
                *byte = if written { *byte | bit } else { *byte & !bit };
                at += 1;
            }
        }
    }
}
