//! Compiles kernels and runs them on tensors.

use std::collections::BTreeMap;

use eyas_cpu::{Compiled, CpuError, Options, compile};
use eyas_kernels::Kernel;
use eyas_plan::{Failure, Function, Isa, LaunchContext};
use eyas_runtime::CodeMemory;
use eyas_tensor::{Dim, Tensor};

/// Kernels in executable memory.
pub struct Loaded {
    memory: CodeMemory,
    pub compiled: Compiled,
}

/// The instruction sets that this machine runs.
pub fn instruction_sets() -> Vec<Isa> {
    let all = Isa::ALL.into_iter();
    all.filter(|isa| isa.is_supported()).collect()
}

impl Loaded {
    /// Compiled by Cranelift alone, or with the wide emitter for what it has.
    pub fn new(kernels: &[Kernel], isa: Isa, wide: bool) -> Result<Loaded, CpuError> {
        let listings = false;
        let options = Options {
            isa,
            wide,
            listings,
        };
        let compiled = compile(kernels, &options)?;
        let memory = CodeMemory::new(&compiled.code.bytes).unwrap();
        Ok(Loaded { memory, compiled })
    }

    pub fn function(&self, number: usize) -> &Function {
        &self.compiled.code.functions[number]
    }

    /// Runs a kernel, `stride` units a call (all of them for 0), the last call first, so that
    /// nothing may hang on the order.
    pub fn run(
        &self,
        number: usize,
        arguments: &mut [Tensor],
        bindings: &BTreeMap<String, i64>,
        stride: i64,
    ) -> Result<(), Failure> {
        let function = self.function(number);
        let value = |dim: &Dim| {
            let bound = |name: &str| bindings.get(name).copied();
            dim.evaluate(&bound).unwrap()
        };
        let dims: Vec<i64> = function.dims.iter().map(value).collect();
        for (argument, tensor) in function.arguments.iter().zip(&*arguments) {
            assert_eq!(argument.dtype, tensor.dtype());
            assert_eq!(value(&argument.length), tensor.element_count() as i64);
        }
        let mut pointers: Vec<*mut u8> = arguments
            .iter_mut()
            .map(|tensor| tensor.bytes_mut().as_mut_ptr())
            .collect();
        let mut scratch = vec![0u8; value(&function.scratch) as usize + 64];
        let aligned = scratch.as_ptr().align_offset(64);
        let units = value(&function.units);
        let step = if stride == 0 { units.max(1) } else { stride };
        let code = self.memory.function(function.offset).unwrap();
        let mut start = (units.max(0) + step - 1) / step * step - step;
        while start >= 0 {
            let mut context = LaunchContext {
                arguments: pointers.as_mut_ptr(),
                dims: dims.as_ptr(),
                scratch: scratch[aligned..].as_mut_ptr(),
                failure: Failure::default(),
            };
            // SAFETY: the code is a kernel's; its arguments are as long as it says, which the
            // assertions above hold, and scratch is as large and aligned as it asks for.
            let status = unsafe { code(&mut context, start, (start + step).min(units)) };
            if status != 0 {
                assert_eq!(status, 1);
                return Err(context.failure);
            }
            start -= step;
        }
        Ok(())
    }
}
