use eyas_ir::{Constant, Graph, GraphId, NodeId, TensorType, Value};
use eyas_kernels::Kernel;
use eyas_plan::Plan;
use serde::{Deserialize, Serialize};

/// A module as kernels and the plans that launch them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Program {
    /// All kernels; plans name them by their place here.
    pub kernels: Vec<Kernel>,
    /// The entry points.
    pub entries: Vec<EntryPlan>,
    /// What computes the derived parameters, those of the module before those of the scheduler.
    pub derived: Vec<DerivedPlan>,
    /// The tensors that plans name by their number.
    pub constants: Vec<Constant>,
    /// What each kernel is said to compute, for the checker.
    pub claims: Vec<Claim>,
}

/// How an entry point is run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EntryPlan {
    /// The model's name.
    pub name: String,
    /// The plan.
    pub plan: Plan,
}

/// How a derived parameter is computed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DerivedPlan {
    /// Its path; `{i}` in it stands for a loop's counter.
    pub path: String,
    /// Its type.
    pub ty: TensorType,
    /// For each counter in the path: its first value and how many there are.
    pub counters: Vec<(String, i64, i64)>,
    /// The plan: no inputs, one output.
    pub plan: Plan,
    /// The graph of a parameter that the scheduler derives by packing; `None` of the module's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub packing: Option<Graph>,
}

/// What a kernel's results are said to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// Which graph.
    pub graph: ClaimGraph,
    /// What of it, in the order of the kernel's writes.
    pub results: Vec<ClaimResult>,
}

/// A graph that kernels compute values of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClaimGraph {
    /// A graph of the module, its composites taken apart.
    Module(GraphId),
    /// The graph of a packed parameter, by its place in [`Program::derived`].
    Packing(usize),
}

/// What a result of a kernel is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClaimResult {
    /// All of a value.
    Value(Value),
    /// An operand of a node, in the part of the node's memory that it makes up.
    Part(NodeId, usize),
    /// The padding of a node, in all of its memory.
    Fill(NodeId),
    /// A scatter's updates, into its base.
    Update(NodeId),
}
