use std::collections::BTreeMap;

use eyas_tensor::DType;
use iced_x86::Register;

use super::assembler::{Address, Condition, Label};
use super::contraction::{Form, TILE_ROWS};
use super::function::{Function, Slot, Stride};
use super::lowering::{Input, Room};
use super::program::Program;
use super::tile::{Columns, Pointers};
use super::vector::{Lanes, Source};

/// Where the result goes.
const WRITE: Register = Register::R9;

/// Where the reads come from.
const READS: [Register; super::tile::GREATEST_READS] = [
    Register::RDX,
    Register::R11,
    Register::R14,
    Register::R15,
    Register::RBX,
    Register::R12,
];

/// A distance that is not part of the code.
const STEP: Register = Register::R10;

/// Sums that were laid down, and rows of them that are left.
const SUMS: Register = Register::RDI;
const LEFT: Register = Register::RCX;

/// Longer bodies are looped over the rows of a tile instead of being repeated for each.
const GREATEST_REPEATED: usize = 12;

/// What is made of the sums of a tile.
pub(super) struct Epilogue<'a> {
    form: &'a Form<'a>,
    columns: Columns,
    /// Where the sums of a tile are laid down, and the code that goes on from there.
    looped: Option<(Address, Label)>,
}

impl<'a> Epilogue<'a> {
    /// The epilogue of tiles with these columns.
    pub(super) fn new(
        form: &'a Form<'a>,
        columns: Columns,
        function: &mut Function,
    ) -> Epilogue<'a> {
        let vectors = columns.lanes.len();
        let registers = usize::from(form.width.registers());
        let mut epilogue = Epilogue {
            form,
            columns,
            looped: None,
        };
        let inputs = epilogue.inputs(Input::Register(0), 0, 0);
        let pressure = form.program.pressure(&inputs, &BTreeMap::new());
        let long = form.program.steps.len() > GREATEST_REPEATED;
        // A masked store of narrow vectors takes one more.
        if long || TILE_ROWS * vectors + pressure + 1 > registers {
            let room = function.room(TILE_ROWS * vectors * form.width.bytes());
            epilogue.looped = Some((room, function.assembler.label()));
        }
        epilogue
    }

    /// The body's inputs for a vector of a row; rows whose distance is not part of the code are
    /// where the pointers are.
    fn inputs(&self, sum: Input, row: usize, vector: usize) -> Vec<Input> {
        let lanes = self.form.width.lanes();
        let reads = self.form.reads.iter().zip(READS).map(|(read, pointer)| {
            let address = Address::at(pointer).plus(displacement(&read.row, row));
            if !read.by_column {
                return Input::Broadcast(address, read.dtype);
            }
            let column = vector * lanes * read.dtype.bits() / 8;
            let address = address.plus(column as i64);
            Input::Memory(address, read.dtype, self.columns.lanes[vector])
        });
        [sum].into_iter().chain(reads).collect()
    }

    fn load_pointers(&self, function: &mut Function, pointers: &Pointers) {
        let slots = pointers.reads.iter().zip(READS);
        for (slot, register) in slots.chain([(&pointers.write, WRITE)]) {
            function.assembler.load(register, slot.address());
        }
    }

    /// Each pointer with its register and the distance between rows.
    fn strides<'p>(
        &'p self,
        pointers: &'p Pointers,
    ) -> impl Iterator<Item = (Slot, Register, &'p Stride)> {
        let rows = self.form.reads.iter().map(|read| &read.row);
        let slots = pointers.reads.iter().copied().zip(READS).zip(rows);
        let reads = slots.map(|((slot, register), stride)| (slot, register, stride));
        reads.chain([(pointers.write, WRITE, &self.form.write_row)])
    }

    /// The tile whose sums lie in the first registers row by row.
    pub(super) fn tile(
        &mut self,
        function: &mut Function,
        pointers: &Pointers,
        uniforms: &[Address],
        rows: usize,
    ) -> Option<()> {
        let (width, vectors) = (self.form.width, self.columns.lanes.len());
        if let Some((room, label)) = self.looped {
            let assembler = &mut function.assembler;
            for sum in 0..rows * vectors {
                let to = room.plus((sum * width.bytes()) as i64);
                assembler.store_lanes(width, to, sum as u8, Lanes::All, 0);
            }
            assembler.move_immediate(LEFT, rows as i64);
            assembler.jump(label);
            return Some(());
        }
        self.load_pointers(function, pointers);
        let first = (rows * vectors) as u8;
        let mut free: Vec<u8> = (first..width.registers()).collect();
        let inputs = self.inputs(Input::Register(0), 0, 0);
        let literals = self.form.program.first_operands();
        let pinned = pin(&self.form.program, &inputs, literals, &mut free, 1);
        load_pinned(function, &self.form.program, &pinned);
        for row in 0..rows {
            for vector in 0..vectors {
                let sum = Input::Register((row * vectors + vector) as u8);
                let inputs = self.inputs(sum, row, vector);
                let target = (row, vector);
                self.vector(function, uniforms, &inputs, &pinned, free.clone(), target)?;
            }
            for (_, register, stride) in self.strides(pointers) {
                if let Stride::Read(_) = stride {
                    function.load_stride(STEP, stride);
                    function.assembler.add(register, STEP);
                }
            }
        }
        for (slot, register, stride) in self.strides(pointers) {
            match stride {
                Stride::Baked(0) => {}
                Stride::Baked(bytes) => {
                    let bytes = bytes * rows as i32;
                    function
                        .assembler
                        .add_memory_immediate(slot.address(), bytes);
                }
                Stride::Read(_) => function.assembler.store(slot.address(), register),
            }
        }
        Some(())
    }

    /// The code that all tiles go on with whose sums were laid down; comes back to `then`.
    pub(super) fn rows(
        &mut self,
        function: &mut Function,
        pointers: &Pointers,
        uniforms: &[Address],
        then: Label,
    ) -> Option<()> {
        let Some((room, label)) = self.looped else {
            return Some(());
        };
        let (width, vectors) = (self.form.width, self.columns.lanes.len());
        function.assembler.bind(label);
        self.load_pointers(function, pointers);
        function.assembler.lea(SUMS, room);
        let sum = |vector: usize| {
            let from = Address::at(SUMS).plus((vector * width.bytes()) as i64);
            Input::Memory(from, DType::F32, Lanes::All)
        };
        let mut free: Vec<u8> = (0..width.registers()).collect();
        let inputs = self.inputs(sum(0), 0, 0);
        let literals = self.form.program.literals();
        let pinned = pin(&self.form.program, &inputs, literals, &mut free, 2);
        load_pinned(function, &self.form.program, &pinned);
        let head = function.assembler.here();
        for vector in 0..vectors {
            let inputs = self.inputs(sum(vector), 0, vector);
            let target = (0, vector);
            self.vector(function, uniforms, &inputs, &pinned, free.clone(), target)?;
        }
        for (_, register, stride) in self.strides(pointers) {
            match stride {
                Stride::Baked(0) => {}
                Stride::Baked(bytes) => function.assembler.add_immediate(register, *bytes),
                Stride::Read(_) => {
                    function.load_stride(STEP, stride);
                    function.assembler.add(register, STEP);
                }
            }
        }
        let step = (vectors * width.bytes()) as i32;
        function.assembler.add_immediate(SUMS, step);
        function.assembler.add_immediate(LEFT, -1);
        function.assembler.branch(Condition::NotEqual, head);
        for (slot, register, _) in self.strides(pointers) {
            function.assembler.store(slot.address(), register);
        }
        function.assembler.jump(then);
        Some(())
    }

    /// The body and the store of one vector.
    fn vector(
        &self,
        function: &mut Function,
        uniforms: &[Address],
        inputs: &[Input],
        pinned: &BTreeMap<u32, u8>,
        free: Vec<u8>,
        (row, vector): (usize, usize),
    ) -> Option<()> {
        let width = self.form.width;
        let room = Room {
            free,
            pinned,
            spill: function.spill(),
            slots: function.spill_slots(width.bytes()),
            uniforms,
        };
        let program = &self.form.program;
        let lowered = program.lower(&mut function.assembler, inputs, room)?;
        let to = Address::at(WRITE)
            .plus(displacement(&self.form.write_row, row))
            .plus((vector * width.bytes()) as i64);
        let (result, temporary) = (*lowered.outputs.first()?, lowered.free.last().copied());
        let lanes = self.columns.lanes[vector];
        if matches!(lanes, Lanes::Memory(_)) && temporary.is_none() {
            return None;
        }
        let temporary = temporary.unwrap_or(result);
        let assembler = &mut function.assembler;
        assembler.store_lanes(width, to, result, lanes, temporary);
        Some(())
    }
}

/// How far a row lies from the pointer.
fn displacement(stride: &Stride, row: usize) -> i64 {
    match stride {
        Stride::Baked(bytes) => i64::from(*bytes) * row as i64,
        Stride::Read(_) => 0,
    }
}

/// Takes registers for literals, so that the program and `spare` more still find enough.
pub(super) fn pin(
    program: &Program,
    inputs: &[Input],
    literals: Vec<u32>,
    free: &mut Vec<u8>,
    spare: usize,
) -> BTreeMap<u32, u8> {
    let pressure = program.pressure(inputs, &BTreeMap::new());
    let mut pinned = BTreeMap::new();
    for bits in literals {
        if free.len() <= pressure + spare {
            break;
        }
        if let Some(register) = free.pop() {
            pinned.insert(bits, register);
        }
    }
    pinned
}

/// Loads the literals into their registers.
pub(super) fn load_pinned(function: &mut Function, program: &Program, pinned: &BTreeMap<u32, u8>) {
    for (bits, &register) in pinned {
        let constant = function.assembler.constant(&bits.to_le_bytes());
        let from = Source::Broadcast(constant);
        let width = program.width;
        function.assembler.load_vector(width, register, from);
    }
}
