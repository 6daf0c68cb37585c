use std::time::{Duration, Instant};

use eyas::{Diagnostic, Number, Outputs, Session, Tensor};

use super::arguments::Run;
use super::data::Loaded;
use super::{Outcome, Terminal, data, output};

pub(crate) fn run(terminal: &Terminal, own: &Run) -> Outcome {
    let loaded = data::load(terminal, &own.file, &own.options, &own.device)?;
    let mut session = data::session(terminal, &loaded, &own.options, &own.device)?;
    let known = session
        .entry()
        .outputs
        .iter()
        .map(|output| output.name.clone());
    let known: Vec<String> = known.collect();
    for (name, _) in &own.outputs {
        if !known.contains(name) {
            let message = format!("there is no output `{name}`");
            let note = format!("the outputs are {}", known.join(", "));
            return Err(terminal.fault(Diagnostic::error("E0408", message).note(note)));
        }
    }
    let tensors = data::tensors(terminal, &own.inputs)?;
    let inputs: Vec<(&str, &Tensor)> = tensors.iter().map(|(name, t)| (&**name, t)).collect();
    let outputs = session
        .run(&inputs)
        .map_err(|error| loaded.fail(terminal, &error))?;
    if let Some(count) = own.repeat {
        repeat(terminal, &loaded, &mut session, &inputs, count)?;
    }
    write(terminal, own, &outputs)
}

fn write(terminal: &Terminal, own: &Run, outputs: &Outputs) -> Outcome {
    let mut text = String::new();
    for (name, tensor) in outputs.iter() {
        let mut files = own
            .outputs
            .iter()
            .filter(|(known, _)| known == name)
            .peekable();
        if files.peek().is_none() && own.print {
            text.push_str(&printed(name, tensor, own.top));
        } else if files.peek().is_none() {
            text.push_str(&format!("{name}: {}{:?}\n", tensor.dtype(), tensor.shape()));
        }
        for (_, path) in files {
            eyas::write_tensor(path, tensor).map_err(|error| terminal.fail(&error))?;
        }
    }
    terminal.print(&text)
}

/// Values a line of the last axis; with `top`, the greatest alone, as `place: value`.
fn printed(name: &str, tensor: &Tensor, top: Option<usize>) -> String {
    let mut text = format!("{name}: {}{:?}\n", tensor.dtype(), tensor.shape());
    let width = tensor.shape().last().copied().unwrap_or(1).max(1);
    for row in tensor.numbers().chunks(width) {
        let cells: Vec<String> = match top {
            None => row.iter().map(|number| number_text(*number)).collect(),
            Some(count) => {
                let mut places: Vec<usize> = (0..row.len()).collect();
                places
                    .sort_by(|&a, &b| row[b].to_f64().total_cmp(&row[a].to_f64()).then(a.cmp(&b)));
                let best = places.into_iter().take(count);
                best.map(|place| format!("{place}: {}", number_text(row[place])))
                    .collect()
            }
        };
        text.push_str(&format!("  {}\n", cells.join(", ")));
    }
    text
}

fn number_text(number: Number) -> String {
    match number {
        Number::Float(value) => format!("{}", value as f32),
        Number::Int(value) => value.to_string(),
        Number::Bool(value) => value.to_string(),
    }
}

/// Runs again and again, and prints percentiles of the latency.
fn repeat(
    terminal: &Terminal,
    loaded: &Loaded,
    session: &mut Session,
    inputs: &[(&str, &Tensor)],
    count: u32,
) -> Outcome {
    let order = session
        .entry()
        .inputs
        .iter()
        .map(|input| input.name.clone());
    let order: Vec<String> = order.collect();
    let find = |name: &String| {
        inputs
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, t)| *t)
    };
    let ordered: Vec<&Tensor> = order.iter().filter_map(find).collect();
    let first = session.run_ordered(&ordered);
    let first = first.map_err(|error| loaded.fail(terminal, &error))?;
    let mut outputs: Vec<Tensor> = first.into_iter().map(|(_, tensor)| tensor).collect();
    let mut times = Vec::with_capacity(count as usize);
    for _ in 0..count {
        let start = Instant::now();
        let ran = session.run_into(&ordered, &mut outputs);
        times.push(start.elapsed());
        ran.map_err(|error| loaded.fail(terminal, &error))?;
    }
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share).round() as usize];
    let mean = times.iter().sum::<Duration>() / count;
    let rows = [
        ("min", at(0.0)),
        ("p50", at(0.5)),
        ("p90", at(0.9)),
        ("p99", at(0.99)),
    ];
    let mut line = format!("{count} runs: mean {}", output::duration(mean));
    for (name, time) in rows {
        line.push_str(&format!(", {name} {}", output::duration(time)));
    }
    terminal.print(&(line + "\n"))
}
