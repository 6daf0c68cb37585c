use std::collections::BTreeMap;
use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::sync::Arc;

use eyas_ptx_interpreter::Entry;

use crate::code::Code;
use crate::driver::{Driver, Handle, call, put};

/// What was made of a PTX text.
pub(crate) struct Module {
    pub(crate) device: usize,
    entries: BTreeMap<String, Arc<Entry>>,
}

/// A kernel.
pub(crate) struct Function {
    pub(crate) device: usize,
    pub(crate) module: Handle,
    pub(crate) entry: Arc<Entry>,
    /// Bytes of shared memory that a launch may add, as was asked for.
    pub(crate) most_shared: u32,
}

/// Options of a load, by number: where the log goes, and how much fits.
const INFO_LOG: c_uint = 3;
const INFO_LOG_BYTES: c_uint = 4;
const ERROR_LOG: c_uint = 5;
const ERROR_LOG_BYTES: c_uint = 6;

/// The text's module for a device, or the log.
fn compile(driver: &Driver, text: &str) -> Result<eyas_ptx_interpreter::Module, (Code, String)> {
    let number = driver.current().map_err(|code| (code, String::new()))?;
    let (major, minor) = driver.devices[number].capability();
    let lines = text.lines().map(str::trim);
    let mut targets = lines.filter_map(|line| line.strip_prefix(".target"));
    let target = targets.next().map_or("", |rest| rest.trim());
    let target = target.split([',', ' ']).next().unwrap_or(target);
    let digits = target.trim_start_matches("sm_");
    let version: i32 = digits.trim_end_matches(['a', 'f']).parse().unwrap_or(0);
    let own = 10 * major + minor;
    let fits = match digits.ends_with('a') {
        true => version == own,
        false => version <= own,
    };
    if version > 0 && !fits {
        let log = format!("ptxas fatal   : .target {target} does not run on sm_{own}");
        return Err((Code::NO_BINARY_FOR_GPU, log));
    }
    eyas_ptx_interpreter::Module::parse(text).map_err(|error| {
        let log = format!(
            "ptxas application ptx input, line {}; error   : {}",
            error.line, error.message
        );
        (Code::INVALID_PTX, log)
    })
}

/// The logs that the options of a load ask for.
struct Logs {
    options: Vec<c_uint>,
    values: *mut *mut c_void,
}

impl Logs {
    fn place(&self, option: c_uint) -> Option<usize> {
        self.options.iter().position(|found| *found == option)
    }

    /// Writes a log and how many bytes it takes.
    ///
    /// # Safety
    /// There is a value for each option, and the buffers are as large as they say.
    unsafe fn write(&self, buffer: c_uint, size: c_uint, log: &str) {
        let (Some(buffer), Some(size)) = (self.place(buffer), self.place(size)) else {
            return;
        };
        // SAFETY: both have a value; the one of the size is a number instead of an address.
        unsafe {
            let place = self.values.add(buffer).read().cast::<u8>();
            let room = self.values.add(size).read().addr() as u32 as usize;
            let count = log.len().min(room.saturating_sub(1));
            if !place.is_null() && room > 0 {
                place.copy_from_nonoverlapping(log.as_ptr(), count);
                place.add(count).write(0);
            }
            let taken = std::ptr::without_provenance_mut(count + usize::from(count > 0));
            self.values.add(size).write(taken);
        }
    }
}

