//! Any text is parsed in bounded time; what parses without errors is formatted once and for all.
#![no_main]

use std::time::{Duration, Instant};

use eyas_diagnostic::FileId;
use eyas_syntax::{format, parse};
use libfuzzer_sys::fuzz_target;

/// What a text may take at most, and what each byte adds, under sanitizers and instrumentation.
const MOST: Duration = Duration::from_secs(1);
const A_BYTE: Duration = Duration::from_micros(50);

fuzz_target!(|bytes: &[u8]| {
    let Ok(source) = std::str::from_utf8(bytes) else {
        return;
    };
    let start = Instant::now();
    let parsed = parse(source, FileId(0));
    let taken = start.elapsed();
    assert!(taken < MOST + A_BYTE * source.len() as u32, "{taken:?}");
    if parsed.has_errors() {
        return;
    }
    let once = format(source, FileId(0)).expect("what parses is formatted");
    let again = format(&once, FileId(0)).expect("what is formatted parses");
    assert_eq!(once, again);
});
