use std::path::Path;

use eyas_ir::TextOptions;

use crate::compiler::PassTimes;
use crate::{Compiler, Error};

/// What passes make of a source file, as text to compare with what it was: the graph after the
/// passes, with what they did above it as comments. `passes` as in `eyas opt --passes`; the rules
/// of the file join the built-in ones. The same file gives the same text.
///
/// ```no_run
/// // In a test, with insta:
/// // insta::assert_snapshot!(eyas::snapshot("model.eyas", &["canonicalise", "optimize"])?);
/// # Ok::<(), eyas::Error>(())
/// ```
///
/// # Errors
/// The diagnostics of the file, or of a pass that does not exist.
pub fn snapshot(path: impl AsRef<Path>, passes: &[&str]) -> Result<String, Error> {
    let source = Compiler::default().load(path, &mut PassTimes::default())?;
    let options = eyas_optimize::Options {
        rules: source.rules()?,
        verify: true,
        ..eyas_optimize::Options::default()
    };
    let mut module = source.module().clone();
    let mut report = eyas_optimize::Report::default();
    eyas_optimize::run_passes(&mut module, passes, &options, &mut report)
        .map_err(|error| crate::fault::compile_fault(&source, &error.to_string()))?;
    let comments = report.to_string();
    let comments: String = comments
        .lines()
        .map(|line| format!("// {line}\n"))
        .collect();
    Ok(comments + &module.to_text(TextOptions::default()))
}
