//! Whole models as GPU code: in the PTX interpreter, and through the driver's calls with a stub of it.

use std::process::Command;
use std::sync::Arc;

use eyas::{
    Compiler, CudaArchitecture, Dataset, Device, KernelSet, Machine, PassTimes, Session,
    SessionOptions, Source, Tensor, TextOptions, read_tensor, read_weights,
};
use eyas_testing::{Draw, Options, random_module};

use crate::assemble::assemble;
use crate::program::{Runner, compile_module, evaluate, repository};
use crate::{differential, encoder, ops};

fn compiler(architecture: CudaArchitecture) -> Compiler {
    Compiler {
        machines: vec![Machine::Cuda(architecture)],
        ..Compiler::default()
    }
}

fn session(set: &Arc<KernelSet>, device: &Device) -> Session {
    Runner::Device(device.clone()).session(set)
}

#[test]
fn every_op_of_every_type_gives_in_code_for_ampere_what_it_evaluates_to() {
    let runner = Runner::Device(Device::interpreter());
    ops::check_all(&compiler(CudaArchitecture::Sm80), &runner);
}

#[test]
fn every_op_of_every_type_gives_in_code_for_hopper_what_it_evaluates_to() {
    let runner = Runner::Device(Device::interpreter());
    ops::check_all(&compiler(CudaArchitecture::Sm90a), &runner);
}

/// So many random modules in each of the parts, so that they run side by side.
const SEEDS: u64 = 60;

fn random_modules(seeds: std::ops::Range<u64>, architecture: CudaArchitecture) {
    let runner = Runner::Device(Device::interpreter());
    for seed in seeds {
        let options = match seed % 3 {
            0 => Options {
                dtypes: ops::DTYPES.to_vec(),
                ..Options::default()
            },
            _ => Options::default(),
        };
        differential::check(seed, &options, &compiler(architecture), &runner);
    }
}

#[test]
fn random_graphs_give_as_gpu_code_what_they_evaluate_to_first_part() {
    random_modules(30_000..30_000 + SEEDS, CudaArchitecture::Sm80);
}

#[test]
fn random_graphs_give_as_gpu_code_what_they_evaluate_to_second_part() {
    random_modules(31_000..31_000 + SEEDS, CudaArchitecture::Sm80);
}

#[test]
fn random_graphs_give_as_hopper_code_what_they_evaluate_to() {
    random_modules(32_000..32_000 + SEEDS, CudaArchitecture::Sm90a);
}

/// The probabilities of the first 64 test images are the recorded ones, in batches of 1, 7 and 64.
fn digits(device: &Device) {
    let compiler = Compiler {
        machines: vec![
            Machine::native(),
            Machine::Cuda(CudaArchitecture::Sm80),
            Machine::Cuda(CudaArchitecture::Sm90a),
        ],
        weights: Some(read_weights(repository("examples/data/mnist_mlp.safetensors")).unwrap()),
        ..Compiler::default()
    };
    let set = compiler.compile(repository("examples/mnist.eyas")).unwrap();
    assemble(&set);
    let set = Arc::new(KernelSet::from_bytes(&set.to_bytes().unwrap()).unwrap());
    let recorded = read_tensor(repository("examples/data/mnist_mlp.probabilities.npy")).unwrap();
    let data = Dataset::open_idx(&repository("examples/data"), "t10k", 1.0 / 255.0).unwrap();
    let (mut on_device, mut on_cpu) = (session(&set, device), Session::new(&set).unwrap());
    for batch in [1, 7, 64] {
        for start in (0..64).step_by(batch) {
            let images = data
                .batch(start..64.min(start + batch), &[784])
                .unwrap()
                .items;
            let found = on_device.run(&[("image", &images)]).unwrap();
            let found = found.get("probability").unwrap().as_f32().unwrap();
            let expected = &recorded.as_f32().unwrap()[start * 10..][..found.len()];
            for (a, b) in found.iter().zip(expected) {
                assert!(
                    (a - b).abs() <= 1e-5,
                    "image {start}, batch {batch}: {a}, not {b}"
                );
            }
            // One set, two machines: they differ by the order of the softmax's sums alone.
            let other = on_cpu.run(&[("image", &images)]).unwrap();
            let other = other.get("probability").unwrap().as_f32().unwrap();
            let close = found.iter().zip(other).all(|(a, b)| (a - b).abs() <= 1e-6);
            assert!(close, "image {start}, batch {batch}");
        }
    }
}

