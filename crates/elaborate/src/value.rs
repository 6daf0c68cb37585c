use std::rc::Rc;

use eyas_diagnostic::Span;
use eyas_ir::{BinaryFunction, TensorType, UnaryFunction};
use eyas_tensor::{DType, Dim, Fact};

/// What a name or an expression stands for.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    /// Something that has been reported; whoever reads it says nothing more.
    Poison,
    /// A tensor in a graph.
    Tensor(Operand),
    /// An absent parameter: one value everywhere.
    Fill(Fill),
    /// A compile-time integer, which may be a dim.
    Int(Dim),
    /// A compile-time real number.
    Real(Real),
    /// A compile-time truth value.
    Bool(bool),
    /// A statement about dims that only a binding decides.
    Condition(Vec<Fact>),
    /// The counter of a loop that is kept rolled, or arithmetic on it: a scalar (i64) that takes
    /// the type of the tensor it meets.
    Counter(Counter),
    /// Several values.
    Tuple(Vec<Value>),
    /// A text.
    Text(String),
    /// An element type.
    Element(DType),
}

/// A tensor in one of the graphs under construction.
#[derive(Debug, Clone)]
pub(crate) struct Operand {
    /// The graph, by its depth in the stack of frames.
    pub frame: usize,
    /// The value in that graph.
    pub value: eyas_ir::Value,
    /// Its type, extents in normal form.
    pub ty: TensorType,
    /// The expression that made it.
    pub span: Span,
}

/// An absent parameter.
#[derive(Debug, Clone)]
pub(crate) struct Fill {
    /// Its type.
    pub ty: TensorType,
    /// The value of all its elements.
    pub value: f64,
}

/// A value that follows from a loop's counter.
#[derive(Debug, Clone)]
pub(crate) struct Counter {
    /// The scalar.
    pub operand: Operand,
    /// The counter's name in paths, where the value is the counter itself.
    pub variable: Option<String>,
}

/// A real number that is known when dims are bound.
#[derive(Debug, Clone)]
pub(crate) struct Real {
    node: Rc<RealNode>,
    size: usize,
}

/// How a [`Real`] is computed.
#[derive(Debug)]
pub(crate) enum RealNode {
    Number(f64),
    Extent(Dim),
    Unary(UnaryFunction, Real),
    Binary(BinaryFunction, Real, Real),
}

/// Nodes that a [`Real`] may have.
const REAL_LIMIT: usize = 1_000;

impl Real {
    pub fn number(value: f64) -> Real {
        Real {
            node: Rc::new(RealNode::Number(value)),
            size: 1,
        }
    }

    pub fn extent(dim: &Dim) -> Real {
        let node = match dim.as_constant() {
            Some(value) => RealNode::Number(value as f64),
            None => RealNode::Extent(dim.clone()),
        };
        Real {
            node: Rc::new(node),
            size: 1,
        }
    }

    /// The function applied; `None` where the expression grows beyond bounds.
    pub fn unary(function: UnaryFunction, a: Real) -> Option<Real> {
        if let Some(value) = a.as_number() {
            return Some(Real::number(apply_unary(function, value)));
        }
        let size = a.size + 1;
        (size <= REAL_LIMIT).then(|| Real {
            node: Rc::new(RealNode::Unary(function, a)),
            size,
        })
    }

    /// The function applied; `None` where the expression grows beyond bounds.
    pub fn binary(function: BinaryFunction, a: Real, b: Real) -> Option<Real> {
        if let (Some(x), Some(y)) = (a.as_number(), b.as_number()) {
            return Some(Real::number(apply_binary(function, x, y)));
        }
        let size = a.size + b.size + 1;
        (size <= REAL_LIMIT).then(|| Real {
            node: Rc::new(RealNode::Binary(function, a, b)),
            size,
        })
    }

    pub fn as_number(&self) -> Option<f64> {
        match *self.node {
            RealNode::Number(value) => Some(value),
            _ => None,
        }
    }

    /// Whether the two are one expression.
    pub fn is_same(&self, other: &Real) -> bool {
        Rc::ptr_eq(&self.node, &other.node)
    }

    pub fn node(&self) -> &RealNode {
        &self.node
    }
}

pub(crate) fn apply_unary(function: UnaryFunction, x: f64) -> f64 {
    use UnaryFunction::*;
    match function {
        Negate => -x,
        Absolute => x.abs(),
        Sign if x == 0.0 || x.is_nan() => x,
        Sign => x.signum(),
        Floor => x.floor(),
        Ceil => x.ceil(),
        Round => x.round_ties_even(),
        Sqrt => x.sqrt(),
        Rsqrt => 1.0 / x.sqrt(),
        Reciprocal => 1.0 / x,
        Exp => libm::exp(x),
        Log => libm::log(x),
        Sin => libm::sin(x),
        Cos => libm::cos(x),
        Tanh => libm::tanh(x),
        Erf => libm::erf(x),
        Not => f64::from(u8::from(x == 0.0)),
    }
}

fn apply_binary(function: BinaryFunction, x: f64, y: f64) -> f64 {
    use BinaryFunction::*;
    match function {
        Add => x + y,
        Subtract => x - y,
        Multiply => x * y,
        Divide => x / y,
        FloorDivide => (x / y).floor(),
        Remainder => x - y * (x / y).floor(),
        Power => libm::pow(x, y),
        Maximum => x.max(y),
        Minimum => x.min(y),
        And => f64::from(u8::from(x != 0.0 && y != 0.0)),
        Or => f64::from(u8::from(x != 0.0 || y != 0.0)),
        Xor => f64::from(u8::from((x != 0.0) != (y != 0.0))),
    }
}

impl Value {
    /// What it is, for messages.
    pub fn describe(&self) -> String {
        match self {
            Value::Poison => "a faulty value".into(),
            Value::Tensor(operand) => format!("a tensor `{}`", operand.ty),
            Value::Fill(fill) => format!("a tensor `{}`", fill.ty),
            Value::Int(dim) => format!("the integer `{dim}`"),
            Value::Real(real) => match real.as_number() {
                Some(value) => format!("the number `{value:?}`"),
                None => "a number that depends on dims".into(),
            },
            Value::Bool(value) => format!("`{value}`"),
            Value::Condition(_) => "a condition on dims".into(),
            Value::Counter(_) => "the counter of a loop".into(),
            Value::Tuple(values) => format!("{} values", values.len()),
            Value::Text(_) => "a text".into(),
            Value::Element(dtype) => format!("the element type `{dtype}`"),
        }
    }

    /// The tensor's type, where it is one.
    pub fn tensor_type(&self) -> Option<&TensorType> {
        match self {
            Value::Tensor(operand) => Some(&operand.ty),
            Value::Fill(fill) => Some(&fill.ty),
            Value::Counter(counter) => Some(&counter.operand.ty),
            _ => None,
        }
    }
}
