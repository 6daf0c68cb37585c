//! Compiling and running as the tests need it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use eyas::{Compiler, KernelSet, PassTimes, Session, Source, Tensor};
use eyas_ir::Module;
use eyas_reference::Evaluator;

use crate::assemble::assemble;

/// A path from the repository's root.
pub fn repository(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .join(path)
}

/// A graph as a kernel set with these parameters.
pub fn compile_module(
    compiler: &Compiler,
    module: &Module,
    parameters: &BTreeMap<String, Tensor>,
) -> Arc<KernelSet> {
    let compiler = Compiler {
        weights: Some(parameters.clone()),
        ..compiler.clone()
    };
    let source = Source::from(module.clone());
    let set = compiler.compile_source(&source, &mut PassTimes::default());
    let set = set.unwrap_or_else(|error| {
        panic!("{error}\n{}", module.to_text(eyas::TextOptions::default()))
    });
    assemble(&set);
    Arc::new(set)
}

/// Where compiled code runs.
pub enum Runner {
    /// On this machine's processor.
    Cpu,
    /// On a device.
    Device(eyas::Device),
}

impl Runner {
    /// A session there.
    pub fn session(&self, set: &Arc<KernelSet>) -> Session {
        match self {
            Runner::Cpu => Session::new(set).unwrap(),
            Runner::Device(device) => {
                let options = eyas::SessionOptions {
                    device: Some(device.clone()),
                    poison: true,
                    ..eyas::SessionOptions::default()
                };
                Session::with_options(set, options).unwrap()
            }
        }
    }
}

/// The outputs of compiled code.
pub fn run(set: &Arc<KernelSet>, inputs: &[&Tensor]) -> Vec<(String, Tensor)> {
    let mut session = Session::new(set).unwrap();
    session.run_ordered(inputs).unwrap().into_iter().collect()
}

/// The outputs of the reference evaluator.
pub fn evaluate(
    module: &Module,
    parameters: &BTreeMap<String, Tensor>,
    inputs: &[Tensor],
) -> Vec<(String, Tensor)> {
    let evaluator = Evaluator::new(module).parameters(parameters.clone());
    let entry = module.entries[0].name.as_str();
    evaluator.run(entry, inputs).unwrap().tensors().unwrap()
}
