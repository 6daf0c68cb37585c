use std::f64::consts::FRAC_1_SQRT_2;

use eyas_tensor::{DType, Dim, Number};

use crate::infer::{self, InferError};
use crate::{
    BinaryFunction, Comparison, Composite, Constant, Graph, Op, Origin, Reduction, TensorType,
    UnaryFunction, Value,
};

impl Graph {
    /// Adds the primitives that a composite is made of, in place of the composite; gives the
    /// result. Floats narrower than f32 are computed with in f32 and rounded once.
    ///
    /// # Errors
    /// What inference says of the composite, or of an axis without elements that it takes the
    /// greatest of.
    pub fn add_decomposed(
        &mut self,
        composite: &Composite,
        operands: &[Value],
        origin: &Origin,
    ) -> Result<Value, InferError> {
        let types: Vec<&TensorType> = operands.iter().map(|v| self.type_of(*v)).collect();
        infer::result_types(&Op::composite(composite.clone()), &types)?;
        let dtype = types[0].dtype;
        let mut writer = Writer {
            graph: self,
            origin,
        };
        if *composite == Composite::Relu {
            let zero = writer.number(0.0, operands[0])?;
            return writer.binary(BinaryFunction::Maximum, operands[0], zero);
        }
        let narrow = dtype.bits() < DType::F32.bits();
        let wide = if narrow { DType::F32 } else { dtype };
        let operands = operands
            .iter()
            .map(|operand| match writer.type_of(*operand).dtype == dtype {
                true => writer.cast(*operand, wide),
                false => Ok(*operand),
            })
            .collect::<Result<Vec<_>, _>>()?;
        let result = writer.composite(composite, &operands)?;
        writer.cast(result, dtype)
    }
}

/// The primitives that a composite is made of, as a graph with an input `xN` an operand and the
/// output `result`.
///
/// # Errors
/// What [`Graph::add_decomposed`] says.
pub fn decompose(composite: &Composite, operands: &[TensorType]) -> Result<Graph, InferError> {
    let mut graph = Graph::new("decomposition");
    let inputs: Vec<Value> = operands
        .iter()
        .enumerate()
        .map(|(place, ty)| graph.add_input(format!("x{place}"), ty.clone()))
        .collect();
    let result = graph.add_decomposed(composite, &inputs, &Origin::default())?;
    graph.add_output("result", result);
    Ok(graph)
}

struct Writer<'a> {
    graph: &'a mut Graph,
    origin: &'a Origin,
}

type Written = Result<Value, InferError>;

