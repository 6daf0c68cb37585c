//! The directory of a zip archive (APPNOTE 6.3, without zip64, encryption and volumes).

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use crate::InterchangeError;
use crate::source::Source;

const END: [u8; 4] = *b"PK\x05\x06";
const ENTRY: [u8; 4] = *b"PK\x01\x02";
const LOCAL: [u8; 4] = *b"PK\x03\x04";

/// The end record and the longest comment after it.
const TAIL_LIMIT: u64 = 22 + 0xffff;

/// What says that a number stands in a zip64 record.
const ELSEWHERE: u32 = u32::MAX;

/// A file in an archive.
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) method: u16,
    pub(crate) checksum: u32,
    /// Bytes in the archive.
    pub(crate) stored: u64,
    /// Bytes after decompression.
    pub(crate) size: u64,
    /// Where its local header stands.
    pub(crate) offset: u64,
}

fn u16_at(bytes: &[u8], place: usize) -> u16 {
    bytes
        .get(place..place + 2)
        .map_or(0, |raw| u16::from_le_bytes([raw[0], raw[1]]))
}

fn u32_at(bytes: &[u8], place: usize) -> u32 {
    u32::from(u16_at(bytes, place)) | u32::from(u16_at(bytes, place + 2)) << 16
}

/// The bytes of a file from an offset on.
fn read_at(
    file: &mut File,
    offset: u64,
    size: usize,
    length: u64,
    what: &str,
    path: &Path,
) -> Result<Vec<u8>, InterchangeError> {
    if size as u64 > length.saturating_sub(offset) {
        return Err(InterchangeError::Truncated {
            path: path.to_owned(),
            what: what.to_owned(),
            needed: offset.saturating_add(size as u64),
            found: length,
        });
    }
    file.seek(SeekFrom::Start(offset))
        .map_err(|source| InterchangeError::Read {
            path: path.to_owned(),
            source,
        })?;
    Source::new(path, file.by_ref(), None).bytes(size, what)
}

/// The members of an archive, none of which overlap.
pub(crate) fn read(
    file: &mut File,
    length: u64,
    path: &Path,
) -> Result<Vec<Member>, InterchangeError> {
    let malformed = |offset: u64, what: &str| InterchangeError::Malformed {
        path: path.to_owned(),
        offset,
        what: what.to_owned(),
    };
    let unsupported = |what: &str| InterchangeError::Unsupported {
        path: path.to_owned(),
        what: what.to_owned(),
    };
    let tail_start = length.saturating_sub(TAIL_LIMIT);
    let tail_size = (length - tail_start) as usize;
    let tail = read_at(file, tail_start, tail_size, length, "the end", path)?;
    let end = tail.windows(END.len()).rposition(|window| window == END);
    let Some(end) = end.filter(|place| place + 22 <= tail.len()) else {
        return Err(malformed(
            length,
            "it does not end as an archive, so it is none or cut short",
        ));
    };
    let end = &tail[end..];
    let (count, size, start) = (u16_at(end, 10), u32_at(end, 12), u32_at(end, 16));
    if u16_at(end, 4) != 0 || u16_at(end, 6) != 0 || u16_at(end, 8) != count {
        return Err(unsupported("is one of several volumes"));
    }
    if count == u16::MAX || size == ELSEWHERE || start == ELSEWHERE {
        return Err(unsupported("is a zip64 archive"));
    }
    let start = u64::from(start);
    let directory = read_at(file, start, size as usize, length, "the directory", path)?;
    let (mut members, mut place, mut taken) = (Vec::new(), 0, 0u64);
    for _ in 0..count {
        let offset = start + place as u64;
        let entry = directory.get(place..).unwrap_or_default();
        if entry.len() < 46 || entry[..4] != ENTRY {
            return Err(malformed(offset, "no entry of the directory stands here"));
        }
        let name_end = 46 + usize::from(u16_at(entry, 28));
        let entry_end = name_end + usize::from(u16_at(entry, 30)) + usize::from(u16_at(entry, 32));
        if entry_end > entry.len() {
            return Err(malformed(offset, "an entry goes on behind the directory"));
        }
        let name = String::from_utf8_lossy(&entry[46..name_end]).into_owned();
        if u16_at(entry, 8) & 1 != 0 {
            return Err(unsupported("is encrypted"));
        }
        let numbers = [20, 24, 42].map(|place| u32_at(entry, place));
        if numbers.contains(&ELSEWHERE) {
            return Err(unsupported("is a zip64 archive"));
        }
        let [stored, size, local] = numbers.map(u64::from);
        taken += stored;
        if taken > length {
            return Err(malformed(
                offset,
                "the members have more bytes than the file",
            ));
        }
        members.push(Member {
            name,
            method: u16_at(entry, 10),
            checksum: u32_at(entry, 16),
            stored,
            size,
            offset: local,
        });
        place += entry_end;
    }
    Ok(members)
}

/// Where a member's bytes begin.
pub(crate) fn data_start(
    file: &mut File,
    member: &Member,
    path: &Path,
) -> Result<u64, InterchangeError> {
    let length = file.metadata().map(|metadata| metadata.len());
    let length = length.map_err(|source| InterchangeError::Read {
        path: path.to_owned(),
        source,
    })?;
    let header = read_at(file, member.offset, 30, length, "a member's header", path)?;
    if header[..4] != LOCAL {
        return Err(InterchangeError::Malformed {
            path: path.to_owned(),
            offset: member.offset,
            what: format!("member `{}` does not begin here", member.name),
        });
    }
    let names = u64::from(u16_at(&header, 26)) + u64::from(u16_at(&header, 28));
    let start = member.offset + 30 + names;
    if member.stored > length.saturating_sub(start) {
        return Err(InterchangeError::Truncated {
            path: path.to_owned(),
            what: format!("member `{}`", member.name),
            needed: start + member.stored,
            found: length,
        });
    }
    Ok(start)
}
