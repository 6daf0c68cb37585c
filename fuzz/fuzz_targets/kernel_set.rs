//! No bytes break the loader, and no plan that it lets through breaks a run.
//!
//! The first byte picks what the others are: a file, or changes to the manifest or the plans of a
//! small kernel set, whose hashes are made right.
#![no_main]
#![allow(dead_code)]

#[path = "../../crates/runtime/tests/suite/harmless.rs"]
mod harmless;
#[path = "../../crates/runtime/tests/suite/kernels.rs"]
mod kernels;
#[path = "../../crates/runtime/tests/suite/sets.rs"]
mod sets;

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;

static FILES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    harmless::models()
        .into_iter()
        .map(harmless::harmless)
        .collect()
});

fuzz_target!(|bytes: &[u8]| {
    let Some((&kind, bytes)) = bytes.split_first() else {
        return;
    };
    match kind {
        255 => {
            // Loading alone: the code may be anything.
            let _ = eyas_runtime::KernelSet::from_bytes(bytes).map(|set| set.verify());
        }
        kind => {
            let file = &FILES[usize::from(kind / 2) % FILES.len()];
            let place = usize::from(kind % 2);
            let mut section = file[harmless::section(file, place)].to_vec();
            for change in bytes.chunks_exact(4) {
                alter(&mut section, [change[0], change[1], change[2], change[3]]);
            }
            let changed = harmless::with_section(file, place, &section);
            match place == 1 && has_long_number(&section) {
                // A loop of a million iterations is no fault.
                true => drop(eyas_runtime::KernelSet::from_bytes(&changed)),
                false => drop(harmless::exercise(&changed)),
            }
        }
    }
});

/// One change to a text: a byte set, put in or taken out, or a piece of it doubled.
fn alter(text: &mut Vec<u8>, [kind, high, low, value]: [u8; 4]) {
    let at = usize::from(u16::from_be_bytes([high, low])) % (text.len() + 1);
    match kind % 4 {
        0 if at < text.len() => text[at] = value,
        1 => text.insert(at, value),
        2 if at < text.len() => {
            text.drain(at..text.len().min(at + 1 + usize::from(value % 16)));
        }
        3 => {
            let end = text.len().min(at + usize::from(value));
            let piece = text[at..end].to_vec();
            text.splice(end..end, piece);
        }
        _ => {}
    }
}

fn has_long_number(text: &[u8]) -> bool {
    let mut runs = text.split(|byte| !byte.is_ascii_digit());
    runs.any(|digits| digits.len() > 3)
}
