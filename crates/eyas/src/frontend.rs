use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use eyas_diagnostic::{Diagnostic, SourceMap};
use eyas_elaborate::Elaborated;
use eyas_ir::{Mode, Module};
use eyas_optimize::Rule;
use eyas_syntax::ast;

use crate::compiler::PassTimes;
use crate::{Error, file};

/// A source file, parsed and elaborated, with those that it uses.
#[derive(Debug, Clone)]
pub struct Source {
    path: PathBuf,
    sources: SourceMap,
    tree: ast::File,
    parse_diagnostics: Vec<Diagnostic>,
    elaborated: Elaborated,
}

/// Reads, parses and elaborates.
pub(crate) fn load(
    path: &Path,
    model: Option<&str>,
    bind: &BTreeMap<String, i64>,
    times: &mut PassTimes,
) -> Result<Source, Error> {
    let text = file::read_source(path)?;
    let mut sources = SourceMap::new();
    let id = sources.add(normal(path).display().to_string(), text);
    let parsed = times.time("parse", || eyas_syntax::parse(sources.text(id), id));
    let mut source = Source {
        path: path.to_owned(),
        sources,
        tree: parsed.file,
        parse_diagnostics: parsed.diagnostics,
        elaborated: Elaborated::default(),
    };
    source.elaborate(model, bind, times);
    Ok(source)
}

impl From<Module> for Source {
    /// A graph made otherwise, with no text behind it.
    fn from(module: Module) -> Source {
        let mut sources = SourceMap::new();
        let id = sources.add("", "");
        let elaborated = Elaborated {
            module,
            ..Elaborated::default()
        };
        Source {
            path: PathBuf::new(),
            sources,
            tree: eyas_syntax::parse("", id).file,
            parse_diagnostics: Vec::new(),
            elaborated,
        }
    }
}

impl Source {
    fn elaborate(
        &mut self,
        model: Option<&str>,
        bind: &BTreeMap<String, i64>,
        times: &mut PassTimes,
    ) {
        let options = eyas_elaborate::Options {
            model: model.map(str::to_owned),
            mode: Mode::Inference,
            bind: bind.clone(),
            ..eyas_elaborate::Options::default()
        };
        let mut loader = |path: &str, from: &str| used_file(Path::new(from), path);
        self.elaborated = times.time("elaborate", || {
            eyas_elaborate::elaborate(&self.tree, &mut self.sources, &options, &mut loader)
        });
    }

    /// The same source with other dims made static.
    pub(crate) fn rebound(
        &self,
        model: Option<&str>,
        bind: &BTreeMap<String, i64>,
        times: &mut PassTimes,
    ) -> Result<Source, Error> {
        let mut source = self.clone();
        source.elaborate(model, bind, times);
        source.into_sound()
    }

    /// The source where it has no errors.
    pub(crate) fn into_sound(self) -> Result<Source, Error> {
        if self.has_errors() {
            let diagnostics = self.diagnostics().cloned().collect();
            return Err(Error::new(diagnostics, self.sources));
        }
        Ok(self)
    }

    /// Whether nothing can be built of it.
    pub fn has_errors(&self) -> bool {
        self.diagnostics().any(Diagnostic::is_error)
    }

    /// All that there is to say about it.
    pub fn diagnostics(&self) -> impl Iterator<Item = &Diagnostic> {
        self.parse_diagnostics
            .iter()
            .chain(&self.elaborated.diagnostics)
    }

    /// The texts.
    pub fn sources(&self) -> &SourceMap {
        &self.sources
    }

    /// The file that was asked for.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The BLAKE3 hash of all texts, names left out.
    pub fn hash(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        for file in self.sources.files() {
            let text = self.sources.text(file);
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        }
        hasher.finalize().to_hex().to_string()
    }

    /// Its tree.
    pub fn tree(&self) -> &ast::File {
        &self.tree
    }

    /// What elaboration gives.
    pub fn elaborated(&self) -> &Elaborated {
        &self.elaborated
    }

    /// Its graphs.
    pub fn module(&self) -> &Module {
        &self.elaborated.module
    }

    /// The rewrite rules in it.
    ///
    /// # Errors
    /// Diagnostics of items that are no rules.
    pub fn rules(&self) -> Result<Vec<Rule>, Error> {
        let rules = self.elaborated.rules.iter().cloned();
        let file = ast::File {
            version: None,
            items: rules.map(ast::Item::Rule).collect(),
            span: self.tree.span,
        };
        eyas_optimize::rules_from_source(&file)
            .map_err(|diagnostics| Error::new(diagnostics, self.sources.clone()))
    }
}

/// The name and text of the file that a `use` names, beside the file that it stands in.
fn used_file(from: &Path, path: &str) -> Result<(String, String), String> {
    if path == "-" {
        return Err("standard input is no file that can be used".into());
    }
    let path = normal(&from.parent().unwrap_or(Path::new("")).join(path));
    let text = file::read_source(&path).map_err(|error| {
        let first = error.diagnostics().first();
        first.map_or_else(String::new, |diagnostic| diagnostic.message.clone())
    })?;
    Ok((path.display().to_string(), text))
}

/// The path without `.` and without `..` behind a folder's name, so that a file has one name
/// however files use each other.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        let last = normal.components().next_back();
        match (part, last) {
            (Component::CurDir, _) => {}
            (Component::ParentDir, Some(Component::Normal(_))) => drop(normal.pop()),
            (Component::ParentDir, Some(Component::RootDir)) => {}
            _ => normal.push(part),
        }
    }
    normal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_one_name() {
        for (path, name) in [
            ("m.eyas", "m.eyas"),
            ("-", "-"),
            ("./a/../b.eyas", "b.eyas"),
            ("a/b/../../../c.eyas", "../c.eyas"),
            ("../../c.eyas", "../../c.eyas"),
            ("/../a/./b.eyas", "/a/b.eyas"),
        ] {
            assert_eq!(normal(Path::new(path)), Path::new(name), "{path}");
        }
    }
}
