use std::collections::{BTreeMap, BTreeSet};

use eyas_ir::{Derived, Graph, GraphId, Module, NodeId, Op, ScalarOp, TensorType, Trip, Value};
use eyas_tensor::Dim;

use crate::report::PassReport;
use crate::rewriting::trained;
use crate::{Error, Options};

/// A derived parameter may be so many times as large as what it is computed from.
const GROWTH: usize = 4;

/// Elements that are always few enough.
const SMALL: usize = 1024;

/// Counters of the loops around a graph: the first value and how many there are.
type Counters = BTreeMap<String, (i64, i64)>;

/// Makes what depends on parameters alone a derived parameter, which is computed when weights are
/// bound. Graphs that training reaches stay as they are.
pub(crate) fn hoist_parameters(
    module: &mut Module,
    _options: &Options,
    report: &mut PassReport,
) -> Result<(), Error> {
    let mut skip = trained(module);
    skip.extend(module.derived.iter().map(|derived| derived.graph.0));
    let around = counters_around(module);
    let mut hoisted = 0;
    for (id, counters) in around.iter().enumerate() {
        if let Some(counters) = counters.as_ref().filter(|_| !skip.contains(&id)) {
            hoisted += hoist_graph(module, GraphId(id), counters)?;
        }
    }
    report.counts.insert("values hoisted".into(), hoisted);
    Ok(())
}

/// The counters that paths in each graph may name; `None` for a body whose loops differ.
fn counters_around(module: &Module) -> Vec<Option<Counters>> {
    let count = module.graphs.len();
    let mut around: Vec<Option<Counters>> = vec![Some(Counters::new()); count];
    let mut owned_by: Vec<Vec<Option<Counters>>> = vec![Vec::new(); count];
    // Owners stand behind what they own.
    for id in (0..count).rev() {
        if let Some(first) = owned_by[id].first().cloned() {
            let same = owned_by[id].iter().all(|other| *other == first);
            around[id] = first.filter(|_| same);
        }
        let graph = module.graph(GraphId(id));
        for node in graph.node_ids() {
            let op = &graph.node(node).op;
            let inner = around[id].clone().map(|counters| within(op, counters));
            for body in op.bodies() {
                owned_by[body.0].push(inner.clone());
            }
        }
    }
    around
}

/// The counters in the bodies of an op; one that is not known takes part in no path.
fn within(op: &Op, mut counters: Counters) -> Counters {
    if let Op::Loop { variable, trip, .. } = op {
        counters.remove(variable);
        if let Trip::Range { start, count } = trip
            && let (Some(start), Some(count)) = (start.as_constant(), count.as_constant())
        {
            counters.insert(variable.clone(), (start, count));
        }
    }
    counters
}

/// The counters that a path names, in its order.
fn counters_in(path: &str) -> Vec<&str> {
    let segments = path.split('.');
    segments
        .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
        .collect()
}

/// What a graph computes from parameters and constants alone.
struct Fixed<'a> {
    graph: &'a Graph,
    fixed: BTreeSet<NodeId>,
    /// Those that read a parameter.
    weighted: BTreeSet<NodeId>,
}

