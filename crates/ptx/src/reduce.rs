//! Rows of places folded to values: sums, extremes, norms, softmax.
//!
//! How rows are spread over threads, `choice` says: a part of a warp a row, a block a row, several
//! blocks a row, or rows side by side where neighbours in memory are in different rows. A thread
//! folds its places one after the other, the threads of a row then meet in a fixed order (`meet`,
//! `parts`), so that results hang on the shape alone.

mod choice;
mod fold;
mod meet;
mod order;
mod parts;
mod phases;
mod row;
mod share;
mod stage;
mod team;
mod walk;

use std::collections::{BTreeMap, BTreeSet};

use eyas_ir::{Comparison, ScalarId};
use eyas_kernels::{Access, Reduce, RowFinish, Stage};
use eyas_tensor::Dim;

use crate::builder::{Control, Operand, Predicate, Register, U64};
use crate::cursor::{cursors_at, is_contiguous, is_uniform};
use crate::emitter::{Emitter, Launch};
use crate::error::Fault;
use crate::memory::size_of;
use crate::place::is_narrow;
use crate::value::Value;
use choice::{Choice, Choices, Traits};
use fold::Folding;
use phases::Phases;
use row::{Element, Row};
use team::Team;

/// Bytes that one instruction moves.
const VECTOR: i64 = 16;

/// A reduction, its axes in an order that suits memory, its bodies one.
pub(crate) struct Reducing {
    /// Axes that stay.
    pub(crate) outer: Vec<Dim>,
    /// Axes that are folded.
    pub(crate) inner: Vec<Dim>,
    /// How many rows.
    pub(crate) rows: Dim,
    /// Places of a row.
    pub(crate) length: Dim,
    /// Strides over outer and inner axes.
    pub(crate) reads: Vec<Access>,
    /// What is stored at every place.
    pub(crate) writes: Vec<Access>,
    pub(crate) phases: Phases,
    stages: Vec<Stage>,
    row: Option<RowFinish>,
}

/// A reduction.
pub(crate) fn emit(e: &mut Emitter, reduce: &Reduce) -> Result<Launch, Fault> {
    let (reduce, columns) = order::ordered(reduce);
    let reducing = Reducing::new(e, reduce)?;
    let traits = reducing.traits(e, columns);
    let choices = traits.choose()?;
    match &choices {
        Choices::Always(choice) => reducing.emit(e, choice)?,
        Choices::UpTo(limit, short, long) => {
            e.comment("is a row short enough for a warp?");
            let length = e.dim(&reducing.length);
            let is_short = e.compare(Comparison::LessOrEqual, length, *limit as u64);
            e.when_else(
                is_short,
                |e| reducing.emit(e, short),
                |e| reducing.emit(e, long),
            )?;
        }
    }
    let blocks = choices.blocks(&traits)?;
    let cost = reducing.length.mul(&Dim::from(traits.cost + 2))?;
    let mut launch = Launch::new(blocks, choices.threads() as u32, cost);
    if let Some(scratch) = parts::Scratch::of(&reducing, &choices)? {
        (launch.scratch, launch.cleared) = (scratch.bytes, scratch.cleared);
    }
    Ok(launch)
}

impl Reducing {
    fn new(e: &Emitter, reduce: Reduce) -> Result<Reducing, Fault> {
        check_places(&reduce)?;
        let outer = reduce.outer.len();
        let axes = outer..outer + reduce.inner.len();
        let varies = |access: &Access| axes.clone().any(|axis| !is_uniform(access, axis));
        let varies: Vec<bool> = reduce.reads.iter().map(varies).collect();
        let row_reads = reduce.row.iter().flat_map(|row| &row.reads);
        let reads = reduce.reads.iter().chain(row_reads);
        let types: Vec<_> = reads.map(|access| e.dtype(access.argument)).collect();
        Ok(Reducing {
            phases: Phases::new(&reduce, &types, &varies),
            rows: Dim::product(&reduce.outer)?,
            length: Dim::product(&reduce.inner)?,
            outer: reduce.outer,
            inner: reduce.inner,
            reads: reduce.reads,
            writes: reduce.element.map_or(Vec::new(), |element| element.writes),
            stages: reduce.stages,
            row: reduce.row,
        })
    }

    /// Every access that ranges over a row.
    fn accesses(&self) -> impl Iterator<Item = &Access> {
        self.reads.iter().chain(&self.writes)
    }

