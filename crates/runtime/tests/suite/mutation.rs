use eyas_runtime::{FormatError, KernelSet, KernelSetParts, RuntimeError};
use proptest::prelude::*;

use crate::harmless::{exercise, harmless, models, seal, section};
use crate::sets::{adder, looped};

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

#[test]
fn files_whose_code_does_nothing_run_as_they_are() {
    for parts in models() {
        let bytes = harmless(parts);
        let set = KernelSet::from_bytes(&bytes).unwrap();
        assert!(set.verify().is_ok() && exercise(&bytes));
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
        let mut bytes = harmless(models().swap_remove(model));
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
        let mut bytes = harmless(models().swap_remove(model));
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
    let mut ran = 0;
    for parts in models() {
        let bytes = harmless(parts);
        for place in [0, 1] {
            let range = section(&bytes, place);
            let digits = range.clone().filter(|&at| bytes[at].is_ascii_digit());
            for at in digits {
                for value in [b'0', b'1', b'9'] {
                    let mut changed = bytes.clone();
                    changed[at] = value;
                    seal(&mut changed);
                    ran += usize::from(exercise(&changed));
                }
            }
        }
    }
    assert!(ran > 500, "{ran} of the changed sets still ran");
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
