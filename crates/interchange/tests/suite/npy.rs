use std::fs;
use std::path::Path;

use eyas_interchange::{InterchangeError, encode_npy, parse_npy, read_npy, write_npy};
use eyas_tensor::{DType, Tensor};
use proptest::prelude::*;

use crate::shared::{changed, changes, every_cut_fails, example, ramp, shared};

const NUMPY: [DType; 12] = [
    DType::Bool,
    DType::I8,
    DType::I16,
    DType::I32,
    DType::I64,
    DType::U8,
    DType::U16,
    DType::U32,
    DType::U64,
    DType::F16,
    DType::F32,
    DType::F64,
];

fn parse(bytes: &[u8]) -> Result<Tensor, InterchangeError> {
    parse_npy(bytes, Path::new("x.npy"))
}

/// A file of this version, dictionary and data.
fn file(version: u8, dictionary: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x93NUMPY".to_vec();
    bytes.extend([version, 0]);
    let length = dictionary.len() as u32;
    match version {
        1 => bytes.extend((length as u16).to_le_bytes()),
        _ => bytes.extend(length.to_le_bytes()),
    }
    bytes.extend(dictionary.as_bytes());
    bytes.extend(data);
    bytes
}

fn dictionary(descriptor: &str, fortran: &str, shape: &str) -> String {
    format!("{{'descr': '{descriptor}', 'fortran_order': {fortran}, 'shape': {shape}, }}")
}

#[test]
fn every_type_and_rank_survives_a_round_trip() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.npy");
    for dtype in NUMPY {
        for shape in [&[][..], &[3], &[2, 3], &[0, 4], &[2, 1, 3]] {
            let tensor = ramp(dtype, shape);
            write_npy(&path, &tensor).unwrap();
            assert_eq!(read_npy(&path).unwrap(), tensor);
            let bytes = fs::read(&path).unwrap();
            assert_eq!(bytes, encode_npy(&tensor, &path).unwrap());
            // NumPy aligns the data so that it can be mapped.
            assert_eq!((bytes.len() - tensor.bytes().len()) % 64, 0);
        }
    }
}

#[test]
fn the_header_is_as_numpy_writes_it() {
    let tensor = Tensor::from_f32(&[2], &[1.0, 2.0]).unwrap();
    let bytes = encode_npy(&tensor, Path::new("x")).unwrap();
    let expected = "\u{1}\0v\0{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }";
    assert_eq!(&bytes[6..6 + expected.len()], expected.as_bytes());
    assert_eq!((bytes.len(), bytes[127]), (136, b'\n'));
}

#[test]
fn a_type_that_numpy_has_not_is_refused() {
    for dtype in DType::ALL
        .into_iter()
        .filter(|dtype| !NUMPY.contains(dtype))
    {
        let error = encode_npy(&ramp(dtype, &[2]), Path::new("x")).unwrap_err();
        assert!(error.to_string().contains(dtype.name()), "{error}");
    }
}

#[test]
fn byte_orders_layouts_and_versions_are_read() {
    for version in [1, 2, 3] {
        let big = file(
            version,
            &dictionary(">i2", "False", "(2,)"),
            &[1, 2, 0xff, 0xfe],
        );
        assert_eq!(parse(&big).unwrap().numbers(), ramp_of(&[258, -2]));
        let columns = file(
            version,
            &dictionary("|u1", "True", "(2, 3)"),
            &[0, 3, 1, 4, 2, 5],
        );
        let columns = parse(&columns).unwrap();
        assert_eq!(columns.shape(), [2, 3]);
        assert_eq!(columns.bytes(), [0, 1, 2, 3, 4, 5]);
    }
    let bools = file(1, &dictionary("?", "False", "(3,)"), &[0, 1, 2]);
    assert_eq!(parse(&bools).unwrap().bytes(), [0, 1, 1]);
    let text = "{\"shape\": (2L, 1L), \"fortran_order\": False, \"descr\": \"=u2\"}  \n";
    let old = file(1, text, &[1, 0, 2, 0]);
    assert_eq!(parse(&old).unwrap().shape(), [2, 1]);
}

