use eyas_ir::{BinaryFunction, Comparison, UnaryFunction};
use eyas_tensor::{DType, Number};

use crate::{Storage, Values, scalar};

/// A function of each element.
pub(crate) fn unary(storage: Storage, function: UnaryFunction, a: &Values) -> Values {
    let dtype = a.dtype();
    let result = |a| storage.round(dtype, scalar::unary(function, dtype, a));
    Values::collect(dtype, a.shape(), a.numbers().map(result))
}

/// A function of each pair of elements.
pub(crate) fn binary(storage: Storage, function: BinaryFunction, a: &Values, b: &Values) -> Values {
    let dtype = a.dtype();
    let result = |(a, b)| storage.round(dtype, scalar::binary(function, dtype, a, b));
    Values::collect(dtype, a.shape(), a.numbers().zip(b.numbers()).map(result))
}

/// A comparison of each pair of elements.
pub(crate) fn compare(comparison: Comparison, a: &Values, b: &Values) -> Values {
    let result = |(a, b)| Number::Bool(scalar::compare(comparison, a, b));
    Values::collect(
        DType::Bool,
        a.shape(),
        a.numbers().zip(b.numbers()).map(result),
    )
}

/// A choice for each element.
pub(crate) fn select(condition: &Values, a: &Values, b: &Values) -> Values {
    let pairs = a.numbers().zip(b.numbers());
    let choose = |(condition, (a, b)): (Number, _)| if condition.to_bool() { a } else { b };
    Values::collect(
        a.dtype(),
        a.shape(),
        condition.numbers().zip(pairs).map(choose),
    )
}

/// Each element in another type.
pub(crate) fn cast(storage: Storage, dtype: DType, a: &Values) -> Values {
    let result = |a| storage.round(dtype, a);
    Values::collect(dtype, a.shape(), a.numbers().map(result))
}
