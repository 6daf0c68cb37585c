use std::fmt;
use std::sync::Arc;

use egg::Id;
use eyas_ir::{BinaryFunction, Comparison, Composite, Op, Reduction, UnaryFunction};
use eyas_tensor::Number;

use crate::analysis::{ClassData, Equalities};
use crate::term::{Kind, Term, TermOp};

/// The left side of a rule.
#[derive(Debug, Clone)]
pub enum Pattern {
    /// Any value, the same one wherever the number stands.
    Any(usize),
    /// A value of which something is known.
    Such(usize, Test),
    /// One number in every element, rounded to the element type.
    Splat(f64),
    /// An op over patterns.
    Node(Arc<NodePattern>),
}

/// Something to know of a class, and its name.
#[derive(Clone, Copy)]
pub struct Test {
    name: &'static str,
    holds: fn(&ClassData) -> bool,
}

impl fmt::Debug for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// An op over patterns.
#[derive(Debug, Clone)]
pub struct NodePattern {
    ops: Ops,
    /// `None` where any operands do.
    operands: Option<Vec<Pattern>>,
}

/// A set of ops.
#[derive(Clone)]
enum Ops {
    /// One op.
    One(Op),
    /// All of some kinds that a test takes.
    Of(Vec<Kind>, &'static str, fn(&Op) -> bool),
}

impl fmt::Debug for Ops {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ops::One(op) => write!(f, "{op:?}"),
            Ops::Of(_, name, _) => f.write_str(name),
        }
    }
}

/// Where a pattern stands in an e-graph.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Match {
    /// The class of the whole.
    pub root: Id,
    /// The classes of the pattern's numbers.
    pub values: Vec<Id>,
    /// The nodes of its ops, outer ones first.
    pub terms: Vec<Term>,
}

impl Pattern {
    /// Any value.
    pub fn any(number: usize) -> Pattern {
        Pattern::Any(number)
    }

    /// A value of which the test holds.
    pub fn such(number: usize, name: &'static str, holds: fn(&ClassData) -> bool) -> Pattern {
        Pattern::Such(number, Test { name, holds })
    }

    /// A value that is one number everywhere, whichever.
    pub fn constant(number: usize) -> Pattern {
        Pattern::such(number, "one number everywhere", |data| data.splat.is_some())
    }

    /// One op over patterns.
    pub fn one(op: Op, operands: impl Into<Vec<Pattern>>) -> Pattern {
        Pattern::Node(Arc::new(NodePattern {
            ops: Ops::One(op),
            operands: Some(operands.into()),
        }))
    }

    /// Ops of some kinds that a test takes, over patterns.
    pub fn of(
        kinds: impl Into<Vec<Kind>>,
        name: &'static str,
        test: fn(&Op) -> bool,
        operands: impl Into<Vec<Pattern>>,
    ) -> Pattern {
        Pattern::Node(Arc::new(NodePattern {
            ops: Ops::Of(kinds.into(), name, test),
            operands: Some(operands.into()),
        }))
    }

    /// Any op of a kind over patterns.
    pub fn kind(kind: Kind, name: &'static str, operands: impl Into<Vec<Pattern>>) -> Pattern {
        Pattern::of([kind], name, |_| true, operands)
    }

    /// Ops of some kinds that a test takes, over any operands.
    pub fn over_anything(
        kinds: impl Into<Vec<Kind>>,
        name: &'static str,
        test: fn(&Op) -> bool,
    ) -> Pattern {
        Pattern::Node(Arc::new(NodePattern {
            ops: Ops::Of(kinds.into(), name, test),
            operands: None,
        }))
    }

    /// A function of one value.
    pub fn unary(function: UnaryFunction, x: Pattern) -> Pattern {
        Pattern::one(Op::unary(function), [x])
    }

    /// A function of two values, in either order where they may be exchanged.
    pub fn binary(function: BinaryFunction, x: Pattern, y: Pattern) -> Pattern {
        Pattern::one(Op::binary(function), [x, y])
    }

    /// A comparison, in the order that the e-graph keeps: less-than alone.
    pub fn compare(comparison: Comparison, x: Pattern, y: Pattern) -> Pattern {
        match comparison {
            Comparison::Greater => Pattern::compare(Comparison::Less, y, x),
            Comparison::GreaterOrEqual => Pattern::compare(Comparison::LessOrEqual, y, x),
            _ => Pattern::one(Op::Compare { comparison }, [x, y]),
        }
    }

    /// A composite.
    pub fn composite(composite: Composite, operands: impl Into<Vec<Pattern>>) -> Pattern {
        Pattern::one(Op::composite(composite), operands)
    }

    /// `x` repeated.
    pub fn broadcast(x: Pattern) -> Pattern {
        Pattern::kind(Kind::Broadcast, "broadcast", [x])
    }

    /// A sum over axes.
    pub fn sum(x: Pattern) -> Pattern {
        let test = |op: &Op| {
            matches!(
                op,
                Op::Reduce {
                    reduction: Reduction::Sum,
                    ..
                }
            )
        };
        Pattern::of([Kind::Reduce], "sum", test, [x])
    }

