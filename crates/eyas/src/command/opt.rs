use eyas::{Compiler, Diagnostic, PassTimes, TextOptions};

use super::arguments::Opt;
use super::{Outcome, Terminal, output};

pub(crate) fn run(terminal: &Terminal, own: &Opt) -> Outcome {
    if own.list_passes {
        let rows: Vec<Vec<String>> = eyas::passes()
            .iter()
            .map(|pass| vec![pass.name.to_owned(), pass.description.to_owned()])
            .collect();
        return terminal.print(&output::table(&rows));
    }
    let Some(path) = &own.file else {
        return Ok(());
    };
    let text = eyas::read_source(path).map_err(|error| terminal.fail(&error))?;
    let mut module = eyas::Module::from_text(&text).map_err(|error| {
        let message = format!("`{}` does not read: {error}", path.display());
        terminal.fault(Diagnostic::error("E0607", message))
    })?;
    let rules = match &own.rules {
        Some(path) => Compiler::default()
            .load(path, &mut PassTimes::default())
            .and_then(|source| source.rules())
            .map_err(|error| terminal.fail(&error))?,
        None => Vec::new(),
    };
    let options = eyas::PassOptions {
        math: own.math.into(),
        rules,
        verify: true,
        ..eyas::PassOptions::default()
    };
    let names: Vec<&str> = own.passes.iter().map(String::as_str).collect();
    let mut report = eyas::Report::default();
    eyas::run_passes(&mut module, &names, &options, &mut report).map_err(|error| {
        let (code, help) = match &error {
            eyas::PassError::UnknownPass(_) => ("E0608", "`eyas opt --list-passes` lists them"),
            _ => ("E0702", "this is a bug of the pass or of a rule"),
        };
        terminal.fault(Diagnostic::error(code, error.to_string()).help(help))
    })?;
    let mut text = String::new();
    if own.fired {
        let lines = report.to_string();
        text.extend(lines.lines().map(|line| format!("// {line}\n")));
    }
    text.push_str(&module.to_text(TextOptions::default()));
    terminal.print(&text)
}
