use std::collections::BTreeSet;

use eyas_ir::{
    BinaryFunction, Body, Constant, Distribution, Graph, Op, ScalarId, ScalarOp, Value, scalar_body,
};
use eyas_kernels::{Access, Fold, Kernel, RightLayout, Work};
use eyas_tensor::{DType, DimError};

use super::binding::{Binding, Draw};
use super::kernel::Memory;
use super::place::{flat, through_view, unflat};
use super::{Checker, packing};

/// What an input of a body is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Source<'k> {
    Read(&'k Access),
    Stage(usize),
    Sum,
}

/// A body at a position of the kernel's space.
#[derive(Debug, Clone)]
pub(super) struct Site<'k> {
    number: usize,
    pub(super) body: &'k Body,
    sources: Vec<Source<'k>>,
    position: Vec<i64>,
}

impl<'k> Site<'k> {
    pub(super) fn new(number: usize, body: &'k Body, sources: Vec<Source<'k>>) -> Site<'k> {
        let position = Vec::new();
        Site {
            number,
            body,
            sources,
            position,
        }
    }

    pub(super) fn at(&self, position: Vec<i64>) -> Site<'k> {
        let mut site = self.clone();
        site.position = position;
        site
    }
}

/// A number that a gather reads: the element of the indices, and what was drawn for it.
#[derive(Debug, Clone)]
struct Lookup {
    indices: Value,
    index: Vec<i64>,
    extent: i64,
    number: i64,
}

/// Compares a kernel's expression with a value's definition at one place.
pub(super) struct Matching<'a> {
    checker: &'a Checker<'a>,
    graph: &'a Graph,
    kernel: &'a Kernel,
    pub(super) binding: &'a Binding,
    memory: Memory<'a>,
    lookups: Vec<Lookup>,
    /// What was found to be equal at this place.
    known: BTreeSet<Known>,
    folded: BTreeSet<(usize, Vec<i64>, Value, Vec<i64>)>,
}

/// A site, the position there, a node of its body, and the element of a value that it is.
type Known = (usize, Vec<i64>, ScalarId, Value, Vec<i64>);

/// Values that the definition of another goes through, at most.
const MAX_DEPTH: usize = 2048;

/// Random terms that a fold or sum is looked at.
const TERMS: u64 = 3;

