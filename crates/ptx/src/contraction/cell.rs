use crate::builder::{Builder, F32, F64, Number, Operand, Register, S32, S64, Shared, U32, U64};
use crate::error::Fault;
use crate::value::Value;

/// A kind that factors and sums are held in.
pub(super) trait Cell: Number {
    /// As a scalar of a body.
    fn scalar(register: Register<Self>) -> Value;

    /// The operand, where it is of this kind.
    fn operand(scalar: Value) -> Result<Operand<Self>, Fault>;

    /// Adds `a * b` to a sum; of floats rounded once.
    fn add_product(
        builder: &mut Builder,
        sum: Register<Self>,
        a: Register<Self>,
        b: Register<Self>,
    );

    /// So many cells side by side in shared memory, 16 bytes at a time as far as they go.
    fn load(builder: &mut Builder, from: Shared, count: u32) -> Vec<Register<Self>>;

    /// Writes cells side by side as [`Cell::load`] reads them.
    fn store(builder: &mut Builder, to: Shared, cells: &[Register<Self>]);
}

macro_rules! cells {
    ($($kind:ident $operand:ident $add:ident $widest:literal;)*) => {$(
        impl Cell for $kind {
            fn scalar(register: Register<$kind>) -> Value {
                register.into()
            }

            fn operand(scalar: Value) -> Result<Operand<$kind>, Fault> {
                scalar.$operand()
            }

            fn add_product(
                builder: &mut Builder,
                sum: Register<$kind>,
                a: Register<$kind>,
                b: Register<$kind>,
            ) {
                builder.set(sum, |builder| builder.$add(a, b, sum));
            }

            fn load(builder: &mut Builder, from: Shared, count: u32) -> Vec<Register<$kind>> {
                let mut cells = Vec::with_capacity(count as usize);
                while cells.len() < count as usize {
                    let at = further(from, cells.len() as u32 * $kind::BYTES);
                    match count as usize - cells.len() {
                        $widest.. => cells.extend(builder.load_vector::<$kind, $widest>(at)),
                        2.. => cells.extend(builder.load_vector::<$kind, 2>(at)),
                        _ => cells.push(builder.load::<$kind>(at)),
                    }
                }
                cells
            }

            fn store(builder: &mut Builder, to: Shared, cells: &[Register<$kind>]) {
                let mut offset = 0;
                for group in cells.chunks($widest) {
                    let at = further(to, offset);
                    offset += group.len() as u32 * $kind::BYTES;
                    match <[Register<$kind>; $widest]>::try_from(group) {
                        Ok(group) => builder.store_vector(at, group),
                        Err(_) => group.iter().zip(0..).for_each(|(&cell, place)| {
                            builder.store(further(at, place * $kind::BYTES), cell);
                        }),
                    }
                }
            }
        }
    )*};
}

cells! {
    F32 f32 fma 4;
    F64 f64 fma 2;
    S32 s32 mad 4;
    U32 u32 mad 4;
    S64 s64 mad 2;
    U64 u64 mad 2;
}

fn further(place: Shared, bytes: u32) -> Shared {
    let offset = place.offset + bytes as i32;
    Shared { offset, ..place }
}
