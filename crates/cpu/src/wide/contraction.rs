use eyas_kernels::{Access, Argument, Capabilities, Contraction, RightLayout, expand};
use eyas_plan::Isa;
use eyas_tensor::{DType, Dim};

use super::axes::{Axis, coalesce};
use super::function::Stride;
use super::program::Program;
use super::vector::Width;
use super::{WideFunction, panel_width, tile};

/// Rows of a micro-kernel; with four vectors of [`Width::Zmm`], or two of [`Width::Ymm`], its sums
/// leave registers for the operands.
pub(super) const TILE_ROWS: usize = 6;

/// Rows of a unit at most: what is read of the left operand stays in the second-level cache
/// beside a panel.
const BLOCK_ROWS: i64 = 96;

/// Places of the strides of an [`Axis`]: the operands, the result, then the epilogue's reads.
const LEFT: usize = 0;
const RIGHT: usize = 1;
const WRITE: usize = 2;
const READS: usize = 3;

/// A contraction in the form that the emitter knows: one axis of rows, one of columns, one or two
/// that are summed over, and any number around them.
#[derive(Debug)]
pub(super) struct Form<'a> {
    pub(super) width: Width,
    pub(super) left: &'a Access,
    pub(super) right: &'a Access,
    pub(super) write: &'a Access,
    pub(super) reads: Vec<Read<'a>>,
    pub(super) outer: Vec<Outer>,
    /// The innermost axis of rows.
    pub(super) rows: Outer,
    pub(super) left_row: Stride,
    pub(super) write_row: Stride,
    /// How many rows a unit has at most.
    pub(super) block: i64,
    pub(super) columns: Dim,
    /// The innermost axis that is summed over.
    pub(super) contracted: Dim,
    /// Places that are summed over, all axes together.
    pub(super) all_contracted: Dim,
    pub(super) left_contracted: Stride,
    /// The axis around the innermost one that is summed over.
    pub(super) contracted_outer: Option<(Dim, Stride)>,
    /// `None` where the right operand is packed.
    pub(super) pack: Option<Pack>,
    pub(super) program: Program,
}

/// An input of the epilogue.
#[derive(Debug)]
pub(super) struct Read<'a> {
    pub(super) access: &'a Access,
    pub(super) dtype: DType,
    pub(super) row: Stride,
    /// Whether every column has its own; else one serves all.
    pub(super) by_column: bool,
}

/// An axis around rows and columns, strides in elements.
#[derive(Debug)]
pub(super) struct Outer {
    pub(super) extent: Dim,
    pub(super) left: Dim,
    pub(super) right: Dim,
    pub(super) write: Dim,
    pub(super) reads: Vec<Dim>,
}

/// How a panel is packed before it is used.
#[derive(Debug)]
pub(super) struct Pack {
    /// Between columns, in elements.
    pub(super) column_elements: Dim,
    pub(super) column: Stride,
    pub(super) contracted: Stride,
    pub(super) contracted_outer: Option<Stride>,
}

/// The kernel's function; `None` where the form does not fit.
pub(super) fn compile(
    contraction: &Contraction,
    arguments: &[Argument],
    isa: Isa,
) -> Option<WideFunction> {
    let form = Form::new(contraction, arguments, isa)?;
    let panel = panel_width(isa)? as i64;
    let panels = ceiling(&form.columns, panel)?;
    let blocks = ceiling(&form.rows.extent, form.block)?;
    let outer = form.outer.iter().map(|axis| &axis.extent);
    let units = Dim::product(outer.chain([&blocks, &panels])).ok()?;
    let sums = form.all_contracted.clone();
    let rows = form.rows.extent.minimum(&Dim::from(form.block));
    let columns = form.columns.minimum(&Dim::from(panel));
    let unit_cost = Dim::product([&Dim::from(2), &rows, &columns, &sums]).ok()?;
    let scratch = match form.pack {
        Some(_) => sums.mul(&Dim::from(4 * panel)).ok()?,
        None => Dim::from(0),
    };
    let (bytes, dims) = tile::emit(&form, panels, blocks)?;
    Some(WideFunction {
        bytes,
        dims,
        units,
        unit_cost,
        scratch,
    })
}

fn ceiling(dim: &Dim, by: i64) -> Option<Dim> {
    let raised = dim.add(&Dim::from(by - 1)).ok()?;
    raised.floor_div(&Dim::from(by)).ok()
}

