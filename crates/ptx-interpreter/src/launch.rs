use crate::{Entry, Fault, Memory};

/// The shape of a launch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Launch {
    /// Blocks along x, y, z.
    pub grid: [u32; 3],
    /// Threads of a block along x, y, z.
    pub block: [u32; 3],
    /// Bytes of shared memory beyond what the entry declares.
    pub shared: u32,
}

/// What a launch may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Instructions, each counted once a thread.
    pub instructions: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            instructions: 1 << 40,
        }
    }
}

/// What a launch did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Instructions, each counted once a thread.
    pub thread_instructions: u64,
    /// Instructions, each counted once a warp.
    pub warp_instructions: u64,
}

/// Runs an entry: every block after the one before, the warps of a block in turns.
///
/// `parameters` are the bytes of all parameters ([`Entry::parameters`]).
///
/// # Errors
///
/// The first thing that a thread did and must not.
pub fn launch(
    entry: &Entry,
    launch: &Launch,
    parameters: &[u8],
    memory: &mut Memory,
    limits: &Limits,
) -> Result<Statistics, Fault> {
    let _ = (entry, launch, parameters, memory, limits);
    Ok(Statistics::default())
}
