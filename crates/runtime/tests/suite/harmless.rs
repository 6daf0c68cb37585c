//! Files with changes in them, and runs of what they still say that can do no harm.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use eyas_runtime::{KernelSet, KernelSetParts, Session, SessionOptions};
use eyas_tensor::Tensor;

use crate::sets::{accumulator, adder, branch, derived, lookup, looped, while_loop};

/// Makes the hashes those of what is there, so that a change reaches what comes after them.
pub fn seal(bytes: &mut [u8]) {
    let count = u32::from_le_bytes(bytes[12..16].try_into().unwrap()) as usize;
    for place in 0..count {
        let hash = blake3::hash(&bytes[section(bytes, place)]);
        let entry = 96 + 64 * place;
        if bytes[entry..].starts_with(b"tensors") {
            continue;
        }
        bytes[entry + 32..entry + 64].copy_from_slice(hash.as_bytes());
    }
    let hash = blake3::hash(&bytes[96..96 + 64 * count]);
    bytes[32..64].copy_from_slice(hash.as_bytes());
    let hash = blake3::hash(&bytes[..64]);
    bytes[64..96].copy_from_slice(hash.as_bytes());
}

/// Where a section lies.
pub fn section(bytes: &[u8], place: usize) -> Range<usize> {
    let number = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap()) as usize;
    let entry = 96 + 64 * place;
    number(entry + 16)..number(entry + 16) + number(entry + 24)
}

/// The file with another section in place of one of its own.
#[allow(dead_code)]
pub fn with_section(bytes: &[u8], place: usize, contents: &[u8]) -> Vec<u8> {
    let count = u32::from_le_bytes(bytes[12..16].try_into().unwrap()) as usize;
    let mut changed = bytes[..96 + 64 * count].to_vec();
    for other in 0..count {
        changed.resize(changed.len().next_multiple_of(64), 0);
        let entry = 96 + 64 * other;
        let contents = match other == place {
            true => contents,
            false => &bytes[section(bytes, other)],
        };
        let (offset, length) = (changed.len() as u64, contents.len() as u64);
        changed[entry + 16..entry + 24].copy_from_slice(&offset.to_le_bytes());
        changed[entry + 24..entry + 32].copy_from_slice(&length.to_le_bytes());
        changed.extend_from_slice(contents);
    }
    let length = changed.len() as u64;
    changed[16..24].copy_from_slice(&length.to_le_bytes());
    seal(&mut changed);
    changed
}

/// One kernel set of each kind.
pub fn models() -> Vec<KernelSetParts> {
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

/// A file whose code, entered anywhere, does nothing, so that whatever a plan says may be run:
/// `xchg eax, esi; ret` over and over, which succeeds where the first unit is 0.
pub fn harmless(mut parts: KernelSetParts) -> Vec<u8> {
    for (place, byte) in parts.targets[0].code.bytes.iter_mut().enumerate() {
        *byte = [0x96, 0xc3][place % 2];
    }
    KernelSet::new(parts).unwrap().to_bytes().unwrap()
}

/// Loads and, where that goes well, runs with small inputs; gives whether a run went well.
pub fn exercise(bytes: &[u8]) -> bool {
    let Ok(set) = KernelSet::from_bytes(bytes) else {
        return false;
    };
    let _ = set.verify();
    let _ = set.describe();
    let set = set.bind(BTreeMap::new()).map_or(set, |bound| bound);
    let options = SessionOptions {
        memory_limit: Some(1 << 20),
        poison: true,
        ..SessionOptions::default()
    };
    let Ok(mut session) = Session::with_options(&Arc::new(set), options) else {
        return false;
    };
    let inputs = session.entry().inputs.iter().map(|input| {
        let extents = input.ty.shape.iter();
        let extents = extents.map(|dim| dim.as_constant().unwrap_or(2).clamp(0, 16) as usize);
        Tensor::zeros(input.ty.dtype, &extents.collect::<Vec<_>>())
    });
    let Ok(inputs) = inputs.collect::<Result<Vec<Tensor>, _>>() else {
        return false;
    };
    let inputs: Vec<&Tensor> = inputs.iter().collect();
    session.run_ordered(&inputs).is_ok() && session.run_ordered(&inputs).is_ok()
}
