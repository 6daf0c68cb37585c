use std::collections::BTreeMap;

use eyas_kernels::{Access, Argument, Capabilities, Map, expand};
use eyas_plan::Isa;
use eyas_tensor::{DType, Dim};
use iced_x86::{Code, Instruction, Register};

use super::WideFunction;
use super::assembler::{Address, Condition};
use super::axes::{Axis, coalesce};
use super::epilogue::{load_pinned, pin};
use super::function::{Function, Slot, Stride};
use super::lowering::{Input, Room};
use super::program::{Program, is_lane};
use super::vector::{Lanes, Source, Width};

/// Elements of a unit at most.
const UNIT: i64 = 16_384;

/// Steps of a body that are repeated to keep the core busy.
const UNROLLED_STEPS: usize = 64;

/// Where accesses begin.
const POINTERS: [Register; 10] = [
    Register::RBX,
    Register::RSI,
    Register::R8,
    Register::R9,
    Register::R10,
    Register::R11,
    Register::R12,
    Register::R13,
    Register::R14,
    Register::R15,
];

/// The place along the innermost axis, and how many are left.
const PLACE: Register = Register::RDI;
const COUNT: Register = Register::RCX;

/// A map in the form that the emitter knows.
#[derive(Debug)]
struct Form<'a> {
    width: Width,
    accesses: Vec<Lane<'a>>,
    reads: usize,
    outer: Vec<Axis>,
    /// The axis around the innermost one, whose places a unit takes several of.
    rows: Axis,
    /// How many.
    block: Dim,
    inner: Axis,
    program: Program,
}

/// An access along the innermost axis.
#[derive(Debug)]
struct Lane<'a> {
    access: &'a Access,
    dtype: DType,
    /// Whether every place has its own; else one serves all.
    moves: bool,
}

/// The kernel's function; `None` where the form does not fit.
pub(super) fn compile(map: &Map, arguments: &[Argument], isa: Isa) -> Option<WideFunction> {
    let form = Form::new(map, arguments, isa)?;
    let unit = Dim::from(UNIT);
    let chunks = ceiling(&form.inner.extent, &unit)?;
    let blocks = ceiling(&form.rows.extent, &form.block)?;
    let outer = form.outer.iter().map(|axis| &axis.extent);
    let units = Dim::product(outer.chain([&blocks, &chunks])).ok()?;
    let steps = Dim::from(form.program.steps.len().max(1) as i64);
    let elements = [
        &steps,
        &form.inner.extent.minimum(&unit),
        &form.rows.extent.minimum(&form.block),
    ];
    let unit_cost = Dim::product(elements).ok()?;
    let (bytes, dims) = emit(&form, blocks, chunks)?;
    Some(WideFunction {
        bytes,
        dims,
        units,
        unit_cost,
        scratch: Dim::from(0),
    })
}

fn ceiling(dim: &Dim, by: &Dim) -> Option<Dim> {
    let raised = dim.add(by).ok()?.sub(&Dim::from(1)).ok()?;
    raised.floor_div(by).ok()
}

impl<'a> Form<'a> {
    fn new(map: &'a Map, arguments: &'a [Argument], isa: Isa) -> Option<Form<'a>> {
        let width = Width::of(isa)?;
        let all: Vec<&Access> = map.reads.iter().chain(&map.writes).collect();
        if all.len() > POINTERS.len() || all.iter().any(|access| access.indirect.is_some()) {
            return None;
        }
        let axis = |(place, extent): (usize, &Dim)| {
            let strides = all.iter().map(|access| access.strides.get(place).cloned());
            let strides: Option<Vec<Dim>> = strides.collect();
            let extent = extent.clone();
            strides.map(|strides| Axis { extent, strides })
        };
        let axes: Option<Vec<Axis>> = map.extents.iter().enumerate().map(axis).collect();
        let mut outer = coalesce(axes?)?;
        let single = Axis {
            extent: Dim::from(1),
            strides: all.iter().map(|_| Dim::from(0)).collect(),
        };
        let mut inner = outer.pop().unwrap_or_else(|| single.clone());
        let rows = outer.pop().unwrap_or(single);
        if inner.extent.is(1) {
            for stride in &mut inner.strides[map.reads.len()..] {
                *stride = Dim::from(1);
            }
        }
        let mut accesses = Vec::new();
        for (place, (&access, stride)) in all.iter().zip(&inner.strides).enumerate() {
            let dtype = arguments.get(access.argument)?.dtype;
            let known = is_lane(dtype) && (dtype != DType::Bool || width == Width::Zmm);
            let moves = stride.is(1);
            if !known || !moves && (place >= map.reads.len() || !stride.is(0)) {
                return None;
            }
            accesses.push(Lane {
                access,
                dtype,
                moves,
            });
        }
        let body = expand(&map.body, Capabilities::ALL);
        let program = Program::new(&body, width)?;
        let written = body.outputs.iter().map(|&output| body.node(output).dtype);
        let stored = accesses[map.reads.len()..].iter().map(|lane| lane.dtype);
        if program.inputs != map.reads.len() || !written.eq(stored) {
            return None;
        }
        let least = inner.extent.maximum(&Dim::from(1));
        let block = Dim::from(UNIT).floor_div(&least).ok()?;
        Some(Form {
            width,
            accesses,
            reads: map.reads.len(),
            outer,
            rows,
            block: block.maximum(&Dim::from(1)),
            inner,
            program,
        })
    }
}

