//! The folder of shared data, and texts broken at random.

use std::path::{Path, PathBuf};

use eyas_interchange::InterchangeError;
use eyas_tensor::{DType, Number, Tensor};
use proptest::prelude::*;

/// A path below `EYAS_SHARED`, or below `shared` beside the workspace; says so where it is absent.
pub fn shared(path: &str) -> Option<PathBuf> {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let folder = std::env::var_os("EYAS_SHARED").map_or_else(beside, PathBuf::from);
    let path = folder.join(path);
    if path.exists() {
        return Some(path);
    }
    eprintln!("SKIPPED: {} is not there", path.display());
    None
}

/// A file of the examples' data, which the repository holds.
pub fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../examples/data")
        .join(name)
}

/// A tensor of small numbers.
pub fn ramp(dtype: DType, shape: &[usize]) -> Tensor {
    let count: usize = shape.iter().product();
    let numbers: Vec<Number> = (0..count).map(|i| Number::Int(i as i128 % 7)).collect();
    Tensor::from_numbers(dtype, shape, &numbers).unwrap()
}

/// Changes to bytes: some replaced, then cut.
pub fn changes() -> impl Strategy<Value = (Vec<(prop::sample::Index, u8)>, prop::sample::Index)> {
    (
        prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        any::<prop::sample::Index>(),
    )
}

/// The bytes after the changes.
pub fn changed(
    bytes: &[u8],
    (edits, cut): &(Vec<(prop::sample::Index, u8)>, prop::sample::Index),
    cuts: bool,
) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for (place, byte) in edits {
        let place = place.index(bytes.len());
        bytes[place] = *byte;
    }
    if cuts {
        bytes.truncate(cut.index(bytes.len()));
    }
    bytes
}

/// Every proper beginning of a file is refused.
pub fn every_cut_fails<T>(
    bytes: &[u8],
    parse: impl Fn(&[u8], &Path) -> Result<T, InterchangeError>,
) {
    for end in 0..bytes.len() {
        let error = parse(&bytes[..end], Path::new("cut")).err().unwrap();
        assert!(
            matches!(error, InterchangeError::Truncated { .. }),
            "{end}: {error}"
        );
        assert!(error.to_string().starts_with("`cut` is cut short"));
    }
}
