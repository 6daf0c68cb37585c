//! Any text is parsed as PTX, and what parses is launched: nothing of it may panic, hang or eat
//! memory, whatever it finds wrong.
#![no_main]

use std::time::{Duration, Instant};

use eyas_ptx_interpreter::{Launch, Limits, Memory, Module, launch};
use libfuzzer_sys::fuzz_target;

/// What a text may take at most, under sanitizers and instrumentation.
const MOST: Duration = Duration::from_secs(5);

/// Bytes of the memory that every parameter points to.
const BYTES: u64 = 1 << 12;

fuzz_target!(|bytes: &[u8]| {
    let Ok(source) = std::str::from_utf8(bytes) else {
        return;
    };
    let start = Instant::now();
    if let Ok(module) = Module::parse(source) {
        for entry in module.entries() {
            let mut memory = Memory::new();
            let Ok(address) = memory.allocate(BYTES) else {
                continue;
            };
            let _ = memory.fill(address, 1, BYTES);
            let words = entry.parameter_bytes() / 8 + 1;
            let parameters = address.to_le_bytes().repeat(words);
            let parameters = &parameters[..entry.parameter_bytes()];
            let shape = Launch {
                grid: [2, 1, 1],
                block: [33, 1, 1],
                shared: 64,
            };
            let limits = Limits {
                instructions: 100_000,
            };
            let _ = launch(entry, &shape, parameters, &mut memory, &limits);
        }
    }
    let taken = start.elapsed();
    assert!(taken < MOST, "{taken:?}");
});
