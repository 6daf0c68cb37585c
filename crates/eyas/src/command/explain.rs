use std::path::Path;

use eyas::{Compiler, Diagnostic, PassTimes};

use super::arguments::Explain;
use super::{Outcome, Terminal, input};

pub(crate) fn run(terminal: &Terminal, own: &Explain) -> Outcome {
    match &own.kernel {
        Some(kernel) => kernel_story(terminal, own, kernel),
        None => page(terminal, &own.subject),
    }
}

fn page(terminal: &Terminal, code: &str) -> Outcome {
    if let Some(page) = eyas::explain(&code.to_uppercase()) {
        return terminal.print(page);
    }
    let message = format!("there is no page on `{code}`");
    let help = match Path::new(code).exists() {
        true => format!("to hear of a kernel: eyas explain {code} --kernel NAME"),
        false => "codes stand in brackets behind `error`, such as E0102".to_owned(),
    };
    Err(terminal.fault(Diagnostic::error("E0611", message).help(help)))
}

fn kernel_story(terminal: &Terminal, own: &Explain, name: &str) -> Outcome {
    let mut times = PassTimes::default();
    let compiler = Compiler {
        explain: true,
        ..input::compiler(terminal, &own.options)?
    };
    let path = Path::new(&own.subject);
    let source = input::load(terminal, &compiler, path, &mut times)?;
    let optimised = compiler
        .optimise(&source, &mut times)
        .map_err(|error| terminal.fail(&error))?;
    let isa = compiler
        .isas
        .first()
        .copied()
        .unwrap_or(eyas::Isa::native());
    let target = compiler
        .target(&source, &optimised, &[], isa, &mut Vec::new(), &mut times)
        .map_err(|error| terminal.fail(&error))?;
    let kernels = &target.kernels;
    let Some(kernel) = kernels.iter().find(|kernel| kernel.name == name) else {
        let names: Vec<&str> = kernels.iter().map(|kernel| kernel.name.as_str()).collect();
        let message = format!("there is no kernel `{name}`");
        let note = format!("the kernels are {}", names.join(", "));
        return Err(terminal.fault(Diagnostic::error("E0611", message).note(note)));
    };
    let mut text = format!("kernel {name}\n\nfrom the source:\n");
    for span in &kernel.origin.spans {
        let sources = source.sources();
        let place = sources.line_column(span.file, span.start);
        let snippet = sources.snippet(*span).lines().next().unwrap_or("");
        let file = sources.name(span.file);
        text.push_str(&format!(
            "  {file}:{}:{}  {snippet}\n",
            place.line, place.column
        ));
    }
    text.push_str("\nrewrites of the graphs it stands in:\n");
    text.push_str(&optimised.report.to_string());
    text.push_str("\nwhat it does:\n");
    text.push_str(&kernel.to_string());
    terminal.print(&text)
}
