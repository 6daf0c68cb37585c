use egg::Id;
use eyas_ir::{BinaryFunction, Einsum, Op, TensorType, UnaryFunction};
use eyas_tensor::{Dim, Number};

use super::UserRule;
use super::function::Function;
use super::shape::{Extents, Formal};
use super::term::Term;
use crate::builder::Builder;
use crate::instance::accumulator;
use crate::rule::Matched;

/// A value, or a number that is given a type where it meets one.
#[derive(Debug, Clone, Copy)]
enum Built {
    Value(Id),
    Number(f64),
}

impl UserRule {
    /// What takes the place of a match; `None` where types, axes or facts do not fit.
    pub(super) fn replace(
        &self,
        along: &[Option<Function>],
        matched: &Matched<'_>,
        builder: &mut Builder<'_>,
    ) -> Option<Id> {
        for (place, function) in along.iter().enumerate() {
            let Some(function) = function else {
                continue;
            };
            let rank = builder.ty(*matched.operands(place).first()?).rank();
            if function.op(rank).as_ref() != matched.op(place) {
                return None;
            }
        }
        let mut extents = Extents::new();
        for (place, (_, formal)) in self.declared.formals.iter().enumerate() {
            if !self.pattern.formals().contains(&place) {
                continue;
            }
            let value = matched.value(place);
            match formal {
                Formal::Number { whole } => {
                    let number = builder.data(value).splat?.to_f64();
                    if *whole && number.fract() != 0.0 {
                        return None;
                    }
                }
                Formal::Tensor { .. } => {
                    let ty = builder.ty(value);
                    if !self.declared.takes(place, &ty, &mut extents) {
                        return None;
                    }
                }
            }
        }
        if !self.declared.facts_hold(&extents) {
            return None;
        }
        let root = builder.ty(matched.root());
        match self.build(&self.replacement, matched, builder)? {
            Built::Value(id) => builder.broadcast(id, &root.shape),
            Built::Number(number) => builder.splat(number_of(number, &root), &root),
        }
    }

    fn build(
        &self,
        term: &Term,
        matched: &Matched<'_>,
        builder: &mut Builder<'_>,
    ) -> Option<Built> {
        match term {
            Term::Number(number) => Some(Built::Number(*number)),
            Term::Formal(place) => Some(match self.declared.formals[*place].1 {
                Formal::Tensor { .. } => Built::Value(matched.value(*place)),
                Formal::Number { .. } => {
                    Built::Number(builder.data(matched.value(*place)).splat?.to_f64())
                }
            }),
            Term::Node(function, terms) => {
                let operands = terms.iter().map(|term| self.build(term, matched, builder));
                let operands = operands.collect::<Option<Vec<Built>>>()?;
                apply(function, &operands, builder)
            }
        }
    }
}

fn number_of(number: f64, ty: &TensorType) -> Number {
    match ty.dtype.is_float() {
        true => Number::Float(number),
        false => Number::Int(number as i128),
    }
}

fn apply(function: &Function, operands: &[Built], builder: &mut Builder<'_>) -> Option<Built> {
    let numbers: Vec<f64> = operands
        .iter()
        .filter_map(|operand| match operand {
            Built::Number(number) => Some(*number),
            Built::Value(_) => None,
        })
        .collect();
    if numbers.len() == operands.len() {
        return number(function, &numbers).map(Built::Number);
    }
    if *function == Function::MatrixMultiply {
        let [Built::Value(left), Built::Value(right)] = operands else {
            return None;
        };
        return product(*left, *right, builder).map(Built::Value);
    }
    let shape = common_shape(operands, builder)?;
    // A number takes the type of the last value: a choice's condition comes first.
    let typed = operands.iter().rev().find_map(|operand| match operand {
        Built::Value(id) => Some(*id),
        Built::Number(_) => None,
    })?;
    let dtype = builder.ty(typed).dtype;
    let mut values = Vec::with_capacity(operands.len());
    for operand in operands {
        values.push(match operand {
            Built::Value(id) => builder.broadcast(*id, &shape)?,
            Built::Number(number) => {
                let ty = TensorType::new(dtype, shape.clone());
                builder.splat(number_of(*number, &ty), &ty)?
            }
        });
    }
    builder
        .op(function.op(shape.len())?, &values)
        .map(Built::Value)
}

/// The least shape that all values broadcast to.
fn common_shape(operands: &[Built], builder: &Builder<'_>) -> Option<Vec<Dim>> {
    let mut shape: Vec<Dim> = Vec::new();
    for operand in operands {
        let Built::Value(id) = operand else {
            continue;
        };
        let own = builder.ty(*id).shape;
        while shape.len() < own.len() {
            shape.insert(0, Dim::from(1));
        }
        let skip = shape.len() - own.len();
        for (known, extent) in shape[skip..].iter_mut().zip(own) {
            if known.is(1) {
                *known = extent;
            } else if *known != extent && !extent.is(1) {
                return None;
            }
        }
    }
    Some(shape)
}

/// `a @ b`: a vector on the right, a matrix, or one for each of the axes before.
pub(super) fn product_spec(left: usize, right: usize) -> Option<Einsum> {
    let letters: Vec<char> = ('a'..='z').take(left).collect();
    let (depth, rows) = letters.split_last()?;
    let column = 'z';
    let (right, output) = match right {
        1 => (vec![*depth], rows.to_vec()),
        2 => (vec![*depth, column], [rows, &[column]].concat()),
        _ if right == left => (
            [&letters[..left - 2], &[*depth, column]].concat(),
            [rows, &[column]].concat(),
        ),
        _ => return None,
    };
    Einsum::new(&letters, &right, &output)
        .ok()
        .map(|spec| spec.canonical())
}

fn product(left: Id, right: Id, builder: &mut Builder<'_>) -> Option<Id> {
    let spec = product_spec(builder.ty(left).rank(), builder.ty(right).rank())?;
    let op = Op::Contraction {
        spec,
        accumulator: accumulator(builder.ty(left).dtype),
        epilogue: None,
    };
    builder.op(op, &[left, right])
}

/// Arithmetic on numbers alone.
fn number(function: &Function, operands: &[f64]) -> Option<f64> {
    Some(match (function, operands) {
        (Function::Unary(UnaryFunction::Negate), [a]) => -a,
        (Function::Unary(UnaryFunction::Absolute), [a]) => a.abs(),
        (Function::Unary(UnaryFunction::Sqrt), [a]) => a.sqrt(),
        (Function::Unary(UnaryFunction::Rsqrt), [a]) => 1.0 / a.sqrt(),
        (Function::Unary(UnaryFunction::Reciprocal), [a]) => 1.0 / a,
        (Function::Binary(BinaryFunction::Add), [a, b]) => a + b,
        (Function::Binary(BinaryFunction::Subtract), [a, b]) => a - b,
        (Function::Binary(BinaryFunction::Multiply), [a, b]) => a * b,
        (Function::Binary(BinaryFunction::Divide), [a, b]) => a / b,
        (Function::Binary(BinaryFunction::Maximum), [a, b]) => a.max(*b),
        (Function::Binary(BinaryFunction::Minimum), [a, b]) => a.min(*b),
        _ => return None,
    })
}
