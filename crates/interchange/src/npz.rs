use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use eyas_tensor::Tensor;
use flate2::CrcReader;
use flate2::bufread::DeflateDecoder;

use crate::source::{self, Source};
use crate::zip_directory::{self, Member};
use crate::{InterchangeError, npy};

/// A compressed byte gives at most so many.
const INFLATION_LIMIT: u64 = 1032;

/// Reads an archive of NumPy arrays by name, stored or deflated.
///
/// # Errors
/// [`InterchangeError`], for members that are no arrays too.
pub fn read_npz(path: &Path) -> Result<BTreeMap<String, Tensor>, InterchangeError> {
    let (mut file, length) = source::open(path)?;
    let members = zip_directory::read(&mut file, length, path)?;
    let mut tensors = BTreeMap::new();
    for member in members {
        if member.name.ends_with('/') {
            continue;
        }
        let Some(name) = member.name.strip_suffix(".npy") else {
            return Err(InterchangeError::Unsupported {
                path: path.to_owned(),
                what: format!("holds `{}`, which is not an npy file", member.name),
            });
        };
        let tensor = read_member(&mut file, &member, path)?;
        if tensors.insert(name.to_owned(), tensor).is_some() {
            return Err(malformed(path, &member, "two members have this name"));
        }
    }
    Ok(tensors)
}

fn malformed(path: &Path, member: &Member, what: impl std::fmt::Display) -> InterchangeError {
    InterchangeError::Malformed {
        path: path.to_owned(),
        offset: member.offset,
        what: format!("member `{}`: {what}", member.name),
    }
}

fn read_member(file: &mut File, member: &Member, path: &Path) -> Result<Tensor, InterchangeError> {
    let start = zip_directory::data_start(file, member, path)?;
    file.seek(SeekFrom::Start(start))
        .map_err(|source| InterchangeError::Read {
            path: path.to_owned(),
            source,
        })?;
    let stored = BufReader::new(file.take(member.stored));
    match member.method {
        0 if member.stored != member.size => Err(malformed(
            path,
            member,
            "its two sizes differ though it is not compressed",
        )),
        0 => read_checked(stored, member, path),
        8 if member.size > member.stored.saturating_mul(INFLATION_LIMIT) => Err(malformed(
            path,
            member,
            "its size cannot be what it was compressed from",
        )),
        8 => read_checked(DeflateDecoder::new(stored), member, path),
        method => Err(InterchangeError::Unsupported {
            path: path.to_owned(),
            what: format!("has `{}` compressed by method {method}", member.name),
        }),
    }
}

/// The array of a member, whose checksum must be right.
fn read_checked<R: Read>(
    reader: R,
    member: &Member,
    path: &Path,
) -> Result<Tensor, InterchangeError> {
    let label = path.join(&member.name);
    let mut source = Source::new(&label, CrcReader::new(reader), Some(member.size));
    let tensor = npy::read_array(&mut source)?;
    source.end()?;
    if source.into_reader().crc().sum() != member.checksum {
        return Err(malformed(path, member, "its checksum is wrong"));
    }
    Ok(tensor)
}
