//! Passes over loops: a body in place of its loop, the first iteration before it, a range in two.

mod inline;
mod template;

use eyas_ir::{Constant, Graph, GraphId, Module, NodeId, Op, Origin, Trip, Value};
use eyas_tensor::{DType, Dim, Number, Tensor};

use crate::arena::{arrange, bodies};
use crate::report::PassReport;
use crate::{Error, Options};
use inline::inline;
use template::{instance, mentions};

/// The most iterations that the pass over a whole module unrolls.
const MOST_UNROLLED: i64 = 256;

/// A loop over a range, and where it stands.
struct Site {
    graph: GraphId,
    node: NodeId,
    body: GraphId,
    variable: String,
    start: Dim,
    count: Dim,
    carried: usize,
    operands: Vec<Value>,
    origin: Origin,
}

impl Site {
    fn new(module: &Module, graph: GraphId, node: NodeId) -> Result<Site, Error> {
        let found = module
            .graphs
            .get(graph.0)
            .filter(|graph| graph.contains(node))
            .map(|graph| graph.node(node));
        let Some(Op::Loop {
            body,
            variable,
            trip,
            carried,
        }) = found.map(|node| &node.op)
        else {
            return Err(Error::Loop {
                variable: String::new(),
                message: "does not exist".into(),
            });
        };
        let Trip::Range { start, count } = trip else {
            return Err(Error::Loop {
                variable: variable.clone(),
                message: "runs as long as a condition holds".into(),
            });
        };
        Ok(Site {
            graph,
            node,
            body: *body,
            variable: variable.clone(),
            start: start.clone(),
            count: count.clone(),
            carried: *carried,
            operands: module.graph(graph).operands(node),
            origin: module.graph(graph).node(node).origin.clone(),
        })
    }

    fn fault(&self, message: impl Into<String>) -> Error {
        Error::Loop {
            variable: self.variable.clone(),
            message: message.into(),
        }
    }

    fn dim(&self, result: Result<Dim, eyas_tensor::DimError>) -> Result<Dim, Error> {
        result.map_err(|error| self.fault(error.to_string()))
    }

    /// One iteration in place: the body's outputs for these carried values.
    fn iteration(
        &self,
        module: &mut Module,
        counter: &Dim,
        carried: &[Value],
    ) -> Result<Vec<Value>, Error> {
        let value = counter.as_constant();
        if value.is_none() && mentions(module, self.body, &self.variable) {
            return Err(self.fault("reads parameters of an iteration that is not known"));
        }
        let body = instance(module, self.body, &self.variable, value.unwrap_or(0));
        let body = body.map_err(|message| self.fault(message))?;
        let op = match value {
            Some(value) => Op::Constant {
                value: Constant::scalar(DType::I64, Number::Int(value.into())),
            },
            None => Op::Extent {
                dim: counter.clone(),
                dtype: DType::I64,
            },
        };
        let graph = module.graph_mut(self.graph);
        let mut inputs = vec![graph.add(op, &[])?];
        inputs.extend_from_slice(carried);
        inputs.extend_from_slice(&self.operands[self.carried..]);
        inline(graph, &body, &inputs).ok_or_else(|| self.fault("has a body that is not whole"))
    }

    /// A loop over another range with the same body, from these carried values on.
    fn rest(
        &self,
        module: &mut Module,
        body: GraphId,
        start: Dim,
        count: Dim,
        carried: &[Value],
    ) -> Result<Vec<Value>, Error> {
        let op = Op::Loop {
            body,
            variable: self.variable.clone(),
            trip: Trip::Range { start, count },
            carried: self.carried,
        };
        let mut operands = carried.to_vec();
        operands.extend_from_slice(&self.operands[self.carried..]);
        let graph = module.graph(self.graph);
        let types: Vec<_> = operands.iter().map(|value| graph.type_of(*value)).collect();
        let types = module.result_types(&op, &types)?;
        let count = types.len() as u32;
        let graph = module.graph_mut(self.graph);
        let node = graph
            .add_typed(op, &operands, types, self.origin.clone())
            .node;
        Ok((0..count).map(|result| Value { node, result }).collect())
    }

    /// Puts values in place of the loop's results.
    fn replace(&self, graph: &mut Graph, values: &[Value]) {
        for (result, value) in (0..).zip(values) {
            let old = Value {
                node: self.node,
                result,
            };
            graph.replace_uses(old, *value);
        }
        graph.remove_dead();
    }

