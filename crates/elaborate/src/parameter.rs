use eyas_diagnostic::{Diagnostic, Span};
use eyas_ir::{Initialiser, Op, ParameterDecl, ParameterKind, TensorType};
use eyas_syntax::ast::{self, Argument, Expr, ExprKind, Parameter};
use eyas_tensor::Dim;

use crate::dims::DimOperation;
use crate::elaborator::{Elaborator, Eval};
use crate::names::suggest;
use crate::path::child;
use crate::value::{Fill, Operand, Value};

/// The functions that an initialiser may call.
const INITIALISERS: [&str; 9] = [
    "zeros",
    "ones",
    "constant",
    "uniform",
    "normal",
    "he_uniform",
    "he_normal",
    "xavier_uniform",
    "xavier_normal",
];

impl<'p> Elaborator<'p> {
    /// Declares a parameter or state; gives its value.
    pub fn declare(&mut self, parameter: &'p Parameter) -> Eval<Value> {
        let name = &parameter.name;
        let ty = self.tensor_type(&parameter.ty);
        let exists = match &parameter.guard {
            Some(guard) => {
                let value = self.eval(guard)?;
                self.as_bool(&value, guard.span)?
            }
            None => true,
        };
        let ty = ty?;
        let initialiser = match &parameter.initialiser {
            Some(tree) => Some(self.initialiser(tree, &ty)?),
            None => None,
        };
        if !exists {
            return self.absent(parameter, ty, initialiser);
        }
        if let Some(extent) = ty
            .shape
            .iter()
            .find(|extent| extent.as_constant().is_none())
        {
            return self.fail(
                Diagnostic::error(
                    "E0125",
                    format!("`{}` has the extent `{extent}`", name.text),
                )
                .primary(parameter.ty.span, format!("this is `{ty}`"))
                .note("weights are stored, so their extents are known when compiling")
                .help(format!("give the dim a value: `--bind {extent}=...`")),
            );
        }
        self.check_scope(parameter)?;
        let own = self.activations.last();
        let path = child(own.map_or("", |own| own.file_path()), &name.text);
        let kind = match parameter.kind {
            ast::ParameterKind::Param => ParameterKind::Parameter,
            ast::ParameterKind::State => ParameterKind::State,
        };
        if kind == ParameterKind::State && self.frames.len() > 1 {
            return self.wants_unrolling(parameter.span, "each iteration changes this state");
        }
        let declaration = ParameterDecl {
            ty: ty.clone(),
            initialiser,
            kind,
            span: Some(parameter.span),
        };
        for concrete in self.concrete_paths(&path, parameter.span)? {
            self.charge(parameter.span, 1)?;
            self.register(concrete, declaration.clone(), parameter)?;
        }
        let template = path.clone();
        let op = match kind {
            ParameterKind::Parameter => Op::Parameter { path },
            ParameterKind::State => Op::State { path },
        };
        let operand = self.emit_leaf(op, ty.clone(), parameter.span)?;
        if kind == ParameterKind::State
            && let Some(activation) = self.activation()
        {
            activation
                .states
                .push((name.text.clone(), template.clone(), ty));
            // A second call in one run goes on from what the first left.
            if let Some(next) = self.next_states.get(&template) {
                return Ok(Value::Tensor(next.clone()));
            }
        }
        Ok(Value::Tensor(operand))
    }

    fn absent(
        &mut self,
        parameter: &'p Parameter,
        ty: TensorType,
        initialiser: Option<Initialiser>,
    ) -> Eval<Value> {
        let span = parameter.span;
        match initialiser {
            Some(Initialiser::Fill(value)) => Ok(Value::Fill(Fill { ty, value })),
            _ => self.fail(
                Diagnostic::error(
                    "E0126",
                    format!(
                        "`{}` is absent, but has no constant value",
                        parameter.name.text
                    ),
                )
                .primary(
                    parameter
                        .initialiser
                        .as_ref()
                        .map_or(span, |tree| tree.span),
                    "an absent parameter is its initialiser's value",
                )
                .help("give it an initialiser such as `zeros` or `constant(1)`"),
            ),
        }
    }

    /// A name is declared once, and a call without a label has no scope for parameters.
    fn check_scope(&mut self, parameter: &'p Parameter) -> Eval<()> {
        let name = &parameter.name;
        let Some(activation) = self.activations.last() else {
            return Ok(());
        };
        if let Some(local) = activation.locals.get(&name.text)
            && local.span != name.span
            && local.span != parameter.span
        {
            let first = local.span;
            return self.fail(
                Diagnostic::error("E0122", format!("`{}` has a value already", name.text))
                    .primary(name.span, "declared here")
                    .secondary(first, "bound here"),
            );
        }
        let bare = self.activations.iter().rev().find(|own| !own.labelled);
        if let Some(bare) = bare
            && let Some(call) = bare.call
        {
            let layer = bare.name.to_owned();
            return self.fail(
                Diagnostic::error(
                    "E0123",
                    format!("`{layer}` has parameters, so its call needs a label"),
                )
                .primary(call, "the label would name their scope")
                .secondary(name.span, "such as this one")
                .help(format!("write `name: {layer}(...)`")),
            );
        }
        Ok(())
    }

