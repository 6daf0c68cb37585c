use std::collections::{BTreeMap, BTreeSet};

use eyas_ir::{BinaryFunction, Composite, Graph, NodeId, Op, ScalarId, UnaryFunction, Value};
use eyas_tensor::Facts;

use crate::Options;
use crate::emit::{Emitter, Frame};
use crate::index::Index;
use crate::refusal::Refusal;
use crate::view::is_view;

/// What one kernel computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Root {
    /// All of a value.
    Value(Value),
    /// An operand of a node, into the part of the node's memory that it makes up.
    Part(NodeId, usize),
}

/// Which values lie in memory, and which are computed inside which kernels.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    inline: BTreeMap<Root, BTreeSet<Value>>,
    /// The kernels that a value which lies in no memory is computed in.
    pub(crate) joined: BTreeMap<Value, BTreeSet<Root>>,
    pub(crate) live: BTreeSet<NodeId>,
}

impl Groups {
    /// The values computed inside a kernel.
    pub(crate) fn inline(&self, root: Root) -> &BTreeSet<Value> {
        static NOTHING: BTreeSet<Value> = BTreeSet::new();
        self.inline.get(&root).unwrap_or(&NOTHING)
    }
}

/// Groups the nodes of a graph, users before operands: a value joins the kernels that use it where
/// they have the form for it, and no work is done over that costs more than the memory saved.
pub(crate) fn group(graph: &Graph, facts: &Facts, options: &Options) -> Groups {
    let mut grouping = Grouping {
        graph,
        facts,
        options,
        groups: Groups {
            live: live(graph),
            ..Groups::default()
        },
        row_dependent: row_dependent(graph),
        after_sums: after_sums(graph),
        outputs: graph.outputs().iter().map(|(_, value)| *value).collect(),
    };
    for id in graph.topological_order().into_iter().rev() {
        if grouping.groups.live.contains(&id) {
            grouping.decide(id);
        }
    }
    grouping.groups
}

/// Nodes that an output needs.
fn live(graph: &Graph) -> BTreeSet<NodeId> {
    let mut live = BTreeSet::new();
    let mut stack: Vec<NodeId> = graph.outputs().iter().map(|(_, v)| v.node).collect();
    while let Some(id) = stack.pop() {
        if live.insert(id) {
            stack.extend(graph.operands(id).iter().map(|v| v.node));
        }
    }
    live
}

/// Values that are element by element functions of the result of a reduction.
fn row_dependent(graph: &Graph) -> BTreeSet<Value> {
    let mut dependent = BTreeSet::new();
    for id in graph.topological_order() {
        let op = &graph.node(id).op;
        let reduction = matches!(op, Op::Reduce { .. } | Op::ArgReduce { .. });
        let follows = op.is_elementwise() || is_view(op);
        let operands = graph.operands(id);
        if reduction || follows && operands.iter().any(|v| dependent.contains(v)) {
            dependent.insert(Value {
                node: id,
                result: 0,
            });
        }
    }
    dependent
}

/// Values that a contraction's kernel could store in the place of the sums.
fn after_sums(graph: &Graph) -> BTreeSet<Value> {
    let mut after = BTreeSet::new();
    for id in graph.topological_order() {
        let op = &graph.node(id).op;
        let value = Value {
            node: id,
            result: 0,
        };
        let shape = |v: &Value| &graph.type_of(*v).shape;
        let follows = |operand: &Value| {
            let same = shape(operand) == shape(&value);
            after.contains(operand) && same && graph.uses(*operand).len() == 1
        };
        let sums = matches!(op, Op::Contraction { .. });
        if sums || op.is_elementwise() && graph.operands(id).iter().any(follows) {
            after.insert(value);
        }
    }
    after
}

struct Grouping<'a> {
    graph: &'a Graph,
    facts: &'a Facts,
    options: &'a Options,
    groups: Groups,
    row_dependent: BTreeSet<Value>,
    after_sums: BTreeSet<Value>,
    outputs: BTreeSet<Value>,
}

