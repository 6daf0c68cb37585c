use eyas_diagnostic::{Diagnostic, Span};
use eyas_syntax::ast::{Argument, Call, Label, Name};

use crate::activation::Activation;
use crate::builtin;
use crate::elaborator::{Elaborator, Eval};
use crate::expression::Placed;
use crate::names::suggest;
use crate::path::{Segment, file_path};
use crate::program::Callable;
use crate::value::Value;

/// Calls of layers that may stand in each other.
const CALL_LIMIT: usize = 48;

/// An argument with its value.
pub(crate) struct Given<'p> {
    pub name: Option<&'p Name>,
    pub value: Value,
    pub span: Span,
}

impl<'p> Elaborator<'p> {
    /// The value of a call; what a pipe brings is the first argument.
    pub fn call(&mut self, call: &'p Call, piped: Option<Placed>) -> Eval<Value> {
        let name = &call.function;
        if let Some(callable) = self.callable(&name.text) {
            return self.call_layer(callable, call, piped);
        }
        let Some(function) = builtin::find(&name.text) else {
            let names = self.visible_names();
            let diagnostic = Diagnostic::error(
                "E0101",
                format!("there is no function or layer `{}`", name.text),
            )
            .primary(name.span, "not found in this scope");
            let names = names.iter().map(String::as_str);
            return self.fail(suggest(diagnostic, &name.text, names));
        };
        let Some(label) = &call.label else {
            return self.call_builtin(function, call, piped);
        };
        // The label of a function names its nodes and nothing else.
        let segments = self.enter_label(label)?;
        let saved = self.activations.last().cloned();
        if let Some(own) = saved.clone() {
            self.activations.push(own.under(segments));
        }
        let result = self.call_builtin(function, call, piped);
        if saved.is_some() {
            self.activations.pop();
        }
        result
    }

