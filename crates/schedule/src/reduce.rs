use std::collections::BTreeMap;

use eyas_ir::{Op, Reduction, ScalarId, Value};
use eyas_kernels::Fold;
use eyas_tensor::{DType, Dim};

use crate::emit::{Emitter, Frame, Leaf};
use crate::index::Index;
use crate::refusal::Refusal;

/// The rows that a kernel folds.
#[derive(Debug, Clone)]
pub(crate) struct Rows {
    /// Axes that stay.
    pub(crate) outer: Vec<usize>,
    /// Axes that are folded.
    pub(crate) inner: Vec<usize>,
    /// Whether the start has one element a row, not one a place.
    pub(crate) start_is_row: bool,
    /// The folds so far.
    pub(crate) stages: Vec<StageDraft>,
    known: BTreeMap<(Value, Vec<Index>), ScalarId>,
}

/// A fold.
#[derive(Debug, Clone)]
pub(crate) struct StageDraft {
    /// The reduction in the graph.
    pub(crate) value: Value,
    /// What is folded.
    pub(crate) body: ScalarId,
    pub(crate) fold: Fold,
    pub(crate) accumulator: DType,
}

/// A reduction: how, and over which axes.
struct Folding {
    fold: Fold,
    axes: Vec<usize>,
    accumulator: DType,
    result: DType,
}

impl Emitter<'_> {
    /// The result of a reduction, as a stage of the kernel.
    pub(crate) fn reduction(&mut self, value: Value, map: &[Index]) -> Result<ScalarId, Refusal> {
        let operand = self.graph.operands(value.node)[0];
        let folding = folding(self.graph.op(value), self.dtype(operand))?;
        let key = (value, map.to_vec());
        if let Frame::Rows(rows) = &self.frame
            && let Some(id) = rows.known.get(&key)
        {
            return Ok(*id);
        }
        let shape = self.graph.type_of(operand).shape.clone();
        let inner = self.enter_rows(&shape, &folding.axes, map)?;
        let mut place = map.to_vec();
        let mut inner = inner.into_iter();
        for &axis in folding.axes.iter().filter(|&&axis| !shape[axis].is(1)) {
            place[axis] = Index::axis(inner.next().ok_or(Refusal::Form)?);
        }
        let outside = self.context;
        self.contexts += 1;
        self.context = self.contexts;
        let element = self.emit(operand, place)?;
        self.context = outside;
        let body = match folding.fold {
            Fold::Value(_) => self.builder.cast(element, folding.accumulator),
            Fold::Arg(_) => element,
        };
        let Frame::Rows(rows) = &mut self.frame else {
            return Err(Refusal::Form);
        };
        let stage = rows.stages.len();
        rows.stages.push(StageDraft {
            value,
            body,
            fold: folding.fold,
            accumulator: folding.accumulator,
        });
        let result = self.leaf(Leaf::Stage(stage), folding.result)?;
        let id = self.builder.cast(result, self.dtype(value));
        if let Frame::Rows(rows) = &mut self.frame {
            rows.known.insert(key, id);
        }
        Ok(id)
    }

    /// The axes that are folded, once it is clear that the reduction is one over the rows of this
    /// kernel; the first reduction decides which those are.
    fn enter_rows(
        &mut self,
        shape: &[Dim],
        axes: &[usize],
        map: &[Index],
    ) -> Result<Vec<usize>, Refusal> {
        let kept = (0..shape.len()).filter(|axis| !axes.contains(axis));
        let kept = kept.filter(|&axis| !shape[axis].is(1));
        let outer: Option<Vec<usize>> = kept.map(|axis| map[axis].as_axis()).collect();
        let mut outer = outer.ok_or(Refusal::Form)?;
        outer.sort_unstable();
        if outer.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(Refusal::Form);
        }
        if axes.iter().any(|&axis| !map[axis].is_zero()) {
            return Err(Refusal::Form);
        }
        let folded: Vec<Dim> = axes.iter().map(|&axis| shape[axis].clone()).collect();
        let folded: Vec<Dim> = folded.into_iter().filter(|dim| !dim.is(1)).collect();
        match &self.frame {
            Frame::Open => self.open_rows(outer, folded),
            Frame::Sums(_) => Err(Refusal::Form),
            Frame::Rows(rows) => {
                let same = rows.outer == outer && self.are_extents(&rows.inner, &folded);
                same.then(|| rows.inner.clone()).ok_or(Refusal::Form)
            }
        }
    }

    fn open_rows(&mut self, outer: Vec<usize>, folded: Vec<Dim>) -> Result<Vec<usize>, Refusal> {
        let own = self.start_axes();
        if outer.iter().any(|axis| !own.contains(axis)) {
            return Err(Refusal::Form);
        }
        let rest: Vec<usize> = own.into_iter().filter(|a| !outer.contains(a)).collect();
        let start_is_row = rest.is_empty();
        let inner = if start_is_row {
            let first = self.space.len();
            self.space.extend(folded);
            (first..self.space.len()).collect()
        } else if self.are_extents(&rest, &folded) && !outer.is_empty() {
            rest
        } else {
            return Err(Refusal::Form);
        };
        self.frame = Frame::Rows(Rows {
            outer,
            inner: inner.clone(),
            start_is_row,
            stages: Vec::new(),
            known: BTreeMap::new(),
        });
        Ok(inner)
    }

    fn are_extents(&self, axes: &[usize], extents: &[Dim]) -> bool {
        let mut pairs = axes.iter().zip(extents);
        axes.len() == extents.len()
            && pairs.all(|(&axis, extent)| self.facts.proves_equal(&self.space[axis], extent))
    }
}

fn folding(op: &Op, operand: DType) -> Result<Folding, Refusal> {
    match op {
        Op::Reduce { reduction, axes } => {
            let exact = matches!(reduction, Reduction::Maximum | Reduction::Minimum);
            let narrow = operand.is_float() && operand.bits() < DType::F32.bits();
            let accumulator = if narrow && !exact {
                DType::F32
            } else {
                operand
            };
            Ok(Folding {
                fold: Fold::Value(*reduction),
                axes: axes.clone(),
                accumulator,
                result: accumulator,
            })
        }
        Op::ArgReduce { extreme, axis } => Ok(Folding {
            fold: Fold::Arg(*extreme),
            axes: vec![*axis],
            accumulator: operand,
            result: DType::I64,
        }),
        _ => Err(Refusal::Form),
    }
}