fn ramp_of(values: &[i128]) -> Vec<eyas_tensor::Number> {
    values
        .iter()
        .map(|x| eyas_tensor::Number::Int(*x))
        .collect()
}

#[test]
fn cut_files_say_so() {
    every_cut_fails(
        &encode_npy(&ramp(DType::F32, &[2, 3]), Path::new("x")).unwrap(),
        parse_npy,
    );
}

#[test]
fn what_is_wrong_is_said() {
    let cases = [
        (
            dictionary("<c8", "False", "(1,)"),
            "elements of the type `<c8`",
        ),
        (
            dictionary("<f9", "False", "(1,)"),
            "elements of the type `<f9`",
        ),
        (
            dictionary("<>f4", "False", "(1,)"),
            "elements of the type `<>f4`",
        ),
        (
            dictionary("<f4", "Maybe", "(1,)"),
            "`True` or `False` expected",
        ),
        (dictionary("<f4", "False", "(-1,)"), "an extent expected"),
        (dictionary("<f4", "False", "(1 2)"), "`)` expected"),
        (
            "{'descr': [('a', '<f4')], 'fortran_order': False}".to_owned(),
            "elements that are records",
        ),
        (
            "{'descr': '<f4', 'shape': ()}".to_owned(),
            "has no `fortran_order`",
        ),
        (
            "{'descr': '<f4', 'descr': '<f4'}".to_owned(),
            "`descr` twice",
        ),
        ("{'extra': 1}".to_owned(), "unknown key `extra`"),
        (
            "{'descr': '<f4".to_owned(),
            "a string in the header does not end",
        ),
        (
            dictionary("<f4", "False", "()") + " x",
            "something follows the header's",
        ),
        (
            dictionary("<f4", "False", "(1, 1099511627776)"),
            "is cut short: the data",
        ),
        (
            dictionary("<f4", "False", "(1099511627776, 1099511627776)"),
            "is too large",
        ),
        (
            dictionary("|u1", "False", "(3,)"),
            "something follows the data",
        ),
    ];
    for (dictionary, expected) in cases {
        let error = parse(&file(1, &dictionary, &[0; 4])).unwrap_err();
        assert!(
            error.to_string().contains(expected),
            "{dictionary}: {error}"
        );
    }
    let error = parse(&file(4, "{}", &[])).unwrap_err();
    assert!(error.to_string().contains("npy version 4.0"), "{error}");
    let error = parse(b"PK\x03\x04 not an array").unwrap_err();
    assert!(error.to_string().contains("does not begin as an npy file"));
    let error = read_npy(Path::new("/nowhere/x.npy")).unwrap_err();
    assert!(matches!(error, InterchangeError::Read { .. }), "{error}");
    assert!(read_npy(&std::env::temp_dir()).is_err());
}

#[test]
fn recorded_arrays_are_read() {
    let probabilities = read_npy(&example("mnist_mlp.probabilities.npy")).unwrap();
    assert_eq!(probabilities.shape(), [10_000, 10]);
    let row: f32 = probabilities.as_f32().unwrap()[..10].iter().sum();
    assert!((row - 1.0).abs() < 1e-5);
    let Some(path) = shared("models/magika_v3_3.in0.npy") else {
        return;
    };
    let ids = read_npy(&path).unwrap();
    assert_eq!((ids.dtype(), ids.shape()), (DType::I32, &[8, 2048][..]));
}

proptest! {
    #[test]
    fn changed_files_never_panic(changes in changes(), cuts: bool, which in 0usize..12) {
        let bytes = encode_npy(&ramp(NUMPY[which], &[3, 2]), Path::new("x")).unwrap();
        // Nearly all of a header is padding, so the changes go where it is not.
        let (head, rest) = bytes.split_at(72);
        let mut bytes = changed(head, &changes, false);
        bytes.extend(rest);
        let bytes = changed(&bytes, &(Vec::new(), changes.1), cuts);
        if let Ok(tensor) = parse(&bytes) {
            prop_assert!(tensor.bytes().len() <= bytes.len());
        }
    }
}