    fn traits(&self, e: &Emitter, columns: bool) -> Traits {
        let (first, axes) = (self.outer.len(), self.inner.len());
        let index_is_settled = |access: &Access| match &access.indirect {
            Some(indirect) => indirect.index.strides[first..].iter().all(|s| s.is(0)),
            None => true,
        };
        let single = axes == 1;
        let contiguous = self
            .accesses()
            .filter(|a| single && is_contiguous(a, first));
        let widest = contiguous.map(|a| size_of(e.dtype(a.argument))).max();
        let mut vector = widest.map_or(1, |size| (VECTOR / size).clamp(1, 8));
        // A vector must not reach beyond the row, and rows must begin at one.
        let length = self.length.as_constant();
        while vector > 1 {
            let whole = length.is_none_or(|length| length % vector == 0);
            if whole && self.accesses().any(|access| self.is_vector(access, vector)) {
                break;
            }
            vector /= 2;
        }
        Traits {
            rows: self.rows.clone(),
            length: self.length.clone(),
            columns,
            vector,
            plain: single && self.accesses().all(index_is_settled),
            divisible: self.stages.len() == 1 && self.writes.is_empty(),
            cost: self.phases.cost() as i64,
            kept: self.phases.kept() as i64,
        }
    }

    /// Whether a row may have no places.
    pub(crate) fn may_be_empty(&self) -> bool {
        self.length.as_constant().is_none_or(|length| length == 0)
    }

    /// Scalar operations that the places along the inner axes take, roughly: divisions by extents
    /// that are not known are long.
    pub(crate) fn place_cost(&self) -> i64 {
        let divisors = self.inner.iter().skip(1);
        let costs = divisors.map(|extent| extent.as_constant().map_or(100, |_| 8));
        costs.sum()
    }

    /// Whether so many places of an access lie side by side along the row, and rows may begin at a
    /// multiple of that.
    pub(crate) fn is_vector(&self, access: &Access, width: i64) -> bool {
        let first = self.outer.len();
        let may_divide = |dim: &Dim| dim.as_constant().is_none_or(|dim| dim % width == 0);
        self.inner.len() == 1
            && is_contiguous(access, first)
            && apart(access, first).all(may_divide)
    }

    /// What must hold for vectors of so many elements to be moved; `None` where nothing must.
    pub(crate) fn fits(
        &self,
        e: &mut Emitter,
        width: i64,
    ) -> Result<Option<Register<Predicate>>, Fault> {
        let mut dims: BTreeMap<u64, BTreeSet<Dim>> = BTreeMap::new();
        let mut pointers: BTreeMap<u64, BTreeSet<usize>> = BTreeMap::new();
        for access in self.accesses() {
            let size = size_of(e.dtype(access.argument));
            let bytes = (size * width).min(VECTOR);
            if width == 1 || !self.is_vector(access, width) {
                continue;
            }
            let mask = bytes as u64 - 1;
            pointers.entry(mask).or_default().insert(access.argument);
            for step in apart(access, self.outer.len()) {
                if step.as_constant().is_none() {
                    let step = step.mul(&Dim::from(size))?;
                    dims.entry(mask).or_default().insert(step);
                }
            }
        }
        if !pointers.is_empty() {
            e.comment("may memory be moved in vectors?");
        }
        let mut rest: Option<Register<U64>> = None;
        for (mask, arguments) in pointers {
            let mut operands: Vec<Operand<U64>> = Vec::new();
            operands.extend(
                arguments
                    .iter()
                    .map(|argument| Operand::from(e.argument(*argument))),
            );
            operands.extend(dims.get(&mask).into_iter().flatten().map(|dim| e.dim(dim)));
            let mut all: Option<Register<U64>> = None;
            for operand in operands {
                all = Some(match all {
                    Some(all) => e.or(all, operand),
                    None => e.held(operand),
                });
            }
            if let Some(all) = all {
                let own = e.and(all, mask);
                rest = Some(match rest {
                    Some(rest) => e.or(rest, own),
                    None => own,
                });
            }
        }
        Ok(rest.map(|rest| e.compare(Comparison::Equal, rest, 0u64)))
    }

