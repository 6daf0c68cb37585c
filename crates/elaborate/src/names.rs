use std::collections::BTreeSet;

use eyas_diagnostic::{Diagnostic, Span};
use eyas_syntax::ast::{ConstBinding, Dtype, ElementType};
use eyas_tensor::{DType, Dim};

use crate::activation::Activation;
use crate::builtin;
use crate::elaborator::{ConstantState, Elaborator, Eval};
use crate::prelude;
use crate::program::{Callable, Definition};
use crate::value::Value;

/// The name that another was most likely meant to be, where one is near enough.
pub(crate) fn closest<'n>(name: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let names: Vec<&str> = names.into_iter().filter(|own| *own != name).collect();
    let mut same = names.iter().copied();
    // Of names this short, all are near to each other.
    let long = name.chars().count() > 2;
    same.find(|own| own.eq_ignore_ascii_case(name)).or_else(|| {
        long.then(|| eyas_diagnostic::suggest(name, names))
            .flatten()
    })
}

/// `did you mean `x`?`, where there is something to suggest.
pub(crate) fn suggest<'n>(
    diagnostic: Diagnostic,
    name: &str,
    names: impl IntoIterator<Item = &'n str>,
) -> Diagnostic {
    match closest(name, names) {
        Some(best) => diagnostic.help(format!("did you mean `{best}`?")),
        None => diagnostic,
    }
}

/// The element type in tensors.
pub(crate) fn dtype(dtype: Dtype) -> DType {
    match dtype {
        Dtype::F64 => DType::F64,
        Dtype::F32 => DType::F32,
        Dtype::F16 => DType::F16,
        Dtype::Bf16 => DType::BF16,
        Dtype::F8E4M3 => DType::F8E4M3,
        Dtype::F8E5M2 => DType::F8E5M2,
        Dtype::I64 => DType::I64,
        Dtype::I32 => DType::I32,
        Dtype::I16 => DType::I16,
        Dtype::I8 => DType::I8,
        Dtype::I4 => DType::I4,
        Dtype::U64 => DType::U64,
        Dtype::U32 => DType::U32,
        Dtype::U16 => DType::U16,
        Dtype::U8 => DType::U8,
        Dtype::U4 => DType::U4,
        Dtype::Bool => DType::Bool,
    }
}

impl<'p> Elaborator<'p> {
    /// What a name stands for.
    pub fn lookup(&mut self, name: &str, span: Span) -> Eval<Value> {
        match self.find(name, span)? {
            Some(Value::Poison) => Err(self.poison()),
            Some(value) => Ok(value),
            None => {
                let names = self.visible_names();
                let diagnostic = Diagnostic::error("E0101", format!("there is no `{name}` here"))
                    .primary(span, "not found in this scope");
                let names = names.iter().map(String::as_str);
                self.fail(suggest(diagnostic, name, names))
            }
        }
    }

    /// What a name stands for, where it stands for something.
    pub fn find(&mut self, name: &str, span: Span) -> Eval<Option<Value>> {
        if let Some(activation) = self.activations.last()
            && let Some(local) = activation.locals.get(name)
        {
            return Ok(Some(local.value.clone()));
        }
        let program = self.program;
        match program.definition(self.file(), name) {
            Some(Definition::Constant { file, binding }) => self.constant(file, binding).map(Some),
            Some(Definition::Dim { name: declared }) => {
                Ok(Some(Value::Int(self.symbol(&declared.text, declared.span))))
            }
            Some(Definition::Callable(callable)) => {
                let kind = if callable.is_model { "model" } else { "layer" };
                self.fail(
                    Diagnostic::error("E0119", format!("`{name}` is a {kind}, not a value"))
                        .primary(span, "used as a value")
                        .secondary(callable.signature.name.span, "declared here")
                        .help(format!("call it: `{name}(...)`")),
                )
            }
            None if prelude::find(name).is_some() => self.fail(
                Diagnostic::error("E0119", format!("`{name}` is a layer, not a value"))
                    .primary(span, "used as a value")
                    .help(format!("call it: `{name}(...)`")),
            ),
            None => Ok(match ElementType::from_name(name) {
                Some(ElementType::Dtype(own)) => Some(Value::Element(dtype(own))),
                _ => None,
            }),
        }
    }

    /// The dim of a symbol, or its value where an option binds it.
    pub fn symbol(&mut self, name: &str, span: Span) -> Dim {
        if let Some(value) = self.options.bind.get(name) {
            self.bound.insert(name.to_owned());
            return Dim::from(*value);
        }
        self.symbols.entry(name.to_owned()).or_insert(span);
        self.normal(&Dim::symbol(name))
    }

    /// The value of a constant of a file.
    pub fn constant(&mut self, file: usize, binding: &'p ConstBinding) -> Eval<Value> {
        let key = (file, binding.name.text.clone());
        match self.constants.get(&key) {
            Some(ConstantState::Known(Value::Poison)) => return Err(self.poison()),
            Some(ConstantState::Known(value)) => return Ok(value.clone()),
            Some(ConstantState::Open) => {
                let name = &binding.name.text;
                return self.fail(
                    Diagnostic::error("E0135", format!("the constant `{name}` needs itself"))
                        .primary(binding.span, "its value leads back here"),
                );
            }
            None => {}
        }
        self.constants.insert(key.clone(), ConstantState::Open);
        self.activations
            .push(Activation::new(file, &binding.name.text, binding.span));
        let result = self.eval(&binding.value).and_then(|value| match value {
            Value::Int(_) | Value::Real(_) | Value::Bool(_) | Value::Tuple(_) => Ok(value),
            other => {
                let found = other.describe();
                self.fail(
                    Diagnostic::error("E0118", "a constant is a number or a truth value")
                        .primary(binding.value.span, format!("this is {found}")),
                )
            }
        });
        self.activations.pop();
        let known = result.clone().unwrap_or(Value::Poison);
        self.constants.insert(key, ConstantState::Known(known));
        result
    }

    /// The layer or model of a name.
    pub fn callable(&self, name: &str) -> Option<Callable<'p>> {
        let program = self.program;
        match program.definition(self.file(), name) {
            Some(Definition::Callable(callable)) => Some(callable),
            _ => None,
        }
    }

    /// Every name that could be written here, for suggestions.
    pub fn visible_names(&self) -> Vec<String> {
        let program = self.program.names(self.file());
        let mut names: BTreeSet<String> = program.into_iter().map(str::to_owned).collect();
        if let Some(activation) = self.activations.last() {
            names.extend(activation.locals.keys().cloned());
        }
        names.extend(builtin::names().map(str::to_owned));
        names.into_iter().collect()
    }
}
