use eyas_ir::{BinaryFunction, Extreme, Reduction};
use eyas_kernels::Fold;
use eyas_tensor::{DType, Number};

use crate::{EvaluateError, KernelFault, Storage, scalar};

/// Lanes that floats are folded in.
const LANES: usize = 16;

/// A row being folded, place after place.
pub(crate) struct Folding {
    storage: Storage,
    fold: Fold,
    accumulator: DType,
    lanes: [Option<Number>; LANES],
    best: Option<(Number, usize)>,
    count: usize,
}

impl Folding {
    pub(crate) fn new(storage: Storage, fold: Fold, accumulator: DType) -> Folding {
        let start = match fold {
            Fold::Value(Reduction::Sum) => Some(Number::Int(0)),
            Fold::Value(Reduction::Product) => Some(Number::Int(1)),
            Fold::Value(Reduction::Maximum | Reduction::Minimum) | Fold::Arg(_) => None,
        };
        Folding {
            storage,
            fold,
            accumulator,
            lanes: [start.map(|number| storage.round(accumulator, number)); LANES],
            best: None,
            count: 0,
        }
    }

    /// Takes the value of the next place.
    pub(crate) fn take(&mut self, value: Number) {
        let value = self.storage.round(self.accumulator, value);
        match self.fold {
            Fold::Arg(extreme) => {
                let better = self
                    .best
                    .is_none_or(|(best, _)| beats(extreme, value, best));
                if better {
                    self.best = Some((value, self.count));
                }
            }
            Fold::Value(reduction) => {
                let lane = self.count % LANES;
                self.lanes[lane] = self.combine(reduction, self.lanes[lane], Some(value));
            }
        }
        self.count += 1;
    }

    fn combine(
        &self,
        reduction: Reduction,
        a: Option<Number>,
        b: Option<Number>,
    ) -> Option<Number> {
        let function = match reduction {
            Reduction::Sum => BinaryFunction::Add,
            Reduction::Product => BinaryFunction::Multiply,
            Reduction::Maximum => BinaryFunction::Maximum,
            Reduction::Minimum => BinaryFunction::Minimum,
        };
        match (a, b) {
            (Some(a), Some(b)) => {
                let result = scalar::binary(function, self.accumulator, a, b);
                Some(self.storage.round(self.accumulator, result))
            }
            (a, b) => a.or(b),
        }
    }

    /// The row's value: the lanes are halved, lane `i` taking up lane `i + half`, until one is left.
    pub(crate) fn finish(mut self) -> Result<Number, EvaluateError> {
        let result = match self.fold {
            Fold::Arg(_) => self.best.map(|(_, place)| Number::Int(place as i128)),
            Fold::Value(reduction) => {
                let mut half = LANES / 2;
                while half > 0 {
                    for lane in 0..half {
                        self.lanes[lane] =
                            self.combine(reduction, self.lanes[lane], self.lanes[lane + half]);
                    }
                    half /= 2;
                }
                self.lanes[0]
            }
        };
        result.ok_or_else(|| KernelFault::ExtremeOfNothing.into())
    }
}

/// Whether a value comes before the best so far; the first NaN comes before all.
fn beats(extreme: Extreme, value: Number, best: Number) -> bool {
    match (value, best) {
        (_, Number::Float(best)) if best.is_nan() => false,
        (Number::Float(value), _) if value.is_nan() => true,
        _ if extreme == Extreme::Maximum => value > best,
        _ => value < best,
    }
}
