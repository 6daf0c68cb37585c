use std::sync::Arc;

use eyas_runtime::{FormatError, KernelSet, KernelSetParts, RuntimeError, Session, SessionOptions};
use eyas_tensor::Tensor;
use proptest::prelude::*;

use crate::kernels::nothing;
use crate::sets::{accumulator, adder, branch, derived, floats, lookup, looped, while_loop};

/// Makes the hashes those of what is there, so that a change reaches what comes after them.
pub fn seal(bytes: &mut [u8]) {
    let number = |bytes: &[u8], at: usize| {
        u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap()) as usize
    };
    let count = u32::from_le_bytes(bytes[12..16].try_into().unwrap()) as usize;
    for entry in (0..count).map(|section| 96 + 64 * section) {
        let (offset, length) = (number(bytes, entry + 16), number(bytes, entry + 24));
        let hash = blake3::hash(&bytes[offset..offset + length]);
        bytes[entry + 32..entry + 64].copy_from_slice(hash.as_bytes());
    }
    let hash = blake3::hash(&bytes[96..96 + 64 * count]);
    bytes[32..64].copy_from_slice(hash.as_bytes());
    let hash = blake3::hash(&bytes[..64]);
    bytes[64..96].copy_from_slice(hash.as_bytes());
}

/// Where a section lies.
fn section(bytes: &[u8], place: usize) -> std::ops::Range<usize> {
    let number = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap()) as usize;
    let entry = 96 + 64 * place;
    number(entry + 16)..number(entry + 16) + number(entry + 24)
}

fn parts() -> Vec<KernelSetParts> {
    vec![
        adder(1),
        looped(3),
        while_loop(),
        branch(),
        accumulator(),
        lookup(1),
        derived(true),
    ]
}

#[test]
fn a_file_that_is_cut_anywhere_is_refused() {
    let bytes = KernelSet::new(looped(3)).unwrap().to_bytes().unwrap();
    for length in 0..bytes.len() {
        let error = KernelSet::from_bytes(&bytes[..length]).unwrap_err();
        let RuntimeError::Format(error) = error else {
            panic!("{error}");
        };
        match error {
            FormatError::NotAKernelSet => assert_eq!(length, 0),
            FormatError::Length { expected, found } => {
                assert!(found == length as u64 && expected > found);
            }
            other => panic!("{other}"),
        }
    }
}

#[test]
fn a_flipped_bit_is_found_and_its_section_named() {
    let bytes = KernelSet::new(looped(3)).unwrap().to_bytes().unwrap();
    let tensors = section(&bytes, 3);
    let mut named = std::collections::BTreeSet::new();
    for place in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[place] ^= 1 << (place % 8);
        match KernelSet::from_bytes(&flipped) {
            Ok(set) => {
                assert!(tensors.contains(&place), "byte {place}");
                let message = set.verify().unwrap_err().to_string();
                named.insert(message);
            }
            Err(RuntimeError::Format(error)) => {
                assert!(!tensors.contains(&place), "byte {place}: {error}");
                named.insert(error.to_string());
            }
            Err(other) => panic!("{other}"),
        }
    }
    for part in [
        "its header",
        "its section table",
        "section `manifest`",
        "section `plans`",
        "section `code 0`",
        "parameter `block.1.w`",
        "the zeros between tensors",
    ] {
        let message = format!("the kernel set is damaged in {part}: its hash does not match");
        assert!(named.contains(&message), "{part}");
    }
}

/// Loads and, where that goes well, runs with small inputs; only that nothing breaks counts.
fn exercise(bytes: &[u8]) {
    let Ok(set) = KernelSet::from_bytes(bytes) else {
        return;
    };
    let _ = set.verify();
    let _ = set.describe();
    let set = set
        .bind(std::collections::BTreeMap::new())
        .map_or(set, |bound| bound);
    let options = SessionOptions {
        memory_limit: Some(1 << 20),
        ..SessionOptions::default()
    };
    let Ok(mut session) = Session::with_options(&Arc::new(set), options) else {
        return;
    };
    let shapes = session.entry().inputs.iter().map(|input| {
        let extents = input.ty.shape.iter();
        let shape: Vec<usize> = extents
            .map(|dim| {
                dim.as_constant()
                    .map_or(2, |value| value.clamp(0, 16) as usize)
            })
            .collect();
        Tensor::zeros(input.ty.dtype, &shape).unwrap_or_else(|_| floats(&[0], &[]))
    });
    let inputs: Vec<Tensor> = shapes.collect();
    let _ = session.run_ordered(&inputs.iter().collect::<Vec<_>>());
    let _ = session.run_ordered(&inputs.iter().collect::<Vec<_>>());
}

