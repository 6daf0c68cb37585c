use eyas_kernels::Access;
use eyas_plan::LaunchContext;
use eyas_tensor::Dim;
use iced_x86::{Code, Instruction, Register};

use super::assembler::{Address, Assembler, Condition, Label};
use super::vector::low;
use crate::DimTable;

/// A function of the kernel ABI under construction: its code, its frame on the stack and the dims
/// that it reads. `rax`, `rcx` and `rdx` are free between its parts.
#[derive(Debug, Default)]
pub(super) struct Function {
    pub(super) assembler: Assembler,
    dims: DimTable,
    frame: usize,
    arguments: Slot,
    table: Slot,
    scratch: Slot,
    unit: Slot,
    end: Slot,
}

/// Eight bytes of the frame.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Slot(usize);

impl Slot {
    /// Where it is.
    pub(super) fn address(self) -> Address {
        Address::at(Register::RSP).plus(self.0 as i64)
    }
}

/// A distance between neighbours, in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stride {
    /// Part of the code.
    Baked(i32),
    /// Read when the function runs.
    Read(Dim),
}

/// Greater distances are not displacements of an address.
const GREATEST_BAKED: i64 = 1 << 26;

impl Stride {
    /// So many elements of so many bytes; `None` where that overflows.
    pub(super) fn new(elements: &Dim, bytes: usize) -> Option<Stride> {
        let distance = elements.mul(&Dim::from(bytes as i64)).ok()?;
        Some(match distance.as_constant() {
            Some(bytes) if bytes.abs() <= GREATEST_BAKED => Stride::Baked(bytes as i32),
            _ => Stride::Read(distance),
        })
    }
}

impl Function {
    /// A function that has saved its arguments.
    pub(super) fn new() -> Function {
        // Whole vectors are spilled at the start of the frame.
        let mut function = Function {
            frame: SPILLED,
            ..Function::default()
        };
        function.arguments = function.slot();
        function.table = function.slot();
        function.scratch = function.slot();
        function.unit = function.slot();
        function.end = function.slot();
        let Function {
            assembler,
            arguments,
            table,
            scratch,
            unit,
            end,
            ..
        } = &mut function;
        assembler.enter();
        let context = |offset: i32| Address::at(Register::RDI).plus(offset.into());
        for (slot, offset) in [
            (arguments, LaunchContext::ARGUMENTS),
            (table, LaunchContext::DIMS),
            (scratch, LaunchContext::SCRATCH),
        ] {
            assembler.load(Register::RAX, context(offset));
            assembler.store(slot.address(), Register::RAX);
        }
        assembler.store(unit.address(), Register::RSI);
        assembler.store(end.address(), Register::RDX);
        function
    }

    /// Where bodies may spill vectors.
    pub(super) fn spill(&self) -> Address {
        Address::at(Register::RSP)
    }

    /// How many vectors may be spilled.
    pub(super) fn spill_slots(&self, bytes: usize) -> usize {
        SPILLED / bytes
    }

    /// Eight bytes more of the frame.
    pub(super) fn slot(&mut self) -> Slot {
        let slot = Slot(self.frame);
        self.frame += 8;
        slot
    }

    /// Memory of the frame, from a cache line on.
    pub(super) fn room(&mut self, bytes: usize) -> Address {
        let place = self.frame.next_multiple_of(64);
        self.frame = place + bytes;
        Address::at(Register::RSP).plus(place as i64)
    }

    /// The value of a dim in a register.
    pub(super) fn load_dim(&mut self, to: Register, dim: &Dim) {
        match dim.as_constant() {
            Some(value) => self.assembler.move_immediate(to, value),
            None => {
                let place = self.dims.place(dim);
                self.assembler.load(to, self.table.address());
                let value = Address::at(to).plus(8 * place as i64);
                self.assembler.load(to, value);
            }
        }
    }

    /// A distance in a register.
    pub(super) fn load_stride(&mut self, to: Register, stride: &Stride) {
        match stride {
            Stride::Baked(bytes) => self.assembler.move_immediate(to, (*bytes).into()),
            Stride::Read(dim) => self.load_dim(to, dim),
        }
    }

    /// The start of this thread's scratch memory.
    pub(super) fn load_scratch(&mut self, to: Register) {
        self.assembler.load(to, self.scratch.address());
    }

