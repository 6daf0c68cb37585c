//! From the compile options on the command line to a compiler.

use std::collections::BTreeMap;
use std::path::Path;

use eyas::{Compiler, Diagnostic, Machine, PassTimes, Source, Tensor};

use super::arguments::{CompileOptions, TargetKind};
use super::{Failed, Terminal};

/// The compiler that the options ask for.
pub(crate) fn compiler(terminal: &Terminal, options: &CompileOptions) -> Result<Compiler, Failed> {
    Ok(Compiler {
        model: options.model.clone(),
        weights: weights(terminal, options)?,
        bind: options.bind.iter().cloned().collect(),
        specialize: options.specialize.clone(),
        machines: machines(options, false),
        math: options.math.into(),
        wide: !options.no_wide,
        ..Compiler::default()
    })
}

/// The machines that the options name; `interpreted` is what a run in the interpreter needs.
pub(crate) fn machines(options: &CompileOptions, interpreted: bool) -> Vec<Machine> {
    let targets = match (interpreted, options.target.is_empty()) {
        (true, _) => &[TargetKind::Cuda],
        (false, true) => &[TargetKind::Cpu],
        (false, false) => &options.target[..],
    };
    let targets = targets.iter();
    let machines = targets.flat_map(|target| match target {
        TargetKind::Cpu => options.cpu.iter().copied().map(Machine::cpu).collect(),
        TargetKind::Cuda => {
            let architectures = options.cuda_arch.iter().copied();
            architectures.map(Machine::Cuda).collect::<Vec<_>>()
        }
    });
    machines.collect()
}

/// The weights, renamed.
pub(crate) fn weights(
    terminal: &Terminal,
    options: &CompileOptions,
) -> Result<Option<BTreeMap<String, Tensor>>, Failed> {
    let Some(path) = &options.weights else {
        return Ok(None);
    };
    let mut weights = eyas::read_weights(path).map_err(|error| terminal.fail(&error))?;
    if let Some(path) = &options.rename {
        rename(terminal, path, &mut weights)?;
    }
    Ok(Some(weights))
}

fn rename(
    terminal: &Terminal,
    path: &Path,
    weights: &mut BTreeMap<String, Tensor>,
) -> Result<(), Failed> {
    let text = eyas::read_source(path).map_err(|error| terminal.fail(&error))?;
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.split('#').next().unwrap_or("").trim();
        if line.is_empty() {
            continue;
        }
        let fault = |what: String| {
            let message = format!("`{}`, line {number}: {what}", path.display());
            terminal.fault(Diagnostic::error("E0606", message))
        };
        let words: Vec<&str> = line.split_whitespace().collect();
        let [old, new] = words[..] else {
            return Err(fault("a line is of the form `OLD NEW`".to_owned()));
        };
        let Some(tensor) = weights.remove(old) else {
            return Err(fault(format!("the weight file has no tensor `{old}`")));
        };
        if weights.insert(new.to_owned(), tensor).is_some() {
            return Err(fault(format!(
                "the weight file has a tensor `{new}` already"
            )));
        }
    }
    Ok(())
}

/// Loads a source and reports what there is to say about it.
pub(crate) fn load(
    terminal: &Terminal,
    compiler: &Compiler,
    path: &Path,
    times: &mut PassTimes,
) -> Result<Source, Failed> {
    let source = compiler
        .load(path, times)
        .map_err(|error| terminal.fail(&error))?;
    let diagnostics: Vec<_> = source.diagnostics().cloned().collect();
    terminal.report(&diagnostics, source.sources());
    Ok(source)
}

/// The times as a table, where they were asked for.
pub(crate) fn times(terminal: &Terminal, options: &CompileOptions, times: &PassTimes) {
    if !options.time_passes && !terminal.verbose {
        return;
    }
    for (pass, time) in times.iter() {
        terminal.say(&format!("{:>10.3} ms  {pass}", time.as_secs_f64() * 1e3));
    }
    let total = times.total().as_secs_f64() * 1e3;
    terminal.say(&format!("{total:>10.3} ms  total"));
}
