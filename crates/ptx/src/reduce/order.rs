use eyas_ir::{Body, ScalarOp};
use eyas_kernels::{Access, Fold, Reduce};

use crate::cursor::{is_contiguous, is_uniform};

/// The same reduction with its axes in an order that suits memory, and whether neighbours in
/// memory are in different rows: then the outer axis along which they lie is the last of those.
pub(crate) fn ordered(reduce: &Reduce) -> (Reduce, bool) {
    let (outer, inner) = (reduce.outer.len(), reduce.inner.len());
    let rank = outer + inner;
    let varies = |access: &&Access| (outer..rank).any(|axis| !is_uniform(access, axis));
    let reads = reduce.reads.iter().filter(varies);
    let writes = reduce.element.iter().flat_map(|element| &element.writes);
    let accesses: Vec<&Access> = reads.chain(writes).collect();
    let score = |axis: &usize| {
        let along = accesses
            .iter()
            .filter(|access| is_contiguous(access, *axis));
        along.count()
    };
    // Of several axes the last.
    let best = |axes: std::ops::Range<usize>| axes.max_by_key(score);
    let (near_outer, near_inner) = (best(0..outer), best(outer..rank));
    let columns = near_outer.as_ref().map_or(0, score) > near_inner.as_ref().map_or(0, score);
    let mut order: Vec<usize> = (0..rank).collect();
    if let Some(axis) = near_outer.filter(|_| columns) {
        let axis = order.remove(axis);
        order.insert(outer - 1, axis);
    }
    // The place of an extreme counts in the order that the kernel has.
    let free = reduce
        .stages
        .iter()
        .all(|stage| matches!(stage.fold, Fold::Value(_)));
    if let Some(axis) = near_inner.filter(|axis| free && score(axis) > 0) {
        let axis = order.remove(axis);
        order.push(axis);
    }
    let sorted = order.windows(2).all(|pair| pair[0] < pair[1]);
    let reduce = if sorted {
        reduce.clone()
    } else {
        reordered(reduce, &order)
    };
    (reduce, columns)
}

/// Axis `i` is axis `order[i]` of before; outer axes stay outer axes.
fn reordered(reduce: &Reduce, order: &[usize]) -> Reduce {
    let mut places = vec![0; order.len()];
    for (place, axis) in order.iter().enumerate() {
        places[*axis] = place;
    }
    let space = [&reduce.outer[..], &reduce.inner].concat();
    let space: Vec<_> = order.iter().map(|axis| space[*axis].clone()).collect();
    let (outer, inner) = space.split_at(reduce.outer.len());
    let all = |accesses: &mut Vec<Access>, order: &[usize]| {
        for access in accesses {
            *access = access.reordered(order);
        }
    };
    let mut reduce = Reduce {
        outer: outer.to_vec(),
        inner: inner.to_vec(),
        ..reduce.clone()
    };
    all(&mut reduce.reads, order);
    for stage in &mut reduce.stages {
        renumber(&mut stage.body, &places);
    }
    if let Some(row) = &mut reduce.row {
        let order = &order[..outer.len()];
        all(&mut row.reads, order);
        all(&mut row.writes, order);
        renumber(&mut row.body, &places);
    }
    if let Some(element) = &mut reduce.element {
        all(&mut element.writes, order);
        renumber(&mut element.body, &places);
    }
    reduce
}

fn renumber(body: &mut Body, places: &[usize]) {
    for node in &mut body.nodes {
        if let ScalarOp::Index(axis) = &mut node.op {
            *axis = places[*axis as usize] as u32;
        }
    }
}
