use eyas_plan::{Isa, IsaLevel};
use iced_x86::{Code, Instruction, Register};

use super::assembler::{Address, Assembler};

/// How wide vectors are, and with that which instructions there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Width {
    /// 256 bits: AVX2 and FMA.
    Ymm,
    /// 512 bits: AVX-512.
    Zmm,
}

/// Where a vector is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// A vector register.
    Register(u8),
    /// All lanes from memory.
    Memory(Address),
    /// One lane from memory for all; as an operand only of [`Width::Zmm`].
    Broadcast(Address),
}

/// Which lanes of a load or store count; the others are read as zero and not written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lanes {
    /// All of them.
    All,
    /// Those of a mask register.
    Mask(Register),
    /// Those with the highest bit of their 32 set here; for [`Width::Ymm`].
    Memory(Address),
}

/// An instruction of two vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[rustfmt::skip]
pub(super) enum Binary {
    Add, Subtract, Multiply, Divide, Maximum, Minimum,
    And, Or, Xor,
    AddInteger, SubtractInteger, MultiplyInteger,
    MaximumSigned, MinimumSigned, MaximumUnsigned, MinimumUnsigned,
    MultiplyAdd132, MultiplyAdd213, MultiplyAdd231,
}

/// An instruction of one vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unary {
    Sqrt,
    ToFloat,
    ToFloatUnsigned,
    ToIntegerTruncated,
}

/// Bits of a lane moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shift {
    Left,
    Right,
    RightSigned,
}

impl Width {
    /// The width of an instruction set's vectors; `None` where they are not wide.
    pub(super) fn of(isa: Isa) -> Option<Width> {
        match isa.level {
            IsaLevel::Portable => None,
            IsaLevel::V3 => Some(Width::Ymm),
            IsaLevel::V4 => Some(Width::Zmm),
        }
    }

    /// Lanes of 32 bits.
    pub(super) fn lanes(self) -> usize {
        match self {
            Width::Ymm => 8,
            Width::Zmm => 16,
        }
    }

    /// Bytes of a vector.
    pub(super) fn bytes(self) -> usize {
        4 * self.lanes()
    }

    /// How many registers there are.
    pub(super) fn registers(self) -> u8 {
        match self {
            Width::Ymm => 16,
            Width::Zmm => 32,
        }
    }

    /// A vector register.
    pub(super) fn register(self, number: u8) -> Register {
        match self {
            Width::Ymm => Register::YMM0 + u32::from(number),
            Width::Zmm => Register::ZMM0 + u32::from(number),
        }
    }
}

/// The low 128 bits of a vector register.
pub(super) fn low(number: u8) -> Register {
    Register::XMM0 + u32::from(number)
}

impl Binary {
    fn code(self, width: Width) -> Code {
        use Code::*;
        let (ymm, zmm) = match self {
            Binary::Add => (
                VEX_Vaddps_ymm_ymm_ymmm256,
                EVEX_Vaddps_zmm_k1z_zmm_zmmm512b32_er,
            ),
            Binary::Subtract => (
                VEX_Vsubps_ymm_ymm_ymmm256,
                EVEX_Vsubps_zmm_k1z_zmm_zmmm512b32_er,
            ),
            Binary::Multiply => (
                VEX_Vmulps_ymm_ymm_ymmm256,
                EVEX_Vmulps_zmm_k1z_zmm_zmmm512b32_er,
            ),
            Binary::Divide => (
                VEX_Vdivps_ymm_ymm_ymmm256,
                EVEX_Vdivps_zmm_k1z_zmm_zmmm512b32_er,
            ),
            Binary::Maximum => (
                VEX_Vmaxps_ymm_ymm_ymmm256,
                EVEX_Vmaxps_zmm_k1z_zmm_zmmm512b32_sae,
            ),
            Binary::Minimum => (
                VEX_Vminps_ymm_ymm_ymmm256,
                EVEX_Vminps_zmm_k1z_zmm_zmmm512b32_sae,
            ),
            Binary::And => (
                VEX_Vpand_ymm_ymm_ymmm256,
                EVEX_Vpandd_zmm_k1z_zmm_zmmm512b32,
            ),
            Binary::Or => (VEX_Vpor_ymm_ymm_ymmm256, EVEX_Vpord_zmm_k1z_zmm_zmmm512b32),
            Binary::Xor => (
                VEX_Vpxor_ymm_ymm_ymmm256,
                EVEX_Vpxord_zmm_k1z_zmm_zmmm512b32,
            ),
            Binary::AddInteger => (
                VEX_Vpaddd_ymm_ymm_ymmm256,
                EVEX_Vpaddd_zmm_k1z_zmm_zmmm512b32,
            ),
            Binary::SubtractInteger => (
                VEX_Vpsubd_ymm_ymm_ymmm256,
                EVEX_Vpsubd_zmm_k1z_zmm_zmmm512b32,
            ),
            Binary::MultiplyInteger => (
                VEX_Vpmulld_ymm_ymm_ymmm256,
                EVEX_Vpmulld_zmm_k1z_zmm_zmmm512b32,
            ),
            Binary::MaximumSigned => (
                VEX_Vpmaxsd_ymm_ymm_ymmm256,
                EVEX_Vpmaxsd_zmm_k1z_zmm_zmmm512b32,
            ),
            Binary::MinimumSigned => (
                VEX_Vpminsd_ymm_ymm_ymmm256,
                EVEX_Vpminsd_zmm_k1z_zmm_zmmm512b32,
            ),
            Binary::MaximumUnsigned => (
                VEX_Vpmaxud_ymm_ymm_ymmm256,
                EVEX_Vpmaxud_zmm_k1z_zmm_zmmm512b32,
            ),
            Binary::MinimumUnsigned => (
                VEX_Vpminud_ymm_ymm_ymmm256,
                EVEX_Vpminud_zmm_k1z_zmm_zmmm512b32,
            ),
            Binary::MultiplyAdd132 => (
                VEX_Vfmadd132ps_ymm_ymm_ymmm256,
                EVEX_Vfmadd132ps_zmm_k1z_zmm_zmmm512b32_er,
            ),
            Binary::MultiplyAdd213 => (
                VEX_Vfmadd213ps_ymm_ymm_ymmm256,
                EVEX_Vfmadd213ps_zmm_k1z_zmm_zmmm512b32_er,
            ),
            Binary::MultiplyAdd231 => (
                VEX_Vfmadd231ps_ymm_ymm_ymmm256,
                EVEX_Vfmadd231ps_zmm_k1z_zmm_zmmm512b32_er,
            ),
        };
        width.choose(ymm, zmm)
    }
}

