use std::collections::BTreeMap;

use eyas_ir::Comparison;
use eyas_tensor::DType;
use iced_x86::{Code, Instruction, Register};

use super::assembler::{Address, Assembler};
use super::program::{Kind, Operation, Program, Step, Value};
use super::vector::{Binary, Lanes, Source, Unary, Width, low};

/// Where an input of a program is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Input {
    /// In a register, which is free once the input is read for the last time.
    Register(u8),
    /// Side by side in memory.
    Memory(Address, DType, Lanes),
    /// One in memory for all lanes.
    Broadcast(Address, DType),
}

/// What a program may use.
#[derive(Debug, Clone)]
pub(super) struct Room<'a> {
    /// Registers that hold nothing, the first to be used last.
    pub(super) free: Vec<u8>,
    /// Literals that are in registers.
    pub(super) pinned: &'a BTreeMap<u32, u8>,
    /// Memory for vectors that find no register.
    pub(super) spill: Address,
    /// How many vectors have room there.
    pub(super) slots: usize,
    /// Where each uniform is, as one f32.
    pub(super) uniforms: &'a [Address],
}

/// The mask register that bodies overwrite.
const CONDITION: Register = Register::K7;

/// Overwritten where a bool is read for all lanes.
const GENERAL: Register = Register::EAX;

/// Where the results of a program are, and how many registers it took at most.
#[derive(Debug)]
pub(super) struct Lowered {
    pub(super) outputs: Vec<u8>,
    pub(super) free: Vec<u8>,
    pub(super) taken: usize,
}

impl Program {
    /// Emits the program; `None` where the room does not suffice.
    pub(super) fn lower(
        &self,
        assembler: &mut Assembler,
        inputs: &[Input],
        room: Room<'_>,
    ) -> Option<Lowered> {
        let mut uses = vec![Vec::new(); self.values.len()];
        for (position, step) in self.steps.iter().enumerate() {
            for &operand in &step.operands {
                uses[operand].push(position);
            }
        }
        for &output in &self.outputs {
            uses[output].push(self.steps.len());
        }
        let mut lowering = Lowering {
            program: self,
            assembler,
            inputs,
            begin: room.free.len(),
            least: room.free.len(),
            room,
            uses,
            places: vec![Place::Home; self.values.len()],
            owners: [None; 32],
            locked: 0,
            position: 0,
            spilled: 0,
            failed: false,
        };
        lowering.place_inputs();
        for (position, step) in self.steps.iter().enumerate() {
            lowering.position = position;
            lowering.locked = 0;
            lowering.step(step);
        }
        lowering.position = self.steps.len();
        lowering.locked = 0;
        let outputs = lowering.outputs();
        (!lowering.failed).then_some(Lowered {
            outputs,
            taken: lowering.begin - lowering.least,
            free: lowering.room.free,
        })
    }

    /// How many registers the program takes at most, inputs in registers apart.
    pub(super) fn pressure(&self, inputs: &[Input], pinned: &BTreeMap<u32, u8>) -> usize {
        let uniforms = vec![Address::at(Register::RSP); self.uniforms.len()];
        let taken = |register: &u8| {
            let is_input = |input: &Input| matches!(input, Input::Register(r) if r == register);
            inputs.iter().any(is_input) || pinned.values().any(|pinned| pinned == register)
        };
        let room = Room {
            free: (0..32).filter(|register| !taken(register)).collect(),
            pinned,
            spill: Address::at(Register::RSP),
            slots: 0,
            uniforms: &uniforms,
        };
        let lowered = self.lower(&mut Assembler::default(), inputs, room);
        lowered.map_or(32, |lowered| lowered.taken)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Where an input, a literal or a uniform comes from.
    Home,
    Register(u8),
    Slot(usize),
}

struct Lowering<'a> {
    program: &'a Program,
    assembler: &'a mut Assembler,
    inputs: &'a [Input],
    room: Room<'a>,
    begin: usize,
    least: usize,
    /// Steps that read a value, in order; the end counts as one for results.
    uses: Vec<Vec<usize>>,
    places: Vec<Place>,
    owners: [Option<usize>; 32],
    /// Registers that the step needs.
    locked: u32,
    position: usize,
    spilled: usize,
    failed: bool,
}

