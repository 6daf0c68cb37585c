use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::path::Path;

use eyas_tensor::{DType, Tensor};
use flate2::bufread::MultiGzDecoder;

use crate::InterchangeError;

/// The first bytes of a gzip stream.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Bytes that are read in order and counted.
pub(crate) struct Source<'a, R> {
    path: &'a Path,
    reader: R,
    position: u64,
    /// How many bytes there are; unknown where they are decompressed.
    length: Option<u64>,
}

/// A file of a known length.
pub(crate) fn open(path: &Path) -> Result<(File, u64), InterchangeError> {
    let read = |source| InterchangeError::Read {
        path: path.to_owned(),
        source,
    };
    let file = File::open(path).map_err(read)?;
    let metadata = file.metadata().map_err(read)?;
    if !metadata.is_file() {
        let source = io::Error::new(ErrorKind::InvalidInput, "it is not a file");
        return Err(read(source));
    }
    Ok((file, metadata.len()))
}

/// A file that may be compressed by gzip.
pub(crate) fn open_decompressed<'a>(
    path: &'a Path,
) -> Result<Source<'a, Box<dyn Read>>, InterchangeError> {
    let (file, length) = open(path)?;
    let mut reader = BufReader::with_capacity(1 << 16, file);
    let head = reader.fill_buf();
    let head = head.map_err(|source| InterchangeError::Read {
        path: path.to_owned(),
        source,
    })?;
    if head.starts_with(&GZIP) {
        let reader: Box<dyn Read> = Box::new(MultiGzDecoder::new(reader));
        return Ok(Source::new(path, reader, None));
    }
    Ok(Source::new(path, Box::new(reader), Some(length)))
}

impl<'a, R: Read> Source<'a, R> {
    pub(crate) fn new(path: &'a Path, reader: R, length: Option<u64>) -> Source<'a, R> {
        Source {
            path,
            reader,
            position: 0,
            length,
        }
    }

    pub(crate) fn path(&self) -> &'a Path {
        self.path
    }

    /// Bytes read so far.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    pub(crate) fn into_reader(self) -> R {
        self.reader
    }

    pub(crate) fn malformed(&self, offset: u64, what: impl Into<String>) -> InterchangeError {
        InterchangeError::Malformed {
            path: self.path.to_owned(),
            offset,
            what: what.into(),
        }
    }

    pub(crate) fn unsupported(&self, what: impl Into<String>) -> InterchangeError {
        InterchangeError::Unsupported {
            path: self.path.to_owned(),
            what: what.into(),
        }
    }

    fn truncated(&self, what: &str, size: u64, found: u64) -> InterchangeError {
        InterchangeError::Truncated {
            path: self.path.to_owned(),
            what: what.to_owned(),
            needed: self.position.saturating_add(size),
            found,
        }
    }

    fn failed(&self, source: io::Error) -> InterchangeError {
        match source.kind() {
            ErrorKind::InvalidData | ErrorKind::InvalidInput => {
                self.malformed(self.position, format!("it does not decompress: {source}"))
            }
            _ => InterchangeError::Read {
                path: self.path.to_owned(),
                source,
            },
        }
    }

    /// Checks that so many bytes follow, where that is known.
    pub(crate) fn room(&self, size: u64, what: &str) -> Result<(), InterchangeError> {
        match self.length {
            Some(length) if size > length.saturating_sub(self.position) => {
                Err(self.truncated(what, size, length))
            }
            _ => Ok(()),
        }
    }

    /// Fills the buffer.
    pub(crate) fn fill(&mut self, buffer: &mut [u8], what: &str) -> Result<(), InterchangeError> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.reader.read(&mut buffer[filled..]) {
                Ok(0) => return Err(self.ended(what, buffer.len(), filled)),
                Ok(count) => filled += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                    return Err(self.ended(what, buffer.len(), filled));
                }
                Err(error) => return Err(self.failed(error)),
            }
        }
        self.position += filled as u64;
        Ok(())
    }

    fn ended(&self, what: &str, size: usize, filled: usize) -> InterchangeError {
        self.truncated(what, size as u64, self.position + filled as u64)
    }

    pub(crate) fn array<const N: usize>(
        &mut self,
        what: &str,
    ) -> Result<[u8; N], InterchangeError> {
        let mut bytes = [0; N];
        self.fill(&mut bytes, what)?;
        Ok(bytes)
    }

    /// So many bytes; room is made for no more than there are.
    pub(crate) fn bytes(&mut self, size: usize, what: &str) -> Result<Vec<u8>, InterchangeError> {
        self.room(size as u64, what)?;
        let mut bytes = Vec::new();
        let read = (&mut self.reader).take(size as u64).read_to_end(&mut bytes);
        match read {
            Ok(_) if bytes.len() == size => {
                self.position += size as u64;
                Ok(bytes)
            }
            Err(error) if error.kind() != ErrorKind::UnexpectedEof => Err(self.failed(error)),
            _ => Err(self.ended(what, size, bytes.len())),
        }
    }

    /// A tensor's storage as it stands.
    pub(crate) fn tensor(
        &mut self,
        dtype: DType,
        shape: &[usize],
        what: &str,
    ) -> Result<Tensor, InterchangeError> {
        let path = self.path;
        let fault = |source| InterchangeError::Tensor {
            path: path.to_owned(),
            source,
        };
        let count = shape.iter().try_fold(1usize, |n, &m| n.checked_mul(m));
        let size = count.and_then(|count| dtype.bytes_for(count));
        let Some(size) = size else {
            let shape = shape.to_vec();
            return Err(fault(eyas_tensor::TensorError::TooLarge { shape, dtype }));
        };
        self.room(size as u64, what)?;
        if self.length.is_none() {
            let bytes = self.bytes(size, what)?;
            return Tensor::from_bytes(dtype, shape, &bytes).map_err(fault);
        }
        let mut tensor = Tensor::zeros(dtype, shape).map_err(fault)?;
        self.fill(tensor.bytes_mut(), what)?;
        Ok(tensor)
    }

    /// Checks that nothing follows.
    pub(crate) fn end(&mut self) -> Result<(), InterchangeError> {
        let mut byte = [0];
        loop {
            match self.reader.read(&mut byte) {
                Ok(0) => return Ok(()),
                Ok(_) => {
                    let what = "something follows the data";
                    return Err(self.malformed(self.position, what));
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                    return Err(self.ended("the end of the compressed data", 1, 0));
                }
                Err(error) => return Err(self.failed(error)),
            }
        }
    }
}
