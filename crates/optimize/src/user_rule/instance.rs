use std::collections::BTreeMap;

use eyas_ir::{Op, Value};
use eyas_tensor::{DType, Dim};

use super::UserRule;
use super::function::Function;
use super::replacement::product_spec;
use super::shape::{Extents, Formal, Part};
use super::term::Term;
use crate::instance::{Instance, accumulator};

/// Numbers that a formal number stands for.
const NUMBERS: [f64; 5] = [1.0, 2.0, 3.0, -2.0, 0.0];

/// A value, or a number that is given a type where it meets one.
#[derive(Debug, Clone, Copy)]
enum Made {
    Value(Value),
    Number(f64),
}

impl UserRule {
    /// A random instance of the left side; `None` where the facts do not hold of what was drawn.
    pub(super) fn instance(&self, instance: &mut Instance) -> Option<Value> {
        let rest: Vec<usize> = (0..instance.draw.below(3))
            .map(|_| instance.extent())
            .collect();
        let mut extents: BTreeMap<String, usize> = BTreeMap::new();
        let mut formals = Vec::new();
        for (_, formal) in &self.declared.formals {
            formals.push(match formal {
                Formal::Number { whole } => {
                    let half = if *whole { 0.0 } else { 0.5 };
                    Made::Number(instance.draw.pick(&NUMBERS) + half)
                }
                Formal::Tensor { dtype, shape } => {
                    let shape: Vec<usize> = match shape {
                        None => rest.clone(),
                        Some(parts) => parts
                            .iter()
                            .flat_map(|part| match part {
                                Part::Rest => rest.clone(),
                                Part::Number(number) => vec![*number as usize],
                                Part::Name(name) => {
                                    let extent = instance.extent();
                                    vec![*extents.entry(name.clone()).or_insert(extent)]
                                }
                            })
                            .collect(),
                    };
                    let dtype = dtype.unwrap_or_else(|| instance.dtype());
                    Made::Value(instance.input_of(dtype, &shape)?)
                }
            });
        }
        let extents: Extents = extents
            .into_iter()
            .map(|(name, extent)| (name, Dim::from(extent as i64)))
            .collect();
        if !self.declared.facts_hold(&extents) {
            return None;
        }
        match make(&self.pattern, &formals, instance)? {
            Made::Value(value) => Some(value),
            Made::Number(_) => None,
        }
    }
}

fn make(term: &Term, formals: &[Made], instance: &mut Instance) -> Option<Made> {
    let (function, terms) = match term {
        Term::Number(number) => return Some(Made::Number(*number)),
        Term::Formal(place) => return formals.get(*place).copied(),
        Term::Node(function, terms) => (function, terms),
    };
    let operands = terms.iter().map(|term| make(term, formals, instance));
    let operands = operands.collect::<Option<Vec<Made>>>()?;
    if *function == Function::MatrixMultiply {
        let [Made::Value(left), Made::Value(right)] = operands[..] else {
            return None;
        };
        let spec = product_spec(instance.ty(left).rank(), instance.ty(right).rank())?;
        let op = Op::Contraction {
            spec,
            accumulator: accumulator(instance.ty(left).dtype),
            epilogue: None,
        };
        return instance.op(op, &[left, right]).map(Made::Value);
    }
    let values: Vec<Value> = operands
        .iter()
        .filter_map(|operand| match operand {
            Made::Value(value) => Some(*value),
            Made::Number(_) => None,
        })
        .collect();
    let shape = values
        .iter()
        .map(|value| instance.extents(*value))
        .reduce(|a, b| wider(&a, &b))?;
    let typed = *values.last()?;
    let (dtype, like) = (instance.ty(typed).dtype, instance.broadcast(typed, &shape)?);
    let mut made = Vec::with_capacity(operands.len());
    for operand in operands {
        made.push(match operand {
            Made::Value(value) => instance.broadcast(value, &shape)?,
            Made::Number(number) if dtype == DType::Bool || number.is_nan() => return None,
            Made::Number(number) => instance.splat(number, like)?,
        });
    }
    let op = function.op(shape.len())?;
    instance.op(op, &made).map(Made::Value)
}

/// The extents of two shapes, each aligned at the last axis.
fn wider(a: &[usize], b: &[usize]) -> Vec<usize> {
    let (long, short) = if a.len() >= b.len() { (a, b) } else { (b, a) };
    let skip = long.len() - short.len();
    let mut shape = long.to_vec();
    for (extent, other) in shape[skip..].iter_mut().zip(short) {
        if *extent == 1 {
            *extent = *other;
        }
    }
    shape
}
