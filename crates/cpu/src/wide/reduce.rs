use std::collections::BTreeMap;

use eyas_ir::{BinaryFunction, Body, BodyBuilder, Reduction};
use eyas_kernels::{Access, Argument, Capabilities, Fold, Reduce, Stage, expand};
use eyas_plan::Isa;
use eyas_tensor::{DType, Dim};
use iced_x86::{Code, Instruction, Register};

use super::WideFunction;
use super::assembler::{Address, Condition};
use super::axes::{Axis, coalesce};
use super::epilogue::{load_pinned, pin};
use super::function::{Function, Slot};
use super::lowering::{Input, Room};
use super::program::Program;
use super::vector::{Lanes, Source, Width, low};
use super::walk::{PLACE, Walk, axes, ceiling, single};

/// Lanes that a fold keeps apart, whatever the width of vectors.
const FOLDED: usize = 16;

/// Steps of sixteen places that are left.
const COUNT: Register = Register::RCX;

/// A reduction in the form that the emitter knows.
struct Form<'a> {
    walk: Walk<'a>,
    reads: usize,
    stages: Vec<Folding>,
    /// What is stored once a row, and how many reads and writes that has, which stand behind the
    /// reads of the kernel.
    row: Option<Program>,
    row_reads: usize,
    row_writes: usize,
    element: Option<Program>,
}

/// A stage.
struct Folding {
    /// From the reads, the results before and a lane's fold so far, the fold with one more value.
    step: Program,
    /// Two folds as one.
    both: Program,
    /// The fold of nothing.
    nothing: f32,
}

/// The kernel's function; `None` where the form does not fit.
pub(super) fn compile(reduce: &Reduce, arguments: &[Argument], isa: Isa) -> Option<WideFunction> {
    let form = Form::new(reduce, arguments, isa)?;
    let walk = &form.walk;
    let blocks = ceiling(&walk.rows.extent, &walk.block)?;
    let outer = walk.outer.iter().map(|axis| &axis.extent);
    let units = Dim::product(outer.chain([&blocks])).ok()?;
    let stages = form.stages.iter().map(|stage| &stage.step);
    let steps: usize = stages
        .chain(&form.element)
        .map(|program| program.steps.len())
        .sum();
    let rows = walk.rows.extent.minimum(&walk.block);
    let steps = Dim::from(steps.max(1) as i64);
    let unit_cost = Dim::product([&steps, &walk.inner.extent, &rows]).ok()?;
    let (bytes, dims) = emit(&form, blocks)?;
    Some(WideFunction {
        bytes,
        dims,
        units,
        unit_cost,
        scratch: Dim::from(0),
    })
}

impl<'a> Form<'a> {
    fn new(reduce: &'a Reduce, arguments: &'a [Argument], isa: Isa) -> Option<Form<'a>> {
        let width = Width::of(isa)?;
        let row = reduce.row.as_ref();
        let row_reads: Vec<&Access> = row.iter().flat_map(|row| &row.reads).collect();
        let row_writes: Vec<&Access> = row.iter().flat_map(|row| &row.writes).collect();
        let writes: Vec<&Access> = reduce.element.iter().flat_map(|e| &e.writes).collect();
        let whole: Vec<&Access> = reduce.reads.iter().chain(writes.iter().copied()).collect();
        let once = [&row_reads[..], &row_writes[..]].concat();
        let reads = reduce.reads.len();
        // The kernel's reads, then what a row has, then the writes at every place.
        let all = [&whole[..reads], &once[..], &whole[reads..]].concat();
        let outer = axes(&reduce.outer, &all, 0)?;
        let mut inner = coalesce(axes(&reduce.inner, &whole, reduce.outer.len())?)?;
        let walked = inner.pop().unwrap_or_else(|| single(whole.len()));
        if !inner.is_empty() {
            return None;
        }
        let mut strides = walked.strides;
        if walked.extent.is(1) {
            for stride in &mut strides[reads..] {
                *stride = Dim::from(1);
            }
        }
        let zeros = vec![Dim::from(0); once.len()];
        strides.splice(reads..reads, zeros);
        let inner = Axis {
            extent: walked.extent,
            strides,
        };
        let walk = Walk::new(width, arguments, &all, outer, inner)?;
        let element_lanes = &walk.lanes[reads + once.len()..];
        if element_lanes.iter().any(|lane| !lane.moves) {
            return None;
        }
        let mut stages = Vec::new();
        for (place, stage) in reduce.stages.iter().enumerate() {
            let folding = Folding::new(stage, width)?;
            if folding.step.inputs != reads + place + 1 {
                return None;
            }
            stages.push(folding);
        }
        let program = |body: &Body, lanes: &[super::walk::Lane<'_>], inputs: usize| {
            let written = body.outputs.iter().map(|&output| body.node(output).dtype);
            let fits = written.eq(lanes.iter().map(|lane| lane.dtype));
            let program = Program::new(&expand(body, Capabilities::ALL), width)?;
            (fits && program.inputs == inputs).then_some(program)
        };
        let results = stages.len();
        let row_lanes = &walk.lanes[reads + row_reads.len()..reads + once.len()];
        if row_lanes.iter().any(|lane| lane.dtype == DType::Bool) {
            return None;
        }
        let row = match row {
            Some(row) => Some(program(&row.body, row_lanes, results + row_reads.len())?),
            None => None,
        };
        let element = match &reduce.element {
            Some(element) => Some(program(&element.body, element_lanes, reads + results)?),
            None => None,
        };
        Some(Form {
            reads,
            stages,
            row,
            row_reads: row_reads.len(),
            row_writes: row_writes.len(),
            element,
            walk,
        })
    }
}

