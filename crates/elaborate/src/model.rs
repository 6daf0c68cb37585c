use std::collections::BTreeSet;

use eyas_diagnostic::{Diagnostic, Span};
use eyas_ir::{Entry, Graph, Op, Origin, ParameterDecl, StateOutput, Symbol, TensorType, Trip};
use eyas_syntax::ast::{Dtype, ElementType, Expr, ExprKind, Formal, Type, TypeDim};
use eyas_tensor::{Dim, Relation};
use indexmap::IndexMap;

use crate::activation::Activation;
use crate::elaborator::{Elaborator, Eval};
use crate::frame::Frame;
use crate::program::{Callable, Definition, start_of};
use crate::signature::result_names;
use crate::value::{Operand, Value};
use crate::{ModelInfo, Port, lint};

/// A model that is in the module.
pub(crate) struct Built {
    pub info: ModelInfo,
    pub parameters: IndexMap<String, ParameterDecl>,
    /// The layers that it consists of, by their places.
    pub entered: BTreeSet<Span>,
}

impl<'p> Elaborator<'p> {
    /// Declares the file-level dims, and takes what their `where` says.
    pub fn declare_dims(&mut self) {
        let program = self.program;
        for (file, item) in program.dim_items() {
            for name in &item.names {
                self.symbol(&name.text, name.span);
            }
            self.activations
                .push(Activation::new(file, "dim", item.span));
            for fact in &item.facts {
                // What is wrong with one fact is reported; the others stand for themselves.
                let _ = self.require(fact, None, fact.span);
            }
            self.activations.pop();
        }
        for (file, binding) in program.constants() {
            let _ = self.constant(file, binding);
        }
    }

    /// Reports bindings that name no dim, or give one a value that no extent has.
    pub fn check_bindings(&mut self) {
        let place = start_of(self.program.root().span.file);
        for (name, value) in &self.options.bind {
            if *value < 0 {
                self.report(
                    Diagnostic::error("E0136", format!("the dim `{name}` cannot be {value}"))
                        .note("an extent is not negative"),
                );
            } else if !self.bound.contains(name) {
                let diagnostic =
                    Diagnostic::error("E0136", format!("no dim `{name}` is there to be bound"))
                        .primary(place, "in this file");
                let names: Vec<String> = self.symbols.keys().cloned().collect();
                let names = names.iter().map(String::as_str);
                self.report(crate::names::suggest(diagnostic, name, names));
            }
        }
    }

    /// Elaborates a model and adds it to the module; nothing is added where it has errors.
    pub fn model(&mut self, callable: Callable<'p>) -> Option<Built> {
        let errors = self.error_count();
        let graphs = self.module.graphs.len();
        // Names that stand twice are reported with what needs no types.
        let mut twice = Vec::new();
        lint::twice(callable.signature, &mut twice);
        if !twice.is_empty() {
            return None;
        }
        self.labels.clear();
        self.parameters.clear();
        self.next_states.clear();
        self.entered.clear();
        let name = callable.signature.name.text.clone();
        self.frames = vec![Frame::new(Graph::new(name.clone()))];
        let mut activation =
            Activation::new(callable.file, &callable.signature.name.text, callable.span);
        activation.labelled = true;
        self.activations = vec![activation];
        let result = self.model_within(callable);
        self.activations.clear();
        let frame = self.frames.pop();
        self.frames.clear();
        self.unroll = None;
        let (Ok((inputs, outputs)), Some(frame), true) =
            (result, frame, self.error_count() == errors)
        else {
            self.module.graphs.truncate(graphs);
            return None;
        };
        let mut graph = frame.graph;
        let mut states = Vec::new();
        for (path, operand) in std::mem::take(&mut self.next_states) {
            // A state that is left as it is needs no next value.
            if *graph.op(operand.value) == (Op::State { path: path.clone() }) {
                continue;
            }
            let mut output = path.clone();
            while graph.outputs().iter().any(|(own, _)| *own == output) {
                output.push('\'');
            }
            states.push(StateOutput {
                path,
                output: graph.outputs().len(),
            });
            graph.add_output(output, operand.value);
        }
        graph.remove_dead();
        let graph = self.module.add_graph(graph);
        if self.check_bound(callable, graph.0, graphs).is_err() {
            self.module.graphs.truncate(graphs);
            return None;
        }
        self.module.entries.push(Entry {
            name: name.clone(),
            graph,
            mode: self.mode,
            states,
        });
        Some(Built {
            info: ModelInfo {
                name,
                inputs,
                outputs,
                span: callable.span,
            },
            parameters: self.parameters.clone(),
            entered: self.entered.clone(),
        })
    }

