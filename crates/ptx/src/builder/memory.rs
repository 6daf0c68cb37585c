//! Loads and stores.

use super::{
    AnyOperand, AnyRegister, Builder, Integer32, Kind, Mnemonic, Modifier, Narrow, Operand,
    Register, Stored, Suffix, Type, U32, U64,
};

/// An array in shared memory, aligned to 16 bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedArray {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub element: Type,
    /// How many.
    pub count: u32,
}

/// A place in global memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Global {
    /// An address.
    pub base: Register<U64>,
    /// Bytes from there.
    pub offset: i32,
}

/// A place in shared memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shared {
    /// An address.
    pub base: Register<U32>,
    /// Bytes from there.
    pub offset: i32,
}

/// A place in memory that loads and stores reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Address {
    Global(Global),
    Shared(Shared),
}

impl Register<U64> {
    /// The place in global memory so many bytes from this address.
    pub fn global(self, offset: i32) -> Global {
        let base = self;
        Global { base, offset }
    }
}

impl Register<U32> {
    /// The place in shared memory so many bytes from this address.
    pub fn shared(self, offset: i32) -> Shared {
        let base = self;
        Shared { base, offset }
    }
}

impl From<Global> for Address {
    fn from(place: Global) -> Address {
        Address::Global(place)
    }
}

impl From<Shared> for Address {
    fn from(place: Shared) -> Address {
        Address::Shared(place)
    }
}

impl Address {
    pub(super) fn space(self) -> Modifier {
        match self {
            Address::Global(_) => Suffix::Global.into(),
            Address::Shared(_) => Suffix::Shared.into(),
        }
    }

    pub(super) fn operand(self) -> AnyOperand {
        match self {
            Address::Global(place) => AnyOperand::Memory(place.base.any(), place.offset),
            Address::Shared(place) => AnyOperand::Memory(place.base.any(), place.offset),
        }
    }
}

/// The modifier of so many elements side by side.
fn vector(count: usize) -> Option<Modifier> {
    match count {
        2 => Some(Suffix::V2.into()),
        4 => Some(Suffix::V4.into()),
        _ => None,
    }
}

impl Builder {
    /// A parameter of the entry.
    pub fn parameter<T: Kind>(&mut self, name: &str) -> Register<T> {
        let modifiers = [Suffix::Param.into(), T::TYPE.into()];
        let operands = [AnyOperand::Named(name.to_owned(), 0)];
        self.result(Mnemonic::Load, modifiers, operands)
    }

    /// Declares an array in shared memory and gives its address.
    pub fn shared_array(&mut self, name: &str, element: Type, count: u32) -> Register<U32> {
        self.shared.push(SharedArray {
            name: name.to_owned(),
            element,
            count,
        });
        self.at_entry(|b| {
            let name = AnyOperand::Symbol(name.to_owned());
            b.result(Mnemonic::Move, [Type::U32.into()], [name])
        })
    }

    /// What is there.
    pub fn load<T: Stored>(&mut self, from: impl Into<Address>) -> Register<T> {
        let [value] = self.load_vector(from);
        value
    }

    /// One, two or four values side by side, of 16 bytes at most; the address is a multiple of
    /// what is loaded.
    pub fn load_vector<T: Stored, const N: usize>(
        &mut self,
        from: impl Into<Address>,
    ) -> [Register<T>; N] {
        let values = [(); N].map(|()| self.register());
        self.load_vector_into(values, from);
        values
    }

    /// [`Builder::load_vector`] into registers that are there.
    pub fn load_vector_into<T: Stored, const N: usize>(
        &mut self,
        values: [Register<T>; N],
        from: impl Into<Address>,
    ) {
        const { assert!(N == 1 || N == 2 || N == 4, "one, two or four values") }
        const { assert!(T::BYTES as usize * N <= 16, "at most 16 bytes") }
        self.load_side_by_side(&values, from);
    }

