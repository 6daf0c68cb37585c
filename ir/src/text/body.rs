//! The text form of bodies, which stands on one line:
//!
//! ```text
//! (%0: f32, %1: f32) { %2 = add %0, %1; %3 = 0.0; %4 = maximum %2, %3; return %4 }
//! ```
//!
//! `%4` is the node at place 4. The head says at which places the inputs stand; one that no node
//! reads is a type alone. A node's type follows its place where it is not [`implied`].

mod parse;

use std::fmt;

use eyas_tensor::DType;
use serde::Serialize;

use super::attribute::print_value;
use crate::{Body, Constant, Scalar, ScalarId, ScalarOp};

/// The text form, on one line; it parses back to an equal body where operands stand before their
/// users.
impl fmt::Display for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let places = input_places(self);
        f.write_str("(")?;
        for (input, (dtype, place)) in self.inputs.iter().zip(&places).enumerate() {
            f.write_str(if input == 0 { "" } else { ", " })?;
            match place {
                Some(place) => write!(f, "%{place}: {dtype}")?,
                None => write!(f, "{dtype}")?,
            }
        }
        f.write_str(") { ")?;
        for (place, node) in self.nodes.iter().enumerate() {
            if let ScalarOp::Input(input) = node.op
                && places.get(input as usize) == Some(&Some(place))
            {
                continue;
            }
            write!(f, "%{place}")?;
            if implied(&node.op, &self.inputs, &self.nodes) != Some(node.dtype) {
                write!(f, ": {}", node.dtype)?;
            }
            f.write_str(" = ")?;
            write_op(f, node)?;
            write_operands(f, &node.op.operands())?;
            f.write_str("; ")?;
        }
        f.write_str("return")?;
        write_operands(f, &self.outputs)?;
        f.write_str(" }")
    }
}

/// The places that the head names: of each input, the first node that is it and has its type.
fn input_places(body: &Body) -> Vec<Option<usize>> {
    let mut places = vec![None; body.inputs.len()];
    for (place, node) in body.nodes.iter().enumerate() {
        if let ScalarOp::Input(input) = node.op
            && body.inputs.get(input as usize) == Some(&node.dtype)
            && let Some(first @ None) = places.get_mut(input as usize)
        {
            *first = Some(place);
        }
    }
    places
}

/// The type that a node has where none is written: what its operands give it, an i64 for an extent
/// or an index, and the first input's for a literal. Casts say theirs.
fn implied(op: &ScalarOp, inputs: &[DType], nodes: &[Scalar]) -> Option<DType> {
    use ScalarOp::*;
    let of = |id: &ScalarId| nodes.get(id.0 as usize).map(|node| node.dtype);
    match op {
        Input(input) => inputs.get(*input as usize).copied(),
        Literal(_) => inputs.first().copied(),
        Extent(_) | Index(_) => Some(DType::I64),
        Compare(..) => Some(DType::Bool),
        Cast(_) | Bitcast(_) => None,
        Unary(_, a) | Binary(_, a, _) | Select(_, a, _) | MultiplyAdd(a, _, _) => of(a),
        ShiftLeft(a, _) | ShiftRight(a, _) => of(a),
    }
}

/// The op without its operands.
fn write_op(f: &mut fmt::Formatter<'_>, node: &Scalar) -> fmt::Result {
    match &node.op {
        ScalarOp::Input(input) => write!(f, "input {input}"),
        ScalarOp::Literal(value) => write_literal(f, value, node.dtype),
        ScalarOp::Extent(dim) => write!(f, "extent {dim}"),
        ScalarOp::Index(axis) => write!(f, "index {axis}"),
        ScalarOp::Unary(function, _) => f.write_str(&name(function)),
        ScalarOp::Binary(function, ..) => f.write_str(&name(function)),
        ScalarOp::Compare(comparison, ..) => f.write_str(&name(comparison)),
        ScalarOp::Select(..) => f.write_str("select"),
        ScalarOp::Cast(_) => f.write_str("cast"),
        ScalarOp::MultiplyAdd(..) => f.write_str("multiply_add"),
        ScalarOp::Bitcast(_) => f.write_str("bitcast"),
        ScalarOp::ShiftLeft(_, by) => write!(f, "shift_left {by}"),
        ScalarOp::ShiftRight(_, by) => write!(f, "shift_right {by}"),
    }
}

/// A number alone, or a constant whose shape or type is not the node's.
fn write_literal(f: &mut fmt::Formatter<'_>, value: &Constant, dtype: DType) -> fmt::Result {
    let tensor = value.tensor();
    match value.splat() {
        Some(number) if tensor.shape().is_empty() && tensor.dtype() == dtype => {
            f.write_str(&Constant::element_text(number))
        }
        _ => {
            let mut text = "literal ".to_owned();
            print_value(&mut text, &serde_json::to_value(value).unwrap_or_default());
            f.write_str(&text)
        }
    }
}

fn write_operands(f: &mut fmt::Formatter<'_>, operands: &[ScalarId]) -> fmt::Result {
    for (place, ScalarId(operand)) in operands.iter().enumerate() {
        let separator = if place == 0 { " " } else { ", " };
        write!(f, "{separator}%{operand}")?;
    }
    Ok(())
}

/// A function's name, as its serde form has it.
fn name(function: &impl Serialize) -> String {
    let value = serde_json::to_value(function).unwrap_or_default();
    value.as_str().unwrap_or_default().to_owned()
}
