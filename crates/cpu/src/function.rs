use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::ir::{AbiParam, Function, Signature, UserFuncName, types};
use cranelift_codegen::isa::{CallConv, TargetIsa};
use cranelift_codegen::{Context, FinalizedMachReloc};
use cranelift_frontend::FunctionBuilderContext;
use eyas_kernels::{Kernel, Work};
use eyas_tensor::Dim;

use crate::emitter::Emitter;
use crate::target::Abilities;
use crate::{CpuError, Options, check, contraction, map, reduce, scatter};

/// A kernel's code by Cranelift.
pub(crate) struct Made {
    pub(crate) bytes: Vec<u8>,
    pub(crate) relocations: Vec<FinalizedMachReloc>,
    pub(crate) dims: Vec<Dim>,
    pub(crate) work: WorkSize,
    pub(crate) clif: Option<String>,
}

/// How much a kernel does and needs.
#[derive(Debug)]
pub(crate) struct WorkSize {
    pub(crate) units: Dim,
    pub(crate) unit_cost: Dim,
    pub(crate) scratch: Dim,
}

/// The function of a kernel: context, first unit, end of the units; gives a status.
pub(crate) fn compile_function(
    kernel: &Kernel,
    target: &dyn TargetIsa,
    options: &Options,
) -> Result<Made, CpuError> {
    check::check(kernel).map_err(|fault| fault.of(&kernel.name))?;
    let mut signature = Signature::new(CallConv::SystemV);
    signature.params = vec![AbiParam::new(types::I64); 3];
    signature.returns = vec![AbiParam::new(types::I32)];
    let function = Function::with_name_signature(UserFuncName::default(), signature);
    let mut context = Context::for_function(function);
    let mut frontend = FunctionBuilderContext::new();
    let abilities = Abilities::of(options.isa);
    let mut emitter = Emitter::new(
        &mut context.func,
        &mut frontend,
        &kernel.arguments,
        abilities,
    );
    let work = match &kernel.work {
        Work::Map(map) => map::emit(&mut emitter, map),
        Work::Reduce(reduce) => reduce::emit(&mut emitter, reduce),
        Work::Contraction(contraction) => contraction::emit(&mut emitter, contraction),
        Work::Scatter(scatter) => scatter::emit(&mut emitter, scatter),
    };
    let work = work.map_err(|fault| fault.of(&kernel.name))?;
    let dims = emitter.finish(target);
    let clif = options.listings.then(|| context.func.display().to_string());
    let failed = |message: String| CpuError::Cranelift {
        kernel: kernel.name.clone(),
        message,
    };
    let compiled = context
        .compile(target, &mut ControlPlane::default())
        .map_err(|error| failed(format!("{:?}", error.inner)))?;
    Ok(Made {
        bytes: compiled.code_buffer().to_vec(),
        relocations: compiled.buffer.relocs().to_vec(),
        dims,
        work,
        clif,
    })
}
