//! Elements between memory and registers.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::immediates::{Ieee32, Ieee64};
use cranelift_codegen::ir::{Endianness, InstBuilder, MemFlagsData, Type, Value, types};
use eyas_tensor::DType;

use crate::emitter::{Emitter, PLAIN};
use crate::form::Form;
use crate::sixteen;

impl Emitter<'_> {
    /// Elements side by side, the first at `address + offset` bytes.
    pub(crate) fn load(&mut self, form: Form, dtype: DType, address: Value, offset: i32) -> Value {
        self.load_as(PLAIN, form, dtype, address, offset)
    }

    /// Elements of memory with these flags.
    pub(crate) fn load_as(
        &mut self,
        flags: MemFlagsData,
        form: Form,
        dtype: DType,
        address: Value,
        offset: i32,
    ) -> Value {
        match form {
            Form::Scalar => self.load_scalar(flags, dtype, address, offset),
            Form::Two => self.load_vector(flags, form.clif(dtype), address, offset),
            Form::Four => self.load_four(flags, dtype, address, offset),
        }
    }

    fn load_scalar(
        &mut self,
        flags: MemFlagsData,
        dtype: DType,
        address: Value,
        offset: i32,
    ) -> Value {
        match dtype {
            DType::F16 | DType::BF16 => {
                let bits = self.ins().uload16(types::I32, flags, address, offset);
                sixteen::decode(self, dtype, bits)
            }
            DType::Bool => {
                let byte = self.ins().load(types::I8, flags, address, offset);
                self.ins().icmp_imm_s(IntCC::NotEqual, byte, 0)
            }
            _ => {
                let ty = Form::Scalar.clif(dtype);
                self.ins().load(ty, flags, address, offset)
            }
        }
    }

    /// Without AVX, Cranelift (0.135) compares floats with memory that must be aligned and may not
    /// be; what is loaded as integers it does not take for an operand.
    fn load_vector(&mut self, flags: MemFlagsData, ty: Type, address: Value, offset: i32) -> Value {
        let loaded = match ty {
            types::F32X4 if !self.abilities.unaligned => types::I32X4,
            types::F64X2 if !self.abilities.unaligned => types::I64X2,
            other => other,
        };
        let value = self.ins().load(loaded, flags, address, offset);
        self.reinterpret(ty, value)
    }

    fn load_four(
        &mut self,
        flags: MemFlagsData,
        dtype: DType,
        address: Value,
        offset: i32,
    ) -> Value {
        let lanes = match dtype.bits() {
            32 => return self.load_vector(flags, Form::Four.clif(dtype), address, offset),
            16 => {
                let bits = self.ins().load(types::I64, flags, address, offset);
                let vector = self.ins().scalar_to_vector(types::I64X2, bits);
                self.reinterpret(types::I16X8, vector)
            }
            _ => {
                let bits = self.ins().load(types::I32, flags, address, offset);
                let vector = self.ins().scalar_to_vector(types::I32X4, bits);
                let bytes = self.reinterpret(types::I8X16, vector);
                self.widen(dtype, bytes)
            }
        };
        let lanes = self.widen(dtype, lanes);
        match dtype {
            DType::F16 | DType::BF16 => sixteen::decode(self, dtype, lanes),
            DType::Bool => {
                let zero = self.constant(types::I32X4, 0);
                self.ins().icmp(IntCC::NotEqual, lanes, zero)
            }
            _ => lanes,
        }
    }

    fn widen(&mut self, dtype: DType, lanes: Value) -> Value {
        match dtype.is_signed() && dtype.is_integer() {
            true => self.ins().swiden_low(lanes),
            false => self.ins().uwiden_low(lanes),
        }
    }

    /// Stores elements side by side, the first at `address + offset` bytes.
    pub(crate) fn store(
        &mut self,
        form: Form,
        dtype: DType,
        value: Value,
        address: Value,
        offset: i32,
    ) {
        match (form, dtype) {
            (Form::Scalar, DType::F16 | DType::BF16) => {
                let bits = sixteen::encode(self, dtype, value);
                self.ins().istore16(PLAIN, bits, address, offset);
            }
            (Form::Four, _) if dtype.bits() < 32 => {
                let packed = self.narrow(dtype, value);
                self.ins().store(PLAIN, packed, address, offset);
            }
            _ => {
                self.ins().store(PLAIN, value, address, offset);
            }
        }
    }

    /// Four lanes of 32 bits as the 8 or 4 bytes that they are in memory. Packing saturates as
    /// signed numbers, so the lanes are extended so first.
    fn narrow(&mut self, dtype: DType, value: Value) -> Value {
        let bits = match dtype {
            DType::F16 | DType::BF16 => sixteen::encode(self, dtype, value),
            DType::Bool => {
                let one = self.constant(types::I32X4, 1);
                self.ins().band(value, one)
            }
            _ => value,
        };
        let extended = match dtype.is_signed() && dtype.is_integer() || dtype == DType::Bool {
            true => bits,
            false => {
                let up = self.ins().ishl_imm_s(bits, 32 - dtype.bits() as i64);
                self.ins().sshr_imm_s(up, 32 - dtype.bits() as i64)
            }
        };
        let halves = self.ins().snarrow(extended, extended);
        if dtype.bits() == 16 {
            let pairs = self.reinterpret(types::I64X2, halves);
            return self.ins().extractlane(pairs, 0);
        }
        let bytes = self.ins().snarrow(halves, halves);
        let quads = self.reinterpret(types::I32X4, bytes);
        self.ins().extractlane(quads, 0)
    }

    /// The same bits as another type.
    pub(crate) fn reinterpret(&mut self, ty: Type, value: Value) -> Value {
        if self.type_of(value) == ty {
            return value;
        }
        let little = MemFlagsData::new().with_endianness(Endianness::Little);
        self.ins().bitcast(ty, little, value)
    }

    /// The bits in every lane of a type.
    pub(crate) fn constant(&mut self, ty: Type, bits: u64) -> Value {
        let lane = ty.lane_type();
        let scalar = match lane {
            types::F32 => self.ins().f32const(Ieee32::with_bits(bits as u32)),
            types::F64 => self.ins().f64const(Ieee64::with_bits(bits)),
            _ => {
                let mask = u64::MAX >> (64 - lane.bits());
                self.ins().iconst(lane, (bits & mask) as i64)
            }
        };
        match ty.is_vector() {
            true => self.ins().splat(ty, scalar),
            false => scalar,
        }
    }

    /// The float in every lane of a type.
    pub(crate) fn float(&mut self, ty: Type, value: f64) -> Value {
        let bits = match ty.lane_type() {
            types::F32 => u64::from((value as f32).to_bits()),
            _ => value.to_bits(),
        };
        self.constant(ty, bits)
    }

    /// A scalar in every lane.
    pub(crate) fn splat(&mut self, form: Form, dtype: DType, scalar: Value) -> Value {
        let ty = form.clif(dtype);
        if form == Form::Scalar {
            return scalar;
        }
        let lane = ty.lane_type();
        let scalar = if self.type_of(scalar) == lane {
            scalar
        } else if dtype.is_integer() && dtype.is_signed() {
            self.ins().sextend(lane, scalar)
        } else {
            let extended = self.ins().uextend(lane, scalar);
            match dtype {
                DType::Bool => self.ins().ineg(extended),
                _ => extended,
            }
        };
        self.ins().splat(ty, scalar)
    }

    /// `mask ? a : b`, lane by lane.
    pub(crate) fn choose(&mut self, mask: Value, a: Value, b: Value) -> Value {
        if !self.type_of(mask).is_vector() {
            return self.ins().select(mask, a, b);
        }
        let ty = self.type_of(a);
        let mask = self.reinterpret(ty, mask);
        self.ins().bitselect(mask, a, b)
    }

    /// A mask as an integer of ones or zeros.
    pub(crate) fn ones(&mut self, ty: Type, mask: Value) -> Value {
        if ty.is_vector() {
            return mask;
        }
        let extended = match ty {
            types::I8 => mask,
            _ => self.ins().uextend(ty, mask),
        };
        self.ins().ineg(extended)
    }
}
