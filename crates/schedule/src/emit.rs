use std::collections::{BTreeMap, BTreeSet};

use eyas_ir::{BinaryFunction, BodyBuilder, Graph, Op, ScalarId, ScalarOp, Value, scalar_body};
use eyas_tensor::{DType, Dim, Facts};

use crate::contraction::Sums;
use crate::index::{Index, Lookup};
use crate::random::draw;
use crate::reduce::Rows;
use crate::refusal::Refusal;
use crate::view::{is_view, operand_place};

/// What an input of the bodies under construction stands for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Leaf {
    /// An element of a value in memory.
    Read(Read),
    /// The result of a stage of a reduction.
    Stage(usize),
    /// The sum of a contraction.
    Sum,
}

/// An element of a value in memory: its place in the value's flat storage.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Read {
    pub(crate) value: Value,
    pub(crate) place: Index,
}

/// What goes round once more for every element: nothing, the rows of a reduction, the sums of a
/// contraction. A kernel has one of them.
#[derive(Debug, Clone)]
pub(crate) enum Frame {
    Open,
    Rows(Rows),
    Sums(Box<Sums>),
}

/// Writes the arithmetic of one kernel from the graph: asked for a value at a place, it goes from
/// the value to its operands until it reaches what lies in memory.
pub(crate) struct Emitter<'a> {
    pub(crate) graph: &'a Graph,
    pub(crate) facts: &'a Facts,
    /// Values that are computed where they are used.
    pub(crate) inline: &'a BTreeSet<Value>,
    /// The value that the kernel computes.
    pub(crate) start: Value,
    /// Extents of the kernel's axes: those of the start, then those that are folded.
    pub(crate) space: Vec<Dim>,
    pub(crate) builder: BodyBuilder,
    pub(crate) leaves: Vec<Leaf>,
    known_leaves: BTreeMap<Leaf, ScalarId>,
    pub(crate) frame: Frame,
    /// The body that is written: 0 for the last, a number of its own for each stage.
    pub(crate) context: usize,
    pub(crate) contexts: usize,
    memo: BTreeMap<(usize, Value, Vec<Index>), ScalarId>,
    /// Where in the graph the arithmetic comes from: each value with the places it is wanted at
    /// and the bodies it stands in.
    pub(crate) visits: BTreeMap<Value, Visits>,
}

/// How often a value is computed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Visits {
    pub(crate) places: BTreeSet<Vec<Index>>,
    pub(crate) contexts: BTreeSet<usize>,
}

/// Nodes that the bodies of a kernel may have.
const MAX_NODES: u32 = 640;

/// Reads that a kernel may have.
const MAX_READS: usize = 24;

