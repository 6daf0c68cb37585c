use eyas_diagnostic::{Diagnostic, Span};
use eyas_syntax::ast::{Assert, Assign, Block, Expr, Hint, Name, Signature, Statement};
use eyas_tensor::{Fact, Facts, Relation};

use crate::elaborator::{Elaborator, Eval};
use crate::expression::Placed;
use crate::names::suggest;
use crate::value::Value;

/// Conditions on dims that a program may have: each takes part in every proof.
const FACT_LIMIT: usize = 256;

/// The hints that are known.
const HINTS: [&str; 5] = ["keep", "pinned", "recompute", "tile", "unroll"];

impl<'p> Elaborator<'p> {
    /// Runs a layer's body; gives what it returns.
    pub fn run_body(&mut self, body: &'p Block, signature: &'p Signature) -> Eval<Vec<Placed>> {
        let before = self.error_count();
        for (place, line) in body.statements.iter().enumerate() {
            if let Statement::Return(line) = line {
                if let Some(next) = body.statements.get(place + 1) {
                    self.report(
                        Diagnostic::warning("E0154", "this statement is never reached")
                            .primary(next.span(), "not reached")
                            .secondary(line.span, "the body ends here"),
                    );
                }
                let values = self.all(&line.values);
                let spans = line.values.iter().map(|value| value.span);
                let returned: Vec<Placed> = values?.into_iter().zip(spans).collect();
                self.close_states(body.span)?;
                return Ok(returned);
            }
            self.statement(line);
            if self.is_exhausted() || self.unroll.is_some() {
                return Err(self.poison());
            }
        }
        if self.error_count() > before && body.statements.is_empty() {
            return Err(self.poison());
        }
        let name = &signature.name;
        self.fail(
            Diagnostic::error("E0113", format!("`{}` returns nothing", name.text))
                .primary(body.span, "there is no `return` in this body")
                .secondary(name.span, "declared here"),
        )
    }

    /// Runs a statement that is no `return`; names whose value is faulty are poisoned.
    pub fn statement(&mut self, line: &'p Statement) {
        match line {
            Statement::Assign(assign) => {
                let value = self.eval(&assign.value);
                self.assign(assign, value);
                self.check_hints(&assign.hints);
            }
            Statement::Parameter(parameter) => {
                let value = self.declare(parameter).unwrap_or(Value::Poison);
                self.set(&parameter.name, value);
                self.check_hints(&parameter.hints);
            }
            Statement::Assert(assert) => self.assert(assert),
            Statement::Repeat(repeat) => {
                let outcome = self.repeat(repeat);
                if outcome.is_err() {
                    for name in crate::visit::assigned(&repeat.body) {
                        if self
                            .activations
                            .last()
                            .is_some_and(|own| own.locals.contains_key(&name.text))
                        {
                            self.set(name, Value::Poison);
                        }
                    }
                }
            }
            Statement::Return(line) => {
                self.report(
                    Diagnostic::error(
                        "E0113",
                        "`return` stands at the end of a layer, not in a `repeat`",
                    )
                    .primary(line.span, "in the body of a loop")
                    .help("bind the value to a name and return it after the loop"),
                );
            }
        }
    }

    fn set(&mut self, name: &'p Name, value: Value) {
        if let Some(activation) = self.activation() {
            activation.bind(name.text.as_str(), value, name.span);
        }
    }

    fn assign(&mut self, assign: &'p Assign, value: Eval<Value>) {
        let targets = &assign.targets;
        if let Ok(value) = &value
            && let [target] = &targets[..]
        {
            return self.set(target, value.clone());
        }
        match value {
            Ok(Value::Tuple(values)) if values.len() == targets.len() => {
                for (target, value) in targets.iter().zip(values) {
                    self.set(target, value);
                }
            }
            other => {
                if let Ok(value) = other {
                    let found = match &value {
                        Value::Tuple(values) => format!("{} values", values.len()),
                        value => value.describe(),
                    };
                    let places = targets.iter().map(|target| target.span).reduce(Span::join);
                    let message = format!("{} names for {found}", targets.len());
                    self.report(
                        Diagnostic::error("E0131", message)
                            .primary(assign.value.span, format!("this gives {found}"))
                            .secondary(
                                places.unwrap_or(assign.span),
                                format!("{} names", targets.len()),
                            ),
                    );
                }
                for target in targets {
                    self.set(target, Value::Poison);
                }
            }
        }
    }

