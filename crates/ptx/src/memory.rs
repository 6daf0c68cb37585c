//! Elements in memory and as values.

use eyas_ir::Comparison;
use eyas_tensor::DType;

use crate::builder::{
    Address, B16, Builder, Bytes, F32, F64, Halves, Kind, Narrow, Operand, Predicate, Register,
    S32, S64, Stored, U32, U64,
};
use crate::emitter::Emitter;
use crate::error::Fault;
use crate::value::Value;

/// Where an element lies, and whether it does at all.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Spot {
    /// The address.
    pub(crate) address: Register<U64>,
    /// Where an index is out of range this does not hold, and the element must not be touched.
    pub(crate) inside: Option<Register<Predicate>>,
}

impl From<Register<U64>> for Spot {
    fn from(address: Register<U64>) -> Spot {
        let inside = None;
        Spot { address, inside }
    }
}

/// Bytes of an element.
pub(crate) fn size_of(dtype: DType) -> i64 {
    (dtype.bits() / 8) as i64
}

impl Emitter<'_> {
    /// An element so many bytes from a spot; zero where the spot is not inside.
    pub(crate) fn load_element(
        &mut self,
        dtype: DType,
        spot: Spot,
        offset: i32,
    ) -> Result<Value, Fault> {
        self.load_at(dtype, spot.address.global(offset), spot.inside)
    }

    /// An element in either memory; zero where the condition does not hold.
    pub(crate) fn load_at(
        &mut self,
        dtype: DType,
        at: impl Into<Address>,
        inside: Option<Register<Predicate>>,
    ) -> Result<Value, Fault> {
        let at = at.into();
        Ok(match dtype {
            DType::F64 => self.load_register::<F64>(inside, at).into(),
            DType::F32 => self.load_register::<F32>(inside, at).into(),
            DType::F16 | DType::BF16 => self.load_register::<B16>(inside, at).into(),
            DType::I64 => self.load_register::<S64>(inside, at).into(),
            DType::U64 => self.load_register::<U64>(inside, at).into(),
            DType::I32 => self.load_register::<S32>(inside, at).into(),
            DType::U32 => self.load_register::<U32>(inside, at).into(),
            DType::Bool => {
                let byte = self.load_narrow_register(inside, Narrow::U8, at);
                self.compare(Comparison::NotEqual, byte, 0).into()
            }
            DType::U8 | DType::F8E4M3 | DType::F8E5M2 => {
                self.load_narrow_register(inside, Narrow::U8, at).into()
            }
            DType::I8 => self.load_narrow_register(inside, Narrow::S8, at).into(),
            DType::I16 => self.load_narrow_register(inside, Narrow::S16, at).into(),
            DType::U16 => self.load_narrow_register(inside, Narrow::U16, at).into(),
            DType::I4 | DType::U4 => return Err(unsupported(dtype)),
        })
    }

    fn load_register<T: Stored>(
        &mut self,
        inside: Option<Register<Predicate>>,
        at: Address,
    ) -> Register<T> {
        self.load_guarded(inside, |e| e.load(at))
    }

    fn load_guarded<T: Stored>(
        &mut self,
        inside: Option<Register<Predicate>>,
        load: impl FnOnce(&mut Builder) -> Register<T>,
    ) -> Register<T> {
        let Some(inside) = inside else {
            return load(self);
        };
        let value = self.copy(Operand::Constant(T::ZERO));
        self.guarded(inside, true, |b| b.set(value, load));
        value
    }

    fn load_narrow_register(
        &mut self,
        inside: Option<Register<Predicate>>,
        narrow: Narrow,
        at: Address,
    ) -> Register<S32> {
        self.load_guarded(inside, |b| b.load_narrow(narrow, at))
    }

    /// Writes an element so many bytes from a spot, where that is inside.
    pub(crate) fn store_element(
        &mut self,
        dtype: DType,
        spot: Spot,
        offset: i32,
        value: Value,
    ) -> Result<(), Fault> {
        let at = spot.address.global(offset);
        self.store_at(dtype, at, spot.inside, value)
    }

    /// Writes an element in either memory where the condition holds.
    pub(crate) fn store_at(
        &mut self,
        dtype: DType,
        at: impl Into<Address>,
        inside: Option<Register<Predicate>>,
        value: Value,
    ) -> Result<(), Fault> {
        let at = at.into();
        match dtype {
            DType::I4 | DType::U4 => return Err(unsupported(dtype)),
            DType::Bool | DType::U8 | DType::I8 | DType::F8E4M3 | DType::F8E5M2 => {
                let word = self.word_of(value)?;
                self.maybe_guarded(inside, |b| b.store_byte(at, word));
            }
            DType::U16 | DType::I16 => {
                let word = self.word_of(value)?;
                self.maybe_guarded(inside, |b| b.store_short(at, word));
            }
            _ => match value.held(self) {
                Value::Half(Operand::Register(x)) => self.store_one(inside, at, x),
                Value::F32(Operand::Register(x)) => self.store_one(inside, at, x),
                Value::F64(Operand::Register(x)) => self.store_one(inside, at, x),
                Value::S32(Operand::Register(x)) => self.store_one(inside, at, x),
                Value::U32(Operand::Register(x)) => self.store_one(inside, at, x),
                Value::S64(Operand::Register(x)) => self.store_one(inside, at, x),
                Value::U64(Operand::Register(x)) => self.store_one(inside, at, x),
                _ => return Err(Value::other_kind()),
            },
        }
        Ok(())
    }

    fn store_one<T: Stored>(
        &mut self,
        inside: Option<Register<Predicate>>,
        at: Address,
        value: Register<T>,
    ) {
        self.maybe_guarded(inside, |b| b.store(at, value));
    }

    fn maybe_guarded(
        &mut self,
        inside: Option<Register<Predicate>>,
        store: impl FnOnce(&mut Builder),
    ) {
        match inside {
            Some(inside) => self.guarded(inside, true, store),
            None => store(self),
        }
    }

    /// A narrow element in the lower bits of a word.
    fn word_of(&mut self, value: Value) -> Result<Register<S32>, Fault> {
        Ok(match value {
            Value::Bool(Operand::Constant(value)) => self.copy(i32::from(value)),
            Value::Bool(Operand::Register(value)) => self.select(value, 1, 0),
            Value::S32(value) => self.held(value),
            _ => return Err(Value::other_kind()),
        })
    }

    /// So many elements side by side, 16 bytes at a time or as many as there are; the address is
    /// a multiple of that.
    pub(crate) fn load_elements(
        &mut self,
        dtype: DType,
        spot: Spot,
        count: usize,
    ) -> Result<Vec<Value>, Fault> {
        Ok(match dtype {
            DType::F64 => values(self.load_all::<F64>(spot, count)),
            DType::F32 => values(self.load_all::<F32>(spot, count)),
            DType::I64 => values(self.load_all::<S64>(spot, count)),
            DType::U64 => values(self.load_all::<U64>(spot, count)),
            DType::I32 => values(self.load_all::<S32>(spot, count)),
            DType::U32 => values(self.load_all::<U32>(spot, count)),
            _ if size_of(dtype) * count as i64 % 4 != 0 => {
                let size = size_of(dtype) as i32;
                let each = (0..count as i32).map(|n| self.load_element(dtype, spot, n * size));
                each.collect::<Result<_, _>>()?
            }
            DType::F16 | DType::BF16 => {
                let packed = self.load_all::<Halves>(spot, count / 2);
                let halves = packed.into_iter().flat_map(|pair| self.unpack(pair));
                values(halves.collect())
            }
            DType::I16 | DType::U16 => {
                let packed = self.load_all::<Halves>(spot, count / 2);
                let halves: Vec<_> = packed.into_iter().flat_map(|p| self.unpack(p)).collect();
                let narrow = match dtype {
                    DType::I16 => Narrow::S16,
                    _ => Narrow::U16,
                };
                let wide = halves.into_iter();
                values(
                    wide.map(|half| self.widen_short::<S32>(narrow, half))
                        .collect(),
                )
            }
            DType::Bool | DType::I8 | DType::U8 | DType::F8E4M3 | DType::F8E5M2 => {
                let mut found = Vec::with_capacity(count);
                for packed in self.load_all::<Bytes>(spot, count / 4) {
                    let word = self.reinterpret::<S32, Bytes>(packed);
                    for shift in [0u32, 8, 16, 24] {
                        let byte = match shift {
                            0 => word,
                            _ => self.shift_right(word, shift),
                        };
                        found.push(match dtype {
                            // The sign has moved down with the highest byte.
                            DType::I8 if shift == 24 => byte.into(),
                            DType::I8 => self.low_byte(byte).into(),
                            DType::Bool => {
                                let byte = self.and(byte, 0xff);
                                self.compare(Comparison::NotEqual, byte, 0).into()
                            }
                            _ => self.and(byte, 0xff).into(),
                        });
                    }
                }
                found
            }
            DType::I4 | DType::U4 => return Err(unsupported(dtype)),
        })
    }

    fn load_all<T: Stored>(&mut self, spot: Spot, count: usize) -> Vec<Register<T>> {
        let values: Vec<Register<T>> = (0..count).map(|_| self.register()).collect();
        if spot.inside.is_some() {
            for &value in &values {
                self.assign(value, Operand::Constant(T::ZERO));
            }
        }
        for (place, group) in groups(&values) {
            let at = spot.address.global(place);
            self.maybe_guarded(spot.inside, |b| b.load_side_by_side(group, at));
        }
        values
    }

    /// Writes so many elements side by side, 16 bytes at a time or as many as there are; the
    /// address is a multiple of that.
    pub(crate) fn store_elements(
        &mut self,
        dtype: DType,
        spot: Spot,
        values: &[Value],
    ) -> Result<(), Fault> {
        match dtype {
            DType::F64 => self.store_all(spot, values, Value::f64)?,
            DType::F32 => self.store_all(spot, values, Value::f32)?,
            DType::I64 => self.store_all(spot, values, Value::s64)?,
            DType::U64 => self.store_all(spot, values, Value::u64)?,
            DType::I32 => self.store_all(spot, values, Value::s32)?,
            DType::U32 => self.store_all(spot, values, Value::u32)?,
            _ if size_of(dtype) * values.len() as i64 % 4 != 0 => {
                let size = size_of(dtype) as i32;
                for (place, value) in values.iter().enumerate() {
                    self.store_element(dtype, spot, place as i32 * size, *value)?;
                }
            }
            DType::F16 | DType::BF16 | DType::I16 | DType::U16 => {
                let mut packed = Vec::with_capacity(values.len() / 2);
                for pair in values.chunks_exact(2) {
                    let [low, high] = [self.half_of(pair[0])?, self.half_of(pair[1])?];
                    packed.push(self.pack(low, high));
                }
                self.store_groups(spot, &packed);
            }
            DType::Bool | DType::I8 | DType::U8 | DType::F8E4M3 | DType::F8E5M2 => {
                let mut packed = Vec::with_capacity(values.len() / 4);
                for four in values.chunks_exact(4) {
                    let mut word = None;
                    for (value, shift) in four.iter().zip([0u32, 8, 16, 24]) {
                        let mut byte = self.word_of(*value)?;
                        if dtype == DType::I8 && shift < 24 {
                            byte = self.and(byte, 0xff);
                        }
                        if shift > 0 {
                            byte = self.shift_left(byte, shift);
                        }
                        word = Some(match word {
                            Some(word) => self.or::<S32>(word, byte),
                            None => byte,
                        });
                    }
                    packed.extend(word.map(|word| self.reinterpret::<Bytes, S32>(word)));
                }
                self.store_groups(spot, &packed);
            }
            DType::I4 | DType::U4 => return Err(unsupported(dtype)),
        }
        Ok(())
    }

    fn store_all<T: Stored>(
        &mut self,
        spot: Spot,
        values: &[Value],
        kind: impl Fn(Value) -> Result<Operand<T>, Fault>,
    ) -> Result<(), Fault> {
        let mut registers = Vec::with_capacity(values.len());
        for value in values {
            let operand = kind(*value)?;
            registers.push(self.held(operand));
        }
        self.store_groups(spot, &registers);
        Ok(())
    }

    fn store_groups<T: Stored>(&mut self, spot: Spot, values: &[Register<T>]) {
        for (place, group) in groups(values) {
            let at = spot.address.global(place);
            self.maybe_guarded(spot.inside, |b| b.store_side_by_side(at, group));
        }
    }

    /// An element of 16 bits.
    fn half_of(&mut self, value: Value) -> Result<Register<B16>, Fault> {
        Ok(match value {
            Value::S32(word) => self.to_short::<S32>(word),
            other => {
                let half = other.half()?;
                self.held(half)
            }
        })
    }
}

/// Registers in groups of 16 bytes, what is left in groups of 8 and 4, each with its place in
/// bytes.
fn groups<T: Kind>(registers: &[Register<T>]) -> Vec<(i32, &[Register<T>])> {
    let size = T::BYTES as usize;
    let (mut place, mut found) = (0, Vec::new());
    while place < registers.len() {
        let left = (registers.len() - place) * size;
        let group = match left {
            16.. => 16 / size,
            8.. => 8 / size,
            _ => 1,
        };
        found.push(((place * size) as i32, &registers[place..place + group]));
        place += group;
    }
    found
}

fn unsupported(dtype: DType) -> Fault {
    Fault::Unsupported(format!("element type `{dtype}`"))
}

fn values<T: Kind>(registers: Vec<Register<T>>) -> Vec<Value>
where
    Register<T>: Into<Value>,
{
    registers.into_iter().map(Into::into).collect()
}
