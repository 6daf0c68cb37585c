use std::collections::BTreeMap;

use eyas_kernels::{Access, Argument, Capabilities, Map, expand};
use eyas_plan::Isa;
use eyas_tensor::{DType, Dim};
use iced_x86::{Code, Instruction, Register};

use super::WideFunction;
use super::assembler::{Address, Condition};
use super::axes::coalesce;
use super::epilogue::{load_pinned, pin};
use super::function::Function;
use super::lowering::{Input, Room};
use super::program::Program;
use super::vector::{Lanes, Source, Width};
use super::walk::{PLACE, UNIT, Walk, axes, ceiling, single};

/// Steps of a body that are repeated to keep the core busy.
const UNROLLED_STEPS: usize = 64;

/// How many places are left.
const COUNT: Register = Register::RCX;

/// A map in the form that the emitter knows.
#[derive(Debug)]
struct Form<'a> {
    walk: Walk<'a>,
    reads: usize,
    program: Program,
}

/// The kernel's function; `None` where the form does not fit.
pub(super) fn compile(map: &Map, arguments: &[Argument], isa: Isa) -> Option<WideFunction> {
    let form = Form::new(map, arguments, isa)?;
    let (walk, unit) = (&form.walk, Dim::from(UNIT));
    let chunks = ceiling(&walk.inner.extent, &unit)?;
    let blocks = ceiling(&walk.rows.extent, &walk.block)?;
    let outer = walk.outer.iter().map(|axis| &axis.extent);
    let units = Dim::product(outer.chain([&blocks, &chunks])).ok()?;
    let steps = Dim::from(form.program.steps.len().max(1) as i64);
    let elements = [
        &steps,
        &walk.inner.extent.minimum(&unit),
        &walk.rows.extent.minimum(&walk.block),
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

impl<'a> Form<'a> {
    fn new(map: &'a Map, arguments: &'a [Argument], isa: Isa) -> Option<Form<'a>> {
        let width = Width::of(isa)?;
        let all: Vec<&Access> = map.reads.iter().chain(&map.writes).collect();
        let mut outer = coalesce(axes(&map.extents, &all, 0)?)?;
        let mut inner = outer.pop().unwrap_or_else(|| single(all.len()));
        if inner.extent.is(1) {
            for stride in &mut inner.strides[map.reads.len()..] {
                *stride = Dim::from(1);
            }
        }
        let walk = Walk::new(width, arguments, &all, outer, inner)?;
        let body = expand(&map.body, Capabilities::ALL);
        let program = Program::new(&body, width)?;
        let writes = &walk.lanes[map.reads.len()..];
        let written = body.outputs.iter().map(|&output| body.node(output).dtype);
        let fits = written.eq(writes.iter().map(|lane| lane.dtype));
        if !fits || program.inputs != map.reads.len() || writes.iter().any(|lane| !lane.moves) {
            return None;
        }
        Some(Form {
            walk,
            reads: map.reads.len(),
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
    let walk = &form.walk;
    let uniforms = function.uniforms(&form.program.uniforms, 0);
    let mut free: Vec<u8> = (0..walk.width.registers()).rev().collect();
    let inputs = inputs(form, 0, Lanes::All);
    let literals = form.program.literals();
    let pinned = pin(&form.program, &inputs, literals, &mut free, 2);
    load_pinned(&mut function, &form.program, &pinned);
    let units = function.open_units();
    let outer = walk.outer.iter().map(|axis| axis.extent.clone());
    let extents: Vec<Dim> = outer.chain([blocks, chunks]).collect();
    let places = function.places(&extents);
    let (&chunk, count) = (places.last()?, function.slot());
    function.store_rest(count, &walk.inner.extent, chunk, &Dim::from(UNIT));
    let rows = walk.open_rows(&mut function, &places)?;
    function.assembler.load(COUNT, count.address());
    let mut emitter = Emitter {
        function,
        form,
        uniforms,
        pinned,
        free,
    };
    emitter.row()?;
    let mut function = emitter.function;
    walk.close_rows(&mut function, rows)?;
    function.close_units(units);
    function.finish()
}

/// The body's inputs so many vectors on.
fn inputs(form: &Form<'_>, vector: usize, lanes: Lanes) -> Vec<Input> {
    let reads = form.walk.lanes[..form.reads].iter();
    reads
        .map(|lane| lane.input(form.walk.width, vector, lanes))
        .collect()
}

impl Emitter<'_> {
    /// All places of a row: several vectors at once, then the rest.
    fn row(&mut self) -> Option<()> {
        let width = self.form.walk.width;
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
        let width = self.form.walk.width;
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
        let writes = self.form.walk.lanes[self.form.reads..].iter();
        for (lane, &result) in writes.zip(&lowered.outputs) {
            let to = lane.address(width, vector);
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
