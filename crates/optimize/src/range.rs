use eyas_ir::{BinaryFunction, Op, Reduction, TensorType, UnaryFunction};
use eyas_tensor::{DType, Number};

/// Bounds on the elements of a value that are not NaN.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Range {
    /// The least.
    pub low: f64,
    /// The greatest.
    pub high: f64,
}

impl Range {
    /// No bounds.
    pub const ALL: Range = Range {
        low: f64::NEG_INFINITY,
        high: f64::INFINITY,
    };

    /// Between two numbers; no bounds where one is NaN.
    pub fn new(low: f64, high: f64) -> Range {
        if low.is_nan() || high.is_nan() {
            return Range::ALL;
        }
        Range { low, high }
    }

    /// All values of a type.
    pub fn of_type(dtype: DType) -> Range {
        match dtype.integer_range() {
            Some((low, high)) => Range::new(low as f64, high as f64),
            None => Range::ALL,
        }
    }

    /// One number.
    pub fn point(number: Number) -> Range {
        Range::new(number.to_f64(), number.to_f64())
    }

    /// Whether no element is below zero.
    pub fn is_non_negative(&self) -> bool {
        self.low >= 0.0
    }

    /// What two sound bounds say together. `None` where they exclude each other by more than
    /// rounding in the type explains.
    pub fn intersect(self, other: Range, dtype: DType) -> Option<Range> {
        let (low, high) = (self.low.max(other.low), self.high.min(other.high));
        if low <= high {
            return Some(Range { low, high });
        }
        let slack = 64.0 * step(dtype) * low.abs().max(high.abs());
        (low - high <= slack).then_some(Range {
            low: high,
            high: low,
        })
    }

    /// Room for one rounding.
    fn rounded(self, dtype: DType) -> Range {
        if !dtype.is_float() {
            let all = Range::of_type(dtype);
            let inside = self.low >= all.low && self.high <= all.high;
            return if inside { self } else { all };
        }
        let grow = |x: f64| 4.0 * step(dtype) * x.abs();
        Range::new(
            self.low - if self.low == 0.0 { 0.0 } else { grow(self.low) },
            self.high
                + if self.high == 0.0 {
                    0.0
                } else {
                    grow(self.high)
                },
        )
    }

    fn monotone(self, function: fn(f64) -> f64) -> Range {
        Range::new(function(self.low), function(self.high))
    }

    fn corners(self, other: Range, function: fn(f64, f64) -> f64) -> Range {
        let corners = [
            function(self.low, other.low),
            function(self.low, other.high),
            function(self.high, other.low),
            function(self.high, other.high),
        ];
        if corners.iter().any(|corner| corner.is_nan()) {
            return Range::ALL;
        }
        let (low, high) = (f64::INFINITY, f64::NEG_INFINITY);
        let low = corners.iter().fold(low, |least, x| least.min(*x));
        Range::new(low, corners.iter().fold(high, |most, x| most.max(*x)))
    }
}

/// The relative distance of neighbouring values of a type.
fn step(dtype: DType) -> f64 {
    match dtype {
        DType::F64 => 2.3e-16,
        DType::F32 => 1.2e-7,
        DType::F16 => 1e-3,
        DType::BF16 => 8e-3,
        DType::F8E4M3 => 0.13,
        DType::F8E5M2 => 0.25,
        _ => 0.0,
    }
}

