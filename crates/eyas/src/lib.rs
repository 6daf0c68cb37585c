//! Compiles neural networks into kernel sets, and runs them.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # std::env::set_current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))?;
//! use eyas::{Compiler, Session, Tensor, read_weights};
//!
//! let weights = Some(read_weights("examples/data/mnist_mlp.safetensors")?);
//! let compiler = Compiler { weights, ..Compiler::default() };
//! let set = std::sync::Arc::new(compiler.compile("examples/mnist.eyas")?);
//! let mut session = Session::new(&set)?;
//! let image = Tensor::from_f32(&[1, 784], &[0.5; 784])?;
//! let outputs = session.run(&[("image", &image)])?;
//! println!("{:?}", outputs.get("probability"));
//! # assert_eq!(outputs.get("probability").unwrap().shape(), [1, 10]);
//! # Ok(())
//! # }
//! ```
//!
//! A [`Compiler`] makes a [`KernelSet`] of a source file; [`KernelSet::write`] and
//! [`KernelSet::load`] keep it in one file, which runs without the compiler: a program that only
//! runs kernel sets depends on `eyas-runtime` alone. What is wrong with a source or a weight file
//! is an [`Error`]: diagnostics with spans, printed as `rustc` prints its own.

mod compiler;
mod error;
mod fault;
mod file;
mod frontend;
mod link;
mod renumber;
mod snapshot;
mod weights;

pub use compiler::{Compiler, Optimised, PassTimes, Target};
pub use error::Error;
pub use fault::runtime_fault;
pub use file::{format, read_source, read_tensor, read_weights, write_file, write_tensor};
pub use frontend::Source;
pub use snapshot::snapshot;
pub use weights::bind_weights;

pub use eyas_diagnostic::{Colour, Diagnostic, FileId, SourceMap, Span, explain, suggest};
pub use eyas_elaborate::{DataFormat, DataInfo, MetricInfo, MetricKind, Port, Setting, TrainInfo};
pub use eyas_interchange::{Batch, Dataset};
pub use eyas_ir::{Module, Origin, TextOptions};
pub use eyas_optimize::{
    Error as PassError, Math as MathMode, Options as PassOptions, Report, Rule, check_rules,
    passes, rules as builtin_rules, run_passes,
};
pub use eyas_plan::{CudaArchitecture, Isa, Machine};
pub use eyas_runtime::{Description, ParameterDescription, TargetDescription, TensorDescription};
pub use eyas_runtime::{
    Device, DeviceDescription, DeviceError, KernelSet, Outputs, ParameterKind, Pool, RuntimeError,
    Session, SessionOptions,
};
pub use eyas_tensor::{DType, Number, Tensor};
