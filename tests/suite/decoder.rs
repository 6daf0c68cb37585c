//! A decoder: causal masks, gates, tied weights, and an output of another type.

use eyas::{Compiler, DType, Number, PassTimes, Session, Tensor};
use eyas_testing::Draw;

use crate::program::{compile_module, evaluate, repository};

#[test]
fn one_kernel_set_agrees_with_the_evaluator_for_every_batch_and_length() {
    let path = repository("examples/decoder.eyas");
    let source = Compiler::default()
        .load(path, &mut PassTimes::default())
        .unwrap();
    let parameters = eyas_reference::initialise(source.module(), 1).unwrap();
    let set = compile_module(&Compiler::default(), source.module(), &parameters);
    let mut session = Session::new(&set).unwrap();
    let mut draw = Draw::new(11);
    for (batch, length) in [(1, 1), (2, 9), (3, 24)] {
        let ids: Vec<Number> = (0..batch * length)
            .map(|_| Number::Int(draw.below(100) as i128))
            .collect();
        let ids = Tensor::from_numbers(DType::I32, &[batch, length], &ids).unwrap();
        let expected = evaluate(source.module(), &parameters, std::slice::from_ref(&ids));
        let found = session.run_ordered(&[&ids]).unwrap();
        let error = found.at(0).unwrap().relative_error(&expected[0].1);
        assert!(error <= 1e-5, "B = {batch}, T = {length}: error {error:e}");
        assert_eq!(found.at(1).unwrap().numbers(), expected[1].1.numbers());
    }
}
