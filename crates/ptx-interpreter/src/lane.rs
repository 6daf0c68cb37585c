use half::{bf16, f16};

use crate::warp::{File, Warp};

/// Threads of a warp.
pub(crate) const LANES: usize = 32;

/// One register of every thread of a warp.
pub(crate) type Plane<T> = [T; LANES];

/// Which plane of its file an operand is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Slot(pub(crate) u32);

/// Lanes, a bit each.
pub(crate) type Mask = u32;

/// The bit of each lane.
pub(crate) const BITS: Plane<Mask> = {
    let mut bits = [0; LANES];
    let mut lane = 0;
    while lane < LANES {
        bits[lane] = 1 << lane;
        lane += 1;
    }
    bits
};

/// The lanes in a mask, the lowest first.
pub(crate) fn lanes(mask: Mask) -> impl Iterator<Item = usize> {
    let mut rest = mask;
    std::iter::from_fn(move || {
        let lane = rest.trailing_zeros() as usize;
        rest &= rest.wrapping_sub(1);
        (lane < LANES).then_some(lane)
    })
}

/// What a file's planes hold.
pub(crate) trait Bits: Copy + Default {
    fn file(warp: &Warp) -> &File<Self>;
    fn file_mut(warp: &mut Warp) -> &mut File<Self>;
}

impl Bits for u32 {
    fn file(warp: &Warp) -> &File<u32> {
        &warp.narrow
    }

    fn file_mut(warp: &mut Warp) -> &mut File<u32> {
        &mut warp.narrow
    }
}

impl Bits for u64 {
    fn file(warp: &Warp) -> &File<u64> {
        &warp.wide
    }

    fn file_mut(warp: &mut Warp) -> &mut File<u64> {
        &mut warp.wide
    }
}

/// What an instruction takes a thread's register for. Registers of at most 32 bits hold zeros above
/// their own bits.
pub(crate) trait Lane: Copy {
    type Bits: Bits;
    fn from_bits(bits: Self::Bits) -> Self;
    fn to_bits(self) -> Self::Bits;
}

macro_rules! integer_lanes {
    ($($kind:ty, $same:ty, $bits:ty;)*) => {$(
        impl Lane for $kind {
            type Bits = $bits;

            #[inline(always)]
            fn from_bits(bits: $bits) -> $kind {
                bits as $kind
            }

            #[inline(always)]
            fn to_bits(self) -> $bits {
                self as $same as $bits
            }
        }
    )*};
}

integer_lanes! {
    u8, u8, u32;
    i8, u8, u32;
    u16, u16, u32;
    i16, u16, u32;
    u32, u32, u32;
    i32, u32, u32;
    u64, u64, u64;
    i64, u64, u64;
}

macro_rules! float_lanes {
    ($($kind:ty, $same:ty, $bits:ty;)*) => {$(
        impl Lane for $kind {
            type Bits = $bits;

            #[inline(always)]
            fn from_bits(bits: $bits) -> $kind {
                <$kind>::from_bits(bits as $same)
            }

            #[inline(always)]
            fn to_bits(self) -> $bits {
                <$kind>::to_bits(self) as $bits
            }
        }
    )*};
}

float_lanes! {
    f16, u16, u32;
    bf16, u16, u32;
    f32, u32, u32;
    f64, u64, u64;
}
