use eyas_ir::{BinaryFunction, Comparison, Composite, Op, Reduction, UnaryFunction};
use eyas_syntax::ast::BinaryOperator;

/// What an op of a rule does; axes count from the end where they are negative.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Function {
    Unary(UnaryFunction),
    Binary(BinaryFunction),
    Compare(Comparison),
    Select,
    /// A composite that works element by element.
    Composite(Composite),
    MatrixMultiply,
    Reduce(Reduction, i64),
    Mean(i64),
    Softmax(i64),
    LogSoftmax(i64),
}

/// What a function's arguments are: tensors, then perhaps an axis.
pub(super) struct Form {
    pub(super) tensors: usize,
    pub(super) axis: bool,
    make: fn(i64) -> Function,
}

impl Form {
    pub(super) fn function(&self, axis: i64) -> Function {
        (self.make)(axis)
    }
}

macro_rules! forms {
    ($($name:literal $tensors:literal $axis:literal $make:expr;)*) => {
        /// The functions that a rule may call.
        pub(super) const NAMES: &[&str] = &[$($name),*];

        /// The function of a name.
        pub(super) fn form(name: &str) -> Option<Form> {
            Some(match name {
                $($name => Form { tensors: $tensors, axis: $axis, make: $make },)*
                _ => return None,
            })
        }
    };
}

forms! {
    "abs" 1 false |_| Function::Unary(UnaryFunction::Absolute);
    "sign" 1 false |_| Function::Unary(UnaryFunction::Sign);
    "floor" 1 false |_| Function::Unary(UnaryFunction::Floor);
    "ceil" 1 false |_| Function::Unary(UnaryFunction::Ceil);
    "round" 1 false |_| Function::Unary(UnaryFunction::Round);
    "sqrt" 1 false |_| Function::Unary(UnaryFunction::Sqrt);
    "rsqrt" 1 false |_| Function::Unary(UnaryFunction::Rsqrt);
    "reciprocal" 1 false |_| Function::Unary(UnaryFunction::Reciprocal);
    "exp" 1 false |_| Function::Unary(UnaryFunction::Exp);
    "log" 1 false |_| Function::Unary(UnaryFunction::Log);
    "sin" 1 false |_| Function::Unary(UnaryFunction::Sin);
    "cos" 1 false |_| Function::Unary(UnaryFunction::Cos);
    "tanh" 1 false |_| Function::Unary(UnaryFunction::Tanh);
    "erf" 1 false |_| Function::Unary(UnaryFunction::Erf);
    "relu" 1 false |_| Function::Composite(Composite::Relu);
    "sigmoid" 1 false |_| Function::Composite(Composite::Sigmoid);
    "silu" 1 false |_| Function::Composite(Composite::Silu);
    "gelu" 1 false |_| Function::Composite(Composite::Gelu);
    "maximum" 2 false |_| Function::Binary(BinaryFunction::Maximum);
    "minimum" 2 false |_| Function::Binary(BinaryFunction::Minimum);
    "select" 3 false |_| Function::Select;
    "matmul" 2 false |_| Function::MatrixMultiply;
    "sum" 1 true |axis| Function::Reduce(Reduction::Sum, axis);
    "prod" 1 true |axis| Function::Reduce(Reduction::Product, axis);
    "max" 1 true |axis| Function::Reduce(Reduction::Maximum, axis);
    "min" 1 true |axis| Function::Reduce(Reduction::Minimum, axis);
    "mean" 1 true Function::Mean;
    "softmax" 1 true Function::Softmax;
    "log_softmax" 1 true Function::LogSoftmax;
}

/// What an operator does.
pub(super) fn operator(operator: BinaryOperator) -> Function {
    match operator {
        BinaryOperator::Or => Function::Binary(BinaryFunction::Or),
        BinaryOperator::And => Function::Binary(BinaryFunction::And),
        BinaryOperator::Equal => Function::Compare(Comparison::Equal),
        BinaryOperator::NotEqual => Function::Compare(Comparison::NotEqual),
        BinaryOperator::Less => Function::Compare(Comparison::Less),
        BinaryOperator::LessEqual => Function::Compare(Comparison::LessOrEqual),
        BinaryOperator::Greater => Function::Compare(Comparison::Greater),
        BinaryOperator::GreaterEqual => Function::Compare(Comparison::GreaterOrEqual),
        BinaryOperator::Add => Function::Binary(BinaryFunction::Add),
        BinaryOperator::Subtract => Function::Binary(BinaryFunction::Subtract),
        BinaryOperator::Multiply => Function::Binary(BinaryFunction::Multiply),
        BinaryOperator::Divide => Function::Binary(BinaryFunction::Divide),
        BinaryOperator::FloorDivide => Function::Binary(BinaryFunction::FloorDivide),
        BinaryOperator::Remainder => Function::Binary(BinaryFunction::Remainder),
        BinaryOperator::MatrixMultiply => Function::MatrixMultiply,
        BinaryOperator::Power => Function::Binary(BinaryFunction::Power),
    }
}

impl Function {
    /// The axis that the function works along.
    pub(super) fn axis(&self) -> Option<i64> {
        match self {
            Function::Reduce(_, axis) | Function::Mean(axis) => Some(*axis),
            Function::Softmax(axis) | Function::LogSoftmax(axis) => Some(*axis),
            _ => None,
        }
    }

    /// The op for an operand of a rank; `None` where it has no such axis, and for a product.
    pub(super) fn op(&self, rank: usize) -> Option<Op> {
        let place = |axis: i64| -> Option<usize> {
            let axis = if axis < 0 { axis + rank as i64 } else { axis };
            usize::try_from(axis).ok().filter(|axis| *axis < rank)
        };
        Some(match self {
            Function::Unary(function) => Op::unary(*function),
            Function::Binary(function) => Op::binary(*function),
            Function::Compare(comparison) => Op::Compare {
                comparison: *comparison,
            },
            Function::Select => Op::Select,
            Function::Composite(composite) => Op::composite(composite.clone()),
            Function::MatrixMultiply => return None,
            Function::Reduce(reduction, axis) => Op::Reduce {
                reduction: *reduction,
                axes: vec![place(*axis)?],
            },
            Function::Mean(axis) => Op::composite(Composite::Mean {
                axes: vec![place(*axis)?],
            }),
            Function::Softmax(axis) => Op::composite(Composite::Softmax {
                axis: place(*axis)?,
            }),
            Function::LogSoftmax(axis) => Op::composite(Composite::LogSoftmax {
                axis: place(*axis)?,
            }),
        })
    }
}
