use eyas_tensor::Dim;
use iced_x86::{Code, Instruction, Register};

use super::assembler::{Address, Condition, Label};
use super::contraction::{Form, TILE_ROWS};
use super::epilogue::Epilogue;
use super::function::{Function, Slot, Stride};
use super::pack;
use super::vector::{Binary, Lanes, Source, Width};

/// Inputs that an epilogue has pointer registers for.
pub(super) const GREATEST_READS: usize = 6;

/// Steps of the innermost loop at once.
const UNROLLED: i64 = 4;

/// While a tile is summed: the left operand, the panel, what is left to do, and the strides of the
/// left operand's rows once, thrice and five times.
const LEFT: Register = Register::RDI;
const PANEL: Register = Register::RSI;
const COUNT: Register = Register::RCX;
const ROW: Register = Register::RBX;
const ROW3: Register = Register::R12;
const ROW5: Register = Register::R13;
const LEFT_STEP: Register = Register::R14;
const OUTER_COUNT: Register = Register::R15;
const OUTER_LEFT: Register = Register::R8;

/// Where a unit has got to.
#[derive(Debug)]
pub(super) struct Pointers {
    pub(super) left: Slot,
    /// Of a packed operand the panel, else where the panel is packed from.
    pub(super) right: Slot,
    pub(super) panel: Slot,
    pub(super) write: Slot,
    pub(super) reads: Vec<Slot>,
    /// Rows that are left.
    pub(super) rows: Slot,
    /// Columns of the panel.
    pub(super) columns: Slot,
    contracted: Slot,
}

/// The columns of a panel as vectors.
#[derive(Debug, Clone)]
pub(super) struct Columns {
    /// The lanes that count, a vector each.
    pub(super) lanes: Vec<Lanes>,
    /// How many columns there are, where that is known.
    pub(super) count: Option<i64>,
}

/// The code of a whole contraction and the dims that it reads.
pub(super) fn emit(form: &Form<'_>, panels: Dim, blocks: Dim) -> Option<(Vec<u8>, Vec<Dim>)> {
    let mut function = Function::new();
    let uniforms = function.uniforms(&form.program.uniforms, 0);
    let pointers = Pointers {
        left: function.slot(),
        right: function.slot(),
        panel: function.slot(),
        write: function.slot(),
        reads: form.reads.iter().map(|_| function.slot()).collect(),
        rows: function.slot(),
        columns: function.slot(),
        contracted: function.slot(),
    };
    if form.contracted.as_constant().is_none() {
        function.load_dim(Register::RAX, &form.contracted);
        let slot = pointers.contracted.address();
        function.assembler.store(slot, Register::RAX);
    }
    let units = function.open_units();
    let outer = form.outer.iter().map(|axis| axis.extent.clone());
    let extents: Vec<Dim> = outer.chain([blocks, panels.clone()]).collect();
    let places = function.places(&extents);
    let mut emitter = Emitter {
        function,
        form,
        pointers,
        uniforms,
        next: units.0,
    };
    emitter.begin_unit(&places)?;
    let (full, tail) = emitter.columns();
    if let (Some(full), Some(tail)) = (&full, &tail) {
        let last = emitter.function.assembler.label();
        let panel = places.last()?.address();
        emitter.function.load_dim(Register::RAX, &panels);
        emitter.function.assembler.add_immediate(Register::RAX, -1);
        emitter
            .function
            .assembler
            .compare_memory(Register::RAX, panel);
        emitter.function.assembler.branch(Condition::Equal, last);
        emitter.panel(full)?;
        emitter.function.assembler.bind(last);
        emitter.panel(tail)?;
    } else {
        emitter.panel(full.as_ref().or(tail.as_ref())?)?;
    }
    emitter.function.close_units(units);
    emitter.function.finish()
}

struct Emitter<'a> {
    function: Function,
    form: &'a Form<'a>,
    pointers: Pointers,
    uniforms: Vec<Address>,
    next: Label,
}

