use std::collections::BTreeMap;

use eyas_diagnostic::{Diagnostic, Span};
use eyas_ir::{Constant, Graph, InferError, Op, Origin, TensorType, infer};
use eyas_tensor::{DType, Dim, Number};
use indexmap::IndexMap;

use crate::elaborator::{Elaborator, Eval};
use crate::value::{Operand, Value};

/// A graph under construction: an entry point's, or the body of a loop.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    pub graph: Graph,
    /// Values of graphs around that are inputs here: (depth, value) to the input.
    pub captures: IndexMap<(usize, eyas_ir::Value), eyas_ir::Value>,
    /// The loop's counter.
    pub counter: Option<FrameCounter>,
    /// Nodes without operands, made once.
    known: BTreeMap<Op, eyas_ir::Value>,
}

/// The counter of a loop whose body is under construction.
#[derive(Debug, Clone)]
pub(crate) struct FrameCounter {
    /// Its name in paths.
    pub variable: String,
    /// The input that holds it.
    pub value: eyas_ir::Value,
    /// Its first value and how many there are, where both are constants.
    pub range: Option<(i64, i64)>,
}

impl Frame {
    pub fn new(graph: Graph) -> Frame {
        Frame {
            graph,
            captures: IndexMap::new(),
            counter: None,
            known: BTreeMap::new(),
        }
    }
}