impl<'a> Matching<'a> {
    pub(super) fn new(
        checker: &'a Checker<'a>,
        graph: &'a Graph,
        kernel: &'a Kernel,
        binding: &'a Binding,
        memory: Memory<'a>,
    ) -> Matching<'a> {
        Matching {
            checker,
            graph,
            kernel,
            binding,
            memory,
            lookups: Vec::new(),
            known: BTreeSet::new(),
            folded: BTreeSet::new(),
        }
    }

    /// Forgets what was found at another place.
    pub(super) fn begin(&mut self) {
        self.lookups.clear();
        self.known.clear();
        self.folded.clear();
    }

    fn shape(&self, value: Value) -> Result<Vec<i64>, DimError> {
        self.binding.values(&self.graph.type_of(value).shape)
    }

    /// Whether a body's node is an element of a value.
    pub(super) fn same(
        &mut self,
        site: &Site<'_>,
        scalar: ScalarId,
        value: Value,
        index: &[i64],
        depth: usize,
    ) -> Result<bool, DimError> {
        let key = (
            site.number,
            site.position.clone(),
            scalar,
            value,
            index.to_vec(),
        );
        if depth > MAX_DEPTH {
            return Ok(false);
        }
        if self.known.contains(&key) {
            return Ok(true);
        }
        let same = self.same_leaf(site, scalar, value, index)?
            || self.same_definition(site, scalar, value, index, depth)?;
        if same {
            self.known.insert(key);
        }
        Ok(same)
    }

    fn same_leaf(
        &mut self,
        site: &Site<'_>,
        scalar: ScalarId,
        value: Value,
        index: &[i64],
    ) -> Result<bool, DimError> {
        let node = site.body.node(scalar);
        match &node.op {
            ScalarOp::Literal(literal) => Ok(self.is_splat(value, literal)),
            ScalarOp::Extent(own) => Ok(match self.graph.op(value) {
                Op::Extent { dim, dtype } => dim == own && *dtype == node.dtype,
                _ => false,
            }),
            ScalarOp::Input(number) => match site.sources.get(*number as usize) {
                Some(Source::Read(access)) => self.leaf(access, &site.position, value, index),
                _ => Ok(false),
            },
            _ => Ok(false),
        }
    }

    fn is_splat(&self, value: Value, literal: &Constant) -> bool {
        let Op::Constant { value } = self.graph.op(value) else {
            return false;
        };
        let same_type = value.tensor().dtype() == literal.tensor().dtype();
        let number = value.splat();
        same_type && number.is_some_and(|n| Constant::scalar(value.tensor().dtype(), n) == *literal)
    }

    /// Whether the body's node is the number that a pad fills with.
    pub(super) fn is_padding(&self, site: &Site<'_>, scalar: ScalarId, pad: Value) -> bool {
        match (&site.body.node(scalar).op, self.graph.op(pad)) {
            (ScalarOp::Literal(literal), Op::Pad { value, .. }) => literal == value,
            _ => false,
        }
    }

    /// Whether an access reads an element of a value: the value, or what views make of it, lies in
    /// the argument, and the address is that of the element.
    pub(super) fn leaf(
        &mut self,
        access: &Access,
        position: &[i64],
        value: Value,
        index: &[i64],
    ) -> Result<bool, DimError> {
        let (mut value, mut index) = (value, index.to_vec());
        for _ in 0..MAX_DEPTH {
            if (self.memory.held)(access.argument, value)
                && let Some(address) = self.address(access, position)?
                && address == flat(&index, &self.shape(value)?)
            {
                return Ok(true);
            }
            let operands = self.graph.operands(value.node);
            match self.graph.op(value) {
                Op::Gather { axis } => {
                    index = self.gathered(&operands, *axis, &index)?;
                    value = operands[0];
                }
                op => {
                    let Some(&operand) = operands.first() else {
                        return Ok(false);
                    };
                    let (from, to) = (self.shape(operand)?, self.shape(value)?);
                    match through_view(op, &from, &to, &index, self.binding)? {
                        Some(place) => index = place,
                        None => return Ok(false),
                    }
                    value = operand;
                }
            }
        }
        Ok(false)
    }

    /// The place that an access reads, but for its indirect part.
    pub(super) fn direct(&self, access: &Access, position: &[i64]) -> Result<i64, DimError> {
        let strides = self.binding.values(&access.strides)?;
        let steps = strides
            .iter()
            .zip(position)
            .map(|(stride, place)| stride * place);
        Ok(self.binding.value(&access.offset)? + steps.sum::<i64>())
    }

    /// The place that an access reads; `None` where the number that it hangs on is none that the
    /// graph looks up.
    fn address(&mut self, access: &Access, position: &[i64]) -> Result<Option<i64>, DimError> {
        let direct = self.direct(access, position)?;
        let Some(indirect) = &access.indirect else {
            return Ok(Some(direct));
        };
        let (stride, extent) = (
            self.binding.value(&indirect.stride)?,
            self.binding.value(&indirect.extent)?,
        );
        for lookup in self.lookups.clone() {
            if lookup.extent == extent
                && self.leaf(&indirect.index, position, lookup.indices, &lookup.index)?
            {
                return Ok(Some(direct + stride * lookup.number));
            }
        }
        Ok(None)
    }

    /// Where an element of a gather lies in the data: the number looked up is drawn, once an element
    /// of the indices.
    fn gathered(
        &mut self,
        operands: &[Value],
        axis: usize,
        index: &[i64],
    ) -> Result<Vec<i64>, DimError> {
        let (data, indices) = (operands[0], operands[1]);
        let rank = self.graph.type_of(indices).rank();
        let extent = self.shape(data)?[axis];
        let own = index[axis..axis + rank].to_vec();
        let known = self.lookups.iter().find(|lookup| {
            lookup.indices == indices && lookup.index == own && lookup.extent == extent
        });
        let number = match known {
            Some(lookup) => lookup.number,
            None => {
                let number = Draw::new(self.lookups.len() as u64 + 77).below(extent);
                self.lookups.push(Lookup {
                    indices,
                    index: own,
                    extent,
                    number,
                });
                number
            }
        };
        Ok([&index[..axis], &[number], &index[axis + rank..]].concat())
    }

    fn same_definition(
        &mut self,
        site: &Site<'_>,
        scalar: ScalarId,
        value: Value,
        index: &[i64],
        depth: usize,
    ) -> Result<bool, DimError> {
        let op = self.graph.op(value);
        let operands = self.graph.operands(value.node);
        if op.is_elementwise() {
            let types: Vec<DType> = operands
                .iter()
                .map(|v| self.graph.type_of(*v).dtype)
                .collect();
            let Some(body) = scalar_body(op, &types) else {
                return Ok(false);
            };
            let mut input = |own: &mut Self, number: usize, scalar: ScalarId| {
                own.same(site, scalar, operands[number], index, depth + 1)
            };
            return self.same_body(site, scalar, &body, &mut input);
        }
        match op {
            Op::Reshape { .. } | Op::Transpose { .. } | Op::Broadcast { .. } | Op::Slice { .. } => {
                let (from, to) = (self.shape(operands[0])?, self.shape(value)?);
                match through_view(op, &from, &to, index, self.binding)? {
                    Some(place) => self.same(site, scalar, operands[0], &place, depth + 1),
                    None => Ok(false),
                }
            }
            Op::Gather { axis } => {
                let place = self.gathered(&operands, *axis, index)?;
                self.same(site, scalar, operands[0], &place, depth + 1)
            }
            Op::Iota { dtype, axis, .. } => {
                let node = site.body.node(scalar);
                let number = match &node.op {
                    ScalarOp::Cast(from) if *dtype != DType::I64 => *from,
                    _ => scalar,
                };
                Ok(node.dtype == *dtype && self.number(site, number)? == Some(index[*axis]))
            }
            Op::Random {
                distribution,
                stream,
                ..
            } => {
                let place = flat(index, &self.shape(value)?);
                self.same_draw(
                    site,
                    scalar,
                    (*distribution, stream),
                    place,
                    &operands,
                    depth,
                )
            }
            Op::Reduce { .. } | Op::ArgReduce { .. } => {
                self.same_fold(site, scalar, value, index, depth)
            }
            Op::Contraction {
                epilogue,
                accumulator,
                ..
            } => {
                let mut input = |own: &mut Self, number: usize, scalar: ScalarId| match number {
                    0 => own.same_sum(site, scalar, value, index),
                    _ => {
                        let operand = operands[number + 1];
                        let shape = own.shape(operand)?;
                        let aligned = index[index.len() - shape.len()..].iter().zip(&shape);
                        let place = aligned.map(|(&i, &n)| if n == 1 { 0 } else { i });
                        let place: Vec<i64> = place.collect();
                        own.same(site, scalar, operand, &place, depth + 1)
                    }
                };
                match epilogue {
                    Some(body) => self.same_body(site, scalar, body, &mut input),
                    None => {
                        let dtype = self.graph.type_of(value).dtype;
                        let scalar = uncast(site.body, scalar, *accumulator, dtype);
                        input(self, 0, scalar)
                    }
                }
            }
            _ => Ok(false),
        }
    }

    /// Whether a node computes what a pattern's result does, its inputs being what `input` says.
    fn same_body(
        &mut self,
        site: &Site<'_>,
        scalar: ScalarId,
        pattern: &Body,
        input: &mut dyn FnMut(&mut Self, usize, ScalarId) -> Result<bool, DimError>,
    ) -> Result<bool, DimError> {
        let Some(&output) = pattern.outputs.first() else {
            return Ok(false);
        };
        let mut known = BTreeSet::new();
        self.same_node(site, scalar, pattern, output, input, &mut known)
    }

    fn same_node(
        &mut self,
        site: &Site<'_>,
        scalar: ScalarId,
        pattern: &Body,
        wanted: ScalarId,
        input: &mut dyn FnMut(&mut Self, usize, ScalarId) -> Result<bool, DimError>,
        known: &mut BTreeSet<(ScalarId, ScalarId)>,
    ) -> Result<bool, DimError> {
        if known.contains(&(scalar, wanted)) {
            return Ok(true);
        }
        let (node, other) = (site.body.node(scalar), pattern.node(wanted));
        if let ScalarOp::Input(number) = other.op {
            let same = input(self, number as usize, scalar)?;
            known.extend(same.then_some((scalar, wanted)));
            return Ok(same);
        }
        let plain = |op: &ScalarOp| op.map_operands(|_| ScalarId(0));
        if node.dtype != other.dtype || plain(&node.op) != plain(&other.op) {
            return Ok(false);
        }
        for (own, other) in node.op.operands().into_iter().zip(other.op.operands()) {
            if !self.same_node(site, own, pattern, other, input, known)? {
                return Ok(false);
            }
        }
        known.insert((scalar, wanted));
        Ok(true)
    }

    fn same_draw(
        &mut self,
        site: &Site<'_>,
        scalar: ScalarId,
        (distribution, stream): (Distribution, &str),
        place: i64,
        operands: &[Value],
        depth: usize,
    ) -> Result<bool, DimError> {
        let pattern = crate::random::draw(distribution, stream, operands.len());
        let mut input = |own: &mut Self, number: usize, scalar: ScalarId| match number {
            0 => Ok(own.number(site, scalar)? == Some(place)),
            _ => own.same(site, scalar, operands[number - 1], &[], depth + 1),
        };
        self.same_body(site, scalar, &pattern, &mut input)
    }

    /// The value of integer arithmetic over the position.
    fn number(&self, site: &Site<'_>, scalar: ScalarId) -> Result<Option<i64>, DimError> {
        Ok(match &site.body.node(scalar).op {
            ScalarOp::Index(axis) => site.position.get(*axis as usize).copied(),
            ScalarOp::Literal(literal) => {
                let number = literal.splat().map(eyas_tensor::Number::to_i128);
                number.and_then(|number| i64::try_from(number).ok())
            }
            ScalarOp::Extent(dim) => Some(self.binding.value(dim)?),
            ScalarOp::Binary(function, a, b) => {
                let pair = self.number(site, *a)?.zip(self.number(site, *b)?);
                match function {
                    BinaryFunction::Add => pair.map(|(a, b)| a + b),
                    BinaryFunction::Multiply => pair.map(|(a, b)| a * b),
                    _ => None,
                }
            }
            _ => None,
        })
    }

    /// Whether a node is the result of the stage that folds what a reduction does.
    fn same_fold(
        &mut self,
        site: &Site<'_>,
        scalar: ScalarId,
        value: Value,
        index: &[i64],
        depth: usize,
    ) -> Result<bool, DimError> {
        let Work::Reduce(reduce) = &self.kernel.work else {
            return Ok(false);
        };
        let operand = self.graph.operands(value.node)[0];
        let dtype = self.graph.type_of(value).dtype;
        let own = site.body.node(scalar);
        let (stage, axes, fold) = match (&own.op, self.graph.op(value)) {
            (_, Op::Reduce { reduction, axes }) => {
                let inner = match &own.op {
                    ScalarOp::Cast(from) if own.dtype == dtype => *from,
                    _ => scalar,
                };
                (inner, axes.clone(), Fold::Value(*reduction))
            }
            (_, Op::ArgReduce { extreme, axis }) => (scalar, vec![*axis], Fold::Arg(*extreme)),
            _ => return Ok(false),
        };
        let ScalarOp::Input(number) = site.body.node(stage).op else {
            return Ok(false);
        };
        let Some(Source::Stage(number)) = site.sources.get(number as usize).copied() else {
            return Ok(false);
        };
        let Some(stage) = reduce.stages.get(number).filter(|stage| stage.fold == fold) else {
            return Ok(false);
        };
        let row = site.position[..reduce.outer.len()].to_vec();
        let key = (number, row.clone(), value, index.to_vec());
        if self.folded.contains(&key) {
            return Ok(true);
        }
        let shape = self.shape(operand)?;
        let folded: Vec<i64> = axes.iter().map(|&axis| shape[axis]).collect();
        let inner = self.binding.values(&reduce.inner)?;
        let count: i64 = inner.iter().product();
        if count != folded.iter().product::<i64>() || axes.iter().any(|&axis| index[axis] != 0) {
            return Ok(false);
        }
        let reads = reduce.reads.iter().map(Source::Read);
        let stages = (0..number).map(Source::Stage);
        let inside = Site::new(1 + number, &stage.body, reads.chain(stages).collect());
        let Some(&output) = stage.body.outputs.first() else {
            return Ok(false);
        };
        let from = self.graph.type_of(operand).dtype;
        let output = uncast(&stage.body, output, from, stage.accumulator);
        for term in terms(count) {
            let position = [&row[..], &unflat(term, &inner)].concat();
            let mut place = index.to_vec();
            for (&axis, own) in axes.iter().zip(unflat(term, &folded)) {
                place[axis] = own;
            }
            if !self.same(&inside.at(position), output, operand, &place, depth + 1)? {
                return Ok(false);
            }
        }
        self.folded.insert(key);
        Ok(true)
    }

    /// Whether a node is the sum that a contraction makes.
    fn same_sum(
        &mut self,
        site: &Site<'_>,
        scalar: ScalarId,
        value: Value,
        index: &[i64],
    ) -> Result<bool, DimError> {
        let Work::Contraction(c) = &self.kernel.work else {
            return Ok(false);
        };
        let Op::Contraction {
            spec, accumulator, ..
        } = self.graph.op(value)
        else {
            return Ok(false);
        };
        let ScalarOp::Input(number) = site.body.node(scalar).op else {
            return Ok(false);
        };
        let sum = matches!(site.sources.get(number as usize), Some(Source::Sum));
        if !sum || c.accumulator != *accumulator {
            return Ok(false);
        }
        let operands = self.graph.operands(value.node);
        let shapes = [self.shape(operands[0])?, self.shape(operands[1])?];
        let letters = spec.contracted();
        let extent = |letter: &char| {
            let axis = spec.left.iter().position(|own| own == letter);
            axis.and_then(|axis| shapes[0].get(axis).copied())
                .unwrap_or(1)
        };
        let summed: Vec<i64> = letters.iter().map(extent).collect();
        let contracted = self.binding.values(&c.contracted)?;
        let count: i64 = contracted.iter().product();
        if count != summed.iter().product::<i64>() {
            return Ok(false);
        }
        let (batch, rest) = site.position.split_at(c.batch.len());
        let (rows, columns) = rest.split_at(c.rows.len());
        for term in terms(count) {
            let own = unflat(term, &contracted);
            let places = unflat(term, &summed);
            let place = |letter: &char| {
                let output = spec.output.iter().position(|own| own == letter);
                let inner = letters.iter().position(|own| own == letter);
                output
                    .map(|at| index[at])
                    .or_else(|| inner.map(|at| places[at]))
                    .unwrap_or(0)
            };
            let left: Vec<i64> = spec.left.iter().map(place).collect();
            let right: Vec<i64> = spec.right.iter().map(place).collect();
            let left_position = [batch, rows, &own].concat();
            let right_position = [batch, columns, &own].concat();
            let mut found = false;
            for swapped in [false, true] {
                let (a, b) = match swapped {
                    false => ((operands[0], &left), (operands[1], &right)),
                    true => ((operands[1], &right), (operands[0], &left)),
                };
                found |= self.leaf(&c.left, &left_position, a.0, a.1)?
                    && match c.right_layout {
                        RightLayout::Strided => self.leaf(&c.right, &right_position, b.0, b.1)?,
                        RightLayout::Panels(width) => {
                            let extents = self.binding.values(&c.columns)?;
                            let column = flat(columns, &extents);
                            self.is_packed(c.right.argument, (column, term), (width, count), b)?
                        }
                    };
            }
            if !found {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether a packed argument has an element of a weight where a contraction looks for it.
    fn is_packed(
        &self,
        argument: usize,
        (column, term): (i64, i64),
        (width, terms): (usize, i64),
        (value, index): (Value, &Vec<i64>),
    ) -> Result<bool, DimError> {
        let Some(path) = (self.memory.path)(argument) else {
            return Ok(false);
        };
        let derived = self.checker.program.derived.iter();
        let packing = derived
            .filter(|derived| derived.path == path)
            .find_map(|d| d.packing.as_ref());
        let (Some(graph), Ok(width)) = (packing, i64::try_from(width)) else {
            return Ok(false);
        };
        let Some((_, packed)) = graph.outputs().first() else {
            return Ok(false);
        };
        let width = width.max(1);
        let place = (column / width * terms + term) * width + column % width;
        let shape = self.binding.values(&graph.type_of(*packed).shape)?;
        let inside = packing::origin(graph, *packed, &unflat(place, &shape), self.binding)?;
        let outside = packing::origin(self.graph, value, index, self.binding)?;
        Ok(inside.is_some() && inside == outside)
    }
}

/// The node that is converted, where one type is converted to another.
fn uncast(body: &Body, scalar: ScalarId, from: DType, to: DType) -> ScalarId {
    match body.node(scalar).op {
        ScalarOp::Cast(inner) if from != to && body.node(inner).dtype == from => inner,
        _ => scalar,
    }
}

/// Some of so many terms: the first, the last, some between.
fn terms(count: i64) -> Vec<i64> {
    if count <= 0 {
        return Vec::new();
    }
    let mut terms = vec![0, count - 1];
    terms.extend((0..TERMS).map(|seed| Draw::new(seed + 3).below(count)));
    terms.sort_unstable();
    terms.dedup();
    terms
}