struct Emitter<'a> {
    function: Function,
    form: &'a Form<'a>,
    uniforms: Vec<Address>,
    pinned: BTreeMap<u32, u8>,
    free: Vec<u8>,
}

fn emit(form: &Form<'_>, blocks: Dim, chunks: Dim) -> Option<(Vec<u8>, Vec<Dim>)> {
    let mut function = Function::new();
    let uniforms = function.uniforms(&form.program.uniforms, 0);
    let mut free: Vec<u8> = (0..form.width.registers()).rev().collect();
    let inputs = inputs(form, 0, Lanes::All);
    let pinned = pin(
        &form.program,
        &inputs,
        form.program.literals(),
        &mut free,
        2,
    );
    load_pinned(&mut function, &form.program, &pinned);
    let units = function.open_units();
    let outer = form.outer.iter().map(|axis| axis.extent.clone());
    let extents: Vec<Dim> = outer.chain([blocks, chunks]).collect();
    let places = function.places(&extents);
    let (around, last) = places.split_at(form.outer.len());
    let &[block, chunk] = last else { return None };
    let pointers: Vec<Slot> = form.accesses.iter().map(|_| function.slot()).collect();
    for (place, lane) in form.accesses.iter().enumerate() {
        let outer = around.iter().zip(&form.outer);
        let mut steps: Vec<(Slot, Dim)> = outer
            .map(|(&slot, axis)| (slot, axis.strides[place].clone()))
            .collect();
        steps.push((block, form.rows.strides[place].mul(&form.block).ok()?));
        steps.push((chunk, Dim::from(if lane.moves { UNIT } else { 0 })));
        let bytes = lane.dtype.bits() / 8;
        function.store_pointer(pointers[place], lane.access, bytes, &steps);
    }
    let (rows, count) = (function.slot(), function.slot());
    function.store_rest(rows, &form.rows.extent, block, &form.block);
    function.store_rest(count, &form.inner.extent, chunk, &Dim::from(UNIT));
    let mut emitter = Emitter {
        function,
        form,
        uniforms,
        pinned,
        free,
    };
    let row = emitter.function.assembler.here();
    for (slot, register) in pointers.iter().zip(POINTERS) {
        emitter.function.assembler.load(register, slot.address());
    }
    emitter.function.assembler.load(COUNT, count.address());
    emitter.row()?;
    let mut function = emitter.function;
    if !form.rows.extent.is(1) {
        for (place, (slot, lane)) in pointers.iter().zip(&form.accesses).enumerate() {
            let stride = Stride::new(&form.rows.strides[place], lane.dtype.bits() / 8)?;
            if stride != Stride::Baked(0) {
                function.load_stride(Register::RAX, &stride);
                let slot = slot.address();
                function.assembler.add_to_memory(slot, Register::RAX);
            }
        }
        function.assembler.add_memory_immediate(rows.address(), -1);
        function.assembler.branch(Condition::NotEqual, row);
    }
    function.close_units(units);
    function.finish()
}

/// The body's inputs so many vectors on.
fn inputs(form: &Form<'_>, vector: usize, lanes: Lanes) -> Vec<Input> {
    let reads = form.accesses[..form.reads].iter().zip(POINTERS);
    let input = |(lane, pointer): (&Lane<'_>, Register)| {
        if lane.moves {
            let address = address(form.width, lane.dtype, pointer, vector);
            Input::Memory(address, lane.dtype, lanes)
        } else {
            Input::Broadcast(Address::at(pointer), lane.dtype)
        }
    };
    reads.map(input).collect()
}

fn address(width: Width, dtype: DType, pointer: Register, vector: usize) -> Address {
    let bytes = dtype.bits() / 8;
    Address::at(pointer)
        .indexed(PLACE, bytes as u32)
        .plus((vector * width.lanes() * bytes) as i64)
}

