use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use egg::Id;
use eyas_ir::{Graph, GraphId, Op, TextOptions, Value};
use eyas_reference::{Evaluator, Storage};
use serde::Serialize;

use crate::analysis::Equalities;
use crate::instance::{Finished, Instance};
use crate::load::load;
use crate::rule::Rule;
use crate::saturate::{apply, check_types};
use crate::term::TermOp;

/// How far two sides may be apart, over the greatest magnitude.
pub const TOLERANCE: f64 = 1e-9;

/// Instances that are built for each that is wanted, at most.
const ATTEMPTS: usize = 20;

/// What checking rules found.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct CheckReport {
    /// The rules in order.
    pub rules: Vec<RuleCheck>,
}

/// What checking a rule found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RuleCheck {
    /// The rule's name.
    pub name: String,
    /// Instances in which it matched.
    pub instances: usize,
    /// Right sides that were compared.
    pub compared: usize,
    /// The first thing wrong with it.
    pub failure: Option<Failure>,
}

/// What is wrong with a rule.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Failure {
    /// In a sentence.
    pub message: String,
    /// The two sides as a module in text form; empty where there is no instance.
    pub instance: String,
}

impl CheckReport {
    /// Whether nothing is wrong.
    pub fn passed(&self) -> bool {
        self.rules.iter().all(|rule| rule.failure.is_none())
    }
}

