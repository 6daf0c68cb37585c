use std::collections::BTreeMap;

use iced_x86::{
    BlockEncoder, BlockEncoderOptions, Code, IcedError, Instruction, InstructionBlock,
    MemoryOperand, Register,
};

/// A place in code; it may be jumped to before it is bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Label(u64);

/// A place in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Address {
    base: Register,
    index: Register,
    scale: u32,
    displacement: i64,
}

impl Address {
    /// What a register points to.
    pub(super) fn at(base: Register) -> Address {
        Address {
            base,
            index: Register::None,
            scale: 1,
            displacement: 0,
        }
    }

    /// So many bytes on; not for constants of the pool.
    pub(super) fn plus(self, bytes: i64) -> Address {
        Address {
            displacement: self.displacement + bytes,
            ..self
        }
    }

    /// `index * scale` bytes on.
    pub(super) fn indexed(self, index: Register, scale: u32) -> Address {
        Address {
            index,
            scale,
            ..self
        }
    }

    /// As an operand of the whole width of its instruction.
    pub(super) fn operand(self) -> MemoryOperand {
        self.memory(false)
    }

    /// As an operand of 32 bits that every lane gets.
    pub(super) fn broadcast(self) -> MemoryOperand {
        self.memory(true)
    }

    fn memory(self, is_broadcast: bool) -> MemoryOperand {
        let size = u32::from(self.displacement != 0);
        let scale = self.scale;
        MemoryOperand::new(
            self.base,
            self.index,
            scale,
            self.displacement,
            size,
            is_broadcast,
            Register::None,
        )
    }
}

/// When a branch is taken, after a comparison of signed numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Condition {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    GreaterOrEqual,
}

/// Instructions, labels, and a pool of constants behind them.
#[derive(Debug, Default)]
pub(super) struct Assembler {
    instructions: Vec<Instruction>,
    labels: u64,
    bound: Option<u64>,
    pool: BTreeMap<Vec<u8>, Label>,
    prologue: usize,
    failed: bool,
}

/// Saved by the callee, without the frame pointer.
const SAVED: [Register; 5] = [
    Register::RBX,
    Register::R12,
    Register::R13,
    Register::R14,
    Register::R15,
];

/// The pool begins on a cache line.
const ALIGNMENT: usize = 64;

impl Assembler {
    /// One more instruction.
    pub(super) fn push(&mut self, instruction: Result<Instruction, IcedError>) {
        match instruction {
            Ok(mut instruction) => {
                if let Some(label) = self.bound.take() {
                    instruction.set_ip(label);
                }
                self.instructions.push(instruction);
            }
            Err(_) => self.failed = true,
        }
    }

    /// A new place in code.
    pub(super) fn label(&mut self) -> Label {
        self.labels += 1;
        Label(self.labels)
    }

    /// The label is the next instruction.
    pub(super) fn bind(&mut self, label: Label) {
        if self.bound.is_some() {
            self.push(Ok(Instruction::with(Code::Zero_bytes)));
        }
        self.bound = Some(label.0);
    }

    /// A new label here.
    pub(super) fn here(&mut self) -> Label {
        let label = self.label();
        self.bind(label);
        label
    }

    /// Where a constant lies; the same bytes lie there once.
    pub(super) fn constant(&mut self, bytes: &[u8]) -> Address {
        let label = match self.pool.get(bytes) {
            Some(&label) => label,
            None => {
                let label = self.label();
                self.pool.insert(bytes.to_vec(), label);
                label
            }
        };
        Address {
            displacement: label.0 as i64,
            ..Address::at(Register::RIP)
        }
    }

    /// Saves registers and makes room on the stack, a multiple of 64 bytes from `rsp` on.
    pub(super) fn enter(&mut self) {
        self.push(Instruction::with1(Code::Push_r64, Register::RBP));
        self.mov(Register::RBP, Register::RSP);
        for register in SAVED {
            self.push(Instruction::with1(Code::Push_r64, register));
        }
        self.prologue = self.instructions.len();
        self.add_immediate(Register::RSP, 0);
        let mask = Instruction::with2(Code::And_rm64_imm8, Register::RSP, -64);
        self.push(mask);
    }

    /// Gives everything back and returns 0.
    pub(super) fn leave(&mut self) {
        self.push(Ok(Instruction::with(Code::VEX_Vzeroupper)));
        let saved = -8 * SAVED.len() as i64;
        self.lea(Register::RSP, Address::at(Register::RBP).plus(saved));
        for register in SAVED.into_iter().rev() {
            self.push(Instruction::with1(Code::Pop_r64, register));
        }
        self.push(Instruction::with1(Code::Pop_r64, Register::RBP));
        let zero = Instruction::with2(Code::Xor_r32_rm32, Register::EAX, Register::EAX);
        self.push(zero);
        self.push(Ok(Instruction::with(Code::Retnq)));
    }

    /// The machine code, its pool behind it; `None` where an instruction cannot be encoded.
    pub(super) fn finish(mut self, frame: usize) -> Option<Vec<u8>> {
        let room = -i32::try_from(frame.next_multiple_of(ALIGNMENT)).ok()?;
        let enter = Instruction::with2(Code::Add_rm64_imm32, Register::RSP, room).ok()?;
        *self.instructions.get_mut(self.prologue)? = enter;
        if self.failed {
            return None;
        }
        if self.bound.is_some() {
            self.push(Ok(Instruction::with(Code::Zero_bytes)));
        }
        let code = self.instructions.len();
        let mut pool: Vec<(Vec<u8>, Label)> = std::mem::take(&mut self.pool).into_iter().collect();
        pool.sort_by_key(|(bytes, _)| std::cmp::Reverse(bytes.len()));
        let mut size = 0;
        for (bytes, label) in &pool {
            self.bound = Some(label.0);
            size += bytes.len();
            for chunk in bytes.chunks(16) {
                self.push(Instruction::with_declare_byte(chunk));
            }
        }
        let bytes = self.encode()?;
        let rest = (bytes.len() - size) % ALIGNMENT;
        if size == 0 || rest == 0 {
            return Some(bytes);
        }
        let padding = vec![0xcc; ALIGNMENT - rest];
        let padding: Result<Vec<Instruction>, IcedError> = padding
            .chunks(16)
            .map(Instruction::with_declare_byte)
            .collect();
        self.instructions.splice(code..code, padding.ok()?);
        self.encode()
    }