impl Folding {
    fn new(stage: &Stage, width: Width) -> Option<Folding> {
        let Fold::Value(reduction) = stage.fold else {
            return None;
        };
        let &[output] = &stage.body.outputs[..] else {
            return None;
        };
        let float = DType::F32;
        if stage.accumulator != float || stage.body.node(output).dtype != float {
            return None;
        }
        let (function, nothing) = match reduction {
            Reduction::Sum => (BinaryFunction::Add, 0.0),
            Reduction::Product => (BinaryFunction::Multiply, 1.0),
            Reduction::Maximum => (BinaryFunction::Maximum, f32::NEG_INFINITY),
            Reduction::Minimum => (BinaryFunction::Minimum, f32::INFINITY),
        };
        let mut builder = BodyBuilder::new();
        let inputs = stage.body.inputs.iter();
        let inputs: Vec<_> = inputs.map(|&dtype| builder.input(dtype)).collect();
        let sum = builder.input(float);
        let values = builder.inline(&stage.body, &inputs);
        let next = builder.binary(function, sum, *values.first()?);
        let step = expand(&builder.finish(&[next]), Capabilities::ALL);
        let mut builder = BodyBuilder::new();
        let (a, b) = (builder.input(float), builder.input(float));
        let both = builder.binary(function, a, b);
        let both = expand(&builder.finish(&[both]), Capabilities::ALL);
        Some(Folding {
            step: Program::new(&step, width)?,
            both: Program::new(&both, width)?,
            nothing,
        })
    }
}

struct Emitter<'a> {
    function: Function,
    form: &'a Form<'a>,
    /// The uniforms of every program: stages, row and element.
    uniforms: Vec<Vec<Address>>,
    /// The results of stages, one f32 each.
    results: Vec<Slot>,
    /// Steps of sixteen places, and what is left of a row behind them.
    steps: Slot,
    rest: Slot,
    /// The lanes of that rest, a vector each.
    last: Vec<Lanes>,
}

fn emit(form: &Form<'_>, blocks: Dim) -> Option<(Vec<u8>, Vec<Dim>)> {
    let mut function = Function::new();
    let walk = &form.walk;
    let programs = form.stages.iter().map(|stage| &stage.step);
    let programs = programs.chain(&form.row).chain(&form.element);
    let uniforms = programs
        .map(|program| function.uniforms(&program.uniforms, 0))
        .collect();
    let mut emitter = Emitter {
        results: form.stages.iter().map(|_| function.slot()).collect(),
        steps: function.slot(),
        rest: function.slot(),
        last: Vec::new(),
        function,
        form,
        uniforms,
    };
    emitter.measure();
    let units = emitter.function.open_units();
    let outer = walk.outer.iter().map(|axis| axis.extent.clone());
    let extents: Vec<Dim> = outer.chain([blocks]).collect();
    let places = emitter.function.places(&extents);
    let rows = walk.open_rows(&mut emitter.function, &places)?;
    for place in 0..form.stages.len() {
        emitter.stage(place)?;
    }
    emitter.row()?;
    emitter.elements()?;
    walk.close_rows(&mut emitter.function, rows)?;
    emitter.function.close_units(units);
    emitter.function.finish()
}

