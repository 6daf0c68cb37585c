//! Places along axes: numbers that are never negative, in 32 bits where these hold them.

use eyas_ir::Comparison;
use eyas_tensor::Dim;

use crate::builder::{Control, Operand, Register, S64, U32, U64};
use crate::emitter::Emitter;
use crate::error::Fault;

/// What 32 bits do not hold.
const LIMIT: u64 = 1 << 32;

/// A place along an axis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Place {
    /// One that is known.
    Constant(u64),
    /// Below 2^32 - 1.
    Narrow(Register<U32>),
    /// Any.
    Wide(Register<U64>),
}

impl From<Register<U32>> for Place {
    fn from(place: Register<U32>) -> Place {
        Place::Narrow(place)
    }
}

impl From<Register<U64>> for Place {
    fn from(place: Register<U64>) -> Place {
        Place::Wide(place)
    }
}

/// Whether a number that stays below such a bound is known to fit in 32 bits.
pub(crate) fn is_narrow(bound: &Dim) -> bool {
    bound
        .as_constant()
        .is_some_and(|bound| bound <= i64::from(i32::MAX))
}

impl Emitter<'_> {
    /// A place in 64 bits.
    pub(crate) fn wide(&mut self, place: Place) -> Operand<U64> {
        match place {
            Place::Constant(place) => place.into(),
            Place::Narrow(place) => self.resize::<U64, U32>(place).into(),
            Place::Wide(place) => place.into(),
        }
    }

    /// A place as an i64, as bodies have it.
    pub(crate) fn signed(&mut self, place: Place) -> Operand<S64> {
        match place {
            Place::Constant(place) => (place as i64).into(),
            Place::Narrow(place) => self.resize::<S64, U32>(place).into(),
            Place::Wide(place) => self.reinterpret::<S64, U64>(place).into(),
        }
    }

    /// A place so much further.
    pub(crate) fn advance(&mut self, place: Place, by: u64) -> Place {
        match place {
            _ if by == 0 => place,
            Place::Constant(place) => Place::Constant(place.wrapping_add(by)),
            Place::Narrow(place) => self.add::<U32>(place, by as u32).into(),
            Place::Wide(place) => self.add::<U64>(place, by).into(),
        }
    }

    /// One place so much further than another.
    pub(crate) fn sum(&mut self, a: Place, b: Place) -> Place {
        match (a, b) {
            (place, Place::Constant(by)) | (Place::Constant(by), place) => self.advance(place, by),
            (Place::Narrow(a), Place::Narrow(b)) => self.add::<U32>(a, b).into(),
            (a, b) => {
                let (a, b) = (self.wide(a), self.wide(b));
                self.add::<U64>(a, b).into()
            }
        }
    }

    /// A place that is so many times as far.
    pub(crate) fn scale(&mut self, place: Place, by: u64) -> Place {
        let shift = by.trailing_zeros();
        match place {
            _ if by == 1 => place,
            Place::Constant(place) => Place::Constant(place.wrapping_mul(by)),
            Place::Narrow(place) if by.is_power_of_two() => {
                self.shift_left::<U32>(place, shift).into()
            }
            Place::Narrow(place) => self.mul::<U32>(place, by as u32).into(),
            Place::Wide(place) if by.is_power_of_two() => {
                self.shift_left::<U64>(place, shift).into()
            }
            Place::Wide(place) => self.mul::<U64>(place, by).into(),
        }
    }

    /// Quotient and remainder of a place by an extent, which is not 0.
    pub(crate) fn divide(&mut self, place: Place, extent: &Dim) -> Result<[Place; 2], Fault> {
        let constant = extent
            .as_constant()
            .and_then(|extent| u64::try_from(extent).ok());
        Ok(match (place, constant) {
            (_, Some(1)) => [place, Place::Constant(0)],
            (Place::Constant(place), Some(by)) if by > 0 => {
                [Place::Constant(place / by), Place::Constant(place % by)]
            }
            (Place::Narrow(place), Some(by)) => match u32::try_from(by) {
                Ok(by) if by.is_power_of_two() => [
                    self.shift_right::<U32>(place, by.trailing_zeros()).into(),
                    self.and::<U32>(place, by - 1).into(),
                ],
                Ok(by) => self.divide_narrow(place, by).map(Place::Narrow),
                Err(_) => [Place::Constant(0), place.into()],
            },
            (Place::Wide(place), Some(by)) if by > 0 && is_narrow(extent) => {
                self.divide_by_narrow(place, by as u32)?
            }
            (Place::Narrow(place), None) => {
                let by = self.narrow_dim(extent);
                self.divide_narrow(place, by).map(Place::Narrow)
            }
            _ => {
                let by = self.dim(extent);
                let place = self.wide(place);
                self.divide_wide(place, by)?.map(Place::Wide)
            }
        })
    }

    fn divide_narrow(
        &mut self,
        place: Register<U32>,
        by: impl Into<Operand<U32>>,
    ) -> [Register<U32>; 2] {
        let by = by.into();
        let quotient = self.div(place, by);
        let multiple = self.mul(quotient, by);
        [quotient, self.sub(place, multiple)]
    }

    /// By a number that is known: what is left over fits in 32 bits.
    fn divide_by_narrow(&mut self, place: Register<U64>, by: u32) -> Result<[Place; 2], Fault> {
        if by.is_power_of_two() {
            let low = self.resize::<U32, U64>(place);
            let rest = self.and::<U32>(low, by - 1);
            let quotient = self.shift_right::<U64>(place, by.trailing_zeros());
            return Ok([quotient.into(), rest.into()]);
        }
        let (quotient, rest) = (self.register::<U64>(), self.register::<U32>());
        let narrow = self.compare(Comparison::Less, place, LIMIT);
        self.when_else(
            narrow,
            |e| {
                let place = e.resize::<U32, U64>(place);
                let whole = e.div::<U32>(place, by);
                let multiple = e.mul::<U32>(whole, by);
                e.set(rest, |b| b.sub(place, multiple));
                e.set(quotient, |b| b.resize(whole));
                Ok::<(), Fault>(())
            },
            |e| {
                e.set(quotient, |b| b.div(place, u64::from(by)));
                let multiple = e.mul::<U64>(quotient, u64::from(by));
                let left = e.sub::<U64>(place, multiple);
                e.set(rest, |b| b.resize(left));
                Ok(())
            },
        )?;
        Ok([quotient.into(), rest.into()])
    }

    /// In 32 bits where both fit, which is several times as fast.
    fn divide_wide(
        &mut self,
        place: Operand<U64>,
        by: Operand<U64>,
    ) -> Result<[Register<U64>; 2], Fault> {
        let [quotient, rest] = [self.register::<U64>(), self.register::<U64>()];
        let both = self.or::<U64>(place, by);
        let narrow = self.compare(Comparison::Less, both, LIMIT);
        self.when_else(
            narrow,
            |e| {
                let place = e.resize::<U32, U64>(place);
                let by = e.resize::<U32, U64>(by);
                let [q, r] = e.divide_narrow(place, by);
                e.set(quotient, |b| b.resize(q));
                e.set(rest, |b| b.resize(r));
                Ok::<(), Fault>(())
            },
            |e| {
                e.set(quotient, |b| b.div(place, by));
                let multiple = e.mul(quotient, by);
                e.set(rest, |b| b.sub(place, multiple));
                Ok(())
            },
        )?;
        Ok([quotient, rest])
    }

    /// The places along axes of these extents, none of them 0, of a place in row-major order.
    pub(crate) fn places(&mut self, linear: Place, extents: &[Dim]) -> Result<Vec<Place>, Fault> {
        let mut rest = linear;
        let mut places = Vec::with_capacity(extents.len());
        for extent in extents.iter().skip(1).rev() {
            let [quotient, place] = self.divide(rest, extent)?;
            places.push(place);
            rest = quotient;
        }
        if !extents.is_empty() {
            places.push(rest);
        }
        places.reverse();
        Ok(places)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use eyas_ir::Origin;
    use eyas_kernels::{Argument, Kernel, Map, Role, Work};
    use eyas_plan::CudaArchitecture;
    use eyas_ptx_interpreter::{Launch as Shape, Limits, Memory, Module, launch};
    use eyas_tensor::DType;

    use super::*;
    use crate::emitter::Launch;
    use crate::printer::{Entry, print_preamble};

    /// Quotient and remainder of a place that is loaded, by a dim.
    fn divided(by: &Dim, value: u64, bindings: &BTreeMap<&str, i64>) -> [u64; 2] {
        let argument = |role, length: i64| Argument {
            dtype: DType::U64,
            role,
            length: Dim::from(length),
        };
        let kernel = Kernel {
            name: "divide".to_owned(),
            arguments: vec![argument(Role::Read, 1), argument(Role::Write, 2)],
            work: Work::Map(Map {
                extents: Vec::new(),
                reads: Vec::new(),
                body: Default::default(),
                writes: Vec::new(),
            }),
            origin: Origin::default(),
        };
        let mut e = Emitter::new(&kernel);
        let (from, to) = (e.argument(0), e.argument(1));
        let place: Register<U64> = e.load(from.global(0));
        let parts = e.divide(place.into(), by).unwrap();
        for (part, offset) in parts.into_iter().zip([0, 8]) {
            let part = e.wide(part);
            e.store(to.global(offset), part);
        }
        let shape = Launch::new(Dim::from(1), 1, Dim::from(1));
        let emitted = e.finish(&shape);
        let entry = Entry {
            name: "divide_kernel".to_owned(),
            header: Vec::new(),
            parameters: emitted.parameters,
            threads: 1,
            resident: 1,
            written: emitted.written,
        };
        let text = format!("{}{entry}", print_preamble(CudaArchitecture::Sm80));
        let module = Module::parse(&text).unwrap();
        let mut memory = Memory::new();
        let addresses = [8, 16].map(|bytes| memory.allocate(bytes).unwrap());
        memory.write(addresses[0], &value.to_le_bytes()).unwrap();
        let mut parameters: Vec<u8> = addresses.map(u64::to_le_bytes).concat();
        for dim in &emitted.dims {
            let value = dim.evaluate(&|name| bindings.get(name).copied()).unwrap();
            parameters.extend(value.to_le_bytes());
        }
        let shape = Shape {
            grid: [1; 3],
            block: [1; 3],
            shared: 0,
        };
        let entry = &module.entries()[0];
        launch(entry, &shape, &parameters, &mut memory, &Limits::default()).unwrap();
        [0, 8].map(|offset| {
            let mut bytes = [0; 8];
            memory.read(addresses[1] + offset, &mut bytes).unwrap();
            u64::from_le_bytes(bytes)
        })
    }

    #[test]
    fn places_are_divided_in_32_bits_and_in_64() {
        let values = [0, 1, 6, 12_345, (1 << 32) - 1, 1 << 32, (1 << 40) + 12_345];
        for value in values {
            for by in [1, 2, 7, 64, 1000, (1 << 31) - 1, 1 << 33, (1 << 33) + 5] {
                let expected = [value / by, value % by];
                let constant = Dim::from(by as i64);
                assert_eq!(divided(&constant, value, &BTreeMap::new()), expected);
                let bindings = BTreeMap::from([("N", by as i64)]);
                assert_eq!(divided(&Dim::symbol("N"), value, &bindings), expected);
            }
        }
    }
}
