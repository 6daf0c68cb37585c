use eyas_ir::{Graph, GraphId, NodeId, Op, TensorType, Trip, Value};
use eyas_plan::{BufferId, Carry, If, Loop, Operand, Place, Step};
use eyas_tensor::{DType, Dim};

use crate::arguments::Home;
use crate::graph_writer::{Around, GraphWriter, write_graph};
use crate::{ClaimGraph, ScheduleError};

/// A loop while its step is written.
#[derive(Default)]
struct Parts {
    /// Where the body finds its inputs.
    inputs: Vec<Option<Home>>,
    /// Where the body's outputs go.
    targets: Vec<Option<Home>>,
    carried: Vec<Carry>,
    zeroed: Vec<BufferId>,
    /// Stacks that are copied behind the loop to where they are wanted.
    copies: Vec<Value>,
}

impl GraphWriter<'_, '_, '_> {
    pub(crate) fn loop_node(&mut self, id: NodeId) -> Result<(), ScheduleError> {
        let Op::Loop {
            body,
            variable,
            trip,
            carried,
        } = &self.graph.node(id).op
        else {
            return Err(ScheduleError::Internal("a loop is none".into()));
        };
        let graph = self.scheduler.graph(*body)?;
        let (start, count, conditions) = match trip {
            Trip::Range { start, count } => (start.clone(), count.clone(), 0),
            Trip::While { limit } => (Dim::from(0), limit.clone(), 1),
        };
        let mut parts = Parts::default();
        let counter = self.counter(graph, &mut parts)?;
        let condition = match conditions {
            0 => None,
            _ => {
                let home = self
                    .scheduler
                    .plan
                    .arena(&TensorType::scalar(DType::Bool))?;
                let buffer = home.operand.buffer;
                self.name_buffer(buffer, &format!("{variable}.condition"));
                parts.targets.push(Some(home));
                Some(buffer)
            }
        };
        let operands = self.graph.operands(id);
        for (number, operand) in operands.iter().take(*carried).enumerate() {
            let result = Value {
                node: id,
                result: number as u32,
            };
            let output = graph
                .outputs()
                .get(conditions + number)
                .map(|(_, value)| *value);
            self.carry(graph, *operand, output, result, &mut parts)?;
        }
        for operand in &operands[*carried..] {
            let home = self.home(*operand)?;
            parts.inputs.push(Some(home));
        }
        let symbol = self.scheduler.plan.trip();
        let first = conditions + carried;
        for (number, (_, slice)) in graph.outputs().iter().skip(first).enumerate() {
            let result = Value {
                node: id,
                result: (carried + number) as u32,
            };
            self.stack(
                result,
                graph.type_of(*slice),
                &symbol,
                conditions > 0,
                &mut parts,
            )?;
        }
        let mut around = self.around.clone();
        around.push(Around {
            variable: variable.clone(),
            start: start.clone(),
            count: count.clone(),
        });
        let claim = ClaimGraph::Module(*body);
        let (inputs, targets) = (&parts.inputs, &parts.targets);
        let steps = write_graph(self.scheduler, graph, claim, inputs, targets, around)?;
        self.steps.push(Step::Loop(Loop {
            variable: variable.clone(),
            trip: symbol,
            start,
            count,
            counter,
            condition,
            carried: parts.carried,
            zeroed: parts.zeroed,
            body: steps,
        }));
        for value in parts.copies {
            if let Some(target) = self.assigned.get(&value).cloned() {
                self.copy(value, &target)?;
            }
        }
        Ok(())
    }

    /// Memory for the counter, where the body looks at it.
    fn counter(
        &mut self,
        graph: &Graph,
        parts: &mut Parts,
    ) -> Result<Option<BufferId>, ScheduleError> {
        let Some(&node) = graph.inputs().first() else {
            return Err(ScheduleError::Malformed(
                "a loop's body takes no counter".into(),
            ));
        };
        let value = Value { node, result: 0 };
        let given = graph.outputs().iter().any(|(_, output)| *output == value);
        if graph.uses(value).is_empty() && !given {
            parts.inputs.push(None);
            return Ok(None);
        }
        let home = self.scheduler.plan.arena(&TensorType::scalar(DType::I64))?;
        let buffer = home.operand.buffer;
        self.name_buffer(buffer, "counter");
        parts.inputs.push(Some(home));
        Ok(Some(buffer))
    }

    /// Takes up a carried value. One that the body gives back as it is needs no memory of its own.
    fn carry(
        &mut self,
        graph: &Graph,
        operand: Value,
        output: Option<Value>,
        result: Value,
        parts: &mut Parts,
    ) -> Result<(), ScheduleError> {
        let input = graph.inputs().get(parts.inputs.len()).copied();
        let same = output.is_some_and(|output| Some(output.node) == input);
        if same {
            let home = self.home(operand)?;
            self.homes.insert(result, home.clone());
            parts.inputs.push(Some(home));
            parts.targets.push(None);
            return Ok(());
        }
        let ty = self.graph.type_of(operand).clone();
        let current = match self.last_use(operand) {
            Some(home) => home,
            None => {
                let home = self.scheduler.plan.arena(&ty)?;
                self.copy(operand, &home)?;
                home
            }
        };
        let next = self.scheduler.plan.arena(&ty)?;
        parts.carried.push(Carry {
            current: current.operand.buffer,
            next: next.operand.buffer,
        });
        self.homes.insert(result, current.clone());
        parts.inputs.push(Some(current));
        parts.targets.push(Some(next));
        Ok(())
    }

    /// Where a value lies, if it lies in memory of its own that nothing but one use looks at.
    fn last_use(&self, value: Value) -> Option<Home> {
        let made = !matches!(
            self.graph.op(value),
            Op::Input { .. }
                | Op::Parameter { .. }
                | Op::State { .. }
                | Op::Constant { .. }
                | Op::Loop { .. }
                | Op::If { .. }
                | Op::Reshape { .. }
        );
        let given = self
            .graph
            .outputs()
            .iter()
            .any(|(_, output)| *output == value);
        let home = self.homes.get(&value)?;
        let buffer = &self.scheduler.plan.buffers[home.operand.buffer.0];
        let own = made && !given && buffer.place == Place::Arena && home.operand.offset.is(0);
        let live = |(user, _): &(NodeId, u32)| self.groups.live.contains(user);
        let uses = self.graph.uses(value);
        (own && uses.iter().filter(|u| live(u)).count() == 1).then(|| home.clone())
    }

    /// Takes up a stacked result: each iteration writes its slice.
    fn stack(
        &mut self,
        result: Value,
        slice: &TensorType,
        symbol: &str,
        may_end_early: bool,
        parts: &mut Parts,
    ) -> Result<(), ScheduleError> {
        let mut home = self.new_home(result)?;
        if may_end_early && !home.operand.offset.is(0) {
            home = self.scheduler.plan.arena(self.graph.type_of(result))?;
            parts.copies.push(result);
        }
        let length = slice.element_count()?;
        let step = Dim::symbol(symbol).mul(&length)?;
        parts.targets.push(Some(Home {
            operand: Operand {
                buffer: home.operand.buffer,
                offset: home.operand.offset.add(&step)?,
            },
            dtype: slice.dtype,
            length,
        }));
        if may_end_early {
            parts.zeroed.push(home.operand.buffer);
        }
        self.homes.insert(result, home);
        Ok(())
    }

    pub(crate) fn if_node(&mut self, id: NodeId) -> Result<(), ScheduleError> {
        let Op::If { then, otherwise } = self.graph.node(id).op else {
            return Err(ScheduleError::Internal("an if is none".into()));
        };
        let operands = self.graph.operands(id);
        let mut condition = self.home(operands[0])?;
        let scalar = TensorType::scalar(DType::Bool);
        let buffer = &self.scheduler.plan.buffers[condition.operand.buffer.0];
        if buffer.ty != scalar || !condition.operand.offset.is(0) {
            let home = self.scheduler.plan.arena(&scalar)?;
            self.copy(operands[0], &home)?;
            condition = home;
        }
        let mut inputs = Vec::new();
        for operand in &operands[1..] {
            inputs.push(Some(self.home(*operand)?));
        }
        let mut targets = Vec::new();
        for result in 0..self.graph.node(id).types.len() as u32 {
            let value = Value { node: id, result };
            let home = self.new_home(value)?;
            self.homes.insert(value, home.clone());
            targets.push(Some(home));
        }
        let mut branch = |id: GraphId| -> Result<Vec<Step>, ScheduleError> {
            let graph = self.scheduler.graph(id)?;
            let claim = ClaimGraph::Module(id);
            let around = self.around.clone();
            write_graph(self.scheduler, graph, claim, &inputs, &targets, around)
        };
        let (then, otherwise) = (branch(then)?, branch(otherwise)?);
        self.steps.push(Step::If(If {
            condition: condition.operand.buffer,
            then,
            otherwise,
        }));
        Ok(())
    }

    fn name_buffer(&mut self, buffer: BufferId, name: &str) {
        name.clone_into(&mut self.scheduler.plan.buffers[buffer.0].name);
    }
}
