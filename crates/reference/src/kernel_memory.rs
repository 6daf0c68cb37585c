//! The memory that an interpreted kernel works on: every access checked.

use eyas_kernels::{Access, Indirect, Kernel, Role};
use eyas_tensor::{DType, Number};

use crate::scope::Scope;
use crate::{EvaluateError, KernelFault};

/// Where an argument lies.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View {
    /// The element type.
    pub(crate) dtype: DType,
    /// The piece of memory.
    pub(crate) piece: usize,
    /// The byte of the piece that `first` counts from.
    pub(crate) byte: usize,
    /// The argument's first element.
    pub(crate) first: usize,
    /// How many elements there are from it on.
    pub(crate) length: usize,
}

impl View {
    /// The half bytes of the piece that an element takes.
    fn nibbles(&self, place: usize) -> std::ops::Range<usize> {
        let each = self.dtype.bits() / 4;
        let start = 2 * self.byte + (self.first + place) * each;
        start..start + each
    }
}

/// Which half bytes of a stretch of memory the kernel has written.
#[derive(Debug, Default)]
struct Written {
    start: usize,
    flags: Vec<bool>,
}

/// A kernel's arguments, with what it did to them.
pub(crate) struct Memory<'p, 'm> {
    pieces: &'p mut [&'m mut [u8]],
    views: Vec<View>,
    roles: Vec<Role>,
    written: Vec<Written>,
}

impl<'p, 'm> Memory<'p, 'm> {
    /// The arguments of a kernel, checked against what it declares.
    pub(crate) fn new(
        scope: &Scope<'_>,
        kernel: &Kernel,
        pieces: &'p mut [&'m mut [u8]],
        mut views: Vec<View>,
    ) -> Result<Memory<'p, 'm>, EvaluateError> {
        if views.len() != kernel.arguments.len() {
            let (expected, found) = (kernel.arguments.len(), views.len());
            return Err(KernelFault::ArgumentCount { expected, found }.into());
        }
        for (argument, (view, declared)) in views.iter_mut().zip(&kernel.arguments).enumerate() {
            if view.dtype != declared.dtype {
                return Err(KernelFault::ArgumentType {
                    argument,
                    expected: declared.dtype,
                    found: view.dtype,
                }
                .into());
            }
            let expected = scope.extent(&declared.length)?;
            let room = pieces.get(view.piece).map_or(0, |piece| 2 * piece.len());
            let holds = |length: usize| length == 0 || view.nibbles(length - 1).end <= room;
            if view.length < expected || !holds(expected) {
                return Err(KernelFault::ArgumentLength {
                    argument,
                    expected,
                    found: view.length,
                }
                .into());
            }
            view.length = expected;
        }
        let roles: Vec<Role> = kernel.arguments.iter().map(|a| a.role).collect();
        let mut memory = Memory {
            written: pieces.iter().map(|_| Written::default()).collect(),
            pieces,
            views,
            roles,
        };
        memory.watch();
        Ok(memory)
    }

    /// Makes flags for the stretch of each piece that written arguments cover.
    fn watch(&mut self) {
        for (view, role) in self.views.iter().zip(&self.roles) {
            if *role == Role::Read || view.length == 0 {
                continue;
            }
            let (start, end) = (view.nibbles(0).start, view.nibbles(view.length - 1).end);
            let written = &mut self.written[view.piece];
            let (low, high) = match written.flags.len() {
                0 => (start, end),
                length => (
                    start.min(written.start),
                    end.max(written.start.saturating_add(length)),
                ),
            };
            written.start = low;
            written.flags.resize(high - low, false);
        }
    }

    /// The element type of an argument that there is.
    pub(crate) fn dtype(&self, argument: usize) -> DType {
        self.views[argument].dtype
    }

    /// Reads and writes of one place may follow each other: no flags.
    pub(crate) fn in_sequence(&mut self) {
        self.written.iter_mut().for_each(|w| w.flags.clear());
    }

    fn checked(&self, argument: usize, place: i128) -> Result<usize, EvaluateError> {
        let length = self.views.get(argument).map_or(0, |view| view.length);
        let inside = usize::try_from(place).ok().filter(|&place| place < length);
        inside.ok_or_else(|| {
            KernelFault::OutOfBounds {
                argument,
                place,
                length,
            }
            .into()
        })
    }

    /// The element at a place of an argument.
    pub(crate) fn read(&self, argument: usize, place: i128) -> Result<Number, EvaluateError> {
        let place = self.checked(argument, place)?;
        let view = self.views[argument];
        if self.flags(&view, place).contains(&true) {
            return Err(KernelFault::ReadAfterWrite { argument, place }.into());
        }
        let bytes = &self.pieces[view.piece][view.byte..];
        Ok(view.dtype.read(bytes, view.first + place))
    }

    /// Sets the element at a place of an argument, rounded to its type.
    pub(crate) fn write(
        &mut self,
        argument: usize,
        place: i128,
        value: Number,
    ) -> Result<(), EvaluateError> {
        let place = self.checked(argument, place)?;
        let view = self.views[argument];
        if self.roles[argument] == Role::Read {
            return Err(KernelFault::ReadOnly { argument }.into());
        }
        if self.flags(&view, place).contains(&true) {
            return Err(KernelFault::WrittenTwice { argument, place }.into());
        }
        let written = &mut self.written[view.piece];
        for nibble in view.nibbles(place) {
            let flag = nibble.checked_sub(written.start);
            if let Some(flag) = flag.and_then(|at| written.flags.get_mut(at)) {
                *flag = true;
            }
        }
        let bytes = &mut self.pieces[view.piece][view.byte..];
        view.dtype.write(bytes, view.first + place, value);
        Ok(())
    }

    fn flags(&self, view: &View, place: usize) -> &[bool] {
        let (written, nibbles) = (&self.written[view.piece], view.nibbles(place));
        let limit = written.flags.len();
        let [start, end] =
            [nibbles.start, nibbles.end].map(|at| at.saturating_sub(written.start).min(limit));
        &written.flags[start..end]
    }
}