    fn carried_operands(&self) -> Vec<Value> {
        self.operands[..self.carried].to_vec()
    }
}

/// A slice of one iteration with the new first axis.
fn stacked(graph: &mut Graph, slice: Value) -> Result<Value, Error> {
    let mut shape = vec![Dim::from(1)];
    shape.extend(graph.type_of(slice).shape.iter().cloned());
    Ok(graph.add(Op::Reshape { shape }, &[slice])?)
}

fn joined(graph: &mut Graph, parts: &[Value]) -> Result<Value, Error> {
    match parts {
        [one] => Ok(*one),
        _ => Ok(graph.add(Op::Concat { axis: 0 }, parts)?),
    }
}

/// Puts the iterations of a loop in its place.
fn unroll_site(module: &mut Module, site: &Site) -> Result<(), Error> {
    let Some(count) = site.count.as_constant().filter(|count| *count >= 0) else {
        return Err(site.fault("has a number of iterations that is not known"));
    };
    let mut carried = site.carried_operands();
    let mut stacks: Vec<Vec<Value>> = Vec::new();
    for iteration in 0..count {
        let counter = site.dim(site.start.add(&Dim::from(iteration)))?;
        let mut outputs = site.iteration(module, &counter, &carried)?;
        let slices = outputs.split_off(site.carried);
        carried = outputs;
        stacks.resize(slices.len(), Vec::new());
        for (stack, slice) in stacks.iter_mut().zip(slices) {
            stack.push(stacked(module.graph_mut(site.graph), slice)?);
        }
    }
    let mut results = carried;
    let types = module.graph(site.graph).node(site.node).types.clone();
    let graph = module.graph_mut(site.graph);
    for stack in stacks {
        results.push(joined(graph, &stack)?);
    }
    // No iteration stacks nothing.
    for ty in types.iter().skip(results.len()) {
        let value = Constant::from(Tensor::scalar(ty.dtype, Number::Int(0)));
        let zero = graph.add(Op::Constant { value }, &[])?;
        let shape = ty.shape.clone();
        results.push(graph.add(Op::Broadcast { shape }, &[zero])?);
    }
    site.replace(graph, &results);
    Ok(())
}

fn peel_site(module: &mut Module, site: &Site) -> Result<(), Error> {
    if !module.facts.proves_at_most(&Dim::from(1), &site.count) {
        return Err(site.fault("may have no first iteration"));
    }
    let mut carried = site.iteration(module, &site.start, &site.carried_operands())?;
    let slices = carried.split_off(site.carried);
    let one = Dim::from(1);
    let (start, count) = (
        site.dim(site.start.add(&one))?,
        site.dim(site.count.sub(&one))?,
    );
    let rest = site.rest(module, site.body, start, count, &carried)?;
    let graph = module.graph_mut(site.graph);
    let mut results = rest[..site.carried].to_vec();
    for (slice, rest) in slices.into_iter().zip(&rest[site.carried..]) {
        let first = stacked(graph, slice)?;
        results.push(joined(graph, &[first, *rest])?);
    }
    site.replace(graph, &results);
    Ok(())
}

fn split_site(module: &mut Module, site: &Site, at: &Dim) -> Result<(), Error> {
    let inside = module.facts.proves_at_most(&Dim::from(0), at)
        && module.facts.proves_at_most(at, &site.count);
    if !inside {
        return Err(site.fault(format!("is not proved to reach iteration {at}")));
    }
    let (start, count) = (site.dim(site.start.add(at))?, site.dim(site.count.sub(at))?);
    let copy = module.graph(site.body).clone();
    let copy = module.add_graph(copy);
    let carried = site.carried_operands();
    let first = site.rest(module, site.body, site.start.clone(), at.clone(), &carried)?;
    let second = site.rest(module, copy, start, count, &first[..site.carried])?;
    let graph = module.graph_mut(site.graph);
    let mut results = second[..site.carried].to_vec();
    for (first, second) in first[site.carried..].iter().zip(&second[site.carried..]) {
        results.push(joined(graph, &[*first, *second])?);
    }
    site.replace(graph, &results);
    Ok(())
}

/// Replaces a loop of a known number of iterations by the iterations. Graphs are numbered anew.
///
/// # Errors
/// [`Error::Loop`] where the node is no loop over a known range.
pub fn unroll(module: &mut Module, graph: GraphId, node: NodeId) -> Result<(), Error> {
    arranged(module, |module| {
        let site = Site::new(module, graph, node)?;
        unroll_site(module, &site)
    })
}