    fn assert(&mut self, assert: &'p Assert) {
        let message = assert.message.as_ref().map(|message| message.text.clone());
        // A failed assertion is reported; the body goes on without it.
        let _ = self.require(&assert.condition, message, assert.span);
    }

    /// Proves a condition, or assumes it and has it checked when dims are bound.
    pub fn require(
        &mut self,
        condition: &'p Expr,
        message: Option<String>,
        span: Span,
    ) -> Eval<()> {
        match self.eval(condition)? {
            Value::Bool(true) => Ok(()),
            Value::Bool(false) => {
                let text = message.unwrap_or_else(|| "the condition does not hold".into());
                let mut diagnostic =
                    Diagnostic::error("E0114", text).primary(condition.span, "this is false");
                if let Some(values) = self.sides(condition) {
                    diagnostic = diagnostic.note(values);
                }
                if span.file != condition.span.file {
                    diagnostic = diagnostic.secondary(span, "stated here");
                }
                self.fail(diagnostic)
            }
            Value::Condition(facts) => {
                for fact in facts {
                    let message = message.clone();
                    self.assume(Fact { message, ..fact }, span)?;
                }
                Ok(())
            }
            other => {
                let found = other.describe();
                self.fail(
                    Diagnostic::error("E0115", "a condition on dims and constants is wanted here")
                        .primary(condition.span, format!("this is {found}"))
                        .note("values of tensors are known only in a run"),
                )
            }
        }
    }

    /// Takes a statement about dims for true; the run checks it when dims are bound.
    pub fn assume(&mut self, fact: Fact, span: Span) -> Eval<()> {
        let constant = fact.left.as_constant();
        let implied = |known: &Fact| {
            let weaker = known.left.as_constant().zip(constant);
            known.relation == fact.relation
                && known.right == fact.right
                && known.message == fact.message
                && matches!(fact.relation, Relation::Less | Relation::LessOrEqual)
                && weaker.is_some_and(|(known, own)| known < own)
        };
        if self.facts.iter().any(implied) {
            let mut facts = Facts::default();
            let kept = self.facts.iter().filter(|known| !implied(known));
            kept.for_each(|known| facts.assume(known.clone()));
            self.facts = facts;
        }
        if self.facts.iter().count() >= FACT_LIMIT {
            return self.fail(
                Diagnostic::error("E0139", "there are too many conditions on dims")
                    .primary(span, format!("a program has at most {FACT_LIMIT}"))
                    .help("state what holds of the dims once, where they are declared"),
            );
        }
        self.facts.assume(fact);
        Ok(())
    }

    /// The values of a comparison's two sides.
    fn sides(&mut self, condition: &'p Expr) -> Option<String> {
        use eyas_syntax::ast::ExprKind;
        let ExprKind::Binary {
            left,
            right,
            operator,
        } = &condition.ungrouped().kind
        else {
            return None;
        };
        let mut side = |tree: &'p Expr| match self.eval(tree) {
            Ok(Value::Int(dim)) => Some(dim.to_string()),
            Ok(Value::Real(real)) => real.as_number().map(|value| format!("{value:?}")),
            _ => None,
        };
        let (a, b) = (side(left)?, side(right)?);
        Some(format!("it says {a} {} {b}", operator.node.symbol()))
    }

    fn check_hints(&mut self, hints: &'p [Hint]) {
        for hint in hints {
            let name = &hint.name.text;
            if !HINTS.contains(&name.as_str()) {
                let diagnostic =
                    Diagnostic::warning("E0150", format!("there is no hint `!{name}`"))
                        .primary(hint.span, "this has no effect");
                self.report(suggest(diagnostic, name, HINTS));
            }
        }
    }
}
