use eyas_ir::Comparison;
use eyas_kernels::Access;
use eyas_tensor::Dim;

use super::operand::{Direction, Operand};
use super::tile::GROUP;
use crate::builder::{Predicate, Register, U64};
use crate::emitter::Emitter;
use crate::memory::size_of;

/// Bytes that one instruction moves at most.
const WIDEST: i64 = 16;

/// What must be a multiple of what so that groups of elements are aligned.
#[derive(Debug, Default)]
pub(super) struct Multiples {
    dims: Vec<(Dim, u64)>,
    /// Arguments' addresses.
    addresses: Vec<(usize, u64)>,
}

impl Multiples {
    /// A dim is a multiple of so many, a power of two.
    pub(super) fn dim(&mut self, dim: &Dim, of: u64) {
        let known = (dim.clone(), of);
        if !self.dims.contains(&known) {
            self.dims.push(known);
        }
    }

    /// Groups of an access along an axis, along which elements lie side by side, are aligned.
    pub(super) fn access(&mut self, e: &Emitter, access: &Access, axis: usize, group: u32) {
        let size = size_of(e.dtype(access.argument));
        let bytes = WIDEST.min(i64::from(group) * size);
        let each = (bytes / size) as u64;
        self.dim(&access.offset, each);
        let others = access.strides.iter().enumerate();
        for (_, stride) in others.filter(|(other, _)| *other != axis) {
            self.dim(stride, each);
        }
        if let Some(indirect) = &access.indirect {
            self.dim(&indirect.stride, each);
        }
        let known = (access.argument, bytes as u64);
        if !self.addresses.contains(&known) {
            self.addresses.push(known);
        }
    }

    /// Whether all are; `None` where that cannot be.
    pub(super) fn hold(self, e: &mut Emitter) -> Option<Register<Predicate>> {
        let mut unknown: Vec<(u64, Vec<Dim>)> = Vec::new();
        for (dim, of) in self.dims {
            match dim.as_constant() {
                Some(value) if !(value as u64).is_multiple_of(of) => return None,
                Some(_) => {}
                None => match unknown.iter_mut().find(|(other, _)| *other == of) {
                    Some((_, dims)) => dims.push(dim),
                    None => unknown.push((of, vec![dim])),
                },
            }
        }
        let mut rest: Option<Register<U64>> = None;
        let mut more = |e: &mut Emitter, bits: Register<U64>, of: u64| {
            let over = e.and(bits, of - 1);
            rest = Some(match rest {
                Some(rest) => e.or(rest, over),
                None => over,
            });
        };
        for (argument, of) in self.addresses {
            let address = e.argument(argument);
            more(e, address, of);
        }
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
                more(e, bits, of);
            }
        }
        let rest = rest?;
        Some(e.compare(Comparison::Equal, rest, 0u64))
    }
}

/// Whether the groups of an operand along a direction, in which its elements lie side by side, are
/// aligned and end where an axis does; `None` where that cannot be.
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
    let mut multiples = Multiples::default();
    multiples.dim(&operand.extents[near], GROUP.into());
    multiples.access(e, &operand.access, near, GROUP);
    multiples.hold(e)
}
