use eyas_diagnostic::{Diagnostic, Span};
use eyas_ir::TensorType;
use eyas_syntax::ast::{
    BinaryOperator, ElementType, Expr, ExprKind, Formal, NamedOutput, Results, Signature, Type,
    TypeDim, UnaryOperator,
};
use eyas_tensor::{DType, Dim};

use crate::dims::{self, DimOperation};
use crate::elaborator::{Elaborator, Eval};
use crate::expression::Placed;
use crate::names::dtype;
use crate::program::Definition;
use crate::side::Side;
use crate::value::{Operand, Real, Value};
use crate::visit;

/// What a formal takes.
enum Kind {
    Any,
    Int,
    Real,
    Bool,
    Tensor(DType),
}

impl<'p> Elaborator<'p> {
    /// Binds a layer's formals, and the dims that their types name.
    pub fn bind_formals(
        &mut self,
        signature: &'p Signature,
        given: Vec<Option<Placed>>,
        call: Span,
    ) -> Eval<()> {
        let mut tensors = Vec::new();
        let mut absent = Vec::new();
        let mut result = Ok(());
        for (formal, value) in signature.formals.iter().zip(given) {
            let Some((value, span)) = value else {
                absent.push(formal);
                continue;
            };
            let outcome = match self.formal_kind(formal)? {
                Kind::Tensor(dtype) => {
                    tensors.push((formal, dtype, value, span));
                    Ok(())
                }
                kind => self
                    .scalar_argument(kind, value, span, formal)
                    .map(|value| self.bind(&formal.name.text, value, span)),
            };
            result = result.and(outcome);
        }
        result?;
        // Defaults that need nothing but what is known come first: types may speak of them.
        let mut late = Vec::new();
        for formal in absent {
            match &formal.default {
                Some(default) if self.is_known(default) => self.bind_default(formal, default)?,
                _ => late.push(formal),
            }
        }
        let mut open = Vec::new();
        for (formal, dtype, value, span) in tensors {
            let operand = self.tensor_at(&value, dtype, span)?;
            // An absent parameter stays one, so that it may still fall away where it is used.
            let value = match value {
                Value::Fill(_) => value,
                _ => Value::Tensor(operand.clone()),
            };
            let outcome = self.unify(formal, dtype, &operand, span, &mut open);
            result = result.and(outcome);
            self.bind(&formal.name.text, value, span);
        }
        result?;
        for (formal, tree, axis, operand, span) in open {
            self.check_extent(formal, tree, axis, self.side(&operand, span))?;
        }
        for formal in late {
            match &formal.default {
                Some(default) => self.bind_default(formal, default)?,
                None => {
                    return self.fail(
                        Diagnostic::error("E0112", format!("`{}` is not given", formal.name.text))
                            .primary(call, "missing here")
                            .secondary(formal.span, "declared here"),
                    );
                }
            }
        }
        Ok(())
    }

    fn bind(&mut self, name: &str, value: Value, span: Span) {
        if let Some(activation) = self.activation() {
            activation.bind(name, value, span);
        }
    }

    fn bind_default(&mut self, formal: &'p Formal, default: &'p Expr) -> Eval<()> {
        let value = self.eval(default)?;
        let value = match self.formal_kind(formal)? {
            Kind::Tensor(dtype) => Value::Tensor(self.tensor_at(&value, dtype, default.span)?),
            kind => self.scalar_argument(kind, value, default.span, formal)?,
        };
        self.bind(&formal.name.text, value, formal.span);
        Ok(())
    }

    fn formal_kind(&mut self, formal: &'p Formal) -> Eval<Kind> {
        let Some(ty) = &formal.ty else {
            return Ok(Kind::Any);
        };
        Ok(match (ty.element.node, &ty.shape) {
            (ElementType::Int, None) => Kind::Int,
            (ElementType::Float, None) => Kind::Real,
            (ElementType::Dtype(eyas_syntax::ast::Dtype::Bool), None) => Kind::Bool,
            (ElementType::Dtype(own), _) => Kind::Tensor(dtype(own)),
            (ElementType::Int | ElementType::Float, Some(_)) => return self.no_tensor_type(ty),
        })
    }

