use iced_x86::{Code, Instruction, Register};

use super::assembler::{Address, Condition};
use super::contraction::{Form, Pack};
use super::function::{Function, Stride};
use super::tile::{Columns, Pointers};
use super::vector::{Lanes, Width};

/// Where the operand is read, where the panel is written, and what is left.
const FROM: Register = Register::RSI;
const TO: Register = Register::RDI;
const COUNT: Register = Register::RCX;
const OUTER_FROM: Register = Register::R8;
const OUTER_COUNT: Register = Register::R9;
const STEP: Register = Register::R10;
const COLUMN_FROM: Register = Register::R11;
const COLUMN_TO: Register = Register::RBX;
const COLUMNS: Register = Register::R12;
const COLUMN_STEP: Register = Register::R13;

/// Lays the columns of an operand out as a panel in this thread's scratch memory.
pub(super) fn emit(
    function: &mut Function,
    form: &Form<'_>,
    pack: &Pack,
    pointers: &Pointers,
    columns: &Columns,
) {
    function.assembler.load(FROM, pointers.right.address());
    function.assembler.load(TO, pointers.panel.address());
    function.load_stride(STEP, &pack.contracted);
    let Some(((extent, _), stride)) = form
        .contracted_outer
        .as_ref()
        .zip(pack.contracted_outer.as_ref())
    else {
        emit_inner(function, form, pack, pointers, columns);
        return;
    };
    function.load_dim(OUTER_COUNT, extent);
    let done = function.assembler.label();
    function.assembler.compare_immediate(OUTER_COUNT, 0);
    function.assembler.branch(Condition::LessOrEqual, done);
    let head = function.assembler.here();
    function.assembler.mov(OUTER_FROM, FROM);
    emit_inner(function, form, pack, pointers, columns);
    function.load_stride(FROM, stride);
    function.assembler.add(FROM, OUTER_FROM);
    function.assembler.add_immediate(OUTER_COUNT, -1);
    function.assembler.branch(Condition::NotEqual, head);
    function.assembler.bind(done);
}

/// The innermost axis that is summed over; `TO` ends behind it.
fn emit_inner(
    function: &mut Function,
    form: &Form<'_>,
    pack: &Pack,
    pointers: &Pointers,
    columns: &Columns,
) {
    if pack.column == Stride::Baked(4) {
        rows(function, form, columns);
    } else {
        single(function, form, pack, pointers, columns);
    }
}

fn panel_bytes(width: Width) -> i32 {
    match width {
        Width::Ymm => 64,
        Width::Zmm => 256,
    }
}

/// Columns lie side by side: a vector at a time.
fn rows(function: &mut Function, form: &Form<'_>, columns: &Columns) {
    let width = form.width;
    let done = function.assembler.label();
    function.load_dim(COUNT, &form.contracted);
    let assembler = &mut function.assembler;
    assembler.compare_immediate(COUNT, 0);
    assembler.branch(Condition::LessOrEqual, done);
    let head = assembler.here();
    for (vector, &lanes) in columns.lanes.iter().enumerate() {
        let offset = (vector * width.bytes()) as i64;
        let from = Address::at(FROM).plus(offset);
        assembler.load_lanes(width, vector as u8, from, lanes);
        let to = Address::at(TO).plus(offset);
        assembler.store_lanes(width, to, vector as u8, Lanes::All, 0);
    }
    assembler.add(FROM, STEP);
    assembler.add_immediate(TO, panel_bytes(width));
    assembler.add_immediate(COUNT, -1);
    assembler.branch(Condition::NotEqual, head);
    assembler.bind(done);
}

/// Any strides: an element at a time, a column after the other.
fn single(
    function: &mut Function,
    form: &Form<'_>,
    pack: &Pack,
    pointers: &Pointers,
    columns: &Columns,
) {
    let width = form.width;
    let done = function.assembler.label();
    match columns.count {
        Some(count) => function.assembler.move_immediate(COLUMNS, count),
        None => {
            let count = pointers.columns.address();
            function.assembler.load(COLUMNS, count);
        }
    }
    function.load_stride(COLUMN_STEP, &pack.column);
    function.load_dim(COUNT, &form.contracted);
    let assembler = &mut function.assembler;
    assembler.compare_immediate(COUNT, 0);
    assembler.branch(Condition::LessOrEqual, done);
    assembler.mov(COLUMN_FROM, FROM);
    assembler.mov(COLUMN_TO, TO);
    let column = assembler.here();
    assembler.mov(Register::RDX, COLUMN_FROM);
    assembler.mov(TO, COLUMN_TO);
    function.load_dim(COUNT, &form.contracted);
    let assembler = &mut function.assembler;
    let element = assembler.here();
    let from = Address::at(Register::RDX).operand();
    let load = Instruction::with2(Code::Mov_r32_rm32, Register::EAX, from);
    assembler.push(load);
    let to = Address::at(TO).operand();
    let store = Instruction::with2(Code::Mov_rm32_r32, to, Register::EAX);
    assembler.push(store);
    assembler.add(Register::RDX, STEP);
    assembler.add_immediate(TO, panel_bytes(width));
    assembler.add_immediate(COUNT, -1);
    assembler.branch(Condition::NotEqual, element);
    assembler.add(COLUMN_FROM, COLUMN_STEP);
    assembler.add_immediate(COLUMN_TO, 4);
    assembler.add_immediate(COLUMNS, -1);
    assembler.branch(Condition::NotEqual, column);
    assembler.bind(done);
}
