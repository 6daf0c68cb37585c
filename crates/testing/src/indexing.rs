use eyas_ir::{Combine, Op};
use eyas_tensor::DType;

use crate::generator::Generator;
use crate::reduction::first_extents;

/// A gather, a scatter or an iota.
pub(crate) fn add(generator: &mut Generator<'_>) -> Option<()> {
    let x = generator.any()?;
    if generator.draw.one_in(3) && x.ty.rank() > 0 {
        let (dtype, shape) = (x.ty.dtype, x.ty.shape.clone());
        let axis = generator.draw.below(x.ty.rank());
        return generator
            .push(Op::Iota { dtype, shape, axis }, &[], 6)
            .map(drop);
    }
    let axis = generator.draw.below(x.ty.rank());
    let extent = usize::try_from(x.ty.shape.get(axis)?.as_constant()?).ok()?;
    let shape: Vec<usize> = (0..generator.draw.below(3))
        .map(|_| *generator.draw.pick(&[1, 2, 3]))
        .collect();
    let indices = generator.indices(&shape, extent)?;
    if generator.draw.one_in(2) {
        let op = Op::Gather { axis };
        return generator
            .push(op, &[x.value, indices.value], x.bound)
            .map(drop);
    }
    let mut updates = x.ty.clone();
    updates.shape = first_extents(&x.ty.shape, axis);
    updates.shape.extend(indices.ty.shape.iter().cloned());
    updates
        .shape
        .extend(x.ty.shape.iter().skip(axis + 1).cloned());
    let updates = generator.like(&updates)?;
    let combines = [Combine::Replace, Combine::Add, Combine::Maximum];
    let combine = match x.ty.dtype {
        DType::Bool => Combine::Replace,
        _ => *generator.draw.pick(&combines),
    };
    let op = Op::Scatter { axis, combine };
    let operands = [x.value, indices.value, updates.value];
    generator
        .push(op, &operands, x.bound.max(updates.bound) + 4)
        .map(drop)
}
