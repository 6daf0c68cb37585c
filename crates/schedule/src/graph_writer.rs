use std::collections::{BTreeMap, BTreeSet};

use eyas_ir::{BodyBuilder, Graph, NodeId, Op, Origin, ScalarId, Value};
use eyas_kernels::{Access, Argument, Indirect, Kernel, Map, Role, Scatter, Work, row_major};
use eyas_plan::{BufferId, Launch, Operand, Place, Step};
use eyas_tensor::Dim;

use crate::arguments::{Arguments, Home};
use crate::assemble::{Sides, Target, assemble, coalesced};
use crate::contraction::Sums;
use crate::emit::{Emitter, Frame, Leaf, Read};
use crate::group::{Drafted, Groups, Root, cost, group, run, scattered, start};
use crate::naming::op_name;
use crate::refusal::Refusal;
use crate::scheduler::Scheduler;
use crate::{Claim, ClaimGraph, ClaimResult, ScheduleError};

/// A loop around, as paths of parameters see it: the counter's name, its first value and how many
/// there are.
#[derive(Debug, Clone)]
pub(crate) struct Around {
    pub(crate) variable: String,
    pub(crate) start: Dim,
    pub(crate) count: Dim,
}

/// Writes the steps of one graph.
pub(crate) struct GraphWriter<'w, 'm, 'g> {
    pub(crate) scheduler: &'w mut Scheduler<'m>,
    pub(crate) graph: &'g Graph,
    pub(crate) claim: ClaimGraph,
    /// The composite that a node is a part of.
    pub(crate) composites: Option<&'m BTreeMap<NodeId, &'static str>>,
    pub(crate) around: Vec<Around>,
    pub(crate) groups: Groups,
    pub(crate) homes: BTreeMap<Value, Home>,
    /// Where values go that the caller has memory for.
    pub(crate) assigned: BTreeMap<Value, Home>,
    /// Buffers that the caller looks at.
    pub(crate) wanted: Vec<BufferId>,
    pub(crate) steps: Vec<Step>,
}

/// The steps that compute a graph: its inputs lie in `inputs`, its outputs go to `targets` (`None`
/// where nobody wants one).
pub(crate) fn write_graph(
    scheduler: &mut Scheduler<'_>,
    graph: &Graph,
    claim: ClaimGraph,
    inputs: &[Option<Home>],
    targets: &[Option<Home>],
    around: Vec<Around>,
) -> Result<Vec<Step>, ScheduleError> {
    let groups = group(graph, &scheduler.module.facts, scheduler.options);
    let composites = match claim {
        ClaimGraph::Module(id) => scheduler.names.get(id.0),
        ClaimGraph::Packing(_) => None,
    };
    let mut writer = GraphWriter {
        scheduler,
        graph,
        claim,
        composites,
        around,
        groups,
        homes: BTreeMap::new(),
        assigned: BTreeMap::new(),
        wanted: targets
            .iter()
            .flatten()
            .map(|home| home.operand.buffer)
            .collect(),
        steps: Vec::new(),
    };
    for (node, home) in graph.inputs().iter().zip(inputs) {
        let value = Value {
            node: *node,
            result: 0,
        };
        writer.homes.extend(home.clone().map(|home| (value, home)));
    }
    let mut copies = Vec::new();
    for ((_, value), target) in graph.outputs().iter().zip(targets) {
        let Some(target) = target else { continue };
        let owner = writer.owner(*value);
        if writer.is_made_here(owner) && !writer.assigned.contains_key(&owner) {
            writer.assigned.insert(owner, target.clone());
        } else {
            copies.push((*value, target.clone()));
        }
    }
    for id in graph.topological_order() {
        if writer.groups.live.contains(&id) {
            writer.node(id)?;
        }
    }
    for (value, target) in copies {
        writer.copy(value, &target)?;
    }
    if writer.scheduler.options.fuse {
        writer.merge_kernels();
    }
    Ok(writer.steps)
}

