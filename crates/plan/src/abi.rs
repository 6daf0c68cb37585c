/// What every kernel is called with. Generated code reads the fields by their offsets.
#[repr(C)]
#[derive(Debug)]
pub struct LaunchContext {
    /// The first byte of each argument, in the kernel's order. Offset 0.
    pub arguments: *const *mut u8,
    /// The values of the function's dims ([`crate::Function::dims`]). Offset 8.
    pub dims: *const i64,
    /// [`crate::Function::scratch`] bytes, 64-byte aligned, this thread's alone. Offset 16.
    pub scratch: *mut u8,
    /// Written where an index is out of range. Offset 24.
    pub failure: Failure,
}

/// An index that is out of range.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Failure {
    /// The argument that was indexed. Offset 24 of the context.
    pub argument: i64,
    /// The index. Offset 32 of the context.
    pub index: i64,
    /// How many places the indexed axis has. Offset 40 of the context.
    pub extent: i64,
}

/// An index that is out of range, as a launch on a GPU leaves it: zeros before, and written by the
/// one thread that exchanges [`DeviceFailure::claimed`], a 0, for a 1; others leave it alone.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DeviceFailure {
    /// Whether there is one.
    pub claimed: u32,
    /// Zero.
    pub unused: u32,
    /// What and where. Offset 8.
    pub failure: Failure,
}

impl DeviceFailure {
    /// Offset of [`Failure::argument`].
    pub const ARGUMENT: i32 = 8;
    /// Offset of [`Failure::index`].
    pub const INDEX: i32 = 16;
    /// Offset of [`Failure::extent`].
    pub const EXTENT: i32 = 24;
    /// Bytes that it takes.
    pub const SIZE: usize = 32;
}

impl LaunchContext {
    /// Offset of [`LaunchContext::arguments`].
    pub const ARGUMENTS: i32 = 0;
    /// Offset of [`LaunchContext::dims`].
    pub const DIMS: i32 = 8;
    /// Offset of [`LaunchContext::scratch`].
    pub const SCRATCH: i32 = 16;
    /// Offset of [`Failure::argument`].
    pub const FAILED_ARGUMENT: i32 = 24;
    /// Offset of [`Failure::index`].
    pub const FAILED_INDEX: i32 = 32;
    /// Offset of [`Failure::extent`].
    pub const FAILED_EXTENT: i32 = 40;
}

/// What a kernel gives back: 0 where all went well, 1 where [`LaunchContext::failure`] is set.
pub type Status = i32;

/// A kernel: does the units `start..end` of its work. System V convention on every x86-64 system.
#[cfg(target_arch = "x86_64")]
pub type KernelFunction =
    unsafe extern "sysv64" fn(context: *mut LaunchContext, start: i64, end: i64) -> Status;

/// A kernel: does the units `start..end` of its work.
#[cfg(not(target_arch = "x86_64"))]
pub type KernelFunction =
    unsafe extern "C" fn(context: *mut LaunchContext, start: i64, end: i64) -> Status;

#[cfg(test)]
mod tests {
    use super::*;
    use std::mem::offset_of;

    #[test]
    fn offsets_are_what_generated_code_reads() {
        let failure = offset_of!(LaunchContext, failure);
        let offsets = [
            (
                offset_of!(LaunchContext, arguments),
                LaunchContext::ARGUMENTS,
            ),
            (offset_of!(LaunchContext, dims), LaunchContext::DIMS),
            (offset_of!(LaunchContext, scratch), LaunchContext::SCRATCH),
            (
                failure + offset_of!(Failure, argument),
                LaunchContext::FAILED_ARGUMENT,
            ),
            (
                failure + offset_of!(Failure, index),
                LaunchContext::FAILED_INDEX,
            ),
            (
                failure + offset_of!(Failure, extent),
                LaunchContext::FAILED_EXTENT,
            ),
        ];
        for (found, stated) in offsets {
            assert_eq!(found, stated as usize);
        }
    }

    #[test]
    fn a_device_failure_lies_as_generated_code_writes_it() {
        let failure = offset_of!(DeviceFailure, failure);
        let argument = failure + offset_of!(Failure, argument);
        assert_eq!(argument, DeviceFailure::ARGUMENT as usize);
        let index = failure + offset_of!(Failure, index);
        assert_eq!(index, DeviceFailure::INDEX as usize);
        let extent = failure + offset_of!(Failure, extent);
        assert_eq!(extent, DeviceFailure::EXTENT as usize);
        assert_eq!(size_of::<DeviceFailure>(), DeviceFailure::SIZE);
    }
}
