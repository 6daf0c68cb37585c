use eyas::{Description, KernelSet, Machine};

use super::arguments::{Inspect, TableFormat};
use super::{Outcome, Terminal, output};

pub(crate) fn run(terminal: &Terminal, own: &Inspect) -> Outcome {
    let fail = |error| terminal.fail(&eyas::runtime_fault(&error, None));
    let set = KernelSet::open(&own.file).map_err(fail)?;
    if own.verify {
        set.verify().map_err(fail)?;
        terminal.say("every hash is right");
    }
    let description = set.describe();
    match own.format {
        TableFormat::Text => terminal.print(&text(&description)),
        TableFormat::Json => {
            let text = serde_json::to_string_pretty(&description).unwrap_or_default();
            terminal.print(&(text + "\n"))
        }
    }
}

fn text(set: &Description) -> String {
    let mut text = format!(
        "kernel set, format {}, by {}\n",
        set.format, set.provenance.compiler
    );
    let options = set.provenance.options.iter();
    let options: Vec<String> = options
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    text.push_str(&format!("options: {}\n", options.join(" ")));
    for fact in &set.facts {
        text.push_str(&format!("checked: {fact}\n"));
    }
    for entry in &set.entries {
        text.push_str(&format!("\nmodel {}\n", entry.name));
        let inputs = entry.inputs.iter();
        let mut rows: Vec<Vec<String>> = inputs
            .map(|input| row(["  input", &input.name, &input.ty.to_string()]))
            .collect();
        rows.extend(entry.outputs.iter().map(|output| match &output.state {
            None => row(["  output", &output.name, &output.ty.to_string()]),
            Some(path) => row(["  state", path, &output.ty.to_string()]),
        }));
        text.push_str(&output::table(&rows));
    }
    text.push_str("\nparameters\n");
    let rows: Vec<Vec<String>> = set.parameters.iter().map(parameter_row).collect();
    text.push_str(&output::table(&rows));
    let rows: Vec<Vec<String>> = set.tensors.iter().map(tensor_row).collect();
    text.push_str(&output::table(&rows));
    for target in &set.targets {
        text.push_str(&target_text(target));
    }
    if !set.sections.is_empty() {
        text.push_str("\nsections\n");
    }
    let sections = set.sections.iter().map(|section| {
        let length = output::bytes(section.length);
        row([
            &format!("  {}", section.name),
            &length,
            short(&section.hash),
        ])
    });
    text + &output::table(&sections.collect::<Vec<_>>())
}

fn row<const N: usize>(cells: [&str; N]) -> Vec<String> {
    cells.map(str::to_owned).to_vec()
}

fn parameter_row(parameter: &eyas::ParameterDescription) -> Vec<String> {
    let origin = match parameter.origin {
        Some(origin) => format!("{origin:?}").to_lowercase(),
        None => "no value".to_owned(),
    };
    let hash = parameter.hash.as_deref().map_or("", short);
    let path = format!("  {}", parameter.path);
    row([&path, &parameter.ty.to_string(), &origin, hash])
}

fn tensor_row(tensor: &eyas::TensorDescription) -> Vec<String> {
    let name = format!("  {}", tensor.name);
    row([
        &name,
        &tensor.ty.to_string(),
        "computed",
        short(&tensor.hash),
    ])
}

fn target_text(target: &eyas::TargetDescription) -> String {
    let state = match (&target.machine, target.runs, target.missing.is_empty()) {
        (Machine::Cuda(_), ..) => "runs on a GPU".to_owned(),
        (_, true, _) => "runs here".to_owned(),
        (_, false, true) => "could run here".to_owned(),
        (_, false, false) => format!("lacks {}", target.missing.join(", ")),
    };
    let size = output::bytes(target.code_bytes);
    let machine = match &target.machine {
        Machine::Cpu { architecture, isa } => format!("{architecture} {isa}"),
        Machine::Cuda(architecture) => architecture.to_string(),
    };
    let mut text = format!("\ncode for {machine}: {size}, {state}\n");
    let rows = target.functions.iter().map(|function| {
        let size = output::bytes(function.size);
        let units = match &function.grid {
            None => format!("{} units", function.units),
            Some(grid) => format!("blocks of {}: {}", grid.threads, function.units),
        };
        row([&format!("  {}", function.name), &size, &units])
    });
    text.push_str(&output::table(&rows.collect::<Vec<_>>()));
    for plan in &target.plans {
        let binding = plan.binding.iter().flatten();
        let binding: Vec<String> = binding
            .map(|(dim, extent)| format!(" {dim}={extent}"))
            .collect();
        let launches = plan.launches;
        let (name, binding, buffers) = (&plan.name, binding.concat(), plan.arena.len());
        let line = format!("plan {name}{binding}: {launches} launches, {buffers} arena buffers\n");
        text.push_str(&line);
    }
    text
}

/// The beginning of a hash, enough to compare by eye.
fn short(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}
