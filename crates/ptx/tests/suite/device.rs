//! Compiles kernels, assembles what comes out, runs it in the PTX interpreter and compares with the
//! interpreter of kernels.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use eyas_kernels::Kernel;
use eyas_plan::{Code, CudaArchitecture, DeviceFailure, Failure, Function};
use eyas_ptx::{Assembler, Options, Resources, compile};
use eyas_ptx_interpreter::{Launch, Limits, Memory, Module, Statistics, launch};
use eyas_tensor::{Dim, Number, Tensor};

pub type Bindings = BTreeMap<String, i64>;

/// A kernel with what it is run on.
pub struct Case {
    pub kernel: Kernel,
    pub arguments: Vec<Tensor>,
    pub bindings: Bindings,
    /// The same bits for 0, else the error relative to the greatest.
    pub tolerance: f64,
}

/// A module that the interpreter has read.
pub struct Loaded {
    pub code: Code,
    module: Module,
}

/// The assembler, where there is one.
pub fn assembler() -> Option<&'static Assembler> {
    static FOUND: OnceLock<Option<Assembler>> = OnceLock::new();
    let found = FOUND.get_or_init(|| {
        let found = Assembler::find();
        if found.is_none() {
            eprintln!("SKIPPED: there is no ptxas, so no module is assembled (tools/fetch-ptxas)");
        }
        found
    });
    found.as_ref()
}

/// The text of a module.
pub fn text(kernels: &[Kernel], architecture: CudaArchitecture) -> String {
    let code = compile(kernels, &Options::new(architecture)).unwrap();
    String::from_utf8(code.bytes).unwrap()
}

/// What the assembler says the entries take; nothing where there is no assembler.
pub fn resources(kernels: &[Kernel], architecture: CudaArchitecture) -> Option<Vec<Resources>> {
    let text = text(kernels, architecture);
    let resources = assembler()?.assemble(&text, architecture);
    Some(resources.unwrap_or_else(|error| panic!("{error}\n{text}")))
}

