use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::PathBuf;

use eyas_ir::{Composite, Graph, Op, Origin, Value};
use eyas_reference::{Evaluator, Storage};
use eyas_tensor::{DType, Tensor};
use safetensors::SafeTensors;

use crate::single::{dims, module};

const IMAGES: usize = 200;

/// The folder of shared data: `EYAS_SHARED`, or `shared` beside the workspace.
fn shared() -> Option<PathBuf> {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let folder = std::env::var_os("EYAS_SHARED").map_or_else(beside, PathBuf::from);
    folder.is_dir().then_some(folder)
}

fn parameter(graph: &mut Graph, path: &str, ty: &str) -> Value {
    let path = path.to_owned();
    let ty = ty.parse().unwrap();
    graph.add_typed(Op::Parameter { path }, &[], vec![ty], Origin::default())
}

fn dense(graph: &mut Graph, x: Value, name: &str, inner: usize, outer: usize) -> Value {
    let weights = parameter(
        graph,
        &format!("{name}.w"),
        &format!("f32[{inner}, {outer}]"),
    );
    let bias = parameter(graph, &format!("{name}.b"), &format!("f32[{outer}]"));
    let op = Op::Contraction {
        spec: "ab,bc->ac".parse().unwrap(),
        accumulator: DType::F32,
        epilogue: None,
    };
    let product = graph.add(op, &[x, weights]).unwrap();
    let shape = dims(&format!("B, {outer}"));
    let bias = graph.add(Op::Broadcast { shape }, &[bias]).unwrap();
    let add = Op::binary(eyas_ir::BinaryFunction::Add);
    graph.add(add, &[product, bias]).unwrap()
}

fn network() -> Graph {
    let mut graph = Graph::new("main");
    let image = graph.add_input("image", "f32[B, 784]".parse().unwrap());
    let hidden = dense(&mut graph, image, "fc1", 784, 128);
    let hidden = graph
        .add(Op::composite(Composite::Relu), &[hidden])
        .unwrap();
    let logits = dense(&mut graph, hidden, "fc2", 128, 10);
    let softmax = Op::composite(Composite::Softmax { axis: 1 });
    let probabilities = graph.add(softmax, &[logits]).unwrap();
    graph.add_output("probabilities", probabilities);
    graph
}

#[test]
fn a_trained_network_gives_its_recorded_probabilities() {
    let Some(shared) = shared() else {
        eprintln!("SKIPPED: no shared data; set EYAS_SHARED to the folder with models/ and data/");
        return;
    };
    let bytes = fs::read(shared.join("models/mnist_mlp.safetensors")).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let weights: BTreeMap<String, Tensor> = file
        .tensors()
        .into_iter()
        .map(|(name, view)| {
            let tensor = Tensor::from_bytes(DType::F32, view.shape(), view.data());
            (name.to_owned(), tensor.unwrap())
        })
        .collect();
    let packed = fs::read(shared.join("data/mnist/t10k-images-idx3-ubyte.gz")).unwrap();
    let mut images = vec![0; 16 + IMAGES * 784];
    flate2::read::GzDecoder::new(&packed[..])
        .read_exact(&mut images)
        .unwrap();
    let pixels: Vec<f32> = images[16..]
        .iter()
        .map(|&byte| f32::from(byte) / 255.0)
        .collect();
    let input = Tensor::from_f32(&[IMAGES, 784], &pixels).unwrap();

    let recorded = fs::read(shared.join("models/mnist_mlp.probabilities.npy")).unwrap();
    let data = 10 + usize::from(u16::from_le_bytes([recorded[8], recorded[9]]));
    let recorded = &recorded[data..data + IMAGES * 40];
    let expected = Tensor::from_bytes(DType::F32, &[IMAGES, 10], recorded).unwrap();

    let module = module(vec![network()]);
    for (storage, bound) in [(Storage::Exact, 2e-6), (Storage::Wide, 2e-7)] {
        let evaluator = Evaluator::new(&module)
            .storage(storage)
            .parameters(weights.clone());
        let outcome = evaluator.run("main", std::slice::from_ref(&input)).unwrap();
        let found = outcome
            .output("probabilities")
            .unwrap()
            .to_tensor()
            .unwrap();
        let error = found.relative_error(&expected);
        assert!(error < bound, "{storage:?}: {error:e}");
    }
}
