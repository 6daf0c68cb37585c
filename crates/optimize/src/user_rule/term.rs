use std::collections::BTreeSet;

use eyas_diagnostic::{Diagnostic, Span, suggest};
use eyas_ir::{Comparison, Composite, Op, Reduction, UnaryFunction};
use eyas_syntax::ast::{Argument, Expr, ExprKind, NumberValue, Stage, UnaryOperator};

use super::function::{Function, NAMES, form, operator};
use super::shape::{Declared, Formal, Part};
use crate::pattern::Pattern;
use crate::term::Kind;

/// One side of a rule.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Term {
    /// A number.
    Number(f64),
    /// A formal, by its place.
    Formal(usize),
    /// An op.
    Node(Function, Vec<Term>),
}

/// Reads expressions; what cannot stand in a rule becomes a diagnostic.
pub(super) struct Reader<'a> {
    declared: &'a Declared,
    diagnostics: &'a mut Vec<Diagnostic>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(declared: &'a Declared, diagnostics: &'a mut Vec<Diagnostic>) -> Reader<'a> {
        Reader {
            declared,
            diagnostics,
        }
    }

    fn fail<T>(&mut self, diagnostic: Diagnostic) -> Option<T> {
        self.diagnostics.push(diagnostic);
        None
    }

    /// The left side, which is an op.
    pub(super) fn pattern(&mut self, expression: &Expr) -> Option<Term> {
        match self.term(expression)? {
            term @ Term::Node(..) => Some(term),
            _ => self.fail(
                Diagnostic::error("E0204", "a rule looks for an operation")
                    .primary(expression.span, "this stands for any value")
                    .help("write an operator or a call on the left side"),
            ),
        }
    }

    /// The right side.
    pub(super) fn replacement(&mut self, expression: &Expr) -> Option<Term> {
        self.term(expression)
    }

    /// All formals stand in the pattern, or the rule could not be applied.
    pub(super) fn check_names(&mut self, whole: &Expr, pattern: &Term, replacement: &Term) {
        let bound = pattern.formals();
        for (place, (name, _)) in self.declared.formals.iter().enumerate() {
            if bound.contains(&place) {
                continue;
            }
            let used = replacement.formals().contains(&place);
            let message = match used {
                true => format!("`{name}` is replaced by nothing: the pattern does not name it"),
                false => format!("the rule does not look for `{name}`"),
            };
            self.diagnostics.push(
                Diagnostic::error("E0203", message)
                    .primary(whole.span, format!("`{name}` is not in this pattern")),
            );
        }
    }

    fn term(&mut self, expression: &Expr) -> Option<Term> {
        match &expression.kind {
            ExprKind::Group(inner) => self.term(inner),
            ExprKind::Number(number) => Some(Term::Number(match number.value {
                NumberValue::Integer(value) => value as f64,
                NumberValue::Float(value) => value,
            })),
            ExprKind::Name(name) => self.name(name, expression.span),
            ExprKind::Unary { operator, operand } => {
                let function = match operator.node {
                    UnaryOperator::Negate => UnaryFunction::Negate,
                    UnaryOperator::Not => UnaryFunction::Not,
                };
                match self.term(operand)? {
                    Term::Number(number) if function == UnaryFunction::Negate => {
                        Some(Term::Number(-number))
                    }
                    term => Some(Term::Node(Function::Unary(function), vec![term])),
                }
            }
            ExprKind::Binary {
                operator: symbol,
                left,
                right,
            } => {
                let (left, right) = (self.term(left), self.term(right));
                let operands = vec![left?, right?];
                Some(Term::Node(operator(symbol.node), operands))
            }
            ExprKind::Call(call) if call.label.is_none() => {
                let function = &call.function;
                self.call(None, &function.text, function.span, &call.arguments)
            }
            ExprKind::Pipe(pipe) => {
                let mut value = self.term(&pipe.input)?;
                for stage in &pipe.stages {
                    value = match stage {
                        Stage::Call(call) if call.label.is_none() => {
                            let function = &call.function;
                            self.call(Some(value), &function.text, function.span, &call.arguments)?
                        }
                        _ => return self.refuse(stage.span()),
                    };
                }
                Some(value)
            }
            _ => self.refuse(expression.span),
        }
    }

    fn refuse<T>(&mut self, span: Span) -> Option<T> {
        self.fail(
            Diagnostic::error("E0201", "this cannot stand in a rule")
                .primary(
                    span,
                    "not a formal, a number, an operator or a known function",
                )
                .help("a rule is made of operators, `@` and calls of functions such as `relu`"),
        )
    }

    fn name(&mut self, name: &str, span: Span) -> Option<Term> {
        if let Some(place) = self.declared.find(name) {
            return Some(Term::Formal(place));
        }
        let formals = self.declared.formals.iter().map(|(name, _)| &**name);
        let mut diagnostic =
            Diagnostic::error("E0203", format!("`{name}` is no formal of the rule"))
                .primary(span, "not declared");
        if let Some(near) = suggest(name, formals) {
            diagnostic = diagnostic.help(format!("did you mean `{near}`?"));
        }
        self.fail(diagnostic)
    }

    fn call(
        &mut self,
        piped: Option<Term>,
        name: &str,
        span: Span,
        arguments: &[Argument],
    ) -> Option<Term> {
        let Some(form) = form(name) else {
            let mut diagnostic = Diagnostic::error("E0202", format!("a rule cannot call `{name}`"))
                .primary(span, "not one of the functions that rules are about");
            if let Some(near) = suggest(name, NAMES.iter().copied()) {
                diagnostic = diagnostic.help(format!("did you mean `{near}`?"));
            }
            return self.fail(diagnostic);
        };
        let (mut operands, mut axis) = (Vec::from_iter(piped), None);
        for argument in arguments {
            let is_axis = form.axis
                && match &argument.name {
                    Some(name) => name.text == "axis",
                    None => operands.len() == form.tensors,
                };
            if is_axis {
                axis = Some(self.axis(&argument.value)?);
            } else if argument.name.is_some() {
                return self.fail(
                    Diagnostic::error("E0206", format!("`{name}` in a rule has no such argument"))
                        .primary(argument.span, "give values by position"),
                );
            } else {
                operands.push(self.term(&argument.value)?);
            }
        }
        if operands.len() != form.tensors || form.axis && axis.is_none() {
            let axis = if form.axis { " and an axis" } else { "" };
            let message = format!("`{name}` in a rule takes {} values{axis}", form.tensors);
            return self.fail(Diagnostic::error("E0206", message).primary(span, "here"));
        }
        Some(Term::Node(form.function(axis.unwrap_or(0)), operands))
    }

    fn axis(&mut self, expression: &Expr) -> Option<i64> {
        match self.term(expression)? {
            Term::Number(number) if number.fract() == 0.0 && number.abs() < 9.0 => {
                Some(number as i64)
            }
            _ => self.fail(
                Diagnostic::error("E0206", "an axis in a rule is a whole number")
                    .primary(expression.span, "such as -1, the last axis"),
            ),
        }
    }
}

