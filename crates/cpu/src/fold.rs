use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{InstBuilder, StackSlotData, StackSlotKind, Type, Value, types};
use eyas_ir::{BinaryFunction, Comparison, Extreme, Reduction};
use eyas_kernels::{Fold, Stage};
use eyas_tensor::{DType, Dim};

use crate::body::{BodyPlan, Prepared};
use crate::cursor::{Cursor, is_contiguous, is_uniform, size_of};
use crate::emitter::{Emitter, PLAIN};
use crate::error::Fault;
use crate::form::Form;
use crate::nest::Nest;
use crate::reduce::{ReduceRow, Reducing};
use crate::{arithmetic, cast};

/// Lanes that a row is folded in.
const LANES: i64 = 16;

/// What is done with each value: from it and what is carried, what is carried on.
type Each<'a> = dyn Fn(&mut Emitter, Value, &[Value]) -> Result<Vec<Value>, Fault> + 'a;

/// One stage of a reduction.
pub(crate) struct Folding<'a> {
    reducing: &'a Reducing,
    stage: &'a Stage,
    plan: BodyPlan<'a>,
    /// The type of the body's value.
    value: DType,
}

impl<'a> Folding<'a> {
    /// `results` is how many stages there are before.
    pub(crate) fn new(reducing: &'a Reducing, stage: &'a Stage, results: usize) -> Folding<'a> {
        let axis = reducing.last_axis();
        let mut uniform: Vec<bool> = Vec::new();
        uniform.extend(reducing.reads.iter().map(|read| is_uniform(read, axis)));
        uniform.resize(uniform.len() + results, true);
        let varies = |number: usize| reducing.varies(number);
        Folding {
            plan: BodyPlan::new(&stage.body, &uniform, &varies),
            value: stage.body.node(stage.body.outputs[0]).dtype,
            reducing,
            stage,
        }
    }

    /// The row's value.
    pub(crate) fn emit(&self, e: &mut Emitter, row: &ReduceRow<'_>) -> Result<Value, Fault> {
        match self.stage.fold {
            Fold::Arg(extreme) => self.arg(e, row, extreme),
            Fold::Value(reduction) => {
                let lanes = Lanes::new(e, self.stage.accumulator, reduction);
                match self.form() {
                    Form::Scalar => self.one_by_one(e, row, &lanes)?,
                    form => self.vectors(e, row, &lanes, form)?,
                }
                lanes.meet(e)
            }
        }
    }

    /// Several lanes at a time where the row is one axis of neighbours, and the accumulator lies
    /// in a lane of its own width.
    fn form(&self) -> Form {
        let form = self.plan.form();
        let axis = self.reducing.last_axis();
        let mut reads = self.reducing.reads.iter();
        let even = reads.all(|read| is_uniform(read, axis) || is_contiguous(read, axis));
        let accumulator = self.stage.accumulator;
        let own_width = match form {
            Form::Scalar => false,
            Form::Four => accumulator.bits() == 32 || accumulator.is_float(),
            Form::Two => true,
        };
        let fits = form.holds(accumulator) && cast::has_vector(form, self.value, accumulator);
        let inner = self.reducing.inner();
        let long = inner[0].as_constant().is_none_or(|length| length >= LANES);
        match even && own_width && fits && inner.len() == 1 && long {
            true => form,
            false => Form::Scalar,
        }
    }

    fn prepare(
        &self,
        e: &mut Emitter,
        row: &ReduceRow<'_>,
        cursors: &[Cursor],
        places: &[Value],
    ) -> Result<Prepared, Fault> {
        let axis = self.reducing.last_axis();
        let mut inputs = Vec::new();
        for (access, cursor) in self.reducing.reads.iter().zip(cursors) {
            inputs.push(match is_uniform(access, axis) {
                true => {
                    let address = cursor.gather(e, access)?;
                    let dtype = e.dtype(access.argument);
                    Some(e.load(Form::Scalar, dtype, address, 0))
                }
                false => None,
            });
        }
        inputs.extend(row.results.iter().copied().map(Some));
        let place = |e: &mut Emitter, number| self.reducing.place(e, places, number);
        self.plan.prepare(e, &inputs, &place)
    }

    /// The accumulator's values from a place along the innermost axis on.
    fn values(
        &self,
        e: &mut Emitter,
        prepared: &Prepared,
        form: Form,
        cursors: &[Cursor],
        place: Value,
        times: i64,
    ) -> Result<Vec<Value>, Fault> {
        let axis = self.reducing.last_axis();
        let mut addresses: Vec<Option<(Value, DType)>> = Vec::new();
        for (access, cursor) in self.reducing.reads.iter().zip(cursors) {
            addresses.push(match is_uniform(access, axis) {
                true => None,
                false => {
                    let address = cursor.element(e, access, axis, place)?;
                    Some((address, e.dtype(access.argument)))
                }
            });
        }
        let mut values = Vec::new();
        for time in 0..times {
            let first = time * form.lanes();
            let inputs: Vec<Option<Value>> = addresses
                .iter()
                .map(|address| {
                    let (address, dtype) = (*address)?;
                    let offset = (first * size_of(dtype)) as i32;
                    Some(e.load(form, dtype, address, offset))
                })
                .collect();
            let place = e.ins().iadd_imm_s(place, first);
            let results = self.plan.finish(e, prepared, form, &inputs, place)?;
            let accumulator = self.stage.accumulator;
            values.push(cast::cast(e, form, self.value, accumulator, results[0]));
        }
        Ok(values)
    }

    /// Sixteen places at a time, then the rest.
    fn vectors(
        &self,
        e: &mut Emitter,
        row: &ReduceRow<'_>,
        lanes: &Lanes,
        form: Form,
    ) -> Result<(), Fault> {
        let extent = &self.reducing.inner()[0];
        let end = e.dim(extent);
        let zero = e.integer(0);
        let whole = e.ins().band_imm_s(end, -LANES);
        let times = LANES / form.lanes();
        let start = lanes.start(e, form)?;
        let carried = vec![start; times as usize];
        let places = row.places;
        // Nothing is read for a row of no places.
        let any = e.ins().icmp(IntCC::SignedGreaterThan, end, zero);
        lanes.fill(e)?;
        e.when(any, |e| {
            let prepared = self.prepare(e, row, row.reads, places)?;
            let folded = e.repeat(zero, whole, LANES, &carried, |e, place, lanes_so_far| {
                let values = self.values(e, &prepared, form, row.reads, place, times)?;
                let pairs = lanes_so_far.iter().zip(values);
                pairs
                    .map(|(so_far, value)| lanes.combine(e, form, *so_far, value))
                    .collect()
            })?;
            lanes.store(e, form, &folded);
            if extent
                .as_constant()
                .is_some_and(|length| length % LANES == 0)
            {
                return Ok(());
            }
            e.repeat(whole, end, 1, &[], |e, place, _| {
                let values = self.values(e, &prepared, Form::Scalar, row.reads, place, 1)?;
                lanes.take(e, place, values[0])?;
                Ok(Vec::new())
            })
            .map(drop)
        })
    }

    /// One place after the other, the lanes in memory.
    fn one_by_one(&self, e: &mut Emitter, row: &ReduceRow<'_>, lanes: &Lanes) -> Result<(), Fault> {
        lanes.fill(e)?;
        let count = e.integer(0);
        self.each(e, row, &[count], &|e, value, carried| {
            lanes.take(e, carried[0], value)?;
            Ok(vec![e.ins().iadd_imm_s(carried[0], 1)])
        })
        .map(drop)
    }

    /// Runs `inside` for the value of every place in row-major order.
    fn each(
        &self,
        e: &mut Emitter,
        row: &ReduceRow<'_>,
        carried: &[Value],
        inside: &Each<'_>,
    ) -> Result<Vec<Value>, Fault> {
        let (axes, last) = self
            .reducing
            .inner()
            .split_at(self.reducing.inner().len() - 1);
        let nest = Nest {
            extents: axes,
            accesses: &self.reducing.reads,
            first: self.reducing.outer().len(),
        };
        let all = |e: &mut Emitter, cursors: &[Cursor], places: &[Value], carried: &[Value]| {
            let places = [row.places, places].concat();
            let (zero, end) = (e.integer(0), e.dim(&last[0]));
            // What is the same along the axis is read at each place: there may be none.
            e.repeat(zero, end, 1, carried, |e, place, carried| {
                let prepared = self.prepare(e, row, cursors, &places)?;
                let values = self.values(e, &prepared, Form::Scalar, cursors, place, 1)?;
                inside(e, values[0], carried)
            })
        };
        nest.emit(e, row.reads, &[], carried, &all)
    }

    /// The place of the first extreme, the first NaN where one is.
    fn arg(&self, e: &mut Emitter, row: &ReduceRow<'_>, extreme: Extreme) -> Result<Value, Fault> {
        let dtype = self.stage.accumulator;
        let ty = Form::Scalar.clif(dtype);
        let (best, zero) = (e.constant(ty, 0), e.integer(0));
        let comparison = match extreme {
            Extreme::Maximum => Comparison::Greater,
            Extreme::Minimum => Comparison::Less,
        };
        let carried = [best, zero, zero];
        let found = self.each(e, row, &carried, &|e, value, carried| {
            let [best, place, count] = [carried[0], carried[1], carried[2]];
            let mut better = arithmetic::compare(e, comparison, dtype, value, best);
            if dtype.is_float() {
                let unordered = e.ins().fcmp(FloatCC::Unordered, value, value);
                better = e.ins().bor(better, unordered);
                let settled = e.ins().fcmp(FloatCC::Ordered, best, best);
                better = e.ins().band(better, settled);
            }
            let first = e.ins().icmp_imm_s(IntCC::Equal, count, 0);
            better = e.ins().bor(better, first);
            let best = e.ins().select(better, value, best);
            let place = e.ins().select(better, count, place);
            Ok(vec![best, place, e.ins().iadd_imm_s(count, 1)])
        })?;
        Ok(found[1])
    }
}

