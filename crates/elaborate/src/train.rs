use std::collections::BTreeMap;

use eyas_diagnostic::{Diagnostic, Span};
use eyas_ir::{Entry, Graph, Module, Origin, TensorType};
use eyas_syntax::ast::{
    Argument, Assign, Call, DataStatement, Expr, ExprKind, Name, Stage, Train, TrainStatement,
};

use crate::activation::Activation;
use crate::elaborator::{Elaborator, Eval};
use crate::frame::Frame;
use crate::model::{Built, label_type};
use crate::names::suggest;
use crate::selector::PathPattern;
use crate::value::{Operand, Value};
use crate::{DataFormat, DataInfo, DataSource, MetricInfo, MetricKind, Setting, TrainInfo, visit};

/// The settings of a `train` block.
const SETTINGS: [&str; 12] = [
    "batch",
    "clip",
    "compute",
    "epochs",
    "loss",
    "metric",
    "optim",
    "place",
    "precision",
    "prune",
    "seed",
    "shuffle",
];

/// The functions that `optim` may call.
const OPTIMISERS: [&str; 5] = ["adam", "adamw", "lamb", "rmsprop", "sgd"];

impl<'p> Elaborator<'p> {
    /// Checks a `train` block and takes from it what is known.
    pub fn train(&mut self, train: &'p Train, models: &[Built]) -> Option<TrainInfo> {
        self.activations = vec![Activation::new(0, "train", train.span)];
        self.frames = vec![Frame::new(Graph::new("loss"))];
        let Some(callable) = self
            .callable(&train.model.text)
            .filter(|found| found.is_model)
        else {
            self.unknown_model(&train.model);
            return None;
        };
        // A model with errors has been spoken of.
        let built = models.iter().find(|built| built.info.span == callable.span);
        let mut info = TrainInfo {
            model: train.model.text.clone(),
            data: Vec::new(),
            batch: None,
            shuffle: None,
            epochs: None,
            metrics: Vec::new(),
            loss: None,
            settings: Vec::new(),
            span: train.span,
        };
        let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
        for line in &train.statements {
            match line {
                TrainStatement::Data(line) => info.data.extend(self.data(line)),
                TrainStatement::Set(line) => {
                    let [name] = &line.targets[..] else {
                        continue;
                    };
                    let repeated = !matches!(name.text.as_str(), "metric" | "prune");
                    if let Some(first) = seen.insert(&name.text, name.span)
                        && repeated
                    {
                        self.report(
                            Diagnostic::error("E0122", format!("`{}` is set twice", name.text))
                                .primary(name.span, "again here")
                                .secondary(first, "first here"),
                        );
                    }
                    self.setting(name, line, train, built, &mut info);
                }
            }
        }
        if let Some(built) = built {
            self.type_data(train, built, &mut info);
            info.loss = self.loss(train, built, &info);
        }
        Some(info)
    }

    /// A name that is no model's.
    pub fn unknown_model(&mut self, name: &Name) {
        let names: Vec<String> = self
            .program
            .written()
            .flat_map(|(_, file)| &file.items)
            .filter_map(|item| match item {
                eyas_syntax::ast::Item::Model(model) => Some(model.signature.name.text.clone()),
                _ => None,
            })
            .collect();
        let diagnostic = Diagnostic::error("E0132", format!("there is no model `{}`", name.text))
            .primary(name.span, "not found in this file");
        let names = names.iter().map(String::as_str);
        self.report(suggest(diagnostic, &name.text, names));
    }

    fn data(&mut self, line: &'p DataStatement) -> Option<DataInfo> {
        let formats = DataFormat::ALL.map(DataFormat::name);
        let ExprKind::Call(call) = &line.source.kind else {
            self.report(
                Diagnostic::error("E0133", "examples come from a source of data")
                    .primary(line.source.span, "this is none")
                    .note(format!("the sources are {}", formats.join(", "))),
            );
            return None;
        };
        let name = &call.function;
        let found = DataFormat::ALL
            .into_iter()
            .find(|format| format.name() == name.text);
        let Some(format) = found else {
            let diagnostic = Diagnostic::error(
                "E0133",
                format!("there is no source of data `{}`", name.text),
            )
            .primary(name.span, "unknown")
            .note(format!("the sources are {}", formats.join(", ")));
            self.report(suggest(diagnostic, &name.text, formats));
            return None;
        };
        let mut source = DataSource {
            format,
            positional: Vec::new(),
            named: BTreeMap::new(),
        };
        for argument in &call.arguments {
            let setting = self.value_of_setting(argument).ok()?;
            match &argument.name {
                Some(name) => drop(source.named.insert(name.text.clone(), setting)),
                None => source.positional.push(setting),
            }
        }
        let names = line.names.iter().map(|name| (name.text.clone(), None));
        Some(DataInfo {
            names: names.collect(),
            source,
            span: line.span,
        })
    }