impl Grouping<'_> {
    fn decide(&mut self, id: NodeId) {
        let op = &self.graph.node(id).op;
        match op {
            Op::Input { .. } | Op::Parameter { .. } | Op::State { .. } | Op::Constant { .. } => {}
            Op::Loop { .. } | Op::If { .. } => {}
            Op::Concat { .. } | Op::Pad { .. } | Op::Scatter { .. } => {}
            _ => {
                let value = Value {
                    node: id,
                    result: 0,
                };
                let roots = match self.outputs.contains(&value) {
                    true => None,
                    false => self.roots(value),
                };
                if let Some(roots) = roots.filter(|roots| self.joins(value, roots)) {
                    for root in &roots {
                        self.groups.inline.entry(*root).or_default().insert(value);
                    }
                    self.groups.joined.insert(value, roots);
                }
            }
        }
    }

    /// The kernels that use a value; `None` where something needs it in memory.
    fn roots(&self, value: Value) -> Option<BTreeSet<Root>> {
        let mut roots = BTreeSet::new();
        for (user, operand) in self.graph.uses(value) {
            if !self.groups.live.contains(&user) {
                continue;
            }
            let result = Value {
                node: user,
                result: 0,
            };
            match self.graph.op(result) {
                Op::Loop { .. } | Op::If { .. } => return None,
                Op::Concat { .. } | Op::Pad { .. } => {
                    roots.insert(Root::Part(user, operand as usize));
                }
                Op::Scatter { .. } if operand == 0 => {
                    roots.insert(Root::Part(user, 0));
                }
                _ => match self.groups.joined.get(&result) {
                    Some(joined) => roots.extend(joined),
                    None => drop(roots.insert(Root::Value(result))),
                },
            }
        }
        Some(roots)
    }

    fn joins(&self, value: Value, roots: &BTreeSet<Root>) -> bool {
        let op = self.graph.op(value);
        let free = is_view(op) || matches!(op, Op::Extent { .. } | Op::Iota { .. });
        if !free && !self.options.fuse {
            return false;
        }
        let again = free || roots.len() <= 1 || self.is_cheap_again(value, roots.len());
        again && roots.iter().all(|root| self.fits(value, *root))
    }

    /// Whether computing a value in each of its users moves less memory than storing it once.
    fn is_cheap_again(&self, value: Value, users: usize) -> bool {
        let op = self.graph.op(value);
        if !op.is_elementwise() || cost(op) > 2 {
            return false;
        }
        let size = &self.graph.type_of(value).shape;
        let operands = self.graph.operands(value.node);
        let full = |v: &&Value| {
            let same = self.graph.type_of(**v).shape == *size;
            same && !matches!(self.graph.op(**v), Op::Broadcast { .. } | Op::Iota { .. })
                && !matches!(self.graph.op(**v), Op::Constant { .. })
        };
        let reads = operands.iter().filter(full).count();
        reads * users < 1 + reads + users
    }

    /// Whether the kernel has a form with the value in it, and one that is worth it: perhaps not
    /// before the reduction that the value is made of is in the kernel as well.
    fn fits(&self, value: Value, root: Root) -> bool {
        let mut inline = self.groups.inline(root).clone();
        inline.insert(value);
        match run(self.graph, self.facts, &inline, root) {
            Ok(Some(drafted)) => {
                let rows = matches!(drafted.emitter.frame, Frame::Rows(_));
                if rows && self.after_sums.contains(&value) {
                    return false;
                }
                self.is_worth(&drafted.emitter) || self.fits_with_rows(root, inline.clone())
            }
            Ok(None) => true,
            Err(_) => false,
        }
    }

    fn fits_with_rows(&self, root: Root, mut inline: BTreeSet<Value>) -> bool {
        let mut stack: Vec<Value> = inline.iter().copied().collect();
        while let Some(value) = stack.pop() {
            for operand in self.graph.operands(value.node) {
                let reduction = matches!(
                    self.graph.op(operand),
                    Op::Reduce { .. } | Op::ArgReduce { .. }
                );
                if self.row_dependent.contains(&operand) && inline.insert(operand) && !reduction {
                    stack.push(operand);
                }
            }
        }
        match run(self.graph, self.facts, &inline, root) {
            Ok(Some(drafted)) => {
                let rows = matches!(drafted.emitter.frame, Frame::Rows(_));
                rows && self.is_worth(&drafted.emitter)
            }
            _ => false,
        }
    }

    /// Whether no work is done over that costs more than it saves.
    fn is_worth(&self, emitter: &Emitter<'_>) -> bool {
        let needed: Vec<usize> = match &emitter.frame {
            Frame::Open => emitter.start_axes(),
            Frame::Rows(rows) => rows.outer.clone(),
            Frame::Sums(sums) => {
                let packable = self.options.panel_width.is_some()
                    && sums.batch.is_empty()
                    && emitter.start != sums.value
                    && (self.is_weight(sums.right.value) && sums.columns.len() > 1
                        || self.is_weight(sums.left.value) && sums.rows.len() > 1);
                if packable {
                    return false;
                }
                emitter.start_axes()
            }
        };
        emitter.visits.iter().all(|(value, visits)| {
            let cost = cost(self.graph.op(*value));
            if *value == emitter.start || cost == 0 {
                return true;
            }
            let covers =
                |map: &Vec<Index>| needed.iter().all(|axis| map.iter().any(|i| i.uses(*axis)));
            if cost > 2 {
                let again = visits.contexts.len() > 1 && !self.row_dependent.contains(value);
                return visits.places.len() <= 1 && !again && visits.places.iter().all(covers);
            }
            visits.places.len() <= 4
        })
    }

    fn is_weight(&self, value: Value) -> bool {
        matches!(self.graph.op(value), Op::Parameter { .. })
    }
}

