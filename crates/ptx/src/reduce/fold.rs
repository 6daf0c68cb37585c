use eyas_ir::{BinaryFunction, Comparison, Extreme, Reduction};
use eyas_kernels::{Fold, Stage};
use eyas_tensor::{DType, Number};

use crate::body::{binary, compare, literal, select};
use crate::builder::{Operand, Predicate, Register, S64};
use crate::emitter::Emitter;
use crate::error::Fault;
use crate::place::Place;
use crate::reduce::phases::{combination, folded_in};
use crate::value::Value;

/// How the values of a row become one. A partial fold is a value; of an extreme that is looked
/// for also its place, which is the greatest number where there is none.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Folding {
    fold: Fold,
    accumulator: DType,
    /// Whether places are kept in 32 bits.
    narrow: bool,
}

impl Folding {
    pub(crate) fn new(stage: &Stage, narrow: bool) -> Folding {
        Folding {
            fold: stage.fold,
            accumulator: stage.accumulator,
            narrow,
        }
    }

    /// The fold of nothing.
    pub(crate) fn nothing(&self) -> Result<Vec<Value>, Fault> {
        let function = match self.fold {
            Fold::Value(reduction) => combination(reduction, self.accumulator),
            Fold::Arg(Extreme::Maximum) => BinaryFunction::Maximum,
            Fold::Arg(Extreme::Minimum) => BinaryFunction::Minimum,
        };
        let float = self.accumulator.is_float();
        let (low, high) = self.accumulator.integer_range().unwrap_or((0, 0));
        let value = match function {
            BinaryFunction::Maximum if float => Number::Float(f64::NEG_INFINITY),
            BinaryFunction::Minimum if float => Number::Float(f64::INFINITY),
            BinaryFunction::Maximum => Number::Int(low),
            BinaryFunction::Minimum => Number::Int(high),
            BinaryFunction::Multiply => Number::Int(1),
            _ => Number::Int(0),
        };
        let value = literal(folded_in(self.accumulator), value)?;
        Ok(match self.fold {
            Fold::Value(_) => vec![value],
            Fold::Arg(_) if self.narrow => vec![value, Value::U32(u32::MAX.into())],
            Fold::Arg(_) => vec![value, Value::U64(u64::MAX.into())],
        })
    }

    /// Whether places make a difference.
    pub(crate) fn asks_place(&self) -> bool {
        matches!(self.fold, Fold::Arg(_))
    }

    /// Scalar operations a value, roughly, registers that they take counted in.
    pub(crate) fn cost(&self) -> i64 {
        match self.fold {
            Fold::Value(_) => 1,
            Fold::Arg(_) => 40,
        }
    }

    /// The fold of one value; `place` is where it is.
    pub(crate) fn one(&self, e: &mut Emitter, value: Value, place: Place) -> Vec<Value> {
        match self.fold {
            Fold::Value(_) => vec![value],
            Fold::Arg(_) => {
                let place = match place {
                    Place::Narrow(place) if self.narrow => Value::U32(place.into()),
                    Place::Constant(place) if self.narrow => Value::U32((place as u32).into()),
                    place => Value::U64(e.wide(place)),
                };
                vec![value, place]
            }
        }
    }

    /// The fold of all that two stand for. Both orders give the same bits.
    pub(crate) fn combine(
        &self,
        e: &mut Emitter,
        a: &[Value],
        b: &[Value],
    ) -> Result<Vec<Value>, Fault> {
        match self.fold {
            Fold::Value(reduction) => {
                let function = combination(reduction, self.accumulator);
                Ok(vec![combined(e, function, a[0], b[0])?])
            }
            Fold::Arg(extreme) => {
                let comparison = match extreme {
                    Extreme::Maximum => Comparison::Greater,
                    Extreme::Minimum => Comparison::Less,
                };
                let first = self.comes_first(e, comparison, a, b)?;
                let pairs = a.iter().zip(b);
                let pairs = pairs.map(|(a, b)| select(e, first.into(), *a, *b));
                pairs.collect()
            }
        }
    }

