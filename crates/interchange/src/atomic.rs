use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::InterchangeError;

/// Writes a file so that it is whole or not there: under a temporary name in the same folder,
/// flushed to the disk, then renamed. A device or pipe is written as it is.
///
/// # Errors
/// [`InterchangeError::Write`]; what stood at the path stays.
pub fn write_atomically(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), InterchangeError> {
    let result = match fs::metadata(path) {
        Ok(metadata) if !metadata.is_file() && !metadata.is_dir() => write_through(path, write),
        // A link stays a link: what it names is replaced.
        Ok(_) => fs::canonicalize(path).and_then(|path| replace(&path, write)),
        Err(_) => replace(path, write),
    };
    result.map_err(|source| InterchangeError::Write {
        path: path.to_owned(),
        source,
    })
}

fn write_through(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let mut file = BufWriter::new(File::options().write(true).open(path)?);
    write(&mut file)?;
    file.flush()
}

fn replace(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(".eyas-").suffix(".part");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // Less the umask, as any new file; a temporary file would be its owner's alone.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    let mut writer = BufWriter::new(builder.tempfile_in(&folder)?);
    write(&mut writer)?;
    let file = writer
        .into_inner()
        .map_err(io::IntoInnerError::into_error)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    // That the name is on the disk too is a help after a power failure, not a promise.
    let _ = File::open(&folder).and_then(|folder| folder.sync_all());
    Ok(())
}
