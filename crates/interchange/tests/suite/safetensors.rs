use std::collections::BTreeMap;
use std::path::Path;

use ::safetensors::SafeTensors;
use eyas_interchange::{
    InterchangeError, Weights, encode_safetensors, parse_safetensors, read_safetensors,
    write_safetensors,
};
use eyas_tensor::DType;
use proptest::prelude::*;

use crate::shared::{changed, changes, every_cut_fails, example, ramp};

fn all_types() -> Weights {
    let types = DType::ALL.into_iter().filter(|dtype| dtype.bits() >= 8);
    let mut tensors: BTreeMap<_, _> = types
        .map(|dtype| (format!("block.0.{dtype}"), ramp(dtype, &[3, 1])))
        .collect();
    tensors.insert("empty".to_owned(), ramp(DType::F32, &[0, 2]));
    tensors.insert("sca\"lar".to_owned(), ramp(DType::F32, &[]));
    let metadata = [("format", "eyas"), ("b", "2"), ("a", "1")];
    let metadata = metadata.map(|(key, value)| (key.to_owned(), value.to_owned()));
    Weights {
        tensors,
        metadata: BTreeMap::from(metadata),
    }
}

#[test]
fn every_type_survives_a_round_trip() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.safetensors");
    let weights = all_types();
    write_safetensors(&path, &weights).unwrap();
    assert_eq!(read_safetensors(&path).unwrap(), weights);
    let nothing = Weights::default();
    write_safetensors(&path, &nothing).unwrap();
    assert_eq!(read_safetensors(&path).unwrap(), nothing);
}

#[test]
fn the_formats_own_library_reads_what_is_written() {
    let weights = all_types();
    let bytes = encode_safetensors(&weights, Path::new("x")).unwrap();
    assert_eq!(bytes, encode_safetensors(&weights, Path::new("x")).unwrap());
    let theirs = SafeTensors::deserialize(&bytes).unwrap();
    assert_eq!(theirs.len(), weights.tensors.len());
    for (name, tensor) in &weights.tensors {
        let view = theirs.tensor(name).unwrap();
        assert_eq!(view.data(), tensor.bytes());
        assert_eq!(view.shape(), tensor.shape());
        let start = view.data().as_ptr() as usize - bytes.as_ptr() as usize;
        assert_eq!(
            start % (tensor.dtype().bits() / 8),
            0,
            "{name} is not aligned"
        );
    }
}

#[test]
fn a_type_that_the_format_has_not_is_refused() {
    let weights = Weights {
        tensors: BTreeMap::from([("w".to_owned(), ramp(DType::I4, &[2]))]),
        metadata: BTreeMap::new(),
    };
    let error = encode_safetensors(&weights, Path::new("x")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`x` cannot hold `w`, for safetensors has no i4"
    );
}

fn file(header: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    bytes
}

#[test]
fn cut_and_changed_files_say_so() {
    every_cut_fails(
        &encode_safetensors(&all_types(), Path::new("x")).unwrap(),
        parse_safetensors,
    );
    let tensor = |shape: &str, offsets: &str| {
        format!(r#"{{"w":{{"dtype":"U8","shape":{shape},"data_offsets":{offsets}}}}}"#)
    };
    let huge = "[1152921504606846976, 1152921504606846976]";
    let far = "[0, 1000000000000]";
    for (header, expected) in [
        ("{".to_owned(), "malformed at byte 8: the header"),
        (tensor("[4]", "[0, 3]"), "malformed at byte 8: the header"),
        (tensor("[3]", "[1, 4]"), "malformed at byte 8: the header"),
        (tensor(huge, "[0, 4]"), "malformed at byte 8: the header"),
        (tensor("[1000000000000]", far), "is cut short: the data"),
        (tensor("[3]", "[0, 3]"), "something follows the data"),
        (tensor("[4]", "[0, 4]").replace("U8", "X9"), "the header"),
        (
            tensor("[4]", "[0, 4]").replace("U8", "F8_E8M0"),
            "of type F8_E8M0",
        ),
    ] {
        let error = parse_safetensors(&file(&header, &[0; 4]), Path::new("x")).unwrap_err();
        assert!(error.to_string().contains(expected), "{header}: {error}");
    }
    let mut long = file("{}", &[]);
    long[7] = 0xff;
    let error = parse_safetensors(&long, Path::new("x")).unwrap_err();
    assert!(
        matches!(error, InterchangeError::Truncated { .. }),
        "{error}"
    );
}

#[test]
fn trained_weights_are_read() {
    let weights = read_safetensors(&example("mnist_mlp.safetensors")).unwrap();
    let names: Vec<&str> = weights.tensors.keys().map(|name| &**name).collect();
    assert_eq!(names, ["fc1.b", "fc1.w", "fc2.b", "fc2.w"]);
    assert_eq!(weights.tensors["fc1.w"].shape(), [784, 128]);
}

proptest! {
    #[test]
    fn changed_files_never_panic(changes in changes(), cuts: bool) {
        let bytes = encode_safetensors(&all_types(), Path::new("x")).unwrap();
        let _ = parse_safetensors(&changed(&bytes, &changes, cuts), Path::new("x"));
    }
}
