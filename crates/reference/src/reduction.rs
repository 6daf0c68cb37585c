use eyas_ir::{BinaryFunction, Extreme, Reduction};
use eyas_tensor::{DType, Number};

use crate::places::groups;
use crate::{Storage, Values, scalar};

/// A reduction over axes that keep extent 1: in f64 (integers modulo 2^128), rounded once.
/// Extremes over nothing are refused before.
pub(crate) fn reduce(
    storage: Storage,
    reduction: Reduction,
    axes: &[usize],
    a: &Values,
    shape: &[usize],
) -> Values {
    let dtype = a.dtype();
    let (function, start) = match reduction {
        Reduction::Sum => (BinaryFunction::Add, Some(Number::Int(0))),
        Reduction::Product => (BinaryFunction::Multiply, Some(Number::Int(1))),
        Reduction::Maximum => (BinaryFunction::Maximum, None),
        Reduction::Minimum => (BinaryFunction::Minimum, None),
    };
    let (starts, members) = groups(a.shape(), axes);
    let results = starts.map(|place| {
        let elements = start
            .into_iter()
            .chain(members.iter().map(|member| a.get(place + member)));
        let result = elements.reduce(|x, y| scalar::binary(function, dtype, x, y));
        storage.round(dtype, result.unwrap_or(Number::Int(0)))
    });
    Values::collect(dtype, shape, results)
}

/// The place of the first extreme along an axis; the first NaN where one is.
pub(crate) fn arg_reduce(extreme: Extreme, axis: usize, a: &Values, shape: &[usize]) -> Values {
    let (starts, members) = groups(a.shape(), &[axis]);
    let beats = |x: Number, best: Number| match (x, best) {
        (_, Number::Float(best)) if best.is_nan() => false,
        (Number::Float(x), _) if x.is_nan() => true,
        _ if extreme == Extreme::Maximum => x > best,
        _ => x < best,
    };
    let results = starts.map(|place| {
        let mut best = 0;
        for (index, member) in members.iter().enumerate().skip(1) {
            if beats(a.get(place + member), a.get(place + members[best])) {
                best = index;
            }
        }
        Number::Int(best as i128)
    });
    Values::collect(DType::I64, shape, results)
}
