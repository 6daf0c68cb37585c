//! Weights that do not fit are diagnostics, all of them in one run.

use eyas::{Compiler, DType, Tensor, read_weights};

use crate::program::repository;

#[test]
fn missing_extra_and_misshapen_tensors_are_reported_together() {
    let mut weights = read_weights(repository("examples/data/mnist_mlp.safetensors")).unwrap();
    weights.remove("fc1.b");
    weights.insert("fc3.w".to_owned(), Tensor::zeros(DType::F32, &[2]).unwrap());
    weights.insert(
        "fc2.b".to_owned(),
        Tensor::zeros(DType::F32, &[11]).unwrap(),
    );
    weights.insert(
        "fc2.w".to_owned(),
        Tensor::zeros(DType::F64, &[128, 10]).unwrap(),
    );
    let compiler = Compiler {
        weights: Some(weights),
        ..Compiler::default()
    };
    let error = compiler
        .compile(repository("examples/mnist.eyas"))
        .unwrap_err();
    let mut codes: Vec<&str> = error.diagnostics().iter().map(|d| d.code).collect();
    codes.sort_unstable();
    assert_eq!(codes, ["E0301", "E0302", "E0303", "E0304"]);
}
