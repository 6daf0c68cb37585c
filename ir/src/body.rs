use std::collections::BTreeMap;

use eyas_tensor::{DType, Dim, Number};
use serde::{Deserialize, Serialize};

use crate::{BinaryFunction, Comparison, Constant, UnaryFunction};

/// A place in a [`Body`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ScalarId(pub u32);

/// The arithmetic of one element: a small expression DAG over scalars, operands before their
/// users, no node twice.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Body {
    /// The types of the inputs.
    pub inputs: Vec<DType>,
    /// The nodes.
    pub nodes: Vec<Scalar>,
    /// The results.
    pub outputs: Vec<ScalarId>,
}

/// A node of a [`Body`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Scalar {
    /// What it is.
    pub op: ScalarOp,
    /// Its type.
    pub dtype: DType,
}

/// What a [`Scalar`] computes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScalarOp {
    /// An input of the body.
    Input(u32),
    /// A constant, a scalar.
    Literal(Constant),
    /// The value of a dim.
    Extent(Dim),
    /// The place along an axis of the kernel's iteration space (i64).
    Index(u32),
    /// A function of one number.
    Unary(UnaryFunction, ScalarId),
    /// A function of two.
    Binary(BinaryFunction, ScalarId, ScalarId),
    /// A comparison, to bool.
    Compare(Comparison, ScalarId, ScalarId),
    /// `condition ? a : b`
    Select(ScalarId, ScalarId, ScalarId),
    /// To the node's type.
    Cast(ScalarId),
    /// `a * b + c`, rounded once.
    MultiplyAdd(ScalarId, ScalarId, ScalarId),
    /// The same bits as another type of the same width.
    Bitcast(ScalarId),
    /// Integers: bits moved up.
    ShiftLeft(ScalarId, u32),
    /// Integers: bits moved down, the sign kept where there is one.
    ShiftRight(ScalarId, u32),
}

impl ScalarOp {
    /// The nodes that it reads.
    pub fn operands(&self) -> Vec<ScalarId> {
        use ScalarOp::*;
        match *self {
            Input(_) | Literal(_) | Extent(_) | Index(_) => Vec::new(),
            Unary(_, a) | Cast(a) | Bitcast(a) | ShiftLeft(a, _) | ShiftRight(a, _) => vec![a],
            Binary(_, a, b) | Compare(_, a, b) => vec![a, b],
            Select(a, b, c) | MultiplyAdd(a, b, c) => vec![a, b, c],
        }
    }

    /// The same op reading other nodes.
    #[must_use]
    pub fn map_operands(&self, mut map: impl FnMut(ScalarId) -> ScalarId) -> ScalarOp {
        use ScalarOp::*;
        match self {
            Input(_) | Literal(_) | Extent(_) | Index(_) => self.clone(),
            Unary(f, a) => Unary(*f, map(*a)),
            Cast(a) => Cast(map(*a)),
            Bitcast(a) => Bitcast(map(*a)),
            ShiftLeft(a, n) => ShiftLeft(map(*a), *n),
            ShiftRight(a, n) => ShiftRight(map(*a), *n),
            Binary(f, a, b) => Binary(*f, map(*a), map(*b)),
            Compare(c, a, b) => Compare(*c, map(*a), map(*b)),
            Select(a, b, c) => Select(map(*a), map(*b), map(*c)),
            MultiplyAdd(a, b, c) => MultiplyAdd(map(*a), map(*b), map(*c)),
        }
    }
}

impl Body {
    /// The node.
    ///
    /// # Panics
    /// Where the body has no such node.
    pub fn node(&self, id: ScalarId) -> &Scalar {
        &self.nodes[id.0 as usize]
    }

    /// Whether operands stand before their users and every place exists.
    pub fn is_well_formed(&self) -> bool {
        let in_order = self.nodes.iter().enumerate().all(|(place, node)| {
            let operands = node.op.operands();
            operands.iter().all(|operand| (operand.0 as usize) < place)
                && !matches!(node.op, ScalarOp::Input(n) if n as usize >= self.inputs.len())
        });
        in_order
            && self
                .outputs
                .iter()
                .all(|id| (id.0 as usize) < self.nodes.len())
    }
}

/// Builds a [`Body`]; an expression that is there already is given back.
#[derive(Debug, Clone, Default)]
pub struct BodyBuilder {
    body: Body,
    known: BTreeMap<Scalar, ScalarId>,
}

impl BodyBuilder {
    /// An empty body.
    pub fn new() -> BodyBuilder {
        BodyBuilder::default()
    }

