use std::sync::Arc;

use egg::Id;
use eyas_ir::{
    BinaryFunction, Comparison, Composite, Constant, Op, Origin, TensorType, UnaryFunction, infer,
};
use eyas_tensor::{DType, Dim, Number};

use crate::analysis::{ClassData, Equalities};
use crate::term::{Term, TermOp};

/// Adds nodes to an e-graph; what does not type is not added.
#[derive(Debug)]
pub struct Builder<'a> {
    pub(crate) egraph: &'a mut Equalities,
}

impl<'a> Builder<'a> {
    /// A builder whose new nodes come from `origin`.
    pub fn new(egraph: &'a mut Equalities, origin: Arc<Origin>) -> Builder<'a> {
        egraph.analysis.next_origin = origin;
        Builder { egraph }
    }

    /// What is known of a class.
    pub fn data(&self, id: Id) -> &ClassData {
        &self.egraph[id].data
    }

    /// The type of a value.
    pub fn ty(&self, id: Id) -> TensorType {
        self.data(id).ty().clone()
    }

    /// The nodes of a class whose op is of the IR, with their operands.
    pub fn nodes(&self, id: Id) -> Vec<(Arc<TermOp>, Vec<Id>)> {
        let nodes = self.egraph[id].nodes.iter();
        nodes
            .map(|term| {
                let op = self.egraph.analysis.ops.entry(term.op).op.clone();
                (op, term.operands.clone())
            })
            .collect()
    }

    /// Any op; `None` where it does not take the operands.
    pub fn op(&mut self, op: Op, operands: &[Id]) -> Option<Id> {
        let types: Vec<&TensorType> = operands
            .iter()
            .map(|id| self.egraph[*id].data.types.first())
            .collect::<Option<_>>()?;
        let types = infer::result_types(&op, &types).ok()?;
        Some(self.term(TermOp::pure(op), operands, types.into(), None))
    }

    /// A node whose types are known.
    pub(crate) fn term(
        &mut self,
        op: TermOp,
        operands: &[Id],
        types: Arc<[TensorType]>,
        declared: Option<Arc<[TensorType]>>,
    ) -> Id {
        let (op, operands) = self.in_canonical_order(op, operands);
        let op = self.egraph.analysis.ops.intern(op, declared);
        self.egraph.analysis.next_types = Some(types);
        self.egraph.add_uncanonical(Term { op, operands })
    }

    /// Constants stand second, other operands that may be exchanged in the order of their
    /// classes; greater-than is less-than the other way round.
    fn in_canonical_order(&self, op: TermOp, operands: &[Id]) -> (TermOp, Vec<Id>) {
        let mut operands = operands.to_vec();
        let op = match op {
            TermOp::Op(Op::Compare { comparison }, _) => {
                let turned = match comparison {
                    Comparison::Greater => Some(Comparison::Less),
                    Comparison::GreaterOrEqual => Some(Comparison::LessOrEqual),
                    _ => None,
                };
                if turned.is_some() {
                    operands.reverse();
                }
                let comparison = turned.unwrap_or(comparison);
                TermOp::pure(Op::Compare { comparison })
            }
            other => other,
        };
        if let TermOp::Op(Op::Binary { function }, _) = &op
            && function.is_commutative()
        {
            operands.sort_by_key(|id| {
                let root = self.egraph.find(*id);
                (self.data(*id).splat.is_some(), root, *id)
            });
        }
        (op, operands)
    }

    /// A function of one value.
    pub fn unary(&mut self, function: UnaryFunction, x: Id) -> Option<Id> {
        self.op(Op::unary(function), &[x])
    }

    /// A function of two values.
    pub fn binary(&mut self, function: BinaryFunction, x: Id, y: Id) -> Option<Id> {
        self.op(Op::binary(function), &[x, y])
    }

    /// A composite.
    pub fn composite(&mut self, composite: Composite, operands: &[Id]) -> Option<Id> {
        self.op(Op::composite(composite), operands)
    }

    /// A conversion; the value itself where it is of the type.
    pub fn cast(&mut self, x: Id, dtype: DType) -> Option<Id> {
        match self.data(x).ty().dtype == dtype {
            true => Some(x),
            false => self.op(Op::Cast { dtype }, &[x]),
        }
    }

    /// A constant.
    pub fn constant(&mut self, value: Constant) -> Option<Id> {
        self.op(Op::Constant { value }, &[])
    }

    /// One number in every element.
    pub fn splat(&mut self, number: Number, ty: &TensorType) -> Option<Id> {
        let scalar = self.constant(Constant::scalar(ty.dtype, number))?;
        self.broadcast(scalar, &ty.shape)
    }

    /// Repeated to a shape; the value itself where it is of the shape.
    pub fn broadcast(&mut self, x: Id, shape: &[Dim]) -> Option<Id> {
        match self.data(x).ty().shape == shape {
            true => Some(x),
            false => self.op(
                Op::Broadcast {
                    shape: shape.to_vec(),
                },
                &[x],
            ),
        }
    }

    /// Under another shape; the value itself where it is of the shape.
    pub fn reshape(&mut self, x: Id, shape: &[Dim]) -> Option<Id> {
        match self.data(x).ty().shape == shape {
            true => Some(x),
            false => self.op(
                Op::Reshape {
                    shape: shape.to_vec(),
                },
                &[x],
            ),
        }
    }

    /// With axes in another order; the value itself where the order is the same.
    pub fn transpose(&mut self, x: Id, permutation: &[usize]) -> Option<Id> {
        if permutation.iter().copied().eq(0..self.data(x).ty().rank()) {
            return Some(x);
        }
        let permutation = permutation.to_vec();
        self.op(Op::Transpose { permutation }, &[x])
    }
}
