//! Kernels interpreted by the book, one place after the other.

use std::collections::BTreeMap;

use eyas_ir::{BinaryFunction, Body, Combine};
use eyas_kernels::{Contraction, Kernel, Map, Reduce, RightLayout, Scatter, Work};
use eyas_tensor::{Number, Tensor};

use crate::kernel_fold::Folding;
use crate::kernel_memory::{Address, Memory, Positions, View};
use crate::scope::Scope;
use crate::{EvaluateError, Storage, scalar, scalar_body};

/// Runs a kernel on its arguments, an element after the other in row-major order. Every access is
/// checked: its bounds, its role, and that no result hangs on the order of the places.
///
/// # Errors
/// [`EvaluateError::Kernel`], which names the kernel and holds what went wrong:
/// a [`crate::KernelFault`] or what bodies and dims give.
pub fn run_kernel(
    kernel: &Kernel,
    arguments: &mut [Tensor],
    bindings: &BTreeMap<String, i64>,
) -> Result<(), EvaluateError> {
    run_kernel_in(Storage::Exact, kernel, arguments, bindings)
}

/// [`run_kernel`] with the arithmetic of bodies and sums in this storage; memory keeps the
/// arguments' own types.
///
/// # Errors
/// As [`run_kernel`].
pub fn run_kernel_in(
    storage: Storage,
    kernel: &Kernel,
    arguments: &mut [Tensor],
    bindings: &BTreeMap<String, i64>,
) -> Result<(), EvaluateError> {
    let views = arguments.iter().enumerate().map(|(piece, tensor)| View {
        dtype: tensor.dtype(),
        piece,
        byte: 0,
        first: 0,
        length: tensor.element_count(),
    });
    let views = views.collect();
    let mut pieces: Vec<&mut [u8]> = arguments.iter_mut().map(Tensor::bytes_mut).collect();
    run_on_views(storage, kernel, &mut pieces, views, bindings)
}

/// The results of a body for one element, every node rounded to its type as storage keeps it.
/// `position` is the place in the iteration space, an index an axis.
///
/// # Errors
/// [`EvaluateError::Malformed`] where the body reads what is not there, and what its dims give.
pub fn evaluate_body(
    body: &Body,
    inputs: &[Number],
    position: &[usize],
    bindings: &BTreeMap<String, i64>,
) -> Result<Vec<Number>, EvaluateError> {
    let scope = scope(Storage::Exact, bindings);
    scalar_body::evaluate(&scope, body, inputs, position)
}

fn scope(storage: Storage, bindings: &BTreeMap<String, i64>) -> Scope<'_> {
    Scope {
        storage,
        bindings,
        counters: BTreeMap::new(),
    }
}

/// Runs a kernel on arguments that lie in pieces of memory.
pub(crate) fn run_on_views(
    storage: Storage,
    kernel: &Kernel,
    pieces: &mut [&mut [u8]],
    views: Vec<View>,
    bindings: &BTreeMap<String, i64>,
) -> Result<(), EvaluateError> {
    let scope = scope(storage, bindings);
    let run = || {
        let memory = Memory::new(&scope, kernel, pieces, views)?;
        let mut interpreter = Interpreter {
            scope: &scope,
            memory,
        };
        match &kernel.work {
            Work::Map(map) => interpreter.map(map),
            Work::Reduce(reduce) => interpreter.reduce(reduce),
            Work::Contraction(contraction) => interpreter.contraction(contraction),
            Work::Scatter(scatter) => interpreter.scatter(scatter),
        }
    };
    run().map_err(|cause| EvaluateError::Kernel {
        kernel: kernel.name.clone(),
        cause: Box::new(cause),
    })
}

struct Interpreter<'a, 's, 'p, 'm> {
    scope: &'a Scope<'s>,
    memory: Memory<'p, 'm>,
}

impl Interpreter<'_, '_, '_, '_> {
    fn map(&mut self, map: &Map) -> Result<(), EvaluateError> {
        let reads = Address::all(self.scope, &map.reads)?;
        let writes = Address::all(self.scope, &map.writes)?;
        let mut positions = Positions::new(&self.scope.shape(&map.extents)?);
        while let Some(position) = positions.advance() {
            let inputs = self.read(&reads, position)?;
            self.store(&map.body, &inputs, &writes, position)?;
        }
        Ok(())
    }

