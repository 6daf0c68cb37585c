use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use egg::{Id, Language};
use eyas_ir::{Op, TensorType};

/// An op's place in the table of an e-graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OpId(pub u32);

/// An e-node: an op, interned, over classes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Term {
    /// What it does.
    pub op: OpId,
    /// To which classes.
    pub operands: Vec<Id>,
}

impl Language for Term {
    type Discriminant = OpId;

    fn discriminant(&self) -> OpId {
        self.op
    }

    fn matches(&self, other: &Term) -> bool {
        self.op == other.op && self.operands.len() == other.operands.len()
    }

    fn children(&self) -> &[Id] {
        &self.operands
    }

    fn children_mut(&mut self) -> &mut [Id] {
        &mut self.operands
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "op{}", self.op.0)
    }
}

/// What an e-node does.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum TermOp {
    /// An op of the graph IR; control flow carries a number that keeps every node apart.
    Op(Op, u32),
    /// One result of a control-flow node.
    Project(u32),
}

impl TermOp {
    /// An op whose equal nodes are one value.
    pub fn pure(op: Op) -> TermOp {
        TermOp::Op(op, 0)
    }
}

/// An op of an e-graph.
#[derive(Debug, Clone)]
pub struct OpEntry {
    /// The op.
    pub op: Arc<TermOp>,
    /// The types of its results where operands do not give them: declared values, control flow.
    pub types: Option<Arc<[TensorType]>>,
    /// The kind of the op.
    pub kind: Kind,
}

/// The ops of an e-graph, each once, numbered in the order of their first use.
#[derive(Debug, Clone, Default)]
pub struct OpTable {
    entries: Vec<OpEntry>,
    known: HashMap<Arc<TermOp>, OpId>,
}

impl OpTable {
    /// The op's number; a new one where the op is new.
    pub fn intern(&mut self, op: TermOp, types: Option<Arc<[TensorType]>>) -> OpId {
        if let Some(&id) = self.known.get(&op) {
            return id;
        }
        let id = OpId(self.entries.len() as u32);
        let (kind, op) = (Kind::of(&op), Arc::new(op));
        self.known.insert(op.clone(), id);
        self.entries.push(OpEntry { op, types, kind });
        id
    }

    /// The op of a number that this table gave.
    pub fn entry(&self, id: OpId) -> &OpEntry {
        &self.entries[id.0 as usize]
    }
}

/// The kinds of op, by which rules find what they begin at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum Kind {
    Leaf,
    Unary,
    Binary,
    Compare,
    Select,
    Cast,
    Contraction,
    Reduce,
    ArgReduce,
    Reshape,
    Transpose,
    Broadcast,
    Slice,
    Pad,
    Concat,
    Gather,
    Scatter,
    Random,
    Control,
    Project,
    Composite,
}

impl Kind {
    /// The kind of an op.
    pub fn of(op: &TermOp) -> Kind {
        let TermOp::Op(op, _) = op else {
            return Kind::Project;
        };
        match op {
            Op::Input { .. } | Op::Parameter { .. } | Op::State { .. } => Kind::Leaf,
            Op::Constant { .. } | Op::Extent { .. } | Op::Iota { .. } => Kind::Leaf,
            Op::Unary { .. } => Kind::Unary,
            Op::Binary { .. } => Kind::Binary,
            Op::Compare { .. } => Kind::Compare,
            Op::Select => Kind::Select,
            Op::Cast { .. } => Kind::Cast,
            Op::Contraction { .. } => Kind::Contraction,
            Op::Reduce { .. } => Kind::Reduce,
            Op::ArgReduce { .. } => Kind::ArgReduce,
            Op::Reshape { .. } => Kind::Reshape,
            Op::Transpose { .. } => Kind::Transpose,
            Op::Broadcast { .. } => Kind::Broadcast,
            Op::Slice { .. } => Kind::Slice,
            Op::Pad { .. } => Kind::Pad,
            Op::Concat { .. } => Kind::Concat,
            Op::Gather { .. } => Kind::Gather,
            Op::Scatter { .. } => Kind::Scatter,
            Op::Random { .. } => Kind::Random,
            Op::Loop { .. } | Op::If { .. } => Kind::Control,
            Op::Composite { .. } => Kind::Composite,
        }
    }
}