    /// The paths in files that a path stands for: one for each value of the counters in it.
    pub fn concrete_paths(&mut self, template: &str, span: Span) -> Eval<Vec<String>> {
        let mut paths = vec![template.to_owned()];
        let counters: Vec<_> = self
            .frames
            .iter()
            .filter_map(|frame| frame.counter.clone())
            .collect();
        for counter in counters {
            let place = format!("{{{}}}", counter.variable);
            if !template.contains(&place) {
                continue;
            }
            let Some((start, count)) = counter.range else {
                return self.fail(
                    Diagnostic::error(
                        "E0127",
                        "parameters depend on a counter whose range a run binds",
                    )
                    .primary(span, format!("one for each `{}`", counter.variable))
                    .help("use a constant range, or leave the counter out of the label"),
                );
            };
            let total = usize::try_from(count).unwrap_or(usize::MAX);
            self.charge(span, paths.len().saturating_mul(total))?;
            paths = paths
                .iter()
                .flat_map(|path| {
                    (start..start.saturating_add(count))
                        .map(|value| path.replace(&place, &value.to_string()))
                        .collect::<Vec<_>>()
                })
                .collect();
        }
        Ok(paths)
    }

    /// Whether a path has a counter whose range a run binds.
    pub fn has_open_counter(&self, template: &str) -> bool {
        let mut counters = self
            .frames
            .iter()
            .filter_map(|frame| frame.counter.as_ref());
        counters.any(|counter| {
            counter.range.is_none() && template.contains(&format!("{{{}}}", counter.variable))
        })
    }

    fn register(
        &mut self,
        path: String,
        declaration: ParameterDecl,
        parameter: &'p Parameter,
    ) -> Eval<()> {
        let Some(known) = self.parameters.get(&path) else {
            self.parameters.insert(path, declaration);
            return Ok(());
        };
        if known.span == declaration.span && known.ty == declaration.ty {
            return Ok(());
        }
        let (first, ty) = (known.span.unwrap_or(parameter.span), known.ty.clone());
        let mut diagnostic =
            Diagnostic::error("E0104", format!("the parameter `{path}` is declared twice"))
                .primary(parameter.span, format!("here as `{}`", declaration.ty));
        if first != parameter.span {
            diagnostic = diagnostic.secondary(first, format!("first here as `{ty}`"));
        }
        self.fail(diagnostic.help("give the calls labels of their own, such as `block[i]`"))
    }

    /// Notes the next values of the states that the call under way declared.
    pub fn close_states(&mut self, span: Span) -> Eval<()> {
        let Some(activation) = self.activations.last() else {
            return Ok(());
        };
        let states = activation.states.clone();
        for (name, path, ty) in states {
            let local = self
                .activations
                .last()
                .and_then(|own| own.locals.get(&name));
            let Some(local) = local.cloned() else {
                continue;
            };
            let operand = self.tensor_at(&local.value, ty.dtype, local.span)?;
            let equal = operand.ty.dtype == ty.dtype && operand.ty.shape == ty.shape;
            if !equal {
                let found = &operand.ty;
                let mut diagnostic = Diagnostic::error(
                    "E0102",
                    format!("the state `{name}` is `{ty}`, not `{found}`"),
                )
                .primary(local.span, format!("its next value is `{found}`"));
                let declared = self.parameters.get(&path);
                if let Some(declared) = declared.and_then(|declaration| declaration.span) {
                    diagnostic = diagnostic.secondary(declared, format!("`{ty}` is declared here"));
                }
                diagnostic = diagnostic.secondary(span, "at the end of this body");
                return self.fail(self.side(&operand, local.span).label_origin(diagnostic));
            }
            let kept: Operand = operand;
            self.next_states.insert(path, kept);
        }
        Ok(())
    }

