use eyas_diagnostic::{Diagnostic, Span};
use eyas_ir::{BinaryFunction, Op, ParameterKind, TensorType};
use eyas_syntax::ast::{Expr, ExprKind, Index, NumberValue, Pipe, Stage};
use eyas_tensor::Dim;

use crate::elaborator::{Elaborator, Eval};
use crate::names::suggest;
use crate::path::{Segment, SegmentIndex, child, file_path};
use crate::value::{Operand, Real, Value};

/// A value and the expression that gives it.
pub(crate) type Placed = (Value, Span);

impl<'p> Elaborator<'p> {
    /// The value of an expression.
    pub fn eval(&mut self, tree: &'p Expr) -> Eval<Value> {
        let span = tree.span;
        self.deeper(span, |own| match &tree.kind {
            ExprKind::Number(number) => own.number(number.value, span),
            ExprKind::Bool(value) => Ok(Value::Bool(*value)),
            ExprKind::String(text) => own.text(text, span),
            ExprKind::Name(name) => own.lookup(name, span),
            ExprKind::Tuple(parts) => own.all(parts).map(Value::Tuple),
            ExprKind::Group(inner) => own.eval(inner),
            ExprKind::Unary { operator, operand } => {
                let value = own.eval(operand)?;
                own.unary_operator(operator.node, (value, operand.span), span)
            }
            ExprKind::Binary {
                operator,
                left,
                right,
            } => {
                let (a, b) = (own.eval(left), own.eval(right));
                own.binary_operator(operator.node, (a?, left.span), (b?, right.span), span)
            }
            ExprKind::Call(call) => own.call(call, None),
            ExprKind::Pattern(call) => own.pattern(call, None),
            ExprKind::Pipe(pipe) => own.pipe(pipe),
            ExprKind::Index { base, indices } => {
                let value = own.eval(base)?;
                own.index((value, base.span), indices, span)
            }
            ExprKind::Field { .. } => own.path(tree),
            ExprKind::Selector(selector) if own.selects => own.selected(selector),
            ExprKind::Selector(_) => own.fail(
                Diagnostic::error("E0129", "a pattern of paths is not a value")
                    .primary(span, "this may stand for several parameters")
                    .help("patterns of paths belong to `train` and `quantize` blocks"),
            ),
        })
    }

    /// The values of several expressions, the faults of all reported.
    pub fn all(&mut self, trees: &'p [Expr]) -> Eval<Vec<Value>> {
        let values: Vec<Eval<Value>> = trees.iter().map(|tree| self.eval(tree)).collect();
        values.into_iter().collect()
    }

    fn number(&mut self, value: NumberValue, span: Span) -> Eval<Value> {
        match value {
            NumberValue::Float(value) => Ok(Value::Real(Real::number(value))),
            NumberValue::Integer(value) => match i64::try_from(value) {
                Ok(value) => Ok(Value::Int(Dim::from(value))),
                Err(_) => self.fail(
                    Diagnostic::error("E0116", "the number does not fit into 64 bits with a sign")
                        .primary(span, "too large"),
                ),
            },
        }
    }

    /// Quoted text is a name where there is such a name.
    fn text(&mut self, text: &str, span: Span) -> Eval<Value> {
        let named = self.find(text, span)?;
        match named {
            Some(Value::Poison) => Err(self.poison()),
            Some(value) => Ok(value),
            None => Ok(Value::Text(text.to_owned())),
        }
    }

    fn pipe(&mut self, pipe: &'p Pipe) -> Eval<Value> {
        let mut value = self.eval(&pipe.input)?;
        let mut span = pipe.input.span;
        for stage in &pipe.stages {
            let piped = Some((value, span));
            value = match stage {
                Stage::Call(call) => self.call(call, piped)?,
                Stage::Pattern(call) => self.pattern(call, piped)?,
            };
            span = stage.span();
        }
        Ok(value)
    }

