//! What every module holds to, checked: a pass that breaks one of these rules has a bug.

mod body;
mod graph;

use std::collections::BTreeSet;

use eyas_tensor::Dim;

use crate::infer::MAX_RANK;
use crate::{Entry, GraphId, InferError, Module, NodeId, ParameterKind, StateOutput, TensorType};

/// A rule that a module breaks, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {cause}")]
pub struct VerifyError {
    /// Where.
    pub place: Place,
    /// Which rule, and how.
    pub cause: Box<VerifyCause>,
}

/// Where a module breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Place {
    /// At what the graphs share: a parameter, an entry point, a symbol.
    #[error("the module")]
    Module,
    /// At a graph as a whole.
    #[error("graph #{} `{name}`", id.0)]
    Graph {
        /// The graph.
        id: GraphId,
        /// Its name.
        name: String,
    },
    /// At a node.
    #[error("graph #{} `{name}`, node {} `{op}`", id.0, node.index())]
    Node {
        /// The graph.
        id: GraphId,
        /// Its name.
        name: String,
        /// The node.
        node: NodeId,
        /// The op's name in the text form.
        op: String,
    },
}

/// A rule that a module breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerifyCause {
    /// Some nodes need their own results.
    #[error("{0} nodes lie on a cycle or behind one")]
    Cycle(usize),
    /// A use of a node or result that is not there.
    #[error("{user} is result {result} of node {node}, which does not exist")]
    Missing {
        /// What uses it.
        user: String,
        /// The node.
        node: usize,
        /// The result.
        result: u32,
    },
    /// Operand numbers have a hole, or one stands twice.
    #[error("its operands are numbered {0:?}")]
    OperandNumbers(Vec<u32>),
    /// The types kept are not those that inference gives.
    #[error("its results are ({found}), but inference gives ({expected})")]
    Types {
        /// What the node says.
        found: String,
        /// What inference says.
        expected: String,
    },
    /// Inference does not take the operands.
    #[error(transparent)]
    Infer(#[from] InferError),
    /// A type that no tensor has.
    #[error("no tensor has the type `{0}`")]
    BadType(TensorType),
    /// A body that does not stand before the graph that owns it.
    #[error("its body #{} does not stand before it", .0.0)]
    BodyOrder(GraphId),
    /// A graph that does not exist.
    #[error("{user} names graph #{}, which does not exist", id.0)]
    NoGraph {
        /// What names it.
        user: String,
        /// The graph.
        id: GraphId,
    },
    /// Input nodes and the graph's list of inputs differ.
    #[error("its input nodes and its list of inputs differ at node {0}")]
    InputList(usize),
    /// A name that must be distinct is not.
    #[error("{what} `{name}` stands twice")]
    Twice {
        /// What is named.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// A parameter whose extents are not constants.
    #[error("parameter `{path}` has the type `{ty}`, whose extents are not all constants")]
    OpenParameter {
        /// Its path.
        path: String,
        /// Its type.
        ty: TensorType,
    },
    /// A state read as a parameter, or the other way round.
    #[error("`{0}` is declared as the other of parameter and state")]
    Kind(String),
    /// A state's next value that is not there or not of its type.
    #[error(
        "entry point `{entry}` gives no `{ty}` in output {output} for the next value of `{path}`"
    )]
    NextState {
        /// The entry point.
        entry: String,
        /// The state's path.
        path: String,
        /// The state's type.
        ty: TensorType,
        /// The output.
        output: usize,
    },
    /// A next value of what is not declared as a state.
    #[error("entry point `{entry}` gives the next value of `{path}`, which is not a state")]
    NoState {
        /// The entry point.
        entry: String,
        /// The path.
        path: String,
    },
    /// A graph for a derived parameter that does not compute it.
    #[error("graph #{} takes inputs, or does not give one `{ty}` for `{path}`", id.0)]
    Derived {
        /// The parameter's path.
        path: String,
        /// Its type.
        ty: TensorType,
        /// The graph.
        id: GraphId,
    },
    /// A body of scalar arithmetic whose types do not fit.
    #[error("place {place} of its epilogue: {message}")]
    Epilogue {
        /// The place.
        place: usize,
        /// What does not fit.
        message: String,
    },
}

