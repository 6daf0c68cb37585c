use std::collections::BTreeMap;

use eyas_diagnostic::Diagnostic;
use eyas_ir::TensorType;
use eyas_syntax::ast::{
    BinaryOperator, Dtype, ElementType, Expr, ExprKind, NumberValue, Signature, TypeDim,
};
use eyas_tensor::{DType, Dim};

use crate::rule::{EVERYTHING, FLOATS};

/// One entry of a shape.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Part {
    /// Any axes.
    Rest,
    /// An axis of any extent, the same for the same name.
    Name(String),
    /// An axis of this extent.
    Number(i64),
}

/// What a formal stands for.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Formal {
    /// A number that is in every element; whether a whole one.
    Number { whole: bool },
    /// A value; of any type or shape where none is given.
    Tensor {
        dtype: Option<DType>,
        shape: Option<Vec<Part>>,
    },
}

/// The formals of a rule and its facts.
#[derive(Debug, Clone)]
pub(crate) struct Declared {
    pub(super) formals: Vec<(String, Formal)>,
    facts: Vec<Expr>,
}

/// Extents by name.
pub(super) type Extents = BTreeMap<String, Dim>;

/// Reads a signature.
pub(super) fn declare(signature: &Signature) -> Result<Declared, Vec<Diagnostic>> {
    let (mut formals, mut diagnostics) = (Vec::new(), Vec::new());
    for formal in &signature.formals {
        if let Some(default) = &formal.default {
            diagnostics.push(
                Diagnostic::error("E0205", "a formal of a rule has no default")
                    .primary(default.span, "nothing gives an argument to a rule"),
            );
        }
        let read = match &formal.ty {
            None => Formal::Tensor {
                dtype: None,
                shape: None,
            },
            Some(ty) => match (ty.element.node, &ty.shape) {
                (ElementType::Int | ElementType::Float, Some(_)) => {
                    diagnostics.push(
                        Diagnostic::error("E0205", "a number of a rule has no axes")
                            .primary(ty.span, "a tensor's elements are `f32`, `i64` and the like"),
                    );
                    continue;
                }
                (ElementType::Int, None) => Formal::Number { whole: true },
                (ElementType::Float, None) => Formal::Number { whole: false },
                (ElementType::Dtype(dtype), shape) => {
                    let parts = shape.iter().flatten().map(part);
                    match parts.collect::<Result<Vec<Part>, Diagnostic>>() {
                        Ok(parts) => Formal::Tensor {
                            dtype: Some(self::dtype(dtype)),
                            shape: Some(parts),
                        },
                        Err(diagnostic) => {
                            diagnostics.push(diagnostic);
                            continue;
                        }
                    }
                }
            },
        };
        formals.push((formal.name.text.clone(), read));
    }
    for fact in &signature.facts {
        let probe = |_: &str| Some(Dim::symbol("n"));
        if holds(fact, &probe).is_none() && !is_dim_comparison(fact) {
            diagnostics.push(
                Diagnostic::error("E0206", "this fact does not compare extents").primary(
                    fact.span,
                    "a rule's fact is such as `M % 8 == 0` or `M <= N`",
                ),
            );
        }
    }
    match diagnostics.is_empty() {
        true => Ok(Declared {
            formals,
            facts: signature.facts.clone(),
        }),
        false => Err(diagnostics),
    }
}

fn part(entry: &TypeDim) -> Result<Part, Diagnostic> {
    let fault = |span| {
        Diagnostic::error("E0205", "an extent of a rule is a name, a number or `..`").primary(
            span,
            "not arithmetic; a `where` fact may say how extents compare",
        )
    };
    match entry {
        TypeDim::Rest(_) => Ok(Part::Rest),
        TypeDim::Dim(extent) => match &extent.ungrouped().kind {
            ExprKind::Name(name) => Ok(Part::Name(name.clone())),
            ExprKind::Number(number) => match number.value {
                NumberValue::Integer(value) => i64::try_from(value)
                    .map(Part::Number)
                    .map_err(|_| fault(extent.span)),
                NumberValue::Float(_) => Err(fault(extent.span)),
            },
            _ => Err(fault(extent.span)),
        },
    }
}

fn dtype(dtype: Dtype) -> DType {
    dtype.name().parse().unwrap_or(DType::F32)
}

impl Declared {
    /// The formal of a name.
    pub(super) fn find(&self, name: &str) -> Option<usize> {
        self.formals.iter().position(|(own, _)| own == name)
    }

    /// Every float becomes f64.
    pub(super) fn widen(&mut self) {
        for (_, formal) in &mut self.formals {
            if let Formal::Tensor {
                dtype: Some(dtype), ..
            } = formal
                && dtype.is_float()
            {
                *dtype = DType::F64;
            }
        }
    }

