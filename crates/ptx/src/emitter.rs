use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};

use eyas_ir::Comparison;
use eyas_kernels::{Argument, Kernel, Role};
use eyas_plan::DeviceFailure;
use eyas_tensor::{DType, Dim};

use crate::builder::{
    Builder, Control, Operand, Predicate, Register, S64, Special, Type, U32, U64, Written,
};
use crate::dim_table::{DimTable, parameter_name};
use crate::error::Fault;
use crate::place::Place;
use crate::printer::Parameter;

/// Writes one kernel's entry.
pub(crate) struct Emitter<'k> {
    builder: Builder,
    arguments: &'k [Argument],
    dims: DimTable,
    /// What was read at the beginning already.
    known_arguments: BTreeMap<usize, Register<U64>>,
    known_dims: BTreeMap<usize, Register<U64>>,
    known_narrow_dims: BTreeMap<usize, Register<U32>>,
    known_signed_dims: BTreeMap<usize, Register<S64>>,
    known_specials: BTreeMap<Special, Register<U32>>,
    scratch: Option<Register<U64>>,
    failure: Option<Register<U64>>,
}

/// How a kernel is launched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Launch {
    /// Blocks, along x.
    pub(crate) units: Dim,
    /// Threads of a block, along x.
    pub(crate) threads: u32,
    /// Scalar operations in a block, roughly.
    pub(crate) unit_cost: Dim,
    /// Bytes of scratch memory.
    pub(crate) scratch: Dim,
    /// Bytes at its beginning that are zero.
    pub(crate) cleared: Dim,
    /// Blocks that a multiprocessor's registers must hold at the same time.
    pub(crate) resident: u32,
}

impl Launch {
    /// One without scratch memory.
    pub(crate) fn new(units: Dim, threads: u32, unit_cost: Dim) -> Launch {
        Launch {
            units,
            threads,
            unit_cost,
            scratch: Dim::from(0),
            cleared: Dim::from(0),
            resident: 1,
        }
    }
}

/// What was emitted.
pub(crate) struct Emitted {
    pub(crate) written: Written,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) dims: Vec<Dim>,
    pub(crate) checks: bool,
}

const FAILURE: &str = "failure";
const SCRATCH: &str = "scratch";

/// The name of an argument's parameter.
fn argument_name(number: usize, role: Role) -> String {
    match role {
        Role::Read => format!("in{number}"),
        Role::Write => format!("out{number}"),
        Role::Update => format!("inout{number}"),
    }
}

