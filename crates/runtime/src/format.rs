//! The file: a header, a table of sections, the sections.
//!
//! | bytes | header |
//! | --- | --- |
//! | 0..8 | [`MAGIC`] |
//! | 8..12 | format version |
//! | 12..16 | number of sections |
//! | 16..24 | length of the file |
//! | 24..32 | zeros |
//! | 32..64 | BLAKE3 hash of the section table |
//! | 64..96 | BLAKE3 hash of bytes 0..64 |
//!
//! | bytes | entry of the section table |
//! | --- | --- |
//! | 0..8 | the section's name in ASCII, then zeros |
//! | 8..16 | its number among those of its name |
//! | 16..24 | where it begins |
//! | 24..32 | how many bytes it has |
//! | 32..64 | their BLAKE3 hash; zeros for tensors, whose hashes are in the manifest |
//!
//! Numbers are little-endian. Sections follow the table in the table's order; each begins at the
//! next multiple of [`ALIGNMENT`], with zeros between, and the last one ends the file.

use crate::FormatError;

/// The first bytes of a kernel set.
pub(crate) const MAGIC: [u8; 8] = *b"EYASKSET";

/// The version that is written and read.
pub(crate) const VERSION: u32 = 2;

/// Where sections, and tensors in their section, begin: a multiple of this.
pub(crate) const ALIGNMENT: usize = 64;

/// What stands in the section table for the hash of the tensors.
pub(crate) const NO_HASH: blake3::Hash = blake3::Hash::from_bytes([0; 32]);

/// Bytes of the header.
pub(crate) const HEADER: usize = 96;

/// Bytes of an entry of the section table.
pub(crate) const ENTRY: usize = 64;

/// What a section holds. The names `cubin`, `hlo`, `tuning` and `signed` are kept for other device
/// code, tuning records and signatures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum SectionKind {
    /// [`crate::manifest::Manifest`] as JSON.
    Manifest,
    /// A list of [`crate::manifest::TargetPlans`] as JSON.
    Plans,
    /// Code, one section a target: a CPU's machine code, a GPU's PTX text.
    Code,
    /// The tensors, each at a multiple of [`ALIGNMENT`], with zeros between.
    Tensors,
}

impl SectionKind {
    const ALL: [SectionKind; 4] = [
        SectionKind::Manifest,
        SectionKind::Plans,
        SectionKind::Code,
        SectionKind::Tensors,
    ];

    /// The name in the table.
    pub(crate) fn name(self) -> &'static str {
        match self {
            SectionKind::Manifest => "manifest",
            SectionKind::Plans => "plans",
            SectionKind::Code => "code",
            SectionKind::Tensors => "tensors",
        }
    }
}

/// An entry of the section table.
#[derive(Debug, Clone)]
pub(crate) struct Section {
    pub(crate) kind: SectionKind,
    pub(crate) number: u64,
    pub(crate) offset: usize,
    pub(crate) length: usize,
    pub(crate) hash: blake3::Hash,
}

impl Section {
    /// What it is called in messages.
    pub(crate) fn name(&self) -> String {
        match self.kind {
            SectionKind::Code => format!("code {}", self.number),
            kind => kind.name().to_owned(),
        }
    }
}

/// Header and table for sections with kind, number, length and hash; offsets follow from lengths.
/// Gives them with the sections; `None` where lengths add up to more than an address can count.
pub(crate) fn encode(
    contents: &[(SectionKind, u64, usize, blake3::Hash)],
) -> Option<(Vec<u8>, Vec<Section>)> {
    let mut end = ENTRY.checked_mul(contents.len())?.checked_add(HEADER)?;
    let mut sections = Vec::with_capacity(contents.len());
    let mut table = Vec::with_capacity(ENTRY * contents.len());
    for &(kind, number, length, hash) in contents {
        let offset = end.checked_next_multiple_of(ALIGNMENT)?;
        end = offset.checked_add(length)?;
        let mut name = [0; 8];
        name[..kind.name().len()].copy_from_slice(kind.name().as_bytes());
        table.extend_from_slice(&name);
        for number in [number, offset as u64, length as u64] {
            table.extend_from_slice(&number.to_le_bytes());
        }
        table.extend_from_slice(hash.as_bytes());
        sections.push(Section {
            kind,
            number,
            offset,
            length,
            hash,
        });
    }
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&u32::try_from(contents.len()).ok()?.to_le_bytes());
    bytes.extend_from_slice(&(end as u64).to_le_bytes());
    bytes.extend_from_slice(&[0; 8]);
    bytes.extend_from_slice(blake3::hash(&table).as_bytes());
    let hash = blake3::hash(&bytes);
    bytes.extend_from_slice(hash.as_bytes());
    bytes.extend_from_slice(&table);
    Some((bytes, sections))
}

