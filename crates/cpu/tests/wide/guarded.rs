use std::ptr::NonNull;

/// Memory that ends where a page begins that cannot be touched: a read or write past the end
/// stops the test. What lies before is filled and checked.
pub struct Guarded {
    mapping: NonNull<u8>,
    length: usize,
    start: usize,
    size: usize,
}

const PAGE: usize = 4096;
const FILLING: u8 = 0xa5;

impl Guarded {
    /// A copy of the bytes.
    pub fn new(bytes: &[u8]) -> Guarded {
        let room = (bytes.len() + 64).next_multiple_of(PAGE);
        let length = room + PAGE;
        // SAFETY: a fresh private mapping at an address the system picks.
        let mapping = unsafe {
            let protection = libc::PROT_READ | libc::PROT_WRITE;
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
            libc::mmap(std::ptr::null_mut(), length, protection, flags, -1, 0)
        };
        assert_ne!(mapping, libc::MAP_FAILED);
        let mapping = NonNull::new(mapping.cast::<u8>()).unwrap();
        let start = room - bytes.len();
        // SAFETY: the whole mapping is writable until its last page is closed.
        unsafe {
            std::ptr::write_bytes(mapping.as_ptr(), FILLING, room);
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), mapping.as_ptr().add(start), bytes.len());
            let guard = mapping.as_ptr().add(room).cast();
            assert_eq!(libc::mprotect(guard, PAGE, libc::PROT_NONE), 0);
        }
        Guarded {
            mapping,
            length,
            start,
            size: bytes.len(),
        }
    }

    /// The first byte.
    pub fn pointer(&self) -> *mut u8 {
        // SAFETY: the start lies in the mapping.
        unsafe { self.mapping.as_ptr().add(self.start) }
    }

    /// What is there now; the filling before must be untouched.
    pub fn bytes(&self) -> Vec<u8> {
        // SAFETY: all pages but the last are readable.
        let all =
            unsafe { std::slice::from_raw_parts(self.mapping.as_ptr(), self.start + self.size) };
        let (before, bytes) = all.split_at(self.start);
        assert!(
            before.iter().all(|&byte| byte == FILLING),
            "written before the start"
        );
        bytes.to_vec()
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        // SAFETY: the mapping made in `new`, unmapped once.
        unsafe { libc::munmap(self.mapping.as_ptr().cast(), self.length) };
    }
}
