use std::fmt;

/// A kernel did what it must not, or could not be launched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Fault {
    /// The entry.
    pub kernel: String,
    /// Where; `None` of what is wrong with the launch itself.
    pub place: Option<Place>,
    /// What.
    pub cause: Cause,
}

/// A thread at an instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The block's index in the grid.
    pub block: [u32; 3],
    /// The thread's index in its block.
    pub thread: [u32; 3],
    /// The line of the instruction, from 1 on.
    pub line: u32,
    /// That line.
    pub text: String,
}

/// A kind of memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Space {
    /// What all threads of all blocks see.
    Global,
    /// What the threads of one block see.
    Shared,
}

/// Another access that an access races with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Other {
    /// Who.
    pub place: Place,
    /// Whether it wrote.
    pub writes: bool,
    /// Whether there were more such accesses, by other threads.
    pub many: bool,
}

/// What a kernel did that it must not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// The launch does not fit the entry.
    Launch(String),
    /// An access outside what is in use.
    OutOfBounds {
        /// Where to.
        space: Space,
        /// The address of its first byte.
        address: u64,
        /// How many bytes it takes.
        bytes: u32,
        /// What is near.
        near: String,
    },
    /// An access at an address that is no multiple of its width.
    Misaligned {
        /// Where to.
        space: Space,
        /// The address of its first byte.
        address: u64,
        /// How many bytes it takes.
        bytes: u32,
    },
    /// A read of bytes that were never written.
    UninitialisedMemory {
        /// Where from.
        space: Space,
        /// The address of the first byte.
        address: u64,
        /// How many bytes are read.
        bytes: u32,
    },
    /// A register that holds nothing sensible reaches memory, a branch, an address.
    Undefined {
        /// What it is used for.
        what: &'static str,
    },
    /// Two unordered accesses to one place, of which one writes.
    Race {
        /// Where.
        space: Space,
        /// The address of the place.
        address: u64,
        /// Whether this access writes.
        writes: bool,
        /// The earlier access.
        other: Box<Other>,
    },
    /// A barrier that not all threads reach that must.
    Barrier(String),
    /// An instruction of a whole warp, without the lanes that it names.
    Lanes(String),
    /// What the instruction set leaves undefined.
    Forbidden(String),
    /// The limit of [`crate::Limits::instructions`] is passed.
    Instructions(u64),
    /// The instruction `trap`.
    Trap,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "kernel `{}`", self.kernel)?;
        if let Some(place) = &self.place {
            write!(f, ", {place}")?;
        }
        write!(f, ": {}", self.cause)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ([bx, by, bz], [x, y, z]) = (self.block, self.thread);
        write!(f, "block ({bx}, {by}, {bz}), thread ({x}, {y}, {z}), ")?;
        write!(f, "line {} `{}`", self.line, self.text)
    }
}

impl fmt::Display for Space {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Space::Global => "global",
            Space::Shared => "shared",
        })
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cause::Launch(what) => f.write_str(what),
            Cause::OutOfBounds {
                space,
                address,
                bytes,
                near,
            } => {
                write!(
                    f,
                    "{bytes} bytes of {space} memory at {address:#x} are not in use; {near}"
                )
            }
            Cause::Misaligned {
                space,
                address,
                bytes,
            } => {
                write!(
                    f,
                    "{bytes} bytes of {space} memory at {address:#x}, no multiple of {bytes}"
                )
            }
            Cause::UninitialisedMemory {
                space,
                address,
                bytes,
            } => {
                write!(f, "of {bytes} bytes of {space} memory at {address:#x} ")?;
                f.write_str("some were never written")
            }
            Cause::Undefined { what } => write!(f, "a register never written, as {what}"),
            Cause::Race {
                space,
                address,
                writes,
                other,
            } => {
                let verb = |writes| if writes { "write" } else { "read" };
                write!(f, "a {} of {space} memory at {address:#x} ", verb(*writes))?;
                write!(f, "races with a {} by {}", verb(other.writes), other.place)?;
                f.write_str(if other.many { " and others" } else { "" })
            }
            Cause::Barrier(what) | Cause::Lanes(what) | Cause::Forbidden(what) => f.write_str(what),
            Cause::Instructions(limit) => write!(f, "more than {limit} instructions"),
            Cause::Trap => f.write_str("trap"),
        }
    }
}
