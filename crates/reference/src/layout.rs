use eyas_tensor::Number;

use crate::Values;
use crate::places::{Places, count, strides};

/// Axis `i` of the result is axis `permutation[i]` of the operand.
pub(crate) fn transpose(a: &Values, permutation: &[usize], shape: &[usize]) -> Values {
    let own = strides(a.shape());
    let steps: Vec<i64> = permutation.iter().map(|&axis| own[axis]).collect();
    a.picked(shape, Places::new(shape, 0, &steps))
}

/// To more extents, aligned at the last axis.
pub(crate) fn broadcast(a: &Values, shape: &[usize]) -> Values {
    let steps = broadcast_strides(a.shape(), shape);
    a.picked(shape, Places::new(shape, 0, &steps))
}

/// How far an operand steps along each axis of what it broadcasts to.
pub(crate) fn broadcast_strides(from: &[usize], to: &[usize]) -> Vec<i64> {
    let mut steps = vec![0; to.len().saturating_sub(from.len())];
    let own = strides(from).into_iter().zip(from);
    steps.extend(own.map(|(stride, &extent)| if extent == 1 { 0 } else { stride }));
    steps
}

/// Element `i` of an axis is element `start + i * step` of the operand.
pub(crate) fn slice(a: &Values, starts: &[i64], steps: &[i64], shape: &[usize]) -> Values {
    if count(shape) == Some(0) {
        // The starts of nothing need not lie inside.
        return a.picked(shape, std::iter::empty());
    }
    let own = strides(a.shape());
    let offset = own
        .iter()
        .zip(starts)
        .map(|(stride, start)| stride * start)
        .sum();
    // An axis of extent 1 never steps, and its step may be of any size.
    let scaled = own.iter().zip(steps).zip(shape);
    let steps: Vec<i64> = scaled
        .map(|((stride, step), &extent)| if extent == 1 { 0 } else { stride * step })
        .collect();
    a.picked(shape, Places::new(shape, offset, &steps))
}

/// Room around the operand, filled with one number.
pub(crate) fn pad(a: &Values, low: &[i64], value: Number, shape: &[usize]) -> Values {
    let mut result = vec![value; count(shape).unwrap_or(0)];
    if a.element_count() == 0 {
        return Values::collect(a.dtype(), shape, result);
    }
    let own = strides(a.shape());
    let target = strides(shape);
    let offset = target
        .iter()
        .zip(low)
        .map(|(stride, low)| stride.saturating_mul(*low))
        .sum();
    let inside = Places::new(a.shape(), offset, &target);
    for (to, from) in inside.zip(Places::new(a.shape(), 0, &own)) {
        result[to] = a.get(from);
    }
    Values::collect(a.dtype(), shape, result)
}

/// One after the other along an axis.
pub(crate) fn concat(operands: &[&Values], axis: usize, shape: &[usize]) -> Values {
    if count(shape) == Some(0) {
        return Values::collect(operands[0].dtype(), shape, []);
    }
    let outer: usize = shape[..axis].iter().product();
    let runs = operands.iter().map(|operand| {
        let run: usize = operand.shape()[axis..].iter().product();
        (*operand, run)
    });
    let runs: Vec<(&Values, usize)> = runs.collect();
    let numbers = (0..outer).flat_map(|row| {
        runs.iter().flat_map(move |(operand, run)| {
            (row * run..(row + 1) * run).map(|place| operand.get(place))
        })
    });
    Values::collect(operands[0].dtype(), shape, numbers)
}