    /// Dims as f32, each in a slot; the vector register is overwritten.
    pub(super) fn uniforms(&mut self, dims: &[Dim], temporary: u8) -> Vec<Address> {
        dims.iter()
            .map(|dim| {
                self.load_dim(Register::RAX, dim);
                let slot = self.slot();
                let register = low(temporary);
                let code = Code::VEX_Vcvtsi2ss_xmm_xmm_rm64;
                let convert = Instruction::with3(code, register, register, Register::RAX);
                self.assembler.push(convert);
                let code = Code::VEX_Vmovss_m32_xmm;
                let store = Instruction::with2(code, slot.address().operand(), register);
                self.assembler.push(store);
                slot.address()
            })
            .collect()
    }

    /// Begins the loop over units; gives its head, where `close_units` comes back to.
    pub(super) fn open_units(&mut self) -> (Label, Label) {
        let (head, done) = (self.assembler.label(), self.assembler.label());
        self.assembler.bind(head);
        let (unit, end) = (self.unit.address(), self.end.address());
        self.assembler.load(Register::RAX, unit);
        self.assembler.compare_memory(Register::RAX, end);
        self.assembler.branch(Condition::GreaterOrEqual, done);
        self.assembler.add_memory_immediate(unit, 1);
        (head, done)
    }

    /// Ends the loop over units and the function.
    pub(super) fn close_units(&mut self, (head, done): (Label, Label)) {
        self.assembler.jump(head);
        self.assembler.bind(done);
        self.assembler.leave();
    }

    /// Takes the unit in `rax` apart: the place along each axis, the last one's changing fastest.
    pub(super) fn places(&mut self, extents: &[Dim]) -> Vec<Slot> {
        let slots: Vec<Slot> = extents.iter().map(|_| self.slot()).collect();
        for (place, (slot, extent)) in slots.iter().zip(extents).enumerate().rev() {
            if place == 0 {
                self.assembler.store(slot.address(), Register::RAX);
            } else if extent.is(1) {
                self.assembler.store_immediate(slot.address(), 0);
            } else {
                self.load_dim(Register::RCX, extent);
                self.assembler.divide(Register::RCX);
                self.assembler.store(slot.address(), Register::RDX);
            }
        }
        slots
    }

    /// Stores where an access begins: its offset, and for each place so many elements a step.
    pub(super) fn store_pointer(
        &mut self,
        to: Slot,
        access: &Access,
        bytes: usize,
        steps: &[(Slot, Dim)],
    ) {
        self.load_dim(Register::RAX, &access.offset);
        for (slot, stride) in steps {
            if stride.is(0) {
                continue;
            }
            self.load_dim(Register::RCX, stride);
            self.assembler
                .multiply_memory(Register::RCX, slot.address());
            self.assembler.add(Register::RAX, Register::RCX);
        }
        if bytes > 1 {
            self.assembler
                .shift_left(Register::RAX, bytes.trailing_zeros());
        }
        self.assembler.load(Register::RCX, self.arguments.address());
        let argument = Address::at(Register::RCX).plus(8 * access.argument as i64);
        self.assembler.add_memory(Register::RAX, argument);
        self.assembler.store(to.address(), Register::RAX);
    }

    /// Stores how much of an extent is left for a place that takes `size` of it at most.
    pub(super) fn store_rest(&mut self, to: Slot, extent: &Dim, place: Slot, size: &Dim) {
        self.load_dim(Register::RDX, extent);
        self.load_dim(Register::RCX, size);
        let assembler = &mut self.assembler;
        assembler.mov(Register::RAX, Register::RCX);
        assembler.multiply_memory(Register::RAX, place.address());
        assembler.subtract(Register::RDX, Register::RAX);
        assembler.compare(Register::RCX, Register::RDX);
        assembler.move_if_less(Register::RDX, Register::RCX);
        assembler.store(to.address(), Register::RDX);
    }

    /// The machine code and the dims it reads.
    pub(super) fn finish(self) -> Option<(Vec<u8>, Vec<Dim>)> {
        let bytes = self.assembler.finish(self.frame)?;
        Some((bytes, self.dims.into_dims()))
    }
}

/// Bytes at the start of the frame that bodies may spill to.
const SPILLED: usize = 1024;
