//! The GPU, and models on it and on this machine's processor.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use eyas::{
    Compiler, CudaArchitecture, Device, KernelSet, Machine, Session, SessionOptions, Tensor,
};
use eyas_testing::Draw;

use crate::assemble::assemble;

/// A GPU, or the stub of one.
pub struct Gpu {
    pub device: Device,
    /// Whether all is small: on the stub, and where `EYAS_GPU_SIZES=small` says so.
    small: bool,
}

/// The GPU of this machine; `None` where there is none, after a line that says so.
pub fn gpu() -> Option<Gpu> {
    match Device::cuda(0) {
        Ok(device) => {
            let stub = device.description().name.contains("interpreter");
            let sizes = std::env::var("EYAS_GPU_SIZES");
            let small = stub || sizes.is_ok_and(|sizes| sizes == "small");
            Some(Gpu { device, small })
        }
        Err(error) if std::env::var("EYAS_GPU").is_ok_and(|value| value == "required") => {
            panic!("no GPU: {error}")
        }
        Err(error) => {
            let thread = std::thread::current();
            let test = thread.name().unwrap_or("a test");
            eprintln!("SKIPPED: {test} needs a GPU: {error}");
            None
        }
    }
}

/// A path from the repository's root.
pub fn repository(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .join(path)
}

/// Code for every GPU and this machine's processor.
pub fn compiler() -> Compiler {
    let gpus = CudaArchitecture::ALL.map(Machine::Cuda);
    Compiler {
        machines: [Machine::native()].into_iter().chain(gpus).collect(),
        ..Compiler::default()
    }
}

/// A model's text as a kernel set.
pub fn compiled(text: &str) -> Arc<KernelSet> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.eyas");
    std::fs::write(&path, text).unwrap();
    let set = compiler().compile(&path);
    let set = set.unwrap_or_else(|error| panic!("{error}\n{text}"));
    assemble(&set);
    Arc::new(set)
}

impl Gpu {
    /// `large` on a GPU, `small` where that would take too long.
    pub fn size<T>(&self, large: T, small: T) -> T {
        if self.small { small } else { large }
    }

    pub fn session(&self, set: &Arc<KernelSet>) -> Session {
        let options = SessionOptions {
            device: Some(self.device.clone()),
            ..SessionOptions::default()
        };
        Session::with_options(set, options).unwrap()
    }

    /// The first output there and on this machine's processor.
    pub fn both(&self, set: &Arc<KernelSet>, inputs: &[&Tensor]) -> (Tensor, Tensor) {
        let on_gpu = self.session(set).run_ordered(inputs).unwrap();
        let on_cpu = Session::new(set).unwrap().run_ordered(inputs).unwrap();
        (on_gpu.at(0).unwrap().clone(), on_cpu.at(0).unwrap().clone())
    }
}

/// Numbers from -1 to 1.
pub fn floats(shape: &[usize], seed: u64) -> Tensor {
    let mut draw = Draw::new(seed);
    let count = shape.iter().product();
    let values: Vec<f32> = (0..count)
        .map(|_| draw.below(1 << 20) as f32 / (1 << 19) as f32 - 1.0)
        .collect();
    Tensor::from_f32(shape, &values).unwrap()
}

/// Fails where a bit differs, and says which.
pub fn assert_bits(found: &Tensor, expected: &Tensor, what: &str) {
    assert_eq!(found.shape(), expected.shape(), "{what}");
    if found.bytes() == expected.bytes() {
        return;
    }
    let pairs = found
        .as_f32()
        .unwrap()
        .iter()
        .zip(expected.as_f32().unwrap());
    let different = pairs
        .clone()
        .filter(|(a, b)| a.to_bits() != b.to_bits())
        .count();
    let mut places = pairs.enumerate();
    let (place, (a, b)) = places
        .find(|(_, (a, b))| a.to_bits() != b.to_bits())
        .unwrap();
    panic!(
        "{what}: {different} differ, first {place}: {a:e} ({:#x}), not {b:e} ({:#x})",
        a.to_bits(),
        b.to_bits()
    );
}

#[test]
fn all_of_this_passes_on_a_stub_of_the_driver() {
    const CHILD: &str = "EYAS_GPU_TEST_ON_STUB";
    if std::env::var_os(CHILD).is_some() {
        return;
    }
    let library = eyas_cuda_stub::library_directory().unwrap();
    for order in ["late", "early"] {
        let output = Command::new(std::env::current_exe().unwrap())
            .env("LD_LIBRARY_PATH", library.path())
            .env("EYAS_CUDA_STUB_ORDER", order)
            .env("EYAS_GPU", "required")
            .env(CHILD, "1")
            .output()
            .unwrap();
        let text =
            String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "order {order}:\n{text}");
    }
}
