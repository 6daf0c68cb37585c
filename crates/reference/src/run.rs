use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use eyas_ir::{Graph, GraphId, Module, NodeId, Op, TensorType, Value};
use eyas_tensor::DType;

use crate::control;
use crate::initialise::initial;
use crate::primitive;
use crate::scope::{MAX_BYTES, Scope, size_of_tensor};
use crate::{EvaluateError, Storage, Values};

/// Graphs that may own one another.
const MAX_DEPTH: usize = 64;

/// Named results in order.
pub(crate) type Outputs = Vec<(String, Arc<Values>)>;

/// One evaluation of a graph and the graphs that it owns.
pub(crate) struct Run<'a> {
    module: &'a Module,
    storage: Storage,
    bindings: &'a BTreeMap<String, i64>,
    parameters: &'a BTreeMap<String, Arc<Values>>,
    /// Bytes that the values of all graphs under way take.
    held: Cell<usize>,
}

impl<'a> Run<'a> {
    pub(crate) fn new(
        module: &'a Module,
        storage: Storage,
        bindings: &'a BTreeMap<String, i64>,
        parameters: &'a BTreeMap<String, Arc<Values>>,
    ) -> Run<'a> {
        Run {
            module,
            storage,
            bindings,
            parameters,
            held: Cell::new(0),
        }
    }

    /// What names mean under these counters.
    pub(crate) fn scope(&self, counters: &BTreeMap<String, i64>) -> Scope<'a> {
        Scope {
            storage: self.storage,
            bindings: self.bindings,
            counters: counters.clone(),
        }
    }

    /// A graph of the module.
    pub(crate) fn graph(&self, id: GraphId) -> Result<&'a Graph, EvaluateError> {
        let graph = self.module.graphs.get(id.0);
        graph.ok_or(EvaluateError::UnknownGraph(id.0))
    }

    /// The outputs of a graph; nodes that no output needs are not computed.
    pub(crate) fn evaluate(
        &self,
        graph: &Graph,
        inputs: &[Arc<Values>],
        counters: &BTreeMap<String, i64>,
        depth: usize,
    ) -> Result<Outputs, EvaluateError> {
        if depth > MAX_DEPTH {
            return Err(EvaluateError::TooDeep(MAX_DEPTH));
        }
        if graph.inputs().len() != inputs.len() {
            return Err(EvaluateError::InputCount {
                graph: graph.name().to_owned(),
                expected: graph.inputs().len(),
                found: inputs.len(),
            });
        }
        let mut frame = Frame::new(self, graph, inputs, counters, depth);
        for id in graph.topological_order() {
            if frame.live.contains(&id) {
                frame.step(id).map_err(|cause| located(graph, id, cause))?;
            }
        }
        frame.finish()
    }

    /// Counts bytes that a value will take.
    fn hold(&self, dtype: DType, shape: &[usize]) -> Result<(), EvaluateError> {
        let held = self
            .held
            .get()
            .saturating_add(size_of_tensor(dtype, shape)?);
        if held > MAX_BYTES {
            let shape = shape.to_vec();
            return Err(EvaluateError::TooLarge { shape });
        }
        self.held.set(held);
        Ok(())
    }

    fn release(&self, values: &Values) {
        self.held
            .set(self.held.get().saturating_sub(values.bytes()));
    }

    /// The value of a parameter or a state; a state that is not given begins with its
    /// initialiser.
    fn declared(&self, path: &str, state: bool) -> Result<Arc<Values>, EvaluateError> {
        if let Some(values) = self.parameters.get(path) {
            return Ok(values.clone());
        }
        if state
            && let Some(declaration) = self.module.parameter(path)
            && let Some(values) = initial(path, declaration, 0)?
        {
            return Ok(Arc::new(values));
        }
        Err(EvaluateError::MissingParameter(path.to_owned()))
    }
}

fn located(graph: &Graph, id: NodeId, cause: EvaluateError) -> EvaluateError {
    let text = format!("{:?}", graph.node(id).op);
    let name = text.split(|c: char| !c.is_alphanumeric()).next();
    EvaluateError::Node {
        graph: graph.name().to_owned(),
        node: id.index(),
        op: name.unwrap_or_default().to_owned(),
        cause: Box::new(cause),
    }
}

/// Values of one graph under way; each goes with its last use.
struct Frame<'a, 'r> {
    run: &'a Run<'r>,
    graph: &'a Graph,
    inputs: &'a [Arc<Values>],
    scope: Scope<'r>,
    depth: usize,
    live: BTreeSet<NodeId>,
    uses: BTreeMap<Value, usize>,
    values: BTreeMap<Value, Arc<Values>>,
}

impl<'a, 'r> Frame<'a, 'r> {
    fn new(
        run: &'a Run<'r>,
        graph: &'a Graph,
        inputs: &'a [Arc<Values>],
        counters: &BTreeMap<String, i64>,
        depth: usize,
    ) -> Frame<'a, 'r> {
        let (mut live, mut uses) = (BTreeSet::new(), BTreeMap::new());
        let mut stack = Vec::new();
        for (_, value) in graph.outputs() {
            *uses.entry(*value).or_insert(0) += 1;
            stack.push(value.node);
        }
        while let Some(id) = stack.pop() {
            if !graph.contains(id) || !live.insert(id) {
                continue;
            }
            for operand in graph.operands(id) {
                *uses.entry(operand).or_insert(0) += 1;
                stack.push(operand.node);
            }
        }
        Frame {
            run,
            graph,
            inputs,
            scope: run.scope(counters),
            depth,
            live,
            uses,
            values: BTreeMap::new(),
        }
    }

