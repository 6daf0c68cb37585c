//! Whether a kernel makes sense, so that emitting its code need not ask.

use eyas_ir::{Body, ScalarOp};
use eyas_kernels::{Access, Contraction, Fold, Kernel, Map, Reduce, Scatter, Work};
use eyas_tensor::DType;

use crate::error::Fault;

/// # Errors
/// [`Fault::Malformed`], and [`Fault::Unsupported`] for element types without a CPU form.
pub(crate) fn check(kernel: &Kernel) -> Result<(), Fault> {
    let checker = Checker { kernel };
    for argument in &kernel.arguments {
        supported(argument.dtype)?;
    }
    match &kernel.work {
        Work::Map(map) => checker.map(map),
        Work::Reduce(reduce) => checker.reduce(reduce),
        Work::Contraction(contraction) => checker.contraction(contraction),
        Work::Scatter(scatter) => checker.scatter(scatter),
    }
}

/// # Errors
/// [`Fault::Unsupported`].
pub(crate) fn supported(dtype: DType) -> Result<(), Fault> {
    match dtype {
        DType::F8E4M3 | DType::F8E5M2 | DType::I4 | DType::U4 => {
            Err(Fault::Unsupported(format!("element type `{dtype}`")))
        }
        _ => Ok(()),
    }
}

struct Checker<'a> {
    kernel: &'a Kernel,
}

type Checked = Result<(), Fault>;

impl Checker<'_> {
    fn map(&self, map: &Map) -> Checked {
        let rank = map.extents.len();
        self.accesses(&map.reads, rank)?;
        self.accesses(&map.writes, rank)?;
        let inputs = self.dtypes(&map.reads);
        let outputs = self.dtypes(&map.writes);
        body(&map.body, &inputs, Some(&outputs), rank)
    }

    fn reduce(&self, reduce: &Reduce) -> Checked {
        let (outer, rank) = (reduce.outer.len(), reduce.outer.len() + reduce.inner.len());
        self.accesses(&reduce.reads, rank)?;
        let reads = self.dtypes(&reduce.reads);
        let (mut inputs, mut results) = (reads.clone(), Vec::new());
        for stage in &reduce.stages {
            supported(stage.accumulator)?;
            body(&stage.body, &inputs, None, rank)?;
            if stage.body.outputs.len() != 1 {
                return malformed("a stage whose body has not one result");
            }
            let result = match stage.fold {
                Fold::Value(_) => stage.accumulator,
                Fold::Arg(_) => DType::I64,
            };
            inputs.push(result);
            results.push(result);
        }
        if let Some(row) = &reduce.row {
            self.accesses(&row.reads, outer)?;
            self.accesses(&row.writes, outer)?;
            let inputs = [results, self.dtypes(&row.reads)].concat();
            body(&row.body, &inputs, Some(&self.dtypes(&row.writes)), outer)?;
        }
        if let Some(element) = &reduce.element {
            self.accesses(&element.writes, rank)?;
            let outputs = self.dtypes(&element.writes);
            body(&element.body, &inputs, Some(&outputs), rank)?;
        }
        Ok(())
    }

    fn contraction(&self, work: &Contraction) -> Checked {
        let (batch, rows) = (work.batch.len(), work.rows.len());
        let (columns, contracted) = (work.columns.len(), work.contracted.len());
        supported(work.accumulator)?;
        self.access(&work.left, batch + rows + contracted)?;
        // A packed operand's strides say nothing.
        if work.right_layout == eyas_kernels::RightLayout::Strided {
            self.access(&work.right, batch + columns + contracted)?;
        } else {
            self.access(&work.right, work.right.strides.len())?;
        }
        let rank = batch + rows + columns;
        self.accesses(&work.reads, rank)?;
        self.access(&work.write, rank)?;
        let inputs = [vec![work.accumulator], self.dtypes(&work.reads)].concat();
        let output = [self.dtype(&work.write)];
        body(&work.epilogue, &inputs, Some(&output), rank)
    }

    fn scatter(&self, scatter: &Scatter) -> Checked {
        self.access(&scatter.update, scatter.extents.len())?;
        self.access(&scatter.target, scatter.extents.len())?;
        match self.dtype(&scatter.update) == self.dtype(&scatter.target) {
            true => Ok(()),
            false => malformed("a scatter of values of another type than its target"),
        }
    }

    fn dtype(&self, access: &Access) -> DType {
        self.kernel.arguments[access.argument].dtype
    }

    fn dtypes(&self, accesses: &[Access]) -> Vec<DType> {
        accesses.iter().map(|access| self.dtype(access)).collect()
    }

    fn accesses(&self, accesses: &[Access], rank: usize) -> Checked {
        accesses.iter().try_for_each(|a| self.access(a, rank))
    }

    fn access(&self, access: &Access, rank: usize) -> Checked {
        for part in access.parts() {
            if part.argument >= self.kernel.arguments.len() {
                return malformed("an access to an argument that is not there");
            }
            if part.strides.len() != rank {
                return malformed("an access with another rank than its space");
            }
        }
        let Some(indirect) = &access.indirect else {
            return Ok(());
        };
        if indirect.index.indirect.is_some() || !self.dtype(&indirect.index).is_integer() {
            return malformed("an index that is no plain integer");
        }
        Ok(())
    }
}

