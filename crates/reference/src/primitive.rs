//! Every op but control flow and what is declared: its dims evaluated, its operands checked by
//! the same inference that types graphs, then computed.

use std::sync::Arc;

use eyas_ir::{Op, TensorType, infer};
use eyas_tensor::{Dim, Number, stream_id};

use crate::random::Draw;
use crate::scope::Scope;
use crate::{EvaluateError, Values};
use crate::{composite, contraction, elementwise, indexing, layout, reduction};

/// The op with constants for its dims.
pub(crate) fn concrete(scope: &Scope<'_>, op: &Op) -> Result<Op, EvaluateError> {
    let extents = |dims: &[Dim]| -> Result<Vec<Dim>, EvaluateError> {
        scope.shape(dims)?;
        values(scope, dims)
    };
    Ok(match op {
        Op::Extent { dim, dtype } => Op::Extent {
            dim: Dim::from(scope.value(dim)?),
            dtype: *dtype,
        },
        Op::Reshape { shape } => Op::Reshape {
            shape: extents(shape)?,
        },
        Op::Broadcast { shape } => Op::Broadcast {
            shape: extents(shape)?,
        },
        Op::Slice {
            starts,
            shape,
            steps,
        } => Op::Slice {
            starts: values(scope, starts)?,
            shape: extents(shape)?,
            steps: steps.clone(),
        },
        Op::Pad { low, high, value } => Op::Pad {
            low: extents(low)?,
            high: extents(high)?,
            value: value.clone(),
        },
        Op::Iota { dtype, shape, axis } => Op::Iota {
            dtype: *dtype,
            shape: extents(shape)?,
            axis: *axis,
        },
        Op::Random {
            distribution,
            stream,
            shape,
        } => Op::Random {
            distribution: *distribution,
            stream: scope.path(stream),
            shape: extents(shape)?,
        },
        other => other.clone(),
    })
}

fn values(scope: &Scope<'_>, dims: &[Dim]) -> Result<Vec<Dim>, EvaluateError> {
    dims.iter()
        .map(|dim| Ok(Dim::from(scope.value(dim)?)))
        .collect()
}

fn constants(dims: &[Dim]) -> Vec<i64> {
    dims.iter().filter_map(Dim::as_constant).collect()
}

/// The type of a concrete op's result for these operands.
pub(crate) fn result_type(op: &Op, operands: &[Arc<Values>]) -> Result<TensorType, EvaluateError> {
    let types: Vec<TensorType> = operands.iter().map(|values| values.tensor_type()).collect();
    let results = infer::result_types(op, &types.iter().collect::<Vec<_>>())?;
    let [result] = &results[..] else {
        return Err(EvaluateError::Malformed(
            "an op gives no single result".into(),
        ));
    };
    Ok(result.clone())
}

/// The result of a concrete op whose operands have been checked.
pub(crate) fn evaluate(
    scope: &Scope<'_>,
    op: &Op,
    operands: &[Arc<Values>],
    result: &TensorType,
) -> Result<Values, EvaluateError> {
    let storage = scope.storage;
    let shape = scope.shape(&result.shape)?;
    let all: Vec<&Values> = operands.iter().map(Arc::as_ref).collect();
    Ok(match (op, &all[..]) {
        (Op::Constant { value }, []) => Values::from(value.tensor()),
        (Op::Extent { dim, dtype }, []) => {
            let value = Number::Int(scope.value(dim)?.into());
            Values::scalar(*dtype, storage.round(*dtype, value))
        }
        (Op::Iota { dtype, axis, .. }, []) => indexing::iota(storage, *dtype, &shape, *axis),
        (
            Op::Random {
                distribution,
                stream,
                ..
            },
            numbers,
        ) => {
            let numbers = numbers.iter().flat_map(|values| values.numbers());
            Draw::new(stream_id(stream, 0), numbers).fill(*distribution, &shape)
        }
        (Op::Unary { function }, [a]) => elementwise::unary(storage, *function, a),
        (Op::Binary { function }, [a, b]) => elementwise::binary(storage, *function, a, b),
        (Op::Compare { comparison }, [a, b]) => elementwise::compare(*comparison, a, b),
        (Op::Select, [condition, a, b]) => elementwise::select(condition, a, b),
        (Op::Cast { dtype }, [a]) => elementwise::cast(storage, *dtype, a),
        (
            Op::Contraction {
                spec,
                accumulator,
                epilogue,
            },
            [_, _, ..],
        ) => contraction::contract(
            scope,
            spec,
            *accumulator,
            epilogue.as_ref(),
            &all,
            result.dtype,
        )?,
        (Op::Reduce { reduction, axes }, [a]) => {
            reduction::reduce(storage, *reduction, axes, a, &shape)
        }
        (Op::ArgReduce { extreme, axis }, [a]) => reduction::arg_reduce(*extreme, *axis, a, &shape),
        (Op::Reshape { .. }, [a]) => a.reshaped(&shape),
        (Op::Transpose { permutation }, [a]) => layout::transpose(a, permutation, &shape),
        (Op::Broadcast { .. }, [a]) => layout::broadcast(a, &shape),
        (Op::Slice { starts, steps, .. }, [a]) => {
            layout::slice(a, &constants(starts), steps, &shape)
        }
        (Op::Pad { low, value, .. }, [a]) => {
            let value = value.splat().unwrap_or(Number::Int(0));
            layout::pad(a, &constants(low), value, &shape)
        }
        (Op::Concat { axis }, [_, ..]) => layout::concat(&all, *axis, &shape),
        (Op::Gather { axis }, [data, indices]) => indexing::gather(data, indices, *axis, &shape)?,
        (Op::Scatter { axis, combine }, [base, indices, updates]) => {
            indexing::scatter(storage, [base, indices, updates], *axis, *combine)?
        }
        (Op::Composite { composite }, [_, ..]) => {
            composite::evaluate(storage, composite, &all, &shape)?
        }
        _ => {
            let message = format!("an op does not take {} operands", all.len());
            return Err(EvaluateError::Malformed(message));
        }
    })
}
