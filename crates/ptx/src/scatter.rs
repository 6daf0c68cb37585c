use eyas_ir::{BinaryFunction, Body, BodyBuilder, Combine};
use eyas_kernels::{Capabilities, Scatter, expand};
use eyas_tensor::{DType, Dim};

use crate::body::lower;
use crate::builder::{Atomic, Builder, Control, Global, Integer, Operand, Register, U32, U64};
use crate::cursor::{Cursor, cursor_beside};
use crate::emitter::{Emitter, Launch};
use crate::error::Fault;
use crate::grid::{THREADS, blocks};
use crate::place::{Place, is_narrow};
use crate::value::Value;

/// Updates that meet at a place of the target meet there in their order: one thread takes all of
/// them. Where the order changes nothing, a thread takes one, in an atomic step.
pub(crate) fn emit(e: &mut Emitter, scatter: &Scatter) -> Result<Launch, Fault> {
    let dtype = e.dtype(scatter.target.argument);
    let atomic = atomic(scatter.combine, dtype);
    let apart = match atomic {
        Some(_) => vec![true; scatter.extents.len()],
        None => apart(scatter),
    };
    let extents_of = |wanted: bool| -> Vec<Dim> {
        let extents = scatter.extents.iter().zip(&apart);
        let own = extents.filter(|(_, apart)| **apart == wanted);
        own.map(|(extent, _)| extent.clone()).collect()
    };
    let (extents, ordered) = (extents_of(true), extents_of(false));
    let count = Dim::product(&extents)?;
    let meeting = Meeting {
        scatter,
        dtype,
        atomic,
        body: body(scatter.combine, dtype),
    };
    e.comment(match atomic {
        Some(_) => "an update a thread, in any order",
        None => "a thread takes all updates of its places, in order",
    });
    let units = blocks(&count, i64::from(THREADS))?;
    e.each_place(&count, &units, |e, place| {
        let mut own = e.places(place, &extents)?.into_iter();
        let places = apart
            .iter()
            .map(|apart| apart.then(|| own.next()).flatten());
        let places: Vec<Option<Place>> = places.collect();
        let update = cursor_beside(e, &scatter.update, &places)?;
        let target = cursor_beside(e, &scatter.target, &places)?;
        let axes: Vec<usize> = (0..apart.len()).filter(|axis| !apart[*axis]).collect();
        meeting.along(e, [update, target], &axes)
    })?;
    let cost = Dim::product(&ordered)?.mul(&Dim::from(4 * i64::from(THREADS)))?;
    Ok(Launch::new(units, THREADS, cost))
}

/// The atomic step that is the combination, where the machine has one and the order of such steps
/// changes nothing.
fn atomic(combine: Combine, dtype: DType) -> Option<Atomic> {
    if !matches!(dtype, DType::I32 | DType::U32 | DType::I64 | DType::U64) {
        return None;
    }
    match combine {
        Combine::Replace => None,
        Combine::Add => Some(Atomic::Add),
        Combine::Maximum => Some(Atomic::Maximum),
        Combine::Minimum => Some(Atomic::Minimum),
    }
}

/// What becomes of what is there and an update.
fn body(combine: Combine, dtype: DType) -> Body {
    let is_bool = dtype == DType::Bool;
    let function = match combine {
        Combine::Replace => None,
        // A sum of truth values is not zero where one is not.
        Combine::Add | Combine::Maximum if is_bool => Some(BinaryFunction::Or),
        Combine::Minimum if is_bool => Some(BinaryFunction::And),
        Combine::Add => Some(BinaryFunction::Add),
        Combine::Maximum => Some(BinaryFunction::Maximum),
        Combine::Minimum => Some(BinaryFunction::Minimum),
    };
    let mut builder = BodyBuilder::new();
    let (there, update) = (builder.input(dtype), builder.input(dtype));
    let result = match function {
        None => update,
        Some(function) => builder.binary(function, there, update),
    };
    expand(&builder.finish(&[result]), Capabilities::ALL)
}