impl Lowering<'_> {
    fn width(&self) -> Width {
        self.program.width
    }

    fn place_inputs(&mut self) {
        for (value, kind) in self.program.values.iter().enumerate() {
            let Value::Input(input) = *kind else { continue };
            if let Some(Input::Register(register)) = self.inputs.get(input) {
                if self.uses[value].is_empty() {
                    self.room.free.push(*register);
                } else {
                    self.own(value, *register);
                }
            }
        }
    }

    fn own(&mut self, value: usize, register: u8) {
        self.places[value] = Place::Register(register);
        self.owners[usize::from(register)] = Some(value);
        self.locked |= 1 << register;
    }

    /// The next step after this one that reads the value.
    fn next_use(&self, value: usize) -> Option<usize> {
        let uses = &self.uses[value];
        uses.iter().copied().find(|&step| step > self.position)
    }

    fn dies(&self, value: usize) -> bool {
        self.next_use(value).is_none()
    }

    /// The register of a value that nothing reads after this step.
    fn dying_register(&self, value: usize) -> Option<u8> {
        match self.places[value] {
            Place::Register(register) if self.dies(value) => Some(register),
            _ => None,
        }
    }

    /// Gives the registers of values that are read for the last time back.
    fn release(&mut self, step: &Step) {
        for &operand in &step.operands {
            if let Some(register) = self.dying_register(operand)
                && self.owners[usize::from(register)] == Some(operand)
            {
                self.owners[usize::from(register)] = None;
                self.room.free.push(register);
            }
        }
    }

    /// A register for something new.
    fn allocate(&mut self) -> u8 {
        if self.room.free.is_empty() {
            self.evict();
        }
        let Some(register) = self.room.free.pop() else {
            self.failed = true;
            return 0;
        };
        self.least = self.least.min(self.room.free.len());
        self.locked |= 1 << register;
        register
    }

    /// Takes the register from the value that is read last, and keeps the value in memory.
    fn evict(&mut self) {
        let owned = self.owners.iter().enumerate();
        let candidates = owned.filter_map(|(register, owner)| Some((register, (*owner)?)));
        let unlocked = candidates.filter(|(register, _)| self.locked >> register & 1 == 0);
        let Some((register, value)) = unlocked.max_by_key(|(_, value)| self.next_use(*value))
        else {
            return;
        };
        let at_home = match self.program.values[value] {
            Value::Computed | Value::Foreign => false,
            Value::Input(input) => !matches!(self.inputs.get(input), Some(Input::Register(_))),
            Value::Literal(_) | Value::Uniform(_) => true,
        };
        self.places[value] = if at_home {
            Place::Home
        } else {
            let slot = self.spilled;
            self.spilled += 1;
            if slot >= self.room.slots {
                self.failed = true;
            }
            let (width, address) = (self.width(), self.slot(slot));
            let from = register as u8;
            self.assembler
                .store_lanes(width, address, from, Lanes::All, 0);
            Place::Slot(slot)
        };
        self.owners[register] = None;
        self.room.free.push(register as u8);
    }

    fn slot(&self, slot: usize) -> Address {
        self.room.spill.plus((slot * self.width().bytes()) as i64)
    }

    fn literal(&mut self, bits: u32) -> Source {
        if let Some(&register) = self.room.pinned.get(&bits) {
            return Source::Register(register);
        }
        match self.width() {
            Width::Zmm => Source::Broadcast(self.assembler.constant(&bits.to_le_bytes())),
            Width::Ymm => {
                let bytes = bits.to_le_bytes().repeat(8);
                Source::Memory(self.assembler.constant(&bytes))
            }
        }
    }

    /// Where a value can be read by an instruction that takes any of its lanes from memory;
    /// `None` where it must be converted.
    fn memory(&mut self, value: usize) -> Option<Source> {
        match (self.places[value], self.program.values[value]) {
            (Place::Register(register), _) => Some(Source::Register(register)),
            (Place::Slot(slot), _) => Some(Source::Memory(self.slot(slot))),
            (Place::Home, Value::Literal(bits)) => Some(self.literal(bits)),
            (Place::Home, Value::Uniform(uniform)) => {
                let address = self.room.uniforms.get(uniform).copied();
                address.map(Source::Broadcast)
            }
            (Place::Home, Value::Input(input)) => match *self.inputs.get(input)? {
                Input::Memory(address, dtype, Lanes::All) if dtype != DType::Bool => {
                    Some(Source::Memory(address))
                }
                Input::Broadcast(address, dtype) if dtype != DType::Bool => {
                    Some(Source::Broadcast(address))
                }
                _ => None,
            },
            (Place::Home, Value::Computed | Value::Foreign) => None,
        }
    }

    /// The value as a last operand.
    fn source(&mut self, value: usize) -> Source {
        let reads = self.uses[value]
            .iter()
            .filter(|&&step| step >= self.position);
        let often = reads.count() > 1 && !matches!(self.program.values[value], Value::Literal(_));
        match self.memory(value) {
            Some(Source::Register(register)) => {
                self.locked |= 1 << register;
                Source::Register(register)
            }
            Some(Source::Broadcast(_)) if self.width() == Width::Ymm => {
                Source::Register(self.register(value))
            }
            Some(source) if !often || matches!(self.places[value], Place::Slot(_)) => source,
            _ => Source::Register(self.register(value)),
        }
    }

    /// The value in a register.
    fn register(&mut self, value: usize) -> u8 {
        match self.memory(value) {
            Some(Source::Register(register)) => {
                self.locked |= 1 << register;
                register
            }
            Some(source) => {
                let register = self.allocate();
                let width = self.width();
                self.assembler.load_vector(width, register, source);
                self.own(value, register);
                register
            }
            None => {
                let register = self.allocate();
                self.load_input(value, register);
                self.own(value, register);
                register
            }
        }
    }

    fn load_input(&mut self, value: usize, register: u8) {
        let Value::Input(input) = self.program.values[value] else {
            self.failed = true;
            return;
        };
        let (width, vector) = (self.width(), self.width().register(register));
        match self.inputs.get(input) {
            Some(&Input::Memory(address, DType::Bool, lanes)) => {
                let load = match width {
                    Width::Ymm => Code::VEX_Vpmovzxbd_ymm_xmmm64,
                    Width::Zmm => Code::EVEX_Vpmovzxbd_zmm_k1z_xmmm128,
                };
                let load = Instruction::with2(load, vector, address.operand());
                match lanes {
                    Lanes::All => self.assembler.push(load),
                    Lanes::Mask(mask) => self.assembler.push_masked(load, mask, true),
                    // A byte for each lane cannot be read under a mask; such bodies are refused.
                    Lanes::Memory(_) => self.failed = true,
                }
                self.negate_bool(register);
            }
            Some(&Input::Memory(address, _, lanes)) => {
                self.assembler.load_lanes(width, register, address, lanes);
            }
            Some(&Input::Broadcast(address, DType::Bool)) => {
                let code = Code::Movzx_r32_rm8;
                let load = Instruction::with2(code, GENERAL, address.operand());
                self.assembler.push(load);
                let narrow = Instruction::with2(Code::VEX_Vmovd_xmm_rm32, low(register), GENERAL);
                match width {
                    Width::Ymm => {
                        self.assembler.push(narrow);
                        let code = Code::VEX_Vpbroadcastd_ymm_xmmm32;
                        let spread = Instruction::with2(code, vector, low(register));
                        self.assembler.push(spread);
                    }
                    Width::Zmm => {
                        let code = Code::EVEX_Vpbroadcastd_zmm_k1z_r32;
                        self.assembler
                            .push(Instruction::with2(code, vector, GENERAL));
                    }
                }
                self.negate_bool(register);
            }
            _ => self.failed = true,
        }
    }

    /// From 0 and 1 to no bits and all bits.
    fn negate_bool(&mut self, register: u8) {
        let zero = self.allocate();
        let width = self.width();
        self.assembler.zero(zero);
        let from = Source::Register(register);
        let op = Binary::SubtractInteger;
        self.assembler.binary(width, op, register, zero, from);
        self.room.free.push(zero);
    }

    fn finish(&mut self, step: &Step, register: u8) {
        if self.dies(step.result) {
            self.room.free.push(register);
        } else {
            self.own(step.result, register);
        }
    }

    fn step(&mut self, step: &Step) {
        let (width, operands) = (self.width(), &step.operands);
        match (step.operation, &operands[..]) {
            (Operation::Binary(op), &[a, b]) => {
                let a = self.register(a);
                let b = self.source(b);
                self.release(step);
                let to = self.allocate();
                self.assembler.binary(width, op, to, a, b);
                self.finish(step, to);
            }
            (Operation::Extreme(op), &[a, b]) => self.extreme(step, op, a, b),
            (Operation::MultiplyAdd, &[a, b, c]) => self.multiply_add(step, a, b, c),
            (Operation::Sqrt, &[a]) => self.unary(step, Unary::Sqrt, a),
            (Operation::ToFloat, &[a]) => self.unary(step, Unary::ToFloat, a),
            (Operation::ToFloatUnsigned, &[a]) => self.unary(step, Unary::ToFloatUnsigned, a),
            (Operation::Round(mode), &[a]) => {
                let a = self.register(a);
                self.release(step);
                let to = self.allocate();
                self.assembler.round(width, to, a, mode);
                self.finish(step, to);
            }
            (Operation::Shift(shift, bits), &[a]) => {
                let a = self.register(a);
                self.release(step);
                let to = self.allocate();
                self.assembler.shift(width, shift, to, a, bits);
                self.finish(step, to);
            }
            (Operation::Compare(comparison, kind), &[a, b]) => {
                self.compare(step, comparison, kind, a, b);
            }
            (Operation::Select, &[condition, a, b]) => {
                let condition = self.register(condition);
                let b = self.register(b);
                let a = self.source(a);
                if width == Width::Zmm {
                    let code = Code::EVEX_Vpmovd2m_kr_zmm;
                    let mask = Instruction::with2(code, CONDITION, width.register(condition));
                    self.assembler.push(mask);
                }
                self.release(step);
                let to = self.allocate();
                self.blend(to, condition, a, b);
                self.finish(step, to);
            }
            (Operation::SelectCompare(comparison, kind), &[x, y, a, b]) => {
                let x = self.register(x);
                let y = self.source(y);
                let b = self.register(b);
                let a = self.source(a);
                self.compare_to_mask(comparison, kind, x, y);
                self.release(step);
                let to = self.allocate();
                self.blend(to, 0, a, b);
                self.finish(step, to);
            }
            (Operation::ToInteger, &[a]) => self.to_integer(step, a),
            _ => self.failed = true,
        }
    }

    fn unary(&mut self, step: &Step, op: Unary, a: usize) {
        let a = self.source(a);
        self.release(step);
        let to = self.allocate();
        let width = self.width();
        self.assembler.unary(width, op, to, a);
        self.finish(step, to);
    }

    /// `to = condition ? a : b`, the condition in a register or, of [`Width::Zmm`], in the mask.
    fn blend(&mut self, to: u8, condition: u8, a: Source, b: u8) {
        let width = self.width();
        let register = |number| width.register(number);
        match width {
            Width::Ymm => {
                let code = Code::VEX_Vblendvps_ymm_ymm_ymmm256_ymm;
                let (to, b, mask) = (register(to), register(b), register(condition));
                self.assembler.push(match a {
                    Source::Register(a) => Instruction::with4(code, to, b, register(a), mask),
                    Source::Memory(a) | Source::Broadcast(a) => {
                        Instruction::with4(code, to, b, a.operand(), mask)
                    }
                });
            }
            Width::Zmm => {
                let code = Code::EVEX_Vblendmps_zmm_k1z_zmm_zmmm512b32;
                let (to, b) = (register(to), register(b));
                let blend = match a {
                    Source::Register(a) => Instruction::with3(code, to, b, register(a)),
                    Source::Memory(a) => Instruction::with3(code, to, b, a.operand()),
                    Source::Broadcast(a) => Instruction::with3(code, to, b, a.broadcast()),
                };
                self.assembler.push_masked(blend, CONDITION, false);
            }
        }
    }

    fn extreme(&mut self, step: &Step, op: Binary, a: usize, b: usize) {
        let width = self.width();
        let a = self.register(a);
        let b = self.source(b);
        let to = self.allocate();
        self.assembler.binary(width, op, to, a, b);
        let itself = Source::Register(a);
        match width {
            Width::Ymm => {
                let mask = self.allocate();
                self.compare_ymm(mask, UNORDERED, a, itself);
                self.blend(to, mask, itself, to);
                self.room.free.push(mask);
            }
            Width::Zmm => {
                self.compare_zmm(UNORDERED, a, itself);
                self.blend(to, 0, itself, to);
            }
        }
        self.release(step);
        self.finish(step, to);
    }

    fn multiply_add(&mut self, step: &Step, a: usize, b: usize, c: usize) {
        let width = self.width();
        if let Some(to) = self.dying_register(c)
            && !self.is_pinned(to)
        {
            self.locked |= 1 << to;
            let first = if self.in_register(a) { a } else { b };
            let second = if first == a { b } else { a };
            let first = self.register(first);
            let second = self.source(second);
            let op = Binary::MultiplyAdd231;
            self.assembler.binary(width, op, to, first, second);
            self.replace(step, c, to);
            return;
        }
        let dying = [a, b].into_iter().find(|&value| {
            let register = self.dying_register(value);
            register.is_some_and(|register| !self.is_pinned(register))
        });
        let factor = dying.unwrap_or(if self.in_register(a) { b } else { a });
        let other = if factor == a { b } else { a };
        let to = match dying {
            Some(_) => {
                let to = self.register(factor);
                self.locked |= 1 << to;
                to
            }
            None => {
                let other_register = self.register(other);
                self.locked |= 1 << other_register;
                let to = self.allocate();
                match self.memory(factor) {
                    Some(source) => self.assembler.load_vector(width, to, source),
                    None => self.load_input(factor, to),
                }
                to
            }
        };
        if dying.is_some() && self.in_register(c) && !self.in_register(other) {
            let c = self.register(c);
            let other = self.source(other);
            self.assembler
                .binary(width, Binary::MultiplyAdd132, to, c, other);
        } else {
            let other = self.register(other);
            let c = self.source(c);
            self.assembler
                .binary(width, Binary::MultiplyAdd213, to, other, c);
        }
        match dying {
            Some(_) => self.replace(step, factor, to),
            None => {
                self.release(step);
                self.finish(step, to);
            }
        }
    }

    /// The result takes the register of an operand that dies.
    fn replace(&mut self, step: &Step, operand: usize, register: u8) {
        self.owners[usize::from(register)] = None;
        self.places[operand] = Place::Home;
        self.release(step);
        self.finish(step, register);
    }

    fn in_register(&mut self, value: usize) -> bool {
        matches!(self.memory(value), Some(Source::Register(_)))
    }

    fn is_pinned(&self, register: u8) -> bool {
        self.room.pinned.values().any(|&pinned| pinned == register)
    }

    fn compare(&mut self, step: &Step, comparison: Comparison, kind: Kind, a: usize, b: usize) {
        let width = self.width();
        if width == Width::Zmm {
            let a = self.register(a);
            let b = self.source(b);
            self.compare_to_mask(comparison, kind, a, b);
            self.release(step);
            let to = self.allocate();
            let code = Code::EVEX_Vpmovm2d_zmm_kr;
            let spread = Instruction::with2(code, width.register(to), CONDITION);
            self.assembler.push(spread);
            self.finish(step, to);
            return;
        }
        if kind == Kind::Float {
            let a = self.register(a);
            let b = self.source(b);
            self.release(step);
            let to = self.allocate();
            self.compare_ymm(to, float_predicate(comparison), a, b);
            self.finish(step, to);
            return;
        }
        let (swapped, code, negated) = match comparison {
            Comparison::Equal => (false, Code::VEX_Vpcmpeqd_ymm_ymm_ymmm256, false),
            Comparison::NotEqual => (false, Code::VEX_Vpcmpeqd_ymm_ymm_ymmm256, true),
            Comparison::Greater => (false, Code::VEX_Vpcmpgtd_ymm_ymm_ymmm256, false),
            Comparison::LessOrEqual => (false, Code::VEX_Vpcmpgtd_ymm_ymm_ymmm256, true),
            Comparison::Less => (true, Code::VEX_Vpcmpgtd_ymm_ymm_ymmm256, false),
            Comparison::GreaterOrEqual => (true, Code::VEX_Vpcmpgtd_ymm_ymm_ymmm256, true),
        };
        let (a, b) = if swapped { (b, a) } else { (a, b) };
        let a = self.register(a);
        let b = self.source(b);
        self.release(step);
        let to = self.allocate();
        let (register, a) = (width.register(to), width.register(a));
        self.assembler.push(match b {
            Source::Register(b) => Instruction::with3(code, register, a, width.register(b)),
            Source::Memory(b) | Source::Broadcast(b) => {
                Instruction::with3(code, register, a, b.operand())
            }
        });
        if negated {
            let ones = self.literal(u32::MAX);
            self.assembler.binary(width, Binary::Xor, to, to, ones);
        }
        self.finish(step, to);
    }

    fn compare_to_mask(&mut self, comparison: Comparison, kind: Kind, a: u8, b: Source) {
        let (code, predicate) = match kind {
            Kind::Float => return self.compare_zmm(float_predicate(comparison), a, b),
            Kind::Signed => (Code::EVEX_Vpcmpd_kr_k1_zmm_zmmm512b32_imm8, comparison),
            Kind::Unsigned => (Code::EVEX_Vpcmpud_kr_k1_zmm_zmmm512b32_imm8, comparison),
        };
        let predicate = match predicate {
            Comparison::Equal => 0,
            Comparison::Less => 1,
            Comparison::LessOrEqual => 2,
            Comparison::NotEqual => 4,
            Comparison::GreaterOrEqual => 5,
            Comparison::Greater => 6,
        };
        self.compare_with(code, predicate, a, b);
    }

    fn compare_zmm(&mut self, predicate: u32, a: u8, b: Source) {
        self.compare_with(
            Code::EVEX_Vcmpps_kr_k1_zmm_zmmm512b32_imm8_sae,
            predicate,
            a,
            b,
        );
    }

    fn compare_with(&mut self, code: Code, predicate: u32, a: u8, b: Source) {
        let a = Width::Zmm.register(a);
        self.assembler.push(match b {
            Source::Register(b) => {
                Instruction::with4(code, CONDITION, a, Width::Zmm.register(b), predicate)
            }
            Source::Memory(b) => Instruction::with4(code, CONDITION, a, b.operand(), predicate),
            Source::Broadcast(b) => {
                Instruction::with4(code, CONDITION, a, b.broadcast(), predicate)
            }
        });
    }

    fn compare_ymm(&mut self, to: u8, predicate: u32, a: u8, b: Source) {
        let code = Code::VEX_Vcmpps_ymm_ymm_ymmm256_imm8;
        let register = |number| Width::Ymm.register(number);
        self.assembler.push(match b {
            Source::Register(b) => {
                Instruction::with4(code, register(to), register(a), register(b), predicate)
            }
            Source::Memory(b) | Source::Broadcast(b) => {
                Instruction::with4(code, register(to), register(a), b.operand(), predicate)
            }
        });
    }

    /// The instruction gives the least integer for all that is out of range.
    fn to_integer(&mut self, step: &Step, a: usize) {
        let width = self.width();
        let a = self.register(a);
        let to = self.allocate();
        let itself = Source::Register(a);
        self.assembler
            .unary(width, Unary::ToIntegerTruncated, to, itself);
        let bound = self.literal(2_147_483_648f32.to_bits());
        let greatest = self.literal(i32::MAX as u32);
        let zero = self.literal(0);
        let at_least = float_predicate(Comparison::GreaterOrEqual);
        match width {
            Width::Ymm => {
                let mask = self.allocate();
                self.compare_ymm(mask, at_least, a, bound);
                self.blend(to, mask, greatest, to);
                self.compare_ymm(mask, UNORDERED, a, itself);
                self.blend(to, mask, zero, to);
                self.room.free.push(mask);
            }
            Width::Zmm => {
                self.compare_zmm(at_least, a, bound);
                self.blend(to, 0, greatest, to);
                self.compare_zmm(UNORDERED, a, itself);
                self.blend(to, 0, zero, to);
            }
        }
        self.release(step);
        self.finish(step, to);
    }

    /// The results, each in a register of its own that may be overwritten.
    fn outputs(&mut self) -> Vec<u8> {
        let mut outputs: Vec<u8> = Vec::new();
        for &output in &self.program.outputs {
            let mut register = self.register(output);
            if outputs.contains(&register) || self.is_pinned(register) {
                let copy = self.allocate();
                let width = self.width();
                let from = Source::Register(register);
                self.assembler.load_vector(width, copy, from);
                register = copy;
            }
            outputs.push(register);
        }
        outputs
    }
}

/// A comparison that holds where an operand is NaN.
const UNORDERED: u32 = 3;

/// Quiet comparisons: NaN differs from everything.
fn float_predicate(comparison: Comparison) -> u32 {
    match comparison {
        Comparison::Equal => 0x00,
        Comparison::NotEqual => 0x04,
        Comparison::Less => 0x11,
        Comparison::LessOrEqual => 0x12,
        Comparison::GreaterOrEqual => 0x1d,
        Comparison::Greater => 0x1e,
    }
}
