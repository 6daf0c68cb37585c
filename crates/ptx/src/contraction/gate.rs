use eyas_ir::Comparison;
use eyas_tensor::Dim;

use super::operand::{Direction, Operand};
use super::tile::GROUP;
use crate::builder::{Predicate, Register, U64};
use crate::emitter::Emitter;
use crate::error::Fault;
use crate::memory::size_of;

/// Bytes that a load or store moves at most.
const WIDEST: i64 = 16;

/// What must be a multiple of how many so that groups of elements are aligned.
#[derive(Debug, Default)]
pub(crate) struct Multiples {
    dims: Vec<(Dim, i64)>,
}

impl Multiples {
    /// Elements that an aligned address lies between.
    pub(super) fn elements(size: i64) -> i64 {
        WIDEST.min(i64::from(GROUP) * size) / size
    }

    pub(super) fn push(&mut self, dim: &Dim, of: i64) {
        self.dims.push((dim.clone(), of));
    }

    /// Whether all are, and an argument's first byte is aligned; `None` where that cannot be.
    pub(super) fn hold(
        self,
        e: &mut Emitter,
        argument: usize,
    ) -> Option<Register<Predicate>> {
        let mut unknown: Vec<(i64, Vec<Dim>)> = Vec::new();
        for (dim, of) in self.dims {
            match dim.as_constant() {
                Some(value) if value % of != 0 => return None,
                Some(_) => {}
                None => match unknown.iter_mut().find(|(other, _)| *other == of) {
                    Some((_, dims)) if dims.contains(&dim) => {}
                    Some((_, dims)) => dims.push(dim),
                    None => unknown.push((of, vec![dim])),
                },
            }
        }
        let size = size_of(e.dtype(argument));
        let address = e.argument(argument);
        let bytes = Multiples::elements(size) * size;
        let mut rest = e.and(address, bytes as u64 - 1);
        for (of, dims) in unknown {
            let mut bits: Option<Register<U64>> = None;
            for dim in dims {
                let value = e.dim(&dim);
                bits = Some(match bits {
                    Some(bits) => e.or(bits, value),
                    None => e.held(value),
                });
            }
            if let Some(bits) = bits {
                let over = e.and(bits, of as u64 - 1);
                rest = e.or(rest, over);
            }
        }
        Some(e.compare(Comparison::Equal, rest, 0u64))
    }
}

/// Whether all groups of elements along a direction, in which they lie side by side, are aligned
/// and end where the axis does; `None` where that cannot be.
pub(super) fn gate(
    e: &mut Emitter,
    operand: &Operand,
    direction: Direction,
) -> Option<Register<Predicate>> {
    let axes = match direction {
        Direction::Own => &operand.own,
        Direction::Contracted => &operand.contracted,
    };
    let near = axes.clone().next_back()?;
    let access = &operand.access;
    let each = Multiples::elements(size_of(e.dtype(access.argument)));
    let mut multiples = Multiples::default();
    multiples.push(&operand.extents[near], GROUP.into());
    multiples.push(&access.offset, each);
    for (axis, stride) in access.strides.iter().enumerate() {
        if axis != near {
            multiples.push(stride, each);
        }
    }
    if let Some(indirect) = &access.indirect {
        multiples.push(&indirect.stride, each);
    }
    multiples.hold(e, access.argument)
}