impl Loaded {
    /// Compiles and parses; assembles where there is an assembler.
    pub fn new(kernels: &[Kernel], architecture: CudaArchitecture) -> Loaded {
        let code = compile(kernels, &Options::new(architecture)).unwrap();
        let text = std::str::from_utf8(&code.bytes).unwrap();
        if let Some(assembler) = assembler() {
            let assembled = assembler.assemble(text, architecture);
            assembled.unwrap_or_else(|error| panic!("{error}\n{text}"));
        }
        let module = Module::parse(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        Loaded { code, module }
    }

    pub fn function(&self, number: usize) -> &Function {
        &self.code.functions[number]
    }

    /// The text of an entry.
    pub fn text(&self, number: usize) -> &str {
        let function = self.function(number);
        let bytes = &self.code.bytes[function.offset..function.offset + function.size];
        std::str::from_utf8(bytes).unwrap()
    }

    /// Runs a kernel. Arguments lie so many bytes after a multiple of 256, with nothing behind
    /// their last element.
    pub fn run(
        &self,
        number: usize,
        arguments: &mut [Tensor],
        bindings: &Bindings,
        shift: u64,
    ) -> Result<Statistics, Failure> {
        let function = self.function(number);
        let grid = function.grid.as_ref().unwrap();
        let value = |dim: &Dim| {
            let bound = |name: &str| bindings.get(name).copied();
            dim.evaluate(&bound).unwrap()
        };
        let mut memory = Memory::new();
        let mut parameters: Vec<u8> = Vec::new();
        let mut addresses = Vec::new();
        for (argument, tensor) in function.arguments.iter().zip(&*arguments) {
            assert_eq!(argument.dtype, tensor.dtype());
            assert_eq!(value(&argument.length), tensor.element_count() as i64);
            let bytes = tensor.bytes().len() as u64;
            let address = memory.allocate(bytes + shift).unwrap() + shift;
            memory.write(address, tensor.bytes()).unwrap();
            addresses.push(address);
        }
        for address in &addresses {
            parameters.extend(address.to_le_bytes());
        }
        let record = memory.allocate(DeviceFailure::SIZE as u64).unwrap();
        memory.fill(record, 0, DeviceFailure::SIZE as u64).unwrap();
        if grid.checks {
            parameters.extend(record.to_le_bytes());
        }
        if !function.scratch.is(0) {
            let scratch = memory.allocate(value(&function.scratch) as u64).unwrap();
            let cleared = value(&grid.cleared) as u64;
            memory.fill(scratch, 0, cleared).unwrap();
            parameters.extend(scratch.to_le_bytes());
        }
        for dim in &function.dims {
            parameters.extend(value(dim).to_le_bytes());
        }
        let entry = self.module.entry(&grid.entry).unwrap();
        assert_eq!(entry.parameter_bytes(), parameters.len());
        assert_eq!(entry.max_threads(), Some(grid.threads));
        let mut statistics = Statistics::default();
        let units = value(&function.units);
        if units > 0 {
            let shape = Launch {
                grid: [u32::try_from(units).unwrap(), 1, 1],
                block: [grid.threads, 1, 1],
                shared: grid.shared,
            };
            let limits = Limits {
                instructions: 1 << 32,
            };
            let ran = launch(entry, &shape, &parameters, &mut memory, &limits);
            statistics = ran.unwrap_or_else(|fault| panic!("{fault}\n{}", self.text(number)));
        }
        for (tensor, address) in arguments.iter_mut().zip(addresses) {
            memory.read(address, tensor.bytes_mut()).unwrap();
        }
        let mut bytes = [0; DeviceFailure::SIZE];
        memory.read(record, &mut bytes).unwrap();
        let word = |at: i32| {
            let at = at as usize;
            i64::from_le_bytes(bytes[at..at + 8].try_into().unwrap())
        };
        match word(0) {
            0 => Ok(statistics),
            claimed => {
                assert_eq!(claimed, 1);
                Err(Failure {
                    argument: word(DeviceFailure::ARGUMENT),
                    index: word(DeviceFailure::INDEX),
                    extent: word(DeviceFailure::EXTENT),
                })
            }
        }
    }
}

/// Wants the interpreter's results of one kernel; see [`all_agree`].
pub fn agrees(kernel: &Kernel, arguments: &[Tensor], bindings: &Bindings, tolerance: f64) {
    all_agree(&[Case {
        kernel: kernel.clone(),
        arguments: arguments.to_vec(),
        bindings: bindings.clone(),
        tolerance,
    }]);
}

/// Compiles all kernels into one module for every architecture, assembles it, and wants the
/// interpreter's results of each, with arguments that are aligned and that are not; where not the
/// same bits are wanted, both have the same.
pub fn all_agree(cases: &[Case]) {
    let kernels: Vec<Kernel> = cases.iter().map(|case| case.kernel.clone()).collect();
    let mut before: Option<Loaded> = None;
    for architecture in CudaArchitecture::ALL {
        let loaded = Loaded::new(&kernels, architecture);
        for (number, case) in cases.iter().enumerate() {
            let known = before.as_ref().map(|before| before.text(number));
            if known != Some(loaded.text(number)) {
                agrees_on(&loaded, number, case);
            }
        }
        before = Some(loaded);
    }
}

fn agrees_on(loaded: &Loaded, number: usize, case: &Case) {
    let mut expected = case.arguments.clone();
    eyas_reference::run_kernel(&case.kernel, &mut expected, &case.bindings).unwrap();
    // An element's alignment is all that arguments have.
    let sizes = case.arguments.iter().map(|a| a.dtype().bits() as u64 / 8);
    for shift in [0, sizes.max().unwrap_or(1)] {
        let mut found = case.arguments.clone();
        let ran = loaded.run(number, &mut found, &case.bindings, shift);
        let what = || format!("shift {shift} of {}\n{}", case.kernel, loaded.text(number));
        if let Err(failure) = ran {
            panic!("{failure:?}: {}", what());
        }
        for (argument, (found, expected)) in found.iter().zip(&expected).enumerate() {
            if let Some(difference) = difference(found, expected, case.tolerance) {
                panic!("argument {argument}: {difference}: {}", what());
            }
        }
    }
}

/// Where two tensors differ.
pub fn difference(found: &Tensor, expected: &Tensor, tolerance: f64) -> Option<String> {
    if tolerance > 0.0 && found.dtype().is_float() {
        let error = found.relative_error(expected);
        return (error > tolerance || error.is_nan()).then(|| format!("error {error}"));
    }
    (0..expected.element_count()).find_map(|place| {
        let (found, expected) = (found.get(place), expected.get(place));
        let same = match (found, expected) {
            (Number::Float(a), Number::Float(b)) => {
                a.is_nan() && b.is_nan() || a.to_bits() == b.to_bits()
            }
            _ => found == expected,
        };
        (!same).then(|| format!("place {place}: {found:?} for {expected:?}"))
    })
}