/// An encoder of two layers of width 64 gives what it evaluates to, for several batches and
/// lengths from one set.
fn encode(device: &Device) {
    let text = std::fs::read_to_string(repository("examples/encoder.eyas")).unwrap();
    let text = text.replace("depth = 12", "depth = 2");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("encoder.eyas");
    std::fs::write(&path, text).unwrap();
    let source = Compiler::default()
        .load(&path, &mut PassTimes::default())
        .unwrap();
    let parameters = encoder::parameters(source.module());
    let compiler = Compiler {
        weights: Some(parameters.clone()),
        // One of the points below has a plan of its own.
        specialize: vec![[("B".to_owned(), 2), ("S".to_owned(), 7)].into()],
        ..compiler(CudaArchitecture::Sm80)
    };
    let set = compiler.compile_source(&source, &mut PassTimes::default());
    let set = Arc::new(set.unwrap());
    assemble(&set);
    let mut session = session(&set, device);
    for (batch, length) in [(1, 1), (2, 7), (3, 16)] {
        let inputs = encoder::inputs(batch, length);
        let expected = evaluate(source.module(), &parameters, &inputs);
        let found = session.run_ordered(&[&inputs[0], &inputs[1]]).unwrap();
        let error = found.at(0).unwrap().relative_error(&expected[0].1);
        assert!(error <= 1e-5, "B = {batch}, S = {length}: error {error:e}");
    }
}

/// The decoder of the examples, likewise.
fn decode(device: &Device) {
    let path = repository("examples/decoder.eyas");
    let source = Compiler::default()
        .load(path, &mut PassTimes::default())
        .unwrap();
    let parameters = eyas_reference::initialise(source.module(), 1).unwrap();
    let compiler = compiler(CudaArchitecture::Sm90a);
    let set = compile_module(&compiler, source.module(), &parameters);
    let mut session = session(&set, device);
    let mut draw = Draw::new(11);
    for (batch, length) in [(1, 1), (2, 9)] {
        let ids = (0..batch * length).map(|_| eyas::Number::Int(draw.below(100) as i128));
        let ids: Vec<eyas::Number> = ids.collect();
        let ids = Tensor::from_numbers(eyas::DType::I32, &[batch, length], &ids).unwrap();
        let expected = evaluate(source.module(), &parameters, std::slice::from_ref(&ids));
        let found = session.run_ordered(&[&ids]).unwrap();
        let error = found.at(0).unwrap().relative_error(&expected[0].1);
        assert!(error <= 1e-5, "B = {batch}, T = {length}: error {error:e}");
        assert_eq!(found.at(1).unwrap().numbers(), expected[1].1.numbers());
    }
}

#[test]
fn digits_are_recognised_in_the_interpreter() {
    digits(&Device::interpreter());
}

#[test]
fn an_encoder_runs_in_the_interpreter() {
    encode(&Device::interpreter());
}

#[test]
fn a_decoder_runs_in_the_interpreter() {
    decode(&Device::interpreter());
}

/// Random graphs and models on a device that the driver gives; run by the test below with a stub of the
/// driver, and on a GPU where there is one.
#[test]
fn on_the_driver() {
    let device = match Device::cuda(0) {
        Ok(device) => device,
        Err(error) => {
            eprintln!("skipped: {error}");
            return;
        }
    };
    eprintln!("on {device}");
    digits(&device);
    encode(&device);
    decode(&device);
    let runner = Runner::Device(device);
    let compiler = compiler(CudaArchitecture::Sm80);
    ops::check_all(&compiler, &runner);
    for seed in 33_000..33_030 {
        differential::check(seed, &Options::default(), &compiler, &runner);
    }
}

#[test]
fn models_run_through_the_calls_of_a_stub_of_the_driver() {
    let library = eyas_cuda_stub::library_directory().unwrap();
    for order in ["late", "early", "7"] {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "cuda::on_the_driver", "--nocapture"])
            .env("LD_LIBRARY_PATH", library.path())
            .env("EYAS_CUDA_STUB_ORDER", order)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "order {order}: {said}");
        assert!(said.contains("on "), "order {order}: {said}");
        assert!(!said.contains("skipped"), "order {order}: {said}");
    }
}

#[test]
fn a_model_gives_the_same_code_twice() {
    for file in ["mnist", "encoder", "decoder"] {
        let path = repository(&format!("examples/{file}.eyas"));
        let compile = || {
            let set = compiler(CudaArchitecture::Sm80).compile(&path).unwrap();
            set.to_bytes().unwrap()
        };
        assert!(compile() == compile(), "{file}");
    }
}

#[test]
fn results_are_the_same_bits_in_every_run() {
    for seed in 34_000..34_020 {
        let case = random_module(seed, &Options::default());
        let set = compile_module(
            &compiler(CudaArchitecture::Sm80),
            &case.module,
            &case.parameters,
        );
        let inputs: Vec<&Tensor> = case.inputs.iter().collect();
        let run = || {
            let options = SessionOptions {
                device: Some(Device::interpreter()),
                ..SessionOptions::default()
            };
            let mut session = Session::with_options(&set, options).unwrap();
            session.run_ordered(&inputs).unwrap()
        };
        for ((name, a), (_, b)) in run().iter().zip(run().iter()) {
            let text = || {
                Source::from(case.module.clone())
                    .module()
                    .to_text(TextOptions::default())
            };
            assert!(a.bytes() == b.bytes(), "seed {seed}, {name}\n{}", text());
        }
    }
}
