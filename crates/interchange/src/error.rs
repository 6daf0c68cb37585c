use std::io;
use std::path::{Path, PathBuf};

use eyas_tensor::TensorError;

/// Why a file could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum InterchangeError {
    /// The system refuses to read.
    #[error("cannot read `{}`: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The system refuses to write.
    #[error("cannot write `{}`: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file ends too early.
    #[error("`{}` is cut short: {what} needs {needed} bytes, but the file has {found}", path.display())]
    Truncated {
        /// The file.
        path: PathBuf,
        /// What is not there.
        what: String,
        /// Bytes up to its end.
        needed: u64,
        /// Bytes there are, after decompression.
        found: u64,
    },
    /// The bytes are not of the format.
    #[error("`{}` is malformed at byte {offset}: {what}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where, after decompression.
        offset: u64,
        /// What is wrong.
        what: String,
    },
    /// A line of text does not fit.
    #[error("`{}`, line {line}: {what}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What is wrong.
        what: String,
    },
    /// Something that the format has, but not Eyas; or the other way round when writing.
    #[error("`{}` {what}", path.display())]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// What it has.
        what: String,
    },
    /// A tensor that memory does not hold.
    #[error("`{}`: {source}", path.display())]
    Tensor {
        /// The file.
        path: PathBuf,
        /// Its type and extents.
        source: TensorError,
    },
    /// A part of a data set that is not there.
    #[error("`{}` has none of {}", path.display(), names.join(", "))]
    Missing {
        /// The folder.
        path: PathBuf,
        /// The files, of which there must be one.
        names: Vec<String>,
    },
    /// Parts that do not fit together.
    #[error("`{}`: {what}", path.display())]
    Mismatch {
        /// The file or folder.
        path: PathBuf,
        /// What does not fit.
        what: String,
    },
}

impl InterchangeError {
    /// The file or folder.
    pub fn path(&self) -> &Path {
        match self {
            InterchangeError::Read { path, .. }
            | InterchangeError::Write { path, .. }
            | InterchangeError::Truncated { path, .. }
            | InterchangeError::Malformed { path, .. }
            | InterchangeError::Line { path, .. }
            | InterchangeError::Unsupported { path, .. }
            | InterchangeError::Tensor { path, .. }
            | InterchangeError::Missing { path, .. }
            | InterchangeError::Mismatch { path, .. } => path,
        }
    }
}
