use std::sync::Arc;

use eyas::{Compiler, DType, Dataset, Number, Tensor, read_tensor, read_weights};
use eyas_testing::Draw;

use crate::machine::{compiler, gpu, repository};

/// The accuracy on all 10,000 test images, and the recorded probabilities.
#[test]
fn digits_are_recognised_as_on_a_processor() {
    let Some(gpu) = gpu() else { return };
    let compiler = Compiler {
        weights: Some(read_weights(repository("examples/data/mnist_mlp.safetensors")).unwrap()),
        ..compiler()
    };
    let set = Arc::new(compiler.compile(repository("examples/mnist.eyas")).unwrap());
    let recorded = read_tensor(repository("examples/data/mnist_mlp.probabilities.npy")).unwrap();
    let data = Dataset::open_idx(&repository("examples/data"), "t10k", 1.0 / 255.0).unwrap();
    let mut session = gpu.session(&set);
    let count = gpu.size(10_000, 40);
    for batch in gpu.size(vec![1, 7, 128, 10_000], vec![7, 40]) {
        let mut right = 0;
        for start in (0..count).step_by(batch) {
            let batch = data.batch(start..count.min(start + batch), &[784]).unwrap();
            let outputs = session.run_ordered(&[&batch.items]).unwrap();
            let found = outputs.at(0).unwrap().as_f32().unwrap();
            let expected = &recorded.as_f32().unwrap()[start * 10..][..found.len()];
            let close = found
                .iter()
                .zip(expected)
                .all(|(a, b)| (a - b).abs() <= 1e-5);
            assert!(close, "image {start}");
            for (row, values) in found.chunks(10).enumerate() {
                let best = (0..10)
                    .max_by(|&a, &b| values[a].total_cmp(&values[b]))
                    .unwrap();
                right += usize::from(batch.labels.get(row).to_i128() == best as i128);
            }
        }
        if count == 10_000 {
            assert_eq!(right, 9772, "batches of {batch}");
        }
    }
}

#[test]
fn an_encoder_agrees_with_the_processor() {
    let Some(gpu) = gpu() else { return };
    let set = Arc::new(
        compiler()
            .compile(repository("examples/encoder.eyas"))
            .unwrap(),
    );
    for (batch, length) in gpu.size([(1, 1), (3, 77), (64, 512)], [(1, 1), (1, 3), (2, 4)]) {
        let mut draw = Draw::new(length as u64);
        let count = batch * length;
        let ids: Vec<Number> = (0..count)
            .map(|_| Number::Int(draw.below(1000) as i128))
            .collect();
        let mask: Vec<Number> = (0..count)
            .map(|place| Number::Bool(place % length == 0 || draw.below(4) > 0))
            .collect();
        let ids = Tensor::from_numbers(DType::I32, &[batch, length], &ids).unwrap();
        let mask = Tensor::from_numbers(DType::Bool, &[batch, length], &mask).unwrap();
        let (found, expected) = gpu.both(&set, &[&ids, &mask]);
        let error = found.relative_error(&expected);
        assert!(error <= 1e-5, "{batch} x {length}: error {error:e}");
    }
}