/// Bounds on the result of an op from bounds on its operands.
pub fn of_op(op: &Op, operands: &[Range], result: &TensorType) -> Range {
    let dtype = result.dtype;
    let range = match (op, operands) {
        (Op::Unary { function }, [x]) => unary(*function, *x),
        (Op::Binary { function }, [x, y]) => binary(*function, *x, *y),
        (Op::Select, [_, x, y]) => Range::new(x.low.min(y.low), x.high.max(y.high)),
        (Op::Cast { dtype: to }, [x]) => match to {
            DType::Bool => Range::of_type(DType::Bool),
            _ if to.is_float() => *x,
            // NaN becomes 0.
            _ => Range::new(x.low.trunc().min(0.0), x.high.trunc().max(0.0)),
        },
        (Op::Reduce { reduction, .. }, [x]) => match reduction {
            Reduction::Maximum | Reduction::Minimum => *x,
            Reduction::Sum if x.is_non_negative() => Range::new(0.0, f64::INFINITY),
            Reduction::Product if x.is_non_negative() => Range::new(0.0, f64::INFINITY),
            _ => Range::ALL,
        },
        (Op::Reshape { .. } | Op::Transpose { .. } | Op::Slice { .. }, [x]) => return *x,
        (Op::Broadcast { .. }, [x]) | (Op::Gather { .. }, [x, _]) => return *x,
        (Op::Concat { .. }, [first, rest @ ..]) => rest.iter().fold(*first, |all, x| {
            Range::new(all.low.min(x.low), all.high.max(x.high))
        }),
        (Op::Extent { .. } | Op::Iota { .. }, []) => Range::new(0.0, f64::INFINITY),
        (Op::Composite { composite }, [x, ..]) => composite_range(composite, *x),
        _ => Range::ALL,
    };
    range.rounded(dtype)
}

fn unary(function: UnaryFunction, x: Range) -> Range {
    match function {
        UnaryFunction::Negate => Range::new(-x.high, -x.low),
        UnaryFunction::Absolute => {
            let least = if x.low > 0.0 {
                x.low
            } else if x.high < 0.0 {
                -x.high
            } else {
                0.0
            };
            Range::new(least, x.low.abs().max(x.high.abs()))
        }
        UnaryFunction::Sign | UnaryFunction::Tanh => Range::new(-1.0, 1.0),
        UnaryFunction::Sin | UnaryFunction::Cos | UnaryFunction::Erf => Range::new(-1.0, 1.0),
        UnaryFunction::Floor => x.monotone(f64::floor),
        UnaryFunction::Ceil => x.monotone(f64::ceil),
        UnaryFunction::Round => x.monotone(f64::round_ties_even),
        UnaryFunction::Exp | UnaryFunction::Sqrt => Range::new(0.0, f64::INFINITY),
        // Of a negative zero both are the negative infinity.
        UnaryFunction::Reciprocal | UnaryFunction::Rsqrt if x.low > 0.0 => {
            Range::new(0.0, f64::INFINITY)
        }
        UnaryFunction::Reciprocal | UnaryFunction::Rsqrt => Range::ALL,
        UnaryFunction::Log | UnaryFunction::Not => Range::ALL,
    }
}

fn binary(function: BinaryFunction, x: Range, y: Range) -> Range {
    match function {
        BinaryFunction::Add => Range::new(x.low + y.low, x.high + y.high),
        BinaryFunction::Subtract => Range::new(x.low - y.high, x.high - y.low),
        BinaryFunction::Multiply => x.corners(y, |a, b| a * b),
        BinaryFunction::Maximum => Range::new(x.low.max(y.low), x.high.max(y.high)),
        BinaryFunction::Minimum => Range::new(x.low.min(y.low), x.high.min(y.high)),
        BinaryFunction::Divide if x.is_non_negative() && y.low > 0.0 => {
            Range::new(0.0, f64::INFINITY)
        }
        _ => Range::ALL,
    }
}

fn composite_range(composite: &eyas_ir::Composite, x: Range) -> Range {
    use eyas_ir::Composite;
    match composite {
        Composite::Relu => Range::new(x.low.max(0.0), x.high.max(0.0)),
        Composite::Sigmoid | Composite::Softmax { .. } => Range::new(0.0, 1.0),
        Composite::Mean { .. } => x,
        Composite::LogSoftmax { .. } => Range::new(f64::NEG_INFINITY, 0.0),
        _ => Range::ALL,
    }
}