impl Module {
    /// Checks everything that passes may rely on: graphs without cycles, operands numbered from 0
    /// without holes, values that exist, types as inference gives them, declared parameters,
    /// bodies that stand before their owners and fit them, distinct names.
    ///
    /// # Errors
    /// The first rule broken, graphs in order, nodes in topological order.
    pub fn verify(&self) -> Result<(), VerifyError> {
        self.verify_declarations().map_err(|cause| VerifyError {
            place: Place::Module,
            cause: cause.into(),
        })?;
        for id in (0..self.graphs.len()).map(GraphId) {
            graph::verify(self, id)?;
        }
        self.verify_callers().map_err(|cause| VerifyError {
            place: Place::Module,
            cause: cause.into(),
        })
    }

    fn verify_declarations(&self) -> Result<(), VerifyCause> {
        distinct("symbol", self.symbols.iter().map(|symbol| &*symbol.name))?;
        for (path, declaration) in &self.parameters {
            verify_type(&declaration.ty)?;
            if declaration.ty.static_shape().is_none() {
                let (path, ty) = (path.clone(), declaration.ty.clone());
                return Err(VerifyCause::OpenParameter { path, ty });
            }
        }
        let derived = self.derived.iter().map(|derived| &*derived.path);
        distinct(
            "parameter",
            derived.chain(self.parameters.keys().map(|path| &**path)),
        )?;
        self.derived
            .iter()
            .try_for_each(|derived| verify_type(&derived.ty))
    }

    /// Entry points and derived parameters, once the graphs are known to be sound.
    fn verify_callers(&self) -> Result<(), VerifyCause> {
        let mut known = BTreeSet::new();
        for entry in &self.entries {
            if !known.insert((&entry.name, entry.mode as u8)) {
                let name = entry.name.clone();
                return Err(VerifyCause::Twice {
                    what: "entry point",
                    name,
                });
            }
            self.graph_exists(entry.graph, || format!("entry point `{}`", entry.name))?;
            self.verify_states(entry)?;
        }
        for derived in &self.derived {
            let (id, path) = (derived.graph, derived.path.clone());
            self.graph_exists(id, || format!("parameter `{path}`"))?;
            let graph = self.graph(id);
            let fits = match graph.outputs() {
                [(_, value)] => *graph.type_of(*value) == derived.ty,
                _ => false,
            };
            if !fits || !graph.inputs().is_empty() {
                let ty = derived.ty.clone();
                return Err(VerifyCause::Derived { path, ty, id });
            }
        }
        Ok(())
    }

    fn verify_states(&self, entry: &Entry) -> Result<(), VerifyCause> {
        distinct(
            "next value of",
            entry.states.iter().map(|state| &*state.path),
        )?;
        let outputs = self.graph(entry.graph).outputs();
        for StateOutput { path, output } in &entry.states {
            let (name, path, output) = (entry.name.clone(), path.clone(), *output);
            let declared = self.parameters.get(&path);
            let Some(state) = declared.filter(|state| state.kind == ParameterKind::State) else {
                return Err(VerifyCause::NoState { entry: name, path });
            };
            let next = outputs.get(output).map(|(_, value)| *value);
            if next.map(|value| self.graph(entry.graph).type_of(value)) != Some(&state.ty) {
                let ty = state.ty.clone();
                return Err(VerifyCause::NextState {
                    entry: name,
                    path,
                    ty,
                    output,
                });
            }
        }
        Ok(())
    }

    fn graph_exists(&self, id: GraphId, user: impl Fn() -> String) -> Result<(), VerifyCause> {
        if id.0 < self.graphs.len() {
            return Ok(());
        }
        Err(VerifyCause::NoGraph { user: user(), id })
    }

    /// A path read as this kind is declared as it, or derived.
    fn verify_kind(&self, path: &str, kind: ParameterKind) -> Result<(), VerifyCause> {
        match self.parameter(path) {
            Some(declaration) if declaration.kind != kind => {
                Err(VerifyCause::Kind(path.to_string()))
            }
            _ => Ok(()),
        }
    }
}

fn distinct<'a>(
    what: &'static str,
    names: impl IntoIterator<Item = &'a str>,
) -> Result<(), VerifyCause> {
    let mut known = BTreeSet::new();
    match names.into_iter().find(|name| !known.insert(*name)) {
        None => Ok(()),
        Some(name) => {
            let name = name.to_string();
            Err(VerifyCause::Twice { what, name })
        }
    }
}

fn verify_type(ty: &TensorType) -> Result<(), VerifyCause> {
    let negative = |dim: &Dim| dim.as_constant().is_some_and(|extent| extent < 0);
    if ty.rank() > MAX_RANK || ty.shape.iter().any(negative) {
        return Err(VerifyCause::BadType(ty.clone()));
    }
    Ok(())
}