    fn model_within(&mut self, callable: Callable<'p>) -> Eval<(Vec<Port>, Vec<Port>)> {
        let signature = callable.signature;
        let mut inputs = Vec::new();
        let mut result = Ok(());
        for formal in &signature.formals {
            match self.model_input(formal) {
                Ok(port) => inputs.extend(port),
                Err(reported) => {
                    result = Err(reported);
                    if let Some(activation) = self.activation() {
                        activation.bind(formal.name.text.as_str(), Value::Poison, formal.span);
                    }
                }
            }
        }
        self.check_where(signature)?;
        let returned = self.run_body(callable.body, signature)?;
        let places: Vec<Span> = returned.iter().map(|(_, span)| *span).collect();
        let values = self.check_results(signature, returned)?;
        let names = result_names(signature, values.len());
        let mut outputs = Vec::new();
        for ((value, (name, span)), place) in values.iter().zip(names).zip(places) {
            let operand = match value {
                Value::Int(_) | Value::Real(_) | Value::Bool(_) => self.fail(
                    Diagnostic::error("E0119", "a model gives tensors")
                        .primary(place, format!("this is {}", value.describe()))
                        .help("declare its type: `-> (name: f32[])`"),
                )?,
                value => self.tensor(value, place)?,
            };
            outputs.push(Port {
                name: name.clone(),
                ty: operand.ty.clone(),
                span,
            });
            self.frames[0].graph.add_output(name, operand.value);
        }
        result.map(|()| (inputs, outputs))
    }

    /// An input of a model; a compile-time formal has its default and is none.
    fn model_input(&mut self, formal: &'p Formal) -> Eval<Option<Port>> {
        let name = &formal.name.text;
        let Some(ty) = &formal.ty else {
            return self.fail(
                Diagnostic::error("E0130", format!("the input `{name}` has no type"))
                    .primary(formal.span, "an input of a model has one")
                    .help(format!("write `{name}: f32[B, ...]`")),
            );
        };
        if compile_time(ty) {
            let Some(default) = &formal.default else {
                return self.fail(
                    Diagnostic::error(
                        "E0130",
                        format!("the compile-time input `{name}` has no value"),
                    )
                    .primary(formal.span, "no one gives it a value")
                    .help("give it a default, or make it a `const`"),
                );
            };
            let value = self.eval(default)?;
            if let Some(activation) = self.activation() {
                activation.bind(name.as_str(), value, formal.span);
            }
            return Ok(None);
        }
        self.bind_capitals(ty);
        let tensor = self.tensor_type(ty)?;
        let graph = &mut self.frames[0].graph;
        let value = graph.add_input(name.clone(), tensor.clone());
        graph.node_mut(value.node).origin = Origin::new(formal.span, "");
        let operand = Operand {
            frame: 0,
            value,
            ty: tensor.clone(),
            span: formal.span,
        };
        if let Some(activation) = self.activation() {
            activation.bind(name.as_str(), Value::Tensor(operand), formal.span);
        }
        Ok(Some(Port {
            name: name.clone(),
            ty: tensor,
            span: formal.span,
        }))
    }

