use eyas_ir::{BinaryFunction, Body, BodyBuilder, ScalarId, ScalarOp};
use eyas_kernels::{Access, Capabilities, Contraction, RightLayout, expand, row_major};
use eyas_tensor::{DType, Dim};

use super::operand::Operand;
use crate::error::Fault;

/// Below so many places a side of the result is narrow.
const NARROW: i64 = 8;

/// A contraction whose sides are alike: places of either are numbered through all its axes, and
/// so are those that are summed over.
#[derive(Debug)]
pub(super) struct Form {
    /// Axes of the result that both operands have.
    pub(super) batch: Vec<Dim>,
    /// Rows and columns of the result.
    pub(super) sides: [Side; 2],
    /// Places that are summed over.
    pub(super) contracted: Dim,
    /// What factors and sums are held in.
    pub(super) cell: DType,
    /// From two factors and a sum the sum with their product, all cells; `None` where one
    /// multiply-add is that.
    pub(super) step: Option<Body>,
    /// From the sum, a cell, and the reads, what is stored; its places are along batch, rows and
    /// columns.
    pub(super) epilogue: Body,
    /// Over batch, rows and columns.
    pub(super) reads: Vec<Access>,
    /// Over batch, rows and columns.
    pub(super) write: Access,
}

/// Rows or columns.
#[derive(Debug)]
pub(super) struct Side {
    /// Their axes.
    pub(super) extents: Vec<Dim>,
    /// Places along all of them.
    pub(super) length: Dim,
    /// The factors that vary along them.
    pub(super) operand: Operand,
}

impl Form {
    /// `dtype` is that of an argument's elements.
    pub(super) fn new(c: &Contraction, dtype: impl Fn(usize) -> DType) -> Result<Form, Fault> {
        let cell = cell(c.accumulator)?;
        let (batch, rows) = (c.batch.len(), c.rows.len());
        let operand = |access: &Access, own: &[Dim]| -> Result<Operand, Fault> {
            let convert = convert(dtype(access.argument), c.accumulator, cell);
            Operand::new(access, [&c.batch, own, &c.contracted], convert)
        };
        let left = operand(&c.left, &c.rows)?;
        let right = match c.right_layout {
            RightLayout::Strided => operand(&c.right, &c.columns)?,
            RightLayout::Panels(width) => {
                let (access, own) = panels(c, width)?;
                operand(&access, &own)?
            }
        };
        let mut form = Form {
            batch: c.batch.clone(),
            sides: [Side::new(&c.rows, left)?, Side::new(&c.columns, right)?],
            contracted: Dim::product(&c.contracted)?,
            cell,
            step: step(c.accumulator, cell),
            epilogue: expand(&from_cell(&c.epilogue, cell), Capabilities::ALL),
            reads: c.reads.clone(),
            write: c.write.clone(),
        };
        if form.is_turned() {
            form.turn(batch, rows);
        }
        Ok(form)
    }

    /// Whether rows and columns are better exchanged: a narrow side is rows, else what lies side
    /// by side in the result is columns.
    fn is_turned(&self) -> bool {
        let narrow = |side: &Side| side.length.as_constant().is_some_and(|n| n <= NARROW);
        let [rows, columns] = [0, 1].map(|side| narrow(&self.sides[side]));
        if rows != columns {
            return columns;
        }
        let (first, second) = (self.batch.len(), self.sides[0].extents.len());
        let (rows, columns) = self.write.strides[first..].split_at(second);
        let is_near = |strides: &[Dim]| strides.last().is_some_and(|stride| stride.is(1));
        is_near(rows) && !is_near(columns)
    }

    /// The same with rows and columns exchanged.
    fn turn(&mut self, batch: usize, rows: usize) {
        let all = self.write.strides.len();
        let order: Vec<usize> = (0..batch)
            .chain(batch + rows..all)
            .chain(batch..batch + rows)
            .collect();
        self.write = self.write.reordered(&order);
        for read in &mut self.reads {
            *read = read.reordered(&order);
        }
        for node in &mut self.epilogue.nodes {
            if let ScalarOp::Index(axis) = &mut node.op
                && let Some(place) = order.iter().position(|&old| old == *axis as usize)
            {
                *axis = place as u32;
            }
        }
        self.sides.reverse();
    }
}

impl Side {
    fn new(extents: &[Dim], operand: Operand) -> Result<Side, Fault> {
        Ok(Side {
            length: Dim::product(extents)?,
            extents: extents.to_vec(),
            operand,
        })
    }
}

/// A packed operand as one that is strided: its columns are panels and what is in them.
fn panels(c: &Contraction, width: usize) -> Result<(Access, Vec<Dim>), Fault> {
    let width = i64::try_from(width).unwrap_or(i64::MAX).max(1);
    let terms = Dim::product(&c.contracted)?;
    let (width, one) = (Dim::from(width), Dim::from(1));
    let columns = Dim::product(&c.columns)?;
    let count = columns.add(&width)?.sub(&one)?.floor_div(&width)?;
    let mut strides = vec![Dim::from(0); c.batch.len()];
    strides.extend([terms.mul(&width)?, one]);
    for stride in row_major(&c.contracted)? {
        strides.push(stride.mul(&width)?);
    }
    let access = Access {
        strides,
        indirect: None,
        ..c.right.clone()
    };
    Ok((access, vec![count, width]))
}

/// What sums of a type are held in: one that the machine computes with.
fn cell(accumulator: DType) -> Result<DType, Fault> {
    use DType::*;
    Ok(match accumulator {
        F64 | F32 | I64 | I32 | U64 | U32 => accumulator,
        F16 | BF16 => F32,
        I16 | I8 | U16 | U8 => I32,
        Bool => U32,
        F8E4M3 | F8E5M2 | I4 | U4 => {
            return Err(Fault::Unsupported(format!("sums in `{accumulator}`")));
        }
    })
}

/// From an element a factor.
fn convert(from: DType, accumulator: DType, cell: DType) -> Body {
    let mut builder = BodyBuilder::new();
    let element = builder.input(from);
    let factor = builder.cast(element, accumulator);
    let factor = builder.cast(factor, cell);
    expand(&builder.finish(&[factor]), Capabilities::ALL)
}

/// What adds a product to a sum where that is no single multiply-add of cells.
fn step(accumulator: DType, cell: DType) -> Option<Body> {
    let mut builder = BodyBuilder::new();
    let inputs = [cell; 3].map(|dtype| builder.input(dtype));
    let [a, b, sum] = inputs;
    let sum = match accumulator {
        DType::F16 | DType::BF16 => {
            let [a, b, sum] = inputs.map(|cell| builder.cast(cell, accumulator));
            let sum = builder.multiply_add(a, b, sum);
            builder.cast(sum, cell)
        }
        DType::Bool => {
            let both = builder.binary(BinaryFunction::And, a, b);
            builder.binary(BinaryFunction::Or, both, sum)
        }
        // Sums of narrow integers wrap when they are stored.
        _ => return None,
    };
    Some(expand(&builder.finish(&[sum]), Capabilities::ALL))
}

/// The epilogue of a sum that is held in a cell.
fn from_cell(epilogue: &Body, cell: DType) -> Body {
    let mut builder = BodyBuilder::new();
    let mut inputs: Vec<ScalarId> = Vec::with_capacity(epilogue.inputs.len());
    for (place, &dtype) in epilogue.inputs.iter().enumerate() {
        let input = builder.input(if place == 0 { cell } else { dtype });
        inputs.push(builder.cast(input, dtype));
    }
    let results = builder.inline(epilogue, &inputs);
    builder.finish(&results)
}
