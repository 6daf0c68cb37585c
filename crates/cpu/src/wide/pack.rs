use iced_x86::{Code, Instruction, Register};

use super::assembler::{Address, Assembler, Condition};
use super::contraction::{Form, Pack};
use super::function::{Function, Stride};
use super::tile::{Columns, Pointers};
use super::vector::{Lanes, Source, Width};

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
const PLACE: Register = Register::RDX;
const START: Register = Register::R14;

/// Distances between columns, thrice, five and seven times, while eight are moved at once; `FROM`
/// and `STEP` are read again behind that.
const STEP3: Register = Register::R15;
const STEP5: Register = Register::RSI;
const STEP7: Register = Register::R10;

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
        by_columns(function, form, pack, pointers, columns);
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

/// Any strides: a column after the other; eight at once where each lies in one piece.
fn by_columns(
    function: &mut Function,
    form: &Form<'_>,
    pack: &Pack,
    pointers: &Pointers,
    columns: &Columns,
) {
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
    assembler.mov(START, TO);
    if pack.contracted == Stride::Baked(4) {
        eights(function, form);
    }
    function.load_stride(STEP, &pack.contracted);
    let behind = function.assembler.label();
    function.assembler.compare_immediate(COLUMNS, 0);
    function.assembler.branch(Condition::Equal, behind);
    let column = function.assembler.here();
    function.assembler.mov(PLACE, COLUMN_FROM);
    function.assembler.mov(TO, COLUMN_TO);
    function.load_dim(COUNT, &form.contracted);
    let assembler = &mut function.assembler;
    let element = assembler.here();
    move_element(assembler, Address::at(PLACE), Address::at(TO));
    assembler.add(PLACE, STEP);
    assembler.add_immediate(TO, panel_bytes(form.width));
    assembler.add_immediate(COUNT, -1);
    assembler.branch(Condition::NotEqual, element);
    assembler.add(COLUMN_FROM, COLUMN_STEP);
    assembler.add_immediate(COLUMN_TO, 4);
    assembler.add_immediate(COLUMNS, -1);
    assembler.branch(Condition::NotEqual, column);
    assembler.bind(behind);
    function.load_dim(TO, &form.contracted);
    let assembler = &mut function.assembler;
    assembler.shift_left(TO, panel_bytes(form.width).trailing_zeros());
    assembler.add(TO, START);
    assembler.bind(done);
}

fn move_element(assembler: &mut Assembler, from: Address, to: Address) {
    let load = Instruction::with2(Code::Mov_r32_rm32, Register::EAX, from.operand());
    assembler.push(load);
    let store = Instruction::with2(Code::Mov_rm32_r32, to.operand(), Register::EAX);
    assembler.push(store);
}

/// As many times eight columns as there are, in squares of eight by eight.
fn eights(function: &mut Function, form: &Form<'_>) {
    let panel = panel_bytes(form.width);
    let assembler = &mut function.assembler;
    let (head, done) = (assembler.label(), assembler.label());
    let step = Address::at(COLUMN_STEP);
    assembler.lea(STEP3, step.indexed(COLUMN_STEP, 2));
    assembler.lea(STEP5, step.indexed(COLUMN_STEP, 4));
    assembler.lea(STEP7, Address::at(STEP3).indexed(COLUMN_STEP, 4));
    assembler.bind(head);
    assembler.compare_immediate(COLUMNS, 8);
    assembler.branch(Condition::Less, done);
    assembler.mov(PLACE, COLUMN_FROM);
    assembler.mov(TO, COLUMN_TO);
    function.load_dim(COUNT, &form.contracted);
    let assembler = &mut function.assembler;
    let (single, behind) = (assembler.label(), assembler.label());
    assembler.shift_right(COUNT, 3);
    assembler.branch(Condition::Equal, single);
    let square = assembler.here();
    for column in 0..8 {
        let from = Source::Memory(of_eight(column));
        assembler.load_vector(Width::Ymm, column, from);
    }
    turn(assembler);
    for row in 0..8 {
        let to = Address::at(TO).plus(i64::from(panel) * i64::from(row));
        assembler.store_lanes(Width::Ymm, to, row, Lanes::All, 0);
    }
    assembler.add_immediate(PLACE, 32);
    assembler.add_immediate(TO, 8 * panel);
    assembler.add_immediate(COUNT, -1);
    assembler.branch(Condition::NotEqual, square);
    assembler.bind(single);
    function.load_dim(COUNT, &form.contracted);
    let assembler = &mut function.assembler;
    assembler.and_immediate(COUNT, 7);
    assembler.branch(Condition::Equal, behind);
    let row = assembler.here();
    for column in 0..8 {
        let to = Address::at(TO).plus(4 * i64::from(column));
        move_element(assembler, of_eight(column), to);
    }
    assembler.add_immediate(PLACE, 4);
    assembler.add_immediate(TO, panel);
    assembler.add_immediate(COUNT, -1);
    assembler.branch(Condition::NotEqual, row);
    assembler.bind(behind);
    assembler.lea(
        COLUMN_FROM,
        Address::at(COLUMN_FROM).indexed(COLUMN_STEP, 8),
    );
    assembler.add_immediate(COLUMN_TO, 32);
    assembler.add_immediate(COLUMNS, -8);
    assembler.jump(head);
    assembler.bind(done);
}

/// Where one of eight columns is.
fn of_eight(column: u8) -> Address {
    let place = Address::at(PLACE);
    match column {
        0 => place,
        1 | 2 | 4 => place.indexed(COLUMN_STEP, column.into()),
        3 => place.indexed(STEP3, 1),
        5 => place.indexed(STEP5, 1),
        6 => place.indexed(STEP3, 2),
        _ => place.indexed(STEP7, 1),
    }
}

/// The square in registers 0 to 7 turned over its diagonal.
fn turn(assembler: &mut Assembler) {
    let ymm = |number: u8| Width::Ymm.register(number);
    for pair in [0, 2, 4, 6] {
        let (a, b) = (ymm(pair), ymm(pair + 1));
        let (low, high) = (ymm(pair + 8), ymm(pair + 9));
        let code = Code::VEX_Vunpcklps_ymm_ymm_ymmm256;
        assembler.push(Instruction::with3(code, low, a, b));
        let code = Code::VEX_Vunpckhps_ymm_ymm_ymmm256;
        assembler.push(Instruction::with3(code, high, a, b));
    }
    for four in [0, 4] {
        for (place, half) in [(0, 8), (2, 9)] {
            let (a, b) = (ymm(four + half), ymm(four + half + 2));
            for (to, lanes) in [(place, 0x44), (place + 1, 0xee)] {
                let code = Code::VEX_Vshufps_ymm_ymm_ymmm256_imm8;
                let to = ymm(four + to);
                assembler.push(Instruction::with4(code, to, a, b, lanes));
            }
        }
    }
    for place in 0..4 {
        let (a, b) = (ymm(place), ymm(place + 4));
        let code = Code::VEX_Vperm2f128_ymm_ymm_ymmm256_imm8;
        let high = ymm(8 + place);
        assembler.push(Instruction::with4(code, high, a, b, 0x31));
        assembler.push(Instruction::with4(code, a, a, b, 0x20));
        assembler.load_vector(Width::Ymm, place + 4, Source::Register(8 + place));
    }
}