impl Elaborator<'_> {
    /// The depth of the graph that nodes are added to.
    pub fn current(&self) -> usize {
        self.frames.len().saturating_sub(1)
    }

    /// A value as one of the graph that nodes are added to.
    pub fn import(&mut self, operand: &Operand) -> Operand {
        let current = self.current();
        let mut moved = operand.clone();
        if operand.frame >= current {
            return moved;
        }
        let op = self.frames[operand.frame].graph.op(operand.value).clone();
        if matches!(
            op,
            Op::Parameter { .. } | Op::State { .. } | Op::Constant { .. } | Op::Extent { .. }
        ) {
            let origin = self.frames[operand.frame]
                .graph
                .node(operand.value.node)
                .origin
                .clone();
            moved.value = self.leaf(op, operand.ty.clone(), origin);
            moved.frame = current;
            return moved;
        }
        for depth in operand.frame + 1..=current {
            let key = (depth - 1, moved.value);
            let known = self.frames[depth].captures.get(&key).copied();
            moved.value = match known {
                Some(value) => value,
                None => {
                    let name = self.capture_name(operand, depth);
                    let frame = &mut self.frames[depth];
                    let value = frame.graph.add_input(name, operand.ty.clone());
                    frame.captures.insert(key, value);
                    value
                }
            };
            moved.frame = depth;
        }
        moved
    }

    /// The name of a variable that holds a captured value, if no input has it yet.
    fn capture_name(&self, operand: &Operand, depth: usize) -> String {
        let locals = self.activations.iter().flat_map(|own| &own.locals);
        let mut names = locals.filter_map(|(name, local)| match &local.value {
            Value::Tensor(own) if own.frame == operand.frame && own.value == operand.value => {
                Some(name.clone())
            }
            _ => None,
        });
        let graph = &self.frames[depth].graph;
        let taken = |name: &str| {
            let mut inputs = graph.inputs().iter();
            inputs.any(|id| matches!(&graph.node(*id).op, Op::Input { name: own } if own == name))
        };
        let number = self.frames[depth].captures.len();
        let mut name = names.next().unwrap_or_else(|| format!("captured{number}"));
        while taken(&name) {
            name.push('\'');
        }
        name
    }

    /// A node without operands, made once a graph.
    fn leaf(&mut self, op: Op, ty: TensorType, origin: Origin) -> eyas_ir::Value {
        let current = self.current();
        let frame = &mut self.frames[current];
        if let Some(known) = frame.known.get(&op) {
            frame.graph.node_mut(known.node).origin.merge(&origin);
            return *known;
        }
        let value = frame.graph.add_typed(op.clone(), &[], vec![ty], origin);
        frame.known.insert(op, value);
        value
    }

    /// Where a node made now comes from.
    pub fn origin(&self, span: Span) -> Origin {
        let label = self.activations.last().map_or("", |own| own.source_path());
        Origin::new(span, label)
    }

    /// A parameter's, state's, constant's or extent's node.
    pub fn emit_leaf(&mut self, op: Op, ty: TensorType, span: Span) -> Eval<Operand> {
        self.charge(span, 1)?;
        self.check_type(&ty, span)?;
        let origin = self.origin(span);
        let value = self.leaf(op, ty.clone(), origin);
        Ok(Operand {
            frame: self.current(),
            value,
            ty,
            span,
        })
    }

    /// A scalar constant.
    pub fn emit_scalar(&mut self, dtype: DType, value: Number, span: Span) -> Eval<Operand> {
        let op = Op::Constant {
            value: Constant::scalar(dtype, value),
        };
        self.emit_leaf(op, TensorType::scalar(dtype), span)
    }

    /// Adds a node with one result; extents come out in normal form.
    pub fn emit(&mut self, op: Op, operands: &[&Operand], span: Span) -> Eval<Operand> {
        // Every fact is looked at for every extent.
        let facts = self.facts.iter().count();
        self.charge(span, 1 + facts / 8)?;
        let operands: Vec<Operand> = operands
            .iter()
            .map(|operand| self.import(operand))
            .collect();
        let types: Vec<&TensorType> = operands.iter().map(|operand| &operand.ty).collect();
        let inferred = match (&op, infer::result_types(&op, &types)) {
            // The verifier knows the facts that make the counts equal; inference alone does not.
            (Op::Reshape { shape }, Err(InferError::Attribute(_)))
                if self.same_count(&types[0].shape, shape) =>
            {
                Ok(vec![types[0].with_shape(shape.clone())])
            }
            (_, result) => result,
        };
        let mut inferred = inferred.or_else(|error| self.fail(refused(&op, &error, span)))?;
        let Some(ty) = inferred.pop() else {
            return Err(self.poison());
        };
        self.check_type(&ty, span)?;
        let values: Vec<eyas_ir::Value> = operands.iter().map(|operand| operand.value).collect();
        let origin = self.origin(span);
        let current = self.current();
        let value =
            self.frames[current]
                .graph
                .add_typed(op, &values, vec![ty.clone()], origin.clone());
        let normal: Vec<Dim> = ty.shape.iter().map(|dim| self.normal(dim)).collect();
        let mut operand = Operand {
            frame: current,
            value,
            ty,
            span,
        };
        if normal != operand.ty.shape {
            let ty = operand.ty.with_shape(normal.clone());
            let op = Op::Reshape { shape: normal };
            operand.value = self.frames[current].graph.add_typed(
                op,
                &[operand.value],
                vec![ty.clone()],
                origin,
            );
            operand.ty = ty;
        }
        Ok(operand)
    }

    fn same_count(&self, a: &[Dim], b: &[Dim]) -> bool {
        match (Dim::product(a), Dim::product(b)) {
            (Ok(a), Ok(b)) => self.facts.proves_equal(&a, &b) || self.same(&a, &b),
            _ => false,
        }
    }

    /// Checks what no tensor may be: too many axes, a negative extent, too many bytes.
    pub fn check_type(&mut self, ty: &TensorType, span: Span) -> Eval<()> {
        if ty.rank() > infer::MAX_RANK {
            let limit = infer::MAX_RANK;
            return self.fail(
                Diagnostic::error("E0109", format!("a tensor has at most {limit} axes"))
                    .primary(span, format!("this is `{ty}`, with {} axes", ty.rank())),
            );
        }
        let least = |dim: &Dim| self.facts.range(dim);
        let negative = ty
            .shape
            .iter()
            .find(|dim| least(dim).1.is_some_and(|high| high < 0));
        if let Some(extent) = negative.cloned() {
            return self.fail(
                Diagnostic::error("E0138", format!("the extent `{extent}` is negative"))
                    .primary(span, format!("this would be `{ty}`")),
            );
        }
        let constants = ty.shape.iter().filter_map(Dim::as_constant);
        let count = constants.fold(1u128, |product, extent| {
            product.saturating_mul(u128::from(extent.unsigned_abs()))
        });
        let bytes = count.saturating_mul(ty.dtype.bits() as u128).div_ceil(8);
        if bytes > u128::from(self.options.memory_limit) {
            let limit = self.options.memory_limit;
            return self.fail(
                Diagnostic::error("E0108", "the tensor is larger than the memory limit")
                    .primary(span, format!("this is `{ty}`"))
                    .note(format!(
                        "it takes {bytes} bytes or more; the limit is {limit}"
                    )),
            );
        }
        Ok(())
    }
}

/// What inference says of an op that does not take its operands.
fn refused(op: &Op, error: &InferError, span: Span) -> Diagnostic {
    let name = op.text_name();
    let message = match error {
        InferError::DType(dtype) => {
            format!("`{name}` does not take elements of type `{dtype}`")
        }
        InferError::Attribute(text) => text.clone(),
        other => format!("`{name}` {other}"),
    };
    let code = match error {
        InferError::DType(_) => "E0103",
        InferError::Dim(_) => "E0107",
        _ => "E0134",
    };
    Diagnostic::error(code, message).primary(span, "computed here")
}
