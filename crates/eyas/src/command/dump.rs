use eyas::{
    Compiler, CudaArchitecture, Diagnostic, Machine, Module, PassTimes, Source, TextOptions,
};

use super::arguments::{Dump, DumpFormat, Stage};
use super::{Failed, Outcome, Terminal, input};

pub(crate) fn run(terminal: &Terminal, own: &Dump) -> Outcome {
    let mut times = PassTimes::default();
    let compiler = Compiler {
        listings: own.stage >= Stage::Clif,
        ..input::compiler(terminal, &own.options)?
    };
    let source = match own.stage {
        // A tree is there whatever the names in it mean.
        Stage::Ast => compiler
            .check(&own.file, &mut times)
            .map_err(|error| terminal.fail(&error))?,
        _ => input::load(terminal, &compiler, &own.file, &mut times)?,
    };
    let text = stage(terminal, own, &compiler, &source, &mut times)?;
    input::times(terminal, &own.options, &times);
    terminal.print(&text)
}

fn stage(
    terminal: &Terminal,
    own: &Dump,
    compiler: &Compiler,
    source: &Source,
    times: &mut PassTimes,
) -> Result<String, Failed> {
    if own.stage == Stage::Ast {
        return match own.format {
            DumpFormat::Text => Ok(source.tree().to_text()),
            DumpFormat::Json => json(terminal, source.tree()),
            DumpFormat::Dot | DumpFormat::Svg => Err(no_form(terminal)),
        };
    }
    if own.stage == Stage::Graph {
        return graph(terminal, own, source.module(), "");
    }
    let optimised = compiler
        .optimise(source, times)
        .map_err(|error| terminal.fail(&error))?;
    match own.stage {
        Stage::Canonical => return graph(terminal, own, &optimised.canonical, ""),
        Stage::Optimized => {
            let report = optimised.report.to_string();
            return graph(terminal, own, &optimised.module, &report);
        }
        _ => {}
    }
    let mut text = String::new();
    let mut machines = compiler.machines.clone();
    match own.stage {
        Stage::Ptx => machines.retain(|machine| machine.cuda().is_some()),
        Stage::Clif | Stage::Asm => machines.retain(|machine| machine.isa().is_some()),
        _ => {}
    }
    if machines.is_empty() {
        machines.push(match own.stage {
            Stage::Ptx => Machine::Cuda(CudaArchitecture::Sm80),
            _ => Machine::native(),
        });
    }
    for machine in &machines {
        // A module of PTX says itself what it is for.
        if machines.len() > 1 && own.stage != Stage::Ptx {
            text.push_str(&format!("; {machine}\n"));
        }
        let target = compiler
            .target(source, &optimised, &[], machine, &mut Vec::new(), times)
            .map_err(|error| terminal.fail(&error))?;
        text.push_str(&code(terminal, own, &target)?);
    }
    Ok(text)
}

fn code(terminal: &Terminal, own: &Dump, target: &eyas::Target) -> Result<String, Failed> {
    let program = &target.program;
    let kernels: String = target
        .kernels
        .iter()
        .map(|kernel| format!("{kernel}\n"))
        .collect();
    match (own.stage, own.format) {
        (_, DumpFormat::Dot | DumpFormat::Svg) => Err(no_form(terminal)),
        (Stage::Kernels, DumpFormat::Text) => Ok(kernels),
        (Stage::Kernels, DumpFormat::Json) => json(terminal, &target.kernels),
        (Stage::Plan, DumpFormat::Text) => Ok(program.plan_text()),
        (Stage::Plan, DumpFormat::Json) => json(terminal, &(&program.entries, &program.derived)),
        (_, DumpFormat::Json) => Err(no_form(terminal)),
        (Stage::Ptx, DumpFormat::Text) => {
            Ok(String::from_utf8_lossy(&target.code.bytes).into_owned())
        }
        (stage, DumpFormat::Text) => {
            let listings = target.listings.iter();
            let parts = listings.map(|listing| {
                let body = match stage {
                    Stage::Clif => listing
                        .clif
                        .as_deref()
                        .unwrap_or("; from the wide emitter\n"),
                    _ => &listing.asm,
                };
                format!("; {} ({})\n{body}\n", listing.name, listing.emitter)
            });
            Ok(parts.collect())
        }
    }
}

/// A graph stage; what the passes did goes before the text as comments.
fn graph(terminal: &Terminal, own: &Dump, module: &Module, report: &str) -> Result<String, Failed> {
    match own.format {
        DumpFormat::Text => {
            let comments: String = report.lines().map(|line| format!("// {line}\n")).collect();
            let origins = own.origins;
            Ok(comments + &module.to_text(TextOptions { origins }))
        }
        DumpFormat::Json => json(terminal, module),
        DumpFormat::Dot => Ok(module.to_dot()),
        DumpFormat::Svg => module
            .to_svg()
            .map_err(|error| terminal.fault(Diagnostic::error("E0610", error.to_string()))),
    }
}

fn json<T: serde::Serialize>(terminal: &Terminal, value: &T) -> Result<String, Failed> {
    let text = serde_json::to_string_pretty(value);
    let text = text.map_err(|error| {
        terminal.fault(Diagnostic::error(
            "E0702",
            format!("no JSON can be made: {error}"),
        ))
    });
    Ok(text? + "\n")
}

fn no_form(terminal: &Terminal) -> Failed {
    let message = "this stage does not come in this format";
    let help = "`text` exists for every stage, `json` up to the plan, `dot` and `svg` for graphs";
    terminal.fault(Diagnostic::error("E0610", message).help(help))
}
