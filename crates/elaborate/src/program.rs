use std::collections::BTreeMap;

use eyas_diagnostic::{Diagnostic, FileId, SourceMap, Span};
use eyas_syntax::ast::{
    Block, ConstBinding, DimDecl, Expr, File, Item, Name, Signature, TrainStatement, Use,
};
use eyas_syntax::parse;

use crate::{Loader, prelude, visit};

/// Files that a program may consist of.
const FILE_LIMIT: usize = 1_000;

/// The files of a program, and what the names in each mean.
#[derive(Debug, Default)]
pub(crate) struct Program {
    files: Vec<SourceUnit>,
}

/// A file with its names.
#[derive(Debug)]
struct SourceUnit {
    tree: File,
    name: String,
    own: BTreeMap<String, ItemPlace>,
    uses: Vec<usize>,
    prelude: bool,
}

/// Where in a file something is declared: the item, and which of its names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct ItemPlace {
    item: usize,
    part: usize,
}

/// What a name of a file means.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Definition<'p> {
    Callable(Callable<'p>),
    Constant {
        file: usize,
        binding: &'p ConstBinding,
    },
    Dim {
        name: &'p Name,
    },
}

/// A layer or a model.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Callable<'p> {
    pub file: usize,
    pub signature: &'p Signature,
    pub body: &'p Block,
    pub is_model: bool,
    pub span: Span,
}

impl Program {
    /// The program that a file is the root of: the files that it uses, and the prelude's that
    /// they need.
    pub fn load(
        root: &File,
        sources: &mut SourceMap,
        loader: &mut Loader<'_>,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Program {
        let mut program = Program::default();
        let name = sources.name(root.span.file).to_owned();
        program.add(root.clone(), name, false, diagnostics);
        let mut next = 0;
        while next < program.files.len() {
            program.load_uses(next, sources, loader, diagnostics);
            next += 1;
        }
        program.load_prelude(sources, diagnostics);
        program
    }

    fn add(
        &mut self,
        tree: File,
        name: String,
        prelude: bool,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> usize {
        let mut unit = SourceUnit {
            own: BTreeMap::new(),
            uses: Vec::new(),
            tree,
            name,
            prelude,
        };
        for (item, part, name) in declared(&unit.tree) {
            if let Some(first) = unit.own.get(&name.text) {
                diagnostics.push(twice(name, name_at(&unit.tree, *first)));
            } else {
                unit.own.insert(name.text.clone(), ItemPlace { item, part });
            }
        }
        self.files.push(unit);
        self.files.len() - 1
    }

    fn load_uses(
        &mut self,
        file: usize,
        sources: &mut SourceMap,
        loader: &mut Loader<'_>,
        diagnostics: &mut Vec<Diagnostic>,
    ) {
        let items = self.files[file].tree.items.iter();
        let uses: Vec<Use> = items
            .filter_map(|item| match item {
                Item::Use(item) => Some(item.clone()),
                _ => None,
            })
            .collect();
        for item in uses {
            let loaded = if self.files.len() < FILE_LIMIT {
                loader(&item.path.text, sources.name(item.span.file))
            } else {
                Err(format!("a program has at most {FILE_LIMIT} files"))
            };
            match loaded {
                Ok((name, text)) => {
                    let known = self.files.iter().position(|unit| unit.name == name);
                    let used = known
                        .unwrap_or_else(|| self.add_text(name, text, false, sources, diagnostics));
                    if used != file && !self.files[file].uses.contains(&used) {
                        self.files[file].uses.push(used);
                    }
                }
                Err(reason) => diagnostics.push(
                    Diagnostic::error("E0128", format!("cannot use `{}`", item.path.text))
                        .primary(item.path.span, "this file")
                        .note(reason),
                ),
            }
        }
    }

    fn add_text(
        &mut self,
        name: String,
        text: String,
        prelude: bool,
        sources: &mut SourceMap,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> usize {
        let id = sources.add(name.clone(), text);
        let parsed = parse(sources.text(id), id);
        diagnostics.extend(parsed.diagnostics);
        self.add(parsed.file, name, prelude, diagnostics)
    }

    /// Loads the prelude's files for the names that are called and not declared.
    fn load_prelude(&mut self, sources: &mut SourceMap, diagnostics: &mut Vec<Diagnostic>) {
        let mut next = 0;
        while next < self.files.len() {
            let mut called: Vec<String> = Vec::new();
            each_expression(&self.files[next].tree, &mut |tree| {
                called.extend(
                    visit::called(tree)
                        .into_iter()
                        .map(|name| name.text.clone()),
                );
            });
            for name in called {
                let layer = prelude::find(&name).filter(|_| self.definition(next, &name).is_none());
                if let Some(layer) = layer {
                    let (file, text) = (layer.file.to_owned(), layer.text.to_owned());
                    self.add_text(file, text, true, sources, diagnostics);
                }
            }
            next += 1;
        }
    }

    /// The file that was asked for.
    pub fn root(&self) -> &File {
        &self.files[0].tree
    }

    /// The trees of all files but the prelude's.
    pub fn written(&self) -> impl Iterator<Item = (usize, &File)> {
        let files = self.files.iter().enumerate();
        files
            .filter(|(_, unit)| !unit.prelude)
            .map(|(place, unit)| (place, &unit.tree))
    }

    /// What a name means in a file: its own, then those of files that it uses, then the prelude's.
    pub fn definition(&self, file: usize, name: &str) -> Option<Definition<'_>> {
        let unit = &self.files[file];
        let find = |place: usize| -> Option<Definition<'_>> {
            let found = self.files[place].own.get(name)?;
            self.at(place, *found)
        };
        find(file)
            .or_else(|| unit.uses.iter().find_map(|used| find(*used)))
            .or_else(|| {
                let mut prelude = (0..self.files.len()).filter(|place| self.files[*place].prelude);
                prelude.find_map(find)
            })
    }

