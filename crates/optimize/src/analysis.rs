use std::sync::Arc;

use egg::{Analysis, DidMerge, EGraph, Id};
use eyas_ir::{Constant, Graph, Module, Op, Origin, TensorType};
use eyas_reference::evaluate_graph;
use eyas_tensor::{Dim, Number};

use crate::range::{self, Range};
use crate::term::{OpTable, Term, TermOp};

/// An e-graph over ops.
pub type Equalities = EGraph<Term, Knowledge>;

/// The most elements of a constant that folding makes.
pub const FOLDED_ELEMENTS: usize = 256;

/// What is known of a class, whichever of its nodes computes it.
#[derive(Debug, Clone)]
pub struct ClassData {
    /// The types of the results: one, but for control flow.
    pub types: Arc<[TensorType]>,
    /// The one value of all elements.
    pub splat: Option<Number>,
    /// The value, where it is known and small.
    pub constant: Option<Constant>,
    /// The dim that every element is the value of.
    pub extent: Option<Dim>,
    /// Bounds on the elements.
    pub range: Range,
    /// Whether it is computed from parameters and constants alone.
    pub fixed: bool,
    /// Where its nodes came from.
    pub origin: Arc<Origin>,
}

impl ClassData {
    /// The type of the first result.
    pub fn ty(&self) -> &TensorType {
        &self.types[0]
    }
}

/// A contradiction between what two forms of one value say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contradiction {
    /// The rule that was being applied.
    pub rule: String,
    /// What the forms say.
    pub message: String,
}

/// The analysis: ops, and what the nodes of an e-graph say of their values.
#[derive(Debug, Default)]
pub struct Knowledge {
    /// The ops.
    pub ops: OpTable,
    /// The types of the next new node, inferred before it is added.
    pub(crate) next_types: Option<Arc<[TensorType]>>,
    /// Where the next new node came from.
    pub(crate) next_origin: Arc<Origin>,
    /// The rule being applied.
    pub(crate) rule: String,
    /// The first contradiction.
    pub(crate) contradiction: Option<Contradiction>,
}

impl Knowledge {
    fn contradict(&mut self, message: String) {
        let rule = self.rule.clone();
        self.contradiction
            .get_or_insert(Contradiction { rule, message });
    }
}

impl Analysis<Term> for Knowledge {
    type Data = ClassData;

    fn make(egraph: &mut Equalities, term: &Term, _id: Id) -> ClassData {
        let types = egraph.analysis.next_types.take();
        let types = types.unwrap_or_else(|| Arc::from(Vec::new()));
        let origin = egraph.analysis.next_origin.clone();
        data(egraph, term, types, origin)
    }

    fn remake(egraph: &mut Equalities, term: &Term, id: Id) -> ClassData {
        let own = &egraph[id].data;
        let (types, origin) = (own.types.clone(), own.origin.clone());
        data(egraph, term, types, origin)
    }

    fn merge(&mut self, a: &mut ClassData, b: ClassData) -> DidMerge {
        if a.types != b.types {
            let list = |types: &[TensorType]| {
                let texts: Vec<String> = types.iter().map(ToString::to_string).collect();
                texts.join(", ")
            };
            self.contradict(format!("`{}` is not `{}`", list(&a.types), list(&b.types)));
            return DidMerge(false, false);
        }
        let (mut changed, mut differs) = (false, false);
        let mut pick = |a_has: bool, b_has: bool| {
            changed |= !a_has && b_has;
            differs |= a_has && !b_has;
            !a_has && b_has
        };
        if pick(a.splat.is_some(), b.splat.is_some()) {
            a.splat = b.splat;
        }
        if pick(a.constant.is_some(), b.constant.is_some()) {
            a.constant = b.constant;
        }
        if pick(a.extent.is_some(), b.extent.is_some()) {
            a.extent = b.extent;
        }
        if pick(a.fixed, b.fixed) {
            a.fixed = true;
        }
        if let Some(ty) = a.types.first() {
            match a.range.intersect(b.range, ty.dtype) {
                Some(range) => {
                    changed |= range != a.range;
                    differs |= range != b.range;
                    a.range = range;
                }
                // Nothing is said of the elements of a value that has none.
                None if ty.shape.iter().any(|extent| !at_least_one(extent)) => {}
                None => self.contradict(format!(
                    "elements between {} and {} are not between {} and {}",
                    a.range.low, a.range.high, b.range.low, b.range.high
                )),
            }
        }
        if !Arc::ptr_eq(&a.origin, &b.origin) && a.origin != b.origin {
            let mut origin = Origin::clone(&a.origin);
            origin.merge(&b.origin);
            a.origin = Arc::new(origin);
        }
        DidMerge(changed, differs)
    }
}