impl Unary {
    fn code(self, width: Width) -> Code {
        use Code::*;
        let (ymm, zmm) = match self {
            Unary::Sqrt => (VEX_Vsqrtps_ymm_ymmm256, EVEX_Vsqrtps_zmm_k1z_zmmm512b32_er),
            Unary::ToFloat => (
                VEX_Vcvtdq2ps_ymm_ymmm256,
                EVEX_Vcvtdq2ps_zmm_k1z_zmmm512b32_er,
            ),
            // Of 256-bit vectors AVX2 has no such instruction; bodies with one are refused.
            Unary::ToFloatUnsigned => (INVALID, EVEX_Vcvtudq2ps_zmm_k1z_zmmm512b32_er),
            Unary::ToIntegerTruncated => (
                VEX_Vcvttps2dq_ymm_ymmm256,
                EVEX_Vcvttps2dq_zmm_k1z_zmmm512b32_sae,
            ),
        };
        width.choose(ymm, zmm)
    }
}

impl Width {
    fn choose(self, ymm: Code, zmm: Code) -> Code {
        match self {
            Width::Ymm => ymm,
            Width::Zmm => zmm,
        }
    }
}

impl Assembler {
    /// `to = a op b`; a multiply-add reads `to` as well.
    pub(super) fn binary(&mut self, width: Width, op: Binary, to: u8, a: u8, b: Source) {
        let (code, to, a) = (op.code(width), width.register(to), width.register(a));
        self.push(match b {
            Source::Register(b) => Instruction::with3(code, to, a, width.register(b)),
            Source::Memory(b) => Instruction::with3(code, to, a, b.operand()),
            Source::Broadcast(b) => Instruction::with3(code, to, a, b.broadcast()),
        });
    }

    /// `to = op a`
    pub(super) fn unary(&mut self, width: Width, op: Unary, to: u8, a: Source) {
        let (code, to) = (op.code(width), width.register(to));
        self.push(match a {
            Source::Register(a) => Instruction::with2(code, to, width.register(a)),
            Source::Memory(a) => Instruction::with2(code, to, a.operand()),
            Source::Broadcast(a) => Instruction::with2(code, to, a.broadcast()),
        });
    }

    /// To an integral value; `mode` 0 is to the nearest even, 1 down, 2 up.
    pub(super) fn round(&mut self, width: Width, to: u8, a: u8, mode: u32) {
        let code = width.choose(
            Code::VEX_Vroundps_ymm_ymmm256_imm8,
            Code::EVEX_Vrndscaleps_zmm_k1z_zmmm512b32_imm8_sae,
        );
        let (to, a) = (width.register(to), width.register(a));
        self.push(Instruction::with3(code, to, a, 8 | mode));
    }

