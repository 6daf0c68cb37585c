use eyas_ir::Comparison;
use eyas_tensor::Dim;

use super::load::Wanted;
use crate::builder::{Operand, Predicate, Register, U32, U64};
use crate::emitter::Emitter;

/// The steps in which the places that are summed over are gone through.
pub(super) struct Steps {
    /// How many are left, the present one with them.
    left: Register<U32>,
    /// Places of a step.
    depth: u32,
    /// Places of the last step; `None` where it is as deep as the others.
    last: Option<Operand<U32>>,
}

impl Steps {
    /// Of so many places, at least one; `depth` is a power of two.
    pub(super) fn new(e: &mut Emitter, places: &Dim, depth: u32) -> Steps {
        if let Some(places) = places.as_constant().and_then(|n| u64::try_from(n).ok()) {
            let last = (places % u64::from(depth)) as u32;
            return Steps {
                left: e.copy(places.div_ceil(u64::from(depth)) as u32),
                depth,
                last: (last > 0).then(|| last.into()),
            };
        }
        let places = e.dim(places);
        let before = e.sub(places, 1u64);
        let full = e.shift_right::<U64>(before, depth.trailing_zeros());
        let full = e.resize::<U32, U64>(full);
        let before = e.resize::<U32, U64>(before);
        let last = e.and(before, depth - 1);
        Steps {
            left: e.add(full, 1u32),
            depth,
            last: Some(e.add(last, 1u32).into()),
        }
    }

    /// What is loaded for the first step; `single` where it is known to be the only one.
    pub(super) fn first(&self, e: &mut Emitter, single: bool) -> Wanted {
        match self.last {
            Some(Operand::Register(last)) => {
                let only = e.compare(Comparison::Equal, self.left, 1u32);
                Wanted::Below(e.select(only, last, self.depth))
            }
            Some(last) if single => Wanted::Below(e.held(last)),
            _ => Wanted::All,
        }
    }

    /// Goes on to the next step, and says whether there is one and what is loaded for it.
    pub(super) fn next(&self, e: &mut Emitter) -> (Register<Predicate>, Wanted) {
        let left = self.left;
        e.set(left, |b| b.sub(left, 1u32));
        let more = e.compare(Comparison::NotEqual, left, 0u32);
        let wanted = match self.last {
            Some(last) => {
                let is_last = e.compare(Comparison::Equal, left, 1u32);
                let places = e.select(is_last, last, self.depth);
                Wanted::Below(e.select(more, places, 0u32))
            }
            None => Wanted::Where(more),
        };
        (more, wanted)
    }
}
