use eyas_kernels::{Argument, Kernel, Role};
use eyas_plan::{Code, Function, FunctionArgument};

use crate::function::compile_function;
use crate::linker::Linker;
use crate::listing::disassemble;
use crate::target::target;
use crate::{CpuError, Listing, Options, wide};

/// Machine code and its readable form.
#[derive(Debug, Clone, Default)]
pub struct Compiled {
    /// One section, a function a kernel.
    pub code: Code,
    /// In the kernels' order; empty unless [`Options::listings`] asks for them.
    pub listings: Vec<Listing>,
}

/// Compiles kernels into one section, a function each in their order. The same kernels and options
/// give the same bytes.
///
/// # Errors
/// [`CpuError`], naming the kernel.
pub fn compile(kernels: &[Kernel], options: &Options) -> Result<Compiled, CpuError> {
    let target = target(options.isa)?;
    let mut linker = Linker::default();
    let mut compiled = Compiled::default();
    for kernel in kernels {
        let wide = options.wide.then(|| wide::compile(kernel, options.isa));
        let (function, listing) = match wide.flatten() {
            Some(wide) => {
                let function = Function {
                    name: kernel.name.clone(),
                    offset: linker.add(&kernel.name, &wide.bytes, &[])?,
                    size: wide.bytes.len(),
                    arguments: arguments(kernel),
                    dims: wide.dims,
                    units: wide.units,
                    unit_cost: wide.unit_cost,
                    scratch: wide.scratch,
                    grid: None,
                };
                (function, ("wide", None))
            }
            None => {
                let made = compile_function(kernel, &*target, options)?;
                let function = Function {
                    name: kernel.name.clone(),
                    offset: linker.add(&kernel.name, &made.bytes, &made.relocations)?,
                    size: made.bytes.len(),
                    arguments: arguments(kernel),
                    dims: made.dims,
                    units: made.work.units,
                    unit_cost: made.work.unit_cost,
                    scratch: made.work.scratch,
                    grid: None,
                };
                (function, ("cranelift", made.clif))
            }
        };
        compiled.code.functions.push(function);
        if options.listings {
            let (emitter, clif) = listing;
            let name = kernel.name.clone();
            let asm = String::new();
            compiled.listings.push(Listing {
                name,
                emitter,
                clif,
                asm,
            });
        }
    }
    compiled.code.bytes = linker.finish();
    for (listing, function) in compiled.listings.iter_mut().zip(&compiled.code.functions) {
        let bytes = &compiled.code.bytes[function.offset..function.offset + function.size];
        listing.asm = disassemble(bytes);
    }
    Ok(compiled)
}

fn arguments(kernel: &Kernel) -> Vec<FunctionArgument> {
    let argument = |argument: &Argument| FunctionArgument {
        dtype: argument.dtype,
        length: argument.length.clone(),
        writes: argument.role != Role::Read,
    };
    kernel.arguments.iter().map(argument).collect()
}
