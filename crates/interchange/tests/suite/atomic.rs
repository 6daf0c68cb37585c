use std::fs;
use std::io::Error;
use std::path::Path;

use eyas_interchange::{InterchangeError, write_atomically};

#[test]
fn a_failure_leaves_what_was_there_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.txt");
    write_atomically(&path, |writer| writer.write_all(b"first")).unwrap();
    let error = write_atomically(&path, |writer| {
        writer.write_all(b"half")?;
        Err(Error::other("no more"))
    });
    let error = error.unwrap_err();
    assert!(error.to_string().ends_with("no more"), "{error}");
    assert_eq!(error.path(), path);
    assert_eq!(fs::read(&path).unwrap(), b"first");
    write_atomically(&path, |writer| writer.write_all(b"second")).unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"second");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_folder_that_is_not_there_is_an_error() {
    let path = Path::new("/nowhere/at/all/x.txt");
    let error = write_atomically(path, |_| Ok(())).unwrap_err();
    assert!(matches!(error, InterchangeError::Write { .. }));
    assert!(write_atomically(&std::env::temp_dir(), |_| Ok(())).is_err());
}

#[cfg(unix)]
#[test]
fn links_stay_links_and_devices_are_written() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let (file, link) = (folder.path().join("file"), folder.path().join("link"));
    fs::write(&file, "old").unwrap();
    std::os::unix::fs::symlink(&file, &link).unwrap();
    write_atomically(&link, |writer| writer.write_all(b"new")).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::read(&file).unwrap(), b"new");
    let mode = fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o600, 0o600);
    write_atomically(Path::new("/dev/null"), |writer| writer.write_all(b"gone")).unwrap();
}