    /// Computes a node and lets go of operands that nobody else wants.
    fn step(&mut self, id: NodeId) -> Result<(), EvaluateError> {
        let node = self.graph.node(id);
        let places = self.graph.operands(id);
        let operands = places.iter().map(|place| self.value(*place));
        let operands = operands.collect::<Result<Vec<_>, EvaluateError>>()?;
        let results = self.compute(id, &operands)?;
        if results.len() != node.types.len() {
            let (found, expected) = (results.len(), node.types.len());
            let message = format!("gives {found} results where {expected} are declared");
            return Err(EvaluateError::Malformed(message));
        }
        for (place, (values, ty)) in results.into_iter().zip(&node.types).enumerate() {
            self.check(&node.op, ty, &values)?;
            let result = place as u32;
            self.values.insert(Value { node: id, result }, values);
        }
        for place in places {
            self.drop_use(place);
        }
        for result in 0..node.types.len() as u32 {
            let value = Value { node: id, result };
            if !self.uses.contains_key(&value) {
                self.let_go(value);
            }
        }
        Ok(())
    }

    fn compute(
        &self,
        id: NodeId,
        operands: &[Arc<Values>],
    ) -> Result<Vec<Arc<Values>>, EvaluateError> {
        let node = self.graph.node(id);
        match &node.op {
            Op::Input { .. } => {
                let place = self.graph.inputs().iter().position(|input| *input == id);
                let input = place.and_then(|place| self.inputs.get(place));
                let missing =
                    || EvaluateError::Malformed("an input is not among the graph's".into());
                Ok(vec![input.ok_or_else(missing)?.clone()])
            }
            Op::Parameter { path } => Ok(vec![self.run.declared(&self.scope.path(path), false)?]),
            Op::State { path } => Ok(vec![self.run.declared(&self.scope.path(path), true)?]),
            Op::Loop {
                body,
                variable,
                trip,
                carried,
            } => {
                self.hold_all(&node.types)?;
                let looped = control::Loop {
                    run: self.run,
                    body: self.run.graph(*body)?,
                    variable,
                    trip,
                    carried: *carried,
                    depth: self.depth + 1,
                };
                looped.evaluate(&self.scope, operands)
            }
            Op::If { then, otherwise } => {
                self.hold_all(&node.types)?;
                let id = control::branch(operands, *then, *otherwise)?;
                let graph = self.run.graph(id)?;
                let counters = &self.scope.counters;
                let outputs = self
                    .run
                    .evaluate(graph, &operands[1..], counters, self.depth + 1)?;
                Ok(outputs.into_iter().map(|(_, values)| values).collect())
            }
            op => {
                let op = primitive::concrete(&self.scope, op)?;
                let result = primitive::result_type(&op, operands)?;
                self.hold_all(std::slice::from_ref(&result))?;
                let values = primitive::evaluate(&self.scope, &op, operands, &result)?;
                Ok(vec![Arc::new(values)])
            }
        }
    }

    fn hold_all(&self, types: &[TensorType]) -> Result<(), EvaluateError> {
        for ty in types {
            self.run.hold(ty.dtype, &self.scope.shape(&ty.shape)?)?;
        }
        Ok(())
    }

    /// The values must be what the node declares.
    fn check(&self, op: &Op, declared: &TensorType, values: &Values) -> Result<(), EvaluateError> {
        let (expected, found) = (self.scope.concrete(declared)?, values.tensor_type());
        if expected == found {
            return Ok(());
        }
        let subject = match op {
            Op::Input { name } => format!("input `{name}`"),
            Op::Parameter { path } | Op::State { path } => format!("parameter `{path}`"),
            _ => "the result".to_owned(),
        };
        Err(EvaluateError::WrongType {
            subject,
            expected,
            found,
        })
    }

    fn value(&self, place: Value) -> Result<Arc<Values>, EvaluateError> {
        let missing = || EvaluateError::Malformed("an operand comes later or not at all".into());
        self.values.get(&place).cloned().ok_or_else(missing)
    }

    fn drop_use(&mut self, place: Value) {
        if let Some(count) = self.uses.get_mut(&place) {
            *count -= 1;
            if *count == 0 {
                self.let_go(place);
            }
        }
    }

    fn let_go(&mut self, place: Value) {
        let values = self.values.remove(&place);
        let op = &self.graph.node(place.node).op;
        let shared = matches!(
            op,
            Op::Input { .. } | Op::Parameter { .. } | Op::State { .. }
        );
        if let Some(values) = values.filter(|_| !shared) {
            self.run.release(&values);
        }
    }

    fn finish(mut self) -> Result<Outputs, EvaluateError> {
        let outputs = self.graph.outputs().iter();
        let outputs: Result<Outputs, EvaluateError> = outputs
            .map(|(name, value)| Ok((name.clone(), self.value(*value)?)))
            .collect();
        let left: Vec<Value> = self.values.keys().copied().collect();
        left.into_iter().for_each(|value| self.let_go(value));
        outputs
    }
}