impl<'a> Form<'a> {
    fn new(contraction: &'a Contraction, arguments: &'a [Argument], isa: Isa) -> Option<Form<'a>> {
        let width = Width::of(isa)?;
        let c = contraction;
        let dtype = |access: &Access| arguments.get(access.argument).map(|a| a.dtype);
        let all = [&c.left, &c.right, &c.write].into_iter().chain(&c.reads);
        let plain = all.clone().all(|access| access.indirect.is_none());
        let floats = [&c.left, &c.right, &c.write].map(|access| dtype(access) == Some(DType::F32));
        if !plain || floats != [true; 3] || c.accumulator != DType::F32 {
            return None;
        }
        let packed = match c.right_layout {
            RightLayout::Panels(columns) if columns == panel_width(isa)? => true,
            RightLayout::Panels(_) => return None,
            RightLayout::Strided => false,
        };
        let axes = Groups::new(c, packed)?;
        let (mut around, columns, mut contracted) = axes.coalesced()?;
        let count = READS + c.reads.len();
        let rows = match around.pop_if(|axis| axis.strides[RIGHT].is(0)) {
            Some(rows) => rows,
            None => single(count),
        };
        let columns = match &columns[..] {
            [] => {
                let mut columns = single(count);
                columns.strides[WRITE] = Dim::from(1);
                columns
            }
            [columns] => columns.clone(),
            _ => return None,
        };
        let inner = contracted.pop().unwrap_or(single(count));
        let outer = contracted.pop();
        if !contracted.is_empty() || !columns.strides[WRITE].is(1) {
            return None;
        }
        let mut reads = Vec::new();
        for (place, access) in c.reads.iter().enumerate() {
            let dtype = dtype(access)?;
            let column = &columns.strides[READS + place];
            if !column.is(0) && !column.is(1) {
                return None;
            }
            let by_column = column.is(1);
            if dtype != DType::F32 && !(dtype == DType::Bool && width == Width::Zmm) {
                return None;
            }
            let row = Stride::new(&rows.strides[READS + place], dtype.bits() / 8)?;
            reads.push(Read {
                access,
                dtype,
                row,
                by_column,
            });
        }
        let program = Program::new(&expand(&c.epilogue, Capabilities::ALL), width)?;
        let result = c.epilogue.outputs.first()?;
        let results = c.epilogue.outputs.len();
        if results != 1 || c.epilogue.node(*result).dtype != DType::F32 {
            return None;
        }
        if program.inputs != reads.len() + 1 || reads.len() > tile::GREATEST_READS {
            return None;
        }
        let bytes = |dim: &Dim| Stride::new(dim, 4);
        let contracted_outer = match &outer {
            Some(axis) => Some((axis.extent.clone(), bytes(&axis.strides[LEFT])?)),
            None => None,
        };
        let pack = if packed {
            None
        } else {
            Some(Pack {
                column_elements: columns.strides[RIGHT].clone(),
                column: bytes(&columns.strides[RIGHT])?,
                contracted: bytes(&inner.strides[RIGHT])?,
                contracted_outer: match &outer {
                    Some(axis) => Some(bytes(&axis.strides[RIGHT])?),
                    None => None,
                },
            })
        };
        Some(Form {
            width,
            left: &c.left,
            right: &c.right,
            write: &c.write,
            reads,
            outer: around.into_iter().map(Outer::from).collect(),
            block: block_rows(&rows.extent),
            left_row: bytes(&rows.strides[LEFT])?,
            write_row: bytes(&rows.strides[WRITE])?,
            rows: Outer::from(rows),
            columns: columns.extent,
            all_contracted: Dim::product(&c.contracted).ok()?,
            contracted: inner.extent,
            left_contracted: bytes(&inner.strides[LEFT])?,
            contracted_outer,
            pack,
            program,
        })
    }
}

/// Blocks of whole tiles, as even as they can be.
fn block_rows(rows: &Dim) -> i64 {
    let Some(rows) = rows.as_constant().filter(|&rows| rows > 0) else {
        return BLOCK_ROWS;
    };
    let up = |a: i64, by: i64| a / by + i64::from(a % by != 0);
    let tile = TILE_ROWS as i64;
    up(up(rows, up(rows, BLOCK_ROWS)), tile) * tile
}

impl From<Axis> for Outer {
    fn from(axis: Axis) -> Outer {
        let mut strides = axis.strides.into_iter();
        let mut next = || strides.next().unwrap_or(Dim::from(0));
        Outer {
            extent: axis.extent,
            left: next(),
            right: next(),
            write: next(),
            reads: strides.collect(),
        }
    }
}

/// An axis of one place.
fn single(count: usize) -> Axis {
    Axis {
        extent: Dim::from(1),
        strides: vec![Dim::from(0); count],
    }
}

/// The axes of a contraction with all their strides.
struct Groups {
    around: Vec<Axis>,
    columns: Vec<Axis>,
    contracted: Vec<Axis>,
}

impl Groups {
    fn new(c: &Contraction, packed: bool) -> Option<Groups> {
        let (batch, rows, columns) = (c.batch.len(), c.rows.len(), c.columns.len());
        let stride = |access: &Access, place: usize| access.strides.get(place).cloned();
        let right = |place: usize| {
            if packed {
                Some(Dim::from(0))
            } else {
                stride(&c.right, place)
            }
        };
        let zero = || Some(Dim::from(0));
        let axis = |extent: &Dim, operands: [Option<Dim>; 2], result: Option<usize>| {
            let mut strides = Vec::from(operands);
            for access in [&c.write].into_iter().chain(&c.reads) {
                strides.push(match result {
                    Some(place) => stride(access, place),
                    None => zero(),
                });
            }
            let strides: Option<Vec<Dim>> = strides.into_iter().collect();
            Some(Axis {
                extent: extent.clone(),
                strides: strides?,
            })
        };
        let batch_axes = (0..).zip(&c.batch).map(|(place, extent)| {
            axis(extent, [stride(&c.left, place), right(place)], Some(place))
        });
        let row_axes = (batch..)
            .zip(&c.rows)
            .map(|(place, extent)| axis(extent, [stride(&c.left, place), zero()], Some(place)));
        let column_axes = (batch..)
            .zip(&c.columns)
            .map(|(place, extent)| axis(extent, [zero(), right(place)], Some(place + rows)));
        let contracted_axes = (batch..).zip(&c.contracted).map(|(place, extent)| {
            let operands = [stride(&c.left, place + rows), right(place + columns)];
            axis(extent, operands, None)
        });
        Some(Groups {
            around: batch_axes.chain(row_axes).collect::<Option<_>>()?,
            columns: column_axes.collect::<Option<_>>()?,
            contracted: contracted_axes.collect::<Option<_>>()?,
        })
    }

    fn coalesced(self) -> Option<(Vec<Axis>, Vec<Axis>, Vec<Axis>)> {
        Some((
            coalesce(self.around)?,
            coalesce(self.columns)?,
            coalesce(self.contracted)?,
        ))
    }
}
