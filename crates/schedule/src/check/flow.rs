use std::collections::{BTreeMap, BTreeSet};

use eyas_ir::{Graph, NodeId, Op, Trip, Value};
use eyas_kernels::Role;
use eyas_plan::{BufferId, If, Launch, Loop, Operand, Place, Plan, Step};
use eyas_tensor::Dim;

use super::{CheckError, Checker, kernel, plan_error};
use crate::{ClaimGraph, ClaimResult};

/// A piece of memory: a buffer from an element on.
type Piece = (BufferId, Dim);

/// What memory holds, as one graph sees it.
#[derive(Debug, Clone, Default)]
struct Holdings {
    values: BTreeMap<Piece, BTreeSet<Value>>,
    /// Values of which not all parts are there yet.
    parts: BTreeMap<Piece, (NodeId, BTreeSet<usize>)>,
    /// Everything that was written.
    written: BTreeSet<Piece>,
}

impl Holdings {
    /// A write takes away what the buffer held.
    fn overwrite(&mut self, piece: &Piece) {
        self.values.retain(|known, _| known.0 != piece.0);
        self.parts
            .retain(|known, _| known.0 != piece.0 || known == piece);
        self.written.insert(piece.clone());
    }

    fn hold(&mut self, piece: Piece, value: Value) {
        self.values.entry(piece).or_default().insert(value);
    }
}

/// Follows a plan's steps.
pub(super) fn check(
    checker: &Checker<'_>,
    name: &str,
    plan: &Plan,
    claim: &ClaimGraph,
) -> Result<(), CheckError> {
    let graph = checker.graph(claim);
    let graph = graph.ok_or_else(|| plan_error(name, "is of a graph that is not there"))?;
    let flow = Flow {
        checker,
        name,
        plan,
    };
    let mut holdings = Holdings::default();
    for (number, buffer) in plan.buffers.iter().enumerate() {
        if let Place::Input(input) = buffer.place
            && let Some(&node) = graph.inputs().get(input)
        {
            holdings.hold((BufferId(number), Dim::from(0)), Value { node, result: 0 });
        }
    }
    flow.steps(&plan.steps, claim, graph, &mut holdings)?;
    for (number, (output, value)) in graph.outputs().iter().enumerate() {
        let mut own =
            (0..plan.buffers.len()).filter(|&b| plan.buffers[b].place == Place::Output(number));
        let found = own.next().map(|buffer| Operand::from(BufferId(buffer)));
        let holds = found.is_some_and(|operand| flow.holds(&holdings, graph, &operand, *value));
        if !holds {
            return Err(plan_error(
                name,
                format!("does not end with output `{output}`"),
            ));
        }
    }
    Ok(())
}

struct Flow<'a> {
    checker: &'a Checker<'a>,
    name: &'a str,
    plan: &'a Plan,
}