    fn reduce(&mut self, reduce: &Reduce) -> Result<(), EvaluateError> {
        let outer = self.scope.shape(&reduce.outer)?;
        let inner = Positions::new(&self.scope.shape(&reduce.inner)?);
        let reads = Address::all(self.scope, &reduce.reads)?;
        let mut rows = Positions::new(&outer);
        while let Some(row) = rows.advance() {
            let results = self.folds(reduce, &reads, row, inner.clone())?;
            if let Some(finish) = &reduce.row {
                let more = Address::all(self.scope, &finish.reads)?;
                let inputs = [&results[..], &self.read(&more, row)?].concat();
                let writes = Address::all(self.scope, &finish.writes)?;
                self.store(&finish.body, &inputs, &writes, row)?;
            }
            if let Some(finish) = &reduce.element {
                let writes = Address::all(self.scope, &finish.writes)?;
                let mut places = inner.clone();
                while let Some(place) = places.advance() {
                    let position = [row, place].concat();
                    let inputs = [&self.read(&reads, &position)?, &results[..]].concat();
                    self.store(&finish.body, &inputs, &writes, &position)?;
                }
            }
        }
        Ok(())
    }

    /// The results of a row's stages.
    fn folds(
        &self,
        reduce: &Reduce,
        reads: &[Address],
        row: &[usize],
        inner: Positions,
    ) -> Result<Vec<Number>, EvaluateError> {
        let mut results: Vec<Number> = Vec::with_capacity(reduce.stages.len());
        for stage in &reduce.stages {
            let mut folding = Folding::new(self.scope.storage, stage.fold, stage.accumulator);
            let mut places = inner.clone();
            while let Some(place) = places.advance() {
                let position = [row, place].concat();
                let inputs = [&self.read(reads, &position)?, &results[..]].concat();
                let values = scalar_body::evaluate(self.scope, &stage.body, &inputs, &position)?;
                let [value] = values[..] else {
                    return Err(malformed("a stage does not give one value"));
                };
                folding.take(value);
            }
            results.push(folding.finish()?);
        }
        Ok(results)
    }

    /// Sums are those of the reference's contraction: products and sums of floats in f64, rounded
    /// once to the accumulator; integers modulo 2^128, wrapped to it.
    fn contraction(&mut self, c: &Contraction) -> Result<(), EvaluateError> {
        let scope = self.scope;
        let [batch, rows, columns, contracted] =
            [&c.batch, &c.rows, &c.columns, &c.contracted].map(|dims| scope.shape(dims));
        let (batch, rows, columns, contracted) = (batch?, rows?, columns?, contracted?);
        let terms = Terms::new(&contracted);
        let left = Operand::strided(Address::new(scope, &c.left)?, &terms);
        let right = Address::new(scope, &c.right)?;
        let right = match c.right_layout {
            RightLayout::Strided => Operand::strided(right, &terms),
            RightLayout::Panels(width) => Operand::packed(right, width, &columns, &terms),
        };
        let reads = Address::all(scope, &c.reads)?;
        let write = [Address::new(scope, &c.write)?];
        let mut positions = Positions::new(&[&batch[..], &rows, &columns].concat());
        while let Some(position) = positions.advance() {
            let (b, rest) = position.split_at(batch.len());
            let (row, column) = rest.split_at(rows.len());
            let (mut float, mut integer) = (0f64, 0i128);
            let lefts = left.row(&self.memory, &[b, row].concat(), &terms)?;
            let rights = right.row(&self.memory, &[b, column].concat(), &terms)?;
            for (x, y) in lefts.into_iter().zip(rights) {
                let x = self.memory.read(left.address.argument, x)?;
                let y = self.memory.read(right.address.argument, y)?;
                if c.accumulator.is_float() {
                    float += x.to_f64() * y.to_f64();
                } else {
                    let product = x.to_i128().wrapping_mul(y.to_i128());
                    integer = integer.wrapping_add(product);
                }
            }
            let sum = if c.accumulator.is_float() {
                Number::Float(float)
            } else {
                Number::Int(integer)
            };
            let mut inputs = vec![scope.storage.round(c.accumulator, sum)];
            inputs.extend(self.read(&reads, position)?);
            self.store(&c.epilogue, &inputs, &write, position)?;
        }
        Ok(())
    }

