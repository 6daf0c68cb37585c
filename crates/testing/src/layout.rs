use eyas_ir::{Constant, Op};
use eyas_tensor::Dim;

use crate::generator::Generator;

/// A change of layout of a value there is.
pub(crate) fn add(generator: &mut Generator<'_>) -> Option<()> {
    let x = generator.any()?;
    let rank = x.ty.rank();
    let op = match generator.draw.below(7) {
        0 | 1 => Op::Transpose {
            permutation: generator.draw.permutation(rank),
        },
        2 => Op::Reshape {
            shape: reshaped(generator, &x.ty.shape)?,
        },
        3 => Op::Broadcast {
            shape: broadcast(generator, &x.ty.shape),
        },
        4 => slice(generator, &x.ty.shape),
        5 => {
            let mut extents = || -> Vec<Dim> {
                let extents = (0..rank).map(|_| Dim::from(generator.draw.below(3) as i64));
                extents.collect()
            };
            let (low, high) = (extents(), extents());
            let value = Constant::scalar(x.ty.dtype, generator.draw.number(x.ty.dtype));
            Op::Pad { low, high, value }
        }
        _ => return concat(generator),
    };
    generator.push(op, &[x.value], x.bound.max(1)).map(drop)
}

/// Other extents of the same product: axes merged, split, or of extent 1 added and dropped.
fn reshaped(generator: &mut Generator<'_>, shape: &[Dim]) -> Option<Vec<Dim>> {
    let mut result = shape.to_vec();
    match generator.draw.below(4) {
        0 if shape.len() > 1 => {
            let axis = generator.draw.below(shape.len() - 1);
            let merged = result[axis].mul(&result[axis + 1]).ok()?;
            result.splice(axis..axis + 2, [merged]);
        }
        1 if !shape.is_empty() => {
            let axis = generator.draw.below(shape.len());
            let extent = shape[axis].as_constant()?;
            let by = *generator.draw.pick(&[2, 3, 4]);
            if extent % by != 0 {
                return None;
            }
            result.splice(axis..=axis, [Dim::from(by), Dim::from(extent / by)]);
        }
        2 if shape.iter().any(|extent| extent.is(1)) => result.retain(|extent| !extent.is(1)),
        _ => {
            let axis = generator.draw.below(shape.len() + 1);
            result.insert(axis, Dim::from(1));
        }
    }
    Some(result)
}

fn broadcast(generator: &mut Generator<'_>, shape: &[Dim]) -> Vec<Dim> {
    let mut result = shape.to_vec();
    for extent in &mut result {
        if extent.is(1) && generator.draw.one_in(2) {
            *extent = generator.extent();
        }
    }
    if generator.draw.one_in(2) {
        let extent = generator.extent();
        result.insert(0, extent);
    }
    result
}

/// Of axes whose extents are constants; the others stay whole.
fn slice(generator: &mut Generator<'_>, shape: &[Dim]) -> Op {
    let (mut starts, mut extents, mut steps) = (Vec::new(), Vec::new(), Vec::new());
    for dim in shape {
        let constant = dim.as_constant().filter(|&extent| extent > 0);
        let Some(extent) = constant.filter(|_| generator.draw.one_in(2)) else {
            starts.push(Dim::from(0));
            extents.push(dim.clone());
            steps.push(1);
            continue;
        };
        let step = *generator.draw.pick(&[1, 1, 1, 2, -1, -2]);
        let start = generator.draw.below(extent as usize) as i64;
        let room = if step > 0 { extent - 1 - start } else { start };
        let most = room / i64::abs(step) + 1;
        starts.push(Dim::from(start));
        extents.push(Dim::from(1 + generator.draw.below(most as usize) as i64));
        steps.push(step);
    }
    Op::Slice {
        starts,
        shape: extents,
        steps,
    }
}

fn concat(generator: &mut Generator<'_>) -> Option<()> {
    let x = generator.any()?;
    let axis = generator.draw.below(x.ty.rank());
    let mut operands = vec![x.value];
    let mut bound = x.bound;
    for _ in 0..generator.draw.below(3) {
        let mut ty = x.ty.clone();
        *ty.shape.get_mut(axis)? = generator.extent();
        let other = generator.like(&ty)?;
        bound = bound.max(other.bound);
        operands.push(other.value);
    }
    generator
        .push(Op::Concat { axis }, &operands, bound)
        .map(drop)
}