/// The lanes of a fold, in the function's frame.
struct Lanes {
    dtype: DType,
    reduction: Reduction,
    ty: Type,
    address: Value,
}

impl Lanes {
    fn new(e: &mut Emitter, dtype: DType, reduction: Reduction) -> Lanes {
        let ty = Form::Scalar.clif(dtype);
        let size = ty.bytes() * LANES as u32;
        let data = StackSlotData::new(StackSlotKind::ExplicitSlot, size, 4);
        let slot = e.builder.create_sized_stack_slot(data);
        let address = e.ins().stack_addr(types::I64, slot, 0);
        Lanes {
            dtype,
            reduction,
            ty,
            address,
        }
    }

    /// Elements of a lane's width that lie in one register.
    fn form(&self) -> Form {
        match self.ty.bytes() {
            4 => Form::Four,
            8 => Form::Two,
            _ => Form::Scalar,
        }
    }

    /// The fold of nothing.
    fn start(&self, e: &mut Emitter, form: Form) -> Result<Value, Fault> {
        let ty = form.clif(self.dtype);
        let (low, high) = self.dtype.integer_range().unwrap_or((0, 0));
        let float = self.dtype.is_float();
        Ok(match self.reduction {
            Reduction::Sum => e.constant(ty, 0),
            Reduction::Product if float => e.float(ty, 1.0),
            Reduction::Product => e.constant(ty, 1),
            Reduction::Maximum if float => e.float(ty, f64::NEG_INFINITY),
            Reduction::Minimum if float => e.float(ty, f64::INFINITY),
            Reduction::Maximum => e.constant(ty, low as u64),
            Reduction::Minimum => e.constant(ty, high as u64),
        })
    }

