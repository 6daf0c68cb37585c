//! Reductions of any shape, drawn at random.

use eyas_ir::{BinaryFunction, BodyBuilder, Extreme, Reduction, ScalarId, ScalarOp};
use eyas_kernels::{
    Access, Argument, ElementFinish, Fold, Kernel, Reduce, Role, RowFinish, Stage, Work,
};
use eyas_tensor::{DType, Dim};

use super::{case, result_of, tensors};
use crate::device::{Bindings, all_agree};
use crate::draw::{Draw, kernel};

/// Strides of a dense tensor over some axes in an order; 0 along the others.
fn strides_of(space: &[Dim], order: &[usize]) -> (Vec<Dim>, Dim) {
    let mut strides = vec![Dim::from(0); space.len()];
    let mut step = Dim::from(1);
    for &axis in order.iter().rev() {
        strides[axis] = step.clone();
        step = step.mul(&space[axis]).unwrap();
    }
    (strides, step)
}

fn shuffled(draw: &mut Draw, count: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    for place in (1..count).rev() {
        order.swap(place, draw.below(place + 1));
    }
    order
}

/// Any ranks, any order of axes in memory, some extents unknown, some stages, both finishes.
fn random(draw: &mut Draw) -> (Kernel, Bindings) {
    let dtype = draw.pick(&[
        DType::I32,
        DType::F32,
        DType::U8,
        DType::F64,
        DType::F16,
        DType::I64,
    ]);
    let (outer, inner) = (draw.below(4), draw.below(3) + 1);
    let rank = outer + inner;
    let mut bound = Bindings::new();
    let mut all = 1;
    let mut space: Vec<Dim> = Vec::new();
    for axis in 0..rank {
        let mut extent = draw.pick(&[1, 2, 3, 4, 5, 7, 8, 16, 31, 33, 64, 130, 1100]);
        while all * extent > 5000 {
            extent = extent / 2 + 1;
            if extent == 2 {
                extent = 1;
            }
        }
        all *= extent;
        let symbol = format!("D{axis}");
        space.push(match draw.below(4) {
            0 => {
                bound.insert(symbol.clone(), extent);
                Dim::symbol(&symbol)
            }
            _ => Dim::from(extent),
        });
    }
    let read = |argument, strides: &[Dim]| Access {
        argument,
        offset: Dim::from(0),
        strides: strides.to_vec(),
        indirect: None,
    };
    let index = |draw: &mut Draw, b: &mut BodyBuilder, rank: usize| {
        let axis = draw.below(rank.max(1)) as u32;
        let place = match rank {
            0 => b.integer(DType::I64, 3),
            _ => b.push(ScalarOp::Index(axis), DType::I64),
        };
        b.cast(place, dtype)
    };
    let (x, x_length) = strides_of(&space, &shuffled(draw, rank));
    let mut some = shuffled(draw, rank);
    some.truncate(draw.below(rank + 1));
    let (y, y_length) = strides_of(&space, &some);
    let folds = match dtype.is_float() {
        true => vec![
            Fold::Value(Reduction::Maximum),
            Fold::Value(Reduction::Minimum),
        ],
        false => vec![Fold::Value(Reduction::Sum), Fold::Value(Reduction::Product)],
    };
    let folds = [
        &folds[..],
        &[Fold::Arg(Extreme::Maximum), Fold::Arg(Extreme::Minimum)],
    ]
    .concat();
    let mut stages: Vec<Stage> = Vec::new();
    let mut results: Vec<DType> = Vec::new();
    let stage_count = draw.below(3) + 1;
    let total = |b: &mut BodyBuilder, terms: Vec<ScalarId>| {
        let terms: Vec<ScalarId> = terms.into_iter().map(|term| b.cast(term, dtype)).collect();
        let mut terms = terms.into_iter();
        let first = terms.next().unwrap();
        terms.fold(first, |sum, term| b.binary(BinaryFunction::Add, sum, term))
    };
    for _ in 0..stage_count {
        let mut b = BodyBuilder::new();
        let mut terms = vec![b.input(dtype), b.input(dtype)];
        terms.extend(results.iter().map(|result| b.input(*result)));
        if draw.below(2) == 0 {
            terms.push(index(draw, &mut b, rank));
        }
        let value = total(&mut b, terms);
        let fold = draw.pick(&folds);
        stages.push(Stage {
            body: b.finish(&[value]),
            fold,
            accumulator: dtype,
        });
        results.push(result_of(fold, dtype));
    }
    let (rows, rows_length) = strides_of(&space[..outer], &shuffled(draw, outer));
    let mut b = BodyBuilder::new();
    let mut terms: Vec<ScalarId> = results.iter().map(|result| b.input(*result)).collect();
    terms.push(index(draw, &mut b, outer));
    let value = total(&mut b, terms);
    let row = RowFinish {
        reads: vec![],
        body: b.finish(&[value]),
        writes: vec![read(2, &rows)],
    };
    let mut arguments: Vec<(Dim, Role)> = vec![
        (x_length, Role::Read),
        (y_length, Role::Read),
        (rows_length, Role::Write),
    ];
    let element = (draw.below(2) == 0).then(|| {
        let (strides, length) = strides_of(&space, &shuffled(draw, rank));
        arguments.push((length, Role::Write));
        let mut b = BodyBuilder::new();
        let mut terms = vec![b.input(dtype), b.input(dtype)];
        terms.extend(results.iter().map(|result| b.input(*result)));
        terms.push(index(draw, &mut b, rank));
        let value = total(&mut b, terms);
        ElementFinish {
            body: b.finish(&[value]),
            writes: vec![read(3, &strides)],
        }
    });
    let reduce = Reduce {
        outer: space[..outer].to_vec(),
        inner: space[outer..].to_vec(),
        reads: vec![read(0, &x), read(1, &y)],
        stages,
        row: Some(row),
        element,
    };
    let arguments = arguments.into_iter().map(|(length, role)| Argument {
        dtype,
        role,
        length,
    });
    let kernel = kernel("test.random", arguments.collect(), Work::Reduce(reduce));
    (kernel, bound)
}

#[test]
fn random_reductions_agree() {
    let mut draw = Draw(11);
    let mut cases = Vec::new();
    for _ in 0..40 {
        let (kernel, bound) = random(&mut draw);
        let arguments = tensors(&kernel, &bound, |dtype| draw.number(dtype));
        cases.push(case(kernel, arguments, &bound, 0.0));
    }
    all_agree(&cases);
}