impl Emitter<'_> {
    /// All places of a row: several vectors at once, then the rest.
    fn row(&mut self) -> Option<()> {
        let width = self.form.width;
        let steps = self.form.program.steps.len().max(1);
        let unrolled = (UNROLLED_STEPS / steps).clamp(1, 4);
        let lanes = width.lanes();
        let assembler = &mut self.function.assembler;
        let (rest, done) = (assembler.label(), assembler.label());
        assembler.move_immediate(PLACE, 0);
        let whole = (unrolled * lanes) as i32;
        assembler.compare_immediate(COUNT, whole);
        assembler.branch(Condition::Less, rest);
        let head = assembler.here();
        for vector in 0..unrolled {
            self.vector(vector, Lanes::All)?;
        }
        self.advance(whole);
        self.function.assembler.compare_immediate(COUNT, whole);
        let assembler = &mut self.function.assembler;
        assembler.branch(Condition::GreaterOrEqual, head);
        assembler.bind(rest);
        assembler.compare_immediate(COUNT, 0);
        assembler.branch(Condition::LessOrEqual, done);
        match width {
            Width::Zmm => {
                assembler.move_immediate(Register::RAX, lanes as i64);
                assembler.compare(COUNT, Register::RAX);
                assembler.move_if_less(Register::RAX, COUNT);
                assembler.move_immediate(Register::RDX, -1);
                let (mask, count) = (Register::EDX, Register::EAX);
                let code = Code::VEX_Bzhi_r32_rm32_r32;
                assembler.push(Instruction::with3(code, mask, mask, count));
                let code = Code::VEX_Kmovw_kr_r32;
                assembler.push(Instruction::with2(code, Register::K1, mask));
                self.vector(0, Lanes::Mask(Register::K1))?;
                self.advance(lanes as i32);
                self.function.assembler.jump(rest);
            }
            Width::Ymm => {
                let last = assembler.label();
                assembler.compare_immediate(COUNT, lanes as i32);
                assembler.branch(Condition::Less, last);
                self.vector(0, Lanes::All)?;
                self.advance(lanes as i32);
                self.function.assembler.jump(rest);
                self.function.assembler.bind(last);
                let mask = self.last_lanes();
                self.vector(0, Lanes::Memory(mask))?;
            }
        }
        self.function.assembler.bind(done);
        Some(())
    }

    fn advance(&mut self, places: i32) {
        self.function.assembler.add_immediate(PLACE, places);
        self.function.assembler.add_immediate(COUNT, -places);
    }

    /// A mask of as many lanes as are left, fewer than a vector has.
    fn last_lanes(&mut self) -> Address {
        let table = [[0xff; 32], [0; 32]].concat();
        let table = self.function.assembler.constant(&table);
        let room = self.function.room(32);
        let free = self.free.first().copied().unwrap_or(0);
        let assembler = &mut self.function.assembler;
        assembler.lea(Register::RDX, table);
        assembler.mov(Register::RAX, COUNT);
        assembler.shift_left(Register::RAX, 2);
        assembler.subtract(Register::RDX, Register::RAX);
        let from = Source::Memory(Address::at(Register::RDX).plus(32));
        assembler.load_vector(Width::Ymm, free, from);
        assembler.store_lanes(Width::Ymm, room, free, Lanes::All, free);
        room
    }

    /// The body and the stores of a vector.
    fn vector(&mut self, vector: usize, lanes: Lanes) -> Option<()> {
        let width = self.form.width;
        let room = Room {
            free: self.free.clone(),
            pinned: &self.pinned,
            spill: self.function.spill(),
            slots: self.function.spill_slots(width.bytes()),
            uniforms: &self.uniforms,
        };
        let inputs = inputs(self.form, vector, lanes);
        let assembler = &mut self.function.assembler;
        let lowered = self.form.program.lower(assembler, &inputs, room)?;
        let writes = self
            .form
            .accesses
            .iter()
            .zip(POINTERS)
            .skip(self.form.reads);
        for ((lane, pointer), &result) in writes.zip(&lowered.outputs) {
            let to = address(width, lane.dtype, pointer, vector);
            if lane.dtype == DType::Bool {
                assembler.store_bools(to, result, lanes);
                continue;
            }
            let temporary = lowered.free.last().copied();
            if matches!(lanes, Lanes::Memory(_)) && temporary.is_none() {
                return None;
            }
            let temporary = temporary.unwrap_or(result);
            assembler.store_lanes(width, to, result, lanes, temporary);
        }
        Some(())
    }
}
