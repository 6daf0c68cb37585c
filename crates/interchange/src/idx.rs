use std::io::Read;
use std::path::Path;

use eyas_tensor::{DType, Tensor};

use crate::InterchangeError;
use crate::source::{self, Source};

/// Reads an IDX file, as MNIST has them, compressed by gzip or not.
///
/// # Errors
/// [`InterchangeError`].
pub fn read_idx(path: &Path) -> Result<Tensor, InterchangeError> {
    read(source::open_decompressed(path)?)
}

/// Reads the bytes of an IDX file that is not compressed; the path is for messages.
///
/// # Errors
/// [`InterchangeError`].
pub fn parse_idx(bytes: &[u8], path: &Path) -> Result<Tensor, InterchangeError> {
    read(Source::new(path, bytes, Some(bytes.len() as u64)))
}

fn read<R: Read>(mut source: Source<'_, R>) -> Result<Tensor, InterchangeError> {
    let [zero, also, kind, rank] = source.array("the magic number")?;
    if (zero, also) != (0, 0) {
        return Err(source.malformed(0, "it does not begin as an IDX file"));
    }
    let dtype = match kind {
        0x08 => DType::U8,
        0x09 => DType::I8,
        0x0b => DType::I16,
        0x0c => DType::I32,
        0x0d => DType::F32,
        0x0e => DType::F64,
        _ => return Err(source.malformed(2, format!("no element type is numbered {kind:#04x}"))),
    };
    let mut shape = Vec::with_capacity(rank.into());
    for _ in 0..rank {
        shape.push(u32::from_be_bytes(source.array("the extents")?) as usize);
    }
    let mut tensor = source.tensor(dtype, &shape, "the data")?;
    source.end()?;
    let size = dtype.bits() / 8;
    if size > 1 {
        for element in tensor.bytes_mut().chunks_exact_mut(size) {
            element.reverse();
        }
    }
    Ok(tensor)
}
