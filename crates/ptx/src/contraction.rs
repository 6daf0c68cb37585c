mod block;
mod cell;
mod epilogue;
mod form;
mod gate;
mod load;
mod operand;
mod panel;
mod share;
mod stage;
mod steps;
mod sums;
mod tile;
mod walker;

use eyas_ir::Comparison;
use eyas_kernels::Contraction;
use eyas_tensor::{DType, Dim};

use self::block::Block;
use self::cell::Cell;
use self::epilogue::Epilogue;
use self::form::Form;
use self::share::Share;
use self::sums::{Buffer, sums};
use self::tile::{Choice, THREADS, Tile, choices};
use crate::body::cost;
use crate::builder::{Control, F32, F64, Register, S32, S64, U32, U64};
use crate::emitter::{Emitter, Launch};
use crate::error::Fault;

/// A contraction on the general cores: a block sums a tile of the result in registers, from factors
/// in shared memory, and makes of the sums what is stored before they leave the registers.
///
/// The products of a sum are added in row-major order of the places that are summed over, each
/// with a multiply-add that rounds once, so that no sum hangs on the tile it is in.
pub(crate) fn emit(e: &mut Emitter, contraction: &Contraction) -> Result<Launch, Fault> {
    let form = Form::new(contraction, |argument| e.dtype(argument))?;
    match form.cell {
        DType::F64 => entry::<F64>(e, &form),
        DType::I64 => entry::<S64>(e, &form),
        DType::U64 => entry::<U64>(e, &form),
        DType::I32 => entry::<S32>(e, &form),
        DType::U32 => entry::<U32>(e, &form),
        _ => entry::<F32>(e, &form),
    }
}

fn entry<T: Cell>(e: &mut Emitter, form: &Form) -> Result<Launch, Fault> {
    let choices = choices(form);
    let cells = choices
        .iter()
        .map(|choice| Buffer::new(form, &choice.tile).all_cells());
    let memory = e.shared_array("factors", T::TYPE, cells.max().unwrap_or(0));
    choose::<T>(e, form, memory, &choices)?;
    let mut units = Dim::from(0);
    let mut below = Dim::from(0);
    for choice in &choices {
        // 1 where this is the tile that is taken.
        let end = match choice.below {
            Some(below) => is_below(form, below)?,
            None => Dim::from(1),
        };
        let blocks = choice.tile.blocks(form)?;
        units = units.add(&end.sub(&below)?.mul(&blocks)?)?;
        below = end;
    }
    let resident = choices.iter().map(|choice| choice.tile.resident).min();
    let mut launch = Launch::new(units, THREADS, unit_cost(form, &choices)?);
    launch.resident = resident.unwrap_or(1);
    Ok(launch)
}

/// 1 where there are fewer rows, else 0.
fn is_below(form: &Form, rows: i64) -> Result<Dim, Fault> {
    let short = Dim::from(rows).sub(&form.sides[0].length)?;
    Ok(short.maximum(&Dim::from(0)).minimum(&Dim::from(1)))
}

fn unit_cost(form: &Form, choices: &[Choice]) -> Result<Dim, Fault> {
    let results = choices.last().map_or(1, |choice| {
        i64::from(choice.tile.rows * choice.tile.columns)
    });
    let each = form.contracted.add(&Dim::from(cost(&form.epilogue)))?;
    Ok(each.mul(&Dim::from(results))?)
}

/// The first tile whose bound the rows are below.
fn choose<T: Cell>(
    e: &mut Emitter,
    form: &Form,
    memory: Register<U32>,
    choices: &[Choice],
) -> Result<(), Fault> {
    let Some((choice, others)) = choices.split_first() else {
        return Ok(());
    };
    let Some(below) = choice.below else {
        return tile::<T>(e, form, memory, choice.tile);
    };
    let rows = e.signed_dim(&form.sides[0].length);
    let few = e.compare(Comparison::Less, rows, below);
    e.when_else(
        few,
        |e| tile::<T>(e, form, memory, choice.tile),
        |e| choose::<T>(e, form, memory, others),
    )
}

/// A block's tile.
fn tile<T: Cell>(
    e: &mut Emitter,
    form: &Form,
    memory: Register<U32>,
    tile: Tile,
) -> Result<(), Fault> {
    e.comment(tile.to_string());
    let block = Block::new(e, form, tile)?;
    let share = Share::new::<T>(e, &tile, memory);
    let sums = sums::<T>(e, &block, &share, memory)?;
    e.comment("the epilogue");
    let epilogue = Epilogue::new(e, &block, &share);
    if tile.summing() == THREADS {
        return epilogue.emit(e, &sums);
    }
    let thread = e.thread();
    let has_sums = e.compare(Comparison::Less, thread, tile.summing());
    e.when(has_sums, |e| epilogue.emit(e, &sums))
}