/// Takes the first iteration of a loop out of it. Graphs are numbered anew.
///
/// # Errors
/// [`Error::Loop`] where the node is no loop over a range with a first iteration.
pub fn peel(module: &mut Module, graph: GraphId, node: NodeId) -> Result<(), Error> {
    arranged(module, |module| {
        let site = Site::new(module, graph, node)?;
        peel_site(module, &site)
    })
}

/// Splits a loop into one over its first `at` iterations and one over the others, each with a
/// body of its own. Graphs are numbered anew.
///
/// # Errors
/// [`Error::Loop`] where the node is no loop over a range that reaches so far.
pub fn split_range(
    module: &mut Module,
    graph: GraphId,
    node: NodeId,
    at: &Dim,
) -> Result<(), Error> {
    arranged(module, |module| {
        let site = Site::new(module, graph, node)?;
        split_site(module, &site, at)
    })
}

/// Replaces loops of no or one iteration by what they compute; gives how many there were.
///
/// # Errors
/// [`Error::Loop`] where a body is not whole.
pub fn inline_trivial_loops(module: &mut Module) -> Result<usize, Error> {
    arranged(module, |module| {
        each(module, |module, site| {
            let trivial = site.count.as_constant().is_some_and(|count| count <= 1);
            match trivial {
                true => unroll_site(module, site).map(|()| true),
                false => Ok(false),
            }
        })
    })
}

fn arranged<T>(
    module: &mut Module,
    change: impl FnOnce(&mut Module) -> Result<T, Error>,
) -> Result<T, Error> {
    let (old, count) = (bodies(module), module.graphs.len());
    let result = change(module)?;
    arrange(module, &old, count);
    Ok(result)
}

/// Visits all loops over ranges, inner graphs first; gives how many were changed.
fn each(
    module: &mut Module,
    mut change: impl FnMut(&mut Module, &Site) -> Result<bool, Error>,
) -> Result<usize, Error> {
    let mut changed = 0;
    for graph in (0..module.graphs.len()).map(GraphId) {
        let nodes: Vec<NodeId> = module.graph(graph).topological_order();
        for node in nodes {
            if !module.graph(graph).contains(node) {
                continue;
            }
            let is_range = matches!(
                module.graph(graph).node(node).op,
                Op::Loop {
                    trip: Trip::Range { .. },
                    ..
                }
            );
            if is_range {
                let site = Site::new(module, graph, node)?;
                changed += usize::from(change(module, &site)?);
            }
        }
    }
    Ok(changed)
}

pub(crate) fn inline_pass(
    module: &mut Module,
    _options: &Options,
    report: &mut PassReport,
) -> Result<(), Error> {
    let count = inline_trivial_loops(module)?;
    report.counts.insert("loops inlined".into(), count);
    Ok(())
}

pub(crate) fn unroll_pass(
    module: &mut Module,
    _options: &Options,
    report: &mut PassReport,
) -> Result<(), Error> {
    let count = arranged(module, |module| {
        each(module, |module, site| {
            let known = site.count.as_constant();
            let few = known.is_some_and(|count| (0..=MOST_UNROLLED).contains(&count));
            match few {
                true => unroll_site(module, site).map(|()| true),
                false => Ok(false),
            }
        })
    })?;
    report.counts.insert("loops unrolled".into(), count);
    Ok(())
}

pub(crate) fn peel_pass(
    module: &mut Module,
    _options: &Options,
    report: &mut PassReport,
) -> Result<(), Error> {
    let count = arranged(module, |module| {
        each(module, |module, site| {
            let first = module.facts.proves_at_most(&Dim::from(1), &site.count);
            let known =
                site.start.as_constant().is_some() || !mentions(module, site.body, &site.variable);
            match first && known {
                true => peel_site(module, site).map(|()| true),
                false => Ok(false),
            }
        })
    })?;
    report.counts.insert("loops peeled".into(), count);
    Ok(())
}

pub(crate) fn split_pass(
    module: &mut Module,
    _options: &Options,
    report: &mut PassReport,
) -> Result<(), Error> {
    let count = arranged(module, |module| {
        each(module, |module, site| match site.count.as_constant() {
            Some(count) if count >= 2 => {
                split_site(module, site, &Dim::from(count / 2)).map(|()| true)
            }
            _ => Ok(false),
        })
    })?;
    report.counts.insert("loops split".into(), count);
    Ok(())
}
