use crate::block::{Block, Halt};
use crate::clock::Clock;
use crate::lane::LANES;
use crate::machine::Why;
use crate::shadow::THREADS;
use crate::{Cause, Entry, Fault, Memory, Other, Place};

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
    let refuse = |what: String| Fault {
        kernel: entry.name.clone(),
        place: None,
        cause: Cause::Launch(what),
    };
    check(entry, launch, parameters).map_err(refuse)?;
    let warps = launch.block.iter().product::<u32>().div_ceil(LANES as u32);
    let began = memory.begin_launch();
    let mut clock = Clock::new(began, warps as usize, entry.needs.fences);
    let mut block = Block::new(entry, launch, parameters, limits.instructions);
    let [x, y, z] = launch.grid;
    let mut indices = (0..z).flat_map(|z| (0..y).flat_map(move |y| (0..x).map(move |x| [x, y, z])));
    let ran = indices.try_for_each(|index| block.run(index, memory, &mut clock));
    memory.time = clock.time().saturating_add(1);
    match ran {
        Ok(()) => Ok(block.statistics),
        Err(halt) => Err(fault(entry, launch, &clock, halt)),
    }
}

/// The most bytes of registers that a block may have.
const REGISTERS: u64 = 1 << 30;

/// Whether the launch fits the entry.
fn check(entry: &Entry, launch: &Launch, parameters: &[u8]) -> Result<(), String> {
    let Launch {
        grid,
        block,
        shared,
    } = *launch;
    if grid.contains(&0) || grid[0] > i32::MAX as u32 || grid[1].max(grid[2]) > 65535 {
        return Err(format!("a grid of {grid:?} blocks"));
    }
    let threads = block
        .iter()
        .try_fold(1u32, |all, extent| all.checked_mul(*extent));
    let threads = threads.filter(|threads| (1..=THREADS).contains(threads) && block[2] <= 64);
    let Some(threads) = threads else {
        return Err(format!("a block of {block:?} threads"));
    };
    if let Some(most) = entry.max_threads.filter(|most| threads > *most) {
        return Err(format!(
            "a block of {threads} threads, of which it takes {most} at most"
        ));
    }
    if let Some(required) = entry.required.filter(|required| block != *required) {
        return Err(format!("a block of {block:?} threads, not of {required:?}"));
    }
    let most = if entry.target >= 90 {
        227 << 10
    } else {
        163 << 10
    };
    if u64::from(entry.shared_bytes) + u64::from(shared) > most {
        return Err(format!(
            "{shared} bytes of shared memory beyond {}",
            entry.shared_bytes
        ));
    }
    if parameters.len() != entry.parameter_bytes {
        let (given, wanted) = (parameters.len(), entry.parameter_bytes);
        return Err(format!("{given} bytes of parameters, not {wanted}"));
    }
    let lane = u64::from(entry.planes.narrow) * 4 + u64::from(entry.planes.wide) * 8;
    if lane * u64::from(threads.next_multiple_of(LANES as u32)) > REGISTERS {
        return Err("too many registers".to_owned());
    }
    Ok(())
}

/// Where a thread is that did what it must not, and what.
fn fault(entry: &Entry, launch: &Launch, clock: &Clock, halt: Halt) -> Fault {
    let place = |time: u32, thread: u32, at: u32| {
        let block = clock.block_at(time) as u64;
        let [x, y, _] = launch.grid.map(u64::from);
        let [width, height, _] = launch.block;
        let line = entry
            .code
            .get(at as usize)
            .map_or(0, |instruction| instruction.line);
        Place {
            block: [block % x, block / x % y, block / x / y].map(|index| index as u32),
            thread: [
                thread % width,
                thread / width % height,
                thread / width / height,
            ],
            line,
            text: entry.line(line).to_owned(),
        }
    };
    let thread = halt.warp * LANES as u32 + halt.stop.lane as u32;
    let cause = match halt.stop.why {
        Why::Cause(cause) => cause,
        Why::Race {
            space,
            address,
            writes,
            other,
            wrote,
        } => {
            let place = place(other.time(), other.thread(), other.at());
            let many = other.is_many();
            Cause::Race {
                space,
                address,
                writes,
                other: Box::new(Other {
                    place,
                    writes: wrote,
                    many,
                }),
            }
        }
    };
    let place = Some(place(clock.time(), thread, halt.at));
    Fault {
        kernel: entry.name.clone(),
        place,
        cause,
    }
}
