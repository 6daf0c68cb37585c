use std::collections::{BTreeMap, BTreeSet};

use petgraph::Direction;
use petgraph::stable_graph::{NodeIndex, StableDiGraph};
use petgraph::visit::EdgeRef;
use serde::{Deserialize, Serialize};

use crate::infer::{self, InferError};
use crate::{Op, Origin, TensorType};

/// A node's place in its graph; it stays when others go.
pub type NodeId = NodeIndex<u32>;

/// One result of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Value {
    /// The node.
    pub node: NodeId,
    /// Which of its results.
    pub result: u32,
}

/// An operation in a graph.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /// What it does.
    pub op: Op,
    /// The types of its results.
    pub types: Vec<TensorType>,
    /// Where it came from.
    pub origin: Origin,
}

/// A use: which result of the source is which operand of the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Edge {
    /// The result of the source.
    pub result: u32,
    /// The operand of the target.
    pub operand: u32,
}

/// Operations and the values between them.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Graph {
    name: String,
    nodes: StableDiGraph<Node, Edge>,
    inputs: Vec<NodeId>,
    outputs: Vec<(String, Value)>,
}

impl Graph {
    /// An empty graph.
    pub fn new(name: impl Into<String>) -> Graph {
        Graph {
            name: name.into(),
            ..Graph::default()
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Adds an input after those there are.
    pub fn add_input(&mut self, name: impl Into<String>, ty: TensorType) -> Value {
        let op = Op::Input { name: name.into() };
        let node = self.nodes.add_node(Node {
            op,
            types: vec![ty],
            origin: Origin::default(),
        });
        self.inputs.push(node);
        Value { node, result: 0 }
    }

    /// Names a value as an output, after those there are.
    pub fn add_output(&mut self, name: impl Into<String>, value: Value) {
        self.outputs.push((name.into(), value));
    }

    /// Adds a node whose result types need nothing but its operands'; gives its first result.
    ///
    /// # Errors
    /// What inference says.
    pub fn add(&mut self, op: Op, operands: &[Value]) -> Result<Value, InferError> {
        let operand_types: Vec<&TensorType> = operands.iter().map(|v| self.type_of(*v)).collect();
        let types = infer::result_types(&op, &operand_types)?;
        Ok(self.add_typed(op, operands, types, Origin::default()))
    }

    /// Adds a node whose result types are known; gives its first result.
    pub fn add_typed(
        &mut self,
        op: Op,
        operands: &[Value],
        types: Vec<TensorType>,
        origin: Origin,
    ) -> Value {
        let node = self.nodes.add_node(Node { op, types, origin });
        for (operand, value) in operands.iter().enumerate() {
            let edge = Edge {
                result: value.result,
                operand: operand as u32,
            };
            self.nodes.add_edge(value.node, node, edge);
        }
        Value { node, result: 0 }
    }

    /// The node.
    ///
    /// # Panics
    /// Where the graph has no such node.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id]
    }

    /// The node, to be changed.
    ///
    /// # Panics
    /// Where the graph has no such node.
    pub fn node_mut(&mut self, id: NodeId) -> &mut Node {
        &mut self.nodes[id]
    }

    /// Whether the graph has the node.
    pub fn contains(&self, id: NodeId) -> bool {
        self.nodes.contains_node(id)
    }

    /// The op that makes a value.
    pub fn op(&self, value: Value) -> &Op {
        &self.node(value.node).op
    }

    /// The type of a value.
    ///
    /// # Panics
    /// Where the graph has no such value.
    pub fn type_of(&self, value: Value) -> &TensorType {
        &self.nodes[value.node].types[value.result as usize]
    }

    /// A node's operands in order.
    pub fn operands(&self, id: NodeId) -> Vec<Value> {
        let mut operands: Vec<(u32, Value)> = self
            .nodes
            .edges_directed(id, Direction::Incoming)
            .map(|edge| {
                let value = Value {
                    node: edge.source(),
                    result: edge.weight().result,
                };
                (edge.weight().operand, value)
            })
            .collect();
        operands.sort_unstable();
        operands.into_iter().map(|(_, value)| value).collect()
    }

    /// The uses of a value by nodes: (node, operand), in order.
    pub fn uses(&self, value: Value) -> Vec<(NodeId, u32)> {
        let mut uses: Vec<(NodeId, u32)> = self
            .nodes
            .edges_directed(value.node, Direction::Outgoing)
            .filter(|edge| edge.weight().result == value.result)
            .map(|edge| (edge.target(), edge.weight().operand))
            .collect();
        uses.sort_unstable();
        uses
    }

    /// The inputs in order.
    pub fn inputs(&self) -> &[NodeId] {
        &self.inputs
    }

    /// The outputs in order.
    pub fn outputs(&self) -> &[(String, Value)] {
        &self.outputs
    }

    /// How many nodes there are.
    pub fn node_count(&self) -> usize {
        self.nodes.node_count()
    }

    /// All nodes by id.
    pub fn node_ids(&self) -> impl Iterator<Item = NodeId> + '_ {
        self.nodes.node_indices()
    }