    /// Whether the extreme is `a`: NaN comes before all, and of equals the first.
    fn comes_first(
        &self,
        e: &mut Emitter,
        comparison: Comparison,
        a: &[Value],
        b: &[Value],
    ) -> Result<Register<Predicate>, Fault> {
        let mut better = compare(e, comparison, a[0], b[0])?;
        let mut equal = compare(e, Comparison::Equal, a[0], b[0])?;
        if self.accumulator.is_float() {
            let [nan_a, nan_b] = [is_nan(e, a[0])?, is_nan(e, b[0])?];
            let number_b = e.not(nan_b);
            let alone = e.and(nan_a, number_b);
            better = e.or(better, alone);
            let both = e.and(nan_a, nan_b);
            equal = e.or(equal, both);
        }
        let before = compare(e, Comparison::Less, a[1], b[1])?;
        let earlier = e.and(equal, before);
        Ok(e.or(better, earlier))
    }

    /// What the stage gives. Of no values the place is 0.
    pub(crate) fn result(
        &self,
        e: &mut Emitter,
        folded: &[Value],
        maybe_empty: bool,
    ) -> Result<Value, Fault> {
        let Fold::Arg(_) = self.fold else {
            return Ok(folded[0]);
        };
        let place: Register<S64> = match folded[1] {
            Value::U32(place) => e.resize(place),
            Value::U64(place) => e.reinterpret(place),
            _ => return Err(Value::other_kind()),
        };
        let none: i64 = if self.narrow { u32::MAX.into() } else { -1 };
        if !maybe_empty {
            return Ok(place.into());
        }
        let empty = e.compare(Comparison::Equal, place, none);
        Ok(e.select::<S64>(empty, 0i64, place).into())
    }

    /// `a` where the condition holds, else the fold of nothing.
    pub(crate) fn only_where(
        &self,
        e: &mut Emitter,
        condition: Option<Register<Predicate>>,
        a: Vec<Value>,
    ) -> Result<Vec<Value>, Fault> {
        let Some(condition) = condition else {
            return Ok(a);
        };
        let pairs = a.into_iter().zip(self.nothing()?);
        let pairs = pairs.map(|(a, nothing)| select(e, condition.into(), a, nothing));
        pairs.collect()
    }
}

/// A fold's name.
pub(crate) fn name(fold: Fold) -> &'static str {
    match fold {
        Fold::Value(Reduction::Sum) => "sum",
        Fold::Value(Reduction::Product) => "product",
        Fold::Value(Reduction::Maximum) => "maximum",
        Fold::Value(Reduction::Minimum) => "minimum",
        Fold::Arg(Extreme::Maximum) => "place of the maximum",
        Fold::Arg(Extreme::Minimum) => "place of the minimum",
    }
}

fn combined(e: &mut Emitter, function: BinaryFunction, a: Value, b: Value) -> Result<Value, Fault> {
    let greater = match function {
        BinaryFunction::Maximum => true,
        BinaryFunction::Minimum => false,
        other => return binary(e, other, a, b),
    };
    macro_rules! extreme {
        ($a:ident, $b:ident, $greatest:ident, $least:ident) => {
            match greater {
                true => e.$greatest($a, $b).into(),
                false => e.$least($a, $b).into(),
            }
        };
    }
    Ok(match (a, b) {
        (Value::F32(a), Value::F32(b)) => extreme!(a, b, maximum, minimum),
        (Value::F64(a), Value::F64(b)) => extreme!(a, b, maximum, minimum),
        (Value::S32(a), Value::S32(b)) => extreme!(a, b, max, min),
        (Value::U32(a), Value::U32(b)) => extreme!(a, b, max, min),
        (Value::S64(a), Value::S64(b)) => extreme!(a, b, max, min),
        (Value::U64(a), Value::U64(b)) => extreme!(a, b, max, min),
        _ => return Err(Value::other_kind()),
    })
}

fn is_nan(e: &mut Emitter, value: Value) -> Result<Register<Predicate>, Fault> {
    Ok(match value {
        Value::F32(Operand::Register(x)) => e.is_nan(x),
        Value::F64(Operand::Register(x)) => e.is_nan(x),
        // Constants are infinite.
        Value::F32(x) => e.is_nan(x),
        Value::F64(x) => e.is_nan(x),
        _ => return Err(Value::other_kind()),
    })
}
