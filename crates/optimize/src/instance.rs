use std::collections::BTreeMap;

use eyas_ir::{
    BinaryFunction, Comparison, Composite, Constant, Einsum, Entry, Graph, Mode, Module, Op,
    Origin, ParameterDecl, ParameterKind, Reduction, TensorType, UnaryFunction, Value,
};
use eyas_tensor::{DType, Dim, Number, Tensor};
use eyas_testing::Draw;

use crate::rule::Premises;

/// A random instance of the left side of a rule: a small graph and values for its inputs.
#[derive(Debug)]
pub struct Instance {
    /// Random numbers.
    pub draw: Draw,
    dtype: DType,
    ranks: (usize, usize),
    /// Whether inputs hold NaN here and there.
    nan: bool,
    graph: Graph,
    module: Module,
    inputs: Vec<Tensor>,
    parameters: BTreeMap<String, Tensor>,
}

/// The extents of instances: empty, single, odd and even.
const EXTENTS: [usize; 10] = [0, 1, 1, 2, 2, 3, 3, 4, 5, 7];

impl Instance {
    /// An empty instance under these premises. `None` where they name no type.
    pub fn new(seed: u64, premises: &Premises) -> Option<Instance> {
        let mut draw = Draw::new(seed);
        if premises.dtypes.is_empty() {
            return None;
        }
        let dtype = *draw.pick(&premises.dtypes);
        Some(Instance {
            dtype,
            ranks: premises.ranks,
            nan: draw.one_in(4),
            draw,
            graph: Graph::new("main"),
            module: Module::default(),
            inputs: Vec::new(),
            parameters: BTreeMap::new(),
        })
    }

    /// The element type of the instance.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// A random extent.
    pub fn extent(&mut self) -> usize {
        *self.draw.pick(&EXTENTS)
    }

    /// Random extents, as many as the premises allow.
    pub fn shape(&mut self) -> Vec<usize> {
        let (least, most) = self.ranks;
        let rank = least + self.draw.below(most.saturating_sub(least) + 1);
        (0..rank).map(|_| self.extent()).collect()
    }

    /// An axis of a value. `None` where it has none.
    pub fn axis(&mut self, value: Value) -> Option<usize> {
        let rank = self.ty(value).rank();
        (rank > 0).then(|| self.draw.below(rank))
    }

    /// The type of a value.
    pub fn ty(&self, value: Value) -> TensorType {
        self.graph.type_of(value).clone()
    }

    /// The extents of a value.
    pub fn extents(&self, value: Value) -> Vec<usize> {
        self.ty(value).static_shape().unwrap_or_default()
    }

    /// A new input of the instance's type and a random shape.
    pub fn any(&mut self) -> Option<Value> {
        let shape = self.shape();
        self.input(&shape)
    }

    /// A new input of the instance's type.
    pub fn input(&mut self, shape: &[usize]) -> Option<Value> {
        self.input_of(self.dtype, shape)
    }

    /// A new input shaped as a value.
    pub fn like(&mut self, value: Value) -> Option<Value> {
        let (ty, shape) = (self.ty(value), self.extents(value));
        self.input_of(ty.dtype, &shape)
    }

    /// A new input of any type.
    pub fn input_of(&mut self, dtype: DType, shape: &[usize]) -> Option<Value> {
        let tensor = self.tensor(dtype, shape)?;
        let name = format!("x{}", self.inputs.len());
        let value = self.graph.add_input(name, type_of(dtype, shape));
        self.inputs.push(tensor);
        Some(value)
    }

    /// A new parameter of the instance's type.
    pub fn parameter(&mut self, shape: &[usize]) -> Option<Value> {
        let tensor = self.tensor(self.dtype, shape)?;
        let path = format!("p{}", self.parameters.len());
        let ty = type_of(self.dtype, shape);
        let declaration = ParameterDecl {
            ty: ty.clone(),
            initialiser: None,
            kind: ParameterKind::Parameter,
            span: None,
        };
        self.module.parameters.insert(path.clone(), declaration);
        self.parameters.insert(path.clone(), tensor);
        let op = Op::Parameter { path };
        Some(self.graph.add_typed(op, &[], vec![ty], Origin::default()))
    }

    fn tensor(&mut self, dtype: DType, shape: &[usize]) -> Option<Tensor> {
        let mut tensor = self.draw.tensor(dtype, shape)?;
        if self.nan && dtype.is_float() {
            for place in 0..tensor.element_count() {
                if self.draw.one_in(12) {
                    tensor.set(place, Number::Float(f64::NAN));
                }
            }
        }
        Some(tensor)
    }

    /// Any op; `None` where it does not take the operands.
    pub fn op(&mut self, op: Op, operands: &[Value]) -> Option<Value> {
        self.graph.add(op, operands).ok()
    }

    /// A function of one value.
    pub fn unary(&mut self, function: UnaryFunction, x: Value) -> Option<Value> {
        self.op(Op::unary(function), &[x])
    }

    /// A function of two values; those that may be exchanged stand in either order.
    pub fn binary(&mut self, function: BinaryFunction, x: Value, y: Value) -> Option<Value> {
        let turned = function.is_commutative() && self.draw.one_in(2);
        let operands = if turned { [y, x] } else { [x, y] };
        self.op(Op::binary(function), &operands)
    }