    fn scatter(&mut self, scatter: &Scatter) -> Result<(), EvaluateError> {
        self.memory.in_sequence();
        let update = Address::new(self.scope, &scatter.update)?;
        let target = Address::new(self.scope, &scatter.target)?;
        let function = match scatter.combine {
            Combine::Replace => None,
            Combine::Add => Some(BinaryFunction::Add),
            Combine::Maximum => Some(BinaryFunction::Maximum),
            Combine::Minimum => Some(BinaryFunction::Minimum),
        };
        let mut positions = Positions::new(&self.scope.shape(&scatter.extents)?);
        while let Some(position) = positions.advance() {
            let update = update.read(&self.memory, position)?;
            let place = target.place(&self.memory, position)?;
            let there = self.memory.read(target.argument, place)?;
            let dtype = self.memory.dtype(target.argument);
            let value = match function {
                None => update,
                Some(function) => scalar::binary(function, dtype, there, update),
            };
            let value = self.scope.storage.round(dtype, value);
            self.memory.write(target.argument, place, value)?;
        }
        Ok(())
    }

    fn read(&self, reads: &[Address], position: &[usize]) -> Result<Vec<Number>, EvaluateError> {
        let values = reads.iter().map(|read| read.read(&self.memory, position));
        values.collect()
    }

    /// Evaluates a body and writes its results.
    fn store(
        &mut self,
        body: &Body,
        inputs: &[Number],
        writes: &[Address],
        position: &[usize],
    ) -> Result<(), EvaluateError> {
        let values = scalar_body::evaluate(self.scope, body, inputs, position)?;
        if values.len() != writes.len() {
            return Err(malformed(
                "a body gives more or fewer results than are written",
            ));
        }
        for (write, value) in writes.iter().zip(values) {
            write.write(&mut self.memory, position, value)?;
        }
        Ok(())
    }
}

/// The positions of the axes that are summed over, in row-major order.
struct Terms(Vec<Vec<usize>>);

impl Terms {
    fn new(contracted: &[usize]) -> Terms {
        let (mut positions, mut all) = (Positions::new(contracted), Vec::new());
        while let Some(position) = positions.advance() {
            all.push(position.to_vec());
        }
        Terms(all)
    }
}

/// An operand of a contraction.
struct Operand {
    address: Address,
    /// How far each term is from the first; nothing where that hangs on an index.
    steps: Option<Vec<i128>>,
    /// The width of panels and the extents of the columns.
    panels: Option<(usize, Vec<usize>)>,
}

impl Operand {
    fn strided(address: Address, terms: &Terms) -> Operand {
        let steps = terms.0.iter().map(|term| address.distance(term));
        Operand {
            steps: steps.collect(),
            address,
            panels: None,
        }
    }

    fn packed(address: Address, width: usize, columns: &[usize], terms: &Terms) -> Operand {
        let steps = (0..terms.0.len()).map(|term| term as i128 * width as i128);
        Operand {
            address,
            steps: Some(steps.collect()),
            panels: Some((width.max(1), columns.to_vec())),
        }
    }

    /// The places of all terms of a row or column.
    fn row(
        &self,
        memory: &Memory<'_, '_>,
        around: &[usize],
        terms: &Terms,
    ) -> Result<Vec<i128>, EvaluateError> {
        let Some(first) = terms.0.first() else {
            return Ok(Vec::new());
        };
        let place = |term: &Vec<usize>| self.address.place(memory, &[around, term].concat());
        let Some(steps) = &self.steps else {
            return terms.0.iter().map(place).collect();
        };
        let first = match &self.panels {
            None => place(first)?,
            Some((width, columns)) => {
                let column = linear(columns, &around[around.len() - columns.len()..]);
                let (panel, within) = (column / width, column % width);
                let panels = (panel * terms.0.len()) as i128 * *width as i128;
                i128::from(self.address.offset) + panels + within as i128
            }
        };
        Ok(steps.iter().map(|step| first + step).collect())
    }
}

/// The place of a position in row-major order.
fn linear(shape: &[usize], position: &[usize]) -> usize {
    let pairs = shape.iter().zip(position);
    pairs.fold(0, |place, (extent, index)| place * extent + index)
}

fn malformed(what: &str) -> EvaluateError {
    EvaluateError::Malformed(what.to_owned())
}
