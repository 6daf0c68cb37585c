use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, Value};
use eyas_ir::{BinaryFunction, Combine};
use eyas_kernels::Scatter;
use eyas_tensor::Dim;

use crate::arithmetic;
use crate::cursor::{Cursor, cursors_at};
use crate::emitter::Emitter;
use crate::error::Fault;
use crate::form::Form;
use crate::function::WorkSize;
use crate::nest::Nest;
use crate::space::Space;

/// One unit: updates meet the target one after the other.
pub(crate) fn emit(e: &mut Emitter, scatter: &Scatter) -> Result<WorkSize, Fault> {
    let accesses = vec![scatter.update.clone(), scatter.target.clone()];
    let space = Space::new(&[&scatter.extents], accesses, &Default::default())?;
    let extents = space.extents();
    let (start, end) = e.units();
    let any = e.ins().icmp(IntCC::SignedLessThan, start, end);
    e.when(any, |e| {
        let cursors = cursors_at(e, &space.accesses, &[])?;
        let nest = Nest {
            extents: &extents,
            accesses: &space.accesses,
            first: 0,
        };
        let one = |e: &mut Emitter, cursors: &[Cursor], _: &[Value], _: &[Value]| {
            combine(e, scatter.combine, &space, cursors)?;
            Ok(Vec::new())
        };
        nest.emit(e, &cursors, &[], &[], &one).map(drop)
    })?;
    let cost = Dim::product(&scatter.extents)?.mul(&Dim::from(4))?;
    Ok(WorkSize {
        units: Dim::from(1),
        unit_cost: cost,
        scratch: Dim::from(0),
    })
}

fn combine(
    e: &mut Emitter,
    combine: Combine,
    space: &Space,
    cursors: &[Cursor],
) -> Result<(), Fault> {
    let (update, target) = (&space.accesses[0], &space.accesses[1]);
    let dtype = e.dtype(target.argument);
    let address = cursors[0].gather(e, update)?;
    let mut value = e.load(Form::Scalar, dtype, address, 0);
    let address = cursors[1].gather(e, target)?;
    let function = match combine {
        Combine::Replace => None,
        Combine::Add => Some(BinaryFunction::Add),
        Combine::Maximum => Some(BinaryFunction::Maximum),
        Combine::Minimum => Some(BinaryFunction::Minimum),
    };
    if let Some(function) = function {
        let there = e.load(Form::Scalar, dtype, address, 0);
        value = arithmetic::binary(e, Form::Scalar, function, dtype, there, value)?;
    }
    e.store(Form::Scalar, dtype, value, address, 0);
    Ok(())
}