    fn value_of_setting(&mut self, argument: &'p Argument) -> Eval<Setting> {
        let span = argument.value.span;
        Ok(match self.eval(&argument.value)? {
            Value::Text(text) => Setting::Text(text),
            Value::Bool(value) => Setting::Bool(value),
            value @ Value::Int(_) => Setting::Int(self.as_constant_int(&value, span)?),
            value => Setting::Float(self.as_number(&value, span)?),
        })
    }

    fn setting(
        &mut self,
        name: &'p Name,
        line: &'p Assign,
        train: &'p Train,
        built: Option<&Built>,
        info: &mut TrainInfo,
    ) {
        match name.text.as_str() {
            "batch" => info.batch = self.count(&line.value),
            "shuffle" => info.shuffle = self.count(&line.value),
            "epochs" => info.epochs = self.count(&line.value),
            "loss" => {}
            "metric" => info.metrics.extend(self.metric(line, train)),
            known if SETTINGS.contains(&known) => {
                if known == "optim" {
                    self.check_optimiser(&line.value);
                }
                if let Some(built) = built {
                    self.check_paths(&line.value, built);
                }
                info.settings.push(line.clone());
            }
            unknown => {
                let diagnostic =
                    Diagnostic::error("E0133", format!("there is no setting `{unknown}`"))
                        .primary(name.span, "unknown")
                        .note(format!("the settings are {}", SETTINGS.join(", ")));
                self.report(suggest(diagnostic, unknown, SETTINGS));
            }
        }
    }

    /// A whole number that is not negative.
    fn count(&mut self, tree: &'p Expr) -> Option<i64> {
        let value = self.eval(tree).ok()?;
        let number = self.as_constant_int(&value, tree.span).ok()?;
        if number < 0 {
            self.report(
                Diagnostic::error("E0133", "this setting is not negative")
                    .primary(tree.span, format!("{number} here")),
            );
            return None;
        }
        Some(number)
    }

    fn check_optimiser(&mut self, tree: &'p Expr) {
        let name = match &tree.ungrouped().kind {
            ExprKind::Call(call) => &call.function.text,
            ExprKind::Name(name) => name,
            _ => "",
        };
        if !OPTIMISERS.contains(&name) {
            let diagnostic = Diagnostic::error("E0133", "`optim` is an optimiser")
                .primary(tree.span, "this is none")
                .note(format!("the optimisers are {}", OPTIMISERS.join(", ")));
            self.report(suggest(diagnostic, name, OPTIMISERS));
        }
    }

    /// Paths among the arguments that match no parameter.
    fn check_paths(&mut self, tree: &'p Expr, built: &Built) {
        let mut patterns = Vec::new();
        visit::expression(tree, &mut |part| {
            if matches!(part.kind, ExprKind::Selector(_) | ExprKind::Field { .. }) {
                patterns.extend(PathPattern::of_expression(part).map(|found| (found, part.span)));
            }
        });
        for (pattern, span) in patterns {
            if !built
                .parameters
                .keys()
                .any(|path| pattern.matches_prefix(path))
            {
                self.unmatched(span);
            }
        }
    }

    pub fn unmatched(&mut self, span: Span) {
        self.report(
            Diagnostic::warning("E0153", "no parameter has such a path")
                .primary(span, "this matches nothing"),
        );
    }

    /// `accuracy(Model(image), label)`
    fn metric(&mut self, line: &'p Assign, train: &'p Train) -> Option<MetricInfo> {
        let kinds = MetricKind::ALL.map(MetricKind::name);
        let found = measure(&line.value).and_then(|(name, output, label)| {
            let kind = MetricKind::ALL
                .into_iter()
                .find(|kind| kind.name() == name.text)?;
            let call = as_call(output)?;
            let target = as_name(label)?;
            let inputs: Option<Vec<&str>> = call
                .arguments
                .iter()
                .map(|argument| as_name(&argument.value))
                .collect();
            (call.function.text == train.model.text).then_some(())?;
            Some(MetricInfo {
                kind,
                inputs: inputs?.into_iter().map(str::to_owned).collect(),
                target: target.to_owned(),
                span: line.span,
            })
        });
        if found.is_none() {
            let model = &train.model.text;
            let name = measure(&line.value).map_or("", |(name, _, _)| name.text.as_str());
            let diagnostic = Diagnostic::error("E0133", "this is not a metric that is known")
                .primary(line.value.span, "not understood")
                .note(format!(
                    "the metrics are {}, written `accuracy({model}(x), label)`",
                    kinds.join(", ")
                ));
            self.report(suggest(diagnostic, name, kinds));
        }
        found
    }

