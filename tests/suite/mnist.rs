//! The digits: one kernel set for every batch and every weight file.

use std::sync::Arc;

use eyas::{Compiler, Dataset, KernelSet, Session, Tensor, read_tensor, read_weights};

use crate::program::repository;

fn compiled() -> KernelSet {
    let compiler = Compiler {
        weights: Some(read_weights(repository("examples/data/mnist_mlp.safetensors")).unwrap()),
        ..Compiler::default()
    };
    compiler.compile(repository("examples/mnist.eyas")).unwrap()
}

fn test_images() -> (Tensor, Tensor) {
    let folder = repository("examples/data");
    let data = Dataset::open_idx(&folder, "t10k", 1.0 / 255.0).unwrap();
    let batch = data.batch(0..data.len(), &[784]).unwrap();
    (batch.items, batch.labels)
}

fn rows(images: &Tensor, start: usize, count: usize) -> Tensor {
    let values = &images.as_f32().unwrap()[start * 784..(start + count) * 784];
    Tensor::from_f32(&[count, 784], values).unwrap()
}

#[test]
fn probabilities_are_the_recorded_ones_at_every_batch_from_one_kernel_set() {
    let bytes = compiled().to_bytes().unwrap();
    let set = Arc::new(KernelSet::from_bytes(&bytes).unwrap());
    let expected = read_tensor(repository("examples/data/mnist_mlp.probabilities.npy")).unwrap();
    let expected = expected.as_f32().unwrap();
    let (images, labels) = test_images();
    let mut session = Session::new(&set).unwrap();
    for batch in [1, 7, 128, 10_000] {
        let count = 10_000;
        let (mut worst, mut right) = (0f32, 0usize);
        for start in (0..count).step_by(batch) {
            let size = batch.min(count - start);
            let image = rows(&images, start, size);
            let outputs = session.run(&[("image", &image)]).unwrap();
            let found = outputs.get("probability").unwrap();
            assert_eq!(found.shape(), [size, 10]);
            for (row, values) in found.as_f32().unwrap().chunks(10).enumerate() {
                let wanted = &expected[(start + row) * 10..][..10];
                let differences = values.iter().zip(wanted).map(|(a, b)| (a - b).abs());
                worst = differences.fold(worst, f32::max);
                let best = (0..10)
                    .max_by(|&a, &b| values[a].total_cmp(&values[b]))
                    .unwrap();
                right += usize::from(labels.get(start + row).to_i128() == best as i128);
            }
        }
        assert!(
            worst <= 1e-5,
            "batch {batch}: a probability is {worst:e} off"
        );
        assert_eq!(right, 9772, "batch {batch}");
    }
}

#[test]
fn other_weights_are_bound_without_compiling() {
    let set = compiled();
    let mut weights = read_weights(repository("examples/data/mnist_mlp.safetensors")).unwrap();
    // Classes in reverse: the probabilities must be reversed too.
    for path in ["fc2.w", "fc2.b"] {
        let tensor = weights.get_mut(path).unwrap();
        for row in tensor.as_f32_mut().unwrap().chunks_mut(10) {
            row.reverse();
        }
    }
    let other = Arc::new(eyas::bind_weights(&set, weights, None).unwrap());
    let set = Arc::new(set);
    let image = rows(&test_images().0, 0, 16);
    let first = Session::new(&set)
        .unwrap()
        .run(&[("image", &image)])
        .unwrap();
    let second = Session::new(&other)
        .unwrap()
        .run(&[("image", &image)])
        .unwrap();
    let first = first.get("probability").unwrap().as_f32().unwrap();
    let second = second.get("probability").unwrap().as_f32().unwrap();
    for (a, b) in first.chunks(10).zip(second.chunks(10)) {
        for (class, value) in a.iter().enumerate() {
            assert!((value - b[9 - class]).abs() <= 1e-6);
        }
    }
}

#[test]
fn two_threads_give_the_bits_of_one() {
    let set = Arc::new(compiled());
    let (images, _) = test_images();
    let pool = Some(Arc::new(eyas::Pool::new(2).unwrap()));
    let options = eyas::SessionOptions {
        pool,
        ..eyas::SessionOptions::default()
    };
    let one = Session::new(&set).unwrap().run_ordered(&[&images]).unwrap();
    let mut session = Session::with_options(&set, options).unwrap();
    let two = session.run_ordered(&[&images]).unwrap();
    assert_eq!(one.at(0).unwrap().bytes(), two.at(0).unwrap().bytes());
}
