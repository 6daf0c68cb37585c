use std::fs;
use std::io::Write;
use std::path::Path;

use eyas_interchange::{InterchangeError, parse_idx, read_idx};
use eyas_tensor::{DType, Number};
use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;

use crate::shared::{changed, changes, every_cut_fails, example};

/// Two rows of three bytes.
fn small() -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3];
    bytes.extend([1, 2, 3, 4, 5, 6]);
    bytes
}

fn compressed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// The tensor or error of a file with these bytes.
fn through_file(bytes: &[u8]) -> Result<eyas_tensor::Tensor, InterchangeError> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    read_idx(file.path())
}

#[test]
fn compressed_and_plain_files_are_read() {
    let tensor = parse_idx(&small(), Path::new("x")).unwrap();
    assert_eq!((tensor.dtype(), tensor.shape()), (DType::U8, &[2, 3][..]));
    assert_eq!(tensor.bytes(), [1, 2, 3, 4, 5, 6]);
    assert_eq!(through_file(&small()).unwrap(), tensor);
    assert_eq!(through_file(&compressed(&small())).unwrap(), tensor);
}

#[test]
fn wide_elements_are_big_endian() {
    let bytes = [0, 0, 0x0b, 1, 0, 0, 0, 2, 0x01, 0x02, 0xff, 0xfe];
    let tensor = parse_idx(&bytes, Path::new("x")).unwrap();
    assert_eq!(tensor.numbers(), [Number::Int(258), Number::Int(-2)]);
    let bytes = [0, 0, 0x0d, 0, 0x3f, 0x80, 0, 0];
    let one = parse_idx(&bytes, Path::new("x")).unwrap();
    assert_eq!((one.shape(), one.get(0)), (&[][..], Number::Float(1.0)));
}

#[test]
fn cut_and_changed_files_say_so() {
    every_cut_fails(&small(), parse_idx);
    let whole = compressed(&small());
    for end in 3..whole.len() {
        let error = through_file(&whole[..end]).unwrap_err();
        assert!(
            matches!(error, InterchangeError::Truncated { .. }),
            "{end}: {error}"
        );
    }
    for (place, value, expected) in [
        (0, 1, "does not begin as an IDX file"),
        (2, 10, "no element type is numbered 0x0a"),
        (7, 1, "malformed at byte 15: something follows the data"),
        (
            4,
            0xff,
            "is cut short: the data needs 12834570258 bytes, but the file has 18",
        ),
    ] {
        let mut bytes = small();
        bytes[place] = value;
        let error = parse_idx(&bytes, Path::new("x")).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        // The same through decompression, where the length is not known beforehand.
        let error = through_file(&compressed(&bytes)).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
    let mut wrong = whole;
    let checksum = wrong.len() - 8;
    wrong[checksum] ^= 1;
    let error = through_file(&wrong).unwrap_err();
    assert!(
        matches!(error, InterchangeError::Malformed { .. }),
        "{error}"
    );
}

#[test]
fn the_test_images_are_read() {
    let images = read_idx(&example("t10k-images-idx3-ubyte.gz")).unwrap();
    assert_eq!(images.shape(), [10_000, 28, 28]);
    let labels = read_idx(&example("t10k-labels-idx1-ubyte.gz")).unwrap();
    let mut counts = [0; 10];
    for label in labels.bytes() {
        counts[usize::from(*label)] += 1;
    }
    assert_eq!(
        counts,
        [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    );
}

proptest! {
    #[test]
    fn changed_files_never_panic(changes in changes(), cuts: bool) {
        let bytes = changed(&small(), &changes, cuts);
        if let Ok(tensor) = parse_idx(&bytes, Path::new("x")) {
            prop_assert!(tensor.bytes().len() <= bytes.len());
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.gz");
        fs::write(&path, changed(&compressed(&small()), &changes, cuts)).unwrap();
        let _ = read_idx(&path);
    }
}