    /// All names that mean something in a file.
    pub fn names(&self, file: usize) -> Vec<&str> {
        let unit = &self.files[file];
        let used = unit.uses.iter().map(|used| &self.files[*used]);
        let written = std::iter::once(unit).chain(used);
        written
            .flat_map(|unit| unit.own.keys().map(String::as_str))
            .chain(prelude::LAYERS.iter().map(|layer| layer.name))
            .collect()
    }

    fn at(&self, file: usize, place: ItemPlace) -> Option<Definition<'_>> {
        let unit = &self.files[file];
        match &unit.tree.items[place.item] {
            Item::Layer(layer) => Some(Definition::Callable(Callable {
                file,
                signature: &layer.signature,
                body: &layer.body,
                is_model: false,
                span: layer.span,
            })),
            Item::Model(model) => Some(Definition::Callable(Callable {
                file,
                signature: &model.signature,
                body: &model.body,
                is_model: true,
                span: model.span,
            })),
            Item::Const(item) => Some(Definition::Constant {
                file,
                binding: item.bindings.get(place.part)?,
            }),
            Item::Dim(item) => Some(Definition::Dim {
                name: item.names.get(place.part)?,
            }),
            _ => None,
        }
    }

    /// The `dim` items of all files.
    pub fn dim_items(&self) -> impl Iterator<Item = (usize, &DimDecl)> {
        self.files.iter().enumerate().flat_map(|(file, unit)| {
            let items = unit.tree.items.iter();
            items.filter_map(move |item| match item {
                Item::Dim(item) => Some((file, item)),
                _ => None,
            })
        })
    }

    /// The constants of all files but the prelude's.
    pub fn constants(&self) -> impl Iterator<Item = (usize, &ConstBinding)> {
        self.written().flat_map(|(file, tree)| {
            let items = tree.items.iter().filter_map(|item| match item {
                Item::Const(item) => Some(&item.bindings),
                _ => None,
            });
            items.flatten().map(move |binding| (file, binding))
        })
    }

    /// Layers that a file declares under the name of one of the prelude's.
    pub fn shadows(&self) -> Vec<&Name> {
        let layers = self.written().flat_map(|(_, tree)| tree.items.iter());
        let names = layers.filter_map(|item| match item {
            Item::Layer(layer) => Some(&layer.signature.name),
            _ => None,
        });
        names
            .filter(|name| prelude::find(&name.text).is_some())
            .collect()
    }
}

/// Calls `visit` for every expression of a file.
pub(crate) fn each_expression<'t>(file: &'t File, visit: &mut dyn FnMut(&'t Expr)) {
    for item in &file.items {
        match item {
            Item::Layer(layer) => {
                visit::signature(&layer.signature, visit);
                visit::block(&layer.body, visit);
            }
            Item::Model(model) => {
                visit::signature(&model.signature, visit);
                visit::block(&model.body, visit);
            }
            Item::Const(item) => item
                .bindings
                .iter()
                .for_each(|binding| visit::expression(&binding.value, visit)),
            Item::Dim(item) => item
                .facts
                .iter()
                .for_each(|fact| visit::expression(fact, visit)),
            Item::Train(train) => {
                for line in &train.statements {
                    match line {
                        TrainStatement::Data(line) => visit::expression(&line.source, visit),
                        TrainStatement::Set(line) => visit::expression(&line.value, visit),
                    }
                }
            }
            Item::Use(_) | Item::Rule(_) | Item::Quantize(_) => {}
        }
    }
}

/// The names that a file declares: (item, part, name).
fn declared(tree: &File) -> Vec<(usize, usize, &Name)> {
    let mut names = Vec::new();
    for (place, item) in tree.items.iter().enumerate() {
        match item {
            Item::Dim(item) => {
                let parts = item.names.iter().enumerate();
                names.extend(parts.map(|(part, name)| (place, part, name)));
            }
            Item::Const(item) => {
                let parts = item.bindings.iter().enumerate();
                names.extend(parts.map(|(part, binding)| (place, part, &binding.name)));
            }
            Item::Layer(layer) => names.push((place, 0, &layer.signature.name)),
            Item::Model(model) => names.push((place, 0, &model.signature.name)),
            Item::Use(_) | Item::Rule(_) | Item::Train(_) | Item::Quantize(_) => {}
        }
    }
    names
}

fn name_at(tree: &File, place: ItemPlace) -> Span {
    let names = declared(tree).into_iter();
    let mut found = names.filter(|(item, part, _)| *item == place.item && *part == place.part);
    found.next().map_or(tree.span, |(_, _, name)| name.span)
}

fn twice(name: &Name, first: Span) -> Diagnostic {
    Diagnostic::error("E0122", format!("`{}` is declared twice", name.text))
        .primary(name.span, "declared again here")
        .secondary(first, "first declared here")
}

/// The place of a file in diagnostics that concern no line of it.
pub(crate) fn start_of(file: FileId) -> Span {
    Span::new(file, 0, 0)
}