    /// All that a block does.
    fn emit(&self, e: &mut Emitter, choice: &Choice) -> Result<(), Fault> {
        e.comment(choice.to_string());
        let team = Team::new(e, choice, &self.rows, &self.outer)?;
        let mut row = Row::new(e, self, &team)?;
        let mut kept = choice.kept.map(|turns| row.kept(e, turns));
        for (number, stage) in self.stages.iter().enumerate() {
            let wanted = [self.phases.stages[number]];
            row.prepare(e, &wanted)?;
            let folding = Folding::new(stage, is_narrow(&self.length));
            e.comment(format!("stage {number}: {}", fold::name(stage.fold)));
            let folded = match &mut kept {
                Some(elements) => {
                    row.load(e, elements, &wanted, choice.vector)?;
                    row.fold_kept(e, &folding, elements, wanted[0])?
                }
                None => row.fold_steps(e, &folding, wanted[0])?,
            };
            let mut folded = team.meet(e, &folding, folded, &format!("shares{number}"))?;
            if choice.is_divided() {
                folded = parts::conclude(e, &row, &folding, folded)?;
            }
            let result = folding.result(e, &folded, self.may_be_empty())?;
            if let Some(id) = self.phases.input(self.reads.len() + number) {
                row.shared[id.0 as usize] = Some(result);
            }
        }
        if let Some(finish) = &self.row {
            e.comment("once a row");
            let leads = team.leads(e);
            match leads {
                Some(leads) => e.when(leads, |e| self.finish_row(e, &row, finish))?,
                None => self.finish_row(e, &row, finish)?,
            }
        }
        if self.writes.is_empty() {
            return Ok(());
        }
        e.comment("at every place");
        let wanted = self.phases.element.clone();
        row.prepare(e, &wanted)?;
        match team.valid {
            Some(valid) => e.when(valid, |e| self.finish_elements(e, &row, kept, &wanted)),
            None => self.finish_elements(e, &row, kept, &wanted),
        }
    }

    fn finish_row(&self, e: &mut Emitter, row: &Row<'_>, finish: &RowFinish) -> Result<(), Fault> {
        let places = &row.team.places;
        let mut own = row.clone();
        let first = self.reads.len() + self.stages.len();
        let cursors = cursors_at(e, &finish.reads, places)?;
        for (number, (access, cursor)) in finish.reads.iter().zip(cursors).enumerate() {
            if let Some(id) = self.phases.input(first + number) {
                let spot = cursor.spot(e, access)?;
                let value = e.load_element(e.dtype(access.argument), spot, 0)?;
                own.shared[id.0 as usize] = Some(value);
            }
        }
        own.prepare(e, &self.phases.row)?;
        let cursors = cursors_at(e, &finish.writes, places)?;
        let results = finish.writes.iter().zip(cursors).zip(&self.phases.row);
        for ((access, cursor), id) in results {
            let value = own.shared[id.0 as usize].ok_or_else(Value::other_kind)?;
            let spot = cursor.spot(e, access)?;
            e.store_element(e.dtype(access.argument), spot, 0, value)?;
        }
        Ok(())
    }

    fn finish_elements(
        &self,
        e: &mut Emitter,
        row: &Row<'_>,
        kept: Option<Vec<Element>>,
        wanted: &[ScalarId],
    ) -> Result<(), Fault> {
        let cursors = cursors_at(e, &self.writes, &row.team.places)?;
        let mut each = |e: &mut Emitter, row: &Row<'_>, elements: &mut [Element], count| {
            for element in &mut *elements {
                row.compute(e, element, wanted)?;
            }
            row.store(e, elements, count, &cursors)
        };
        if let Some(mut elements) = kept {
            return row.walk_kept(e, &mut elements, wanted, &mut each);
        }
        let range = row.team.range(e, &self.length)?;
        row.walk(e, range, wanted, 0, &mut each)
    }
}

/// Threads read rows that others fold, so that nothing may be written where something is read.
fn check_places(reduce: &Reduce) -> Result<(), Fault> {
    let row = reduce.row.as_ref();
    let reads = reduce
        .reads
        .iter()
        .chain(row.iter().flat_map(|row| &row.reads));
    let read: BTreeSet<usize> = reads
        .flat_map(Access::parts)
        .map(|part| part.argument)
        .collect();
    let element = reduce.element.iter().flat_map(|element| &element.writes);
    let mut writes = row.iter().flat_map(|row| &row.writes).chain(element);
    match writes.any(|access| read.contains(&access.argument)) {
        true => Err(Fault::Unsupported("a reduction in place".to_owned())),
        false => Ok(()),
    }
}

/// What lies between places of an access that rows begin at, in elements.
fn apart(access: &Access, outer: usize) -> impl Iterator<Item = &Dim> {
    let strides = access.strides[..outer].iter();
    let index = access.indirect.iter().map(|indirect| &indirect.stride);
    strides.chain([&access.offset]).chain(index)
}
