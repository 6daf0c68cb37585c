use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Value};
use eyas_tensor::{DType, Dim};

use crate::contraction::Contracting;
use crate::cursor::{Cursor, size_of};
use crate::emitter::{Emitter, MOVABLE, PLAIN};
use crate::error::Fault;
use crate::form::Form;
use crate::nest::Nest;
use crate::{cast, fused};

/// Rows of a tall tile.
const TALL: i64 = 6;

/// Sums that are kept in registers while the contracted axes are walked.
pub(crate) struct Tile<'a> {
    pub(crate) work: &'a Contracting,
    pub(crate) rows: i64,
    pub(crate) columns: Columns,
}

/// The columns of a tile: so many values of a form.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Columns {
    form: Form,
    values: i64,
}

impl Columns {
    /// How many columns.
    pub(crate) fn count(self) -> i64 {
        self.form.lanes() * self.values
    }

    /// The widths of tiles, one after the other, that cover blocks of columns; `length` is their
    /// number as far as tails go, where that is known.
    pub(crate) fn widths(work: &Contracting, rows: i64, length: Option<i64>) -> Vec<Columns> {
        let form = Tile::form(work);
        let lanes = form.lanes();
        let values = match (form, rows) {
            (Form::Scalar, _) => 1,
            (_, 1) => 8,
            _ => 2,
        };
        let mut widths = Vec::new();
        if length.is_none_or(|length| length >= lanes * values) {
            widths.push(Columns { form, values });
        }
        if values > 1 && length.is_none_or(|length| length % (lanes * values) >= lanes) {
            widths.push(Columns { form, values: 1 });
        }
        if lanes > 1 && length.is_none_or(|length| length % lanes != 0) {
            let form = Form::Scalar;
            widths.push(Columns { form, values: 1 });
        }
        widths
    }
}