    /// Gives each name of the data its type: a model's input, where it is one; else labels'.
    fn type_data(&mut self, train: &'p Train, built: &Built, info: &mut TrainInfo) {
        let mut types: BTreeMap<&str, TensorType> = BTreeMap::new();
        for line in &train.statements {
            let TrainStatement::Set(line) = line else {
                continue;
            };
            visit::expression(&line.value, &mut |part| {
                let Some(call) = as_call(part).filter(|call| call.function.text == built.info.name)
                else {
                    return;
                };
                for (place, argument) in call.arguments.iter().enumerate() {
                    let port = match &argument.name {
                        Some(name) => built.info.inputs.iter().find(|port| port.name == name.text),
                        None => built.info.inputs.get(place),
                    };
                    if let (Some(port), Some(name)) = (port, as_name(&argument.value)) {
                        types.insert(name, port.ty.clone());
                    }
                }
            });
        }
        let label = built.info.outputs.first().map(|port| label_type(&port.ty));
        for data in &mut info.data {
            for (name, ty) in &mut data.names {
                let input = built.info.inputs.iter().find(|port| port.name == *name);
                *ty = types
                    .get(name.as_str())
                    .cloned()
                    .or_else(|| input.map(|port| port.ty.clone()))
                    .or_else(|| label.clone());
            }
        }
    }

    /// The loss as a module of its own.
    fn loss(&mut self, train: &'p Train, built: &Built, info: &TrainInfo) -> Option<Module> {
        let line = train.statements.iter().find_map(|line| match line {
            TrainStatement::Set(line) if line.targets.iter().any(|name| name.text == "loss") => {
                Some(line)
            }
            _ => None,
        })?;
        let errors = self.error_count();
        self.parameters = built.parameters.clone();
        self.labels.clear();
        self.selects = true;
        for data in &info.data {
            for (name, ty) in &data.names {
                let graph = &mut self.frames[0].graph;
                let ty = ty.clone()?;
                let value = graph.add_input(name.clone(), ty.clone());
                graph.node_mut(value.node).origin = Origin::new(data.span, "");
                let operand = Operand {
                    frame: 0,
                    value,
                    ty,
                    span: data.span,
                };
                self.bind_local(name, Value::Tensor(operand), data.span);
            }
        }
        if mentions(&line.value, "weights") {
            let weights = self.weights(line.value.span).ok()?;
            self.bind_local("weights", weights, line.value.span);
        }
        let operand = self.loss_value(&line.value);
        self.selects = false;
        let operand = operand.ok()?;
        if self.error_count() > errors {
            return None;
        }
        let mut graph = self.frames.pop()?.graph;
        graph.add_output("loss", operand.value);
        graph.remove_dead();
        let mut module = std::mem::take(&mut self.module);
        let graph = module.add_graph(graph);
        module.entries.push(Entry {
            name: "loss".into(),
            graph,
            mode: self.mode,
            states: Vec::new(),
        });
        module.symbols = self.module_symbols();
        module.facts = self.facts.clone();
        module.parameters = self.parameters.drain(..).collect();
        debug_assert_eq!(module.verify(), Ok(()));
        module.verify().ok().map(|()| module)
    }

    fn bind_local(&mut self, name: &str, value: Value, span: Span) {
        if let Some(activation) = self.activation() {
            activation.bind(name, value, span);
        }
    }

    fn loss_value(&mut self, tree: &'p Expr) -> Eval<Operand> {
        let value = self.eval(tree)?;
        let operand = self.tensor(&value, tree.span)?;
        let single = operand.ty.shape.iter().all(|extent| extent.is(1));
        if !single || !operand.ty.dtype.is_float() {
            return self.fail(
                Diagnostic::error("E0102", "a loss is one number")
                    .primary(tree.span, format!("this is `{}`", operand.ty))
                    .help("take the mean: `mean(...)`"),
            );
        }
        self.reshape(&operand, Vec::new(), tree.span)
    }

    /// The parameters of two axes and more.
    fn weights(&mut self, span: Span) -> Eval<Value> {
        let paths: Vec<String> = self
            .parameters
            .iter()
            .filter(|(_, declared)| declared.ty.rank() >= 2 && declared.ty.dtype.is_float())
            .map(|(path, _)| path.clone())
            .collect();
        let mut values = Vec::new();
        for path in paths {
            if let Some(operand) = self.parameter(&path, span)? {
                values.push(Value::Tensor(operand));
            }
        }
        Ok(Value::Tuple(values))
    }
}

fn mentions(tree: &Expr, name: &str) -> bool {
    let mut found = false;
    visit::expression(tree, &mut |part| {
        found |= as_name(part) == Some(name);
    });
    found
}

fn as_name(tree: &Expr) -> Option<&str> {
    match &tree.ungrouped().kind {
        ExprKind::Name(name) | ExprKind::String(name) => Some(name),
        _ => None,
    }
}

fn as_call(tree: &Expr) -> Option<&Call> {
    match &tree.ungrouped().kind {
        ExprKind::Call(call) => Some(call),
        _ => None,
    }
}

/// A function of an output and a label: `f(a, b)` or `a |> f(b)`.
fn measure(tree: &Expr) -> Option<(&Name, &Expr, &Expr)> {
    match &tree.ungrouped().kind {
        ExprKind::Call(call) => match &call.arguments[..] {
            [output, label] => Some((&call.function, &output.value, &label.value)),
            _ => None,
        },
        ExprKind::Pipe(pipe) => match &pipe.stages[..] {
            [Stage::Call(call)] => match &call.arguments[..] {
                [label] => Some((&call.function, &pipe.input, &label.value)),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    }
}
