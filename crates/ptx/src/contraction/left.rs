use eyas_ir::Comparison;
use eyas_tensor::Dim;

use crate::builder::{Predicate, Register, S32, S64, U32};
use crate::emitter::Emitter;

/// How many places are left to sum over.
#[derive(Debug, Clone, Copy)]
pub(super) enum Left {
    Narrow(Register<S32>),
    Wide(Register<S64>),
}

impl Left {
    /// All of so many.
    pub(super) fn all(e: &mut Emitter, count: &Dim) -> Left {
        match count.as_constant().and_then(|n| i32::try_from(n).ok()) {
            Some(count) => Left::Narrow(e.copy(count)),
            None => {
                let count = e.signed_dim(count);
                Left::Wide(e.copy(count))
            }
        }
    }

    /// So many fewer.
    pub(super) fn take(self, e: &mut Emitter, count: u32) {
        let count = count as i32;
        match self {
            Left::Narrow(left) => e.set(left, |b| b.sub(left, count)),
            Left::Wide(left) => e.set(left, |b| b.sub(left, count)),
        }
    }

    /// Whether any are left.
    pub(super) fn any(self, e: &mut Emitter) -> Register<Predicate> {
        match self {
            Left::Narrow(left) => e.compare(Comparison::Greater, left, 0i32),
            Left::Wide(left) => e.compare(Comparison::Greater, left, 0i64),
        }
    }

    /// How many are left, of which so many count.
    pub(super) fn at_most(self, e: &mut Emitter, count: u32) -> Register<U32> {
        match self {
            Left::Narrow(left) => {
                let least = e.min(left, count as i32);
                let least = e.max(least, 0i32);
                e.reinterpret::<U32, S32>(least)
            }
            Left::Wide(left) => {
                let least = e.min::<S64>(left, count as i32);
                let least = e.max(least, 0i32);
                e.resize::<U32, S64>(least)
            }
        }
    }
}
