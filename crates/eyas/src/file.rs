//! Files as the command and the library read and write them: every fault a diagnostic.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use eyas_diagnostic::{Diagnostic, SourceMap};
use eyas_interchange::InterchangeError;
use eyas_tensor::Tensor;

use crate::Error;

/// A source file is at most this long.
const SOURCE_LIMIT: u64 = 64 << 20;

/// The text of a source file; of `-`, of standard input.
///
/// # Errors
/// E0601 where it cannot be read, E0604 where it is not UTF-8, E0605 where it is too long.
pub fn read_source(path: &Path) -> Result<String, Error> {
    let bytes = if path == Path::new("-") {
        let mut bytes = Vec::new();
        let input = std::io::stdin().lock().take(SOURCE_LIMIT + 1);
        read_all(input, path, &mut bytes)?;
        bytes
    } else {
        let file = std::fs::File::open(path).map_err(|error| unreadable(path, &error))?;
        let mut bytes = Vec::new();
        read_all(file.take(SOURCE_LIMIT + 1), path, &mut bytes)?;
        bytes
    };
    if bytes.len() as u64 > SOURCE_LIMIT {
        let message = format!("`{}` is longer than a source file may be", path.display());
        let limit = format!("the limit is {SOURCE_LIMIT} bytes");
        return Err(Diagnostic::error("E0605", message).note(limit).into());
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let text = String::from_utf8_lossy(&error.as_bytes()[..valid]);
        let line = text.matches('\n').count() + 1;
        let message = format!("`{}` is not UTF-8 text", path.display());
        let note = format!("the first byte that is not stands at offset {valid}, in line {line}");
        let help = "save the file as UTF-8; a weight file or kernel set is not a source file";
        Diagnostic::error("E0604", message)
            .note(note)
            .help(help)
            .into()
    })
}

fn read_all(mut reader: impl Read, path: &Path, bytes: &mut Vec<u8>) -> Result<(), Error> {
    let read = reader.read_to_end(bytes);
    read.map(drop).map_err(|error| unreadable(path, &error))
}

pub(crate) fn unreadable(path: &Path, error: &std::io::Error) -> Error {
    let message = format!("`{}` cannot be read: {error}", path.display());
    Diagnostic::error("E0601", message).into()
}

/// Writes a file whole or not at all: under a temporary name, synced, then renamed.
///
/// # Errors
/// E0602 where it cannot be written.
pub fn write_file(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    eyas_interchange::write_atomically(path, |file| file.write_all(bytes))
        .map_err(|error| unwritten(&error))
}

/// The tensors of a safetensors file by name.
///
/// # Errors
/// E0601 and E0606 where it cannot be read or is not such a file.
pub fn read_weights(path: impl AsRef<Path>) -> Result<BTreeMap<String, Tensor>, Error> {
    let path = path.as_ref();
    let read = eyas_interchange::read_safetensors(path);
    read.map(|weights| weights.tensors)
        .map_err(|error| unread(&error))
}

/// The tensor in an npy file.
///
/// # Errors
/// E0601 and E0606 where it cannot be read or is not such a file.
pub fn read_tensor(path: impl AsRef<Path>) -> Result<Tensor, Error> {
    let path = path.as_ref();
    eyas_interchange::read_npy(path).map_err(|error| unread(&error))
}

/// Writes a tensor as an npy file.
///
/// # Errors
/// E0602 where it cannot be written.
pub fn write_tensor(path: impl AsRef<Path>, tensor: &Tensor) -> Result<(), Error> {
    let path = path.as_ref();
    eyas_interchange::write_npy(path, tensor).map_err(|error| unwritten(&error))
}

fn unread(error: &InterchangeError) -> Error {
    let code = match error {
        InterchangeError::Read { .. } => "E0601",
        _ => "E0606",
    };
    Diagnostic::error(code, error.to_string()).into()
}

fn unwritten(error: &InterchangeError) -> Error {
    Diagnostic::error("E0602", error.to_string()).into()
}

/// Lays out a source text afresh; `name` stands in diagnostics.
///
/// # Errors
/// The diagnostics of a text that does not parse.
pub fn format(name: &str, text: &str) -> Result<String, Error> {
    let mut sources = SourceMap::new();
    let file = sources.add(name, text);
    eyas_syntax::format(text, file).map_err(|diagnostics| Error::new(diagnostics, sources))
}
