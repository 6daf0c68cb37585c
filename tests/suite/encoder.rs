//! A transformer encoder: one kernel set for every batch and length; loops rolled and not.

use std::collections::BTreeMap;
use std::sync::Arc;

use eyas::{Compiler, DType, Module, Number, PassTimes, Session, Source, Tensor, TextOptions};
use eyas_testing::Draw;

use crate::program::{compile_module, evaluate, repository, run};

fn source() -> Source {
    let path = repository("examples/encoder.eyas");
    Compiler::default()
        .load(path, &mut PassTimes::default())
        .unwrap()
}

/// Parameters as initialised, those that begin as constants moved off them.
pub fn parameters(module: &Module) -> BTreeMap<String, Tensor> {
    let mut parameters = eyas_reference::initialise(module, 3).unwrap();
    let mut draw = Draw::new(5);
    for (path, tensor) in &mut parameters {
        if path.ends_with(".b") || path.ends_with(".g") {
            for value in tensor.as_f32_mut().unwrap() {
                *value += draw.below(1000) as f32 / 4000.0 - 0.125;
            }
        }
    }
    parameters
}

/// Random words, some of them masked.
pub fn inputs(batch: usize, length: usize) -> Vec<Tensor> {
    let mut draw = Draw::new((batch * 1000 + length) as u64);
    let count = batch * length;
    let ids: Vec<Number> = (0..count)
        .map(|_| Number::Int(draw.below(1000) as i128))
        .collect();
    // The first position is never masked, so that no row is without a key.
    let mask: Vec<Number> = (0..count)
        .map(|place| Number::Bool(place % length == 0 || draw.below(4) > 0))
        .collect();
    vec![
        Tensor::from_numbers(DType::I32, &[batch, length], &ids).unwrap(),
        Tensor::from_numbers(DType::Bool, &[batch, length], &mask).unwrap(),
    ]
}

#[test]
fn one_kernel_set_agrees_with_the_evaluator_for_every_batch_and_length() {
    let source = source();
    let parameters = parameters(source.module());
    let set = compile_module(&Compiler::default(), source.module(), &parameters);
    let mut session = Session::new(&set).unwrap();
    for (batch, length) in [(1, 1), (2, 7), (3, 16)] {
        let inputs = inputs(batch, length);
        let expected = evaluate(source.module(), &parameters, &inputs);
        let found = session.run_ordered(&[&inputs[0], &inputs[1]]).unwrap();
        let error = found.at(0).unwrap().relative_error(&expected[0].1);
        assert!(error <= 1e-5, "B = {batch}, S = {length}: error {error:e}");
    }
}

#[test]
fn a_loop_gives_the_same_rolled_unrolled_peeled_and_split() {
    let source = source();
    let parameters = parameters(source.module());
    let inputs = inputs(2, 5);
    let inputs: Vec<&Tensor> = inputs.iter().collect();
    let rolled = compile_module(&Compiler::default(), source.module(), &parameters);
    let rolled = run(&rolled, &inputs);
    for pass in ["unroll", "peel", "split-range"] {
        let mut module = source.module().clone();
        let options = eyas::PassOptions::default();
        eyas::run_passes(&mut module, &[pass], &options, &mut eyas::Report::default()).unwrap();
        assert_ne!(&module, source.module(), "{pass} changes the loop");
        let other = compile_module(&Compiler::default(), &module, &parameters);
        assert_eq!(run(&other, &inputs), rolled, "{pass}");
    }
}

#[test]
fn the_text_of_every_graph_stage_parses_back() {
    let source = source();
    let optimised = Compiler::default()
        .optimise(&source, &mut PassTimes::default())
        .unwrap();
    for module in [source.module(), &optimised.canonical, &optimised.module] {
        let text = module.to_text(TextOptions { origins: true });
        let read = Module::from_text(&text).unwrap();
        assert_eq!(read.to_text(TextOptions { origins: true }), text);
    }
}

#[test]
fn two_threads_give_the_bits_of_one() {
    let source = source();
    let parameters = parameters(source.module());
    let set = compile_module(&Compiler::default(), source.module(), &parameters);
    let inputs = inputs(3, 40);
    let options = eyas::SessionOptions {
        pool: Some(Arc::new(eyas::Pool::new(2).unwrap())),
        ..eyas::SessionOptions::default()
    };
    let mut session = Session::with_options(&set, options).unwrap();
    let two = session.run_ordered(&[&inputs[0], &inputs[1]]).unwrap();
    let one = run(&set, &[&inputs[0], &inputs[1]]);
    assert_eq!(one[0].1.bytes(), two.at(0).unwrap().bytes());
}

#[test]
fn eight_sessions_on_one_set_give_equal_bits() {
    let source = source();
    let parameters = parameters(source.module());
    let set = compile_module(&Compiler::default(), source.module(), &parameters);
    let inputs = inputs(2, 9);
    let results: Vec<Vec<u8>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| {
                let (set, inputs) = (Arc::clone(&set), &inputs);
                scope.spawn(move || run(&set, &[&inputs[0], &inputs[1]])[0].1.bytes().to_vec())
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    assert!(results.iter().all(|bytes| bytes == &results[0]));
}
