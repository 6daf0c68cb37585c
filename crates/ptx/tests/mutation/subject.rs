//! A kernel and what it is tried on.

use std::collections::BTreeMap;

use eyas_kernels::{Kernel, Role};
use eyas_plan::{CudaArchitecture, DeviceFailure, Function};
use eyas_ptx::{Options, compile};
use eyas_ptx_interpreter::{Launch, Limits, Memory, Module, launch};
use eyas_tensor::{Dim, Number, Tensor};

use crate::line::Line;

/// So many elements lie at multiples of 256 alone.
const LARGE: usize = 40_000;

pub type Bindings = BTreeMap<String, i64>;

/// A kernel, and several sets of arguments.
pub struct Case {
    pub kernel: Kernel,
    pub inputs: Vec<(Bindings, Vec<Tensor>)>,
    /// The same bits for 0, else the error relative to the greatest.
    pub tolerance: f64,
}

/// A kernel in PTX, with what it should give.
pub struct Subject {
    case: Case,
    function: Function,
    text: String,
    /// The names of registers, and how many there are of each.
    pub families: Vec<(String, u32)>,
    /// For each set of arguments, what they are afterwards.
    expected: Vec<Vec<Tensor>>,
    /// The most instructions of a run.
    limit: u64,
}

impl Subject {
    pub fn new(case: Case) -> Subject {
        let options = Options::new(CudaArchitecture::Sm80);
        let code = compile(std::slice::from_ref(&case.kernel), &options).unwrap();
        let text = String::from_utf8(code.bytes).unwrap();
        let declared = text
            .lines()
            .filter_map(|line| line.trim().strip_prefix(".reg"));
        let families = declared.map(|line| {
            let name = &line[line.find('%').unwrap()..line.find('<').unwrap()];
            let count = &line[line.find('<').unwrap() + 1..line.find('>').unwrap()];
            (name.to_owned(), count.parse().unwrap())
        });
        let expected = case.inputs.iter().map(|(bindings, tensors)| {
            let mut tensors = tensors.clone();
            eyas_reference::run_kernel(&case.kernel, &mut tensors, bindings).unwrap();
            tensors
        });
        let mut subject = Subject {
            families: families.collect(),
            expected: expected.collect(),
            function: code.functions[0].clone(),
            case,
            text,
            limit: 1 << 30,
        };
        let module = Module::parse(&subject.text).unwrap();
        let runs = subject.runs();
        let cost =
            runs.into_iter()
                .map(|(set, shifted)| match subject.run(&module, set, shifted) {
                    Ok(cost) => cost,
                    Err(cause) => panic!("{cause}\n{}", subject.text),
                });
        subject.limit = cost.max().unwrap() * 4 + 100_000;
        subject
    }

