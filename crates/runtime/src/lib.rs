//! Kernel sets, loader, sessions and executor; depends on no compiler crate.
//!
//! A [`KernelSet`] is a compiled model in one file: entry points, machine code with the plans that
//! launch it, and parameters. It does not change and is shared; a [`Session`] owns the memory that
//! runs need, and the states. Dims are bound by the shapes of the inputs, so that one kernel set
//! serves every batch.
//!
//! A session runs on this machine's processor, or on a [`Device`]: a GPU through the CUDA driver,
//! which is looked for when the first GPU is asked for, or the interpreter of PTX, which needs none.
//! `SessionOptions { device: Some(Device::cuda(0)?), ..SessionOptions::default() }` chooses it.
//!
//! ```no_run
//! use std::sync::Arc;
//! use eyas_runtime::{KernelSet, Session};
//! use eyas_tensor::Tensor;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let set = Arc::new(KernelSet::load("mnist.kset")?);
//! let mut session = Session::new(&set)?;
//! let image = Tensor::from_f32(&[1, 784], &[0.0; 784])?;
//! let outputs = session.run(&[("image", &image)])?;
//! println!("{:?}", outputs.get("probability"));
//! # Ok(())
//! # }
//! ```

mod binder;
mod binding;
mod bound_dim;
mod bound_plan;
mod check;
mod code_memory;
mod describe;
mod device;
mod device_error;
mod device_needs;
mod device_plan;
mod device_runner;
mod device_states;
mod error;
mod executor;
mod fault;
mod format;
mod host;
mod host_runner;
mod kernel_set;
mod manifest;
mod memory;
mod options;
mod outputs;
mod parts;
mod pool;
mod program;
mod reader;
mod resident;
mod session;
mod states;
mod stored_tensor;
mod weight_fault;
mod weights;
mod writer;

pub use code_memory::{CodeMemory, CodeMemoryError};
pub use describe::{
    BufferDescription, Description, FunctionDescription, ParameterDescription, PlanDescription,
    SectionDescription, TargetDescription, TensorDescription,
};
pub use device::{Device, DeviceDescription};
pub use device_error::DeviceError;
pub use device_needs::DeviceNeeds;
pub use error::{FormatError, Refusal, RuntimeError};
pub use kernel_set::KernelSet;
pub use options::SessionOptions;
pub use outputs::Outputs;
pub use parts::{
    DerivedParameter, EntryPlans, EntryPoint, KernelOrigin, KernelSetParts, ParameterKind,
    ParameterPart, Provenance, SpecialisedPlan, TargetCode, ValueOrigin,
};
pub use pool::Pool;
pub use session::Session;
pub use weight_fault::WeightFault;