    fn encode(&self) -> Option<Vec<u8>> {
        let block = InstructionBlock::new(&self.instructions, 0);
        let result = BlockEncoder::encode(64, block, BlockEncoderOptions::NONE).ok()?;
        (!self.failed).then_some(result.code_buffer)
    }
}

/// General registers. All are 64 bits wide.
impl Assembler {
    pub(super) fn mov(&mut self, to: Register, from: Register) {
        self.push(Instruction::with2(Code::Mov_r64_rm64, to, from));
    }

    pub(super) fn load(&mut self, to: Register, from: Address) {
        self.push(Instruction::with2(Code::Mov_r64_rm64, to, from.operand()));
    }

    pub(super) fn store(&mut self, to: Address, from: Register) {
        self.push(Instruction::with2(Code::Mov_rm64_r64, to.operand(), from));
    }

    pub(super) fn move_immediate(&mut self, to: Register, value: i64) {
        self.push(match i32::try_from(value) {
            Ok(value) => Instruction::with2(Code::Mov_rm64_imm32, to, value),
            Err(_) => Instruction::with2(Code::Mov_r64_imm64, to, value),
        });
    }

    pub(super) fn lea(&mut self, to: Register, address: Address) {
        self.push(Instruction::with2(Code::Lea_r64_m, to, address.operand()));
    }

    pub(super) fn add(&mut self, to: Register, from: Register) {
        self.push(Instruction::with2(Code::Add_r64_rm64, to, from));
    }

    pub(super) fn add_immediate(&mut self, to: Register, value: i32) {
        self.push(Instruction::with2(Code::Add_rm64_imm32, to, value));
    }

    pub(super) fn add_memory(&mut self, to: Register, from: Address) {
        self.push(Instruction::with2(Code::Add_r64_rm64, to, from.operand()));
    }

    pub(super) fn add_memory_immediate(&mut self, to: Address, value: i32) {
        self.push(Instruction::with2(
            Code::Add_rm64_imm32,
            to.operand(),
            value,
        ));
    }

    pub(super) fn add_to_memory(&mut self, to: Address, from: Register) {
        self.push(Instruction::with2(Code::Add_rm64_r64, to.operand(), from));
    }

    pub(super) fn store_immediate(&mut self, to: Address, value: i32) {
        self.push(Instruction::with2(
            Code::Mov_rm64_imm32,
            to.operand(),
            value,
        ));
    }

    pub(super) fn and_immediate(&mut self, to: Register, value: i32) {
        self.push(Instruction::with2(Code::And_rm64_imm32, to, value));
    }

    pub(super) fn subtract(&mut self, to: Register, from: Register) {
        self.push(Instruction::with2(Code::Sub_r64_rm64, to, from));
    }

    pub(super) fn multiply(&mut self, to: Register, from: Register) {
        self.push(Instruction::with2(Code::Imul_r64_rm64, to, from));
    }

    pub(super) fn multiply_memory(&mut self, to: Register, from: Address) {
        self.push(Instruction::with2(Code::Imul_r64_rm64, to, from.operand()));
    }

    pub(super) fn shift_left(&mut self, to: Register, bits: u32) {
        self.push(Instruction::with2(Code::Shl_rm64_imm8, to, bits));
    }

    pub(super) fn shift_right(&mut self, to: Register, bits: u32) {
        self.push(Instruction::with2(Code::Shr_rm64_imm8, to, bits));
    }

    /// `rax` by a register: the quotient in `rax`, the remainder in `rdx`.
    pub(super) fn divide(&mut self, by: Register) {
        let zero = Instruction::with2(Code::Xor_r32_rm32, Register::EDX, Register::EDX);
        self.push(zero);
        self.push(Instruction::with1(Code::Div_rm64, by));
    }

    pub(super) fn compare(&mut self, a: Register, b: Register) {
        self.push(Instruction::with2(Code::Cmp_r64_rm64, a, b));
    }

    pub(super) fn compare_immediate(&mut self, a: Register, b: i32) {
        self.push(Instruction::with2(Code::Cmp_rm64_imm32, a, b));
    }

    pub(super) fn compare_memory(&mut self, a: Register, b: Address) {
        self.push(Instruction::with2(Code::Cmp_r64_rm64, a, b.operand()));
    }

    /// `to = from` where the comparison before says less.
    pub(super) fn move_if_less(&mut self, to: Register, from: Register) {
        self.push(Instruction::with2(Code::Cmovl_r64_rm64, to, from));
    }

    pub(super) fn jump(&mut self, label: Label) {
        self.push(Instruction::with_branch(Code::Jmp_rel32_64, label.0));
    }

    pub(super) fn branch(&mut self, condition: Condition, label: Label) {
        let code = match condition {
            Condition::Equal => Code::Je_rel32_64,
            Condition::NotEqual => Code::Jne_rel32_64,
            Condition::Less => Code::Jl_rel32_64,
            Condition::LessOrEqual => Code::Jle_rel32_64,
            Condition::GreaterOrEqual => Code::Jge_rel32_64,
        };
        self.push(Instruction::with_branch(code, label.0));
    }
}