impl fmt::Display for CheckReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for rule in &self.rules {
            let RuleCheck {
                name,
                instances,
                compared,
                ..
            } = rule;
            match &rule.failure {
                None => writeln!(f, "ok   {name}: {instances} instances, {compared} compared")?,
                Some(failure) => {
                    writeln!(f, "FAIL {name}: {}", failure.message)?;
                    for line in failure.instance.lines() {
                        writeln!(f, "       {line}")?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// Checks rules on random instances of their left sides: rank, extents (0 and 1 and odd ones),
/// element types and values, NaN among them. Both sides are run by the reference evaluator with
/// floats kept as f64, and compared at [`TOLERANCE`]; integers are equal. A rule that never
/// matched an instance fails.
pub fn check_rules(rules: &[Rule], seed: u64, instances: usize) -> CheckReport {
    let rules = rules.iter().map(|rule| check_rule(rule, seed, instances));
    CheckReport {
        rules: rules.collect(),
    }
}

/// The two sides of a rule in text form, on a small instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Example {
    /// The left side.
    pub before: String,
    /// The right side.
    pub after: String,
}

/// The two sides of a rule on the first of some random instances in which every axis has more
/// than one element, or else on the first in which the rule matches.
pub fn example(rule: &Rule, seed: u64) -> Option<Example> {
    let mut fallback = None;
    for attempt in 0..EXAMPLES {
        let seed = seed.wrapping_add(attempt);
        let Some(mut instance) = Instance::new(seed, &rule.premises) else {
            continue;
        };
        let Some(value) = (rule.instantiate)(&mut instance) else {
            continue;
        };
        let ty = instance.ty(value);
        let plain = ty.rank() > 0 && ty.shape.iter().all(|extent| !extent.is(0) && !extent.is(1));
        let instance = instance.finish(value);
        if let Some(found) = sides(rule, &instance) {
            if plain {
                return Some(found);
            }
            fallback.get_or_insert(found);
        }
    }
    fallback
}

/// Instances that are looked through for an example.
const EXAMPLES: u64 = 200;

fn sides(rule: &Rule, instance: &Finished) -> Option<Example> {
    let mut loaded = load(instance.module.graph(GraphId(0)), true).ok()?;
    let (_, left) = loaded.outputs.first()?.clone();
    let egraph = &mut loaded.egraph;
    let root = egraph.find(left);
    let matches = rule.pattern.search(egraph, root, 16).into_iter();
    let right = matches
        .filter_map(|found| apply(egraph, rule, &found))
        .next()
        .map(|(_, right)| right)?;
    let print = |name: &str, id: Id| {
        let mut module = instance.module.clone();
        let mut graph = with_inputs(instance);
        let value = side(egraph, &mut graph, id)?;
        graph.add_output(name, value);
        module.graphs[0] = graph;
        Some(module.to_text(TextOptions::default()))
    };
    Some(Example {
        before: print("y", left)?,
        after: print("y", right)?,
    })
}

/// A graph that has the inputs of an instance alone.
fn with_inputs(instance: &Finished) -> Graph {
    let mut graph = Graph::new("main");
    let old = instance.module.graph(GraphId(0));
    for &input in old.inputs() {
        let node = old.node(input);
        if let Op::Input { name } = &node.op {
            graph.add_input(name.clone(), node.types[0].clone());
        }
    }
    graph
}

fn check_rule(rule: &Rule, seed: u64, instances: usize) -> RuleCheck {
    let rule = rule.checked_as.as_deref().unwrap_or(rule);
    let mut check = RuleCheck {
        name: rule.name.clone(),
        instances: 0,
        compared: 0,
        failure: None,
    };
    for attempt in 0..instances.saturating_mul(ATTEMPTS) as u64 {
        if check.instances >= instances {
            break;
        }
        let seed = seed.wrapping_mul(0x1_0000_01b3).wrapping_add(attempt);
        let Some(mut instance) = Instance::new(seed, &rule.premises) else {
            break;
        };
        let Some(value) = (rule.instantiate)(&mut instance) else {
            continue;
        };
        match check_instance(rule, instance.finish(value)) {
            Ok(0) => {}
            Ok(compared) => {
                check.instances += 1;
                check.compared += compared;
            }
            Err(failure) => {
                check.failure = Some(failure);
                return check;
            }
        }
    }
    if check.instances == 0 {
        check.failure = Some(Failure {
            message: "no instance matched".into(),
            instance: String::new(),
        });
    }
    check
}

/// How many right sides were compared.
fn check_instance(rule: &Rule, instance: Finished) -> Result<usize, Failure> {
    let text = |finished: &Finished| finished.module.to_text(TextOptions::default());
    let fail = |message: String| Failure {
        message,
        instance: text(&instance),
    };
    let graph = instance.module.graph(GraphId(0));
    let mut loaded = load(graph, true).map_err(|error| fail(error.to_string()))?;
    let classes: Vec<Id> = loaded.values.values().copied().collect();
    let mut compared = 0;
    for class in classes {
        let egraph = &mut loaded.egraph;
        let root = egraph.find(class);
        for found in rule.pattern.search(egraph, root, 16) {
            let Some((_, right)) = apply(egraph, rule, &found) else {
                continue;
            };
            check_types(egraph, rule, root, right).map_err(|error| fail(error.to_string()))?;
            compare(rule, &instance, egraph, class, right)?;
            compared += 1;
        }
        egraph.rebuild();
    }
    Ok(compared)
}

fn compare(
    rule: &Rule,
    instance: &Finished,
    egraph: &Equalities,
    left: Id,
    right: Id,
) -> Result<(), Failure> {
    let mut module = instance.module.clone();
    let text = |module: &eyas_ir::Module| module.to_text(TextOptions::default());
    let mut graph = with_inputs(instance);
    for (name, id) in [("left", left), ("right", right)] {
        match side(egraph, &mut graph, id) {
            Some(value) => graph.add_output(name, value),
            None => {
                return Err(Failure {
                    message: format!("the {name} side does not type"),
                    instance: text(&module),
                });
            }
        }
    }
    module.graphs[0] = graph;
    let fail = |message: String| Failure {
        message,
        instance: text(&module),
    };
    let storage = if rule.rounded {
        Storage::Exact
    } else {
        Storage::Wide
    };
    let evaluator = Evaluator::new(&module)
        .storage(storage)
        .parameters(instance.parameters.clone());
    let outcome = evaluator.run("main", &instance.inputs);
    let outcome = outcome.map_err(|error| fail(error.to_string()))?;
    let [(_, left), (_, right)] = &outcome.outputs[..] else {
        return Err(fail("a side is missing".into()));
    };
    let wide = |values: &eyas_reference::Values| {
        values
            .to_wide_tensor()
            .map_err(|error| fail(error.to_string()))
    };
    if left.dtype() != right.dtype() || left.shape() != right.shape() {
        return Err(fail("the two sides differ in type".into()));
    }
    let (wide_left, wide_right) = (wide(left)?, wide(right)?);
    let error = wide_right.relative_error(&wide_left);
    let allowed = if left.dtype().is_float() {
        TOLERANCE
    } else {
        0.0
    };
    // A difference far below the operands' magnitude is cancellation, not meaning.
    let nothing = absolute_difference(left, right) < 1e-12;
    if error <= allowed || left.dtype().is_float() && nothing {
        return Ok(());
    }
    Err(fail(format!(
        "the two sides differ by {error:.3e} of the greatest magnitude"
    )))
}

/// The greatest difference; infinite where one side has a NaN or infinity that the other has not.
fn absolute_difference(left: &eyas_reference::Values, right: &eyas_reference::Values) -> f64 {
    let pairs = left.numbers().zip(right.numbers());
    pairs.fold(0.0, |greatest, (a, b)| {
        let (a, b) = (a.to_f64(), b.to_f64());
        if a == b || a.is_nan() && b.is_nan() {
            return greatest;
        }
        let difference = (a - b).abs();
        match difference.is_finite() {
            true => greatest.max(difference),
            false => f64::INFINITY,
        }
    })
}

/// Adds the term of an id; inputs are there.
fn side(egraph: &Equalities, graph: &mut Graph, id: Id) -> Option<Value> {
    let expression = egraph.id_to_expr(id);
    let mut values: Vec<Value> = Vec::new();
    let inputs: BTreeMap<String, Value> = graph
        .inputs()
        .iter()
        .filter_map(|&node| match &graph.node(node).op {
            Op::Input { name } => Some((name.clone(), Value { node, result: 0 })),
            _ => None,
        })
        .collect();
    for term in expression.as_ref() {
        let entry = egraph.analysis.ops.entry(term.op);
        let TermOp::Op(op, _) = &*entry.op else {
            return None;
        };
        let operands: Vec<Value> = term
            .operands
            .iter()
            .map(|id| values[usize::from(*id)])
            .collect();
        values.push(match (op, &entry.types) {
            (Op::Input { name }, _) => *inputs.get(name)?,
            (Op::Parameter { .. }, Some(types)) => {
                let types: Arc<_> = types.clone();
                graph.add_typed(op.clone(), &[], types.to_vec(), Default::default())
            }
            _ => graph.add(op.clone(), &operands).ok()?,
        });
    }
    values.last().copied()
}