impl Tile<'_> {
    /// The heights of tiles that cover blocks of rows; `length` is the number of all rows.
    pub(crate) fn heights(_: &Contracting, length: Option<i64>) -> Vec<i64> {
        let mut heights = Vec::new();
        if length.is_none_or(|length| length >= TALL) {
            heights.push(TALL);
        }
        if length.is_none_or(|length| length % TALL != 0) {
            heights.push(1);
        }
        heights
    }

    /// Several columns at a time where they are neighbours, or are at least gathered in lanes of
    /// the accumulator's own width.
    fn form(work: &Contracting) -> Form {
        match work.accumulator {
            _ if !work.contiguous && work.is_packed() => Form::Scalar,
            DType::F32 | DType::I32 | DType::U32 => Form::Four,
            DType::F64 | DType::I64 | DType::U64 => Form::Two,
            _ => Form::Scalar,
        }
    }

    /// Computes the sums and stores them, rows `pitch` elements apart.
    pub(crate) fn emit(
        &self,
        e: &mut Emitter,
        left: Cursor,
        right: Cursor,
        sums: Value,
        pitch: i64,
    ) -> Result<(), Fault> {
        let (work, form) = (self.work, self.columns.form);
        let accumulator = work.accumulator;
        let one = e.integer(1);
        let mut cursors = vec![left];
        for _ in 1..self.rows {
            let last = cursors[cursors.len() - 1];
            cursors.push(last.advance(e, &work.left, work.row_axis(), one)?);
        }
        cursors.push(right);
        let mut accesses = vec![work.left.clone(); self.rows as usize];
        accesses.push(work.right.clone());
        let (axes, last) = work.contracted().split_at(work.contracted().len() - 1);
        let nest = Nest {
            extents: axes,
            accesses: &accesses,
            first: work.contracted_axis(),
        };
        let zero = e.constant(form.clif(accumulator), 0);
        let zeros = vec![zero; (self.rows * self.columns.values) as usize];
        let inside = |e: &mut Emitter, cursors: &[Cursor], _: &[Value], sums: &[Value]| {
            self.walk(e, cursors, &last[0], sums)
        };
        let results = nest.emit(e, &cursors, &[], &zeros, &inside)?;
        let size = size_of(accumulator);
        for (number, result) in (0..).zip(results) {
            let (row, value) = (number / self.columns.values, number % self.columns.values);
            let place = row * pitch + value * form.lanes();
            e.store(form, accumulator, result, sums, (place * size) as i32);
        }
        Ok(())
    }

    /// The innermost contracted axis.
    fn walk(
        &self,
        e: &mut Emitter,
        cursors: &[Cursor],
        extent: &Dim,
        sums: &[Value],
    ) -> Result<Vec<Value>, Fault> {
        let work = self.work;
        let axis = work.contracted_axis() + work.contracted().len() - 1;
        let (rows, right) = cursors.split_at(self.rows as usize);
        let (from, to) = (e.integer(0), e.dim(extent));
        let left_type = e.dtype(work.left.argument);
        let steps = [&work.left, &work.right].map(|access| &access.strides[axis]);
        let flags = match steps.iter().any(|stride| stride.is(0)) {
            true => PLAIN,
            false => MOVABLE,
        };
        e.repeat(from, to, 1, sums, |e, place, sums| {
            let right = right[0].advance(e, &work.right, axis, place)?;
            let columns = self.columns_at(e, flags, right.address())?;
            let mut folded = Vec::with_capacity(sums.len());
            let zero = e.integer(0);
            let step = e.step(zero, place, &work.left.strides[axis], size_of(left_type))?;
            for (row, cursor) in rows.iter().enumerate() {
                let address = e.ins().iadd(cursor.address(), step);
                let scalar = e.load_as(flags, Form::Scalar, left_type, address, 0);
                let scalar = cast::cast(e, Form::Scalar, left_type, work.accumulator, scalar);
                let value = e.splat(self.columns.form, work.accumulator, scalar);
                for (column, factor) in columns.iter().enumerate() {
                    let sum = sums[row * columns.len() + column];
                    folded.push(self.add_product(e, value, *factor, sum));
                }
            }
            Ok(folded)
        })
    }

    /// The right operand's values at a place of the contracted axes.
    fn columns_at(
        &self,
        e: &mut Emitter,
        flags: MemFlagsData,
        address: Value,
    ) -> Result<Vec<Value>, Fault> {
        let (work, form) = (self.work, self.columns.form);
        let (dtype, accumulator) = (e.dtype(work.right.argument), work.accumulator);
        let size = size_of(dtype);
        let whole = form.holds(dtype) && cast::has_vector(form, dtype, accumulator);
        let mut values = Vec::new();
        for number in 0..self.columns.values {
            let first = number * form.lanes();
            if form == Form::Scalar || work.contiguous && whole {
                let offset = (first * size) as i32;
                let value = e.load_as(flags, form, dtype, address, offset);
                values.push(cast::cast(e, form, dtype, accumulator, value));
                continue;
            }
            let stride = match work.contiguous {
                true => Dim::from(1),
                false => work.right.strides[work.column_axis()].clone(),
            };
            let mut gathered = None;
            for lane in 0..form.lanes() {
                let column = e.integer(first + lane);
                let address = e.step(address, column, &stride, size)?;
                let value = e.load_as(flags, Form::Scalar, dtype, address, 0);
                let value = cast::cast(e, Form::Scalar, dtype, accumulator, value);
                gathered = Some(match gathered {
                    None => e.splat(form, accumulator, value),
                    Some(so_far) => e.ins().insertlane(so_far, value, lane as u8),
                });
            }
            values.extend(gathered);
        }
        Ok(values)
    }

    fn add_product(&self, e: &mut Emitter, a: Value, b: Value, sum: Value) -> Value {
        let (form, dtype) = (self.columns.form, self.work.accumulator);
        if matches!(dtype, DType::F32 | DType::F64) && !e.abilities.fused {
            let product = e.ins().fmul(a, b);
            return e.ins().fadd(sum, product);
        }
        fused::multiply_add(e, form, dtype, [a, b, sum])
    }
}