/// A file whose functions all do nothing, so that whatever a plan says may be run.
fn harmless(mut parts: KernelSetParts) -> Vec<u8> {
    let code = &mut parts.targets[0].code;
    let function = nothing();
    assert!(code.functions.iter().all(|old| old.size >= function.len()));
    for function_place in code.functions.iter().map(|old| old.offset) {
        let end = function_place + function.len();
        code.bytes[function_place..end].copy_from_slice(&function);
    }
    // Wherever else a plan may jump, it returns at once.
    let starts: Vec<usize> = code.functions.iter().map(|old| old.offset).collect();
    for place in 0..code.bytes.len() {
        let inside = starts
            .iter()
            .any(|&start| (start..start + function.len()).contains(&place));
        if !inside {
            code.bytes[place] = 0xc3;
        }
    }
    KernelSet::new(parts).unwrap().to_bytes().unwrap()
}

#[test]
fn files_whose_code_does_nothing_run_as_they_are() {
    for parts in parts() {
        let bytes = harmless(parts);
        let set = KernelSet::from_bytes(&bytes).unwrap();
        assert!(set.verify().is_ok());
        exercise(&bytes);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn changed_files_break_nothing(
        model in 0usize..7,
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..6),
        cut in proptest::option::of(any::<proptest::sample::Index>()),
    ) {
        let mut bytes = harmless(parts().swap_remove(model));
        for (place, value) in changes {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        exercise(&bytes);
    }

    /// Manifest and plans with characters changed and hashes made right: what is checked after
    /// the hashes must hold everything that is run.
    #[test]
    fn changed_manifests_and_plans_break_nothing(
        model in 0usize..7,
        in_plans in any::<bool>(),
        changes in proptest::collection::vec(
            (any::<proptest::sample::Index>(), proptest::sample::select(b"0123456789-\"{}[]:,aBi.*#".to_vec())),
            1..3,
        ),
    ) {
        let mut bytes = harmless(parts().swap_remove(model));
        let range = section(&bytes, usize::from(in_plans));
        for (place, value) in changes {
            let place = range.start + place.index(range.len());
            // Digits more often meet digits, so that the text still reads.
            if value.is_ascii_digit() && !bytes[place].is_ascii_digit() {
                continue;
            }
            bytes[place] = value;
        }
        seal(&mut bytes);
        exercise(&bytes);
    }
}

#[test]
fn every_number_in_plans_and_manifest_is_checked() {
    // Each number, replaced by others, either still fits or is refused; none breaks anything.
    for parts in parts() {
        let bytes = harmless(parts);
        for place in [0, 1] {
            let range = section(&bytes, place);
            let digits = range.clone().filter(|&at| bytes[at].is_ascii_digit());
            for at in digits {
                for value in [b'0', b'1', b'9'] {
                    let mut changed = bytes.clone();
                    changed[at] = value;
                    seal(&mut changed);
                    exercise(&changed);
                }
            }
        }
    }
}

#[test]
fn inconsistent_parts_are_refused_by_place() {
    type Change = fn(&mut KernelSetParts);
    let cases: [(Change, &str); 9] = [
        (
            |parts| parts.targets[0].code.functions[0].size = 1 << 20,
            "target 0: function 0 lies outside the code",
        ),
        (
            |parts| parts.targets[0].entries.clear(),
            "target 0: it has not a plan for each entry point",
        ),
        (
            |parts| {
                parts.targets[0].entries[0].generic.outputs[0]
                    .name
                    .push('s')
            },
            "target 0, plan 0 of `main`: its inputs or outputs are not the entry point's",
        ),
        (
            |parts| {
                parts.targets[0].entries[0].generic.buffers[0].place = eyas_plan::Place::Input(2)
            },
            "target 0, plan 0 of `main`: buffer 0 names what is not there",
        ),
        (
            |parts| {
                parts.targets[0].entries[0].generic.steps[0] = crate::sets::launch(1, &[0, 1, 2])
            },
            "target 0, plan 0 of `main`: kernel 1 is launched, which is not there",
        ),
        (
            |parts| parts.targets[0].entries[0].generic.steps[0] = crate::sets::launch(0, &[0, 1]),
            "target 0, plan 0 of `main`: kernel `sum.add` takes 3 arguments, not 2",
        ),
        (
            |parts| {
                parts.targets[0].entries[0].generic.steps[0] = crate::sets::launch(0, &[0, 1, 1])
            },
            "target 0, plan 0 of `main`: kernel `sum.add` writes buffer 1, which is read only",
        ),
        (
            |parts| {
                parts.targets[0].entries[0].generic.steps[0] = crate::sets::launch(0, &[0, 1, 6])
            },
            "target 0, plan 0 of `main`: there is no buffer 6",
        ),
        (
            |parts| {
                let part = crate::sets::parameter("f32[B]", None);
                parts.parameters.insert("w".to_owned(), part);
            },
            "parameter `w`: `f32[B]` has extents that are no constants, or too many elements",
        ),
    ];
    for (change, message) in cases {
        let mut parts = adder(1);
        change(&mut parts);
        let error = KernelSet::new(parts).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("the kernel set is inconsistent: {message}")
        );
    }
}