/// A kernel's arithmetic, and what of it the kernel stores.
pub(crate) struct Drafted<'a> {
    pub(crate) emitter: Emitter<'a>,
    pub(crate) result: ScalarId,
}

/// Emits a kernel. `None` where the value is another's memory under other extents, or where the
/// kernel has no arithmetic.
pub(crate) fn run<'a>(
    graph: &'a Graph,
    facts: &'a Facts,
    inline: &'a BTreeSet<Value>,
    root: Root,
) -> Result<Option<Drafted<'a>>, Refusal> {
    let (start, expand) = match root {
        Root::Part(node, operand) => {
            let start = graph.operands(node)[operand];
            (start, inline.contains(&start))
        }
        Root::Value(value) => match start(graph, inline, value) {
            (_, Some(_)) => return Ok(None),
            (start, None) => (start, true),
        },
    };
    if expand && let Op::Scatter { axis, .. } = graph.op(start) {
        let operands = graph.operands(start.node);
        let mut emitter = Emitter::new(graph, facts, inline, operands[2]);
        scattered(&mut emitter, *axis, &operands)?;
        return Ok(None);
    }
    let mut emitter = Emitter::new(graph, facts, inline, start);
    let result = emitter.root(expand)?;
    Ok(Some(Drafted { emitter, result }))
}

/// The value that a kernel computes in the place of one that is it under other extents; and the
/// value in memory, where there is nothing to compute.
pub(crate) fn start(
    graph: &Graph,
    inline: &BTreeSet<Value>,
    value: Value,
) -> (Value, Option<Value>) {
    let mut start = value;
    while let Op::Reshape { .. } = graph.op(start) {
        let operand = graph.operands(start.node)[0];
        if !inline.contains(&operand) {
            return (start, Some(operand));
        }
        start = operand;
    }
    (start, None)
}

/// Where a scatter reads: its indices, and its updates.
pub(crate) fn scattered(
    emitter: &mut Emitter<'_>,
    axis: usize,
    operands: &[Value],
) -> Result<(crate::emit::Read, crate::emit::Read), Refusal> {
    let map = Index::identity(&emitter.space);
    let rank = emitter.graph.type_of(operands[1]).rank();
    let indices = emitter.memory(operands[1], map[axis..axis + rank].to_vec())?;
    let updates = emitter.memory(operands[2], map)?;
    match indices.place.lookup.is_some() || updates.place.lookup.is_some() {
        true => Err(Refusal::Form),
        false => Ok((indices, updates)),
    }
}

/// Roughly, the instructions that an element takes.
pub(crate) fn cost(op: &Op) -> usize {
    match op {
        Op::Unary { function } => match function {
            UnaryFunction::Negate | UnaryFunction::Absolute | UnaryFunction::Not => 1,
            UnaryFunction::Sign | UnaryFunction::Floor => 2,
            UnaryFunction::Ceil | UnaryFunction::Round => 2,
            UnaryFunction::Sqrt | UnaryFunction::Rsqrt | UnaryFunction::Reciprocal => 4,
            _ => 16,
        },
        Op::Binary { function } => match function {
            BinaryFunction::Divide => 4,
            BinaryFunction::FloorDivide | BinaryFunction::Remainder => 8,
            BinaryFunction::Power => 32,
            _ => 1,
        },
        Op::Compare { .. } | Op::Select | Op::Cast { .. } => 1,
        Op::Composite { composite } => match composite {
            Composite::Relu => 1,
            _ => 24,
        },
        Op::Gather { .. } => 2,
        Op::Random { .. } => 64,
        Op::Reduce { .. } | Op::ArgReduce { .. } | Op::Contraction { .. } => 1,
        _ => 0,
    }
}
