use std::ffi::{CString, c_void};
use std::sync::Arc;

use cudarc::driver::{CudaContext, result, sys};
use eyas_plan::{Code, Function, Grid};

use super::{bind, failed};
use crate::DeviceError;

/// Loaded code.
#[derive(Debug)]
pub(crate) struct Module {
    context: Arc<CudaContext>,
    module: sys::CUmodule,
    /// By the functions' numbers.
    functions: Vec<sys::CUfunction>,
}

// SAFETY: handles of the driver, which may be used by any thread and several at once; they are not
// changed after `new`, and unloaded once.
unsafe impl Send for Module {}
// SAFETY: as above.
unsafe impl Sync for Module {}

/// Bytes for what the driver's compiler has to say.
const LOG: usize = 1 << 14;

impl Module {
    pub(super) fn new(context: &Arc<CudaContext>, code: &Code) -> Result<Module, DeviceError> {
        bind(context)?;
        let mut module = Module {
            context: context.clone(),
            module: compile(&code.bytes)?,
            functions: Vec::with_capacity(code.functions.len()),
        };
        for function in &code.functions {
            let handle = module.prepare(function)?;
            module.functions.push(handle);
        }
        Ok(module)
    }

    /// The handle of a function.
    pub(super) fn function(&self, number: usize) -> Option<sys::CUfunction> {
        self.functions.get(number).copied()
    }

    /// Finds a function, sees to it that its blocks fit, and that it is loaded: the driver would else
    /// load it at its first launch, which a capture may not do.
    fn prepare(&self, function: &Function) -> Result<sys::CUfunction, DeviceError> {
        use sys::CUfunction_attribute::{
            CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES as SHARED,
            CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK as THREADS,
        };
        let kernel = |reason| DeviceError::Kernel {
            kernel: function.name.clone(),
            reason,
        };
        let Grid {
            entry,
            threads,
            shared,
            ..
        } = function
            .grid
            .as_ref()
            .ok_or_else(|| kernel("it is no kernel of a GPU".to_owned()))?;
        let absent = |_| kernel("its entry has no name".to_owned());
        let name = CString::new(entry.as_str()).map_err(absent)?;
        // SAFETY: the module is loaded.
        let handle = unsafe { result::module::get_function(self.module, name) };
        let handle = handle.map_err(failed("cuModuleGetFunction"))?;
        // SAFETY: the function is of a loaded module.
        let most = unsafe { result::function::get_function_attribute(handle, THREADS) };
        let most = most.map_err(failed("cuFuncGetAttribute"))?;
        if i64::from(most) < i64::from(*threads) {
            let reason = format!("its blocks have {threads} threads, of which {most} have room");
            return Err(kernel(reason));
        }
        if *shared > 0 {
            let bytes = i32::try_from(*shared).unwrap_or(i32::MAX);
            // SAFETY: the function is of a loaded module.
            let set = unsafe { result::function::set_function_attribute(handle, SHARED, bytes) };
            set.map_err(|_| kernel(format!("it takes {shared} bytes of shared memory")))?;
        }
        Ok(handle)
    }
}

/// Lets the driver compile PTX text for the device of the context that is bound.
fn compile(text: &[u8]) -> Result<sys::CUmodule, DeviceError> {
    let text = CString::new(text).map_err(|error| DeviceError::Code {
        reason: error.to_string(),
        log: String::new(),
    })?;
    let (mut notes, mut errors) = (vec![0u8; LOG], vec![0u8; LOG]);
    let mut options = [
        sys::CUjit_option::CU_JIT_INFO_LOG_BUFFER,
        sys::CUjit_option::CU_JIT_INFO_LOG_BUFFER_SIZE_BYTES,
        sys::CUjit_option::CU_JIT_ERROR_LOG_BUFFER,
        sys::CUjit_option::CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES,
    ];
    let mut values = [
        notes.as_mut_ptr().cast::<c_void>(),
        std::ptr::without_provenance_mut(LOG),
        errors.as_mut_ptr().cast::<c_void>(),
        std::ptr::without_provenance_mut(LOG),
    ];
    let mut module = std::ptr::null_mut();
    // SAFETY: the text ends with a zero; there are as many values as options, sizes as numbers and
    // buffers of those sizes.
    let status = unsafe {
        sys::cuModuleLoadDataEx(
            &raw mut module,
            text.as_ptr().cast(),
            options.len() as u32,
            options.as_mut_ptr(),
            values.as_mut_ptr(),
        )
    };
    match status.result() {
        Ok(()) => Ok(module),
        Err(error) => {
            let log = [errors, notes].map(|buffer| logged(&buffer)).concat();
            let reason = failed("cuModuleLoadDataEx")(error).to_string();
            Err(DeviceError::Code { reason, log })
        }
    }
}

/// The text up to the zero that ends it, as lines.
fn logged(buffer: &[u8]) -> String {
    let text = buffer.split(|&byte| byte == 0).next().unwrap_or(&[]);
    let text = String::from_utf8_lossy(text);
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines.map(|line| format!("{line}\n")).collect()
}

impl Drop for Module {
    fn drop(&mut self) {
        if bind(&self.context).is_ok() {
            // SAFETY: the module was loaded in `new`, and is unloaded once. Whoever launches its
            // functions holds it until they are done.
            let _ = unsafe { result::module::unload(self.module) };
        }
    }
}
