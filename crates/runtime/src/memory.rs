use std::alloc::Layout;
use std::ptr::NonNull;

/// Zeroed memory that begins at a cache line; a large piece lies in huge pages where the system
/// has them.
#[derive(Debug)]
pub(crate) struct Memory {
    start: NonNull<u8>,
    length: usize,
    source: Source,
}

#[derive(Debug)]
enum Source {
    /// Nothing is held.
    Empty,
    Allocated(Layout),
    #[cfg(unix)]
    Mapped {
        base: NonNull<u8>,
        length: usize,
    },
}

/// Memory begins at a multiple of this many bytes.
const ALIGNMENT: usize = 64;

/// What a huge page holds on x86-64 and, mostly, on aarch64.
#[cfg(unix)]
const HUGE_PAGE: usize = 2 << 20;

// SAFETY: the memory is this value's alone, and only this value frees it.
unsafe impl Send for Memory {}
// SAFETY: through a shared reference it is read only, but for writes whose callers vouch that
// nobody else is there.
unsafe impl Sync for Memory {}

impl Memory {
    /// Memory of so many bytes; `None` where it cannot be had.
    pub(crate) fn zeroed(length: usize) -> Option<Memory> {
        #[cfg(unix)]
        if length >= HUGE_PAGE {
            return Memory::mapped(length);
        }
        let layout = Layout::from_size_align(length, ALIGNMENT).ok()?;
        if length == 0 {
            return Some(Memory::default());
        }
        // SAFETY: the layout is not empty.
        let start = NonNull::new(unsafe { std::alloc::alloc_zeroed(layout) })?;
        let source = Source::Allocated(layout);
        Some(Memory {
            start,
            length,
            source,
        })
    }

    /// A copy of the bytes.
    pub(crate) fn copy_of(bytes: &[u8]) -> Option<Memory> {
        let mut memory = Memory::zeroed(bytes.len())?;
        memory.bytes_mut().copy_from_slice(bytes);
        Some(memory)
    }

    #[cfg(unix)]
    fn mapped(length: usize) -> Option<Memory> {
        let whole = length
            .checked_next_multiple_of(HUGE_PAGE)?
            .checked_add(HUGE_PAGE)?;
        // SAFETY: a fresh private mapping, at an address the system picks.
        let base = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                whole,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
                -1,
                0,
            )
        };
        if base == libc::MAP_FAILED {
            return None;
        }
        let base = NonNull::new(base.cast::<u8>())?;
        let skipped = base.as_ptr().align_offset(HUGE_PAGE);
        // SAFETY: the mapping has a huge page more than is asked for, and `skipped` is less.
        let start = unsafe { base.add(skipped) };
        #[cfg(target_os = "linux")]
        // SAFETY: advice about the mapping made above; a refusal changes nothing.
        unsafe {
            libc::madvise(start.as_ptr().cast(), length, libc::MADV_HUGEPAGE);
        }
        let source = Source::Mapped {
            base,
            length: whole,
        };
        Some(Memory {
            start,
            length,
            source,
        })
    }

    /// How many bytes there are.
    pub(crate) fn len(&self) -> usize {
        self.length
    }

    /// The first byte.
    pub(crate) fn start(&self) -> *mut u8 {
        self.start.as_ptr()
    }

    /// The contents.
    pub(crate) fn bytes(&self) -> &[u8] {
        // SAFETY: so many initialised bytes are this value's, and nobody writes them while it is
        // borrowed.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.length) }
    }

    /// The contents, to be written.
    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above, and the borrow is the only one.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.length) }
    }
}

impl Default for Memory {
    fn default() -> Memory {
        // A dangling pointer, but aligned: nothing is read or written through it.
        let start = std::ptr::without_provenance_mut(ALIGNMENT);
        Memory {
            start: NonNull::new(start).unwrap_or(NonNull::dangling()),
            length: 0,
            source: Source::Empty,
        }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        match self.source {
            Source::Empty => {}
            // SAFETY: allocated with this layout, freed once.
            Source::Allocated(layout) => unsafe {
                std::alloc::dealloc(self.start.as_ptr(), layout);
            },
            #[cfg(unix)]
            // SAFETY: mapped with this length, unmapped once.
            Source::Mapped { base, length } => unsafe {
                libc::munmap(base.as_ptr().cast(), length);
            },
        }
    }
}

/// The memory that the machine has, in bytes; `usize::MAX` where it does not say.
pub(crate) fn physical_memory() -> usize {
    #[cfg(unix)]
    {
        // SAFETY: asks for two numbers alone.
        let (pages, size) = unsafe {
            (
                libc::sysconf(libc::_SC_PHYS_PAGES),
                libc::sysconf(libc::_SC_PAGESIZE),
            )
        };
        match (usize::try_from(pages), usize::try_from(size)) {
            (Ok(pages), Ok(size)) => pages.saturating_mul(size),
            _ => usize::MAX,
        }
    }
    #[cfg(not(unix))]
    usize::MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_aligned_zeroed_and_refused_where_there_is_none() {
        for length in [0, 1, 64, 4097, (2 << 20) + 5] {
            let mut memory = Memory::zeroed(length).unwrap();
            assert!(memory.start().addr().is_multiple_of(ALIGNMENT));
            assert_eq!(memory.len(), length);
            assert!(memory.bytes().iter().all(|&byte| byte == 0));
            memory.bytes_mut().fill(7);
            assert_eq!(
                Memory::copy_of(memory.bytes()).unwrap().bytes(),
                memory.bytes()
            );
        }
        assert!(Memory::zeroed(usize::MAX - 3).is_none());
        assert!(Memory::zeroed(1 << 60).is_none());
    }
}
