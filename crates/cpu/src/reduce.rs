use cranelift_codegen::ir::Value;
use eyas_ir::Body;
use eyas_kernels::{Access, ElementFinish, Reduce, RowFinish, Stage};
use eyas_tensor::Dim;

use crate::body::{BodyPlan, cost};
use crate::cursor::{Cursor, cursors_at};
use crate::emitter::Emitter;
use crate::error::Fault;
use crate::expansion::expand;
use crate::fold::Folding;
use crate::form::Form;
use crate::function::WorkSize;
use crate::nest::Nest;
use crate::row::{Input, Row, RowPlace};
use crate::space::{Space, indexed_axes, spread};
use crate::units::Units;

/// A reduction after its axes were merged: accesses seen from all axes, bodies spelt out.
pub(crate) struct Reducing {
    pub(crate) space: Space,
    pub(crate) reads: Vec<Access>,
    pub(crate) stages: Vec<Stage>,
    row: Option<RowFinish>,
    element: Option<ElementFinish>,
}

/// A row of a reduction.
pub(crate) struct ReduceRow<'a> {
    /// The places along the outer axes.
    pub(crate) places: &'a [Value],
    /// The cursors of the reads.
    pub(crate) reads: &'a [Cursor],
    /// The results of the stages so far.
    pub(crate) results: Vec<Value>,
}

/// Row by row: the stages, then what is made of their results.
pub(crate) fn emit(e: &mut Emitter, reduce: &Reduce) -> Result<WorkSize, Fault> {
    let reducing = Reducing::new(reduce)?;
    let length = Dim::product(reducing.inner())?;
    let bodies = reducing.stages.iter().map(|stage| &stage.body);
    let bodies = bodies.chain(reducing.element.iter().map(|element| &element.body));
    let place_cost: i64 = bodies.map(|body| cost(body) + 2).sum();
    let row_cost = length.mul(&Dim::from(place_cost))?.add(&Dim::from(32))?;
    let units = Units::new(reducing.outer().to_vec(), &row_cost)?;
    units.emit(e, |e, places| {
        let reads = cursors_at(e, &reducing.reads, places)?;
        let mut row = ReduceRow {
            places,
            reads: &reads,
            results: Vec::new(),
        };
        for stage in &reducing.stages {
            let folding = Folding::new(&reducing, stage, row.results.len());
            let result = folding.emit(e, &row)?;
            row.results.push(result);
        }
        if let Some(finish) = &reducing.row {
            reducing.finish_row(e, finish, &row)?;
        }
        if let Some(finish) = &reducing.element {
            reducing.finish_elements(e, finish, &row)?;
        }
        Ok(())
    })?;
    Ok(WorkSize {
        unit_cost: row_cost.mul(&units.rows)?,
        units: units.count,
        scratch: Dim::from(0),
    })
}

impl Reducing {
    fn new(reduce: &Reduce) -> Result<Reducing, Fault> {
        let (outer, rank) = (reduce.outer.len(), reduce.outer.len() + reduce.inner.len());
        let expanded = |body: &Body| expand(body);
        let stages: Vec<Stage> = reduce
            .stages
            .iter()
            .map(|stage| Stage {
                body: expanded(&stage.body),
                ..stage.clone()
            })
            .collect();
        let mut row = reduce.row.clone();
        let mut element = reduce.element.clone();
        let mut accesses = reduce.reads.clone();
        if let Some(row) = &mut row {
            row.body = expanded(&row.body);
            let outer_axes: Vec<usize> = (0..outer).collect();
            let own = row.reads.iter().chain(&row.writes);
            accesses.extend(own.map(|access| spread(access, &outer_axes, rank)));
        }
        if let Some(element) = &mut element {
            element.body = expanded(&element.body);
            accesses.extend(element.writes.iter().cloned());
        }
        let bodies = stages.iter().map(|stage| &stage.body);
        let bodies = bodies.chain(row.iter().map(|row| &row.body));
        let kept = indexed_axes(bodies.chain(element.iter().map(|element| &element.body)));
        let mut space = Space::new(&[&reduce.outer, &reduce.inner], accesses, &kept)?;
        space.fill(1);
        let mut rest = std::mem::take(&mut space.accesses).into_iter();
        let reads = rest.by_ref().take(reduce.reads.len()).collect();
        if let Some(row) = &mut row {
            row.reads = rest.by_ref().take(row.reads.len()).collect();
            row.writes = rest.by_ref().take(row.writes.len()).collect();
        }
        if let Some(element) = &mut element {
            element.writes = rest.collect();
        }
        Ok(Reducing {
            space,
            reads,
            stages,
            row,
            element,
        })
    }

