use std::fs;
use std::io::Write;
use std::path::Path;

use eyas_interchange::{InterchangeError, encode_npy, read_npz};
use eyas_tensor::{DType, Tensor};
use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};
use proptest::prelude::*;

use crate::shared::{changed, changes, ramp};

/// An archive of members: name, bytes, compressed or not.
fn archive(members: &[(&str, Vec<u8>, bool)]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for (name, content, compress) in members {
        let mut crc = Crc::new();
        crc.update(content);
        let stored = if *compress {
            let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
            encoder.write_all(content).unwrap();
            encoder.finish().unwrap()
        } else {
            content.clone()
        };
        let offset = bytes.len() as u32;
        let mut fields = vec![20, 0, 0, 0, if *compress { 8 } else { 0 }, 0, 0, 0, 0, 0];
        fields.extend(crc.sum().to_le_bytes());
        fields.extend((stored.len() as u32).to_le_bytes());
        fields.extend((content.len() as u32).to_le_bytes());
        fields.extend((name.len() as u16).to_le_bytes());
        // As NumPy does, the local header alone has a zip64 field.
        let extra = [1, 0, 16, 0].into_iter().chain([0; 16]);
        bytes.extend(b"PK\x03\x04");
        bytes.extend(&fields);
        bytes.extend(20u16.to_le_bytes());
        bytes.extend(name.as_bytes());
        bytes.extend(extra);
        bytes.extend(stored);
        directory.extend(b"PK\x01\x02\x14\0");
        directory.extend(fields);
        directory.extend([0; 12]);
        directory.extend(offset.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let (start, count) = (bytes.len() as u32, members.len() as u16);
    bytes.extend(&directory);
    bytes.extend(b"PK\x05\x06\0\0\0\0");
    bytes.extend(count.to_le_bytes());
    bytes.extend(count.to_le_bytes());
    bytes.extend((directory.len() as u32).to_le_bytes());
    bytes.extend(start.to_le_bytes());
    bytes.extend([0, 0]);
    bytes
}

fn array(dtype: DType, shape: &[usize]) -> (Tensor, Vec<u8>) {
    let tensor = ramp(dtype, shape);
    let bytes = encode_npy(&tensor, Path::new("x")).unwrap();
    (tensor, bytes)
}

fn read(bytes: &[u8]) -> Result<std::collections::BTreeMap<String, Tensor>, InterchangeError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.npz");
    fs::write(&path, bytes).unwrap();
    read_npz(&path)
}

#[test]
fn stored_and_deflated_members_are_read() {
    let (x, x_bytes) = array(DType::F32, &[2, 3]);
    let (y, y_bytes) = array(DType::I64, &[500]);
    let members = [("x.npy", x_bytes, false), ("deep/y.npy", y_bytes, true)];
    let tensors = read(&archive(&members)).unwrap();
    assert_eq!(tensors.len(), 2);
    assert_eq!((&tensors["x"], &tensors["deep/y"]), (&x, &y));
    assert!(read(&archive(&[])).unwrap().is_empty());
}

#[test]
fn faults_are_said() {
    let (_, content) = array(DType::U8, &[40]);
    let one = |name| archive(&[(name, content.clone(), true)]);
    let error = read(&one("x.txt")).unwrap_err();
    assert!(
        error.to_string().contains("`x.txt`, which is not an npy"),
        "{error}"
    );
    let twice = [
        ("x.npy", content.clone(), true),
        ("x.npy", content.clone(), false),
    ];
    let error = read(&archive(&twice)).unwrap_err();
    assert!(
        error.to_string().contains("two members have this name"),
        "{error}"
    );
    let mut wrong = one("x.npy");
    let checksum = wrong.windows(4).position(|w| w == b"PK\x01\x02").unwrap() + 16;
    wrong[checksum] ^= 1;
    let error = read(&wrong).unwrap_err();
    assert!(
        error.to_string().contains("its checksum is wrong"),
        "{error}"
    );
    // A size of 4 GB that so few bytes cannot hold.
    let mut bomb = one("x.npy");
    bomb[checksum + 11] = 0xfe;
    let error = read(&bomb).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("cannot be what it was compressed"),
        "{error}"
    );
    let whole = one("x.npy");
    for end in 0..whole.len() {
        assert!(read(&whole[..end]).is_err(), "{end}");
    }
}

proptest! {
    #[test]
    fn changed_files_never_panic(changes in changes(), cuts: bool) {
        let (_, x) = array(DType::F32, &[2, 3]);
        let (_, y) = array(DType::I64, &[5]);
        let bytes = archive(&[("x.npy", x, false), ("y.npy", y, true)]);
        let _ = read(&changed(&bytes, &changes, cuts));
    }
}