impl<'a> Emitter<'a> {
    pub(crate) fn new(
        graph: &'a Graph,
        facts: &'a Facts,
        inline: &'a BTreeSet<Value>,
        start: Value,
    ) -> Emitter<'a> {
        Emitter {
            graph,
            facts,
            inline,
            start,
            space: graph.type_of(start).shape.clone(),
            builder: BodyBuilder::new(),
            leaves: Vec::new(),
            known_leaves: BTreeMap::new(),
            frame: Frame::Open,
            context: 0,
            contexts: 0,
            memo: BTreeMap::new(),
            visits: BTreeMap::new(),
        }
    }

    /// Axes of the start with more places than one.
    pub(crate) fn start_axes(&self) -> Vec<usize> {
        let rank = self.graph.type_of(self.start).rank();
        (0..rank).filter(|&axis| !self.space[axis].is(1)).collect()
    }

    pub(crate) fn dtype(&self, value: Value) -> DType {
        self.graph.type_of(value).dtype
    }

    /// Whether the value is computed here.
    fn expands(&self, value: Value, first: bool) -> bool {
        first || self.inline.contains(&value)
    }

    /// The input that stands for a leaf.
    pub(crate) fn leaf(&mut self, leaf: Leaf, dtype: DType) -> Result<ScalarId, Refusal> {
        if let Some(id) = self.known_leaves.get(&leaf) {
            return Ok(*id);
        }
        if self.leaves.len() >= MAX_READS {
            return Err(Refusal::Form);
        }
        let id = self.builder.input(dtype);
        self.leaves.push(leaf.clone());
        self.known_leaves.insert(leaf, id);
        Ok(id)
    }

    /// An element of the start, its op expanded where `expand` says so.
    pub(crate) fn root(&mut self, expand: bool) -> Result<ScalarId, Refusal> {
        let map = Index::identity(&self.graph.type_of(self.start).shape);
        self.element(self.start, map, expand)
    }

    /// An element of a value.
    pub(crate) fn emit(&mut self, value: Value, map: Vec<Index>) -> Result<ScalarId, Refusal> {
        self.element(value, map, false)
    }

    fn element(&mut self, value: Value, map: Vec<Index>, first: bool) -> Result<ScalarId, Refusal> {
        let key = (self.context, value, map);
        if let Some(id) = self.memo.get(&key) {
            return Ok(*id);
        }
        let map = key.2.clone();
        let id = match self.literal(value) {
            Some(id) => id,
            None if self.expands(value, first) => {
                let visits = self.visits.entry(value).or_default();
                visits.places.insert(map.clone());
                visits.contexts.insert(self.context);
                self.expand(value, map)?
            }
            None => {
                let place = Index::flatten(&map, &self.graph.type_of(value).shape)?;
                self.leaf(Leaf::Read(Read { value, place }), self.dtype(value))?
            }
        };
        if id.0 > MAX_NODES {
            return Err(Refusal::Form);
        }
        self.memo.insert(key, id);
        Ok(id)
    }

    /// A number that needs no memory.
    fn literal(&mut self, value: Value) -> Option<ScalarId> {
        match self.graph.op(value) {
            Op::Constant { value } => {
                let dtype = value.tensor().dtype();
                let number = value.splat()?;
                Some(self.builder.literal(dtype, number))
            }
            Op::Extent { dim, dtype } => {
                Some(self.builder.push(ScalarOp::Extent(dim.clone()), *dtype))
            }
            _ => None,
        }
    }

    fn expand(&mut self, value: Value, map: Vec<Index>) -> Result<ScalarId, Refusal> {
        let op = self.graph.op(value);
        let operands = self.graph.operands(value.node);
        if op.is_elementwise() {
            let dtypes: Vec<DType> = operands.iter().map(|v| self.dtype(*v)).collect();
            let body = scalar_body(op, &dtypes).ok_or(Refusal::Form)?;
            let inputs = operands.iter().map(|v| self.emit(*v, map.clone()));
            let inputs = inputs.collect::<Result<Vec<_>, Refusal>>()?;
            let results = self.builder.inline(&body, &inputs);
            return results.first().copied().ok_or(Refusal::Form);
        }
        match op {
            _ if is_view(op) => {
                let place = self.through(value, &map)?;
                self.emit(operands[0], place)
            }
            Op::Reduce { .. } | Op::ArgReduce { .. } => self.reduction(value, &map),
            Op::Contraction { .. } => self.contraction(value, &map),
            Op::Gather { axis } => {
                let place = self.gathered(&operands, *axis, &map)?;
                self.emit(operands[0], place)
            }
            Op::Iota { dtype, axis, .. } => {
                let index = self.number(&map[*axis])?;
                Ok(self.builder.cast(index, *dtype))
            }
            Op::Random {
                distribution,
                stream,
                shape,
            } => {
                let flat = Index::flatten(&map, shape)?;
                let place = self.number(&flat)?;
                // The key of such a stream is another for every iteration.
                if stream.contains('{') {
                    return Err(Refusal::Form);
                }
                let mut inputs = vec![place];
                for number in &operands {
                    inputs.push(self.emit(*number, Vec::new())?);
                }
                let body = draw(*distribution, stream, operands.len());
                let results = self.builder.inline(&body, &inputs);
                results.first().copied().ok_or(Refusal::Form)
            }
            _ => Err(Refusal::Form),
        }
    }

    /// The place in a view's operand.
    fn through(&self, value: Value, map: &[Index]) -> Result<Vec<Index>, Refusal> {
        let operand = self.graph.operands(value.node)[0];
        let (from, to) = (self.graph.type_of(operand), self.graph.type_of(value));
        operand_place(self.graph.op(value), from, to, map, &self.space, self.facts)
    }

    /// The place in the data of a gather.
    fn gathered(
        &mut self,
        operands: &[Value],
        axis: usize,
        map: &[Index],
    ) -> Result<Vec<Index>, Refusal> {
        let (data, indices) = (operands[0], operands[1]);
        let rank = self.graph.type_of(indices).rank();
        let read = self.memory(indices, map[axis..axis + rank].to_vec())?;
        if read.place.lookup.is_some() {
            return Err(Refusal::Form);
        }
        let lookup = Index {
            lookup: Some(Lookup {
                source: read.value,
                place: Box::new(read.place),
                extent: self.graph.type_of(data).shape[axis].clone(),
                factor: Dim::from(1),
            }),
            ..Index::zero()
        };
        let mut place = map[..axis].to_vec();
        place.push(lookup);
        place.extend_from_slice(&map[axis + rank..]);
        Ok(place)
    }

    /// Where in memory an element of a value lies: nothing but views may be between.
    pub(crate) fn memory(
        &mut self,
        mut value: Value,
        mut map: Vec<Index>,
    ) -> Result<Read, Refusal> {
        while self.inline.contains(&value) {
            if !is_view(self.graph.op(value)) {
                return Err(Refusal::Form);
            }
            map = self.through(value, &map)?;
            self.visits
                .entry(value)
                .or_default()
                .contexts
                .insert(self.context);
            value = self.graph.operands(value.node)[0];
        }
        let place = Index::flatten(&map, &self.graph.type_of(value).shape)?;
        Ok(Read { value, place })
    }

    /// A place as a number (i64).
    fn number(&mut self, index: &Index) -> Result<ScalarId, Refusal> {
        if index.lookup.is_some() {
            return Err(Refusal::Form);
        }
        let mut sum = None;
        let builder = &mut self.builder;
        let scalar = |builder: &mut BodyBuilder, dim: &Dim| match dim.as_constant() {
            Some(value) => builder.integer(DType::I64, value),
            None => builder.push(ScalarOp::Extent(dim.clone()), DType::I64),
        };
        for (axis, factor) in &index.terms {
            let axis = u32::try_from(*axis).map_err(|_| Refusal::Form)?;
            let mut term = builder.push(ScalarOp::Index(axis), DType::I64);
            if !factor.is(1) {
                let factor = scalar(builder, factor);
                term = builder.binary(BinaryFunction::Multiply, term, factor);
            }
            sum = Some(match sum {
                None => term,
                Some(sum) => builder.binary(BinaryFunction::Add, sum, term),
            });
        }
        let constant = match (&index.constant, sum) {
            (constant, Some(sum)) if constant.is(0) => return Ok(sum),
            (constant, _) => scalar(builder, constant),
        };
        Ok(match sum {
            None => constant,
            Some(sum) => builder.binary(BinaryFunction::Add, sum, constant),
        })
    }
}