    fn no_tensor_type<T>(&mut self, ty: &'p Type) -> Eval<T> {
        let name = ty.element.node;
        let instead = if name == ElementType::Int {
            "i32"
        } else {
            "f32"
        };
        self.fail(
            Diagnostic::error("E0130", format!("`{name}` is no element type of tensors"))
                .primary(ty.element.span, "a compile-time number has no axes")
                .help(format!("write a type with a width, such as `{instead}`")),
        )
    }

    fn scalar_argument(
        &mut self,
        kind: Kind,
        value: Value,
        span: Span,
        formal: &'p Formal,
    ) -> Eval<Value> {
        let outcome = match (&kind, &value) {
            (Kind::Any, _) | (Kind::Int, Value::Counter(_)) => return Ok(value),
            (Kind::Int, Value::Int(_)) | (Kind::Bool, Value::Bool(_)) => return Ok(value),
            (Kind::Real, Value::Int(dim)) => return Ok(Value::Real(Real::extent(dim))),
            (Kind::Real, Value::Real(_)) => return Ok(value),
            (Kind::Int, _) => self.as_int(&value, span).map(Value::Int),
            (Kind::Bool, _) => self.as_bool(&value, span).map(Value::Bool),
            (Kind::Real | Kind::Tensor(_), _) => self.as_real(&value, span).map(Value::Real),
        };
        if outcome.is_err()
            && let Some(last) = self.diagnostics.last_mut()
            && last.span() == Some(span)
            && last.labels.len() < 3
        {
            let taken = std::mem::replace(last, Diagnostic::error("", ""));
            *last = taken.secondary(formal.span, format!("for `{}`", formal.name.text));
        }
        outcome
    }

    /// Fits a tensor to its formal's type; capitals that are not bound yet take its extents.
    fn unify(
        &mut self,
        formal: &'p Formal,
        dtype: DType,
        operand: &Operand,
        span: Span,
        open: &mut Vec<(&'p Formal, &'p Expr, usize, Operand, Span)>,
    ) -> Eval<()> {
        let side = self.side(operand, span);
        let found = &operand.ty;
        let Some(ty) = &formal.ty else {
            return Ok(());
        };
        let name = &formal.name.text;
        if found.dtype != dtype {
            return self.fail(
                Diagnostic::error(
                    "E0103",
                    format!("`{name}` holds `{dtype}`, not `{}`", found.dtype),
                )
                .primary(span, format!("this is `{found}`"))
                .secondary(ty.span, "declared here")
                .help(format!("convert it: `cast(x, {dtype})`")),
            );
        }
        let entries = ty.shape.as_deref().unwrap_or(&[]);
        let (front, rest, back) = self.split_rest(entries)?;
        let fixed = front.len() + back.len();
        let rank = found.rank();
        if rank < fixed || (rest.is_none() && rank > fixed) {
            let wanted = match rest {
                Some(_) => format!("{fixed} axes or more"),
                None if fixed == 1 => "1 axis".into(),
                None => format!("{fixed} axes"),
            };
            let message = format!("`{name}` has {wanted}, not {rank}");
            let diagnostic = Diagnostic::error("E0102", message)
                .primary(span, format!("this is `{found}`"))
                .secondary(ty.span, "declared here");
            return self.fail(side.label_origin(diagnostic));
        }
        let middle = rank - back.len();
        let pairs = front.iter().zip(0..).chain(back.iter().zip(middle..));
        let mut result = Ok(());
        for (entry, axis) in pairs {
            let TypeDim::Dim(tree) = entry else {
                continue;
            };
            if let Some(capital) = self.new_capital(tree) {
                let extent = Value::Int(found.shape[axis].clone());
                self.bind(capital, extent, side.source());
            } else if self.is_known(tree) {
                result = result.and(self.check_extent(formal, tree, axis, side));
            } else {
                open.push((formal, tree, axis, operand.clone(), span));
            }
        }
        if let Some(place) = rest {
            let axes = found.shape[front.len()..middle].to_vec();
            result = result.and(self.unify_rest(axes, place, side));
        }
        result
    }

