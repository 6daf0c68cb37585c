use eyas_kernels::{Access, Argument};
use eyas_tensor::{DType, Dim};
use iced_x86::Register;

use super::assembler::{Address, Condition, Label};
use super::axes::{Axis, coalesce};
use super::function::{Function, Slot, Stride};
use super::lowering::Input;
use super::program::is_lane;
use super::vector::{Lanes, Width};

/// Elements of a unit at most, but for longer rows of a reduction.
pub(super) const UNIT: i64 = 16_384;

/// Where accesses begin.
const POINTERS: [Register; 10] = [
    Register::RBX,
    Register::RSI,
    Register::R8,
    Register::R9,
    Register::R10,
    Register::R11,
    Register::R12,
    Register::R13,
    Register::R14,
    Register::R15,
];

/// The place along the innermost axis.
pub(super) const PLACE: Register = Register::RDI;

/// A space with accesses whose innermost axis is walked a vector at a time.
#[derive(Debug)]
pub(super) struct Walk<'a> {
    pub(super) width: Width,
    pub(super) lanes: Vec<Lane<'a>>,
    pub(super) outer: Vec<Axis>,
    /// The axis around the innermost one, whose places a unit takes several of.
    pub(super) rows: Axis,
    /// How many.
    pub(super) block: Dim,
    pub(super) inner: Axis,
}

/// An access along the innermost axis.
#[derive(Debug)]
pub(super) struct Lane<'a> {
    pub(super) access: &'a Access,
    pub(super) dtype: DType,
    pub(super) pointer: Register,
    /// Whether every place has its own; else one serves all.
    pub(super) moves: bool,
}

/// Where a unit has got to, and how many rows are left.
pub(super) struct Rows {
    pointers: Vec<Slot>,
    left: Slot,
    head: Label,
}

impl<'a> Walk<'a> {
    /// Axes around and one that is walked. `None` where an access has another stride than 0 or 1
    /// along that, or a type that lanes do not hold.
    pub(super) fn new(
        width: Width,
        arguments: &[Argument],
        accesses: &[&'a Access],
        axes: Vec<Axis>,
        inner: Axis,
    ) -> Option<Walk<'a>> {
        if accesses.len() > POINTERS.len() || accesses.iter().any(|a| a.indirect.is_some()) {
            return None;
        }
        let mut outer = coalesce(axes)?;
        let rows = outer.pop().unwrap_or_else(|| single(accesses.len()));
        let mut lanes = Vec::new();
        let registers = accesses.iter().zip(&inner.strides).zip(POINTERS);
        for ((&access, stride), pointer) in registers {
            let dtype = arguments.get(access.argument)?.dtype;
            let known = is_lane(dtype) && (dtype != DType::Bool || width == Width::Zmm);
            let moves = stride.is(1);
            if !known || !moves && !stride.is(0) {
                return None;
            }
            lanes.push(Lane {
                access,
                dtype,
                pointer,
                moves,
            });
        }
        let least = inner.extent.maximum(&Dim::from(1));
        let block = Dim::from(UNIT).floor_div(&least).ok()?;
        Some(Walk {
            width,
            lanes,
            outer,
            rows,
            block: block.maximum(&Dim::from(1)),
            inner,
        })
    }

    /// Begins the loop over the rows of a unit, whose place each axis around, each block of rows
    /// and, where rows are cut, each chunk of a row has.
    pub(super) fn open_rows(&self, function: &mut Function, places: &[Slot]) -> Option<Rows> {
        let (around, last) = places.split_at(self.outer.len());
        let (&block, chunk) = last.split_first()?;
        let pointers: Vec<Slot> = self.lanes.iter().map(|_| function.slot()).collect();
        for (place, lane) in self.lanes.iter().enumerate() {
            let outer = around.iter().zip(&self.outer);
            let mut steps: Vec<(Slot, Dim)> = outer
                .map(|(&slot, axis)| (slot, axis.strides[place].clone()))
                .collect();
            steps.push((block, self.rows.strides[place].mul(&self.block).ok()?));
            for &chunk in chunk.iter().filter(|_| lane.moves) {
                steps.push((chunk, Dim::from(UNIT)));
            }
            let bytes = lane.dtype.bits() / 8;
            function.store_pointer(pointers[place], lane.access, bytes, &steps);
        }
        let left = function.slot();
        function.store_rest(left, &self.rows.extent, block, &self.block);
        let head = function.assembler.here();
        for (slot, lane) in pointers.iter().zip(&self.lanes) {
            function.assembler.load(lane.pointer, slot.address());
        }
        Some(Rows {
            pointers,
            left,
            head,
        })
    }

    /// Ends the loop over rows.
    pub(super) fn close_rows(&self, function: &mut Function, rows: Rows) -> Option<()> {
        if self.rows.extent.is(1) {
            return Some(());
        }
        for (place, (slot, lane)) in rows.pointers.iter().zip(&self.lanes).enumerate() {
            let stride = Stride::new(&self.rows.strides[place], lane.dtype.bits() / 8)?;
            if stride != Stride::Baked(0) {
                function.load_stride(Register::RAX, &stride);
                let slot = slot.address();
                function.assembler.add_to_memory(slot, Register::RAX);
            }
        }
        let left = rows.left.address();
        function.assembler.add_memory_immediate(left, -1);
        function.assembler.branch(Condition::NotEqual, rows.head);
        Some(())
    }
}

impl Lane<'_> {
    /// Where it is so many vectors on.
    pub(super) fn address(&self, width: Width, vector: usize) -> Address {
        if !self.moves {
            return Address::at(self.pointer);
        }
        let bytes = self.dtype.bits() / 8;
        Address::at(self.pointer)
            .indexed(PLACE, bytes as u32)
            .plus((vector * width.lanes() * bytes) as i64)
    }

    /// What a body reads so many vectors on.
    pub(super) fn input(&self, width: Width, vector: usize, lanes: Lanes) -> Input {
        let address = self.address(width, vector);
        if self.moves {
            Input::Memory(address, self.dtype, lanes)
        } else {
            Input::Broadcast(address, self.dtype)
        }
    }
}

/// An axis of one place.
pub(super) fn single(count: usize) -> Axis {
    Axis {
        extent: Dim::from(1),
        strides: vec![Dim::from(0); count],
    }
}

/// How many pieces of a size cover a dim.
pub(super) fn ceiling(dim: &Dim, by: &Dim) -> Option<Dim> {
    let raised = dim.add(by).ok()?.sub(&Dim::from(1)).ok()?;
    raised.floor_div(by).ok()
}

/// The axes of a group with the strides of each access, whose places are counted from `first`.
pub(super) fn axes(extents: &[Dim], accesses: &[&Access], first: usize) -> Option<Vec<Axis>> {
    let axis = |(place, extent): (usize, &Dim)| {
        let strides = accesses
            .iter()
            .map(|access| access.strides.get(place).cloned());
        let strides: Option<Vec<Dim>> = strides.collect();
        let extent = extent.clone();
        strides.map(|strides| Axis { extent, strides })
    };
    (first..).zip(extents).map(axis).collect()
}