    /// Moves the bits of every lane.
    pub(super) fn shift(&mut self, width: Width, shift: Shift, to: u8, a: u8, bits: u32) {
        use Code::*;
        let (ymm, zmm) = match shift {
            Shift::Left => (VEX_Vpslld_ymm_ymm_imm8, EVEX_Vpslld_zmm_k1z_zmmm512b32_imm8),
            Shift::Right => (VEX_Vpsrld_ymm_ymm_imm8, EVEX_Vpsrld_zmm_k1z_zmmm512b32_imm8),
            Shift::RightSigned => (VEX_Vpsrad_ymm_ymm_imm8, EVEX_Vpsrad_zmm_k1z_zmmm512b32_imm8),
        };
        let (to, a) = (width.register(to), width.register(a));
        self.push(Instruction::with3(width.choose(ymm, zmm), to, a, bits));
    }

    /// All lanes zero.
    pub(super) fn zero(&mut self, to: u8) {
        let code = if to < 16 {
            Code::VEX_Vpxor_xmm_xmm_xmmm128
        } else {
            Code::EVEX_Vpxord_zmm_k1z_zmm_zmmm512b32
        };
        let register = if to < 16 {
            low(to)
        } else {
            Width::Zmm.register(to)
        };
        self.push(Instruction::with3(code, register, register, register));
    }

    /// All lanes of a vector of 32-bit elements.
    pub(super) fn load_vector(&mut self, width: Width, to: u8, from: Source) {
        let register = width.register(to);
        self.push(match from {
            Source::Register(from) if from == to => return,
            Source::Register(from) => {
                let code = width.choose(
                    Code::VEX_Vmovaps_ymm_ymmm256,
                    Code::EVEX_Vmovaps_zmm_k1z_zmmm512,
                );
                Instruction::with2(code, register, width.register(from))
            }
            Source::Memory(from) => {
                let code = width.choose(
                    Code::VEX_Vmovups_ymm_ymmm256,
                    Code::EVEX_Vmovups_zmm_k1z_zmmm512,
                );
                Instruction::with2(code, register, from.operand())
            }
            Source::Broadcast(from) => {
                let code = width.choose(
                    Code::VEX_Vbroadcastss_ymm_m32,
                    Code::EVEX_Vbroadcastss_zmm_k1z_xmmm32,
                );
                Instruction::with2(code, register, from.operand())
            }
        });
    }

    /// The lanes that count of a vector of 32-bit elements, the others zero.
    pub(super) fn load_lanes(&mut self, width: Width, to: u8, from: Address, lanes: Lanes) {
        let register = width.register(to);
        match lanes {
            Lanes::All => self.load_vector(width, to, Source::Memory(from)),
            Lanes::Mask(mask) => {
                let code = Code::EVEX_Vmovups_zmm_k1z_zmmm512;
                self.push_masked(
                    Instruction::with2(code, register, from.operand()),
                    mask,
                    true,
                );
            }
            Lanes::Memory(mask) => {
                self.load_vector(width, to, Source::Memory(mask));
                let code = Code::VEX_Vmaskmovps_ymm_ymm_m256;
                let load = Instruction::with3(code, register, register, from.operand());
                self.push(load);
            }
        }
    }

    /// Writes the lanes that count; `temporary` may be overwritten.
    pub(super) fn store_lanes(
        &mut self,
        width: Width,
        to: Address,
        from: u8,
        lanes: Lanes,
        temporary: u8,
    ) {
        let (to, register) = (to.operand(), width.register(from));
        let code = width.choose(
            Code::VEX_Vmovups_ymmm256_ymm,
            Code::EVEX_Vmovups_zmmm512_k1z_zmm,
        );
        match lanes {
            Lanes::All => self.push(Instruction::with2(code, to, register)),
            Lanes::Mask(mask) => {
                self.push_masked(Instruction::with2(code, to, register), mask, false);
            }
            Lanes::Memory(mask) => {
                self.load_vector(width, temporary, Source::Memory(mask));
                let code = Code::VEX_Vmaskmovps_m256_ymm_ymm;
                let mask = width.register(temporary);
                self.push(Instruction::with3(code, to, mask, register));
            }
        }
    }

    /// Writes the lanes that count as bytes of 0 and 1, and overwrites `from`; of [`Width::Zmm`].
    pub(super) fn store_bools(&mut self, to: Address, from: u8, lanes: Lanes) {
        self.shift(Width::Zmm, Shift::Right, from, from, 31);
        let code = Code::EVEX_Vpmovdb_xmmm128_k1z_zmm;
        let register = Width::Zmm.register(from);
        let store = Instruction::with2(code, to.operand(), register);
        match lanes {
            Lanes::Mask(mask) => self.push_masked(store, mask, false),
            Lanes::All | Lanes::Memory(_) => self.push(store),
        }
    }

    /// An instruction under a mask.
    pub(super) fn push_masked(
        &mut self,
        instruction: Result<Instruction, iced_x86::IcedError>,
        mask: Register,
        zeroing: bool,
    ) {
        self.push(instruction.map(|mut instruction| {
            instruction.set_op_mask(mask);
            instruction.set_zeroing_masking(zeroing);
            instruction
        }));
    }
}