    fn unify_rest(&mut self, axes: Vec<Dim>, place: Span, side: Side<'_>) -> Eval<()> {
        let bound = self
            .activations
            .last()
            .and_then(|activation| activation.rest.clone());
        let Some((known, first)) = bound else {
            if let Some(activation) = self.activation() {
                activation.rest = Some((axes, side.source()));
            }
            return Ok(());
        };
        let equal =
            known.len() == axes.len() && known.iter().zip(&axes).all(|(a, b)| self.same(a, b));
        if equal {
            return Ok(());
        }
        let (known, axes) = (list(&known), list(&axes));
        let message = format!("`..` stands for `{known}`, not `{axes}`");
        let diagnostic = Diagnostic::error("E0102", message)
            .primary(side.place, format!("this is `{}`", side.ty))
            .secondary(first, format!("`..` is `{known}` because of this"))
            .secondary(place, "declared here");
        self.fail(side.label_origin(diagnostic))
    }

    fn check_extent(
        &mut self,
        formal: &'p Formal,
        tree: &'p Expr,
        axis: usize,
        side: Side<'_>,
    ) -> Eval<()> {
        let wanted = self.extent(tree)?;
        let found = &side.ty.shape[axis];
        if self.same(&wanted, found) {
            return Ok(());
        }
        let name = &formal.name.text;
        let mut diagnostic = Diagnostic::error(
            "E0102",
            format!("an extent of `{name}` is `{wanted}`, not `{found}`"),
        )
        .primary(side.place, format!("`{found}` here"))
        .secondary(tree.span, format!("`{wanted}` is wanted here"));
        if let ExprKind::Name(capital) = &tree.ungrouped().kind
            && let Some(activation) = self.activations.last()
            && let Some(local) = activation.locals.get(capital)
        {
            let text = format!("`{capital}` is `{wanted}` because of this");
            diagnostic = diagnostic.secondary(local.span, text);
        }
        diagnostic = side.label_origin(diagnostic);
        self.fail(self.with_advice(diagnostic, &wanted, found))
    }

    /// The entries before and after `..`.
    fn split_rest(
        &mut self,
        entries: &'p [TypeDim],
    ) -> Eval<(&'p [TypeDim], Option<Span>, &'p [TypeDim])> {
        let rests: Vec<usize> = (0..entries.len())
            .filter(|place| matches!(entries[*place], TypeDim::Rest(_)))
            .collect();
        match rests[..] {
            [] => Ok((entries, None, &[])),
            [place] => Ok((
                &entries[..place],
                Some(entries[place].span()),
                &entries[place + 1..],
            )),
            [first, second, ..] => self.fail(
                Diagnostic::error("E0130", "a type has `..` once at most")
                    .primary(entries[second].span(), "again here")
                    .secondary(entries[first].span(), "first here"),
            ),
        }
    }