fn malformed(what: &str) -> Checked {
    Err(Fault::Malformed(what.to_owned()))
}

fn body(body: &Body, inputs: &[DType], outputs: Option<&[DType]>, rank: usize) -> Checked {
    if !body.is_well_formed() || body.inputs != inputs {
        return malformed("a body that does not fit what it reads");
    }
    if outputs.is_some_and(|outputs| outputs.len() != body.outputs.len()) {
        return malformed("a body with other results than are written");
    }
    for (place, output) in body.outputs.iter().enumerate() {
        let wanted = outputs.map(|outputs| outputs[place]);
        if wanted.is_some_and(|wanted| wanted != body.node(*output).dtype) {
            return malformed("a result of another type than its argument");
        }
    }
    for node in &body.nodes {
        supported(node.dtype)?;
        node_types(body, node)?;
        if matches!(node.op, ScalarOp::Index(axis) if axis as usize >= rank) {
            return malformed("an index of an axis that is not there");
        }
    }
    Ok(())
}

/// Whether the types of a node and its operands agree.
fn node_types(body: &Body, node: &eyas_ir::Scalar) -> Checked {
    let of = |id: eyas_ir::ScalarId| body.node(id).dtype;
    let dtype = node.dtype;
    let right = match node.op {
        ScalarOp::Input(place) => body.inputs[place as usize] == dtype,
        ScalarOp::Literal(ref constant) => {
            constant.tensor().dtype() == dtype && constant.splat().is_some()
        }
        ScalarOp::Extent(_) | ScalarOp::Cast(_) => true,
        ScalarOp::Index(_) => dtype == DType::I64,
        ScalarOp::Unary(_, a) => of(a) == dtype,
        ScalarOp::Binary(_, a, b) => of(a) == dtype && of(b) == dtype,
        ScalarOp::Compare(_, a, b) => of(a) == of(b) && dtype == DType::Bool,
        ScalarOp::Select(condition, a, b) => {
            of(condition) == DType::Bool && of(a) == dtype && of(b) == dtype
        }
        ScalarOp::MultiplyAdd(a, b, c) => [a, b, c].iter().all(|id| of(*id) == dtype),
        ScalarOp::Bitcast(a) => of(a).bits() == dtype.bits(),
        ScalarOp::ShiftLeft(a, _) | ScalarOp::ShiftRight(a, _) => {
            of(a) == dtype && dtype.is_integer()
        }
    };
    match right {
        true => Ok(()),
        false => malformed("a scalar whose operands have other types"),
    }
}