    /// One, two or four values, of 16 bytes at most.
    pub(crate) fn load_side_by_side<T: Stored>(
        &mut self,
        values: &[Register<T>],
        from: impl Into<Address>,
    ) {
        let from = from.into();
        let modifiers = [
            Some(from.space()),
            vector(values.len()),
            Some(T::TYPE.into()),
        ];
        let modifiers: Vec<Modifier> = modifiers.into_iter().flatten().collect();
        let values = side_by_side(values.iter().map(|value| value.any()));
        self.push(Mnemonic::Load, modifiers, [values, from.operand()]);
    }

    /// A byte, widened by its sign where the kind has one.
    pub fn load_byte<T: Integer32>(&mut self, from: impl Into<Address>) -> Register<T> {
        self.load_type(T::BYTE, from.into())
    }

    /// Two bytes, widened by their sign where the kind has one.
    pub fn load_short<T: Integer32>(&mut self, from: impl Into<Address>) -> Register<T> {
        self.load_type(T::SHORT, from.into())
    }

    /// A narrow integer, widened as its type has it.
    pub fn load_narrow<T: Integer32>(
        &mut self,
        narrow: Narrow,
        from: impl Into<Address>,
    ) -> Register<T> {
        self.load_type(narrow.ty(), from.into())
    }

    fn load_type<T: Kind>(&mut self, ty: Type, from: Address) -> Register<T> {
        let modifiers = [from.space(), ty.into()];
        self.result(Mnemonic::Load, modifiers, [from.operand()])
    }

    /// One, two or four narrow values side by side into registers that are there, widened.
    pub(crate) fn load_narrow_into<T: Integer32>(
        &mut self,
        values: &[Register<T>],
        ty: Type,
        from: impl Into<Address>,
    ) {
        let from = from.into();
        let modifiers = [Some(from.space()), vector(values.len()), Some(ty.into())];
        let modifiers: Vec<Modifier> = modifiers.into_iter().flatten().collect();
        let values = side_by_side(values.iter().map(|value| value.any()));
        self.push(Mnemonic::Load, modifiers, [values, from.operand()]);
    }

    /// Writes a value.
    pub fn store<T: Stored>(&mut self, to: impl Into<Address>, value: impl Into<Operand<T>>) {
        let value = self.held(value);
        self.store_vector(to, [value]);
    }

    /// Writes one, two or four values side by side, of 16 bytes at most; the address is a multiple
    /// of what is stored.
    pub fn store_vector<T: Stored, const N: usize>(
        &mut self,
        to: impl Into<Address>,
        values: [Register<T>; N],
    ) {
        const { assert!(N == 1 || N == 2 || N == 4, "one, two or four values") }
        const { assert!(T::BYTES as usize * N <= 16, "at most 16 bytes") }
        self.store_side_by_side(to, &values);
    }

    /// One, two or four values, of 16 bytes at most.
    pub(crate) fn store_side_by_side<T: Stored>(
        &mut self,
        to: impl Into<Address>,
        values: &[Register<T>],
    ) {
        let to = to.into();
        let modifiers = [Some(to.space()), vector(values.len()), Some(T::TYPE.into())];
        let modifiers: Vec<Modifier> = modifiers.into_iter().flatten().collect();
        let values = side_by_side(values.iter().map(|value| value.any()));
        self.push(Mnemonic::Store, modifiers, [to.operand(), values]);
    }

    /// Writes the lower byte.
    pub fn store_byte<T: Integer32>(&mut self, to: impl Into<Address>, value: Register<T>) {
        self.store_narrow(T::BYTE, to.into(), value);
    }

    /// Writes the lower two bytes.
    pub fn store_short<T: Integer32>(&mut self, to: impl Into<Address>, value: Register<T>) {
        self.store_narrow(T::SHORT, to.into(), value);
    }

    fn store_narrow<T: Kind>(&mut self, ty: Type, to: Address, value: Register<T>) {
        let modifiers = [to.space(), ty.into()];
        self.push(Mnemonic::Store, modifiers, [to.operand(), value.into_any()]);
    }
}

fn side_by_side(values: impl Iterator<Item = AnyRegister>) -> AnyOperand {
    let values: Vec<AnyRegister> = values.collect();
    match values[..] {
        [value] => AnyOperand::Register(value),
        _ => AnyOperand::Vector(values),
    }
}