fn at_least_one(extent: &Dim) -> bool {
    extent.as_constant().is_some_and(|extent| extent > 0)
}

fn data(
    egraph: &Equalities,
    term: &Term,
    types: Arc<[TensorType]>,
    origin: Arc<Origin>,
) -> ClassData {
    let op = egraph.analysis.ops.entry(term.op).op.clone();
    let mut data = ClassData {
        types,
        splat: None,
        constant: None,
        extent: None,
        range: Range::ALL,
        fixed: false,
        origin,
    };
    let Some(ty) = data.types.first().cloned() else {
        return data;
    };
    data.range = Range::of_type(ty.dtype);
    let TermOp::Op(op, _) = &*op else {
        return data;
    };
    let operands: Vec<&ClassData> = term.operands.iter().map(|id| &egraph[*id].data).collect();
    data.fixed = match op {
        Op::Parameter { .. } | Op::Constant { .. } => true,
        Op::Input { .. } | Op::State { .. } | Op::Random { .. } => false,
        Op::Loop { .. } | Op::If { .. } => false,
        _ => ty.static_shape().is_some() && operands.iter().all(|operand| operand.fixed),
    };
    if matches!(op, Op::Loop { .. } | Op::If { .. }) {
        return data;
    }
    let ranges: Vec<Range> = operands.iter().map(|operand| operand.range).collect();
    data.range = range::of_op(op, &ranges, &ty);
    fold(op, &operands, &ty, &mut data);
    if let Some(number) = data.splat {
        data.range = Range::point(number);
    }
    data
}

/// What is known of the value itself.
fn fold(op: &Op, operands: &[&ClassData], ty: &TensorType, data: &mut ClassData) {
    match op {
        Op::Constant { value } => {
            data.splat = value.splat();
            let small = value.tensor().element_count() <= FOLDED_ELEMENTS;
            data.constant = small.then(|| value.clone());
            return;
        }
        Op::Extent { dim, .. } => {
            data.extent = Some(dim.clone());
            if let Some(value) = dim.as_constant() {
                data.splat = Some(ty.dtype.round(Number::Int(value.into())));
            }
            return;
        }
        Op::Broadcast { .. } | Op::Reshape { .. } | Op::Transpose { .. } | Op::Slice { .. } => {
            data.splat = operands[0].splat;
            data.extent = operands[0].extent.clone();
        }
        Op::Cast { .. } => data.extent = operands[0].extent.clone(),
        _ => {}
    }
    let elementwise = op.is_elementwise() && operands.iter().all(|x| x.splat.is_some());
    if elementwise && !operands.is_empty() {
        let scalars = operands.iter().map(|operand| {
            let (dtype, splat) = (operand.ty().dtype, operand.splat.unwrap_or(Number::Int(0)));
            Constant::scalar(dtype, splat)
        });
        data.splat = evaluate(op, scalars.collect()).and_then(|constant| constant.splat());
    }
    if data.splat.is_some() {
        return;
    }
    let small = ty
        .static_shape()
        .is_some_and(|shape| shape.iter().product::<usize>() <= FOLDED_ELEMENTS);
    let constants: Option<Vec<Constant>> = operands.iter().map(|x| x.constant.clone()).collect();
    let foldable = !operands.is_empty() && !matches!(op, Op::Random { .. });
    if let Some(constants) = constants.filter(|_| small && foldable) {
        data.constant = evaluate(op, constants);
        data.splat = data.constant.as_ref().and_then(Constant::splat);
    }
}

/// The value of an op over constants, as the reference evaluator has it; `None` where it fails.
fn evaluate(op: &Op, operands: Vec<Constant>) -> Option<Constant> {
    let mut graph = Graph::new("folded");
    let mut values = Vec::with_capacity(operands.len());
    for value in operands {
        values.push(graph.add(Op::Constant { value }, &[]).ok()?);
    }
    let result = graph.add(op.clone(), &values).ok()?;
    graph.add_output("result", result);
    let outputs = evaluate_graph(&Module::default(), &graph, &[], &Default::default()).ok()?;
    let (_, values) = outputs.into_iter().next()?;
    values.to_tensor().ok().map(Constant::from)
}
