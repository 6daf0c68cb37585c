use std::path::Path;

use eyas::{Compiler, Diagnostic, FileId, Origin, PassTimes, Report, SourceMap, Span};

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
    let native = eyas::Machine::native();
    let machine = compiler.machines.first().unwrap_or(&native);
    let target = compiler
        .target(
            &source,
            &optimised,
            &[],
            machine,
            &mut Vec::new(),
            &mut times,
        )
        .map_err(|error| terminal.fail(&error))?;
    let kernels = &target.kernels;
    let Some(kernel) = kernels.iter().find(|kernel| kernel.name == name) else {
        let names: Vec<&str> = kernels.iter().map(|kernel| kernel.name.as_str()).collect();
        let message = format!("there is no kernel `{name}`");
        let note = format!("the kernels are {}", names.join(", "));
        let diagnostic = Diagnostic::error("E0611", message).note(note);
        let near = eyas::suggest(name, names.iter().copied());
        return Err(terminal.fault(match near {
            Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
            None => diagnostic,
        }));
    };
    let sources = source.sources();
    let mut text = format!("kernel {name}\n\nfrom the source:\n");
    for span in &kernel.origin.spans {
        let snippet = sources.snippet(*span).lines().next().unwrap_or("");
        text.push_str(&format!("  {}  {snippet}\n", place(sources, *span)));
    }
    text.push_str("\nby these rewrites, the last first:\n");
    let rewrites = rewrites(&optimised.report, &kernel.origin, sources);
    match rewrites.is_empty() {
        true => text.push_str("  none\n"),
        false => text.extend(rewrites.iter().map(|line| format!("  {line}\n"))),
    }
    text.push_str("\nwhat it does:\n");
    text.push_str(&kernel.to_string());
    terminal.print(&text)
}

fn place(sources: &SourceMap, span: Span) -> String {
    let at = sources.line_column(span.file, span.start);
    format!("{}:{}:{}", sources.name(span.file), at.line, at.column)
}

/// The rewrites whose result comes from the same place under the same label, each once, with
/// places in the source.
fn rewrites(report: &Report, origin: &Origin, sources: &SourceMap) -> Vec<String> {
    let graphs = report.passes.iter().flat_map(|pass| &pass.graphs);
    let explanations = graphs.flat_map(|graph| &graph.explanations);
    let mut lines: Vec<String> = Vec::new();
    for line in explanations.flat_map(|explanation| explanation.lines()) {
        let words = line.split_whitespace().map(|word| (word, read_span(word)));
        let words: Vec<(&str, Option<Span>)> = words.collect();
        let label = origin.label();
        let labelled = label.is_empty() || words.iter().any(|(word, _)| *word == label);
        let mut spans = words.iter().filter_map(|(_, span)| *span);
        if !labelled || !spans.any(|span| origin.spans.contains(&span)) {
            continue;
        }
        let mut texts: Vec<String> = Vec::new();
        for (word, span) in words {
            let text = span.map_or_else(|| word.to_owned(), |span| place(sources, span));
            if span.is_none() || !texts.contains(&text) {
                texts.push(text);
            }
        }
        let line = texts.join(" ");
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines.reverse();
    lines
}

/// A span as reports print it: `file:start-end`.
fn read_span(word: &str) -> Option<Span> {
    let (file, range) = word.split_once(':')?;
    let (start, end) = range.split_once('-')?;
    let file = FileId(file.parse().ok()?);
    Some(Span::new(file, start.parse().ok()?, end.parse().ok()?))
}
