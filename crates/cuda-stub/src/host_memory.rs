use std::alloc::{Layout, alloc, dealloc};
use std::collections::BTreeMap;

use crate::code::Code;

/// Host memory that the device may reach by itself, by the first byte's address.
#[derive(Debug, Default)]
pub(crate) struct HostMemory {
    pieces: BTreeMap<usize, Piece>,
}

#[derive(Debug)]
struct Piece {
    bytes: usize,
    /// Of memory that was allocated here, not registered.
    layout: Option<Layout>,
}

const ALIGNMENT: usize = 4096;
/// What fresh memory is filled with, so that nobody takes it for zeros.
const FRESH: u8 = 0xa5;

impl HostMemory {
    /// Allocates pinned memory.
    pub(crate) fn allocate(&mut self, bytes: usize) -> Result<usize, Code> {
        if bytes == 0 {
            return Err(Code::INVALID_VALUE);
        }
        let layout = Layout::from_size_align(bytes, ALIGNMENT).map_err(|_| Code::OUT_OF_MEMORY)?;
        // SAFETY: the layout is not empty.
        let address = unsafe { alloc(layout) };
        if address.is_null() {
            return Err(Code::OUT_OF_MEMORY);
        }
        // SAFETY: `bytes` bytes were just allocated there.
        unsafe { address.write_bytes(FRESH, bytes) };
        let layout = Some(layout);
        let address = address.expose_provenance();
        self.pieces.insert(address, Piece { bytes, layout });
        Ok(address)
    }

    /// Frees what [`HostMemory::allocate`] gave.
    pub(crate) fn free(&mut self, address: usize) -> Result<(), Code> {
        let piece = self.pieces.get(&address).ok_or(Code::INVALID_VALUE)?;
        let layout = piece.layout.ok_or(Code::INVALID_VALUE)?;
        self.pieces.remove(&address);
        let memory = std::ptr::with_exposed_provenance_mut::<u8>(address);
        // SAFETY: it was allocated with this layout, and is forgotten now.
        unsafe { dealloc(memory, layout) };
        Ok(())
    }

    /// Counts the caller's memory as pinned.
    pub(crate) fn register(&mut self, address: usize, bytes: usize) -> Result<(), Code> {
        let end = address.checked_add(bytes).ok_or(Code::INVALID_VALUE)?;
        let mut taken = self.pieces.range(..end);
        let last = taken.next_back();
        if address == 0 || bytes == 0 || last.is_some_and(|(at, last)| at + last.bytes > address) {
            return Err(Code::INVALID_VALUE);
        }
        let layout = None;
        self.pieces.insert(address, Piece { bytes, layout });
        Ok(())
    }

    /// Ends what [`HostMemory::register`] began.
    pub(crate) fn unregister(&mut self, address: usize) -> Result<(), Code> {
        match self.pieces.get(&address) {
            Some(Piece { layout: None, .. }) => self.pieces.remove(&address).map(|_| ()),
            _ => None,
        }
        .ok_or(Code::INVALID_VALUE)
    }

    /// Whether all these bytes are pinned.
    pub(crate) fn is_pinned(&self, address: usize, bytes: usize) -> bool {
        let found = self.pieces.range(..=address).next_back();
        found.is_some_and(|(start, piece)| {
            let offset = address - start;
            offset <= piece.bytes && bytes <= piece.bytes - offset
        })
    }
}

impl Drop for HostMemory {
    fn drop(&mut self) {
        let own = self
            .pieces
            .iter()
            .filter(|(_, piece)| piece.layout.is_some());
        let own: Vec<usize> = own.map(|(address, _)| *address).collect();
        for address in own {
            let _ = self.free(address);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_pinned_is_known_to_the_byte() {
        let mut memory = HostMemory::default();
        let address = memory.allocate(100).unwrap();
        assert!(memory.is_pinned(address, 100) && memory.is_pinned(address + 60, 40));
        assert!(!memory.is_pinned(address + 60, 41) && !memory.is_pinned(address - 1, 1));
        assert_eq!(memory.unregister(address), Err(Code::INVALID_VALUE));
        memory.free(address).unwrap();
        assert!(!memory.is_pinned(address, 1));
        assert_eq!(memory.free(address), Err(Code::INVALID_VALUE));
    }

    #[test]
    fn memory_of_the_caller_is_pinned_while_it_is_registered() {
        let mut memory = HostMemory::default();
        let bytes = [0u8; 64];
        let address = bytes.as_ptr().addr();
        memory.register(address, 64).unwrap();
        assert_eq!(memory.register(address + 8, 8), Err(Code::INVALID_VALUE));
        assert_eq!(memory.free(address), Err(Code::INVALID_VALUE));
        assert!(memory.is_pinned(address, 64));
        memory.unregister(address).unwrap();
        assert!(!memory.is_pinned(address, 64));
    }
}