    /// A parameter by its path: `s1.conv.w`.
    fn path(&mut self, tree: &'p Expr) -> Eval<Value> {
        let segments = self.path_segments(tree)?;
        let own = self.activations.last();
        let own = own.map_or(String::new(), |own| own.file_path().to_owned());
        let path = child(&own, &file_path(&segments));
        match self.parameter(&path, tree.span)? {
            Some(operand) => Ok(Value::Tensor(operand)),
            None => {
                let wanted = file_path(&segments);
                let prefix = if own.is_empty() {
                    own
                } else {
                    format!("{own}.")
                };
                let paths: Vec<String> = self
                    .parameters
                    .keys()
                    .filter_map(|known| known.strip_prefix(&prefix))
                    .map(str::to_owned)
                    .collect();
                let diagnostic =
                    Diagnostic::error("E0129", format!("there is no parameter `{wanted}`"))
                        .primary(tree.span, "not declared up to here")
                        .note("a path begins at the labels of the layer that it stands in");
                let paths = paths.iter().map(String::as_str);
                self.fail(suggest(diagnostic, &wanted, paths))
            }
        }
    }

    /// The node of a parameter or state that is declared; `{i}` in its path is a counter.
    pub fn parameter(&mut self, path: &str, span: Span) -> Eval<Option<Operand>> {
        let concrete = match self.concrete_paths(path, span)? {
            paths if paths.is_empty() => return Ok(None),
            paths => paths,
        };
        let Some(declared) = self.parameters.get(&concrete[0]) else {
            return Ok(None);
        };
        let ty: TensorType = declared.ty.clone();
        let path = path.to_owned();
        let op = match declared.kind {
            ParameterKind::Parameter => Op::Parameter { path },
            ParameterKind::State => Op::State { path },
        };
        self.emit_leaf(op, ty, span).map(Some)
    }

    fn path_segments(&mut self, tree: &'p Expr) -> Eval<Vec<Segment>> {
        let segment = |name: &str| Segment {
            name: name.to_owned(),
            index: None,
        };
        match &tree.kind {
            ExprKind::Name(name) | ExprKind::String(name) => {
                if let Some(activation) = self.activations.last()
                    && let Some(local) = activation.locals.get(name)
                    && !matches!(local.value, Value::Poison)
                {
                    let (found, bound) = (local.value.describe(), local.span);
                    return self.fail(
                        Diagnostic::error("E0129", format!("`{name}` is not a label"))
                            .primary(tree.span, format!("this is {found}, which has no parts"))
                            .secondary(bound, "bound here"),
                    );
                }
                Ok(vec![segment(name)])
            }
            ExprKind::Group(inner) => self.path_segments(inner),
            ExprKind::Field { base, field } => {
                let mut segments = self.path_segments(base)?;
                segments.push(segment(&field.text));
                Ok(segments)
            }
            ExprKind::Index { base, indices } => {
                let mut segments = self.path_segments(base)?;
                let index = match &indices[..] {
                    [Index::At(place)] => self.label_index(place)?,
                    _ => {
                        return self.fail(
                            Diagnostic::error("E0129", "a label has one index, a number")
                                .primary(tree.span, "in this path"),
                        );
                    }
                };
                if let Some(last) = segments.last_mut() {
                    last.index = Some(index);
                }
                Ok(segments)
            }
            _ => self.fail(
                Diagnostic::error("E0129", "this is not a path of labels")
                    .primary(tree.span, "a path is names joined by dots"),
            ),
        }
    }

    /// The index of a label: a number, or the counter of a rolled loop.
    pub fn label_index(&mut self, tree: &'p Expr) -> Eval<SegmentIndex> {
        let value = self.eval(tree)?;
        if let Value::Counter(counter) = &value
            && let Some(variable) = &counter.variable
        {
            return Ok(SegmentIndex::Counter(variable.clone()));
        }
        let dim = self.as_int(&value, tree.span)?;
        match dim.as_constant() {
            Some(number) if number >= 0 => Ok(SegmentIndex::Number(number)),
            Some(number) => self.fail(
                Diagnostic::error(
                    "E0111",
                    format!("a label's index is not negative: {number}"),
                )
                .primary(tree.span, "below 0"),
            ),
            None => self.fail(
                Diagnostic::error("E0118", "a label's index is a number known when compiling")
                    .primary(tree.span, format!("this is `{dim}`, which a run binds")),
            ),
        }
    }

    /// `a + b` and the like on two tensors or numbers, for functions that are defined by operators.
    pub fn arithmetic(
        &mut self,
        function: BinaryFunction,
        left: Placed,
        right: Placed,
        span: Span,
    ) -> Eval<Value> {
        self.elementwise(
            crate::operator::Combination::Binary(function),
            left,
            right,
            span,
        )
    }
}
