use std::collections::BTreeMap;

use eyas_ir::Module;
use eyas_tensor::Tensor;
use eyas_testing::Draw;

use crate::agreement::agrees;

/// A module from its text.
pub fn module(text: &str) -> Module {
    Module::from_text(text).unwrap()
}

/// Small numbers of any shape.
pub fn numbers(seed: u64, shape: &[usize]) -> Tensor {
    let mut draw = Draw::new(seed);
    let count = shape.iter().product::<usize>();
    let values: Vec<f32> = (0..count)
        .map(|_| draw.below(2001) as f32 / 1000.0 - 1.0)
        .collect();
    Tensor::from_f32(shape, &values).unwrap()
}

/// Values for all f32 parameters of a module.
pub fn weights(module: &Module) -> BTreeMap<String, Tensor> {
    let weight = |(seed, (path, declaration)): (u64, (&String, &eyas_ir::ParameterDecl))| {
        let shape = declaration.ty.shape.iter();
        let shape: Vec<usize> = shape.map(|n| n.as_constant().unwrap() as usize).collect();
        (path.clone(), numbers(seed, &shape))
    };
    (0..).zip(&module.parameters).map(weight).collect()
}

pub const PERCEPTRON: &str = include_str!("../models/perceptron.ir");
pub const ENCODER: &str = include_str!("../models/encoder.ir");

#[test]
fn a_perceptron_agrees_for_every_batch() {
    let module = module(PERCEPTRON);
    for batch in [0, 1, 3] {
        let image = numbers(1, &[batch, 12]);
        agrees(&module, "Perceptron", &[image], &weights(&module), 1e-5);
    }
}

#[test]
fn an_encoder_agrees_for_every_batch_and_length() {
    let module = module(ENCODER);
    for (batch, length) in [(1, 1), (2, 3), (3, 5)] {
        let mut draw = Draw::new(7);
        let count = batch * length;
        let ids = (0..count).map(|_| eyas_tensor::Number::Int(draw.below(9) as i128));
        let ids: Vec<_> = ids.collect();
        let ids = Tensor::from_numbers(eyas_tensor::DType::I64, &[batch, length], &ids).unwrap();
        agrees(&module, "Encoder", &[ids], &weights(&module), 1e-5);
    }
}