impl Emitter<'_> {
    fn panel_columns(&self) -> i64 {
        (self.vectors() * self.form.width.lanes()) as i64
    }

    /// Vectors of a whole panel.
    fn vectors(&self) -> usize {
        match self.form.width {
            Width::Ymm => 2,
            Width::Zmm => 4,
        }
    }

    /// Points to where the unit begins, and counts its rows and columns.
    fn begin_unit(&mut self, places: &[Slot]) -> Option<()> {
        let form = self.form;
        let width = Dim::from(self.panel_columns());
        let (around, inner) = places.split_at(form.outer.len());
        let &[block, panel] = inner else { return None };
        let steps = |row: &Dim, column: Dim, stride: &dyn Fn(usize) -> Dim| {
            let outer = around.iter().enumerate();
            let mut steps: Vec<(Slot, Dim)> = outer.map(|(axis, &p)| (p, stride(axis))).collect();
            steps.push((block, row.mul(&Dim::from(form.block)).ok()?));
            steps.push((panel, column));
            Some(steps)
        };
        let none = Dim::from(0);
        let left = steps(&form.rows.left, none.clone(), &|axis| {
            form.outer[axis].left.clone()
        })?;
        let step = match &form.pack {
            Some(pack) => pack.column_elements.mul(&width).ok()?,
            None => form.all_contracted.mul(&width).ok()?,
        };
        let right = steps(&none, step, &|axis| form.outer[axis].right.clone())?;
        let write = steps(&form.rows.write, width.clone(), &|axis| {
            form.outer[axis].write.clone()
        })?;
        let function = &mut self.function;
        function.store_pointer(self.pointers.left, form.left, 4, &left);
        function.store_pointer(self.pointers.right, form.right, 4, &right);
        function.store_pointer(self.pointers.write, form.write, 4, &write);
        if form.pack.is_some() {
            function.load_scratch(Register::RAX);
            let slot = self.pointers.panel.address();
            function.assembler.store(slot, Register::RAX);
        } else {
            self.pointers.panel = self.pointers.right;
        }
        for (place, read) in form.reads.iter().enumerate() {
            let step = if read.by_column {
                width.clone()
            } else {
                none.clone()
            };
            let steps = steps(&form.rows.reads[place], step, &|axis| {
                form.outer[axis].reads[place].clone()
            })?;
            let bytes = read.dtype.bits() / 8;
            function.store_pointer(self.pointers.reads[place], read.access, bytes, &steps);
        }
        let rows = Dim::from(form.block);
        function.store_rest(self.pointers.rows, &form.rows.extent, block, &rows);
        function.store_rest(self.pointers.columns, &form.columns, panel, &width);
        Some(())
    }

    /// The panels that are full, and the last one where it may not be.
    fn columns(&mut self) -> (Option<Columns>, Option<Columns>) {
        let (width, whole) = (self.form.width, self.panel_columns());
        let full = Columns {
            lanes: vec![Lanes::All; self.vectors()],
            count: Some(whole),
        };
        let Some(columns) = self.form.columns.as_constant() else {
            let tail = Columns {
                lanes: self.masks(),
                count: None,
            };
            return match width {
                Width::Ymm => (Some(full), Some(tail)),
                Width::Zmm => (None, Some(tail)),
            };
        };
        let rest = columns % whole;
        let full = (columns >= whole).then_some(full);
        if rest == 0 {
            return (full, None);
        }
        let lanes = width.lanes() as i64;
        let mut tail = vec![Lanes::All; (rest / lanes) as usize];
        if rest % lanes != 0 {
            tail.push(self.constant_mask(rest % lanes));
        }
        let count = Some(rest);
        (full, Some(Columns { lanes: tail, count }))
    }

    fn constant_mask(&mut self, lanes: i64) -> Lanes {
        let assembler = &mut self.function.assembler;
        match self.form.width {
            Width::Zmm => {
                assembler.move_immediate(Register::RAX, (1 << lanes) - 1);
                let code = Code::VEX_Kmovw_kr_r32;
                assembler.push(Instruction::with2(code, Register::K1, Register::EAX));
                Lanes::Mask(Register::K1)
            }
            Width::Ymm => {
                let lane = |lane| if lane < lanes { [0xff; 4] } else { [0; 4] };
                let mask: Vec<u8> = (0..8).flat_map(lane).collect();
                Lanes::Memory(assembler.constant(&mask))
            }
        }
    }

    /// Masks for as many columns as the unit counts.
    fn masks(&mut self) -> Vec<Lanes> {
        let columns = self.pointers.columns.address();
        let function = &mut self.function;
        function.assembler.load(Register::RAX, columns);
        match self.form.width {
            Width::Zmm => {
                let masks = [Register::K1, Register::K2, Register::K3, Register::K4];
                let assembler = &mut function.assembler;
                assembler.move_immediate(Register::RCX, -1);
                let code = Code::VEX_Bzhi_r64_rm64_r64;
                let cut = Instruction::with3(code, Register::RCX, Register::RCX, Register::RAX);
                assembler.push(cut);
                for mask in masks {
                    let code = Code::VEX_Kmovw_kr_r32;
                    assembler.push(Instruction::with2(code, mask, Register::ECX));
                    assembler.shift_right(Register::RCX, 16);
                }
                masks.map(Lanes::Mask).to_vec()
            }
            Width::Ymm => {
                let mut table = vec![0xff; 64];
                table.extend([0; 64]);
                let table = function.assembler.constant(&table);
                let room = function.room(64);
                let assembler = &mut function.assembler;
                assembler.lea(Register::RCX, table);
                assembler.shift_left(Register::RAX, 2);
                assembler.subtract(Register::RCX, Register::RAX);
                let masks = [0, 32].map(|offset| {
                    let from = Address::at(Register::RCX).plus(64 + offset);
                    assembler.load_vector(Width::Ymm, 0, Source::Memory(from));
                    let to = room.plus(offset);
                    assembler.store_lanes(Width::Ymm, to, 0, Lanes::All, 1);
                    Lanes::Memory(to)
                });
                masks.to_vec()
            }
        }
    }

    /// All rows of the unit, a tile after the other.
    fn panel(&mut self, columns: &Columns) -> Option<()> {
        if let Some(pack) = &self.form.pack {
            pack::emit(&mut self.function, self.form, pack, &self.pointers, columns);
        }
        let sizes = self.tile_sizes();
        let mut epilogue = Epilogue::new(self.form, columns.clone(), &mut self.function);
        let dispatch = self.function.assembler.here();
        let labels: Vec<Label> = sizes
            .iter()
            .map(|_| self.function.assembler.label())
            .collect();
        let rows = self.pointers.rows.address();
        self.function.assembler.load(Register::RAX, rows);
        for (&size, &label) in sizes.iter().zip(&labels) {
            let condition = if size == TILE_ROWS {
                Condition::GreaterOrEqual
            } else {
                Condition::Equal
            };
            let assembler = &mut self.function.assembler;
            assembler.compare_immediate(Register::RAX, size as i32);
            assembler.branch(condition, label);
        }
        self.function.assembler.jump(self.next);
        for (size, label) in sizes.into_iter().zip(labels) {
            self.function.assembler.bind(label);
            self.sum(size, columns.lanes.len());
            epilogue.tile(&mut self.function, &self.pointers, &self.uniforms, size)?;
            self.function.assembler.jump(dispatch);
        }
        epilogue.rows(&mut self.function, &self.pointers, &self.uniforms, dispatch)
    }

    /// The sizes of tiles that come up, the largest first.
    fn tile_sizes(&self) -> Vec<usize> {
        let Some(rows) = self.form.rows.extent.as_constant() else {
            return (1..=TILE_ROWS).rev().collect();
        };
        let rest = (rows % self.form.block) as usize % TILE_ROWS;
        let whole = (rows >= TILE_ROWS as i64).then_some(TILE_ROWS);
        let rest = (rest > 0).then_some(rest);
        whole.into_iter().chain(rest).collect()
    }

    /// The sums of a tile, in the first registers row by row; the pointer to the left operand and
    /// the count of rows go on.
    fn sum(&mut self, rows: usize, vectors: usize) {
        let form = self.form;
        let function = &mut self.function;
        let left = self.pointers.left.address();
        function.assembler.load(LEFT, left);
        let panel = self.pointers.panel.address();
        function.assembler.load(PANEL, panel);
        match &form.left_row {
            Stride::Baked(bytes) => {
                let advance = rows as i32 * bytes;
                function.assembler.add_memory_immediate(left, advance);
            }
            stride @ Stride::Read(_) => {
                function.load_stride(ROW, stride);
                let assembler = &mut function.assembler;
                assembler.lea(ROW3, Address::at(ROW).indexed(ROW, 2));
                assembler.lea(ROW5, Address::at(ROW).indexed(ROW, 4));
                assembler.move_immediate(Register::RAX, rows as i64);
                assembler.multiply(Register::RAX, ROW);
                assembler.add_to_memory(left, Register::RAX);
            }
        }
        if let stride @ Stride::Read(_) = &form.left_contracted {
            function.load_stride(LEFT_STEP, stride);
        }
        let count = self.pointers.rows.address();
        let assembler = &mut function.assembler;
        assembler.add_memory_immediate(count, -(rows as i32));
        for sum in 0..rows * vectors {
            assembler.zero(sum as u8);
        }
        let Some((extent, stride)) = &form.contracted_outer else {
            self.sum_inner(rows, vectors);
            return;
        };
        function.load_dim(OUTER_COUNT, extent);
        let done = function.assembler.label();
        function.assembler.compare_immediate(OUTER_COUNT, 0);
        function.assembler.branch(Condition::LessOrEqual, done);
        let head = function.assembler.here();
        function.assembler.mov(OUTER_LEFT, LEFT);
        self.sum_inner(rows, vectors);
        let function = &mut self.function;
        function.load_stride(LEFT, stride);
        function.assembler.add(LEFT, OUTER_LEFT);
        function.assembler.add_immediate(OUTER_COUNT, -1);
        function.assembler.branch(Condition::NotEqual, head);
        function.assembler.bind(done);
    }

    /// Adds along the innermost axis that is summed over.
    fn sum_inner(&mut self, rows: usize, vectors: usize) {
        let rest = match self.form.contracted.as_constant() {
            Some(contracted) => {
                let repeated = contracted / UNROLLED;
                if repeated > 0 {
                    self.function.assembler.move_immediate(COUNT, repeated);
                    self.sum_loop(rows, vectors, UNROLLED);
                }
                for step in 0..contracted % UNROLLED {
                    self.step(rows, vectors, step);
                }
                contracted % UNROLLED
            }
            None => {
                let slot = self.pointers.contracted.address();
                let assembler = &mut self.function.assembler;
                let (single, done) = (assembler.label(), assembler.label());
                assembler.load(COUNT, slot);
                assembler.shift_right(COUNT, UNROLLED.trailing_zeros());
                assembler.branch(Condition::Equal, single);
                self.sum_loop(rows, vectors, UNROLLED);
                let assembler = &mut self.function.assembler;
                assembler.bind(single);
                assembler.load(COUNT, slot);
                assembler.and_immediate(COUNT, UNROLLED as i32 - 1);
                assembler.branch(Condition::Equal, done);
                self.sum_loop(rows, vectors, 1);
                self.function.assembler.bind(done);
                0
            }
        };
        let step = self.panel_columns() * 4 * rest;
        self.function.assembler.add_immediate(PANEL, step as i32);
    }

    fn sum_loop(&mut self, rows: usize, vectors: usize, unrolled: i64) {
        let head = self.function.assembler.here();
        for step in 0..unrolled {
            self.step(rows, vectors, step);
        }
        let panel = self.panel_columns() * 4 * unrolled;
        let assembler = &mut self.function.assembler;
        assembler.add_immediate(PANEL, panel as i32);
        if let Stride::Baked(bytes) = self.form.left_contracted {
            assembler.add_immediate(LEFT, bytes * unrolled as i32);
        }
        assembler.add_immediate(COUNT, -1);
        assembler.branch(Condition::NotEqual, head);
    }

    /// One place of the axis: a column of the left operand times a row of the panel.
    fn step(&mut self, rows: usize, vectors: usize, step: i64) {
        let width = self.form.width;
        let sums = rows * vectors;
        let panel = Address::at(PANEL).plus(step * self.panel_columns() * 4);
        let assembler = &mut self.function.assembler;
        for vector in 0..vectors {
            let from = Source::Memory(panel.plus((vector * width.bytes()) as i64));
            assembler.load_vector(width, (sums + vector) as u8, from);
        }
        let first = sums + vectors;
        let spare = (usize::from(width.registers()) - first).min(4);
        for row in 0..rows {
            let broadcast = (first + (step as usize * rows + row) % spare) as u8;
            let mut from = match &self.form.left_row {
                Stride::Baked(bytes) => Address::at(LEFT).plus(row as i64 * i64::from(*bytes)),
                Stride::Read(_) => match row {
                    0 => Address::at(LEFT),
                    1 | 2 | 4 => Address::at(LEFT).indexed(ROW, row as u32),
                    3 => Address::at(LEFT).indexed(ROW3, 1),
                    _ => Address::at(LEFT).indexed(ROW5, 1),
                },
            };
            if let Stride::Baked(bytes) = self.form.left_contracted {
                from = from.plus(step * i64::from(bytes));
            }
            assembler.load_vector(width, broadcast, Source::Broadcast(from));
            for vector in 0..vectors {
                let sum = (row * vectors + vector) as u8;
                let right = Source::Register((sums + vector) as u8);
                let op = Binary::MultiplyAdd231;
                assembler.binary(width, op, sum, broadcast, right);
            }
        }
        if let Stride::Read(_) = self.form.left_contracted {
            assembler.add(LEFT, LEFT_STEP);
        }
    }
}
