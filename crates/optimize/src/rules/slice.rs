use eyas_ir::{Constant, Op};
use eyas_tensor::Dim;

use crate::instance::Instance;
use crate::pattern::Pattern;
use crate::rule::{EVERYTHING, Family, Rule};
use crate::term::Kind;

use Pattern as P;

/// Parts of values: whole ones, parts of parts, parts put together again.
pub(super) fn rules() -> Vec<Rule> {
    vec![
        slice_whole(),
        slice_slice(),
        slice_of_concat(),
        concat_of_slices(),
        concat_of_one(),
        pad_nothing(),
    ]
}

/// The fields of a slice.
struct Part {
    starts: Vec<Dim>,
    shape: Vec<Dim>,
    steps: Vec<i64>,
}

fn part(op: Option<&Op>) -> Option<Part> {
    match op? {
        Op::Slice {
            starts,
            shape,
            steps,
        } => Some(Part {
            starts: starts.clone(),
            shape: shape.clone(),
            steps: steps.clone(),
        }),
        _ => None,
    }
}

fn slice(x: Pattern) -> Pattern {
    P::kind(Kind::Slice, "slice", [x])
}

fn slice_whole() -> Rule {
    Rule::new(
        "slice-whole",
        Family::Layout,
        "All of a value, in order, is the value.",
        slice(P::any(0)),
        |matched, builder| {
            let part = part(matched.op(0))?;
            let whole = builder.ty(matched.value(0)).shape == part.shape
                && part.starts.iter().all(|start| start.is(0))
                && part.steps.iter().all(|step| *step == 1);
            whole.then(|| matched.value(0))
        },
        |instance| {
            let x = instance.any()?;
            let shape = instance.ty(x).shape;
            let op = Op::Slice {
                starts: vec![Dim::from(0); shape.len()],
                steps: vec![1; shape.len()],
                shape,
            };
            instance.op(op, &[x])
        },
    )
    .of(&EVERYTHING)
}

/// A random slice of a value that has elements.
fn random_slice(instance: &mut Instance, x: eyas_ir::Value) -> Option<eyas_ir::Value> {
    let (mut starts, mut shape, mut steps) = (Vec::new(), Vec::new(), Vec::new());
    for extent in instance.extents(x) {
        if extent == 0 {
            return None;
        }
        let step = *instance.draw.pick(&[1, 1, 2, -1]);
        let start = instance.draw.below(extent) as i64;
        let room = if step > 0 {
            extent as i64 - 1 - start
        } else {
            start
        };
        let most = room / i64::abs(step) + 1;
        starts.push(Dim::from(start));
        shape.push(Dim::from(1 + instance.draw.below(most as usize) as i64));
        steps.push(step);
    }
    let op = Op::Slice {
        starts,
        shape,
        steps,
    };
    instance.op(op, &[x])
}

fn slice_slice() -> Rule {
    Rule::new(
        "slice-slice",
        Family::Layout,
        "A part of a part is a part.",
        slice(slice(P::any(0))),
        |matched, builder| {
            let (outer, inner) = (part(matched.op(0))?, part(matched.op(1))?);
            let (mut starts, mut steps) = (Vec::new(), Vec::new());
            for axis in 0..outer.starts.len() {
                let step = Dim::from(inner.steps[axis]);
                let offset = outer.starts[axis].mul(&step).ok()?;
                starts.push(inner.starts[axis].add(&offset).ok()?);
                steps.push(inner.steps[axis].checked_mul(outer.steps[axis])?);
            }
            let op = Op::Slice {
                starts,
                shape: outer.shape,
                steps,
            };
            builder.op(op, &[matched.value(0)])
        },
        |instance| {
            let x = instance.any()?;
            let once = random_slice(instance, x)?;
            random_slice(instance, once)
        },
    )
    .of(&EVERYTHING)
    .ranks(1, 3)
}

fn slice_of_concat() -> Rule {
    Rule::new(
        "slice-of-concat",
        Family::Layout,
        "A part that lies in one of several values put together is a part of that one.",
        slice(P::over_anything([Kind::Concat], "concat", |_| true)),
        |matched, builder| {
            let part = part(matched.op(0))?;
            let Op::Concat { axis } = matched.op(1)? else {
                return None;
            };
            let (axis, operands) = (*axis, matched.operands(1).to_vec());
            if part.steps[axis] != 1 {
                return None;
            }
            let mut before = Dim::from(0);
            for operand in operands {
                let extent = builder.ty(operand).shape[axis].clone();
                let start = part.starts[axis].sub(&before).ok()?;
                let end = start.add(&part.shape[axis]).ok()?;
                let room = extent.sub(&end).ok()?;
                let inside = |dim: &Dim| dim.as_constant().is_some_and(|value| value >= 0);
                if inside(&start) && inside(&room) {
                    let mut starts = part.starts.clone();
                    starts[axis] = start;
                    let op = Op::Slice {
                        starts,
                        shape: part.shape.clone(),
                        steps: part.steps.clone(),
                    };
                    return builder.op(op, &[operand]);
                }
                before = before.add(&extent).ok()?;
            }
            None
        },
        |instance| {
            let x = instance.any()?;
            let y = instance.like(x)?;
            let axis = instance.axis(x)?;
            let both = instance.op(Op::Concat { axis }, &[x, y])?;
            let second = instance.draw.one_in(2);
            let shape = instance.ty(x).shape;
            let mut starts = vec![Dim::from(0); shape.len()];
            if second {
                starts[axis] = shape[axis].clone();
            }
            let op = Op::Slice {
                starts,
                steps: vec![1; shape.len()],
                shape,
            };
            instance.op(op, &[both])
        },
    )
    .of(&EVERYTHING)
    .ranks(1, 3)
    .given("it is proved where the part lies, and it steps by 1 along the axis")
}