impl Writer<'_> {
    fn type_of(&self, value: Value) -> &TensorType {
        self.graph.type_of(value)
    }

    fn add(&mut self, op: Op, operands: &[Value]) -> Written {
        let types: Vec<&TensorType> = operands.iter().map(|v| self.type_of(*v)).collect();
        let types = infer::result_types(&op, &types)?;
        Ok(self
            .graph
            .add_typed(op, operands, types, self.origin.clone()))
    }

    fn unary(&mut self, function: UnaryFunction, a: Value) -> Written {
        self.add(Op::unary(function), &[a])
    }

    /// The second operand repeats to the shape of the first.
    fn binary(&mut self, function: BinaryFunction, a: Value, b: Value) -> Written {
        let b = self.broadcast(b, a)?;
        self.add(Op::binary(function), &[a, b])
    }

    fn cast(&mut self, a: Value, dtype: DType) -> Written {
        match self.type_of(a).dtype == dtype {
            true => Ok(a),
            false => self.add(Op::Cast { dtype }, &[a]),
        }
    }

    /// A value repeated to the shape of another.
    fn broadcast(&mut self, a: Value, like: Value) -> Written {
        let shape = self.type_of(like).shape.clone();
        match self.type_of(a).shape == shape {
            true => Ok(a),
            false => self.add(Op::Broadcast { shape }, &[a]),
        }
    }

    /// A number in the type and shape of a value.
    fn number(&mut self, number: f64, like: Value) -> Written {
        let dtype = self.type_of(like).dtype;
        let value = Constant::scalar(dtype, Number::Float(number));
        let scalar = self.add(Op::Constant { value }, &[])?;
        self.broadcast(scalar, like)
    }

    /// A function of a value and a number.
    fn with_number(&mut self, function: BinaryFunction, a: Value, number: f64) -> Written {
        let number = self.number(number, a)?;
        self.binary(function, a, number)
    }

    fn reduce(&mut self, reduction: Reduction, a: Value, axes: &[usize]) -> Written {
        let axes = axes.to_vec();
        self.add(Op::Reduce { reduction, axes }, &[a])
    }

    fn composite(&mut self, composite: &Composite, operands: &[Value]) -> Written {
        let x = operands[0];
        let last = self.type_of(x).rank().saturating_sub(1);
        match composite {
            Composite::Relu => self.with_number(BinaryFunction::Maximum, x, 0.0),
            Composite::Sigmoid => self.sigmoid(x),
            Composite::Silu => {
                let sigmoid = self.sigmoid(x)?;
                self.binary(BinaryFunction::Multiply, x, sigmoid)
            }
            Composite::Gelu => {
                let scaled = self.with_number(BinaryFunction::Multiply, x, FRAC_1_SQRT_2)?;
                let error = self.unary(UnaryFunction::Erf, scaled)?;
                let share = self.with_number(BinaryFunction::Add, error, 1.0)?;
                let half = self.with_number(BinaryFunction::Multiply, x, 0.5)?;
                self.binary(BinaryFunction::Multiply, half, share)
            }
            Composite::Mean { axes } => self.mean(x, axes),
            Composite::Softmax { axis } if self.is_empty(x, *axis) => Ok(x),
            Composite::LogSoftmax { axis } if self.is_empty(x, *axis) => Ok(x),
            Composite::Softmax { axis } => {
                let shifted = self.below_greatest(x, *axis)?;
                let power = self.unary(UnaryFunction::Exp, shifted)?;
                let sum = self.reduce(Reduction::Sum, power, &[*axis])?;
                self.binary(BinaryFunction::Divide, power, sum)
            }
            Composite::LogSoftmax { axis } => self.log_softmax(x, *axis),
            Composite::LayerNorm { epsilon } => {
                let mean = self.mean(x, &[last])?;
                let centred = self.binary(BinaryFunction::Subtract, x, mean)?;
                let normal = self.normalise(centred, last, epsilon)?;
                let scaled = self.binary(BinaryFunction::Multiply, normal, operands[1])?;
                self.binary(BinaryFunction::Add, scaled, operands[2])
            }
            Composite::RmsNorm { epsilon } => {
                let normal = self.normalise(x, last, epsilon)?;
                self.binary(BinaryFunction::Multiply, normal, operands[1])
            }
            Composite::CrossEntropy => {
                let logarithms = self.log_softmax(x, last)?;
                let picked = self.pick(logarithms, last, operands[1])?;
                self.unary(UnaryFunction::Negate, picked)
            }
            Composite::NegativeLogLikelihood => {
                let picked = self.pick(x, last, operands[1])?;
                let logarithm = self.unary(UnaryFunction::Log, picked)?;
                self.unary(UnaryFunction::Negate, logarithm)
            }
        }
    }

    fn is_empty(&self, x: Value, axis: usize) -> bool {
        self.type_of(x).shape[axis].is(0)
    }

    fn sigmoid(&mut self, x: Value) -> Written {
        let negative = self.unary(UnaryFunction::Negate, x)?;
        let power = self.unary(UnaryFunction::Exp, negative)?;
        let sum = self.with_number(BinaryFunction::Add, power, 1.0)?;
        self.unary(UnaryFunction::Reciprocal, sum)
    }

    fn mean(&mut self, x: Value, axes: &[usize]) -> Written {
        let ty = self.type_of(x).clone();
        let count = Dim::product(axes.iter().map(|axis| &ty.shape[*axis]))?;
        let sum = self.reduce(Reduction::Sum, x, axes)?;
        let count = match count.as_constant() {
            Some(count) => self.number(count as f64, sum)?,
            None => {
                let (dim, dtype) = (count, ty.dtype);
                self.add(Op::Extent { dim, dtype }, &[])?
            }
        };
        self.binary(BinaryFunction::Divide, sum, count)
    }

    /// `x - max(x)`
    fn below_greatest(&mut self, x: Value, axis: usize) -> Written {
        let greatest = self.reduce(Reduction::Maximum, x, &[axis])?;
        self.binary(BinaryFunction::Subtract, x, greatest)
    }

    fn log_softmax(&mut self, x: Value, axis: usize) -> Written {
        let shifted = self.below_greatest(x, axis)?;
        let power = self.unary(UnaryFunction::Exp, shifted)?;
        let sum = self.reduce(Reduction::Sum, power, &[axis])?;
        let logarithm = self.unary(UnaryFunction::Log, sum)?;
        self.binary(BinaryFunction::Subtract, shifted, logarithm)
    }

    /// `x * rsqrt(mean(x * x) + epsilon)`
    fn normalise(&mut self, x: Value, axis: usize, epsilon: &Constant) -> Written {
        let Some(epsilon) = epsilon.splat() else {
            let message = "the epsilon of a norm is one number".to_owned();
            return Err(InferError::Attribute(message));
        };
        let square = self.binary(BinaryFunction::Multiply, x, x)?;
        let mean = self.mean(square, &[axis])?;
        let kept = self.with_number(BinaryFunction::Add, mean, epsilon.to_f64())?;
        let factor = self.unary(UnaryFunction::Rsqrt, kept)?;
        self.binary(BinaryFunction::Multiply, x, factor)
    }

    /// The element of each row along the last axis that its label names. The labels go through a
    /// gather of the classes, so that one out of range fails the run.
    fn pick(&mut self, x: Value, last: usize, labels: Value) -> Written {
        let (ty, dtype) = (self.type_of(x).clone(), DType::I64);
        let classes = Op::Iota {
            dtype,
            shape: vec![ty.shape[last].clone()],
            axis: 0,
        };
        let classes = self.add(classes, &[])?;
        let labels = self.add(Op::Gather { axis: 0 }, &[classes, labels])?;
        let rows = self.type_of(labels).shape.clone();
        let mut column = rows.clone();
        column.push(Dim::from(1));
        let labels = self.add(Op::Reshape { shape: column }, &[labels])?;
        let labels = self.broadcast(labels, x)?;
        let shape = ty.shape.clone();
        let places = Op::Iota {
            dtype,
            shape,
            axis: last,
        };
        let places = self.add(places, &[])?;
        let comparison = Comparison::Equal;
        let chosen = self.add(Op::Compare { comparison }, &[places, labels])?;
        let zero = self.number(0.0, x)?;
        let kept = self.add(Op::Select, &[chosen, x, zero])?;
        let sum = self.reduce(Reduction::Sum, kept, &[last])?;
        self.add(Op::Reshape { shape: rows }, &[sum])
    }
}
