use std::collections::BTreeMap;
use std::io::{BufReader, Read};
use std::path::Path;

use ::safetensors::Dtype;
use ::safetensors::tensor::Metadata;
use eyas_tensor::{DType, Tensor};
use serde_json::{Map, Value, json};

use crate::source::{self, Source};
use crate::{InterchangeError, write_atomically};

/// The greatest header taken, as the format's own library has it.
const HEADER_LIMIT: u64 = 100_000_000;

/// Tensors by path, and what a file says of them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Weights {
    /// The tensors.
    pub tensors: BTreeMap<String, Tensor>,
    /// Any pairs of texts.
    pub metadata: BTreeMap<String, String>,
}

/// Reads a safetensors file.
///
/// # Errors
/// [`InterchangeError`], for element types that Eyas has not too.
pub fn read_safetensors(path: &Path) -> Result<Weights, InterchangeError> {
    let (file, length) = source::open(path)?;
    read(
        Source::new(path, BufReader::new(file), Some(length)),
        length,
    )
}

/// Reads the bytes of a safetensors file; the path is for messages.
///
/// # Errors
/// As [`read_safetensors`].
pub fn parse_safetensors(bytes: &[u8], path: &Path) -> Result<Weights, InterchangeError> {
    let length = bytes.len() as u64;
    read(Source::new(path, bytes, Some(length)), length)
}

fn read<R: Read>(mut source: Source<'_, R>, length: u64) -> Result<Weights, InterchangeError> {
    let size = u64::from_le_bytes(source.array("the header's length")?);
    source.room(size, "the header")?;
    if size > HEADER_LIMIT {
        let what = format!("has a header of {size} bytes, more than {HEADER_LIMIT}");
        return Err(source.unsupported(what));
    }
    let header = source.bytes(size as usize, "the header")?;
    let header: Metadata = serde_json::from_slice(&header)
        .map_err(|error| source.malformed(8, format!("the header: {error}")))?;
    source.room(header.data_len() as u64, "the data")?;
    if (header.data_len() as u64) < length - source.position() {
        let end = source.position() + header.data_len() as u64;
        return Err(source.malformed(end, "something follows the data"));
    }
    let mut weights = Weights::default();
    for (key, value) in header.metadata().iter().flatten() {
        weights.metadata.insert(key.clone(), value.clone());
    }
    for name in header.offset_keys() {
        let Some(info) = header.info(&name) else {
            continue;
        };
        let what = format!("tensor `{name}`");
        let dtype = element_type(info.dtype)
            .ok_or_else(|| source.unsupported(format!("has {what} of type {:?}", info.dtype)))?;
        let mut tensor = source.tensor(dtype, &info.shape, &what)?;
        if dtype == DType::Bool {
            for byte in tensor.bytes_mut() {
                *byte = u8::from(*byte != 0);
            }
        }
        weights.tensors.insert(name, tensor);
    }
    source.end()?;
    Ok(weights)
}

/// Types that both have, by the format's name.
const TYPES: [(DType, Dtype, &str); 15] = [
    (DType::F64, Dtype::F64, "F64"),
    (DType::F32, Dtype::F32, "F32"),
    (DType::F16, Dtype::F16, "F16"),
    (DType::BF16, Dtype::BF16, "BF16"),
    (DType::F8E4M3, Dtype::F8_E4M3, "F8_E4M3"),
    (DType::F8E5M2, Dtype::F8_E5M2, "F8_E5M2"),
    (DType::I64, Dtype::I64, "I64"),
    (DType::I32, Dtype::I32, "I32"),
    (DType::I16, Dtype::I16, "I16"),
    (DType::I8, Dtype::I8, "I8"),
    (DType::U64, Dtype::U64, "U64"),
    (DType::U32, Dtype::U32, "U32"),
    (DType::U16, Dtype::U16, "U16"),
    (DType::U8, Dtype::U8, "U8"),
    (DType::Bool, Dtype::BOOL, "BOOL"),
];

fn element_type(theirs: Dtype) -> Option<DType> {
    let found = TYPES.iter().find(|(_, known, _)| *known == theirs);
    found.map(|(own, _, _)| *own)
}

/// Writes a safetensors file, whole or not at all; the same weights give the same bytes.
///
/// # Errors
/// [`InterchangeError::Unsupported`] for a type that the format has not, and what writing gives.
pub fn write_safetensors(path: &Path, weights: &Weights) -> Result<(), InterchangeError> {
    let (header, tensors) = header_of(weights, path)?;
    write_atomically(path, |writer| {
        writer.write_all(&header)?;
        let mut tensors = tensors.iter();
        tensors.try_for_each(|tensor| writer.write_all(tensor.bytes()))
    })
}

/// The bytes of a safetensors file; the path is for messages.
///
/// # Errors
/// [`InterchangeError::Unsupported`] for a type that the format has not.
pub fn encode_safetensors(weights: &Weights, path: &Path) -> Result<Vec<u8>, InterchangeError> {
    let (mut bytes, tensors) = header_of(weights, path)?;
    for tensor in tensors {
        bytes.extend_from_slice(tensor.bytes());
    }
    Ok(bytes)
}

/// The header with its length, and the tensors in their order: the widest elements first, so that
/// all are aligned, then by path.
fn header_of<'a>(
    weights: &'a Weights,
    path: &Path,
) -> Result<(Vec<u8>, Vec<&'a Tensor>), InterchangeError> {
    let mut tensors: Vec<(&String, &Tensor)> = weights.tensors.iter().collect();
    tensors.sort_by_key(|(_, tensor)| std::cmp::Reverse(tensor.dtype().bits()));
    let mut header = Map::new();
    if !weights.metadata.is_empty() {
        header.insert("__metadata__".to_owned(), json!(weights.metadata));
    }
    let mut end = 0;
    for (name, tensor) in &tensors {
        let unsupported = |what: String| InterchangeError::Unsupported {
            path: path.to_owned(),
            what,
        };
        let dtype = tensor.dtype();
        let known = TYPES.iter().find(|(own, _, _)| *own == dtype);
        let (_, _, theirs) = known.ok_or_else(|| {
            unsupported(format!(
                "cannot hold `{name}`, for safetensors has no {dtype}"
            ))
        })?;
        let start = end;
        end += tensor.bytes().len();
        let info = json!({
            "dtype": theirs,
            "shape": tensor.shape(),
            "data_offsets": [start, end],
        });
        if header.insert((*name).clone(), info).is_some() {
            return Err(unsupported(format!("cannot hold a tensor named `{name}`")));
        }
    }
    let mut text = Value::Object(header).to_string();
    text.push_str(&" ".repeat(text.len().next_multiple_of(8) - text.len()));
    let mut bytes = (text.len() as u64).to_le_bytes().to_vec();
    bytes.extend(text.into_bytes());
    Ok((
        bytes,
        tensors.into_iter().map(|(_, tensor)| tensor).collect(),
    ))
}
