use std::io::{BufReader, Read};
use std::path::Path;

use eyas_tensor::{DType, Tensor};

use crate::npy_header::{self, Header};
use crate::source::{self, Source};
use crate::{InterchangeError, write_atomically};

const MAGIC: [u8; 6] = *b"\x93NUMPY";

/// The greatest header taken; NumPy writes about a hundred bytes.
const HEADER_LIMIT: usize = 1 << 20;

/// Reads a NumPy array file: bools, integers, f16, f32 and f64 of either byte order and either
/// layout, format versions 1 to 3.
///
/// # Errors
/// [`InterchangeError`], for other element types too.
pub fn read_npy(path: &Path) -> Result<Tensor, InterchangeError> {
    let (file, length) = source::open(path)?;
    read(Source::new(path, BufReader::new(file), Some(length)))
}

/// Reads a NumPy array file's bytes; the path is for messages.
///
/// # Errors
/// As [`read_npy`].
pub fn parse_npy(bytes: &[u8], path: &Path) -> Result<Tensor, InterchangeError> {
    read(Source::new(path, bytes, Some(bytes.len() as u64)))
}

/// Reads an array up to the source's end.
pub(crate) fn read<R: Read>(mut source: Source<'_, R>) -> Result<Tensor, InterchangeError> {
    let tensor = read_array(&mut source)?;
    source.end()?;
    Ok(tensor)
}

/// Reads one array.
pub(crate) fn read_array<R: Read>(source: &mut Source<'_, R>) -> Result<Tensor, InterchangeError> {
    if source.array("the magic number")? != MAGIC {
        return Err(source.malformed(0, "it does not begin as an npy file"));
    }
    let [major, minor] = source.array("the version")?;
    let length = match major {
        1 => usize::from(u16::from_le_bytes(source.array("the header's length")?)),
        2 | 3 => u32::from_le_bytes(source.array("the header's length")?) as usize,
        _ => return Err(source.unsupported(format!("has the npy version {major}.{minor}"))),
    };
    source.room(length as u64, "the header")?;
    if length > HEADER_LIMIT {
        let what = format!("has a header of {length} bytes, more than {HEADER_LIMIT}");
        return Err(source.unsupported(what));
    }
    let start = source.position();
    let text = source.bytes(length, "the header")?;
    let header = npy_header::parse(&text, source, start)?;
    let stored = if header.fortran_order {
        header.shape.iter().rev().copied().collect()
    } else {
        header.shape.clone()
    };
    let mut tensor = source.tensor(header.dtype, &stored, "the data")?;
    normalise(&mut tensor, &header);
    if header.fortran_order {
        tensor = transposed(&tensor, &header.shape, source.path())?;
    }
    Ok(tensor)
}

/// Little-endian elements, bools of 0 and 1.
fn normalise(tensor: &mut Tensor, header: &Header) {
    let size = header.dtype.bits() / 8;
    if header.big_endian && size > 1 {
        for element in tensor.bytes_mut().chunks_exact_mut(size) {
            element.reverse();
        }
    }
    if header.dtype == DType::Bool {
        for byte in tensor.bytes_mut() {
            *byte = u8::from(*byte != 0);
        }
    }
}

/// Axes in reverse order.
fn transposed(stored: &Tensor, shape: &[usize], path: &Path) -> Result<Tensor, InterchangeError> {
    let result = Tensor::zeros(stored.dtype(), shape);
    let mut result = result.map_err(|source| InterchangeError::Tensor {
        path: path.to_owned(),
        source,
    })?;
    if stored.bytes().is_empty() {
        return Ok(result);
    }
    let size = stored.dtype().bits() / 8;
    let mut strides = Vec::with_capacity(shape.len());
    let mut stride = size;
    for extent in shape {
        strides.push(stride);
        stride *= extent;
    }
    let (mut index, mut place) = (vec![0usize; shape.len()], 0);
    for element in result.bytes_mut().chunks_exact_mut(size) {
        element.copy_from_slice(&stored.bytes()[place..place + size]);
        for axis in (0..shape.len()).rev() {
            index[axis] += 1;
            place += strides[axis];
            if index[axis] < shape[axis] {
                break;
            }
            place -= strides[axis] * shape[axis];
            index[axis] = 0;
        }
    }
    Ok(result)
}

/// Writes a NumPy array file, whole or not at all.
///
/// # Errors
/// [`InterchangeError::Unsupported`] for a type that NumPy has not, and what writing gives.
pub fn write_npy(path: &Path, tensor: &Tensor) -> Result<(), InterchangeError> {
    let header = header_of(path, tensor)?;
    write_atomically(path, |writer| {
        writer.write_all(&header)?;
        writer.write_all(tensor.bytes())
    })
}

/// The bytes of a NumPy array file; the path is for messages.
///
/// # Errors
/// [`InterchangeError::Unsupported`] for a type that NumPy has not.
pub fn encode_npy(tensor: &Tensor, path: &Path) -> Result<Vec<u8>, InterchangeError> {
    let mut bytes = header_of(path, tensor)?;
    bytes.extend_from_slice(tensor.bytes());
    Ok(bytes)
}

fn header_of(path: &Path, tensor: &Tensor) -> Result<Vec<u8>, InterchangeError> {
    let unsupported = |what: String| InterchangeError::Unsupported {
        path: path.to_owned(),
        what,
    };
    let dtype = tensor.dtype();
    let descriptor = npy_header::descriptor(dtype)
        .ok_or_else(|| unsupported(format!("cannot hold `{dtype}`, which NumPy has not")))?;
    let extents: Vec<String> = tensor.shape().iter().map(usize::to_string).collect();
    let comma = if extents.len() == 1 { "," } else { "" };
    let extents = extents.join(", ");
    let mut text = format!(
        "{{'descr': '{descriptor}', 'fortran_order': False, 'shape': ({extents}{comma}), }}"
    );
    let fixed = MAGIC.len() + 4;
    let padded = (fixed + text.len() + 1).next_multiple_of(64) - fixed;
    text.push_str(&" ".repeat(padded - text.len() - 1));
    text.push('\n');
    let length = u16::try_from(padded);
    let length = length.map_err(|_| unsupported("cannot hold so many axes".to_owned()))?;
    let mut bytes = MAGIC.to_vec();
    bytes.extend([1, 0]);
    bytes.extend(length.to_le_bytes());
    bytes.extend(text.into_bytes());
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use eyas_tensor::Number;

    use super::*;

    #[test]
    fn a_column_major_array_is_read_row_by_row() {
        let stored: Vec<Number> = (0..6).map(Number::Int).collect();
        let stored = Tensor::from_numbers(DType::U8, &[3, 2], &stored).unwrap();
        let result = transposed(&stored, &[2, 3], Path::new("x")).unwrap();
        assert_eq!(result.bytes(), [0, 2, 4, 1, 3, 5]);
    }
}