    /// The arguments' values; the faults of all are reported.
    pub fn arguments(
        &mut self,
        list: &'p [Argument],
        piped: Option<Placed>,
    ) -> Eval<Vec<Given<'p>>> {
        let mut given = Vec::with_capacity(list.len() + 1);
        if let Some((value, span)) = piped {
            let name = None;
            given.push(Given { name, value, span });
        }
        let mut faulty = None;
        for argument in list {
            match self.eval(&argument.value) {
                Ok(value) => given.push(Given {
                    name: argument.name.as_ref(),
                    value,
                    span: argument.value.span,
                }),
                Err(reported) => faulty = Some(reported),
            }
        }
        match faulty {
            Some(reported) => Err(reported),
            None => Ok(given),
        }
    }

    /// The label path of a labelled call, taken in use.
    fn enter_label(&mut self, label: &'p Label) -> Eval<Vec<Segment>> {
        let index = match &label.index {
            Some(tree) => Some(self.label_index(tree)?),
            None => None,
        };
        let own = self.activations.last();
        let mut segments = own.map_or(Vec::new(), |own| own.segments.clone());
        segments.push(Segment {
            name: label.name.text.clone(),
            index,
        });
        let template = file_path(&segments);
        let paths = if self.has_open_counter(&template) {
            vec![template]
        } else {
            self.concrete_paths(&template, label.span)?
        };
        for path in paths {
            self.take_label(path, label)?;
        }
        Ok(segments)
    }

    fn take_label(&mut self, path: String, label: &'p Label) -> Eval<()> {
        match self.labels.get(&path) {
            // The same call again, in a loop or a second run of the model.
            Some(first) if *first == label.span => Ok(()),
            Some(first) => {
                let first = *first;
                self.fail(
                    Diagnostic::error("E0104", format!("the label `{path}` is used twice"))
                        .primary(label.span, "used again here")
                        .secondary(first, "first used here")
                        .note("a label names a scope of parameters")
                        .help("choose another label; to share weights, refer to them by path"),
                )
            }
            None => {
                self.labels.insert(path, label.span);
                Ok(())
            }
        }
    }

    fn call_layer(
        &mut self,
        callable: Callable<'p>,
        call: &'p Call,
        piped: Option<Placed>,
    ) -> Eval<Value> {
        let name = &callable.signature.name.text;
        self.check_recursion(callable, call)?;
        let given = self.arguments(&call.arguments, piped);
        let segments = match &call.label {
            Some(label) => self.enter_label(label),
            None => Ok(self
                .activations
                .last()
                .map_or(Vec::new(), |own| own.segments.clone())),
        };
        let (given, segments) = (given?, segments?);
        let given = self.match_arguments(callable, given, call)?;
        let mut activation = Activation::new(callable.file, name, callable.span).under(segments);
        activation.call = Some(call.span);
        // A model has the scope of its own name in every file: none.
        activation.labelled = call.label.is_some() || callable.is_model;
        self.entered.insert(callable.span);
        self.activations.push(activation);
        let result = self.deeper(call.span, |own| own.run_layer(callable, given, call.span));
        self.activations.pop();
        let mut values = result?;
        // Whoever looks for where a result was made looks in the text with the call.
        for value in &mut values {
            if let Value::Tensor(operand) = value {
                operand.span = call.span;
            }
        }
        Ok(match values.len() {
            1 => values.remove(0),
            _ => Value::Tuple(values),
        })
    }

    fn run_layer(
        &mut self,
        callable: Callable<'p>,
        given: Vec<Option<Placed>>,
        call: Span,
    ) -> Eval<Vec<Value>> {
        self.bind_formals(callable.signature, given, call)?;
        self.check_where(callable.signature)?;
        let returned = self.run_body(callable.body, callable.signature)?;
        self.check_results(callable.signature, returned)
    }

    fn check_recursion(&mut self, callable: Callable<'p>, call: &'p Call) -> Eval<()> {
        let mut open = self.activations.iter();
        let start = open.position(|own| own.body == callable.span);
        if let Some(start) = start {
            let mut cycle: Vec<&str> = self.activations[start..]
                .iter()
                .map(|own| own.name)
                .collect();
            cycle.push(&callable.signature.name.text);
            let cycle = cycle.join("` calls `");
            return self.fail(
                Diagnostic::error("E0105", format!("`{cycle}`: a layer cannot contain itself"))
                    .primary(call.span, "this call has no end")
                    .secondary(callable.signature.name.span, "declared here")
                    .help("write repetition with `repeat`"),
            );
        }
        if self.activations.len() > CALL_LIMIT {
            return self.fail(
                Diagnostic::error("E0110", "calls are nested too deeply")
                    .primary(
                        call.span,
                        format!("more than {CALL_LIMIT} calls stand around this"),
                    )
                    .help("flatten the layers that call each other"),
            );
        }
        Ok(())
    }

    /// The argument of each formal.
    fn match_arguments(
        &mut self,
        callable: Callable<'p>,
        given: Vec<Given<'p>>,
        call: &'p Call,
    ) -> Eval<Vec<Option<Placed>>> {
        let formals = &callable.signature.formals;
        let name = &callable.signature.name;
        let mut matched: Vec<Option<Placed>> = vec![None; formals.len()];
        let mut next = 0;
        let mut result = Ok(());
        for argument in given {
            let place = match argument.name {
                None => {
                    next += 1;
                    (next <= formals.len()).then_some(next - 1)
                }
                Some(own) => formals
                    .iter()
                    .position(|formal| formal.name.text == own.text),
            };
            match (place, argument.name) {
                (Some(place), _) if matched[place].is_none() => {
                    matched[place] = Some((argument.value, argument.span));
                }
                (Some(place), _) => {
                    let formal = &formals[place].name.text;
                    let first = matched[place]
                        .as_ref()
                        .map_or(argument.span, |(_, span)| *span);
                    result = self.fail(
                        Diagnostic::error("E0112", format!("`{formal}` is given twice"))
                            .primary(argument.span, "given again here")
                            .secondary(first, "first given here"),
                    );
                }
                (None, Some(own)) => {
                    let message = format!("`{}` has no argument `{}`", name.text, own.text);
                    let names = formals.iter().map(|formal| formal.name.text.as_str());
                    let diagnostic = Diagnostic::error("E0112", message)
                        .primary(own.span, "no such argument")
                        .secondary(callable.signature.span, "declared here");
                    result = self.fail(suggest(diagnostic, &own.text, names));
                }
                (None, None) => {
                    let count = formals.len();
                    let message = format!("`{}` takes {}", name.text, arguments(count));
                    result = self.fail(
                        Diagnostic::error("E0112", message)
                            .primary(argument.span, "one too many")
                            .secondary(callable.signature.span, "declared here"),
                    );
                }
            }
        }
        for (place, formal) in formals.iter().enumerate() {
            if matched[place].is_none() && formal.default.is_none() {
                let own = &formal.name.text;
                let message = format!("`{}` is not given its `{own}`", name.text);
                result = self.fail(
                    Diagnostic::error("E0112", message)
                        .primary(call.span, format!("`{own}` is missing"))
                        .secondary(formal.span, "declared here"),
                );
            }
        }
        result.map(|()| matched)
    }
}

/// `1 argument`, `2 arguments`
pub(crate) fn arguments(count: usize) -> String {
    match count {
        1 => "1 argument".into(),
        count => format!("{count} arguments"),
    }
}