impl Emitter<'_> {
    fn width(&self) -> Width {
        self.form.walk.width
    }

    /// Vectors of sixteen places.
    fn vectors(&self) -> usize {
        FOLDED / self.width().lanes()
    }

    /// Counts the steps of a row and makes masks for what is left behind them.
    fn measure(&mut self) {
        self.function
            .load_dim(Register::RAX, &self.form.walk.inner.extent);
        let room = self.function.room(64);
        let (steps, rest) = (self.steps.address(), self.rest.address());
        let assembler = &mut self.function.assembler;
        assembler.mov(Register::RCX, Register::RAX);
        assembler.shift_right(Register::RCX, FOLDED.trailing_zeros());
        assembler.store(steps, Register::RCX);
        assembler.and_immediate(Register::RAX, FOLDED as i32 - 1);
        assembler.store(rest, Register::RAX);
        self.last = match self.form.walk.width {
            Width::Zmm => {
                assembler.move_immediate(Register::RDX, -1);
                let (mask, count) = (Register::EDX, Register::EAX);
                let code = Code::VEX_Bzhi_r32_rm32_r32;
                assembler.push(Instruction::with3(code, mask, mask, count));
                let code = Code::VEX_Kmovw_kr_r32;
                assembler.push(Instruction::with2(code, Register::K1, mask));
                vec![Lanes::Mask(Register::K1)]
            }
            Width::Ymm => {
                let table = [[0xff; 64], [0; 64]].concat();
                let table = assembler.constant(&table);
                assembler.lea(Register::RCX, table);
                assembler.shift_left(Register::RAX, 2);
                assembler.subtract(Register::RCX, Register::RAX);
                let masks = [0, 32].map(|offset| {
                    let from = Address::at(Register::RCX).plus(64 + offset);
                    assembler.load_vector(Width::Ymm, 0, Source::Memory(from));
                    let to = room.plus(offset);
                    assembler.store_lanes(Width::Ymm, to, 0, Lanes::All, 0);
                    Lanes::Memory(to)
                });
                masks.to_vec()
            }
        };
    }

    /// What the programs of stages and elements read: the kernel's reads and the results so far.
    fn inputs(&self, results: usize, vector: usize, lanes: Lanes) -> Vec<Input> {
        let width = self.width();
        let reads = self.form.walk.lanes[..self.form.reads].iter();
        let reads = reads.map(|lane| lane.input(width, vector, lanes));
        reads.chain(self.results(results)).collect()
    }

    fn results(&self, count: usize) -> impl Iterator<Item = Input> {
        let results = self.results[..count].iter();
        results.map(|slot| Input::Broadcast(slot.address(), DType::F32))
    }

    /// Registers from one on, without those of the literals that the program likes to have there.
    fn pinned(
        &mut self,
        program: &Program,
        inputs: &[Input],
        first: u8,
        spare: usize,
    ) -> (Vec<u8>, BTreeMap<u32, u8>) {
        let mut free: Vec<u8> = (first..self.width().registers()).rev().collect();
        let pinned = pin(program, inputs, program.literals(), &mut free, spare);
        load_pinned(&mut self.function, program, &pinned);
        (free, pinned)
    }

    /// Emits a program; gives the registers of its results and one that is free.
    fn lower(
        &mut self,
        program: &Program,
        inputs: &[Input],
        free: &[u8],
        pinned: &BTreeMap<u32, u8>,
        uniforms: &[Address],
    ) -> Option<(Vec<u8>, u8)> {
        let room = Room {
            free: free.to_vec(),
            pinned,
            spill: self.function.spill(),
            slots: self.function.spill_slots(self.width().bytes()),
            uniforms,
        };
        let lowered = program.lower(&mut self.function.assembler, inputs, room)?;
        Some((lowered.outputs, *lowered.free.last()?))
    }

    /// The walk along a row: `step` for sixteen places at once, and for the rest under masks.
    fn walk(&mut self, mut step: impl FnMut(&mut Self, &[Lanes]) -> Option<()>) -> Option<()> {
        let whole = vec![Lanes::All; self.vectors()];
        let last = self.last.clone();
        let (steps, rest) = (self.steps.address(), self.rest.address());
        let assembler = &mut self.function.assembler;
        let (behind, done) = (assembler.label(), assembler.label());
        assembler.move_immediate(PLACE, 0);
        assembler.load(COUNT, steps);
        assembler.compare_immediate(COUNT, 0);
        assembler.branch(Condition::Equal, behind);
        let head = assembler.here();
        step(self, &whole)?;
        let assembler = &mut self.function.assembler;
        assembler.add_immediate(PLACE, FOLDED as i32);
        assembler.add_immediate(COUNT, -1);
        assembler.branch(Condition::NotEqual, head);
        assembler.bind(behind);
        assembler.load(COUNT, rest);
        assembler.compare_immediate(COUNT, 0);
        assembler.branch(Condition::Equal, done);
        step(self, &last)?;
        self.function.assembler.bind(done);
        Some(())
    }

    fn stage(&mut self, place: usize) -> Option<()> {
        let (form, width, vectors) = (self.form, self.width(), self.vectors());
        let folding = &form.stages[place];
        let nothing = folding.nothing.to_bits().to_le_bytes();
        let nothing = self.function.assembler.constant(&nothing);
        for sum in 0..vectors {
            let from = Source::Broadcast(nothing);
            self.function.assembler.load_vector(width, sum as u8, from);
        }
        let mut inputs = self.inputs(place, 0, Lanes::All);
        inputs.push(Input::Register(0));
        // Under a mask the sum before is kept, and a mask may take a register.
        let (mut free, pinned) = self.pinned(&folding.step, &inputs, vectors as u8, 4);
        let before = free.pop()?;
        let uniforms = self.uniforms[place].clone();
        self.walk(|emitter, lanes| {
            for (vector, &lanes) in lanes.iter().enumerate() {
                let sum = vector as u8;
                let mut inputs = emitter.inputs(place, vector, lanes);
                let from = Source::Register(sum);
                if lanes == Lanes::All {
                    inputs.push(Input::Register(sum));
                } else {
                    emitter.function.assembler.load_vector(width, before, from);
                    inputs.push(Input::Register(before));
                }
                let (results, _) =
                    emitter.lower(&folding.step, &inputs, &free, &pinned, &uniforms)?;
                emitter.merge(sum, *results.first()?, lanes, &free);
            }
            Some(())
        })?;
        self.fold_lanes(&folding.both)?;
        let result = self.results[place].address();
        self.store_one(result, 0);
        Some(())
    }

    /// `sum = result` in the lanes that count.
    fn merge(&mut self, sum: u8, result: u8, lanes: Lanes, free: &[u8]) {
        let width = self.width();
        let (to, from) = (width.register(sum), width.register(result));
        let assembler = &mut self.function.assembler;
        match lanes {
            Lanes::All => assembler.load_vector(width, sum, Source::Register(result)),
            Lanes::Mask(mask) => {
                let code = Code::EVEX_Vmovaps_zmm_k1z_zmmm512;
                assembler.push_masked(Instruction::with2(code, to, from), mask, false);
            }
            Lanes::Memory(mask) => {
                let other = free.iter().find(|&&register| register != result);
                let other = other.copied().unwrap_or(result);
                assembler.load_vector(width, other, Source::Memory(mask));
                let code = Code::VEX_Vblendvps_ymm_ymm_ymmm256_ymm;
                let mask = width.register(other);
                assembler.push(Instruction::with4(code, to, to, from, mask));
            }
        }
    }

    /// Sixteen lanes, in one register or two, to one: each with that eight on, four, two, one.
    fn fold_lanes(&mut self, both: &Program) -> Option<()> {
        let width = self.width();
        let free: Vec<u8> = (2..width.registers()).rev().collect();
        let none = BTreeMap::new();
        let turns = match width {
            Width::Zmm => vec![Turn::Half, Turn::Quarter, Turn::Pair, Turn::One],
            Width::Ymm => vec![Turn::Whole, Turn::Quarter, Turn::Pair, Turn::One],
        };
        for turn in turns {
            self.turn(turn);
            let inputs = [Input::Register(0), Input::Register(1)];
            let (results, _) = self.lower(both, &inputs, &free, &none, &[])?;
            let from = Source::Register(*results.first()?);
            self.function.assembler.load_vector(width, 0, from);
        }
        Some(())
    }

    /// The lanes of register 0 turned, in register 1.
    fn turn(&mut self, turn: Turn) {
        let width = self.width();
        let (from, to) = (width.register(0), width.register(1));
        let assembler = &mut self.function.assembler;
        let shuffle = Code::EVEX_Vshuff32x4_zmm_k1z_zmm_zmmm512b32_imm8;
        let permute = match width {
            Width::Ymm => Code::VEX_Vpermilps_ymm_ymmm256_imm8,
            Width::Zmm => Code::EVEX_Vpermilps_zmm_k1z_zmmm512b32_imm8,
        };
        assembler.push(match (turn, width) {
            (Turn::Whole, _) => return,
            (Turn::Half, _) => Instruction::with4(shuffle, to, from, from, 0x4e),
            (Turn::Quarter, Width::Zmm) => Instruction::with4(shuffle, to, from, from, 0xb1),
            (Turn::Quarter, Width::Ymm) => {
                let code = Code::VEX_Vperm2f128_ymm_ymm_ymmm256_imm8;
                Instruction::with4(code, to, from, from, 1)
            }
            (Turn::Pair, _) => Instruction::with3(permute, to, from, 0x4e),
            (Turn::One, _) => Instruction::with3(permute, to, from, 0xb1),
        });
    }

    /// The first lane.
    fn store_one(&mut self, to: Address, from: u8) {
        let code = match self.width() {
            Width::Ymm => Code::VEX_Vmovss_m32_xmm,
            Width::Zmm => Code::EVEX_Vmovss_m32_k1_xmm,
        };
        let store = Instruction::with2(code, to.operand(), low(from));
        self.function.assembler.push(store);
    }

    fn row(&mut self) -> Option<()> {
        let form = self.form;
        let Some(program) = &form.row else {
            return Some(());
        };
        let width = self.width();
        let reads = form.reads..form.reads + form.row_reads;
        let more = form.walk.lanes[reads.clone()].iter();
        let more = more.map(|lane| lane.input(width, 0, Lanes::All));
        let inputs: Vec<Input> = self.results(form.stages.len()).chain(more).collect();
        let free: Vec<u8> = (0..width.registers()).rev().collect();
        let uniforms = self.uniforms[form.stages.len()].clone();
        let none = BTreeMap::new();
        let (results, _) = self.lower(program, &inputs, &free, &none, &uniforms)?;
        let writes = &form.walk.lanes[reads.end..reads.end + form.row_writes];
        for (lane, result) in writes.iter().zip(results) {
            self.store_one(lane.address(width, 0), result);
        }
        Some(())
    }

    fn elements(&mut self) -> Option<()> {
        let form = self.form;
        let Some(program) = &form.element else {
            return Some(());
        };
        let (width, stages) = (self.width(), form.stages.len());
        let inputs = self.inputs(stages, 0, Lanes::All);
        let (free, pinned) = self.pinned(program, &inputs, 0, 2);
        let uniforms = self.uniforms.last()?.clone();
        let first = form.reads + form.row_reads + form.row_writes;
        self.walk(|emitter, lanes| {
            for (vector, &lanes) in lanes.iter().enumerate() {
                let inputs = emitter.inputs(stages, vector, lanes);
                let (results, temporary) =
                    emitter.lower(program, &inputs, &free, &pinned, &uniforms)?;
                for (lane, result) in form.walk.lanes[first..].iter().zip(results) {
                    let to = lane.address(width, vector);
                    let assembler = &mut emitter.function.assembler;
                    if lane.dtype == DType::Bool {
                        assembler.store_bools(to, result, lanes);
                    } else {
                        assembler.store_lanes(width, to, result, lanes, temporary);
                    }
                }
            }
            Some(())
        })
    }
}

/// Which lanes meet: those of two registers, or those eight, four, two or one apart.
#[derive(Debug, Clone, Copy)]
enum Turn {
    Whole,
    Half,
    Quarter,
    Pair,
    One,
}
