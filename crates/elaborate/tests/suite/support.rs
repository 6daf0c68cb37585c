use std::collections::BTreeMap;

use eyas_diagnostic::{Colour, SourceMap};
use eyas_elaborate::{Elaborated, Options, elaborate};
use eyas_ir::TextOptions;
use eyas_reference::{Evaluator, initialise};
use eyas_tensor::Tensor;

/// A run of the front end on one text.
pub struct Program {
    pub elaborated: Elaborated,
    pub sources: SourceMap,
    /// The parser's diagnostics, and then elaboration's.
    pub rendered: String,
}

/// Elaborates a text; `use` finds the given files.
pub fn program_with(text: &str, options: &Options, files: &[(&str, &str)]) -> Program {
    let mut sources = SourceMap::new();
    let file = sources.add("model.eyas", text);
    let parsed = eyas_syntax::parse(text, file);
    let mut loader = |path: &str, _: &str| {
        let found = files.iter().find(|(name, _)| *name == path);
        let (name, text) = found.ok_or_else(|| "no such file".to_owned())?;
        Ok(((*name).to_owned(), (*text).to_owned()))
    };
    let elaborated = elaborate(&parsed.file, &mut sources, options, &mut loader);
    let mut rendered = String::new();
    for diagnostic in parsed.diagnostics.iter().chain(&elaborated.diagnostics) {
        rendered.push_str(&diagnostic.to_text(&sources, Colour::Off));
    }
    assert_eq!(elaborated.module.verify(), Ok(()), "{rendered}");
    Program {
        elaborated,
        sources,
        rendered,
    }
}

pub fn program(text: &str) -> Program {
    program_with(text, &Options::default(), &[])
}

/// A program without any diagnostic that is an error.
pub fn sound(text: &str) -> Program {
    let program = program(text);
    assert!(!program.elaborated.has_errors(), "{}", program.rendered);
    program
}

/// The module's text form.
pub fn graph(text: &str) -> String {
    sound(text)
        .elaborated
        .module
        .to_text(TextOptions::default())
}

/// The first output of the first entry point, parameters at their initial values.
pub fn run(text: &str, inputs: &[Tensor]) -> Vec<f64> {
    run_with(text, inputs, &[])
}

/// As [`run`], with values for some parameters.
pub fn run_with(text: &str, inputs: &[Tensor], parameters: &[(&str, Tensor)]) -> Vec<f64> {
    let program = sound(text);
    let module = &program.elaborated.module;
    let mut values: BTreeMap<String, Tensor> = initialise(module, 7).unwrap();
    for (path, tensor) in parameters {
        values.insert((*path).to_owned(), tensor.clone());
    }
    let entry = module.entries[0].name.clone();
    let outcome = Evaluator::new(module)
        .parameters(values)
        .run(entry.as_str(), inputs)
        .unwrap();
    outcome.outputs[0].1.to_f64()
}

pub fn floats(shape: &[usize], values: &[f32]) -> Tensor {
    Tensor::from_f32(shape, values).unwrap()
}
