use std::collections::BTreeMap;

use eyas_tensor::DType;
use iced_x86::{Code, Instruction, Register};

use super::assembler::{Address, Assembler};
use super::program::{Program, Step, Value};
use super::vector::{Binary, Lanes, Source, Width, low};

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
pub(super) const CONDITION: Register = Register::K7;

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
pub(super) enum Place {
    /// Where an input, a literal or a uniform comes from.
    Home,
    Register(u8),
    Slot(usize),
}

/// A program on its way into instructions: where its values are.
pub(super) struct Lowering<'a> {
    program: &'a Program,
    pub(super) assembler: &'a mut Assembler,
    inputs: &'a [Input],
    pub(super) room: Room<'a>,
    begin: usize,
    least: usize,
    /// Steps that read a value, in order; the end counts as one for results.
    uses: Vec<Vec<usize>>,
    pub(super) places: Vec<Place>,
    pub(super) owners: [Option<usize>; 32],
    /// Registers that the step needs.
    pub(super) locked: u32,
    position: usize,
    spilled: usize,
    pub(super) failed: bool,
}

impl Lowering<'_> {
    pub(super) fn width(&self) -> Width {
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

    pub(super) fn own(&mut self, value: usize, register: u8) {
        self.places[value] = Place::Register(register);
        self.owners[usize::from(register)] = Some(value);
        self.locked |= 1 << register;
    }

    /// The next step after this one that reads the value.
    fn next_use(&self, value: usize) -> Option<usize> {
        let uses = &self.uses[value];
        uses.iter().copied().find(|&step| step > self.position)
    }

    pub(super) fn dies(&self, value: usize) -> bool {
        self.next_use(value).is_none()
    }

    /// The register of a value that nothing reads after this step.
    pub(super) fn dying_register(&self, value: usize) -> Option<u8> {
        match self.places[value] {
            Place::Register(register) if self.dies(value) => Some(register),
            _ => None,
        }
    }

    /// Gives the registers of values that are read for the last time back.
    pub(super) fn release(&mut self, step: &Step) {
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
    pub(super) fn allocate(&mut self) -> u8 {
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

    pub(super) fn literal(&mut self, bits: u32) -> Source {
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
    pub(super) fn memory(&mut self, value: usize) -> Option<Source> {
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
    pub(super) fn source(&mut self, value: usize) -> Source {
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
    pub(super) fn register(&mut self, value: usize) -> u8 {
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

    pub(super) fn load_input(&mut self, value: usize, register: u8) {
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
