use std::collections::{BTreeMap, BTreeSet};

use eyas_diagnostic::{Diagnostic, SourceMap, Span};
use eyas_ir::{Mode, Module, ParameterDecl};
use eyas_tensor::{Dim, Facts};
use indexmap::IndexMap;

use crate::Options;
use crate::activation::Activation;
use crate::dims::{self, DimOperation, Fault};
use crate::frame::Frame;
use crate::program::Program;
use crate::value::{Operand, Value};

/// Expressions and nodes that one run may elaborate.
const WORK_LIMIT: usize = 400_000;
/// How deep expressions, blocks and calls may stand in each other.
const DEPTH_LIMIT: usize = 192;
/// Diagnostics of one run that are kept.
const DIAGNOSTIC_LIMIT: usize = 100;

/// A diagnostic has been written; whoever gets this says nothing more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reported(());

/// A result whose error has been reported.
pub(crate) type Eval<T> = Result<T, Reported>;

/// What a constant of a file is known to be.
#[derive(Debug, Clone)]
pub(crate) enum ConstantState {
    /// Its value is being computed.
    Open,
    /// Its value.
    Known(Value),
}

/// Turns the models of a program into graphs.
pub(crate) struct Elaborator<'p> {
    pub program: &'p Program,
    pub sources: &'p SourceMap,
    pub options: &'p Options,
    pub mode: Mode,
    /// The finished graphs and the entry points.
    pub module: Module,
    pub facts: Facts,
    /// Every parameter and state by its path in files.
    pub parameters: IndexMap<String, ParameterDecl>,
    /// Label paths in use, with the call that uses each.
    pub labels: IndexMap<String, Span>,
    /// The graph under construction, and within it the loop bodies, the innermost last.
    pub frames: Vec<Frame>,
    /// The calls of layers under way, the innermost last.
    pub activations: Vec<Activation<'p>>,
    pub diagnostics: Vec<Diagnostic>,
    pub constants: BTreeMap<(usize, String), ConstantState>,
    /// Dims that inputs bind, with their declarations.
    pub symbols: IndexMap<String, Span>,
    /// What a loop's body wants to know about its counter that only an unrolled loop can say.
    pub unroll: Option<(Span, &'static str)>,
    /// The next values of states, by path.
    pub next_states: IndexMap<String, Operand>,
    /// The layers that have been entered, by their places.
    pub entered: BTreeSet<Span>,
    /// Whether a pattern of paths is a value: the parameters that it matches.
    pub selects: bool,
    /// Bindings by option that name a dim.
    pub bound: BTreeSet<String>,
    depth: usize,
    work: usize,
    reported: BTreeSet<(&'static str, Option<Span>)>,
}

/// A point to go back to.
pub(crate) struct Checkpoint<'p> {
    diagnostics: usize,
    reported: BTreeSet<(&'static str, Option<Span>)>,
    graphs: usize,
    parameters: usize,
    labels: usize,
    symbols: usize,
    facts: Facts,
    frame_count: usize,
    bodies: Vec<Frame>,
    activation: Option<Activation<'p>>,
}

impl<'p> Elaborator<'p> {
    pub fn new(
        program: &'p Program,
        sources: &'p SourceMap,
        options: &'p Options,
        mode: Mode,
    ) -> Elaborator<'p> {
        Elaborator {
            program,
            sources,
            options,
            mode,
            module: Module::default(),
            facts: Facts::default(),
            parameters: IndexMap::new(),
            labels: IndexMap::new(),
            frames: Vec::new(),
            activations: Vec::new(),
            diagnostics: Vec::new(),
            constants: BTreeMap::new(),
            symbols: IndexMap::new(),
            unroll: None,
            next_states: IndexMap::new(),
            entered: BTreeSet::new(),
            selects: false,
            bound: BTreeSet::new(),
            depth: 0,
            work: WORK_LIMIT,
            reported: BTreeSet::new(),
        }
    }

    /// Writes a diagnostic down, with the calls that lead to its place; one a place and code.
    pub fn report(&mut self, mut diagnostic: Diagnostic) -> Reported {
        let key = (diagnostic.code, diagnostic.span());
        if self.diagnostics.len() < DIAGNOSTIC_LIMIT && self.reported.insert(key) {
            let mut place = diagnostic.span();
            for activation in self.activations.iter().rev() {
                let Some(inside) = place.filter(|span| encloses(activation.body, *span)) else {
                    continue;
                };
                let Some(call) = activation.call.filter(|call| *call != inside) else {
                    break;
                };
                let text = format!("in this call of `{}`", activation.name);
                if diagnostic.labels.iter().all(|label| label.span != call) {
                    diagnostic = diagnostic.secondary(call, text);
                }
                place = Some(call);
                if diagnostic.labels.len() > 5 {
                    break;
                }
            }
            self.diagnostics.push(diagnostic);
        }
        Reported(())
    }

    /// Reports, for use as a result.
    pub fn fail<T>(&mut self, diagnostic: Diagnostic) -> Eval<T> {
        Err(self.report(diagnostic))
    }

    /// What stands for a fault that has been reported.
    pub fn poison(&self) -> Reported {
        Reported(())
    }

    /// Runs one level deeper, unless that is too deep or too much work has been done.
    pub fn deeper<T>(
        &mut self,
        span: Span,
        run: impl FnOnce(&mut Elaborator<'p>) -> Eval<T>,
    ) -> Eval<T> {
        self.charge(span, 1)?;
        if self.depth >= DEPTH_LIMIT {
            return self.fail(
                Diagnostic::error("E0110", "calls and expressions are nested too deeply")
                    .primary(
                        span,
                        format!("more than {DEPTH_LIMIT} levels stand around this"),
                    )
                    .help(
                        "flatten the layers that call each other, or name parts of the expression",
                    ),
            );
        }
        self.depth += 1;
        let result = run(self);
        self.depth -= 1;
        result
    }

    /// Takes a share of the work that one run may do.
    pub fn charge(&mut self, span: Span, amount: usize) -> Eval<()> {
        if self.work >= amount {
            self.work -= amount;
            return Ok(());
        }
        self.work = 0;
        if self.diagnostics.iter().any(|known| known.code == "E0139") {
            return Err(self.poison());
        }
        self.fail(
            Diagnostic::error("E0139", "the program is too large")
                .primary(span, "elaboration gave up here")
                .note(format!(
                    "a program may have {WORK_LIMIT} expressions and nodes, those of each call counted anew"
                ))
                .help("write `repeat` loops whose bodies do not change from one iteration to the next"),
        )
    }

    /// Whether all the work that may be done is done.
    pub fn is_exhausted(&self) -> bool {
        self.work == 0
    }

    /// The call under way.
    pub fn activation(&mut self) -> Option<&mut Activation<'p>> {
        self.activations.last_mut()
    }

    /// The file whose names are looked up.
    pub fn file(&self) -> usize {
        self.activations
            .last()
            .map_or(0, |activation| activation.file)
    }

    /// Arithmetic on dims.
    pub fn dim(&mut self, operation: DimOperation, a: &Dim, b: &Dim, span: Span) -> Eval<Dim> {
        let result = dims::compute(&self.facts, operation, a, b);
        self.dim_result(result, span)
    }

    /// The product of extents.
    pub fn dim_product(&mut self, extents: &[Dim], span: Span) -> Eval<Dim> {
        let result = dims::product(&self.facts, extents);
        self.dim_result(result, span)
    }

    /// A result of dim arithmetic, its fault reported.
    pub fn dim_result<T>(&mut self, result: Result<T, Fault>, span: Span) -> Eval<T> {
        result.or_else(|fault| {
            self.fail(Diagnostic::error("E0107", format!("{fault}")).primary(span, "computed here"))
        })
    }

    /// The form in which equal dims are the same.
    pub fn normal(&self, dim: &Dim) -> Dim {
        dims::normal(&self.facts, dim)
    }

    /// Whether two extents are proved equal.
    pub fn same(&self, a: &Dim, b: &Dim) -> bool {
        a == b || self.normal(a) == self.normal(b)
    }

    pub fn checkpoint(&self) -> Checkpoint<'p> {
        Checkpoint {
            diagnostics: self.diagnostics.len(),
            reported: self.reported.clone(),
            graphs: self.module.graphs.len(),
            parameters: self.parameters.len(),
            labels: self.labels.len(),
            symbols: self.symbols.len(),
            facts: self.facts.clone(),
            frame_count: self.frames.len(),
            bodies: self.frames.iter().skip(1).cloned().collect(),
            activation: self.activations.last().cloned(),
        }
    }

    /// Undoes what was done since; the graph of the entry point gets no nodes while a loop's
    /// body is tried, so it is left alone.
    pub fn restore(&mut self, checkpoint: Checkpoint<'p>) {
        self.diagnostics.truncate(checkpoint.diagnostics);
        self.reported = checkpoint.reported;
        self.module.graphs.truncate(checkpoint.graphs);
        self.parameters.truncate(checkpoint.parameters);
        self.labels.truncate(checkpoint.labels);
        self.symbols.truncate(checkpoint.symbols);
        self.facts = checkpoint.facts;
        self.frames.truncate(checkpoint.frame_count);
        self.frames.truncate(1);
        self.frames.extend(checkpoint.bodies);
        if let (Some(last), Some(saved)) = (self.activations.last_mut(), checkpoint.activation) {
            *last = saved;
        }
    }

    /// How many diagnostics there are that forbid to build.
    pub fn error_count(&self) -> usize {
        self.diagnostics
            .iter()
            .filter(|diagnostic| diagnostic.is_error())
            .count()
    }
}

/// Whether one span lies in another.
fn encloses(outer: Span, inner: Span) -> bool {
    outer.file == inner.file && outer.start <= inner.start && inner.end <= outer.end
}
