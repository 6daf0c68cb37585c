use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use eyas_plan::Code;

use crate::format::{ALIGNMENT, NO_HASH, SectionKind, encode};
use crate::manifest::{
    Manifest, ManifestParameter, ManifestTarget, ManifestTensor, PoolEntry, TargetPlans,
};
use crate::program::{Program, Value};
use crate::stored_tensor::StoredTensor;
use crate::{FormatError, RuntimeError};

/// The sections of a kernel set, ready to be written.
pub(crate) struct Image {
    /// Header and section table.
    head: Vec<u8>,
    /// Each section's first byte and contents, in order.
    sections: Vec<(usize, Contents)>,
}

enum Contents {
    Bytes(Vec<u8>),
    Tensors(Vec<Arc<StoredTensor>>),
}

impl Image {
    /// Lays the sections out; the same program and values give the same bytes.
    pub(crate) fn new(
        program: &Program,
        values: &BTreeMap<String, Value>,
    ) -> Result<Image, RuntimeError> {
        let mut pool = Pool::default();
        let manifest = manifest(program, values, &mut pool)?;
        let plans: Vec<TargetPlans> = program
            .targets
            .iter()
            .map(|target| TargetPlans {
                entries: target.entries.clone(),
                derived: target.derived.clone(),
                code: Code {
                    bytes: Vec::new(),
                    functions: target.code.functions.clone(),
                },
            })
            .collect();
        let mut contents = vec![
            (SectionKind::Manifest, 0, json("manifest", &manifest)?),
            (SectionKind::Plans, 0, json("plans", &plans)?),
        ];
        for (number, target) in (0u64..).zip(&program.targets) {
            let bytes = Contents::Bytes(target.code.bytes.clone());
            contents.push((SectionKind::Code, number, bytes));
        }
        contents.push((SectionKind::Tensors, 0, Contents::Tensors(pool.tensors)));
        let table: Vec<_> = contents
            .iter()
            .map(|(kind, number, contents)| (*kind, *number, contents.len(), contents.hash()))
            .collect();
        let too_large = || FormatError::Table("the kernel set is too large".to_owned());
        let (head, sections) = encode(&table).ok_or_else(too_large)?;
        let contents = contents.into_iter().map(|(_, _, contents)| contents);
        let offsets = sections.iter().map(|section| section.offset);
        Ok(Image {
            head,
            sections: offsets.zip(contents).collect(),
        })
    }

    /// Writes all of it.
    pub(crate) fn write_to(&self, writer: &mut dyn Write) -> std::io::Result<()> {
        writer.write_all(&self.head)?;
        let mut written = self.head.len();
        for (offset, contents) in &self.sections {
            zeros(writer, offset - written)?;
            contents.write_to(writer)?;
            written = offset + contents.len();
        }
        Ok(())
    }

    /// Writes a file: under another name first, which is then given up for the right one, so that
    /// no half-written file is left.
    pub(crate) fn write_file(&self, path: &Path) -> std::io::Result<()> {
        let temporary = temporary_name(path)?;
        let result = self.write_new(&temporary);
        let result = result.and_then(|()| std::fs::rename(&temporary, path));
        if result.is_err() {
            // The first error is the one to report.
            let _ = std::fs::remove_file(&temporary);
        }
        result
    }

    fn write_new(&self, path: &Path) -> std::io::Result<()> {
        let file = std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(path)?;
        let mut writer = std::io::BufWriter::with_capacity(1 << 20, file);
        self.write_to(&mut writer)?;
        writer.into_inner()?.sync_all()
    }
}

impl Contents {
    fn len(&self) -> usize {
        match self {
            Contents::Bytes(bytes) => bytes.len(),
            Contents::Tensors(tensors) => tensors.iter().fold(0usize, |end, tensor| {
                end.next_multiple_of(ALIGNMENT) + tensor.bytes().len()
            }),
        }
    }

    /// What the section table says of it: nothing of tensors, whose hashes the manifest has.
    fn hash(&self) -> blake3::Hash {
        match self {
            Contents::Bytes(bytes) => blake3::hash(bytes),
            Contents::Tensors(_) => NO_HASH,
        }
    }