impl Term {
    /// The formals that stand in a term.
    pub(super) fn formals(&self) -> BTreeSet<usize> {
        match self {
            Term::Number(_) => BTreeSet::new(),
            Term::Formal(place) => BTreeSet::from([*place]),
            Term::Node(_, operands) => operands.iter().flat_map(Term::formals).collect(),
        }
    }

    /// The left side for the matcher: smaller operands are looked for repeated. For each op of
    /// it, outer ones first, the function if it works along an axis.
    pub(super) fn to_pattern(
        &self,
        declared: &Declared,
        along: &mut Vec<Option<Function>>,
    ) -> Pattern {
        let (function, terms) = match self {
            Term::Number(number) => return Pattern::Splat(*number),
            Term::Formal(place) => {
                return match declared.formals[*place].1 {
                    Formal::Number { .. } => Pattern::constant(*place),
                    Formal::Tensor { .. } => Pattern::any(*place),
                };
            }
            Term::Node(function, terms) => (function, terms),
        };
        along.push(function.axis().map(|_| function.clone()));
        // The e-graph keeps less-than alone.
        let (function, terms) = match (function, &terms[..]) {
            (Function::Compare(Comparison::Greater), [a, b]) => (
                &Function::Compare(Comparison::Less),
                vec![b.clone(), a.clone()],
            ),
            (Function::Compare(Comparison::GreaterOrEqual), [a, b]) => (
                &Function::Compare(Comparison::LessOrEqual),
                vec![b.clone(), a.clone()],
            ),
            _ => (function, terms.clone()),
        };
        let shapes: Vec<Shape> = terms.iter().map(|term| term.shape(declared)).collect();
        let product = matches!(function, Function::MatrixMultiply);
        let mut operands = Vec::with_capacity(terms.len());
        for (place, term) in terms.iter().enumerate() {
            let repeated = !product && repeats(&shapes, place);
            if repeated {
                along.push(None);
            }
            let operand = term.to_pattern(declared, along);
            operands.push(match repeated {
                true => Pattern::broadcast(operand),
                false => operand,
            });
        }
        node_pattern(function, operands)
    }

