use std::collections::BTreeMap;

use eyas_diagnostic::Span;
use eyas_tensor::Facts;
use serde::{Deserialize, Serialize};

use crate::{Graph, TensorType};

/// A graph's place in its module.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GraphId(pub usize);

/// A program: graphs, its entry points among them, and what they share.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Module {
    /// All graphs; a graph's bodies stand before it.
    pub graphs: Vec<Graph>,
    /// The graphs that are called from outside.
    pub entries: Vec<Entry>,
    /// The dims that inputs bind.
    pub symbols: Vec<Symbol>,
    /// What is known of the dims, and checked when they are bound.
    pub facts: Facts,
    /// Parameters and states by path.
    pub parameters: BTreeMap<String, ParameterDecl>,
    /// Parameters that are computed from others when weights are bound.
    pub derived: Vec<Derived>,
}

/// A graph that is called from outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The model's name.
    pub name: String,
    /// The graph.
    pub graph: GraphId,
    /// Whether it trains.
    pub mode: Mode,
    /// The next values of the states that it changes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub states: Vec<StateOutput>,
}

/// The next value of a state: the run keeps it for the run after.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StateOutput {
    /// The state's path.
    pub path: String,
    /// Which output of the entry's graph is its next value.
    pub output: usize,
}

/// What an entry point is for; dropout works in training alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Mode {
    Inference,
    Training,
}

/// A dim that is read off an input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Symbol {
    /// Its name.
    pub name: String,
    /// Where it is declared.
    pub span: Option<Span>,
}

/// A parameter or a state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ParameterDecl {
    /// Its type; the extents are constants.
    pub ty: TensorType,
    /// Its value where no weights are given; `None` where they must be.
    pub initialiser: Option<Initialiser>,
    /// Whether training or every run changes it.
    pub kind: ParameterKind,
    /// Where it is declared.
    pub span: Option<Span>,
}

/// Who changes a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum ParameterKind {
    Parameter,
    State,
}

/// How a parameter begins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Initialiser {
    /// One value everywhere.
    Fill(#[serde(with = "crate::finite")] f64),
    /// Uniform between two values.
    Uniform {
        /// The least value.
        #[serde(with = "crate::finite")]
        low: f64,
        /// The bound above.
        #[serde(with = "crate::finite")]
        high: f64,
    },
    /// Normally distributed.
    Normal {
        /// The mean.
        #[serde(with = "crate::finite")]
        mean: f64,
        /// The standard deviation.
        #[serde(with = "crate::finite")]
        deviation: f64,
    },
}

/// A parameter computed from others when weights are bound: packing, folding, merging.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Derived {
    /// Its path; `{i}` in it stands for a loop's counter.
    pub path: String,
    /// Its type.
    pub ty: TensorType,
    /// The graph that computes it: no inputs, one output.
    pub graph: GraphId,
    /// For each counter in the path: its first value and how many there are.
    pub counters: Vec<(String, i64, i64)>,
}

impl Module {
    /// Adds a graph.
    pub fn add_graph(&mut self, graph: Graph) -> GraphId {
        self.graphs.push(graph);
        GraphId(self.graphs.len() - 1)
    }

    /// The graph.
    ///
    /// # Panics
    /// Where the module has no such graph.
    pub fn graph(&self, id: GraphId) -> &Graph {
        &self.graphs[id.0]
    }

    /// The graph, to be changed.
    ///
    /// # Panics
    /// Where the module has no such graph.
    pub fn graph_mut(&mut self, id: GraphId) -> &mut Graph {
        &mut self.graphs[id.0]
    }

    /// The declaration that a path template names: `block.{i}.w` is `block.0.w`'s.
    pub fn parameter(&self, template: &str) -> Option<&ParameterDecl> {
        if let Some(found) = self.parameters.get(template) {
            return Some(found);
        }
        let mut candidates = self.parameters.iter();
        candidates
            .find(|(path, _)| path_matches(template, path))
            .map(|(_, declaration)| declaration)
    }
}

/// Whether a path is a template's with each `{...}` segment replaced by a number.
fn path_matches(template: &str, path: &str) -> bool {
    let (mut left, mut right) = (template.split('.'), path.split('.'));
    loop {
        match (left.next(), right.next()) {
            (None, None) => return true,
            (Some(a), Some(b)) if a == b => {}
            (Some(a), Some(b)) => {
                let counter = a.starts_with('{') && a.ends_with('}');
                if !counter || b.is_empty() || !b.bytes().all(|byte| byte.is_ascii_digit()) {
                    return false;
                }
            }
            _ => return false,
        }
    }
}