    /// How a parameter begins.
    fn initialiser(&mut self, tree: &'p Expr, ty: &TensorType) -> Eval<Initialiser> {
        let (name, span, arguments): (&str, Span, &'p [Argument]) = match &tree.ungrouped().kind {
            ExprKind::Name(name)
                if INITIALISERS.contains(&name.as_str())
                    || self.find(name, tree.span)?.is_none() =>
            {
                (name, tree.span, &[])
            }
            ExprKind::Call(call) if call.label.is_none() => {
                (&call.function.text, call.function.span, &call.arguments)
            }
            _ => {
                let value = self.eval(tree)?;
                return self.filled(&value, ty, tree.span);
            }
        };
        if !INITIALISERS.contains(&name) {
            let diagnostic =
                Diagnostic::error("E0126", format!("there is no initialiser `{name}`"))
                    .primary(span, "unknown");
            return self.fail(suggest(diagnostic, name, INITIALISERS));
        }
        let formals: &[&str] = match name {
            "constant" => &["value"],
            "uniform" => &["low", "high"],
            "normal" => &["mean", "deviation"],
            "he_uniform" | "he_normal" => &["fan_in"],
            "xavier_uniform" | "xavier_normal" => &["fan_in", "fan_out"],
            _ => &[],
        };
        let given = self.arguments(arguments, None)?;
        let given = self.match_named(name, formals, given)?;
        let number = |own: &mut Self, place: usize| match &given[place] {
            Some((value, span)) => own.as_number(value, *span).map(Some),
            None => Ok(None),
        };
        let wanted = |own: &mut Self, found: Option<f64>, place: usize| match found {
            Some(value) => Ok(value),
            None => own.fail(
                Diagnostic::error(
                    "E0112",
                    format!("`{name}` is not given its `{}`", formals[place]),
                )
                .primary(tree.span, "missing here"),
            ),
        };
        let initialiser = match name {
            "zeros" => Initialiser::Fill(0.0),
            "ones" => Initialiser::Fill(1.0),
            "constant" => {
                let Some((value, span)) = &given[0] else {
                    return wanted(self, None, 0).map(Initialiser::Fill);
                };
                return self.filled(value, ty, *span);
            }
            "uniform" => {
                let (low, high) = (number(self, 0)?, number(self, 1)?);
                Initialiser::Uniform {
                    low: wanted(self, low, 0)?,
                    high: wanted(self, high, 1)?,
                }
            }
            "normal" => {
                let (mean, deviation) = (number(self, 0)?, number(self, 1)?);
                Initialiser::Normal {
                    mean: mean.unwrap_or(0.0),
                    deviation: deviation.unwrap_or(1.0),
                }
            }
            _ => {
                let fan_in = match number(self, 0)? {
                    Some(fan) => fan,
                    None => self.fan(ty, true, tree.span)?,
                };
                let he = name.starts_with("he_");
                let fan_out = match if he { Some(fan_in) } else { number(self, 1)? } {
                    Some(fan) => fan,
                    None => self.fan(ty, false, tree.span)?,
                };
                let fans = fan_in + fan_out;
                if fans.is_nan() || fans <= 0.0 {
                    return self.fail(
                        Diagnostic::error("E0126", "a fan is a number above 0")
                            .primary(tree.span, format!("{fan_in} and {fan_out} here")),
                    );
                }
                // He et al. 2015 with fan_in; Glorot and Bengio 2010 with the mean of both.
                let variance = 4.0 / (fan_in + fan_out) / if he { 1.0 } else { 2.0 };
                if name.ends_with("uniform") {
                    let bound = (3.0 * variance).sqrt();
                    Initialiser::Uniform {
                        low: -bound,
                        high: bound,
                    }
                } else {
                    Initialiser::Normal {
                        mean: 0.0,
                        deviation: variance.sqrt(),
                    }
                }
            }
        };
        let random = !matches!(initialiser, Initialiser::Fill(_));
        if random && !ty.dtype.is_float() {
            return self.fail(
                Diagnostic::error(
                    "E0126",
                    format!("`{name}` draws real numbers, not `{}`", ty.dtype),
                )
                .primary(
                    tree.span,
                    "for a parameter of whole numbers or truth values",
                ),
            );
        }
        Ok(initialiser)
    }

    /// One value everywhere, in the range of the type.
    fn filled(&mut self, value: &Value, ty: &TensorType, span: Span) -> Eval<Initialiser> {
        match value {
            Value::Int(_) | Value::Real(_) | Value::Bool(_) => {
                let constant = self.constant_at(value, ty.dtype, span)?;
                let number = constant.splat().map_or(0.0, |number| number.to_f64());
                Ok(Initialiser::Fill(number))
            }
            other => {
                let found = other.describe();
                self.fail(
                    Diagnostic::error(
                        "E0126",
                        "an initialiser is a number or a function of this list",
                    )
                    .primary(span, format!("this is {found}"))
                    .note(format!("the functions are {}", INITIALISERS.join(", "))),
                )
            }
        }
    }

    /// The fan that the shape shows: all axes but the last go in, the last goes out.
    fn fan(&mut self, ty: &TensorType, goes_in: bool, span: Span) -> Eval<f64> {
        let fan = match ty.shape.split_last() {
            Some((last, rest)) if goes_in => {
                let extents = if rest.is_empty() {
                    std::slice::from_ref(last)
                } else {
                    rest
                };
                self.dim_product(extents, span)?
            }
            Some((last, _)) => self.dim(DimOperation::Multiply, last, &Dim::from(1), span)?,
            None => Dim::from(1),
        };
        Ok(fan.as_constant().unwrap_or(1) as f64)
    }
}