impl Flow<'_> {
    fn fault(&self, reason: impl Into<String>) -> CheckError {
        plan_error(self.name, reason)
    }

    /// Whether memory holds a value.
    fn holds(&self, holdings: &Holdings, graph: &Graph, operand: &Operand, value: Value) -> bool {
        let value = original(graph, value);
        let piece = (operand.buffer, operand.offset.clone());
        let known = holdings.values.get(&piece);
        known.is_some_and(|values| values.contains(&value))
            || operand.offset.is(0) && self.is_given(graph, operand.buffer, value)
    }

    /// Whether a buffer is where a parameter, state or constant always lies.
    fn is_given(&self, graph: &Graph, buffer: BufferId, value: Value) -> bool {
        let place = self.plan.buffers.get(buffer.0).map(|buffer| &buffer.place);
        match (graph.op(value), place) {
            (Op::Parameter { path }, Some(Place::Parameter(own))) => path == own,
            (Op::State { path }, Some(Place::State(own))) => path == own,
            (Op::Constant { value }, Some(Place::Constant(number))) => {
                self.checker.program.constants.get(*number) == Some(value)
            }
            _ => false,
        }
    }

    /// Every piece that holds a value.
    fn pieces(&self, holdings: &Holdings, graph: &Graph, value: Value) -> Vec<Piece> {
        let value = original(graph, value);
        let known = holdings
            .values
            .iter()
            .filter(|(_, values)| values.contains(&value));
        let given = (0..self.plan.buffers.len()).map(BufferId);
        let given = given.filter(|buffer| self.is_given(graph, *buffer, value));
        let known = known.map(|(piece, _)| piece.clone());
        known
            .chain(given.map(|buffer| (buffer, Dim::from(0))))
            .collect()
    }

    fn steps(
        &self,
        steps: &[Step],
        claim: &ClaimGraph,
        graph: &Graph,
        holdings: &mut Holdings,
    ) -> Result<(), CheckError> {
        let mut control = control_nodes(graph).into_iter();
        for step in steps {
            match step {
                Step::Launch(launch) => self.launch(launch, claim, graph, holdings)?,
                Step::Loop(looped) => {
                    let node = control.next();
                    let node = node.ok_or_else(|| self.fault("has a loop too many"))?;
                    self.looped(looped, node, graph, holdings)?;
                }
                Step::If(branches) => {
                    let node = control.next();
                    let node = node.ok_or_else(|| self.fault("has an if too many"))?;
                    self.branches(branches, node, graph, holdings)?;
                }
            }
        }
        match control.next() {
            Some(_) => Err(self.fault("leaves out a loop or an if")),
            None => Ok(()),
        }
    }

    fn launch(
        &self,
        launch: &Launch,
        claim: &ClaimGraph,
        graph: &Graph,
        holdings: &mut Holdings,
    ) -> Result<(), CheckError> {
        let program = self.checker.program;
        let pair = program
            .kernels
            .get(launch.kernel)
            .zip(program.claims.get(launch.kernel));
        let (kernel, own) =
            pair.ok_or_else(|| self.fault("launches a kernel that is not there"))?;
        if own.graph != *claim {
            return Err(self.fault(format!("launches `{}` in another graph", kernel.name)));
        }
        if launch.arguments.len() != kernel.arguments.len() {
            return Err(self.fault(format!("launches `{}` with other arguments", kernel.name)));
        }
        let held = |argument: usize, value: Value| {
            let operand = launch.arguments.get(argument);
            operand.is_some_and(|operand| self.holds(holdings, graph, operand, value))
        };
        let packed = |argument: usize| {
            let operand = launch.arguments.get(argument)?;
            match &self.plan.buffers.get(operand.buffer.0)?.place {
                Place::Parameter(path) => Some(path.clone()),
                _ => None,
            }
        };
        kernel::check(self.checker, graph, kernel, &own.results, &held, &packed)?;
        let writes = kernel
            .accesses()
            .into_iter()
            .filter(|(_, role)| *role != Role::Read);
        let pairs: Vec<(usize, ClaimResult)> = writes
            .map(|(access, _)| access.argument)
            .zip(own.results.iter().copied())
            .collect();
        for (argument, result) in pairs {
            let operand = &launch.arguments[argument];
            let shared = (0..launch.arguments.len())
                .any(|other| other != argument && launch.arguments[other].buffer == operand.buffer);
            if shared {
                return Err(self.fault(format!("lets `{}` write what it reads", kernel.name)));
            }
            let piece = (operand.buffer, operand.offset.clone());
            self.write(piece, result, graph, holdings)?;
        }
        Ok(())
    }

    /// What memory holds after a kernel.
    fn write(
        &self,
        piece: Piece,
        result: ClaimResult,
        graph: &Graph,
        holdings: &mut Holdings,
    ) -> Result<(), CheckError> {
        holdings.overwrite(&piece);
        let (node, part) = match result {
            ClaimResult::Value(value) => {
                holdings.parts.remove(&piece);
                holdings.hold(piece, original(graph, value));
                return Ok(());
            }
            ClaimResult::Part(node, part) => (node, part),
            ClaimResult::Fill(node) => {
                holdings
                    .parts
                    .insert(piece, (node, BTreeSet::from([usize::MAX])));
                return Ok(());
            }
            ClaimResult::Update(node) => (node, usize::MAX),
        };
        let known = holdings
            .parts
            .entry(piece.clone())
            .or_insert((node, BTreeSet::new()));
        if known.0 != node {
            *known = (node, BTreeSet::new());
        }
        let order = match graph.node(node).op {
            // What comes last overwrites the rest.
            Op::Pad { .. } => known.1.contains(&usize::MAX) == (part == 0),
            Op::Scatter { .. } => known.1.contains(&0) == (part == usize::MAX),
            _ => true,
        };
        if !order {
            return Err(self.fault("writes the parts of a value in a wrong order"));
        }
        known.1.insert(part);
        let wanted = match graph.node(node).op {
            Op::Pad { .. } | Op::Scatter { .. } => 2,
            _ => graph.operands(node).len(),
        };
        if known.1.len() == wanted {
            holdings.parts.remove(&piece);
            holdings.hold(piece, Value { node, result: 0 });
        }
        Ok(())
    }

    /// What a body sees of the memory around: where operands lie, its inputs do.
    fn enter(&self, outside: (&Holdings, &Graph), pairs: &[(Value, NodeId)]) -> Holdings {
        let mut inside = Holdings::default();
        for (operand, input) in pairs {
            for piece in self.pieces(outside.0, outside.1, *operand) {
                inside.hold(
                    piece,
                    Value {
                        node: *input,
                        result: 0,
                    },
                );
            }
        }
        inside
    }

    fn looped(
        &self,
        looped: &Loop,
        node: NodeId,
        graph: &Graph,
        holdings: &mut Holdings,
    ) -> Result<(), CheckError> {
        let Op::Loop {
            body: id,
            variable,
            trip,
            carried,
        } = &graph.node(node).op
        else {
            return Err(self.fault("has a loop where the graph has none"));
        };
        let claim = ClaimGraph::Module(*id);
        let body = self.checker.graph(&claim);
        let body = body.ok_or_else(|| self.fault("has a loop without a body"))?;
        let (start, count, conditions) = match trip {
            Trip::Range { start, count } => (start.clone(), count.clone(), 0),
            Trip::While { limit } => (Dim::from(0), limit.clone(), 1),
        };
        if looped.variable != *variable
            || looped.start != start
            || looped.count != count
            || looped.condition.is_some() != (conditions == 1)
        {
            return Err(self.fault("has a loop that counts otherwise"));
        }
        let operands = graph.operands(node);
        let output = |number: usize| body.outputs().get(number).map(|(_, value)| *value);
        let first = |node: NodeId| Value { node, result: 0 };
        let mut swaps = looped.carried.iter();
        let mut kept: Vec<(Value, NodeId)> = Vec::new();
        let mut moved: Vec<(usize, eyas_plan::Carry)> = Vec::new();
        for (number, (operand, &input)) in operands.iter().zip(&body.inputs()[1..]).enumerate() {
            let next = output(conditions + number).map(|value| original(body, value));
            if number >= *carried || next == Some(first(input)) {
                kept.push((*operand, input));
                continue;
            }
            let carry = swaps.next().copied();
            let carry = carry.ok_or_else(|| self.fault("does not carry a value"))?;
            if !self.holds(holdings, graph, &Operand::from(carry.current), *operand) {
                return Err(self.fault("begins a loop without a carried value"));
            }
            moved.push((number, carry));
        }
        let mut inside = self.enter((holdings, graph), &kept);
        for (number, carry) in &moved {
            let input = first(body.inputs()[1 + number]);
            inside.hold((carry.current, Dim::from(0)), input);
        }
        if let Some(counter) = looped.counter {
            inside.hold((counter, Dim::from(0)), first(body.inputs()[0]));
        }
        let before = inside.clone();
        self.steps(&looped.body, &claim, body, &mut inside)?;
        for (piece, values) in &before.values {
            let swapped = moved.iter().any(|(_, carry)| carry.current == piece.0);
            let scalar = looped.counter == Some(piece.0);
            if !swapped && !scalar && inside.values.get(piece) != Some(values) {
                return Err(self.fault("has a loop that destroys what it needs again"));
            }
        }
        for (number, carry) in &moved {
            let next = output(conditions + number);
            let next = next.ok_or_else(|| self.fault("carries a value too many"))?;
            if !self.holds(&inside, body, &Operand::from(carry.next), next) {
                return Err(self.fault("ends an iteration without a carried value"));
            }
        }
        if let Some(condition) = looped.condition {
            let held = output(0)
                .is_some_and(|value| self.holds(&inside, body, &Operand::from(condition), value));
            if !held {
                return Err(self.fault("ends an iteration without its condition"));
            }
        }
        let stacks = self.stacks(looped, body, conditions + carried, &inside)?;
        for piece in &inside.written {
            let stack = stacks.iter().flatten().find(|stack| stack.0 == piece.0);
            holdings.overwrite(stack.unwrap_or(piece));
        }
        for buffer in &looped.zeroed {
            holdings.overwrite(&(*buffer, Dim::from(0)));
        }
        for (_, carry) in &moved {
            holdings.overwrite(&(carry.current, Dim::from(0)));
            holdings.overwrite(&(carry.next, Dim::from(0)));
        }
        for (operand, input) in &kept {
            let number = body
                .inputs()
                .iter()
                .position(|own| own == input)
                .unwrap_or(0)
                - 1;
            if number < *carried {
                for piece in self.pieces(holdings, graph, *operand) {
                    holdings.hold(
                        piece,
                        Value {
                            node,
                            result: number as u32,
                        },
                    );
                }
            }
        }
        for (number, carry) in &moved {
            let value = Value {
                node,
                result: *number as u32,
            };
            holdings.hold((carry.current, Dim::from(0)), value);
        }
        for (number, pieces) in stacks.into_iter().enumerate() {
            let value = Value {
                node,
                result: (carried + number) as u32,
            };
            for piece in pieces {
                holdings.hold(piece, value);
            }
        }
        Ok(())
    }

    /// Where each stacked result of a loop begins.
    fn stacks(
        &self,
        looped: &Loop,
        body: &Graph,
        first: usize,
        inside: &Holdings,
    ) -> Result<Vec<Vec<Piece>>, CheckError> {
        let mut stacks = Vec::new();
        for (_, slice) in body.outputs().iter().skip(first) {
            let fault = || self.fault("does not stack a slice");
            let length = body.type_of(*slice).element_count().map_err(|_| fault())?;
            let step = Dim::symbol(&looped.trip)
                .mul(&length)
                .map_err(|_| fault())?;
            let zeros = |buffer: &BufferId, base: &Dim| {
                looped.condition.is_none() || looped.zeroed.contains(buffer) && base.is(0)
            };
            let found = self
                .pieces(inside, body, *slice)
                .into_iter()
                .filter_map(|(buffer, at)| {
                    let base = at.sub(&step).ok()?;
                    let whole = !base.symbols().contains(looped.trip.as_str());
                    let alone = inside
                        .written
                        .iter()
                        .all(|(own, other)| *own != buffer || *other == at);
                    let moves = length.is(0) || at.symbols().contains(looped.trip.as_str());
                    let made = inside.written.contains(&(buffer, at.clone()));
                    (whole && alone && moves && made && zeros(&buffer, &base))
                        .then_some((buffer, base))
                });
            let found: Vec<Piece> = found.collect();
            if found.is_empty() {
                return Err(fault());
            }
            stacks.push(found);
        }
        Ok(stacks)
    }

    fn branches(
        &self,
        branches: &If,
        node: NodeId,
        graph: &Graph,
        holdings: &mut Holdings,
    ) -> Result<(), CheckError> {
        let Op::If { then, otherwise } = graph.node(node).op else {
            return Err(self.fault("has an if where the graph has none"));
        };
        let operands = graph.operands(node);
        if !self.holds(
            holdings,
            graph,
            &Operand::from(branches.condition),
            operands[0],
        ) {
            return Err(self.fault("decides without a condition"));
        }
        let mut ends = Vec::new();
        for (id, steps) in [(then, &branches.then), (otherwise, &branches.otherwise)] {
            let claim = ClaimGraph::Module(id);
            let body = self.checker.graph(&claim);
            let body = body.ok_or_else(|| self.fault("has an if without a branch"))?;
            let inputs = body.inputs().iter().copied();
            let pairs: Vec<(Value, NodeId)> = operands[1..].iter().copied().zip(inputs).collect();
            let mut inside = self.enter((holdings, graph), &pairs);
            self.steps(steps, &claim, body, &mut inside)?;
            ends.push((body, inside));
        }
        let mut results = Vec::new();
        for number in 0..graph.node(node).types.len() {
            let held = ends.iter().map(|(body, inside)| {
                let value = body.outputs().get(number).map(|(_, value)| *value);
                let pieces = value.map(|value| self.pieces(inside, body, value));
                pieces.unwrap_or_default()
            });
            let mut held = held.collect::<Vec<_>>().into_iter();
            let (one, other) = (
                held.next().unwrap_or_default(),
                held.next().unwrap_or_default(),
            );
            let both: Vec<Piece> = one.into_iter().filter(|p| other.contains(p)).collect();
            if both.is_empty() {
                return Err(self.fault("has branches that leave a result in different places"));
            }
            results.push(both);
        }
        for piece in ends.iter().flat_map(|(_, inside)| &inside.written) {
            holdings.overwrite(piece);
        }
        for (result, pieces) in (0..).zip(results) {
            for piece in pieces {
                holdings.hold(piece, Value { node, result });
            }
        }
        Ok(())
    }
}

/// The value that reshapes lead back to.
pub(super) fn original(graph: &Graph, mut value: Value) -> Value {
    while let Op::Reshape { .. } = graph.op(value) {
        value = graph.operands(value.node)[0];
    }
    value
}

/// Loops and ifs that an output needs, in the order that they run in.
fn control_nodes(graph: &Graph) -> Vec<NodeId> {
    let mut needed = BTreeSet::new();
    let mut stack: Vec<NodeId> = graph.outputs().iter().map(|(_, v)| v.node).collect();
    while let Some(node) = stack.pop() {
        if needed.insert(node) {
            stack.extend(graph.operands(node).iter().map(|v| v.node));
        }
    }
    let order = graph.topological_order().into_iter();
    let control = |node: &NodeId| matches!(graph.node(*node).op, Op::Loop { .. } | Op::If { .. });
    order
        .filter(|node| needed.contains(node) && control(node))
        .collect()
}
