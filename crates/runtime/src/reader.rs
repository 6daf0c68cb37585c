use std::collections::BTreeMap;
use std::sync::Arc;

use eyas_plan::Code;
use eyas_tensor::TensorType;
use serde::de::DeserializeOwned;

use crate::check::check;
use crate::format::{ALIGNMENT, NO_HASH, Section, SectionKind, decode};
use crate::manifest::{Manifest, PoolEntry, TargetPlans};
use crate::program::{Declaration, Program, Value, static_size};
use crate::resident::Modules;
use crate::stored_tensor::{Storage, StoredTensor};
use crate::{FormatError, TargetCode, ValueOrigin};

/// A file that was read.
pub(crate) struct ReadFile {
    pub(crate) program: Program,
    pub(crate) values: BTreeMap<String, Value>,
    pub(crate) source: Source,
}

/// What a kernel set was read from: what is left to be checked.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) sections: Vec<Section>,
    /// The tensor section and what lies where in it.
    tensors: Storage,
    pool: Vec<PoolEntry>,
}

/// Reads a file whose tensors stay where they are. All sections but the tensors' are hashed.
///
/// # Errors
/// [`FormatError`].
pub(crate) fn read(file: &Storage) -> Result<ReadFile, FormatError> {
    let bytes = file.bytes();
    let sections = decode(bytes)?;
    for section in &sections {
        let contents = &bytes[section.offset..section.offset + section.length];
        let hash = match section.kind {
            SectionKind::Tensors => NO_HASH,
            SectionKind::Manifest | SectionKind::Plans | SectionKind::Code => {
                blake3::hash(contents)
            }
        };
        if hash != section.hash {
            let place = format!("section `{}`", section.name());
            return Err(FormatError::Damaged(place));
        }
    }
    let manifest: Manifest = parse(bytes, only(&sections, SectionKind::Manifest)?)?;
    let plans: Vec<TargetPlans> = parse(bytes, only(&sections, SectionKind::Plans)?)?;
    let tensors = only(&sections, SectionKind::Tensors)?;
    let tensors = file.part(tensors.offset, tensors.length);
    let tensors = tensors.ok_or_else(|| FormatError::MissingSection("tensors".to_owned()))?;
    let code = code_sections(bytes, &sections)?;
    let targets = targets(&manifest, plans, code)?;
    let pool = Pool::new(&manifest.pool, &tensors)?;
    let (program, values) = assemble(&manifest, targets, &pool)?;
    check(&program)?;
    let source = Source {
        sections,
        tensors,
        pool: manifest.pool,
    };
    Ok(ReadFile {
        program,
        values,
        source,
    })
}

impl Source {
    /// Compares the tensors with their hashes; `name` says what a tensor of the pool is called.
    ///
    /// # Errors
    /// [`FormatError::Damaged`] names the first one that differs.
    pub(crate) fn verify(&self, name: &dyn Fn(usize) -> String) -> Result<(), FormatError> {
        let bytes = self.tensors.bytes();
        let mut end = 0;
        for (number, entry) in self.pool.iter().enumerate() {
            if bytes[end..entry.offset].iter().any(|&byte| byte != 0) {
                let place = "the zeros between tensors".to_owned();
                return Err(FormatError::Damaged(place));
            }
            end = entry.offset + entry.length;
            let hash = blake3::hash(&bytes[entry.offset..end]);
            if hash.to_hex().as_str() != entry.hash {
                return Err(FormatError::Damaged(name(number)));
            }
        }
        Ok(())
    }

    /// The hash of the tensors' hashes.
    pub(crate) fn hash_of_hashes(&self) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new();
        for entry in &self.pool {
            hasher.update(entry.hash.as_bytes());
        }
        hasher.finalize()
    }

    /// Whether a tensor was read from this place of the pool.
    pub(crate) fn holds(&self, number: usize, tensor: &StoredTensor) -> bool {
        let entry = self.pool.get(number);
        entry.is_some_and(|entry| entry.hash == tensor.hash().to_hex().as_str())
    }
}

fn only(sections: &[Section], kind: SectionKind) -> Result<&Section, FormatError> {
    let mut found = sections.iter().filter(|section| section.kind == kind);
    let section = found
        .next()
        .ok_or_else(|| FormatError::MissingSection(kind.name().to_owned()))?;
    match found.next() {
        Some(_) => {
            let name = kind.name();
            Err(FormatError::Table(format!(
                "there are two sections `{name}`"
            )))
        }
        None => Ok(section),
    }
}

fn parse<T: DeserializeOwned>(bytes: &[u8], section: &Section) -> Result<T, FormatError> {
    let contents = &bytes[section.offset..section.offset + section.length];
    serde_json::from_slice(contents).map_err(|error| FormatError::Section {
        section: section.name(),
        reason: error.to_string(),
    })
}

fn code_sections(bytes: &[u8], sections: &[Section]) -> Result<Vec<Vec<u8>>, FormatError> {
    let mut code = Vec::new();
    for section in sections {
        if section.kind == SectionKind::Code {
            if section.number != code.len() as u64 {
                let reason = "code sections are not numbered in order";
                return Err(FormatError::Table(reason.to_owned()));
            }
            code.push(bytes[section.offset..section.offset + section.length].to_vec());
        }
    }
    Ok(code)
}

