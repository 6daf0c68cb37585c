use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, Value};
use eyas_ir::Body;
use eyas_kernels::Access;
use eyas_tensor::DType;

use crate::body::BodyPlan;
use crate::cursor::{Cursor, is_contiguous, is_uniform, size_of};
use crate::emitter::Emitter;
use crate::error::Fault;
use crate::form::Form;

/// A body along the innermost axis: reads, computes and writes.
pub(crate) struct Row<'a> {
    plan: BodyPlan<'a>,
    inputs: &'a [Input<'a>],
    writes: &'a [Access],
    /// The innermost axis.
    axis: usize,
    /// How many places all rows have, where that is known.
    length: Option<i64>,
    form: Form,
}

/// What a body of a row reads.
pub(crate) enum Input<'a> {
    /// Memory, through a cursor.
    Access(&'a Access),
    /// Elements side by side, whatever the kernel's arguments.
    Buffer(DType),
    /// A value that is the same all along the row.
    Value,
}

/// Where a row is.
pub(crate) struct RowPlace<'a> {
    /// For each input that is memory.
    pub(crate) reads: &'a [Option<Cursor>],
    /// For each input that is a value.
    pub(crate) values: &'a [Option<Value>],
    pub(crate) writes: &'a [Cursor],
    /// The place along an axis of the kernel, one that does not vary here.
    pub(crate) place: &'a dyn Fn(&mut Emitter, usize) -> Value,
    pub(crate) first: Value,
    pub(crate) end: Value,
}

impl<'a> Row<'a> {
    /// `varies` says which axes of the kernel are the innermost one here.
    pub(crate) fn new(
        body: &'a Body,
        inputs: &'a [Input<'a>],
        writes: &'a [Access],
        axis: usize,
        length: Option<i64>,
        varies: &dyn Fn(usize) -> bool,
    ) -> Row<'a> {
        let uniform: Vec<bool> = inputs
            .iter()
            .map(|input| match input {
                Input::Access(access) => is_uniform(access, axis),
                Input::Buffer(_) => false,
                Input::Value => true,
            })
            .collect();
        let plan = BodyPlan::new(body, &uniform, varies);
        let even = inputs.iter().zip(&uniform).all(|(input, uniform)| {
            *uniform || !matches!(input, Input::Access(a) if !is_contiguous(a, axis))
        });
        let even = even && writes.iter().all(|access| is_contiguous(access, axis));
        let form = match length {
            Some(length) if length < plan.form().lanes() => Form::Scalar,
            _ if !even => Form::Scalar,
            _ => plan.form(),
        };
        Row {
            plan,
            inputs,
            writes,
            axis,
            length,
            form,
        }
    }

    /// Vectors at a time, so that their latencies overlap.
    fn unrolled(&self) -> i64 {
        match (self.form, self.plan.cost()) {
            (Form::Scalar, _) => 1,
            (_, 0..12) => 4,
            (_, 12..40) => 2,
            _ => 1,
        }
    }

    pub(crate) fn emit(&self, e: &mut Emitter, at: &RowPlace<'_>) -> Result<(), Fault> {
        if self.length.is_some_and(|length| length > 0) {
            return self.emit_some(e, at);
        }
        let any = e.ins().icmp(IntCC::SignedLessThan, at.first, at.end);
        e.when(any, |e| self.emit_some(e, at))
    }

    /// Where the row has a place.
    fn emit_some(&self, e: &mut Emitter, at: &RowPlace<'_>) -> Result<(), Fault> {
        let mut uniform = at.values.to_vec();
        for (number, input) in self.inputs.iter().enumerate() {
            if let (Input::Access(access), Some(cursor)) = (input, at.reads[number])
                && is_uniform(access, self.axis)
            {
                let address = cursor.gather(e, access)?;
                let dtype = e.dtype(access.argument);
                uniform[number] = Some(e.load(Form::Scalar, dtype, address, 0));
            }
        }
        let prepared = self.plan.prepare(e, &uniform, at.place)?;
        let mut first = at.first;
        for (form, times) in self.segments() {
            let step = form.lanes() * times;
            let end = match step {
                1 => at.end,
                _ => {
                    let rest = e.ins().isub(at.end, first);
                    let whole = e.ins().band_imm_s(rest, -step);
                    e.ins().iadd(first, whole)
                }
            };
            e.repeat(first, end, step, &[], |e, place, _| {
                self.emit_vectors(e, at, &prepared, form, times, place)?;
                Ok(Vec::new())
            })?;
            first = end;
        }
        Ok(())
    }

    /// The loops that have something to do, one after the other: form, and how many values of it.
    fn segments(&self) -> Vec<(Form, i64)> {
        let (lanes, unrolled) = (self.form.lanes(), self.unrolled());
        let whole = lanes * unrolled;
        let rest = |of: i64| self.length.is_none_or(|length| length % of != 0);
        let mut segments = Vec::new();
        if self.length.is_none_or(|length| length >= whole) {
            segments.push((self.form, unrolled));
        }
        if unrolled > 1 && self.length.is_none_or(|length| length % whole >= lanes) {
            segments.push((self.form, 1));
        }
        if lanes > 1 && rest(lanes) {
            segments.push((Form::Scalar, 1));
        }
        segments
    }

    fn emit_vectors(
        &self,
        e: &mut Emitter,
        at: &RowPlace<'_>,
        prepared: &crate::body::Prepared,
        form: Form,
        times: i64,
        place: Value,
    ) -> Result<(), Fault> {
        let addresses = self.addresses(e, at, place)?;
        let mut results = Vec::new();
        for time in 0..times {
            let mut inputs: Vec<Option<Value>> = vec![None; self.inputs.len()];
            for (number, address) in addresses.iter().enumerate() {
                let Some((address, dtype)) = *address else {
                    continue;
                };
                let offset = offset(time * form.lanes() * size_of(dtype));
                inputs[number] = Some(e.load(form, dtype, address, offset));
            }
            let place = e.ins().iadd_imm_s(place, time * form.lanes());
            results.push(self.plan.finish(e, prepared, form, &inputs, place)?);
        }
        for (number, access) in self.writes.iter().enumerate() {
            let dtype = e.dtype(access.argument);
            let address = at.writes[number].element(e, access, self.axis, place)?;
            for (time, results) in (0..).zip(&results) {
                let offset = offset(time * form.lanes() * size_of(dtype));
                e.store(form, dtype, results[number], address, offset);
            }
        }
        Ok(())
    }

    /// Address and type of each input that varies.
    fn addresses(
        &self,
        e: &mut Emitter,
        at: &RowPlace<'_>,
        place: Value,
    ) -> Result<Vec<Option<(Value, DType)>>, Fault> {
        let mut addresses = Vec::with_capacity(self.inputs.len());
        for (input, cursor) in self.inputs.iter().zip(at.reads) {
            addresses.push(match (input, cursor) {
                (Input::Access(access), Some(cursor)) if !is_uniform(access, self.axis) => {
                    let address = cursor.element(e, access, self.axis, place)?;
                    Some((address, e.dtype(access.argument)))
                }
                (Input::Buffer(dtype), Some(cursor)) => {
                    let address = cursor.side_by_side(e, *dtype, place)?;
                    Some((address, *dtype))
                }
                _ => None,
            });
        }
        Ok(addresses)
    }
}

fn offset(bytes: i64) -> i32 {
    bytes as i32
}