    /// The element types that instances of the whole may have.
    pub(super) fn dtypes(&self) -> Vec<DType> {
        let known: Vec<DType> = self
            .formals
            .iter()
            .filter_map(|(_, formal)| match formal {
                Formal::Tensor { dtype, .. } => *dtype,
                Formal::Number { .. } => None,
            })
            .collect();
        match known.is_empty() {
            true => EVERYTHING.to_vec(),
            // What a comparison or choice combines may be of several types.
            false => [&known[..], &FLOATS[1..2]].concat(),
        }
    }

    /// Whether a value is what a formal stands for; extents that it names are bound.
    pub(super) fn takes(&self, formal: usize, ty: &TensorType, extents: &mut Extents) -> bool {
        let Formal::Tensor { dtype, shape } = &self.formals[formal].1 else {
            return true;
        };
        if dtype.is_some_and(|dtype| dtype != ty.dtype) {
            return false;
        }
        let Some(parts) = shape else {
            return true;
        };
        let rest = parts.iter().position(|part| *part == Part::Rest);
        let fixed = parts.iter().filter(|part| **part != Part::Rest).count();
        if ty.rank() < fixed || rest.is_none() && ty.rank() != fixed {
            return false;
        }
        let (front, back) = match rest {
            None => (&parts[..], &[][..]),
            Some(place) => (&parts[..place], &parts[place + 1..]),
        };
        let skip = ty.rank() - back.len();
        let mut pairs = front
            .iter()
            .zip(&ty.shape)
            .chain(back.iter().zip(&ty.shape[skip..]));
        pairs.all(|(part, extent)| match part {
            Part::Rest => true,
            Part::Number(number) => extent.is(*number),
            Part::Name(name) => match extents.get(name) {
                Some(known) => known == extent,
                None => {
                    extents.insert(name.clone(), extent.clone());
                    true
                }
            },
        })
    }

    /// Whether all facts are known to hold of these extents.
    pub(super) fn facts_hold(&self, extents: &Extents) -> bool {
        let bound = |name: &str| extents.get(name).cloned();
        self.facts
            .iter()
            .all(|fact| holds(fact, &bound) == Some(true))
    }
}

fn is_dim_comparison(fact: &Expr) -> bool {
    match &fact.ungrouped().kind {
        ExprKind::Binary {
            operator,
            left,
            right,
        } => match operator.node {
            BinaryOperator::And => is_dim_comparison(left) && is_dim_comparison(right),
            BinaryOperator::Equal
            | BinaryOperator::NotEqual
            | BinaryOperator::Less
            | BinaryOperator::LessEqual
            | BinaryOperator::Greater
            | BinaryOperator::GreaterEqual => {
                let probe = |_: &str| Some(Dim::symbol("n"));
                dim(left, &probe).is_some() && dim(right, &probe).is_some()
            }
            _ => false,
        },
        _ => false,
    }
}

/// Whether a fact is known to hold, or not to; `None` where that depends on the binding.
fn holds(fact: &Expr, bound: &dyn Fn(&str) -> Option<Dim>) -> Option<bool> {
    let ExprKind::Binary {
        operator,
        left,
        right,
    } = &fact.ungrouped().kind
    else {
        return None;
    };
    if operator.node == BinaryOperator::And {
        return Some(holds(left, bound)? && holds(right, bound)?);
    }
    let difference = dim(left, bound)?
        .sub(&dim(right, bound)?)
        .ok()?
        .as_constant()?;
    Some(match operator.node {
        BinaryOperator::Equal => difference == 0,
        BinaryOperator::NotEqual => difference != 0,
        BinaryOperator::Less => difference < 0,
        BinaryOperator::LessEqual => difference <= 0,
        BinaryOperator::Greater => difference > 0,
        BinaryOperator::GreaterEqual => difference >= 0,
        _ => return None,
    })
}

fn dim(expression: &Expr, bound: &dyn Fn(&str) -> Option<Dim>) -> Option<Dim> {
    match &expression.ungrouped().kind {
        ExprKind::Name(name) => bound(name),
        ExprKind::Number(number) => match number.value {
            NumberValue::Integer(value) => i64::try_from(value).ok().map(Dim::from),
            NumberValue::Float(_) => None,
        },
        ExprKind::Binary {
            operator,
            left,
            right,
        } => {
            let (left, right) = (dim(left, bound)?, dim(right, bound)?);
            match operator.node {
                BinaryOperator::Add => left.add(&right).ok(),
                BinaryOperator::Subtract => left.sub(&right).ok(),
                BinaryOperator::Multiply => left.mul(&right).ok(),
                BinaryOperator::FloorDivide => left.floor_div(&right).ok(),
                BinaryOperator::Remainder => left.modulo(&right).ok(),
                _ => None,
            }
        }
        _ => None,
    }
}
