use eyas::{Compiler, PassTimes};

use super::arguments::Check;
use super::{Failed, Outcome, Terminal};

pub(crate) fn run(terminal: &Terminal, own: &Check) -> Outcome {
    let mut failed = false;
    for path in &own.files {
        match Compiler::default().check(path, &mut PassTimes::default()) {
            Ok(source) => {
                let diagnostics: Vec<_> = source.diagnostics().cloned().collect();
                terminal.report(&diagnostics, source.sources());
                failed |= source.has_errors();
            }
            Err(error) => {
                let Failed = terminal.fail(&error);
                failed = true;
            }
        }
    }
    if failed { Err(Failed) } else { Ok(()) }
}