fn concat_of_slices() -> Rule {
    Rule::new(
        "concat-of-slices",
        Family::Layout,
        "Neighbouring parts of one value, put together, are one part.",
        P::kind(
            Kind::Concat,
            "concat of two",
            [slice(P::any(0)), slice(P::any(0))],
        ),
        |matched, builder| {
            let Op::Concat { axis } = matched.op(0)? else {
                return None;
            };
            let axis = *axis;
            let (first, second) = (part(matched.op(1))?, part(matched.op(2))?);
            if first.steps != second.steps || first.steps[axis] != 1 {
                return None;
            }
            let end = first.starts[axis].add(&first.shape[axis]).ok()?;
            let neighbours = (0..first.starts.len()).all(|place| match place == axis {
                true => end == second.starts[place],
                false => {
                    first.starts[place] == second.starts[place]
                        && first.shape[place] == second.shape[place]
                }
            });
            if !neighbours {
                return None;
            }
            let op = Op::Slice {
                starts: first.starts,
                shape: builder.ty(matched.root()).shape,
                steps: first.steps,
            };
            builder.op(op, &[matched.value(0)])
        },
        |instance| {
            let x = instance.any()?;
            let axis = instance.axis(x)?;
            let shape = instance.extents(x);
            let at = instance.draw.below(shape[axis] + 1);
            let mut parts = Vec::new();
            for (start, end) in [(0, at), (at, shape[axis])] {
                let mut starts = vec![Dim::from(0); shape.len()];
                let mut extents = instance.ty(x).shape;
                starts[axis] = Dim::from(start as i64);
                extents[axis] = Dim::from((end - start) as i64);
                let op = Op::Slice {
                    starts,
                    steps: vec![1; shape.len()],
                    shape: extents,
                };
                parts.push(instance.op(op, &[x])?);
            }
            instance.op(Op::Concat { axis }, &parts)
        },
    )
    .of(&EVERYTHING)
    .ranks(1, 3)
    .given("the second begins where the first ends")
}

fn concat_of_one() -> Rule {
    Rule::new(
        "concat-of-one",
        Family::Layout,
        "One value put together, or one beside empty ones, is the value.",
        P::over_anything([Kind::Concat], "concat", |_| true),
        |matched, builder| {
            let Op::Concat { axis } = matched.op(0)? else {
                return None;
            };
            let operands = matched.operands(0).to_vec();
            let full: Vec<egg::Id> = operands
                .iter()
                .copied()
                .filter(|id| !builder.data(*id).ty().shape[*axis].is(0))
                .collect();
            match (&full[..], &operands[..]) {
                ([one], _) | ([], [one, ..]) => Some(*one),
                _ if full.len() < operands.len() => {
                    let axis = *axis;
                    builder.op(Op::Concat { axis }, &full)
                }
                _ => None,
            }
        },
        |instance| {
            let x = instance.any()?;
            let axis = instance.axis(x)?;
            let mut shape = instance.extents(x);
            shape[axis] = 0;
            let empty = instance.input(&shape)?;
            let operands = match instance.draw.below(3) {
                0 => vec![x],
                1 => vec![x, empty],
                _ => vec![empty, x, x],
            };
            instance.op(Op::Concat { axis }, &operands)
        },
    )
    .of(&EVERYTHING)
    .ranks(1, 3)
}

fn pad_nothing() -> Rule {
    Rule::new(
        "pad-nothing",
        Family::Layout,
        "No room around a value is the value.",
        P::kind(Kind::Pad, "pad", [P::any(0)]),
        |matched, builder| {
            let same = builder.ty(matched.root()) == builder.ty(matched.value(0));
            let Op::Pad { low, high, .. } = matched.op(0)? else {
                return None;
            };
            let none = low.iter().chain(high).all(|room| room.is(0));
            (same && none).then(|| matched.value(0))
        },
        |instance| {
            let x = instance.any()?;
            let none = vec![Dim::from(0); instance.ty(x).rank()];
            let number = instance.draw.number(instance.dtype());
            let op = Op::Pad {
                low: none.clone(),
                high: none,
                value: Constant::scalar(instance.dtype(), number),
            };
            instance.op(op, &[x])
        },
    )
    .of(&EVERYTHING)
}
