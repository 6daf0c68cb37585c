use std::path::Path;

use eyas::Diagnostic;

use super::arguments::Fmt;
use super::{Failed, Outcome, Terminal};

pub(crate) fn run(terminal: &Terminal, own: &Fmt) -> Outcome {
    let mut failed = false;
    for path in &own.files {
        failed |= format_file(terminal, path, own.check).is_err();
    }
    if failed { Err(Failed) } else { Ok(()) }
}

fn format_file(terminal: &Terminal, path: &Path, check: bool) -> Outcome {
    let text = eyas::read_source(path).map_err(|error| terminal.fail(&error))?;
    let formatted =
        eyas::format(&path.display().to_string(), &text).map_err(|error| terminal.fail(&error))?;
    if path == Path::new("-") && !check {
        return terminal.print(&formatted);
    }
    if formatted == text {
        return Ok(());
    }
    if check {
        let message = format!("`{}` is not laid out as `eyas fmt` does it", path.display());
        let help = format!("run `eyas fmt {}`", path.display());
        return Err(terminal.fault(Diagnostic::error("E0603", message).help(help)));
    }
    eyas::write_file(path, formatted.as_bytes()).map_err(|error| terminal.fail(&error))
}
