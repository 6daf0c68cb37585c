use std::collections::BTreeMap;
use std::sync::Arc;

use eyas_ir::{Graph, GraphId, Module};
use eyas_tensor::Tensor;

use crate::binding::bind_symbols;
use crate::derived::derive;
use crate::run::Run;
use crate::{EvaluateError, Storage, Values};

/// Evaluates a module's graphs, op by op.
#[derive(Debug, Clone)]
pub struct Evaluator<'a> {
    module: &'a Module,
    storage: Storage,
    parameters: BTreeMap<String, Arc<Values>>,
}

/// Which graph to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryPoint<'a> {
    /// The first entry point of this name.
    Name(&'a str),
    /// The graph at a place.
    Graph(GraphId),
}

impl<'a> From<&'a str> for EntryPoint<'a> {
    fn from(name: &'a str) -> EntryPoint<'a> {
        EntryPoint::Name(name)
    }
}

impl From<GraphId> for EntryPoint<'_> {
    fn from(graph: GraphId) -> Self {
        EntryPoint::Graph(graph)
    }
}

/// What a run gives.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The outputs in order.
    pub outputs: Vec<(String, Values)>,
    /// The values of the symbols that the inputs bound.
    pub bindings: BTreeMap<String, i64>,
}

impl Outcome {
    /// The first output of a name.
    pub fn output(&self, name: &str) -> Option<&Values> {
        let mut outputs = self.outputs.iter();
        outputs
            .find(|(own, _)| own == name)
            .map(|(_, values)| values)
    }

    /// The outputs as tensors of their types.
    ///
    /// # Errors
    /// [`EvaluateError::Tensor`] where memory cannot be had.
    pub fn tensors(&self) -> Result<Vec<(String, Tensor)>, EvaluateError> {
        let tensors = self.outputs.iter();
        tensors
            .map(|(name, values)| Ok((name.clone(), values.to_tensor()?)))
            .collect()
    }
}

impl<'a> Evaluator<'a> {
    /// An evaluator without parameters, with exact storage.
    pub fn new(module: &'a Module) -> Evaluator<'a> {
        Evaluator {
            module,
            storage: Storage::Exact,
            parameters: BTreeMap::new(),
        }
    }

    /// The same evaluator with this storage.
    #[must_use]
    pub fn storage(mut self, storage: Storage) -> Evaluator<'a> {
        self.storage = storage;
        self
    }

    /// The same evaluator with this value for a parameter or state.
    #[must_use]
    pub fn parameter(mut self, path: impl Into<String>, tensor: Tensor) -> Evaluator<'a> {
        let values = Arc::new(Values::from(&tensor));
        self.parameters.insert(path.into(), values);
        self
    }

    /// The same evaluator with these values for parameters and states.
    #[must_use]
    pub fn parameters(self, tensors: BTreeMap<String, Tensor>) -> Evaluator<'a> {
        let tensors = tensors.into_iter();
        tensors.fold(self, |evaluator, (path, tensor)| {
            evaluator.parameter(path, tensor)
        })
    }

    /// Runs an entry point: binds the symbols, computes derived parameters that were not given,
    /// then the outputs. A state that was not given begins with its initialiser.
    ///
    /// # Errors
    /// [`EvaluateError`] where inputs, parameters or the graph itself are wrong.
    pub fn run<'e>(
        &self,
        entry: impl Into<EntryPoint<'e>>,
        inputs: &[Tensor],
    ) -> Result<Outcome, EvaluateError> {
        let id = self.find(entry.into())?;
        let graph = self
            .module
            .graphs
            .get(id.0)
            .ok_or(EvaluateError::UnknownGraph(id.0))?;
        let shapes: Vec<&[usize]> = inputs.iter().map(Tensor::shape).collect();
        let bindings = bind_symbols(self.module, id, &shapes)?;
        let outputs = self.run_graph(graph, inputs, &bindings)?;
        Ok(Outcome { outputs, bindings })
    }

    /// Runs any graph whose owned graphs are the module's, under given bindings.
    ///
    /// # Errors
    /// As [`Evaluator::run`].
    pub fn run_graph(
        &self,
        graph: &Graph,
        inputs: &[Tensor],
        bindings: &BTreeMap<String, i64>,
    ) -> Result<Vec<(String, Values)>, EvaluateError> {
        let mut parameters = self.parameters.clone();
        parameters.extend(derive(self.module, self.storage, &self.parameters)?);
        let inputs: Vec<Arc<Values>> = inputs
            .iter()
            .map(|tensor| Arc::new(Values::from(tensor)))
            .collect();
        let run = Run::new(self.module, self.storage, bindings, &parameters);
        let outputs = run.evaluate(graph, &inputs, &BTreeMap::new(), 0)?;
        let owned = |(name, values)| (name, Arc::unwrap_or_clone(values));
        Ok(outputs.into_iter().map(owned).collect())
    }

    fn find(&self, entry: EntryPoint<'_>) -> Result<GraphId, EvaluateError> {
        match entry {
            EntryPoint::Graph(id) => Ok(id),
            EntryPoint::Name(name) => {
                let mut entries = self.module.entries.iter();
                let found = entries.find(|entry| entry.name == name);
                found
                    .map(|entry| entry.graph)
                    .ok_or_else(|| EvaluateError::UnknownEntry(name.to_owned()))
            }
        }
    }
}

/// Runs a graph that reads no parameters, with exact storage.
///
/// # Errors
/// As [`Evaluator::run`].
pub fn evaluate_graph(
    module: &Module,
    graph: &Graph,
    inputs: &[Tensor],
    bindings: &BTreeMap<String, i64>,
) -> Result<Vec<(String, Values)>, EvaluateError> {
    Evaluator::new(module).run_graph(graph, inputs, bindings)
}
