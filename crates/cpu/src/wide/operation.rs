use eyas_ir::Comparison;
use iced_x86::{Code, Instruction};

use super::lowering::{CONDITION, Lowering, Place};
use super::program::{Kind, Operation, Step};
use super::vector::{Binary, Source, Unary, Width};

/// The instructions of each operation.
impl Lowering<'_> {
    fn finish(&mut self, step: &Step, register: u8) {
        if self.dies(step.result) {
            self.room.free.push(register);
        } else {
            self.own(step.result, register);
        }
    }

    pub(super) fn step(&mut self, step: &Step) {
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
            (Operation::ToInteger, &[a]) => self.truncated(step, a),
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

    pub(super) fn is_pinned(&self, register: u8) -> bool {
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
    fn truncated(&mut self, step: &Step, a: usize) {
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