    fn write_to(&self, writer: &mut dyn Write) -> std::io::Result<()> {
        let tensors = match self {
            Contents::Bytes(bytes) => return writer.write_all(bytes),
            Contents::Tensors(tensors) => tensors,
        };
        let mut end = 0usize;
        for tensor in tensors {
            let offset = end.next_multiple_of(ALIGNMENT);
            zeros(writer, offset - end)?;
            writer.write_all(tensor.bytes())?;
            end = offset + tensor.bytes().len();
        }
        Ok(())
    }
}

fn zeros(writer: &mut dyn Write, count: usize) -> std::io::Result<()> {
    writer.write_all(&[0; ALIGNMENT][..count])
}

fn json(section: &str, value: &impl serde::Serialize) -> Result<Contents, FormatError> {
    let bytes = serde_json::to_vec(value).map_err(|error| FormatError::Section {
        section: section.to_owned(),
        reason: error.to_string(),
    })?;
    Ok(Contents::Bytes(bytes))
}

/// A name beside the file's that nobody else uses at the time.
fn temporary_name(path: &Path) -> std::io::Result<PathBuf> {
    let name = path
        .file_name()
        .ok_or_else(|| std::io::Error::other("this names no file"))?;
    for number in 0u32..1024 {
        let mut temporary = std::ffi::OsString::from(".");
        temporary.push(name);
        temporary.push(format!(".{}.{number}.part", std::process::id()));
        let candidate = path.with_file_name(temporary);
        if !candidate.exists() {
            return Ok(candidate);
        }
    }
    Err(std::io::Error::other("no free name for a temporary file"))
}

/// Tensors by content.
#[derive(Default)]
struct Pool {
    tensors: Vec<Arc<StoredTensor>>,
    entries: Vec<PoolEntry>,
    places: BTreeMap<[u8; 32], usize>,
    end: usize,
}

impl Pool {
    fn add(&mut self, tensor: &Arc<StoredTensor>) -> Result<usize, FormatError> {
        let hash = tensor.hash();
        if let Some(&place) = self.places.get(hash.as_bytes()) {
            return Ok(place);
        }
        let length = tensor.bytes().len();
        let offset = self.end.checked_next_multiple_of(ALIGNMENT);
        let end = offset.and_then(|offset| offset.checked_add(length));
        let (Some(offset), Some(end)) = (offset, end) else {
            return Err(FormatError::Table("the tensors are too large".to_owned()));
        };
        self.end = end;
        self.places.insert(*hash.as_bytes(), self.tensors.len());
        self.tensors.push(tensor.clone());
        self.entries.push(PoolEntry {
            hash: hash.to_hex().to_string(),
            offset,
            length,
        });
        Ok(self.tensors.len() - 1)
    }

    fn add_typed(&mut self, tensor: &Arc<StoredTensor>) -> Result<ManifestTensor, FormatError> {
        Ok(ManifestTensor {
            ty: tensor.ty(),
            tensor: self.add(tensor)?,
        })
    }
}

fn manifest(
    program: &Program,
    values: &BTreeMap<String, Value>,
    pool: &mut Pool,
) -> Result<Manifest, FormatError> {
    let mut parameters = BTreeMap::new();
    for (path, declaration) in &program.parameters {
        let value = match values.get(path) {
            Some(value) => Some((pool.add(&value.tensor)?, value.origin)),
            None => None,
        };
        let parameter = ManifestParameter {
            ty: declaration.ty.clone(),
            kind: declaration.kind,
            value,
        };
        parameters.insert(path.clone(), parameter);
    }
    let mut derived_values = BTreeMap::new();
    for (path, value) in values {
        if !program.parameters.contains_key(path) {
            derived_values.insert(path.clone(), pool.add_typed(&value.tensor)?);
        }
    }
    let constants = program
        .constants
        .iter()
        .map(|tensor| pool.add_typed(tensor));
    let constants = constants.collect::<Result<_, _>>()?;
    let targets = program.targets.iter().map(|target| ManifestTarget {
        machine: target.machine.clone(),
    });
    Ok(Manifest {
        symbols: program.symbols.clone(),
        facts: program.facts.clone(),
        entries: program.entries.clone(),
        parameters,
        derived: program.derived.clone(),
        derived_values,
        constants,
        targets: targets.collect(),
        pool: std::mem::take(&mut pool.entries),
        provenance: program.provenance.clone(),
    })
}