unsafe fn load(name: &'static str, module: *mut Handle, image: *const c_void, logs: &Logs) -> Code {
    call(name, |driver| {
        let number = driver.current()?;
        driver.devices[number].permitted()?;
        if image.is_null() {
            return Err(Code::INVALID_VALUE);
        }
        // SAFETY: the caller passes a text that ends with a zero.
        let text = unsafe { CStr::from_ptr(image.cast::<c_char>()) };
        let text = text.to_str().map_err(|_| Code::INVALID_IMAGE)?;
        let compiled = compile(driver, text);
        let log = compiled.as_ref().err().map_or("", |(_, log)| log);
        // SAFETY: what the caller promises of its options.
        unsafe {
            logs.write(INFO_LOG, INFO_LOG_BYTES, "");
            logs.write(ERROR_LOG, ERROR_LOG_BYTES, log);
        }
        let compiled = compiled.map_err(|(code, _)| code)?;
        let entries = compiled.entries().iter();
        let entries = entries.map(|entry| (entry.name().to_owned(), Arc::new(entry.clone())));
        let made = Module {
            device: number,
            entries: entries.collect(),
        };
        let handle = driver.handle();
        driver.modules.insert(handle, made);
        // SAFETY: the caller passes a place for a handle.
        unsafe { put(module, handle) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuModuleLoadData(module: *mut Handle, image: *const c_void) -> Code {
    let logs = Logs {
        options: Vec::new(),
        values: std::ptr::null_mut(),
    };
    // SAFETY: what the caller promises; there are no options.
    unsafe { load("cuModuleLoadData", module, image, &logs) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuModuleLoadDataEx(
    module: *mut Handle,
    image: *const c_void,
    count: c_uint,
    options: *const c_uint,
    values: *mut *mut c_void,
) -> Code {
    let options = match count {
        0 => Vec::new(),
        _ if options.is_null() || values.is_null() => return Code::INVALID_VALUE,
        // SAFETY: the caller passes so many options.
        count => unsafe { std::slice::from_raw_parts(options, count as usize) }.to_vec(),
    };
    let logs = Logs { options, values };
    // SAFETY: what the caller promises, with a value for each option.
    unsafe { load("cuModuleLoadDataEx", module, image, &logs) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuModuleUnload(module: Handle) -> Code {
    call("cuModuleUnload", |driver| {
        driver.current()?;
        let found = driver.modules.remove(&module);
        driver
            .functions
            .retain(|_, function| function.module != module);
        found.map(|_| ()).ok_or(Code::INVALID_HANDLE)
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuModuleGetFunction(
    function: *mut Handle,
    module: Handle,
    name: *const c_char,
) -> Code {
    call("cuModuleGetFunction", |driver| {
        let device = driver.current()?;
        if name.is_null() {
            return Err(Code::INVALID_VALUE);
        }
        // SAFETY: the caller passes a text that ends with a zero.
        let name = unsafe { CStr::from_ptr(name) };
        let name = name.to_str().map_err(|_| Code::NOT_FOUND)?;
        let found = driver.modules.get(&module).ok_or(Code::INVALID_HANDLE)?;
        let entry = found.entries.get(name).ok_or(Code::NOT_FOUND)?;
        let made = Function {
            device,
            module,
            entry: Arc::clone(entry),
            most_shared: (48_u32 << 10).saturating_sub(entry.shared_bytes()),
        };
        let handle = driver.handle();
        driver.functions.insert(handle, made);
        // SAFETY: the caller passes a place for a handle.
        unsafe { put(function, handle) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuFuncGetAttribute(
    value: *mut c_int,
    attribute: c_uint,
    function: Handle,
) -> Code {
    call("cuFuncGetAttribute", |driver| {
        driver.current()?;
        let found = driver.functions.get(&function);
        let found = found.ok_or(Code::INVALID_HANDLE)?;
        let answer = match attribute {
            // The most threads of a block.
            0 => found.entry.max_threads().unwrap_or(1024).min(1024) as c_int,
            // Bytes of shared memory that it declares.
            1 => found.entry.shared_bytes() as c_int,
            // Registers: nobody allocates them here.
            4 => 32,
            // Versions of the text and of the code.
            5 | 6 => 80,
            // Bytes of shared memory that a launch may add.
            8 => found.most_shared as c_int,
            2..=15 => 0,
            _ => return Err(Code::INVALID_VALUE),
        };
        // SAFETY: the caller passes a place for a number.
        unsafe { put(value, answer) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuFuncSetAttribute(function: Handle, attribute: c_uint, value: c_int) -> Code {
    call("cuFuncSetAttribute", |driver| {
        let number = driver.current()?;
        let most = driver.devices[number].most_shared();
        let found = driver.functions.get_mut(&function);
        let found = found.ok_or(Code::INVALID_HANDLE)?;
        match attribute {
            8 => {
                let value = u32::try_from(value).map_err(|_| Code::INVALID_VALUE)?;
                if value > most.saturating_sub(found.entry.shared_bytes()) {
                    return Err(Code::INVALID_VALUE);
                }
                found.most_shared = value;
                Ok(())
            }
            // How shared memory and the first-level cache divide what they have.
            9 => Ok(()),
            _ => Err(Code::INVALID_VALUE),
        }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuFuncSetCacheConfig(function: Handle, _config: c_uint) -> Code {
    call("cuFuncSetCacheConfig", |driver| {
        driver.current()?;
        let found = driver.functions.get(&function);
        found.map(|_| ()).ok_or(Code::INVALID_HANDLE)
    })
}