    /// All nodes, operands before users; among those that could come next the lowest id. Nodes on
    /// a cycle (which the verifier refuses) are left out.
    pub fn topological_order(&self) -> Vec<NodeId> {
        let mut waiting: BTreeMap<NodeId, usize> = BTreeMap::new();
        let mut ready = BTreeSet::new();
        for id in self.nodes.node_indices() {
            match self.nodes.edges_directed(id, Direction::Incoming).count() {
                0 => drop(ready.insert(id)),
                count => drop(waiting.insert(id, count)),
            }
        }
        let mut order = Vec::with_capacity(self.nodes.node_count());
        while let Some(id) = ready.pop_first() {
            order.push(id);
            for edge in self.nodes.edges_directed(id, Direction::Outgoing) {
                if let Some(count) = waiting.get_mut(&edge.target()) {
                    *count -= 1;
                    if *count == 0 {
                        ready.insert(edge.target());
                    }
                }
            }
        }
        order
    }

    /// Makes every use of one value, outputs too, a use of another.
    pub fn replace_uses(&mut self, old: Value, new: Value) {
        for (user, operand) in self.uses(old) {
            self.replace_operand(user, operand, new);
        }
        for (_, value) in &mut self.outputs {
            if *value == old {
                *value = new;
            }
        }
    }

    fn replace_operand(&mut self, user: NodeId, operand: u32, new: Value) {
        let edge = self
            .nodes
            .edges_directed(user, Direction::Incoming)
            .find(|edge| edge.weight().operand == operand)
            .map(|edge| edge.id());
        if let Some(edge) = edge {
            self.nodes.remove_edge(edge);
            self.nodes.add_edge(
                new.node,
                user,
                Edge {
                    result: new.result,
                    operand,
                },
            );
        }
    }

    /// Removes nodes that no output needs; inputs stay.
    pub fn remove_dead(&mut self) {
        let mut live: BTreeSet<NodeId> = self.inputs.iter().copied().collect();
        let mut stack: Vec<NodeId> = self.outputs.iter().map(|(_, value)| value.node).collect();
        while let Some(id) = stack.pop() {
            if live.insert(id) {
                stack.extend(self.nodes.neighbors_directed(id, Direction::Incoming));
            }
        }
        self.nodes.retain_nodes(|_, id| live.contains(&id));
    }
}

impl PartialEq for Graph {
    /// Equal node for node, in id order.
    fn eq(&self, other: &Graph) -> bool {
        let nodes = |graph: &Graph| -> Vec<(NodeId, Node, Vec<Value>)> {
            let ids = graph.node_ids();
            ids.map(|id| (id, graph.node(id).clone(), graph.operands(id)))
                .collect()
        };
        self.name == other.name
            && self.inputs == other.inputs
            && self.outputs == other.outputs
            && nodes(self) == nodes(other)
    }
}