    /// What is known of the shape; `None` for a number or what nothing is known of.
    fn shape(&self, declared: &Declared) -> Shape {
        match self {
            Term::Number(_) => None,
            Term::Formal(place) => match &declared.formals[*place].1 {
                Formal::Number { .. } => None,
                Formal::Tensor { shape, .. } => shape.clone(),
            },
            Term::Node(function, terms) => {
                let mut shapes: Vec<Shape> =
                    terms.iter().map(|term| term.shape(declared)).collect();
                match function {
                    Function::MatrixMultiply => {
                        let (left, right) = (shapes[0].take()?, shapes[1].take()?);
                        let (_, rows) = left.split_last()?;
                        let mut result = rows.to_vec();
                        if right.len() > 1 {
                            result.push(right.last()?.clone());
                        }
                        Some(result)
                    }
                    Function::Reduce(_, -1) | Function::Mean(-1) => {
                        let mut shape = shapes[0].take()?;
                        *shape.last_mut()? = Part::Number(1);
                        Some(shape)
                    }
                    Function::Reduce(..) | Function::Mean(_) => None,
                    _ => {
                        let known = (0..shapes.len())
                            .find(|place| shapes[*place].is_some() && !repeats(&shapes, *place))?;
                        shapes[known].take()
                    }
                }
            }
        }
    }
}

type Shape = Option<Vec<Part>>;

/// Whether one of several operands is smaller than another, by what is known of the shapes.
fn repeats(shapes: &[Shape], place: usize) -> bool {
    let Some(own) = &shapes[place] else {
        return false;
    };
    shapes.iter().flatten().any(|other| {
        let longer = other.contains(&Part::Rest) && !own.contains(&Part::Rest);
        let more =
            other.len() > own.len() && own.contains(&Part::Rest) == other.contains(&Part::Rest);
        let ones = own.len() == other.len()
            && own
                .iter()
                .zip(other)
                .any(|(a, b)| *a == Part::Number(1) && *b != Part::Number(1));
        longer || more || ones
    })
}

/// Whether a contraction is a product of matrices: `@`.
fn is_matrix_product(op: &Op) -> bool {
    let Op::Contraction {
        spec,
        epilogue: None,
        ..
    } = op
    else {
        return false;
    };
    let (Some((depth, rows)), [contracted]) = (spec.left.split_last(), &spec.contracted()[..])
    else {
        return false;
    };
    if depth != contracted {
        return false;
    }
    match &spec.right[..] {
        [only] => only == depth && spec.output == rows,
        [batch @ .., inner, column] => {
            let batched =
                batch.is_empty() || rows.len() == batch.len() + 1 && rows.starts_with(batch);
            inner == depth && batched && spec.output == [rows, &[*column]].concat()
        }
        [] => false,
    }
}

fn node_pattern(function: &Function, operands: Vec<Pattern>) -> Pattern {
    let reduce =
        |name, test: fn(&Op) -> bool| Pattern::of([Kind::Reduce], name, test, operands.clone());
    let composite =
        |name, test: fn(&Op) -> bool| Pattern::of([Kind::Composite], name, test, operands.clone());
    macro_rules! is {
        ($pattern:pat) => {
            |op| matches!(op, $pattern)
        };
    }
    match function {
        Function::Compare(comparison) => match &operands[..] {
            [a, b] => Pattern::compare(*comparison, a.clone(), b.clone()),
            _ => Pattern::Splat(0.0),
        },
        Function::MatrixMultiply => {
            Pattern::of([Kind::Contraction], "product", is_matrix_product, operands)
        }
        Function::Reduce(Reduction::Sum, _) => reduce(
            "sum",
            is!(Op::Reduce {
                reduction: Reduction::Sum,
                ..
            }),
        ),
        Function::Reduce(Reduction::Product, _) => reduce(
            "product",
            is!(Op::Reduce {
                reduction: Reduction::Product,
                ..
            }),
        ),
        Function::Reduce(Reduction::Maximum, _) => reduce(
            "greatest",
            is!(Op::Reduce {
                reduction: Reduction::Maximum,
                ..
            }),
        ),
        Function::Reduce(Reduction::Minimum, _) => reduce(
            "least",
            is!(Op::Reduce {
                reduction: Reduction::Minimum,
                ..
            }),
        ),
        Function::Mean(_) => composite(
            "mean",
            is!(Op::Composite {
                composite: Composite::Mean { .. }
            }),
        ),
        Function::Softmax(_) => composite(
            "softmax",
            is!(Op::Composite {
                composite: Composite::Softmax { .. }
            }),
        ),
        Function::LogSoftmax(_) => composite(
            "log softmax",
            is!(Op::Composite {
                composite: Composite::LogSoftmax { .. }
            }),
        ),
        // The rank says nothing of these.
        other => match other.op(0) {
            Some(op) => Pattern::one(op, operands),
            None => Pattern::Splat(0.0),
        },
    }
}