    /// Each set of arguments, and which of them lie an element behind a multiple of 256: none, all,
    /// each alone. Of large ones none.
    fn runs(&self) -> Vec<(usize, u32)> {
        let sets = self.case.inputs.iter().enumerate();
        let runs = sets.flat_map(|(set, (_, tensors))| {
            let elements: usize = tensors.iter().map(Tensor::element_count).sum();
            let alone = (0..tensors.len()).map(|argument| 1 << argument);
            let shifts = if elements > LARGE {
                vec![0]
            } else {
                [0, !0].into_iter().chain(alone).collect()
            };
            shifts.into_iter().map(move |shifted| (set, shifted))
        });
        runs.collect()
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn name(&self) -> &str {
        &self.case.kernel.name
    }

    /// The lines that hold instructions, but for the last, a `ret` where the entry ends anyway.
    pub fn instructions(&self) -> impl Iterator<Item = usize> {
        let lines = self.text.lines().enumerate();
        let mut lines: Vec<usize> = lines
            .filter(|(_, line)| Line::parse(line).is_some())
            .map(|(at, _)| at)
            .collect();
        lines.pop();
        lines.into_iter()
    }

    /// How a text that should not pass is caught.
    pub fn catches(&self, text: &str) -> Option<String> {
        let Ok(module) = Module::parse(text) else {
            return Some("parsing".to_owned());
        };
        let runs = self.runs();
        runs.into_iter()
            .find_map(|(set, shifted)| self.run(&module, set, shifted).err())
    }

    /// Runs on a set of arguments, of which some are shifted, and gives how many instructions ran.
    ///
    /// # Errors
    ///
    /// How it is seen that the results are wrong.
    fn run(&self, module: &Module, set: usize, shifted: u32) -> Result<u64, String> {
        let (bindings, tensors) = &self.case.inputs[set];
        let value = |dim: &Dim| {
            dim.evaluate(&|name: &str| bindings.get(name).copied())
                .unwrap()
        };
        let grid = self.function.grid.as_ref().unwrap();
        let mut memory = Memory::new();
        let (mut parameters, mut addresses) = (Vec::new(), Vec::new());
        for (number, (tensor, argument)) in
            tensors.iter().zip(&self.case.kernel.arguments).enumerate()
        {
            let bytes = tensor.bytes();
            let shift = u64::from(shifted >> number & 1) * (tensor.dtype().bits() as u64 / 8);
            let address = memory.allocate(bytes.len() as u64 + shift).unwrap() + shift;
            if argument.role != Role::Write {
                memory.write(address, bytes).unwrap();
            }
            parameters.extend(address.to_le_bytes());
            addresses.push(address);
        }
        let record = memory.allocate(DeviceFailure::SIZE as u64).unwrap();
        memory.fill(record, 0, DeviceFailure::SIZE as u64).unwrap();
        if grid.checks {
            parameters.extend(record.to_le_bytes());
        }
        if !self.function.scratch.is(0) {
            let scratch = memory
                .allocate(value(&self.function.scratch) as u64)
                .unwrap();
            memory
                .fill(scratch, 0, value(&grid.cleared) as u64)
                .unwrap();
            parameters.extend(scratch.to_le_bytes());
        }
        for dim in &self.function.dims {
            parameters.extend(value(dim).to_le_bytes());
        }
        let entry = module.entry(&grid.entry).ok_or("parsing")?;
        let blocks = u32::try_from(value(&self.function.units)).unwrap();
        let shape = Launch {
            grid: [blocks, 1, 1],
            block: [grid.threads, 1, 1],
            shared: grid.shared,
        };
        let limits = Limits {
            instructions: self.limit,
        };
        let ran = launch(entry, &shape, &parameters, &mut memory, &limits);
        let ran = ran.map_err(|fault| {
            let cause = format!("{:?}", fault.cause);
            cause.split([' ', '(']).next().unwrap_or("").to_owned()
        })?;
        for ((expected, tensor), address) in self.expected[set].iter().zip(tensors).zip(addresses) {
            let mut found = tensor.clone();
            let read = memory.read(address, found.bytes_mut());
            read.map_err(|_| "a result that is not written".to_owned())?;
            let same = match self.case.tolerance > 0.0 && found.dtype().is_float() {
                true => found.relative_error(expected) <= self.case.tolerance,
                false => is_same(&found, expected),
            };
            if !same {
                return Err("another result".to_owned());
            }
        }
        let mut claimed = [0; 4];
        memory
            .read(record, &mut claimed)
            .map_err(|error| error.to_string())?;
        match claimed {
            [0, 0, 0, 0] => Ok(ran.thread_instructions),
            _ => Err("an index out of range".to_owned()),
        }
    }
}

/// Whether two tensors are the same, in bits but for those of NaN.
fn is_same(found: &Tensor, expected: &Tensor) -> bool {
    let alike = |at| match (found.get(at), expected.get(at)) {
        (Number::Float(a), Number::Float(b)) => {
            a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan()
        }
        (a, b) => a == b,
    };
    found.bytes() == expected.bytes() || (0..expected.element_count()).all(alike)
}