    fn combine(&self, e: &mut Emitter, form: Form, a: Value, b: Value) -> Result<Value, Fault> {
        let function = match self.reduction {
            Reduction::Sum => BinaryFunction::Add,
            Reduction::Product => BinaryFunction::Multiply,
            Reduction::Maximum => BinaryFunction::Maximum,
            Reduction::Minimum => BinaryFunction::Minimum,
        };
        arithmetic::binary(e, form, function, self.dtype, a, b)
    }

    /// Every lane the fold of nothing.
    fn fill(&self, e: &mut Emitter) -> Result<(), Fault> {
        let form = self.form();
        let start = self.start(e, form)?;
        let values = vec![start; (LANES / form.lanes()) as usize];
        self.store(e, form, &values);
        Ok(())
    }

    fn store(&self, e: &mut Emitter, form: Form, values: &[Value]) {
        for (number, value) in (0..).zip(values) {
            let offset = number * (form.lanes() as i32) * self.ty.bytes() as i32;
            e.ins().store(PLAIN, *value, self.address, offset);
        }
    }

    /// Folds a value into the lane of its place.
    fn take(&self, e: &mut Emitter, place: Value, value: Value) -> Result<(), Fault> {
        let lane = e.ins().band_imm_s(place, LANES - 1);
        let size = i64::from(self.ty.bytes());
        let address = e.step(self.address, lane, &Dim::from(1), size)?;
        let so_far = e.ins().load(self.ty, PLAIN, address, 0);
        let folded = self.combine(e, Form::Scalar, so_far, value)?;
        e.ins().store(PLAIN, folded, address, 0);
        Ok(())
    }

    /// All lanes as one value: lane `i` takes up lane `i + 8`, then `i + 4`, `i + 2`, `i + 1`.
    fn meet(&self, e: &mut Emitter) -> Result<Value, Fault> {
        let form = self.form();
        let ty = form.clif(self.dtype);
        let step = (form.lanes() as i32) * self.ty.bytes() as i32;
        let mut values: Vec<Value> = (0..(LANES / form.lanes()) as i32)
            .map(|number| e.ins().load(ty, PLAIN, self.address, number * step))
            .collect();
        while values.len() > 1 {
            values = self.halve(e, form, &values)?;
        }
        if form == Form::Scalar {
            return Ok(values[0]);
        }
        let lanes = 0..form.lanes() as u8;
        let mut values: Vec<Value> = lanes
            .map(|lane| e.ins().extractlane(values[0], lane))
            .collect();
        while values.len() > 1 {
            values = self.halve(e, Form::Scalar, &values)?;
        }
        Ok(values[0])
    }

    fn halve(&self, e: &mut Emitter, form: Form, values: &[Value]) -> Result<Vec<Value>, Fault> {
        let (first, second) = values.split_at(values.len() / 2);
        let pairs = first.iter().zip(second);
        pairs.map(|(a, b)| self.combine(e, form, *a, *b)).collect()
    }
}