impl GraphWriter<'_, '_, '_> {
    /// The value whose memory a value is, under other extents.
    fn owner(&self, value: Value) -> Value {
        let mut owner = value;
        while let Some(operand) = self.alias(owner) {
            owner = operand;
        }
        owner
    }

    fn alias(&self, value: Value) -> Option<Value> {
        let inline = self.groups.inline(Root::Value(value));
        start(self.graph, inline, value).1
    }

    /// Whether a step of this graph writes the value and may write it anywhere.
    fn is_made_here(&self, value: Value) -> bool {
        match self.graph.op(value) {
            Op::Input { .. } | Op::Parameter { .. } | Op::State { .. } | Op::Constant { .. } => {
                false
            }
            Op::Loop { carried, .. } => value.result as usize >= *carried,
            _ => true,
        }
    }

    /// Whether a value is computed where it is used alone.
    fn is_joined(&self, value: Value) -> bool {
        self.groups.joined.contains_key(&value)
    }

    fn node(&mut self, id: NodeId) -> Result<(), ScheduleError> {
        let value = Value {
            node: id,
            result: 0,
        };
        match self.graph.op(value) {
            Op::Input { .. } | Op::Parameter { .. } | Op::State { .. } | Op::Constant { .. } => {
                Ok(())
            }
            Op::Loop { .. } => self.loop_node(id),
            Op::If { .. } => self.if_node(id),
            _ if self.is_joined(value) => Ok(()),
            Op::Concat { axis } => self.concat(value, *axis),
            Op::Pad { .. } => self.pad(value),
            Op::Scatter { .. } => self.scatter(value),
            _ => match self.alias(value) {
                Some(operand) => {
                    let home = self.home(operand)?;
                    self.homes.insert(value, home);
                    Ok(())
                }
                None => {
                    let home = self.new_home(value)?;
                    self.kernel(Root::Value(value), &home, None)?;
                    self.homes.insert(value, home);
                    Ok(())
                }
            },
        }
    }

    /// Memory for a value that is about to be written.
    pub(crate) fn new_home(&mut self, value: Value) -> Result<Home, ScheduleError> {
        if let Some(home) = self.assigned.get(&value) {
            return Ok(home.clone());
        }
        let ty = self.graph.type_of(value).clone();
        Ok(self.scheduler.plan.arena(&ty)?)
    }

    /// Where a value lies; constants and parameters are taken up at their first use.
    pub(crate) fn home(&mut self, value: Value) -> Result<Home, ScheduleError> {
        if let Some(home) = self.homes.get(&value) {
            return Ok(home.clone());
        }
        let ty = self.graph.type_of(value).clone();
        let place = match self.graph.op(value) {
            Op::Parameter { path } => Place::Parameter(path.clone()),
            Op::State { path } => Place::State(path.clone()),
            Op::Constant { value } => Place::Constant(self.scheduler.constant(value)),
            op => {
                let message = format!("`{}` is read before it is written", op_name(op));
                return Err(ScheduleError::Internal(message));
            }
        };
        let home = self.scheduler.plan.given(place, &ty)?;
        self.homes.insert(value, home.clone());
        Ok(home)
    }

    fn concat(&mut self, value: Value, axis: usize) -> Result<(), ScheduleError> {
        let home = self.new_home(value)?;
        let strides = row_major(&self.graph.type_of(value).shape)?;
        let mut start = Dim::from(0);
        for (number, operand) in self.graph.operands(value.node).into_iter().enumerate() {
            let offset = start.mul(&strides[axis])?;
            let part = Some((offset, strides.clone()));
            self.kernel(Root::Part(value.node, number), &home, part)?;
            start = start.add(&self.graph.type_of(operand).shape[axis])?;
        }
        self.homes.insert(value, home);
        Ok(())
    }

    fn pad(&mut self, value: Value) -> Result<(), ScheduleError> {
        let Op::Pad {
            low,
            value: filling,
            ..
        } = self.graph.op(value)
        else {
            return Err(ScheduleError::Internal("a pad is none".into()));
        };
        let home = self.new_home(value)?;
        let shape = &self.graph.type_of(value).shape;
        let strides = row_major(shape)?;
        let mut builder = BodyBuilder::new();
        let number = filling.splat();
        let number = number.ok_or_else(|| ScheduleError::Malformed("a padding of none".into()))?;
        let literal = builder.literal(home.dtype, number);
        let mut arguments = Arguments::new(&self.homes);
        let argument = arguments.add(&home, Role::Write);
        let work = Work::Map(Map {
            extents: shape.clone(),
            reads: Vec::new(),
            body: builder.finish(&[literal]),
            writes: vec![Access::dense(argument, shape)?],
        });
        let (operands, arguments) = (arguments.operands, arguments.arguments);
        let node = self.graph.node(value.node);
        let origin = node.origin.clone();
        let name = self.scheduler.naming.name(origin.label(), "fill");
        let kernel = Kernel {
            name,
            arguments,
            work,
            origin,
        };
        self.launch(kernel, operands, ClaimResult::Fill(value.node));
        let mut offset = Dim::from(0);
        for (low, stride) in low.iter().zip(&strides) {
            offset = offset.add(&low.mul(stride)?)?;
        }
        self.kernel(Root::Part(value.node, 0), &home, Some((offset, strides)))?;
        self.homes.insert(value, home);
        Ok(())
    }

    fn scatter(&mut self, value: Value) -> Result<(), ScheduleError> {
        let Op::Scatter { axis, combine } = self.graph.op(value) else {
            return Err(ScheduleError::Internal("a scatter is none".into()));
        };
        let home = self.new_home(value)?;
        self.kernel(Root::Part(value.node, 0), &home, None)?;
        let operands = self.graph.operands(value.node);
        let (base, updates) = (operands[0], operands[2]);
        let facts = &self.scheduler.module.facts;
        let inline = self.groups.inline(Root::Value(value)).clone();
        let mut emitter = Emitter::new(self.graph, facts, &inline, updates);
        let (indices, updates) =
            scattered(&mut emitter, *axis, &operands).map_err(|r| self.refused(value, r))?;
        let axes = emitter.start_axes();
        let space = emitter.space.clone();
        self.ensure([indices.value, updates.value])?;
        let base = &self.graph.type_of(base).shape;
        let rank = self.graph.type_of(operands[1]).rank();
        let own = row_major(base)?;
        let strides: Vec<Dim> = own[..*axis]
            .iter()
            .cloned()
            .chain(std::iter::repeat_n(Dim::from(0), rank))
            .chain(own[*axis + 1..].iter().cloned())
            .collect();
        let mut arguments = Arguments::new(&self.homes);
        let affine = |read: &Read, argument: usize| Access {
            argument,
            offset: read.place.constant.clone(),
            strides: axes.iter().map(|&axis| read.place.factor(axis)).collect(),
            indirect: None,
        };
        let update = affine(&updates, arguments.read(updates.value)?);
        let index = affine(&indices, arguments.read(indices.value)?);
        let work = Work::Scatter(Scatter {
            extents: axes.iter().map(|&axis| space[axis].clone()).collect(),
            update,
            target: Access {
                argument: arguments.add(&home, Role::Update),
                offset: Dim::from(0),
                strides: axes.iter().map(|&axis| strides[axis].clone()).collect(),
                indirect: Some(Indirect {
                    index: Box::new(index),
                    stride: own[*axis].clone(),
                    extent: base[*axis].clone(),
                }),
            },
            combine: *combine,
        });
        let (operands, arguments) = (arguments.operands, arguments.arguments);
        let origin = self.graph.node(value.node).origin.clone();
        let name = self.scheduler.naming.name(origin.label(), "scatter");
        let kernel = Kernel {
            name,
            arguments,
            work,
            origin,
        };
        self.launch(kernel, operands, ClaimResult::Update(value.node));
        self.homes.insert(value, home);
        Ok(())
    }

    /// A kernel that writes a value where it is wanted as well.
    pub(crate) fn copy(&mut self, value: Value, target: &Home) -> Result<(), ScheduleError> {
        let facts = &self.scheduler.module.facts;
        let inline = BTreeSet::new();
        let mut emitter = Emitter::new(self.graph, facts, &inline, value);
        let result = emitter.root(false).map_err(|r| self.refused(value, r))?;
        let drafted = Drafted { emitter, result };
        self.finish(drafted, "copy", target, None, ClaimResult::Value(value))
    }

    /// The kernel of a root, which writes to a home, all of it or (offset, strides) a part.
    fn kernel(
        &mut self,
        root: Root,
        home: &Home,
        part: Option<(Dim, Vec<Dim>)>,
    ) -> Result<(), ScheduleError> {
        let (value, claim) = match root {
            Root::Value(value) => (value, ClaimResult::Value(value)),
            Root::Part(node, number) => {
                let value = Value { node, result: 0 };
                (value, ClaimResult::Part(node, number))
            }
        };
        let facts = &self.scheduler.module.facts;
        let inline = self.groups.inline(root).clone();
        let drafted = run(self.graph, facts, &inline, root);
        let drafted = drafted.map_err(|r| self.refused(value, r))?;
        let missing = || ScheduleError::Internal("a kernel without arithmetic".into());
        let op = op_name(self.graph.op(value));
        self.finish(drafted.ok_or_else(missing)?, &op, home, part, claim)
    }

    fn finish(
        &mut self,
        drafted: Drafted<'_>,
        op: &str,
        home: &Home,
        part: Option<(Dim, Vec<Dim>)>,
        claim: ClaimResult,
    ) -> Result<(), ScheduleError> {
        let Drafted { emitter, result } = drafted;
        let mut wanted: Vec<Value> = Vec::new();
        let reads = emitter.leaves.iter().filter_map(|leaf| match leaf {
            Leaf::Read(read) => Some(read),
            _ => None,
        });
        let sides = match &emitter.frame {
            Frame::Sums(sums) => vec![&sums.left, &sums.right],
            _ => Vec::new(),
        };
        for read in reads.chain(sides) {
            wanted.push(read.value);
            wanted.extend(read.place.lookup.iter().map(|lookup| lookup.source));
        }
        self.ensure(wanted)?;
        let (offset, strides) = match part {
            Some(part) => part,
            None => {
                let shape = &self.graph.type_of(emitter.start).shape;
                (Dim::from(0), row_major(shape)?)
            }
        };
        let mut sides = Sides::default();
        if let Frame::Sums(sums) = &emitter.frame {
            sides.swapped = self.is_swapped(sums, &strides);
        }
        let place = (offset, strides);
        let mut built = self.build(&emitter, result, home, &place, &sides)?;
        if let Frame::Sums(sums) = &emitter.frame
            && let Work::Contraction(contraction) = coalesced(built.work.clone())
            && let Some(panels) = self.pack(sums, sides.swapped, &contraction)?
        {
            sides.panels = Some(panels);
            built = self.build(&emitter, result, home, &place, &sides)?;
        }
        let (op, dominant) = self.dominant(&emitter, op);
        let mut origin = Origin::default();
        for value in emitter.visits.keys().chain([&emitter.start]) {
            origin.merge(&self.graph.node(value.node).origin);
        }
        let own = self.own_origin(dominant);
        let label = own.label();
        let label = if label.is_empty() {
            origin.label()
        } else {
            label
        };
        let name = self.scheduler.naming.name(label, &op);
        let kernel = Kernel {
            name,
            arguments: built.arguments,
            work: built.work,
            origin,
        };
        self.launch(kernel, built.operands, claim);
        Ok(())
    }

    fn build(
        &self,
        emitter: &Emitter<'_>,
        result: ScalarId,
        home: &Home,
        (offset, strides): &(Dim, Vec<Dim>),
        sides: &Sides,
    ) -> Result<Built, ScheduleError> {
        let mut arguments = Arguments::new(&self.homes);
        let target = Target {
            argument: arguments.add(home, Role::Write),
            offset: offset.clone(),
            strides: strides.clone(),
        };
        let work = assemble(emitter, result, &target, sides, &mut arguments)?;
        Ok(Built {
            work,
            operands: arguments.operands,
            arguments: arguments.arguments,
        })
    }

    /// Whether the first operand of a contraction stands right: the one that is a weight, else the
    /// one along whose axis the result is contiguous.
    fn is_swapped(&self, sums: &Sums, strides: &[Dim]) -> bool {
        let is_weight = |value| matches!(self.graph.op(value), Op::Parameter { .. });
        match (is_weight(sums.left.value), is_weight(sums.right.value)) {
            (_, true) => false,
            (true, false) => true,
            (false, false) => sums.rows.iter().any(|&axis| strides[axis].is(1)),
        }
    }

    /// The op that names a kernel, and where it stands: the sums, else the last fold, else what
    /// costs most.
    fn dominant(&self, emitter: &Emitter<'_>, op: &str) -> (String, Value) {
        let value = match &emitter.frame {
            Frame::Sums(sums) => sums.value,
            Frame::Rows(rows) => rows.stages.last().map_or(emitter.start, |s| s.value),
            Frame::Open => {
                let costly = emitter.visits.keys();
                let key = |value: &&Value| (cost(self.graph.op(**value)), **value);
                let costly = costly.max_by_key(key).copied();
                match costly.filter(|value| cost(self.graph.op(*value)) > 0) {
                    Some(value) => value,
                    None => return (op.to_owned(), emitter.start),
                }
            }
        };
        let name = self.composites.and_then(|names| names.get(&value.node));
        let name = name.map(|name| (*name).to_owned());
        (name.unwrap_or_else(|| op_name(self.graph.op(value))), value)
    }

    /// The origin of a value without the labels of what it is computed from, which rewriting may
    /// have merged in; all of it where nothing is left.
    fn own_origin(&self, value: Value) -> Origin {
        let origin = &self.graph.node(value.node).origin;
        let mut own = origin.clone();
        for operand in self.graph.operands(value.node) {
            let node = self.graph.node(operand.node);
            let given = matches!(
                node.op,
                Op::Input { .. } | Op::Parameter { .. } | Op::State { .. } | Op::Constant { .. }
            );
            if !given {
                own.labels
                    .retain(|label| !node.origin.labels.contains(label));
            }
        }
        match own.labels.is_empty() {
            true => origin.clone(),
            false => own,
        }
    }

    /// Sees that values lie in memory.
    fn ensure(&mut self, values: impl IntoIterator<Item = Value>) -> Result<(), ScheduleError> {
        for value in values {
            self.home(value)?;
        }
        Ok(())
    }

    fn launch(&mut self, kernel: Kernel, operands: Vec<Operand>, result: ClaimResult) {
        let scheduler = &mut self.scheduler;
        for (operand, argument) in operands.iter().zip(&kernel.arguments) {
            let buffer = &mut scheduler.plan.buffers[operand.buffer.0];
            if argument.role != Role::Read && buffer.name.is_empty() {
                buffer.name.clone_from(&kernel.name);
            }
        }
        self.steps.push(Step::Launch(Launch {
            kernel: scheduler.kernels.len(),
            arguments: operands,
        }));
        scheduler.kernels.push(kernel);
        let graph = self.claim.clone();
        let results = vec![result];
        scheduler.claims.push(Claim { graph, results });
    }

    /// Why a value that must have a kernel has none.
    pub(crate) fn refused(&self, value: Value, refusal: Refusal) -> ScheduleError {
        match refusal {
            Refusal::Dim(error) => error.into(),
            Refusal::Form => ScheduleError::Unsupported {
                graph: self.graph.name().to_owned(),
                op: op_name(self.graph.op(value)),
                reason: "no family takes this form of it".to_owned(),
            },
        }
    }
}

/// A kernel without its name.
struct Built {
    work: Work,
    operands: Vec<Operand>,
    arguments: Vec<Argument>,
}