    /// A new input.
    pub fn input(&mut self, dtype: DType) -> ScalarId {
        self.body.inputs.push(dtype);
        self.push(ScalarOp::Input(self.body.inputs.len() as u32 - 1), dtype)
    }

    /// Any node.
    pub fn push(&mut self, op: ScalarOp, dtype: DType) -> ScalarId {
        let scalar = Scalar { op, dtype };
        if let Some(&id) = self.known.get(&scalar) {
            return id;
        }
        let id = ScalarId(self.body.nodes.len() as u32);
        self.body.nodes.push(scalar.clone());
        self.known.insert(scalar, id);
        id
    }

    /// The type of a node.
    pub fn dtype(&self, id: ScalarId) -> DType {
        self.body.node(id).dtype
    }

    /// What a node computes.
    pub fn op(&self, id: ScalarId) -> &ScalarOp {
        &self.body.node(id).op
    }

    /// A constant.
    pub fn literal(&mut self, dtype: DType, value: Number) -> ScalarId {
        self.push(ScalarOp::Literal(Constant::scalar(dtype, value)), dtype)
    }

    /// A floating-point constant.
    pub fn float(&mut self, dtype: DType, value: f64) -> ScalarId {
        self.literal(dtype, Number::Float(value))
    }

    /// An integer constant.
    pub fn integer(&mut self, dtype: DType, value: i64) -> ScalarId {
        self.literal(dtype, Number::Int(value.into()))
    }

    /// A function of one number.
    pub fn unary(&mut self, function: UnaryFunction, a: ScalarId) -> ScalarId {
        self.push(ScalarOp::Unary(function, a), self.dtype(a))
    }

    /// A function of two numbers of one type.
    pub fn binary(&mut self, function: BinaryFunction, a: ScalarId, b: ScalarId) -> ScalarId {
        self.push(ScalarOp::Binary(function, a, b), self.dtype(a))
    }

    /// A comparison.
    pub fn compare(&mut self, comparison: Comparison, a: ScalarId, b: ScalarId) -> ScalarId {
        self.push(ScalarOp::Compare(comparison, a, b), DType::Bool)
    }

    /// A choice.
    pub fn select(&mut self, condition: ScalarId, a: ScalarId, b: ScalarId) -> ScalarId {
        self.push(ScalarOp::Select(condition, a, b), self.dtype(a))
    }

    /// A conversion; nothing where the type is the same.
    pub fn cast(&mut self, a: ScalarId, dtype: DType) -> ScalarId {
        if self.dtype(a) == dtype {
            return a;
        }
        self.push(ScalarOp::Cast(a), dtype)
    }

    /// `a * b + c`, rounded once.
    pub fn multiply_add(&mut self, a: ScalarId, b: ScalarId, c: ScalarId) -> ScalarId {
        self.push(ScalarOp::MultiplyAdd(a, b, c), self.dtype(a))
    }

    /// All nodes of another body, its inputs replaced; gives its outputs.
    pub fn inline(&mut self, body: &Body, inputs: &[ScalarId]) -> Vec<ScalarId> {
        let mut places: Vec<ScalarId> = Vec::with_capacity(body.nodes.len());
        for node in &body.nodes {
            let place = match node.op {
                ScalarOp::Input(n) => inputs[n as usize],
                ref op => {
                    let op = op.map_operands(|id| places[id.0 as usize]);
                    self.push(op, node.dtype)
                }
            };
            places.push(place);
        }
        body.outputs
            .iter()
            .map(|id| places[id.0 as usize])
            .collect()
    }

    /// The body with these results; what they do not reach is left out, inputs stay.
    pub fn finish(self, outputs: &[ScalarId]) -> Body {
        let mut needed = vec![false; self.body.nodes.len()];
        for id in outputs {
            needed[id.0 as usize] = true;
        }
        for place in (0..self.body.nodes.len()).rev() {
            if needed[place] {
                for operand in self.body.nodes[place].op.operands() {
                    needed[operand.0 as usize] = true;
                }
            }
        }
        let (mut places, mut nodes) = (vec![ScalarId(0); needed.len()], Vec::new());
        for (place, node) in self
            .body
            .nodes
            .iter()
            .enumerate()
            .filter(|(p, _)| needed[*p])
        {
            places[place] = ScalarId(nodes.len() as u32);
            nodes.push(Scalar {
                op: node.op.map_operands(|id| places[id.0 as usize]),
                dtype: node.dtype,
            });
        }
        Body {
            inputs: self.body.inputs,
            nodes,
            outputs: outputs.iter().map(|id| places[id.0 as usize]).collect(),
        }
    }
}
