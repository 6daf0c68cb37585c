use eyas::PassTimes;

use super::arguments::Compile;
use super::{Outcome, Terminal, input};

pub(crate) fn run(terminal: &Terminal, own: &Compile) -> Outcome {
    let mut times = PassTimes::default();
    let compiler = input::compiler(terminal, &own.options)?;
    let source = input::load(terminal, &compiler, &own.file, &mut times)?;
    let set = compiler
        .compile_source(&source, &mut times)
        .map_err(|error| terminal.fail(&error))?;
    let path = own
        .output
        .clone()
        .unwrap_or_else(|| own.file.with_extension("kset"));
    let size = times.time("write", || -> Result<usize, eyas::Error> {
        let bytes = set
            .to_bytes()
            .map_err(|error| eyas::runtime_fault(&error, None))?;
        eyas::write_file(&path, &bytes)?;
        Ok(bytes.len())
    });
    let size = size.map_err(|error| terminal.fail(&error))?;
    input::times(terminal, &own.options, &times);
    terminal.say(&format!(
        "compiled `{}` into `{}`, {} in {:.1} ms",
        own.file.display(),
        path.display(),
        super::output::bytes(size),
        times.total().as_secs_f64() * 1e3
    ));
    Ok(())
}