impl<'a> Fixed<'a> {
    fn new(graph: &'a Graph) -> Fixed<'a> {
        let mut own = Fixed {
            graph,
            fixed: BTreeSet::new(),
            weighted: BTreeSet::new(),
        };
        for id in graph.topological_order() {
            let node = graph.node(id);
            let operands = graph.operands(id);
            let known = match &node.op {
                Op::Input { .. } | Op::State { .. } | Op::Random { .. } => false,
                Op::Loop { .. } | Op::If { .. } => false,
                // One that fails must fail when it would have.
                Op::Gather { .. } | Op::Scatter { .. } => false,
                op => !reads_dims(op) && node.types.iter().all(|ty| ty.static_shape().is_some()),
            };
            if known && operands.iter().all(|value| own.fixed.contains(&value.node)) {
                own.fixed.insert(id);
                let weighted = operands
                    .iter()
                    .any(|value| own.weighted.contains(&value.node));
                if weighted || matches!(node.op, Op::Parameter { .. }) {
                    own.weighted.insert(id);
                }
            }
        }
        own
    }

    /// What the rest of the graph reads, repetitions looked through, in topological order.
    fn frontier(&self) -> Vec<NodeId> {
        let outputs = self.graph.outputs().iter().map(|(_, value)| value.node);
        let order = self.graph.topological_order();
        let others = order.iter().filter(|id| !self.fixed.contains(id));
        let read = others
            .flat_map(|id| self.graph.operands(*id))
            .map(|value| value.node);
        let mut frontier = BTreeSet::new();
        for mut id in outputs.chain(read) {
            while self.fixed.contains(&id) && matches!(self.graph.node(id).op, Op::Broadcast { .. })
            {
                id = self.graph.operands(id)[0].node;
            }
            let computed = !matches!(self.graph.node(id).op, Op::Parameter { .. });
            if self.weighted.contains(&id) && computed {
                frontier.insert(id);
            }
        }
        order
            .into_iter()
            .filter(|id| frontier.contains(id))
            .collect()
    }

    /// All that a node is computed from, in topological order, the node last.
    fn cone(&self, root: NodeId) -> Vec<NodeId> {
        let (mut cone, mut stack) = (BTreeSet::new(), vec![root]);
        while let Some(id) = stack.pop() {
            if cone.insert(id) {
                stack.extend(self.graph.operands(id).iter().map(|value| value.node));
            }
        }
        let order = self.graph.topological_order();
        order.into_iter().filter(|id| cone.contains(id)).collect()
    }
}

/// Whether what an op gives hangs on a dim that a run binds, though its shape may not.
fn reads_dims(op: &Op) -> bool {
    let open = |dim: &Dim| dim.as_constant().is_none();
    match op {
        Op::Extent { dim, .. } => open(dim),
        Op::Slice { starts, .. } => starts.iter().any(open),
        Op::Pad { low, high, .. } => low.iter().chain(high).any(open),
        Op::Contraction {
            epilogue: Some(body),
            ..
        } => {
            let mut nodes = body.nodes.iter();
            nodes.any(|node| matches!(&node.op, ScalarOp::Extent(dim) if open(dim)))
        }
        _ => false,
    }
}

fn elements(ty: &TensorType) -> usize {
    ty.static_shape().map_or(0, |shape| shape.iter().product())
}

fn hoist_graph(module: &mut Module, id: GraphId, around: &Counters) -> Result<usize, Error> {
    let graph = module.graph(id).clone();
    let fixed = Fixed::new(&graph);
    let mut hoisted = 0;
    for root in fixed.frontier() {
        let cone = fixed.cone(root);
        let Some(derived) = derive(module, &graph, &cone, around)? else {
            continue;
        };
        let node = graph.node(root);
        let op = Op::Parameter { path: derived };
        let (types, origin) = (node.types.clone(), node.origin.clone());
        let target = module.graph_mut(id);
        let new = target.add_typed(op, &[], types, origin);
        let old = Value {
            node: root,
            result: 0,
        };
        target.replace_uses(old, new);
        hoisted += 1;
    }
    module.graph_mut(id).remove_dead();
    Ok(hoisted)
}

/// The path of the derived parameter that a cone computes; `None` where it does not pay, or its
/// counters are not known.
fn derive(
    module: &mut Module,
    graph: &Graph,
    cone: &[NodeId],
    around: &Counters,
) -> Result<Option<String>, Error> {
    let ops = || cone.iter().map(|id| &graph.node(*id).op);
    let paths: Vec<&String> = ops()
        .filter_map(|op| match op {
            Op::Parameter { path } => Some(path),
            _ => None,
        })
        .collect();
    // Another shape of the same elements is a view.
    let views = ops().all(|op| {
        matches!(
            op,
            Op::Parameter { .. } | Op::Constant { .. } | Op::Reshape { .. } | Op::Broadcast { .. }
        )
    });
    let read: usize = cone
        .iter()
        .filter(|id| matches!(graph.node(**id).op, Op::Parameter { .. }))
        .map(|id| elements(&graph.node(*id).types[0]))
        .sum();
    let (Some(root), Some(longest)) = (
        cone.last(),
        paths
            .iter()
            .rev()
            .max_by_key(|path| counters_in(path).len()),
    ) else {
        return Ok(None);
    };
    let ty = graph.node(*root).types[0].clone();
    if views || elements(&ty) > GROWTH * read + SMALL {
        return Ok(None);
    }
    let mut counters: Vec<(String, i64, i64)> = Vec::new();
    let mut path = (*longest).clone();
    for own in &paths {
        for name in counters_in(own) {
            let Some(&(first, count)) = around.get(name) else {
                return Ok(None);
            };
            if counters.iter().any(|(known, _, _)| known == name) {
                continue;
            }
            counters.push((name.to_owned(), first, count));
            if !counters_in(&path).contains(&name) {
                path.push_str(&format!(".{{{name}}}"));
            }
        }
    }
    let initialiser = cone_graph(graph, cone);
    let same = |derived: &&Derived| {
        derived.counters == counters && same_graph(module.graph(derived.graph), &initialiser)
    };
    if let Some(known) = module.derived.iter().find(same) {
        return Ok(Some(known.path.clone()));
    }
    let path = free_path(module, &path);
    let graph = module.add_graph(initialiser);
    module.derived.push(Derived {
        path: path.clone(),
        ty,
        graph,
        counters,
    });
    Ok(Some(path))
}

fn free_path(module: &Module, base: &str) -> String {
    let taken = |path: &str| {
        module.parameter(path).is_some()
            || module.derived.iter().any(|derived| derived.path == path)
    };
    let mut number = 0;
    loop {
        let path = format!("{base}.derived{number}");
        if !taken(&path) {
            return path;
        }
        number += 1;
    }
}

/// A cone as a graph of its own.
fn cone_graph(graph: &Graph, cone: &[NodeId]) -> Graph {
    let mut own = Graph::new("initialiser");
    let mut places: BTreeMap<NodeId, NodeId> = BTreeMap::new();
    let mut last = None;
    for &id in cone {
        let node = graph.node(id);
        let operands: Vec<Value> = graph
            .operands(id)
            .into_iter()
            .filter_map(|value| {
                let node = *places.get(&value.node)?;
                let result = value.result;
                Some(Value { node, result })
            })
            .collect();
        let (types, origin) = (node.types.clone(), node.origin.clone());
        let new = own.add_typed(node.op.clone(), &operands, types, origin);
        places.insert(id, new.node);
        last = Some(new);
    }
    if let Some(value) = last {
        own.add_output("value", value);
    }
    own
}

/// Whether two graphs compute the same by the same nodes in the same order.
fn same_graph(left: &Graph, right: &Graph) -> bool {
    let nodes = |graph: &Graph| -> Vec<(Op, Vec<Value>)> {
        let order = graph.node_ids();
        order
            .map(|id| (graph.node(id).op.clone(), graph.operands(id)))
            .collect()
    };
    left.node_count() == right.node_count()
        && left.outputs() == right.outputs()
        && nodes(left) == nodes(right)
}