    /// A comparison.
    pub fn compare(&mut self, comparison: Comparison, x: Value, y: Value) -> Option<Value> {
        self.op(Op::Compare { comparison }, &[x, y])
    }

    /// A composite.
    pub fn composite(&mut self, composite: Composite, operands: &[Value]) -> Option<Value> {
        self.op(Op::composite(composite), operands)
    }

    /// A number in the type and shape of a value.
    pub fn splat(&mut self, number: f64, like: Value) -> Option<Value> {
        let ty = self.ty(like);
        let number = match ty.dtype.is_float() {
            true => Number::Float(number),
            false => Number::Int(number as i128),
        };
        let value = Constant::scalar(ty.dtype, number);
        let scalar = self.op(Op::Constant { value }, &[])?;
        self.broadcast(scalar, &self.extents(like))
    }

    /// A constant tensor of random numbers.
    pub fn constant(&mut self, shape: &[usize]) -> Option<Value> {
        let value = Constant::from(self.draw.tensor(self.dtype, shape)?);
        self.op(Op::Constant { value }, &[])
    }

    /// Repeated to a shape.
    pub fn broadcast(&mut self, x: Value, shape: &[usize]) -> Option<Value> {
        let shape = dims(shape);
        match self.ty(x).shape == shape {
            true => Some(x),
            false => self.op(Op::Broadcast { shape }, &[x]),
        }
    }

    /// A random shape that a value broadcasts to, another than its own.
    pub fn wider(&mut self, x: Value) -> Vec<usize> {
        let mut shape = self.extents(x);
        for extent in &mut shape {
            if *extent == 1 && self.draw.one_in(2) {
                *extent = *self.draw.pick(&EXTENTS);
            }
        }
        if shape == self.extents(x) || self.draw.one_in(3) {
            let extent = self.extent();
            shape.insert(0, extent);
        }
        shape
    }

    /// Under another shape.
    pub fn reshape(&mut self, x: Value, shape: &[usize]) -> Option<Value> {
        self.op(Op::Reshape { shape: dims(shape) }, &[x])
    }

    /// A random shape of as many elements.
    pub fn regrouped(&mut self, x: Value) -> Vec<usize> {
        let mut shape = self.extents(x);
        if shape.len() > 1 && self.draw.one_in(2) {
            let axis = self.draw.below(shape.len() - 1);
            let merged = shape[axis] * shape[axis + 1];
            shape.splice(axis..axis + 2, [merged]);
        } else {
            let axis = self.draw.below(shape.len() + 1);
            shape.insert(axis, 1);
        }
        shape
    }

    /// Axes in a random order.
    pub fn transpose(&mut self, x: Value) -> Option<Value> {
        let permutation = self.draw.permutation(self.ty(x).rank());
        self.op(Op::Transpose { permutation }, &[x])
    }

    /// A reduction over axes.
    pub fn reduce(&mut self, reduction: Reduction, axes: &[usize], x: Value) -> Option<Value> {
        let axes = axes.to_vec();
        self.op(Op::Reduce { reduction, axes }, &[x])
    }

    /// A reduction over one axis, repeated along it again.
    pub fn reduced(&mut self, reduction: Reduction, axis: usize, x: Value) -> Option<Value> {
        let reduced = self.reduce(reduction, &[axis], x)?;
        self.broadcast(reduced, &self.extents(x))
    }

    /// The number of elements along an axis, in the shape of a value.
    pub fn count(&mut self, x: Value, axis: usize, like: Value) -> Option<Value> {
        let count = *self.extents(x).get(axis)?;
        self.splat(count as f64, like)
    }

    /// A contraction.
    pub fn contract(&mut self, spec: &str, x: Value, y: Value) -> Option<Value> {
        let spec: Einsum = spec.parse().ok()?;
        let accumulator = accumulator(self.ty(x).dtype);
        let op = Op::Contraction {
            spec,
            accumulator,
            epilogue: None,
        };
        self.op(op, &[x, y])
    }

    /// The module of the instance with one more output, and what to run it with.
    pub(crate) fn finish(mut self, result: Value) -> Finished {
        self.graph.add_output("left", result);
        let graph = self.module.add_graph(self.graph);
        self.module.entries.push(Entry {
            name: "main".into(),
            graph,
            mode: Mode::Inference,
            states: Vec::new(),
        });
        Finished {
            module: self.module,
            inputs: self.inputs,
            parameters: self.parameters,
        }
    }
}

/// An instance that can be run.
pub(crate) struct Finished {
    pub(crate) module: Module,
    pub(crate) inputs: Vec<Tensor>,
    pub(crate) parameters: BTreeMap<String, Tensor>,
}

/// What a type's products are summed in.
pub fn accumulator(dtype: DType) -> DType {
    match dtype {
        DType::F16 | DType::BF16 | DType::F8E4M3 | DType::F8E5M2 => DType::F32,
        DType::I16 | DType::I8 | DType::I4 => DType::I32,
        DType::U16 | DType::U8 | DType::U4 => DType::I32,
        other => other,
    }
}

fn dims(shape: &[usize]) -> Vec<Dim> {
    shape
        .iter()
        .map(|&extent| Dim::from(extent as i64))
        .collect()
}

fn type_of(dtype: DType, shape: &[usize]) -> TensorType {
    TensorType::new(dtype, dims(shape))
}