/// The axes along which updates have places apart from each other, whatever the index is: all that
/// the target steps through, where a place of the target tells the places along these.
fn apart(scatter: &Scatter) -> Vec<bool> {
    let target = &scatter.target;
    let steps = target.strides.iter().zip(&scatter.extents);
    let steps = steps.filter(|(stride, _)| !stride.is(0));
    let index = target.indirect.iter().map(|i| (&i.stride, &i.extent));
    let digits: Vec<(&Dim, &Dim)> = steps.chain(index).collect();
    let told = are_constant_digits(&digits) || are_dense_digits(&digits);
    let strides = target.strides.iter();
    strides.map(|stride| told && !stride.is(0)).collect()
}

/// Whether each step is further than all smaller ones together reach.
fn are_constant_digits(digits: &[(&Dim, &Dim)]) -> bool {
    let constants = digits.iter().map(|(stride, extent)| {
        let stride = i128::from(stride.as_constant()?).abs();
        Some((stride, i128::from(extent.as_constant()?)))
    });
    let Some(mut digits) = constants.collect::<Option<Vec<_>>>() else {
        return false;
    };
    digits.sort_unstable();
    let mut reach = 0;
    digits.into_iter().all(|(stride, extent)| {
        let beyond = stride > reach;
        reach += stride * (extent - 1).max(0);
        beyond
    })
}

/// Whether each step is as far as all of the one before, in some order.
fn are_dense_digits(digits: &[(&Dim, &Dim)]) -> bool {
    (0..digits.len()).any(|first| {
        let mut left = digits.to_vec();
        let mut last = left.swap_remove(first);
        while !left.is_empty() {
            let Ok(whole) = last.0.mul(last.1) else {
                return false;
            };
            let Some(next) = left.iter().position(|(stride, _)| **stride == whole) else {
                return false;
            };
            last = left.swap_remove(next);
        }
        true
    })
}

/// How updates meet the target.
struct Meeting<'s> {
    scatter: &'s Scatter,
    dtype: DType,
    atomic: Option<Atomic>,
    body: Body,
}

impl Meeting<'_> {
    /// All updates along the axes that are left, in row-major order.
    fn along(
        &self,
        e: &mut Emitter,
        [update, target]: [Cursor; 2],
        axes: &[usize],
    ) -> Result<(), Fault> {
        let Some((&axis, rest)) = axes.split_first() else {
            return self.meet(e, update, target);
        };
        let extent = &self.scatter.extents[axis];
        let turn = |e: &mut Emitter, place: Place| {
            let update = update.advance(e, &self.scatter.update, axis, place)?;
            let target = target.advance(e, &self.scatter.target, axis, place)?;
            self.along(e, [update, target], rest)
        };
        match extent.as_constant().filter(|_| is_narrow(extent)) {
            Some(extent) => e.repeat(0u32, extent as u32, 1u32, |e, place: Register<U32>| {
                turn(e, place.into())
            }),
            None => {
                let extent = e.dim(extent);
                e.repeat(0u64, extent, 1u64, |e, place: Register<U64>| {
                    turn(e, place.into())
                })
            }
        }
    }

    fn meet(&self, e: &mut Emitter, update: Cursor, target: Cursor) -> Result<(), Fault> {
        let dtype = self.dtype;
        let from = update.spot(e, &self.scatter.update)?;
        let value = e.load_element(dtype, from, 0)?;
        let to = target.spot(e, &self.scatter.target)?;
        let Some(atomic) = self.atomic else {
            let there = e.load_element(dtype, to, 0)?;
            for result in lower(e, &self.body, &[there, value], &[])? {
                e.store_element(dtype, to, 0, result)?;
            }
            return Ok(());
        };
        let value = value.held(e);
        let at = to.address.global(0);
        let step = |b: &mut Builder| match value {
            Value::S32(value) => add(b, atomic, at, value),
            Value::U32(value) => add(b, atomic, at, value),
            Value::S64(value) => add(b, atomic, at, value),
            Value::U64(value) => add(b, atomic, at, value),
            _ => Err(Value::other_kind()),
        };
        match to.inside {
            Some(inside) => e.guarded(inside, true, step),
            None => step(e),
        }
    }
}

fn add<T: Integer>(
    b: &mut Builder,
    atomic: Atomic,
    at: Global,
    value: Operand<T>,
) -> Result<(), Fault> {
    b.atomic(atomic, at, value);
    Ok(())
}