    pub(crate) fn outer(&self) -> &[Dim] {
        &self.space.groups[0]
    }

    pub(crate) fn inner(&self) -> &[Dim] {
        &self.space.groups[1]
    }

    /// The innermost axis.
    pub(crate) fn last_axis(&self) -> usize {
        self.outer().len() + self.inner().len() - 1
    }

    /// Whether the place along an axis of the kernel changes along the innermost one.
    pub(crate) fn varies(&self, number: usize) -> bool {
        self.space.index[number] == Some(self.last_axis())
    }

    /// The place along an axis of the kernel, from those along the merged ones.
    pub(crate) fn place(&self, e: &mut Emitter, places: &[Value], number: usize) -> Value {
        let place = self.space.index[number].and_then(|axis| places.get(axis));
        place.copied().unwrap_or_else(|| e.integer(0))
    }

    fn finish_row(
        &self,
        e: &mut Emitter,
        finish: &RowFinish,
        row: &ReduceRow<'_>,
    ) -> Result<(), Fault> {
        let mut inputs: Vec<Option<Value>> = row.results.iter().copied().map(Some).collect();
        let cursors = cursors_at(e, &finish.reads, row.places)?;
        for (cursor, access) in cursors.iter().zip(&finish.reads) {
            let address = cursor.gather(e, access)?;
            let dtype = e.dtype(access.argument);
            inputs.push(Some(e.load(Form::Scalar, dtype, address, 0)));
        }
        let plan = BodyPlan::new(&finish.body, &vec![true; inputs.len()], &|_| false);
        let place = |e: &mut Emitter, number| self.place(e, row.places, number);
        let prepared = plan.prepare(e, &inputs, &place)?;
        let nowhere = e.integer(0);
        let results = plan.finish(e, &prepared, Form::Scalar, &[], nowhere)?;
        let cursors = cursors_at(e, &finish.writes, row.places)?;
        for ((cursor, access), result) in cursors.iter().zip(&finish.writes).zip(results) {
            let address = cursor.gather(e, access)?;
            let dtype = e.dtype(access.argument);
            e.store(Form::Scalar, dtype, result, address, 0);
        }
        Ok(())
    }

    fn finish_elements(
        &self,
        e: &mut Emitter,
        finish: &ElementFinish,
        row: &ReduceRow<'_>,
    ) -> Result<(), Fault> {
        let (axes, last) = self.inner().split_at(self.inner().len() - 1);
        let inputs = self.reads.iter().map(Input::Access);
        let inputs = inputs.chain(row.results.iter().map(|_| Input::Value));
        let inputs: Vec<Input> = inputs.collect();
        let varies = |number: usize| self.varies(number);
        let (body, writes) = (&finish.body, &finish.writes[..]);
        let elements = Row::new(
            body,
            &inputs,
            writes,
            self.last_axis(),
            last[0].as_constant(),
            &varies,
        );
        let accesses = [&self.reads[..], writes].concat();
        let mut cursors = row.reads.to_vec();
        cursors.extend(cursors_at(e, writes, row.places)?);
        let nest = Nest {
            extents: axes,
            accesses: &accesses,
            first: self.outer().len(),
        };
        let reads = self.reads.len();
        let mut values: Vec<Option<Value>> = vec![None; reads];
        values.extend(row.results.iter().copied().map(Some));
        let inside = |e: &mut Emitter, cursors: &[Cursor], places: &[Value], _: &[Value]| {
            let places = [row.places, places].concat();
            let place = |e: &mut Emitter, number| self.place(e, &places, number);
            let mut read_cursors: Vec<Option<Cursor>> =
                cursors[..reads].iter().copied().map(Some).collect();
            read_cursors.resize(inputs.len(), None);
            let at = RowPlace {
                reads: &read_cursors,
                values: &values,
                writes: &cursors[reads..],
                place: &place,
                first: e.integer(0),
                end: e.dim(&last[0]),
            };
            elements.emit(e, &at)?;
            Ok(Vec::new())
        };
        nest.emit(e, &cursors, &[], &[], &inside).map(drop)
    }
}
