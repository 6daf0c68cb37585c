use std::io;
use std::path::{Path, PathBuf};

/// A directory that holds the stub under the names by which programs look for CUDA's driver; it goes when this
/// is dropped.
#[derive(Debug)]
pub struct LibraryDirectory {
    directory: tempfile::TempDir,
}

impl LibraryDirectory {
    /// Its path, for `LD_LIBRARY_PATH`.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }
}

const BUILT: &str = "libeyas_cuda_stub.so";
const NAMES: [&str; 2] = ["libcuda.so", "libcuda.so.1"];

/// Makes such a directory. The library is the one that `EYAS_CUDA_STUB` names, or the one that Cargo built when it
/// built this program, which lies beside it: a test, example or command of a package that depends on this
/// one.
///
/// # Errors
/// Where there is no such library, or no directory can be made.
pub fn library_directory() -> io::Result<LibraryDirectory> {
    let named = std::env::var_os("EYAS_CUDA_STUB").map(PathBuf::from);
    let program = std::env::current_exe()?;
    let around = program.ancestors().skip(1).take(2);
    let built = around.flat_map(|place| [place.join("deps").join(BUILT), place.join(BUILT)]);
    let mut places = named.into_iter().chain(built);
    let library = places.find(|path| path.is_file()).ok_or_else(|| {
        let message = format!("{BUILT} is not beside {}", program.display());
        io::Error::new(io::ErrorKind::NotFound, message)
    })?;
    let library = library.canonicalize()?;
    let directory = tempfile::tempdir()?;
    for name in NAMES {
        link(&library, &directory.path().join(name))?;
    }
    Ok(LibraryDirectory { directory })
}

#[cfg(unix)]
fn link(library: &Path, place: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(library, place)
}

#[cfg(not(unix))]
fn link(library: &Path, place: &Path) -> io::Result<()> {
    std::fs::copy(library, place).map(|_| ())
}
