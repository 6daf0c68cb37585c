//! Result types from operand types, a family of ops a file.

mod contraction;
mod control;
mod elementwise;
mod indexing;
mod layout;
mod reduction;

use eyas_tensor::{DType, Dim, DimError};

use crate::{Op, TensorType};

pub use control::loop_body_inputs;

/// Why an op does not take its operands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InferError {
    /// A wrong number of operands.
    #[error("takes {expected} operands, but is given {found}")]
    Arity {
        /// What it takes.
        expected: usize,
        /// What it is given.
        found: usize,
    },
    /// Extents that must be equal are not.
    #[error("operand {first} has extent `{left}` where operand {second} has `{right}`")]
    Extent {
        /// An operand.
        first: usize,
        /// Its extent.
        left: Dim,
        /// The other operand.
        second: usize,
        /// Its extent.
        right: Dim,
    },
    /// Types that must be equal are not.
    #[error("operand {operand} is `{found}`, but must be `{expected}`")]
    Type {
        /// The operand.
        operand: usize,
        /// What it is.
        found: TensorType,
        /// What it must be.
        expected: TensorType,
    },
    /// An element type that the op does not take.
    #[error("does not take elements of type `{0}`")]
    DType(DType),
    /// Attributes that do not fit the operands.
    #[error("{0}")]
    Attribute(String),
    /// A shape whose arithmetic fails.
    #[error(transparent)]
    Dim(#[from] DimError),
}

/// The types of an op's results. `Loop` and `If` take theirs from their bodies (see
/// [`crate::Module`]), inputs and parameters from their declarations: for these it is an error.
///
/// # Errors
/// [`InferError`] where the op does not take such operands.
pub fn result_types(op: &Op, operands: &[&TensorType]) -> Result<Vec<TensorType>, InferError> {
    let result = match op {
        Op::Input { .. } | Op::Parameter { .. } | Op::State { .. } => {
            return Err(attribute("has the type of its declaration"));
        }
        Op::Loop { .. } | Op::If { .. } => {
            return Err(attribute("has the types of its body's results"));
        }
        Op::Constant { value } => {
            arity(operands, 0)?;
            let shape: Vec<Dim> = value
                .tensor()
                .shape()
                .iter()
                .map(|&n| Dim::from(n as i64))
                .collect();
            TensorType::new(value.tensor().dtype(), shape)
        }
        Op::Extent { dtype, .. } => {
            arity(operands, 0)?;
            TensorType::scalar(*dtype)
        }
        Op::Unary { .. }
        | Op::Binary { .. }
        | Op::Compare { .. }
        | Op::Select
        | Op::Cast { .. } => elementwise::infer(op, operands)?,
        Op::Contraction {
            spec,
            accumulator,
            epilogue,
        } => contraction::infer(spec, *accumulator, epilogue.as_ref(), operands)?,
        Op::Reduce { .. } | Op::ArgReduce { .. } => reduction::infer(op, operands)?,
        Op::Reshape { .. }
        | Op::Transpose { .. }
        | Op::Broadcast { .. }
        | Op::Slice { .. }
        | Op::Pad { .. }
        | Op::Concat { .. } => layout::infer(op, operands)?,
        Op::Gather { .. } | Op::Scatter { .. } | Op::Iota { .. } | Op::Random { .. } => {
            indexing::infer(op, operands)?
        }
        Op::Composite { composite } => reduction::infer_composite(composite, operands)?,
    };
    check_rank(&result)?;
    Ok(vec![result])
}

/// Axes that a tensor may have.
pub const MAX_RANK: usize = 8;

fn check_rank(ty: &TensorType) -> Result<(), InferError> {
    if ty.rank() > MAX_RANK {
        let rank = ty.rank();
        return Err(attribute(format!(
            "gives {rank} axes, but a tensor has {MAX_RANK} at most"
        )));
    }
    match ty
        .shape
        .iter()
        .find(|dim| dim.as_constant().is_some_and(|n| n < 0))
    {
        Some(extent) => Err(attribute(format!(
            "gives an axis of the negative extent {extent}"
        ))),
        None => Ok(()),
    }
}

fn attribute(message: impl Into<String>) -> InferError {
    InferError::Attribute(message.into())
}

fn arity(operands: &[&TensorType], expected: usize) -> Result<(), InferError> {
    if operands.len() == expected {
        return Ok(());
    }
    let found = operands.len();
    Err(InferError::Arity { expected, found })
}

fn same_shape(operands: &[&TensorType], first: usize, second: usize) -> Result<(), InferError> {
    let (a, b) = (operands[first], operands[second]);
    if a.rank() != b.rank() {
        return Err(InferError::Type {
            operand: second,
            found: b.clone(),
            expected: a.with_dtype(b.dtype),
        });
    }
    for (left, right) in a.shape.iter().zip(&b.shape) {
        same_extent(first, left, second, right)?;
    }
    Ok(())
}

fn same_extent(first: usize, left: &Dim, second: usize, right: &Dim) -> Result<(), InferError> {
    if left == right {
        return Ok(());
    }
    Err(InferError::Extent {
        first,
        left: left.clone(),
        second,
        right: right.clone(),
    })
}

fn same_dtype(operands: &[&TensorType], first: usize, second: usize) -> Result<(), InferError> {
    if operands[first].dtype == operands[second].dtype {
        return Ok(());
    }
    Err(InferError::Type {
        operand: second,
        found: operands[second].clone(),
        expected: operands[second].with_dtype(operands[first].dtype),
    })
}

fn axis_exists(ty: &TensorType, axis: usize) -> Result<(), InferError> {
    if axis < ty.rank() {
        return Ok(());
    }
    Err(attribute(format!("axis {axis} does not exist in `{ty}`")))
}
