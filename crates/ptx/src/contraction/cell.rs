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

    /// So many cells side by side in shared memory, 16 bytes at a time or as many as there are; the
    /// address is a multiple of that.
    fn load(builder: &mut Builder, from: Shared, count: u32) -> Vec<Register<Self>> {
        let cells: Vec<Register<Self>> = (0..count).map(|_| builder.register()).collect();
        let mut offset = from.offset;
        for group in cells.chunks((16 / Self::BYTES) as usize) {
            builder.load_side_by_side(group, Shared { offset, ..from });
            offset += 16;
        }
        cells
    }

    /// Writes cells side by side as [`Cell::load`] reads them.
    fn store(builder: &mut Builder, to: Shared, cells: &[Register<Self>]) {
        let mut offset = to.offset;
        for group in cells.chunks((16 / Self::BYTES) as usize) {
            builder.store_side_by_side(Shared { offset, ..to }, group);
            offset += 16;
        }
    }
}

macro_rules! cells {
    ($($kind:ident $operand:ident $add:ident;)*) => {$(
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

        }
    )*};
}

cells! {
    F32 f32 fma;
    F64 f64 fma;
    S32 s32 mad;
    U32 u32 mad;
    S64 s64 mad;
    U64 u64 mad;
}
