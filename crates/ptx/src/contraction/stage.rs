use std::ops::Range;

use eyas_ir::Comparison;
use eyas_tensor::DType;

use crate::builder::{
    B16, Builder, F32, F64, Global, Integer32, Register, S32, S64, Stored, U32, U64,
};
use crate::emitter::Emitter;
use crate::error::Fault;
use crate::value::Value;

/// Registers that elements are loaded into as memory has them, so that nothing waits for them
/// before they are used.
#[derive(Debug)]
pub(super) struct Stage {
    dtype: DType,
    registers: Registers,
}

/// Narrow integers are widened to words.
#[derive(Debug)]
enum Registers {
    Half(Vec<Register<B16>>),
    F32(Vec<Register<F32>>),
    F64(Vec<Register<F64>>),
    S32(Vec<Register<S32>>),
    U32(Vec<Register<U32>>),
    S64(Vec<Register<S64>>),
    U64(Vec<Register<U64>>),
}

impl Stage {
    /// Room for so many elements.
    pub(super) fn new(e: &mut Emitter, dtype: DType, count: usize) -> Result<Stage, Fault> {
        use DType::*;
        macro_rules! room {
            ($variant:ident) => {
                Registers::$variant((0..count).map(|_| e.register()).collect())
            };
        }
        let registers = match dtype {
            F64 => room!(F64),
            F32 => room!(F32),
            F16 | BF16 => room!(Half),
            I64 => room!(S64),
            U64 => room!(U64),
            I32 | I16 | I8 => room!(S32),
            U32 | U16 | U8 | Bool | F8E4M3 | F8E5M2 => room!(U32),
            I4 | U4 => return Err(Fault::Unsupported(format!("element type `{dtype}`"))),
        };
        Ok(Stage { dtype, registers })
    }

    /// Makes an element zero; of a float the negative one where so said.
    pub(super) fn clear(&self, b: &mut Builder, place: usize, negative: bool) {
        let sign = if negative { -1.0 } else { 1.0 };
        match &self.registers {
            Registers::Half(all) => b.assign(all[place], if negative { 0x8000u16 } else { 0 }),
            Registers::F32(all) => b.assign(all[place], 0.0f32.copysign(sign)),
            Registers::F64(all) => b.assign(all[place], 0.0f64.copysign(f64::from(sign))),
            Registers::S32(all) => b.assign(all[place], 0i32),
            Registers::U32(all) => b.assign(all[place], 0u32),
            Registers::S64(all) => b.assign(all[place], 0i64),
            Registers::U64(all) => b.assign(all[place], 0u64),
        }
    }

    /// Loads elements side by side, 16 bytes at a time or as many as there are; the address is a
    /// multiple of that.
    pub(super) fn load(&self, b: &mut Builder, places: Range<usize>, from: Global) {
        match (&self.registers, self.dtype.bits()) {
            (Registers::S32(all), 8) => b.load_narrow_into(&all[places], S32::BYTE, from),
            (Registers::S32(all), 16) => b.load_narrow_into(&all[places], S32::SHORT, from),
            (Registers::U32(all), 8) => b.load_narrow_into(&all[places], U32::BYTE, from),
            (Registers::U32(all), 16) => b.load_narrow_into(&all[places], U32::SHORT, from),
            (Registers::Half(all), _) => side_by_side(b, &all[places], from),
            (Registers::F32(all), _) => side_by_side(b, &all[places], from),
            (Registers::F64(all), _) => side_by_side(b, &all[places], from),
            (Registers::S32(all), _) => side_by_side(b, &all[places], from),
            (Registers::U32(all), _) => side_by_side(b, &all[places], from),
            (Registers::S64(all), _) => side_by_side(b, &all[places], from),
            (Registers::U64(all), _) => side_by_side(b, &all[places], from),
        }
    }

    /// An element as bodies have it.
    pub(super) fn scalar(&self, e: &mut Emitter, place: usize) -> Value {
        match &self.registers {
            Registers::Half(all) => all[place].into(),
            Registers::F32(all) => all[place].into(),
            Registers::F64(all) => all[place].into(),
            Registers::S32(all) => all[place].into(),
            Registers::S64(all) => all[place].into(),
            Registers::U64(all) => all[place].into(),
            Registers::U32(all) => match self.dtype {
                DType::U32 => all[place].into(),
                DType::Bool => e.compare(Comparison::NotEqual, all[place], 0u32).into(),
                _ => e.reinterpret::<S32, U32>(all[place]).into(),
            },
        }
    }
}

fn side_by_side<T: Stored>(b: &mut Builder, registers: &[Register<T>], from: Global) {
    let mut offset = from.offset;
    for group in registers.chunks((16 / T::BYTES) as usize) {
        b.load_side_by_side(group, Global { offset, ..from });
        offset += 16;
    }
}
