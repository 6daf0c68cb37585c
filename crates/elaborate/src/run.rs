use std::collections::BTreeSet;

use eyas_diagnostic::{Diagnostic, SourceMap, Span};
use eyas_ir::{Mode, ParameterDecl};
use eyas_syntax::ast::{File, Item, Rule};
use eyas_tensor::Facts;
use indexmap::IndexMap;

use crate::elaborator::Elaborator;
use crate::model::Built;
use crate::names::suggest;
use crate::program::{Callable, Definition, Program, start_of};
use crate::{Elaborated, Loader, Options, lint, prelude};

/// Facts found on the way may make dims equal that were not; so often elaboration begins anew.
const ROUNDS: usize = 4;

/// The prelude's files: names and texts.
pub fn prelude_sources() -> impl Iterator<Item = (&'static str, &'static str)> {
    prelude::LAYERS.iter().map(|layer| (layer.file, layer.text))
}

/// Turns the models of a file into graphs. The files that it uses come from `loader` and are
/// added to `sources`, as are the prelude's that it needs.
///
/// Never panics; what is wrong is among the diagnostics. Time is bounded by limits on the number
/// of expressions and nodes.
pub fn elaborate(
    root: &File,
    sources: &mut SourceMap,
    options: &Options,
    loader: &mut Loader<'_>,
) -> Elaborated {
    let mut loading = Vec::new();
    let program = Program::load(root, sources, loader, &mut loading);
    let sources = &*sources;
    let mut facts = Facts::default();
    let mut round = 0;
    let (mut elaborated, built, entered, facts) = loop {
        let mut elaborator = Elaborator::new(&program, sources, options, options.mode);
        elaborator.facts = facts.clone();
        let (elaborated, built, entered) = models(&mut elaborator);
        round += 1;
        if elaborator.facts == facts || round == ROUNDS {
            break (elaborated, built, entered, elaborator.facts);
        }
        facts = elaborator.facts;
    };
    let known = (sources, &facts);
    blocks(&program, known, options, &built, &mut elaborated);
    let mut diagnostics = loading;
    diagnostics.append(&mut elaborated.diagnostics);
    lint::check(&program, &entered, &mut diagnostics);
    diagnostics.sort_by_key(Diagnostic::span);
    diagnostics.dedup();
    elaborated.diagnostics = diagnostics;
    elaborated.rules = rules(&program);
    elaborated
}

fn rules(program: &Program) -> Vec<Rule> {
    let items = program.written().flat_map(|(_, tree)| &tree.items);
    items
        .filter_map(|item| match item {
            Item::Rule(rule) => Some(rule.clone()),
            _ => None,
        })
        .collect()
}

/// Elaborates the models that were asked for.
fn models(elaborator: &mut Elaborator<'_>) -> (Elaborated, Vec<Built>, BTreeSet<Span>) {
    elaborator.declare_dims();
    let wanted = wanted(elaborator);
    let mut entered = BTreeSet::new();
    let mut all = Vec::new();
    let mut parameters: IndexMap<String, (ParameterDecl, String)> = IndexMap::new();
    for callable in wanted {
        let graphs = elaborator.module.graphs.len();
        let built = elaborator.model(callable);
        // A model with errors has entered its layers too.
        entered.append(&mut elaborator.entered);
        let Some(mut built) = built else {
            continue;
        };
        entered.append(&mut built.entered);
        if let Some((path, other)) = conflict(&built, &parameters) {
            let name = &built.info.name;
            elaborator.report(
                Diagnostic::warning(
                    "E0155",
                    format!("`{name}` and `{other}` differ in the parameter `{path}`"),
                )
                .primary(callable.signature.name.span, "left out")
                .help("choose one of the models, with `--model`"),
            );
            elaborator.module.entries.pop();
            elaborator.module.graphs.truncate(graphs);
        } else {
            for (path, declaration) in &built.parameters {
                let owner = built.info.name.clone();
                parameters
                    .entry(path.clone())
                    .or_insert((declaration.clone(), owner));
            }
        }
        all.push(built);
    }
    elaborator.check_bindings();
    let mut module = std::mem::take(&mut elaborator.module);
    module.symbols = elaborator.module_symbols();
    module.facts = elaborator.facts.clone();
    module.parameters = parameters
        .into_iter()
        .map(|(path, (declaration, _))| (path, declaration))
        .collect();
    debug_assert_eq!(
        module.verify(),
        Ok(()),
        "{}",
        module.to_text(Default::default())
    );
    let elaborated = Elaborated {
        module,
        models: all.iter().map(|built| built.info.clone()).collect(),
        diagnostics: std::mem::take(&mut elaborator.diagnostics),
        ..Elaborated::default()
    };
    (elaborated, all, entered)
}

/// The models of the file, or the one that was asked for.
fn wanted<'p>(elaborator: &mut Elaborator<'p>) -> Vec<Callable<'p>> {
    let program = elaborator.program;
    let mut found = Vec::new();
    let mut names = Vec::new();
    for item in &program.root().items {
        if let Item::Model(model) = item {
            let name = &model.signature.name.text;
            names.push(name.as_str());
            let wanted = elaborator.options.model.as_ref();
            if wanted.is_none_or(|wanted| wanted == name)
                && let Some(Definition::Callable(callable)) = program.definition(0, name)
                && callable.span == model.span
            {
                found.push(callable);
            }
        }
    }
    if let Some(wanted) = &elaborator.options.model
        && found.is_empty()
    {
        let place = start_of(program.root().span.file);
        let diagnostic = Diagnostic::error("E0132", format!("there is no model `{wanted}`"))
            .primary(place, "in this file");
        elaborator.report(suggest(diagnostic, wanted, names));
    }
    found
}

/// A parameter that another model has with another type.
fn conflict(
    built: &Built,
    parameters: &IndexMap<String, (ParameterDecl, String)>,
) -> Option<(String, String)> {
    built.parameters.iter().find_map(|(path, own)| {
        let (other, owner) = parameters.get(path)?;
        let differs = other.ty != own.ty || other.kind != own.kind;
        differs.then(|| (path.clone(), owner.clone()))
    })
}

/// Checks `train` and `quantize` blocks.
fn blocks(
    program: &Program,
    (sources, facts): (&SourceMap, &Facts),
    options: &Options,
    built: &[Built],
    elaborated: &mut Elaborated,
) {
    for item in &program.root().items {
        let mut elaborator = Elaborator::new(program, sources, options, Mode::Training);
        elaborator.facts = facts.clone();
        match item {
            Item::Train(train) => {
                let wanted = options.model.as_ref();
                if wanted.is_some_and(|wanted| *wanted != train.model.text) {
                    continue;
                }
                elaborator.declare_dims();
                elaborated.trains.extend(elaborator.train(train, built));
            }
            Item::Quantize(quantize) => {
                elaborator.quantize(quantize, built);
                elaborated.quantizes.push(quantize.clone());
            }
            _ => {}
        }
        elaborated.diagnostics.append(&mut elaborator.diagnostics);
    }
}