    /// Makes dims of the capitals in an input's type that nothing else declares.
    fn bind_capitals(&mut self, ty: &'p Type) {
        let mut names: Vec<(&'p str, Span)> = Vec::new();
        for entry in ty.shape.as_deref().unwrap_or(&[]) {
            if let TypeDim::Dim(tree) = entry {
                crate::visit::expression(tree, &mut |part: &'p Expr| {
                    if let ExprKind::Name(name) = &part.kind
                        && name.starts_with(|first: char| first.is_ascii_uppercase())
                    {
                        names.push((name, part.span));
                    }
                });
            }
        }
        for (name, span) in names {
            let declared = matches!(
                self.program.definition(self.file(), name),
                Some(Definition::Constant { .. } | Definition::Dim { .. })
            );
            let bound = self
                .activations
                .last()
                .is_some_and(|own| own.locals.contains_key(name));
            if !declared && !bound {
                let dim = self.symbol(name, span);
                if let Some(activation) = self.activation() {
                    activation.bind(name, Value::Int(dim), span);
                }
            }
        }
    }

    /// Every dim that a model's graphs speak of is bound by its inputs.
    fn check_bound(&mut self, callable: Callable<'p>, graph: usize, first: usize) -> Eval<()> {
        let mut known: BTreeSet<String> = BTreeSet::new();
        let mut used: BTreeSet<String> = BTreeSet::new();
        let add = |set: &mut BTreeSet<String>, dim: &Dim| {
            set.extend(dim.symbols().iter().map(ToString::to_string));
        };
        let entry = &self.module.graphs[graph];
        for input in entry.inputs() {
            for ty in &entry.node(*input).types {
                ty.shape.iter().for_each(|dim| add(&mut known, dim));
            }
        }
        for own in &self.module.graphs[first..] {
            for id in own.node_ids() {
                let node = own.node(id);
                for ty in &node.types {
                    ty.shape.iter().for_each(|dim| add(&mut used, dim));
                }
                match &node.op {
                    Op::Extent { dim, .. } => add(&mut used, dim),
                    Op::Loop {
                        trip: Trip::Range { start, count },
                        ..
                    } => {
                        add(&mut used, start);
                        add(&mut used, count);
                    }
                    Op::Slice { starts, .. } => starts.iter().for_each(|dim| add(&mut used, dim)),
                    _ => {}
                }
            }
        }
        // Equalities among the facts bind further dims.
        for fact in self.facts.iter() {
            if fact.relation == Relation::Equal {
                for side in [&fact.left, &fact.right] {
                    if let Some(name) = side.as_symbol() {
                        known.insert(name.to_owned());
                    }
                }
            }
        }
        let open = used.difference(&known).next().cloned();
        let Some(open) = open else {
            return Ok(());
        };
        let name = &callable.signature.name;
        let mut diagnostic = Diagnostic::error(
            "E0140",
            format!("no input of `{}` has the dim `{open}`", name.text),
        )
        .primary(name.span, format!("it uses `{open}`, which no input binds"));
        if let Some(span) = self.symbols.get(&open) {
            diagnostic = diagnostic.secondary(*span, "declared here");
        }
        self.fail(diagnostic.help(format!(
            "give an input an axis of `{open}`, or bind it: `--bind {open}=...`"
        )))
    }

    /// The dims that inputs bind, as the module has them.
    pub fn module_symbols(&self) -> Vec<Symbol> {
        let symbols = self.symbols.iter();
        symbols
            .map(|(name, span)| Symbol {
                name: name.clone(),
                span: Some(*span),
            })
            .collect()
    }
}

/// Whether a type is of compile-time values.
pub(crate) fn compile_time(ty: &Type) -> bool {
    ty.shape.is_none()
        && matches!(
            ty.element.node,
            ElementType::Int | ElementType::Float | ElementType::Dtype(Dtype::Bool)
        )
}

/// The type of labels of a model's output: one integer an example.
pub(crate) fn label_type(output: &TensorType) -> TensorType {
    let shape = output
        .shape
        .split_last()
        .map_or(Vec::new(), |(_, rest)| rest.to_vec());
    TensorType::new(eyas_tensor::DType::I32, shape)
}