    /// The greatest over axes.
    pub fn greatest(x: Pattern) -> Pattern {
        let test = |op: &Op| {
            matches!(
                op,
                Op::Reduce {
                    reduction: Reduction::Maximum,
                    ..
                }
            )
        };
        Pattern::of([Kind::Reduce], "greatest", test, [x])
    }

    /// Kinds of op that the pattern may begin with; `None` for any.
    pub(crate) fn root_kinds(&self) -> Option<Vec<Kind>> {
        match self {
            Pattern::Node(node) => Some(match &node.ops {
                Ops::One(op) => vec![Kind::of(&TermOp::pure(op.clone()))],
                Ops::Of(kinds, _, _) => kinds.clone(),
            }),
            _ => None,
        }
    }

    /// The operands that are ops themselves.
    pub(crate) fn nodes_below(&self) -> impl Iterator<Item = &Pattern> {
        let operands = match self {
            Pattern::Node(node) => node.operands.as_deref(),
            _ => None,
        };
        let operands = operands.unwrap_or_default().iter();
        operands.filter(|operand| matches!(operand, Pattern::Node(_)))
    }

    fn value_count(&self) -> usize {
        match self {
            Pattern::Any(number) | Pattern::Such(number, _) => number + 1,
            Pattern::Splat(_) => 0,
            Pattern::Node(node) => {
                let operands = node.operands.iter().flatten();
                operands.map(Pattern::value_count).max().unwrap_or(0)
            }
        }
    }

    /// All places in a class where the pattern stands, at most `limit`.
    pub(crate) fn search(&self, egraph: &Equalities, root: Id, limit: usize) -> Vec<Match> {
        let mut search = Search {
            egraph,
            values: vec![None; self.value_count()],
            terms: Vec::new(),
            found: Vec::new(),
            limit,
            root,
        };
        search.step(&mut vec![(self, root)]);
        search.found
    }
}

struct Search<'a> {
    egraph: &'a Equalities,
    values: Vec<Option<Id>>,
    terms: Vec<Term>,
    found: Vec<Match>,
    limit: usize,
    root: Id,
}

impl<'a> Search<'a> {
    /// Matches what stands on the stack, the last first, and backtracks.
    fn step(&mut self, stack: &mut Vec<(&'a Pattern, Id)>) {
        if self.found.len() >= self.limit {
            return;
        }
        let Some((pattern, class)) = stack.pop() else {
            let values: Option<Vec<Id>> = self.values.iter().copied().collect();
            self.found.push(Match {
                root: self.root,
                values: values.unwrap_or_default(),
                terms: self.terms.clone(),
            });
            return;
        };
        match pattern {
            Pattern::Any(number) => self.bind(*number, class, stack),
            Pattern::Such(number, test) => {
                if (test.holds)(&self.egraph[class].data) {
                    self.bind(*number, class, stack);
                }
            }
            Pattern::Splat(number) => {
                let data = &self.egraph[class].data;
                let wanted = data.types.first().map(|ty| match ty.dtype.is_float() {
                    true => ty.dtype.round(Number::Float(*number)),
                    false => ty.dtype.round(Number::Int(*number as i128)),
                });
                if data.splat.is_some() && data.splat == wanted {
                    self.step(stack);
                }
            }
            Pattern::Node(node) => self.node(node, class, stack),
        }
        stack.push((pattern, class));
    }

    fn bind(&mut self, number: usize, class: Id, stack: &mut Vec<(&'a Pattern, Id)>) {
        match self.values[number] {
            Some(known) if known != class => {}
            Some(_) => self.step(stack),
            None => {
                self.values[number] = Some(class);
                self.step(stack);
                self.values[number] = None;
            }
        }
    }

    fn node(&mut self, node: &'a NodePattern, class: Id, stack: &mut Vec<(&'a Pattern, Id)>) {
        let egraph = self.egraph;
        for term in &egraph[class].nodes {
            let entry = egraph.analysis.ops.entry(term.op);
            let TermOp::Op(op, _) = &*entry.op else {
                continue;
            };
            let fits = match &node.ops {
                Ops::One(wanted) => op == wanted,
                Ops::Of(kinds, _, test) => kinds.contains(&entry.kind) && test(op),
            };
            if !fits {
                continue;
            }
            self.terms.push(term.clone());
            match &node.operands {
                None => self.step(stack),
                Some(operands) if operands.len() == term.operands.len() => {
                    let straight = operands.iter().zip(term.operands.iter().copied());
                    self.operands(straight, stack);
                    let exchangeable =
                        matches!(op, Op::Binary { function } if function.is_commutative());
                    if exchangeable && term.operands[0] != term.operands[1] {
                        let crossed = operands.iter().zip(term.operands.iter().rev().copied());
                        self.operands(crossed, stack);
                    }
                }
                Some(_) => {}
            }
            self.terms.pop();
        }
    }

    fn operands(
        &mut self,
        pairs: impl DoubleEndedIterator<Item = (&'a Pattern, Id)> + ExactSizeIterator,
        stack: &mut Vec<(&'a Pattern, Id)>,
    ) {
        let length = stack.len();
        stack.extend(pairs.rev());
        self.step(stack);
        stack.truncate(length);
    }
}
