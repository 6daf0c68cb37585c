use egg::Id;
use eyas_ir::{BinaryFunction, Einsum, Op, Reduction};
use eyas_tensor::Dim;

use crate::builder::Builder;
use crate::instance::accumulator;
use crate::pattern::Pattern;
use crate::rule::{Family, NUMBERS, Rule};
use crate::rules::layout::contraction;
use crate::term::TermOp;

use Pattern as P;

/// Sums of products.
pub(super) fn rules() -> Vec<Rule> {
    vec![
        Rule::new(
            "sum-of-products",
            Family::Linear,
            "A sum of products of two repeated values is a contraction, which repeats nothing.",
            P::sum(P::binary(BinaryFunction::Multiply, P::any(0), P::any(1))),
            |matched, builder| {
                let Op::Reduce { axes, .. } = matched.op(0)? else {
                    return None;
                };
                let axes = axes.clone();
                let shape = builder.ty(*matched.operands(0).first()?).shape;
                let (x, left) = narrow(builder, matched.value(0), &shape)?;
                let (y, right) = narrow(builder, matched.value(1), &shape)?;
                let output: Vec<char> = (0..shape.len())
                    .filter(|axis| !axes.contains(axis))
                    .filter(|axis| !shape[*axis].is(1))
                    .map(letter)
                    .collect();
                let spec = Einsum::new(&left, &right, &output).ok()?;
                // Without rows, columns and depth it is no product of matrices.
                let parts = [spec.rows(), spec.columns(), spec.contracted()];
                if parts.iter().any(Vec::is_empty) {
                    return None;
                }
                let accumulator = accumulator(builder.ty(matched.root()).dtype);
                if builder.ty(matched.root()).dtype.is_integer()
                    && accumulator != builder.ty(matched.root()).dtype
                {
                    return None;
                }
                let product = contraction(spec, accumulator, builder, x, y)?;
                let shape = builder.ty(matched.root()).shape;
                builder.reshape(product, &shape)
            },
            |instance| {
                let [i, k, j] = [(); 3].map(|()| instance.extent());
                let x = instance.input(&[i, k, 1])?;
                let y = instance.input(&[k, j])?;
                let x = instance.broadcast(x, &[i, k, j])?;
                let y = instance.broadcast(y, &[i, k, j])?;
                let product = instance.binary(BinaryFunction::Multiply, x, y)?;
                instance.reduce(Reduction::Sum, &[1], product)
            },
        )
        .of(&NUMBERS)
        .given("each value is repeated along an axis that the other has"),
    ]
}

fn letter(axis: usize) -> char {
    char::from(b'a' + (axis % 26) as u8)
}

/// What is repeated, without axes of extent 1, and the letters of its axes.
fn narrow(builder: &mut Builder<'_>, id: Id, shape: &[Dim]) -> Option<(Id, Vec<char>)> {
    let nodes = builder.nodes(id).into_iter();
    let repeated = nodes.filter_map(|(op, operands)| match &*op {
        TermOp::Op(Op::Broadcast { .. }, _) => operands.first().copied(),
        _ => None,
    });
    let value = repeated.last().unwrap_or(id);
    let own = builder.ty(value).shape;
    let offset = shape.len().checked_sub(own.len())?;
    let (mut extents, mut letters) = (Vec::new(), Vec::new());
    for (axis, extent) in own.iter().enumerate() {
        if !extent.is(1) {
            extents.push(extent.clone());
            letters.push(letter(offset + axis));
        }
    }
    let value = builder.reshape(value, &extents)?;
    Some((value, letters))
}