/// The sections of a file, header and table checked; contents are not looked at, but for the
/// zeros between sections.
///
/// # Errors
/// [`FormatError`].
pub(crate) fn decode(bytes: &[u8]) -> Result<Vec<Section>, FormatError> {
    let found = bytes.len() as u64;
    let cut = |expected: usize| FormatError::Length {
        expected: expected as u64,
        found,
    };
    let known = bytes.len().min(MAGIC.len());
    if known == 0 || bytes[..known] != MAGIC[..known] {
        return Err(FormatError::NotAKernelSet);
    }
    let version = bytes.get(8..12).ok_or_else(|| cut(HEADER))?;
    let version = u32_at(version, 0);
    if version != VERSION {
        return Err(FormatError::Version {
            found: version,
            expected: VERSION,
        });
    }
    let header = bytes.get(..HEADER).ok_or_else(|| cut(HEADER))?;
    if blake3::hash(&header[..64]) != hash_at(header, 64) {
        return Err(FormatError::Damaged("its header".to_owned()));
    }
    let length = u64_at(header, 16);
    if length != found {
        return Err(FormatError::Length {
            expected: length,
            found,
        });
    }
    let wrong = |reason: &str| FormatError::Table(reason.to_owned());
    if header[24..32] != [0; 8] {
        return Err(wrong("bytes that must be zero are not"));
    }
    let count = u32_at(header, 12) as usize;
    let table = count
        .checked_mul(ENTRY)
        .and_then(|size| bytes[HEADER..].get(..size))
        .ok_or_else(|| wrong("there are more sections than the file has room for"))?;
    if blake3::hash(table) != hash_at(header, 32) {
        return Err(FormatError::Damaged("its section table".to_owned()));
    }
    let mut end = HEADER + table.len();
    let mut sections = Vec::new();
    for entry in table.chunks_exact(ENTRY) {
        let section = decode_entry(entry)?;
        let expected = end.checked_next_multiple_of(ALIGNMENT);
        let next = section.offset.checked_add(section.length);
        let next = next.filter(|&next| expected == Some(section.offset) && next <= bytes.len());
        let next = next.ok_or_else(|| {
            let name = section.name();
            wrong(&format!(
                "section `{name}` is not where the one before it ends"
            ))
        })?;
        if bytes[end..section.offset].iter().any(|&byte| byte != 0) {
            let name = section.name();
            let place = format!("the zeros before section `{name}`");
            return Err(FormatError::Damaged(place));
        }
        end = next;
        sections.push(section);
    }
    if end != bytes.len() {
        return Err(wrong("the last section does not end the file"));
    }
    Ok(sections)
}

fn decode_entry(entry: &[u8]) -> Result<Section, FormatError> {
    let name = entry[..8].split(|&byte| byte == 0).next().unwrap_or(&[]);
    let mut kinds = SectionKind::ALL.into_iter();
    let kind = kinds.find(|kind| {
        let known = kind.name().as_bytes();
        name == known && entry[known.len()..8].iter().all(|&byte| byte == 0)
    });
    let kind = kind.ok_or_else(|| {
        let end = entry[..8].iter().rposition(|&byte| byte != 0);
        let name = &entry[..end.map_or(0, |end| end + 1)];
        FormatError::UnknownSection(name.escape_ascii().to_string())
    })?;
    let too_large = |_| FormatError::Table("an offset is beyond what can be addressed".to_owned());
    Ok(Section {
        kind,
        number: u64_at(entry, 8),
        offset: usize::try_from(u64_at(entry, 16)).map_err(too_large)?,
        length: usize::try_from(u64_at(entry, 24)).map_err(too_large)?,
        hash: hash_at(entry, 32),
    })
}

fn u32_at(bytes: &[u8], offset: usize) -> u32 {
    let mut raw = [0; 4];
    raw.copy_from_slice(&bytes[offset..offset + 4]);
    u32::from_le_bytes(raw)
}

fn u64_at(bytes: &[u8], offset: usize) -> u64 {
    let mut raw = [0; 8];
    raw.copy_from_slice(&bytes[offset..offset + 8]);
    u64::from_le_bytes(raw)
}

fn hash_at(bytes: &[u8], offset: usize) -> blake3::Hash {
    let mut raw = [0; 32];
    raw.copy_from_slice(&bytes[offset..offset + 32]);
    blake3::Hash::from_bytes(raw)
}