fn targets(
    manifest: &Manifest,
    plans: Vec<TargetPlans>,
    code: Vec<Vec<u8>>,
) -> Result<Vec<TargetCode>, FormatError> {
    if plans.len() != manifest.targets.len() || code.len() != plans.len() {
        return Err(FormatError::Inconsistent {
            place: "targets".to_owned(),
            reason: "manifest, plans and code are not of as many".to_owned(),
        });
    }
    let all = manifest.targets.iter().zip(plans).zip(code);
    let targets = all.map(|((target, plans), bytes)| TargetCode {
        machine: target.machine.clone(),
        entries: plans.entries,
        derived: plans.derived,
        code: Code {
            bytes,
            functions: plans.code.functions,
        },
    });
    Ok(targets.collect())
}

/// The tensor section cut up.
struct Pool<'a> {
    entries: &'a [PoolEntry],
    pieces: Vec<(Storage, blake3::Hash)>,
}

impl<'a> Pool<'a> {
    fn new(entries: &'a [PoolEntry], section: &Storage) -> Result<Pool<'a>, FormatError> {
        let wrong = |number: usize, reason: &str| FormatError::Inconsistent {
            place: format!("tensor {number} of the pool"),
            reason: reason.to_owned(),
        };
        let (mut end, mut pieces) = (0usize, Vec::with_capacity(entries.len()));
        for (number, entry) in entries.iter().enumerate() {
            if end.checked_next_multiple_of(ALIGNMENT) != Some(entry.offset) {
                return Err(wrong(number, "it does not begin where the one before ends"));
            }
            let piece = section.part(entry.offset, entry.length);
            let piece = piece.ok_or_else(|| wrong(number, "it lies outside the section"))?;
            let hash = blake3::Hash::from_hex(&entry.hash);
            let hash = hash.map_err(|_| wrong(number, "its hash is none"))?;
            pieces.push((piece, hash));
            end = entry.offset + entry.length;
        }
        if end != section.bytes().len() {
            let reason = "the last one does not end the section";
            return Err(wrong(entries.len(), reason));
        }
        Ok(Pool { entries, pieces })
    }

    /// The tensor of a type at a place of the pool.
    fn tensor(
        &self,
        place: &str,
        ty: &TensorType,
        number: usize,
    ) -> Result<Arc<StoredTensor>, FormatError> {
        let wrong = |reason: String| FormatError::Inconsistent {
            place: place.to_owned(),
            reason,
        };
        let Some((bytes, hash)) = self.pieces.get(number) else {
            return Err(wrong(format!("the pool has no tensor {number}")));
        };
        let (shape, size) =
            static_size(ty).ok_or_else(|| wrong(format!("`{ty}` has no constant size")))?;
        let found = self.entries[number].length;
        let tensor = StoredTensor::new(ty.dtype, shape, bytes.clone());
        let tensor = tensor.ok_or_else(|| {
            wrong(format!(
                "`{ty}` takes {size} bytes, tensor {number} has {found}"
            ))
        })?;
        tensor.state_hash(*hash);
        Ok(Arc::new(tensor))
    }
}

fn assemble(
    manifest: &Manifest,
    targets: Vec<TargetCode>,
    pool: &Pool<'_>,
) -> Result<(Program, BTreeMap<String, Value>), FormatError> {
    let (mut values, mut parameters) = (BTreeMap::new(), BTreeMap::new());
    for (path, parameter) in &manifest.parameters {
        let declaration = Declaration {
            ty: parameter.ty.clone(),
            kind: parameter.kind,
        };
        parameters.insert(path.clone(), declaration);
        if let Some((number, origin)) = parameter.value {
            let place = format!("parameter `{path}`");
            let tensor = pool.tensor(&place, &parameter.ty, number)?;
            values.insert(path.clone(), Value { tensor, origin });
        }
    }
    for (path, stored) in &manifest.derived_values {
        let place = format!("derived parameter `{path}`");
        if parameters.contains_key(path) {
            return Err(FormatError::Inconsistent {
                place,
                reason: "the path is a parameter's".to_owned(),
            });
        }
        let tensor = pool.tensor(&place, &stored.ty, stored.tensor)?;
        let origin = ValueOrigin::Derived;
        values.insert(path.clone(), Value { tensor, origin });
    }
    let constants = manifest
        .constants
        .iter()
        .enumerate()
        .map(|(number, stored)| {
            let place = format!("constant {number}");
            pool.tensor(&place, &stored.ty, stored.tensor)
        });
    let program = Program {
        symbols: manifest.symbols.clone(),
        facts: manifest.facts.clone(),
        entries: manifest.entries.clone(),
        parameters,
        derived: manifest.derived.clone(),
        constants: constants.collect::<Result<_, _>>()?,
        targets,
        provenance: manifest.provenance.clone(),
        modules: Modules::default(),
    };
    Ok((program, values))
}