impl<'k> Emitter<'k> {
    pub(crate) fn new(kernel: &'k Kernel) -> Emitter<'k> {
        Emitter {
            builder: Builder::new(),
            arguments: &kernel.arguments,
            dims: DimTable::default(),
            known_arguments: BTreeMap::new(),
            known_dims: BTreeMap::new(),
            known_narrow_dims: BTreeMap::new(),
            known_signed_dims: BTreeMap::new(),
            known_specials: BTreeMap::new(),
            scratch: None,
            failure: None,
        }
    }

    /// The statements and the parameters that they need.
    pub(crate) fn finish(self, launch: &Launch) -> Emitted {
        let mut parameters = Vec::new();
        for (number, argument) in self.arguments.iter().enumerate() {
            parameters.push(Parameter {
                ty: Type::U64,
                name: argument_name(number, argument.role),
                comment: format!("{}[{}]", argument.dtype, argument.length),
            });
        }
        let mut pointer = |name: &str, comment: String| {
            parameters.push(Parameter {
                ty: Type::U64,
                name: name.to_owned(),
                comment,
            });
        };
        let checks = self.failure.is_some();
        if checks {
            pointer(FAILURE, "record of an index out of range".to_owned());
        }
        if !launch.scratch.is(0) {
            pointer(SCRATCH, format!("{} bytes", launch.scratch));
        }
        let dims = self.dims.into_dims();
        for (place, dim) in dims.iter().enumerate() {
            parameters.push(Parameter {
                ty: Type::S64,
                name: parameter_name(dim, place),
                comment: dim.to_string(),
            });
        }
        Emitted {
            written: self.builder.finish(),
            parameters,
            dims,
            checks,
        }
    }

    /// The element type of an argument.
    pub(crate) fn dtype(&self, argument: usize) -> DType {
        self.arguments[argument].dtype
    }

    fn global_parameter(&mut self, name: &str) -> Register<U64> {
        self.at_entry(|b| {
            let generic = b.parameter(name);
            b.to_global(generic)
        })
    }

    /// The first byte of an argument.
    pub(crate) fn argument(&mut self, argument: usize) -> Register<U64> {
        if let Some(&address) = self.known_arguments.get(&argument) {
            return address;
        }
        let name = argument_name(argument, self.arguments[argument].role);
        let address = self.global_parameter(&name);
        self.known_arguments.insert(argument, address);
        address
    }

    /// Whether the code reads where scratch memory lies.
    pub(crate) fn has_scratch(&self) -> bool {
        self.scratch.is_some()
    }

    /// The launch's scratch memory; [`Launch::scratch`] then says how much.
    pub(crate) fn scratch(&mut self) -> Register<U64> {
        if let Some(address) = self.scratch {
            return address;
        }
        let address = self.global_parameter(SCRATCH);
        *self.scratch.insert(address)
    }

    fn failure(&mut self) -> Register<U64> {
        if let Some(address) = self.failure {
            return address;
        }
        let address = self.global_parameter(FAILURE);
        *self.failure.insert(address)
    }

    /// A dim's value; of a negative one the two's complement.
    pub(crate) fn dim(&mut self, dim: &Dim) -> Operand<U64> {
        if let Some(value) = dim.as_constant() {
            return (value as u64).into();
        }
        let place = self.dims.place(dim);
        if let Some(&value) = self.known_dims.get(&place) {
            return value.into();
        }
        let name = parameter_name(dim, place);
        let value = self.at_entry(|b| b.parameter(&name));
        self.known_dims.insert(place, value);
        value.into()
    }

    /// A dim's value in 32 bits, the greatest number of these where it is greater or negative.
    pub(crate) fn narrow_dim(&mut self, dim: &Dim) -> Operand<U32> {
        let wide = match self.dim(dim) {
            Operand::Constant(value) => return u32::try_from(value).unwrap_or(u32::MAX).into(),
            Operand::Register(wide) => wide,
        };
        let place = self.dims.place(dim);
        if let Some(&value) = self.known_narrow_dims.get(&place) {
            return value.into();
        }
        let value = self.at_entry(|b| {
            let least = b.min(wide, u64::from(u32::MAX));
            b.resize(least)
        });
        self.known_narrow_dims.insert(place, value);
        value.into()
    }

    /// A dim's value as bodies have it.
    pub(crate) fn signed_dim(&mut self, dim: &Dim) -> Operand<S64> {
        if let Some(value) = dim.as_constant() {
            return value.into();
        }
        let place = self.dims.place(dim);
        if let Some(&value) = self.known_signed_dims.get(&place) {
            return value.into();
        }
        let name = parameter_name(dim, place);
        let value = self.at_entry(|b| b.parameter(&name));
        self.known_signed_dims.insert(place, value);
        value.into()
    }

    /// A special register, read once at the beginning.
    pub(crate) fn known_special(&mut self, special: Special) -> Register<U32> {
        if let Some(&value) = self.known_specials.get(&special) {
            return value;
        }
        let value = self.at_entry(|b| b.special(special));
        self.known_specials.insert(special, value);
        value
    }

    /// The thread's number in its block.
    pub(crate) fn thread(&mut self) -> Register<U32> {
        self.known_special(Special::ThreadX)
    }

    /// The block's number.
    pub(crate) fn block(&mut self) -> Register<U32> {
        self.known_special(Special::BlockX)
    }

    /// How many blocks there are.
    pub(crate) fn blocks(&mut self) -> Register<U32> {
        self.known_special(Special::BlocksX)
    }

    /// `address + place * stride * size`
    pub(crate) fn step(
        &mut self,
        address: Register<U64>,
        place: Place,
        stride: &Dim,
        size: i64,
    ) -> Result<Register<U64>, Fault> {
        let bytes = stride.mul(&Dim::from(size))?;
        let constant = bytes.as_constant();
        Ok(match (place, constant) {
            (_, Some(0)) | (Place::Constant(0), _) => address,
            (Place::Constant(1), _) => self.shift(address, stride, size)?,
            (Place::Constant(place), Some(bytes)) => {
                self.add(address, (bytes as u64).wrapping_mul(place))
            }
            (Place::Narrow(place), Some(bytes)) if u32::try_from(bytes).is_ok() => {
                self.mad_wide(place, bytes as u32, address)
            }
            (Place::Wide(place), Some(1)) => self.add(address, place),
            (Place::Wide(place), Some(bytes)) if bytes > 0 && bytes & (bytes - 1) == 0 => {
                let distance = self.shift_left(place, bytes.trailing_zeros());
                self.add(address, distance)
            }
            _ => {
                let (place, bytes) = (self.wide(place), self.dim(&bytes));
                self.mad(place, bytes, address)
            }
        })
    }

    /// `address + offset * size`
    pub(crate) fn shift(
        &mut self,
        address: Register<U64>,
        offset: &Dim,
        size: i64,
    ) -> Result<Register<U64>, Fault> {
        let bytes = offset.mul(&Dim::from(size))?;
        if bytes.is(0) {
            return Ok(address);
        }
        let bytes = self.dim(&bytes);
        Ok(self.add(address, bytes))
    }

    /// Whether `0 <= index < extent`; where not, the launch fails, and the argument, which is the
    /// one that is indexed, must be left alone.
    pub(crate) fn check_index(
        &mut self,
        argument: usize,
        index: Register<U64>,
        extent: &Dim,
    ) -> Result<Register<Predicate>, Fault> {
        let extent = self.dim(extent);
        let record = self.failure();
        // A negative index is a great one here.
        let inside = self.compare(Comparison::Less, index, extent);
        self.unless(inside, |e| {
            let claimed = e.compare_and_swap::<U32>(record.global(0), 0u32, 1u32);
            let first = e.compare(Comparison::Equal, claimed, 0u32);
            let (argument, extent) = (e.copy::<U64>(argument as u64), e.held(extent));
            e.guarded(first, true, |b| {
                b.store(record.global(DeviceFailure::ARGUMENT), argument);
                b.store(record.global(DeviceFailure::INDEX), index);
                b.store(record.global(DeviceFailure::EXTENT), extent);
            });
            Ok::<(), Fault>(())
        })?;
        Ok(inside)
    }
}

impl Control for Emitter<'_> {
    fn builder(&mut self) -> &mut Builder {
        &mut self.builder
    }
}

impl Deref for Emitter<'_> {
    type Target = Builder;

    fn deref(&self) -> &Builder {
        &self.builder
    }
}

impl DerefMut for Emitter<'_> {
    fn deref_mut(&mut self) -> &mut Builder {
        &mut self.builder
    }
}
