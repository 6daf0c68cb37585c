use std::ptr::NonNull;

use eyas_plan::KernelFunction;

/// Machine code in pages of its own: written first, then made readable and executable, never both.
#[derive(Debug)]
pub struct CodeMemory {
    start: NonNull<u8>,
    length: usize,
    used: usize,
}

/// Memory for code that cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum CodeMemoryError {
    /// The operating system gives no pages.
    #[error("no memory for {0} bytes of machine code: {1}")]
    Map(usize, std::io::Error),
    /// The operating system does not let the pages be executed.
    #[error("the pages of the machine code cannot be made executable: {0}")]
    Protect(std::io::Error),
}

// SAFETY: the pages are never written after `new`, and only this value unmaps them.
unsafe impl Send for CodeMemory {}
// SAFETY: as above; sharing reads only.
unsafe impl Sync for CodeMemory {}

impl CodeMemory {
    /// A copy of the code in executable pages.
    ///
    /// # Errors
    /// [`CodeMemoryError`] where the operating system refuses.
    pub fn new(code: &[u8]) -> Result<CodeMemory, CodeMemoryError> {
        let length = code.len().max(1).next_multiple_of(page_size());
        let failed = || CodeMemoryError::Map(length, std::io::Error::last_os_error());
        // SAFETY: a fresh private mapping of `length` bytes, at an address the system picks.
        let start = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                length,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
                -1,
                0,
            )
        };
        if start == libc::MAP_FAILED {
            return Err(failed());
        }
        let start = NonNull::new(start.cast::<u8>()).ok_or_else(failed)?;
        let used = code.len();
        let memory = CodeMemory {
            start,
            length,
            used,
        };
        // SAFETY: the mapping is writable, at least as long as the code, and nobody else has it.
        unsafe { std::ptr::copy_nonoverlapping(code.as_ptr(), start.as_ptr(), used) };
        // SAFETY: the range is the mapping made above.
        let status = unsafe {
            let protection = libc::PROT_READ | libc::PROT_EXEC;
            libc::mprotect(start.as_ptr().cast(), length, protection)
        };
        if status != 0 {
            return Err(CodeMemoryError::Protect(std::io::Error::last_os_error()));
        }
        Ok(memory)
    }

    /// The function that begins at an offset; `None` where the code is not that long.
    ///
    /// Calling it is sound only where the bytes there are a kernel's, and this memory lives.
    pub fn function(&self, offset: usize) -> Option<KernelFunction> {
        if offset >= self.used {
            return None;
        }
        // SAFETY: `offset` lies in the mapping; a function pointer is an address, and whoever
        // calls it vouches for what is there.
        Some(unsafe {
            std::mem::transmute::<*const u8, KernelFunction>(self.start.as_ptr().add(offset))
        })
    }
}

impl Drop for CodeMemory {
    fn drop(&mut self) {
        // SAFETY: the mapping made in `new`, unmapped once.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.length) };
    }
}

fn page_size() -> usize {
    // SAFETY: asks for a number alone.
    let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    usize::try_from(size).unwrap_or(4096)
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::*;
    use eyas_plan::{Failure, LaunchContext};

    #[test]
    fn code_runs_from_its_pages() {
        // lea eax, [rsi + rdx]; ret
        let memory = CodeMemory::new(&[0x8d, 0x04, 0x16, 0xc3]).unwrap();
        let mut context = LaunchContext {
            arguments: std::ptr::null(),
            dims: std::ptr::null(),
            scratch: std::ptr::null_mut(),
            failure: Failure::default(),
        };
        let function = memory.function(0).unwrap();
        // SAFETY: the code above reads two registers and returns.
        assert_eq!(unsafe { function(&mut context, 40, 2) }, 42);
        assert!(memory.function(4).is_none());
    }
}