/// An access with the values of its dims.
#[derive(Debug, Clone)]
pub(crate) struct Address {
    /// The argument.
    pub(crate) argument: usize,
    /// The place of the first element.
    pub(crate) offset: i64,
    strides: Vec<i64>,
    indirect: Option<(Box<Address>, i64, i64)>,
}

impl Address {
    pub(crate) fn new(scope: &Scope<'_>, access: &Access) -> Result<Address, EvaluateError> {
        let strides = access.strides.iter().map(|stride| scope.value(stride));
        let indirect = |indirect: &Indirect| -> Result<_, EvaluateError> {
            let index = Box::new(Address::new(scope, &indirect.index)?);
            let (stride, extent) = (scope.value(&indirect.stride)?, indirect.extent.clone());
            Ok((index, stride, scope.value(&extent)?))
        };
        Ok(Address {
            argument: access.argument,
            offset: scope.value(&access.offset)?,
            strides: strides.collect::<Result<_, _>>()?,
            indirect: access.indirect.as_ref().map(indirect).transpose()?,
        })
    }

    pub(crate) fn all(
        scope: &Scope<'_>,
        accesses: &[Access],
    ) -> Result<Vec<Address>, EvaluateError> {
        accesses
            .iter()
            .map(|access| Address::new(scope, access))
            .collect()
    }

    /// Where the element of a position of the iteration space lies.
    ///
    /// # Errors
    /// [`KernelFault::IndexOutOfRange`], and what reading the index gives.
    pub(crate) fn place(
        &self,
        memory: &Memory<'_, '_>,
        position: &[usize],
    ) -> Result<i128, EvaluateError> {
        if self.strides.len() != position.len() {
            let message = format!(
                "an access has {} strides in a space of {} axes",
                self.strides.len(),
                position.len()
            );
            return Err(EvaluateError::Malformed(message));
        }
        let steps = self.strides.iter().zip(position);
        let mut place = steps.fold(i128::from(self.offset), |place, (&stride, &index)| {
            place.saturating_add(i128::from(stride) * index as i128)
        });
        if let Some((address, stride, extent)) = &self.indirect {
            let index = address.read(memory, position)?.to_i128();
            if index < 0 || index >= i128::from(*extent) {
                return Err(KernelFault::IndexOutOfRange {
                    argument: self.argument,
                    index,
                    extent: *extent,
                }
                .into());
            }
            place = place.saturating_add(index * i128::from(*stride));
        }
        Ok(place)
    }

    /// How far the last axes' indices lead from their zeros; `None` where a place hangs on an
    /// index that is read.
    pub(crate) fn distance(&self, last: &[usize]) -> Option<i128> {
        let own = self.strides.len().checked_sub(last.len())?;
        let steps = self.strides[own..].iter().zip(last);
        let distance = steps.fold(0i128, |sum, (&stride, &index)| {
            sum.saturating_add(i128::from(stride) * index as i128)
        });
        self.indirect.is_none().then_some(distance)
    }

    /// The element that a position of the iteration space reads.
    pub(crate) fn read(
        &self,
        memory: &Memory<'_, '_>,
        position: &[usize],
    ) -> Result<Number, EvaluateError> {
        memory.read(self.argument, self.place(memory, position)?)
    }

    /// Sets the element that a position of the iteration space writes.
    pub(crate) fn write(
        &self,
        memory: &mut Memory<'_, '_>,
        position: &[usize],
        value: Number,
    ) -> Result<(), EvaluateError> {
        let place = self.place(memory, position)?;
        memory.write(self.argument, place, value)
    }
}

/// The positions of a space in row-major order.
#[derive(Debug, Clone)]
pub(crate) struct Positions {
    shape: Vec<usize>,
    position: Vec<usize>,
    begun: bool,
}

impl Positions {
    pub(crate) fn new(shape: &[usize]) -> Positions {
        Positions {
            shape: shape.to_vec(),
            position: vec![0; shape.len()],
            begun: false,
        }
    }

    /// The next position; it borrows, so this is no iterator.
    pub(crate) fn advance(&mut self) -> Option<&[usize]> {
        if !self.begun {
            self.begun = true;
            return (!self.shape.contains(&0)).then_some(&self.position);
        }
        for axis in (0..self.shape.len()).rev() {
            self.position[axis] += 1;
            if self.position[axis] < self.shape[axis] {
                return Some(&self.position);
            }
            self.position[axis] = 0;
        }
        None
    }
}