    /// A capital that a type binds: not bound yet, and no constant.
    fn new_capital(&self, tree: &'p Expr) -> Option<&'p str> {
        let ExprKind::Name(name) = &tree.ungrouped().kind else {
            return None;
        };
        let activation = self.activations.last()?;
        let capital = name.starts_with(|first: char| first.is_ascii_uppercase());
        let constant = matches!(
            self.program.definition(activation.file, name),
            Some(Definition::Constant { .. })
        );
        (capital && !constant && !activation.locals.contains_key(name)).then_some(name.as_str())
    }

    /// Whether every name in an expression means something already.
    fn is_known(&self, tree: &'p Expr) -> bool {
        let Some(activation) = self.activations.last() else {
            return false;
        };
        let mut known = true;
        visit::expression(tree, &mut |part| {
            if let ExprKind::Name(name) = &part.kind {
                let defined = matches!(
                    self.program.definition(activation.file, name),
                    Some(Definition::Constant { .. })
                );
                known &= defined || activation.locals.contains_key(name);
            }
        });
        known
    }

    /// The value of an extent; `/` divides without rest.
    pub fn extent(&mut self, tree: &'p Expr) -> Eval<Dim> {
        let span = tree.span;
        self.deeper(span, |own| match &tree.kind {
            ExprKind::Group(inner) => own.extent(inner),
            ExprKind::Unary { operator, operand } if operator.node == UnaryOperator::Negate => {
                let value = own.extent(operand)?;
                own.dim(DimOperation::Subtract, &Dim::from(0), &value, span)
            }
            ExprKind::Binary {
                operator,
                left,
                right,
            } => {
                let operation = match operator.node {
                    BinaryOperator::Add => DimOperation::Add,
                    BinaryOperator::Subtract => DimOperation::Subtract,
                    BinaryOperator::Multiply => DimOperation::Multiply,
                    BinaryOperator::FloorDivide => DimOperation::FloorDivide,
                    BinaryOperator::Remainder => DimOperation::Remainder,
                    BinaryOperator::Divide => return own.exact_division(left, right, span),
                    _ => {
                        let value = own.eval(tree)?;
                        return own.as_int(&value, span);
                    }
                };
                let (a, b) = (own.extent(left)?, own.extent(right)?);
                own.dim(operation, &a, &b, span)
            }
            _ => {
                let value = own.eval(tree)?;
                own.as_int(&value, span)
            }
        })
    }

    fn exact_division(&mut self, left: &'p Expr, right: &'p Expr, span: Span) -> Eval<Dim> {
        let (a, b) = (self.extent(left)?, self.extent(right)?);
        let quotient = dims::exact_quotient(&self.facts, &a, &b);
        match self.dim_result(quotient, span)? {
            Some(quotient) => Ok(quotient),
            None => self.fail(
                Diagnostic::error(
                    "E0106",
                    format!("`{a}` is not known to be a multiple of `{b}`"),
                )
                .primary(span, "an extent is a whole number")
                .help(format!("round down with `//`, or `assert {a} % {b} == 0`")),
            ),
        }
    }

    /// The type that a declaration gives.
    pub fn tensor_type(&mut self, ty: &'p Type) -> Eval<TensorType> {
        let ElementType::Dtype(element) = ty.element.node else {
            return self.no_tensor_type(ty);
        };
        let mut shape = Vec::new();
        let mut result = Ok(());
        for entry in ty.shape.as_deref().unwrap_or(&[]) {
            match entry {
                TypeDim::Dim(tree) => match self.extent(tree) {
                    Ok(extent) => shape.push(extent),
                    Err(reported) => result = Err(reported),
                },
                TypeDim::Rest(span) => {
                    let rest = self.activations.last().and_then(|own| own.rest.clone());
                    match rest {
                        Some((axes, _)) => shape.extend(axes),
                        None => {
                            result = self.fail(
                                Diagnostic::error("E0130", "`..` stands for no axes here")
                                    .primary(*span, "not bound")
                                    .note("`..` takes its axes from an argument's type"),
                            );
                        }
                    }
                }
            }
        }
        result?;
        let shape: Vec<Dim> = shape.iter().map(|extent| self.normal(extent)).collect();
        let ty_found = TensorType::new(dtype(element), shape);
        self.check_type(&ty_found, ty.span)?;
        Ok(ty_found)
    }

    /// The facts of a signature's `where`, proved, or assumed and checked when dims are bound.
    pub fn check_where(&mut self, signature: &'p Signature) -> Eval<()> {
        let mut result = Ok(());
        for fact in &signature.facts {
            result = result.and(self.require(fact, None, fact.span));
        }
        result
    }

    /// The returned values, brought to the declared types.
    pub fn check_results(
        &mut self,
        signature: &'p Signature,
        returned: Vec<Placed>,
    ) -> Eval<Vec<Value>> {
        let types = result_types(signature.results.as_ref());
        if types.is_empty() && signature.results.is_none() {
            return Ok(returned.into_iter().map(|(value, _)| value).collect());
        }
        if types.len() != returned.len() {
            let (wanted, found) = (types.len(), returned.len());
            let place = returned
                .iter()
                .map(|(_, span)| *span)
                .reduce(Span::join)
                .unwrap_or(signature.span);
            let declared = types
                .iter()
                .map(|ty| ty.span)
                .reduce(Span::join)
                .unwrap_or(signature.span);
            return self.fail(
                Diagnostic::error(
                    "E0131",
                    format!("{wanted} results are declared, {found} returned"),
                )
                .primary(place, format!("{found} here"))
                .secondary(declared, format!("{wanted} here")),
            );
        }
        let checked: Vec<Eval<Value>> = types
            .into_iter()
            .zip(returned)
            .map(|(ty, value)| self.check_result(ty, value))
            .collect();
        checked.into_iter().collect()
    }

    fn check_result(&mut self, ty: &'p Type, (value, span): Placed) -> Eval<Value> {
        match (ty.element.node, &ty.shape) {
            (ElementType::Int, None) => return self.as_int(&value, span).map(Value::Int),
            (ElementType::Float, None) => return self.as_real(&value, span).map(Value::Real),
            _ => {}
        }
        let wanted = self.tensor_type(ty)?;
        let operand = self.tensor_at(&value, wanted.dtype, span)?;
        let found = operand.ty.clone();
        if found.dtype != wanted.dtype {
            return self.fail(
                Diagnostic::error(
                    "E0103",
                    format!("the result holds `{}`, not `{}`", found.dtype, wanted.dtype),
                )
                .primary(span, format!("this is `{found}`"))
                .secondary(ty.span, format!("`{wanted}` is declared here"))
                .help(format!("convert it: `cast(x, {})`", wanted.dtype)),
            );
        }
        let pairs = wanted.shape.iter().zip(&found.shape);
        let differ = pairs.clone().find(|(a, b)| !self.same(a, b));
        if wanted.rank() == found.rank() && differ.is_none() {
            return Ok(match value {
                Value::Fill(_) => value,
                _ => Value::Tensor(operand),
            });
        }
        let message = match differ {
            Some((a, b)) if wanted.rank() == found.rank() => {
                format!("the result is declared `{wanted}`, but is `{found}`: `{b}` is not `{a}`")
            }
            _ => format!("the result is declared `{wanted}`, but is `{found}`"),
        };
        let mut diagnostic = Diagnostic::error("E0102", message)
            .primary(span, format!("this is `{found}`"))
            .secondary(ty.span, format!("`{wanted}` is declared here"));
        diagnostic = self.side(&operand, span).label_origin(diagnostic);
        if let Some((a, b)) = differ
            && wanted.rank() == found.rank()
        {
            diagnostic = self.with_advice(diagnostic, a, b);
        }
        self.fail(diagnostic)
    }
}

/// The declared types of results, in order.
fn result_types(results: Option<&Results>) -> Vec<&Type> {
    match results {
        None => Vec::new(),
        Some(Results::Unnamed(ty)) => vec![ty],
        Some(Results::Named(outputs)) => outputs.iter().map(|output| &output.ty).collect(),
    }
}

/// The names of results, with their declarations.
pub(crate) fn result_names(signature: &Signature, count: usize) -> Vec<(String, Span)> {
    match &signature.results {
        Some(Results::Named(outputs)) => outputs
            .iter()
            .map(|NamedOutput { name, span, .. }| (name.text.clone(), *span))
            .collect(),
        Some(Results::Unnamed(ty)) => vec![("output".into(), ty.span)],
        None if count == 1 => vec![("output".into(), signature.span)],
        None => (0..count)
            .map(|place| (format!("output{place}"), signature.span))
            .collect(),
    }
}

/// `B, 4`, for messages.
fn list(axes: &[Dim]) -> String {
    let texts: Vec<String> = axes.iter().map(ToString::to_string).collect();
    texts.join(", ")
}
