//! What needs no types: names that nothing reads, names declared twice, layers that nothing calls.

use std::collections::{BTreeMap, BTreeSet};

use eyas_diagnostic::{Diagnostic, Span};
use eyas_syntax::ast::{
    Block, ElementType, Expr, ExprKind, Item, Name, ParameterKind, Results, Signature, Statement,
};

use crate::builtin;
use crate::names::suggest;
use crate::program::{Definition, Program};
use crate::visit;

/// Checks every file that was written; `entered` are the layers whose bodies have been elaborated.
pub(crate) fn check(
    program: &Program,
    entered: &BTreeSet<Span>,
    diagnostics: &mut Vec<Diagnostic>,
) {
    for name in program.shadows() {
        diagnostics.push(
            Diagnostic::remark(
                "E0152",
                format!("`{}` shadows the prelude's layer", name.text),
            )
            .primary(name.span, "this file's own is used"),
        );
    }
    // A misspelt name leaves others unused, which is no news.
    let faulty = diagnostics.iter().any(Diagnostic::is_error);
    for (file, tree) in program.written() {
        for item in &tree.items {
            let (signature, body, span) = match item {
                Item::Layer(layer) => (&layer.signature, &layer.body, layer.span),
                Item::Model(model) => (&model.signature, &model.body, model.span),
                _ => continue,
            };
            twice(signature, diagnostics);
            if !faulty {
                unused(signature, body, diagnostics);
            }
            if matches!(item, Item::Layer(_)) && !entered.contains(&span) {
                resolve(program, file, signature, body, diagnostics);
            }
        }
    }
}

pub(crate) fn twice(signature: &Signature, diagnostics: &mut Vec<Diagnostic>) {
    let formals = signature.formals.iter().map(|formal| &formal.name);
    let outputs = match &signature.results {
        Some(Results::Named(outputs)) => outputs.iter().map(|output| &output.name).collect(),
        _ => Vec::new(),
    };
    for names in [formals.collect::<Vec<&Name>>(), outputs] {
        let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
        for name in names {
            if let Some(first) = seen.insert(&name.text, name.span) {
                diagnostics.push(
                    Diagnostic::error("E0122", format!("`{}` is declared twice", name.text))
                        .primary(name.span, "again here")
                        .secondary(first, "first here"),
                );
            }
        }
    }
}

/// The names that a layer reads.
fn read<'t>(signature: &'t Signature, body: &'t Block) -> BTreeSet<&'t str> {
    let mut names = BTreeSet::new();
    let mut visit = |part: &'t Expr| match &part.kind {
        ExprKind::Name(name) | ExprKind::String(name) => {
            names.insert(name.as_str());
        }
        _ => {}
    };
    visit::signature(signature, &mut visit);
    visit::block(body, &mut visit);
    names
}

fn unused(signature: &Signature, body: &Block, diagnostics: &mut Vec<Diagnostic>) {
    let read = read(signature, body);
    let silent = |name: &str| name.starts_with('_') || read.contains(name);
    let mut warn = |what: &str, name: &Name| {
        if !silent(&name.text) {
            diagnostics.push(
                Diagnostic::warning("E0151", format!("the {what} `{}` is never used", name.text))
                    .primary(name.span, "not used in this body")
                    .help(format!(
                        "leave it out, or write `_{}` to keep it",
                        name.text
                    )),
            );
        }
    };
    for formal in &signature.formals {
        warn("argument", &formal.name);
    }
    let mut states = BTreeSet::new();
    for line in &body.statements {
        if let Statement::Parameter(parameter) = line {
            if parameter.kind == ParameterKind::State {
                states.insert(parameter.name.text.as_str());
            }
            warn("parameter", &parameter.name);
        }
    }
    let mut seen = BTreeSet::new();
    for name in visit::assigned(body) {
        if seen.insert(&name.text) && !states.contains(name.text.as_str()) {
            warn("variable", name);
        }
    }
}

/// Whether the names in a layer that nothing calls mean something.
fn resolve(
    program: &Program,
    file: usize,
    signature: &Signature,
    body: &Block,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let mut known: BTreeSet<&str> = signature
        .formals
        .iter()
        .map(|formal| formal.name.text.as_str())
        .collect();
    visit::signature(signature, &mut |part| {
        if let ExprKind::Name(name) = &part.kind
            && name.starts_with(|first: char| first.is_ascii_uppercase())
        {
            known.insert(name);
        }
    });
    declared(body, &mut known);
    let mut unknown: Vec<(&str, Span, bool)> = Vec::new();
    visit::block(body, &mut |part| {
        for name in visit::called(part) {
            let callable = matches!(
                program.definition(file, &name.text),
                Some(Definition::Callable(_))
            );
            if !callable && builtin::find(&name.text).is_none() {
                unknown.push((&name.text, name.span, true));
            }
        }
        if let ExprKind::Name(name) = &part.kind {
            let means = known.contains(name.as_str())
                || program.definition(file, name).is_some()
                || ElementType::from_name(name).is_some();
            if !means {
                unknown.push((name, part.span, false));
            }
        }
    });
    // Heads of label paths, initialisers and reductions are names of other kinds.
    let mut elsewhere = BTreeSet::new();
    visit::block(body, &mut |part| {
        if let ExprKind::Field { .. } = &part.kind {
            visit::expression(part, &mut |inner| {
                elsewhere.insert(inner.span);
            });
        }
        if let ExprKind::Pattern(call) = &part.kind {
            elsewhere.extend(call.arguments.iter().map(|argument| argument.value.span));
        }
    });
    initialisers(body, &mut elsewhere);
    for (name, span, is_call) in unknown {
        if elsewhere.contains(&span) {
            continue;
        }
        let what = if is_call { "function or layer " } else { "" };
        let here = if is_call { "" } else { " here" };
        let diagnostic = Diagnostic::error("E0101", format!("there is no {what}`{name}`{here}"))
            .primary(span, "not found in this scope");
        let mut names: Vec<&str> = program.names(file);
        names.extend(known.iter().copied());
        names.extend(builtin::names().map(|name| -> &str { name }));
        diagnostics.push(suggest(diagnostic, name, names));
    }
}

fn initialisers(body: &Block, places: &mut BTreeSet<Span>) {
    for line in &body.statements {
        match line {
            Statement::Parameter(parameter) => {
                if let Some(tree) = &parameter.initialiser {
                    places.insert(tree.span);
                    places.extend(visit::called(tree).into_iter().map(|name| name.span));
                }
            }
            Statement::Repeat(repeat) => initialisers(&repeat.body, places),
            _ => {}
        }
    }
}

fn declared<'t>(body: &'t Block, known: &mut BTreeSet<&'t str>) {
    for line in &body.statements {
        match line {
            Statement::Parameter(parameter) => {
                known.insert(&parameter.name.text);
            }
            Statement::Assign(assign) => {
                known.extend(assign.targets.iter().map(|name| name.text.as_str()));
            }
            Statement::Repeat(repeat) => {
                known.insert(&repeat.variable.text);
                declared(&repeat.body, known);
            }
            Statement::Return(_) | Statement::Assert(_) => {}
        }
    }
}
