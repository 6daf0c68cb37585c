use eyas_ir::{Composite, Constant, Einsum, Extreme, Op, Reduction, TensorType, Value};
use eyas_tensor::{DType, Dim, Number, Tensor};

use crate::generator::{Generator, Slot};

/// A reduction of a value there is.
pub(crate) fn add(generator: &mut Generator<'_>) -> Option<()> {
    let x = generator.any()?;
    let axes: Vec<usize> = (0..x.ty.rank())
        .filter(|_| generator.draw.one_in(2))
        .collect();
    if generator.draw.one_in(6) {
        // Ties in floats may fall either way.
        if x.ty.dtype.is_float() && !generator.options.jumps {
            return None;
        }
        let extreme = *generator.draw.pick(&[Extreme::Maximum, Extreme::Minimum]);
        let axis = generator.draw.below(x.ty.rank());
        return generator
            .push(Op::ArgReduce { extreme, axis }, &[x.value], 0)
            .map(drop);
    }
    let kinds = [
        Reduction::Sum,
        Reduction::Sum,
        Reduction::Maximum,
        Reduction::Minimum,
    ];
    let mut reduction = *generator.draw.pick(&kinds);
    if x.bound <= 0 && generator.draw.one_in(6) {
        reduction = Reduction::Product;
    }
    let bound = match reduction {
        Reduction::Sum => x.bound + 8,
        _ => x.bound,
    };
    generator
        .push(Op::Reduce { reduction, axes }, &[x.value], bound)
        .map(drop)
}

/// A composite of a value there is.
pub(crate) fn add_composite(generator: &mut Generator<'_>) -> Option<()> {
    let x = generator.any_float()?;
    let axis = generator.draw.below(x.ty.rank());
    match generator.draw.below(10) {
        0 => generator.composite(Composite::Relu, &x, x.bound),
        1 => generator.composite(Composite::Sigmoid, &x, 0),
        2 => generator.composite(Composite::Silu, &x, x.bound),
        3 => generator.composite(Composite::Gelu, &x, x.bound),
        4 => generator.composite(Composite::Mean { axes: vec![axis] }, &x, x.bound),
        5 => generator.composite(Composite::Softmax { axis }, &x, 0),
        6 => generator.composite(Composite::LogSoftmax { axis }, &x, x.bound + 6),
        7 | 8 => norm(generator, &x.ty, x.value),
        _ => loss(generator, &x.ty, x.value),
    }
}

fn norm(generator: &mut Generator<'_>, ty: &TensorType, value: Value) -> Option<()> {
    let last = ty.shape.last()?.clone();
    let weights = ty.with_shape([last]);
    let scale = generator.like(&weights)?;
    let epsilon = Constant::scalar(DType::F64, Number::Float(1e-3));
    let bound = scale.bound + 5;
    if generator.draw.one_in(2) {
        let op = Op::composite(Composite::RmsNorm { epsilon });
        return generator.push(op, &[value, scale.value], bound).map(drop);
    }
    let bias = generator.like(&weights)?;
    let op = Op::composite(Composite::LayerNorm { epsilon });
    generator
        .push(
            op,
            &[value, scale.value, bias.value],
            bound.max(bias.bound) + 1,
        )
        .map(drop)
}

fn loss(generator: &mut Generator<'_>, ty: &TensorType, value: Value) -> Option<()> {
    let (classes, rest) = ty.shape.split_last()?;
    let classes = usize::try_from(classes.as_constant()?).ok()?;
    let labels = TensorType::new(DType::I64, rest);
    let shape = labels.static_shape()?;
    let labels = generator.indices(&shape, classes)?;
    let op = Op::composite(Composite::CrossEntropy);
    generator.push(op, &[value, labels.value], 14).map(drop)
}

/// A contraction of a value there is with a new one, with random roles for the axes.
pub(crate) fn add_contraction(generator: &mut Generator<'_>) -> Option<()> {
    let x = generator.any()?;
    if x.ty.dtype == DType::Bool || x.ty.rank() > 4 {
        return None;
    }
    let letter = |place: usize| char::from(b'a' + place as u8);
    let left: Vec<char> = (0..x.ty.rank()).map(letter).collect();
    let (mut right, mut shape, mut output) = (Vec::new(), Vec::new(), Vec::new());
    for (axis, extent) in x.ty.shape.iter().enumerate() {
        let last = axis + 1 == x.ty.rank();
        match generator.draw.below(6) {
            0 => {
                right.push(letter(axis));
                shape.push(extent.clone());
                output.push(letter(axis));
            }
            draw if draw == 1 || last => {
                right.push(letter(axis));
                shape.push(extent.clone());
            }
            _ => output.push(letter(axis)),
        }
    }
    for extra in 0..1 + generator.draw.below(2) {
        right.push(letter(left.len() + extra));
        shape.push(generator.extent());
        output.push(letter(left.len() + extra));
    }
    if generator.draw.one_in(3) {
        let order = generator.draw.permutation(right.len());
        right = order.iter().map(|&place| right[place]).collect();
        shape = order.iter().map(|&place| shape[place].clone()).collect();
    }
    if generator.draw.one_in(3) {
        let order = generator.draw.permutation(output.len());
        output = order.iter().map(|&place| output[place]).collect();
    }
    let ty = TensorType::new(x.ty.dtype, shape);
    if generator.concrete(&ty)?.iter().product::<usize>() > generator.options.max_elements {
        return None;
    }
    let y = generator.like(&ty)?;
    let spec = Einsum::new(&left, &right, &output).ok()?;
    let accumulator = match x.ty.dtype {
        DType::F16 | DType::BF16 | DType::F8E4M3 | DType::F8E5M2 => DType::F32,
        DType::I8 | DType::U8 | DType::I4 | DType::U4 => DType::I32,
        dtype => dtype,
    };
    let op = Op::Contraction {
        spec,
        accumulator,
        epilogue: None,
    };
    let swapped = false;
    let operands = if swapped {
        [y.value, x.value]
    } else {
        [x.value, y.value]
    };
    generator
        .push(op, &operands, x.bound + y.bound + 5)
        .map(drop)
}

impl Generator<'_> {
    /// A constant of indices into an axis that has elements.
    pub(crate) fn indices(&mut self, shape: &[usize], extent: usize) -> Option<Slot> {
        if extent == 0 {
            return None;
        }
        let count: usize = shape.iter().product();
        let numbers: Vec<Number> = (0..count)
            .map(|_| Number::Int(self.draw.below(extent) as i128))
            .collect();
        let dtype = *self.draw.pick(&[DType::I64, DType::I32]);
        let tensor = Tensor::from_numbers(dtype, shape, &numbers).ok()?;
        let value = Constant::from(tensor);
        self.push(Op::Constant { value }, &[], 5)
    }
}

/// The first extents of a shape.
pub(crate) fn first_extents(shape: &[Dim], count: usize) -> Vec<Dim> {
    shape.iter().take(count).cloned().collect()
}
