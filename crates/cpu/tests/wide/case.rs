use std::collections::BTreeMap;

use eyas_cpu::{Options, WideFunction, compile, compile_wide};
use eyas_ir::Origin;
use eyas_kernels::{Access, Argument, Kernel, Role, Work};
use eyas_plan::{Failure, Isa, LaunchContext};
use eyas_runtime::CodeMemory;
use eyas_tensor::{DType, Dim, Number, Tensor};

use crate::guarded::Guarded;

/// A kernel with what it is run on.
pub struct Case {
    pub kernel: Kernel,
    pub arguments: Vec<Tensor>,
    pub bindings: BTreeMap<String, i64>,
}

/// Instruction sets with wide vectors that this machine has.
pub fn isas() -> Vec<Isa> {
    let (found, missing): (Vec<Isa>, Vec<Isa>) = [Isa::V3, Isa::V4]
        .into_iter()
        .partition(|isa| isa.is_supported());
    for isa in missing {
        eprintln!(
            "SKIPPED: this machine cannot run {isa}, it lacks {:?}",
            isa.missing()
        );
    }
    found
}

pub fn dim(text: &str) -> Dim {
    text.parse().unwrap()
}

pub fn access(argument: usize, offset: &str, strides: &[&str]) -> Access {
    Access {
        argument,
        offset: dim(offset),
        strides: strides.iter().map(|stride| dim(stride)).collect(),
        indirect: None,
    }
}

/// Arguments named by type; the last ones are written.
pub fn kernel(dtypes: &[DType], written: usize, lengths: &[usize], work: Work) -> Kernel {
    let first_written = dtypes.len() - written;
    let arguments = dtypes.iter().zip(lengths).enumerate();
    Kernel {
        name: "test".to_owned(),
        arguments: arguments
            .map(|(place, (&dtype, &length))| Argument {
                dtype,
                role: if place < first_written {
                    Role::Read
                } else {
                    Role::Write
                },
                length: Dim::from(length as i64),
            })
            .collect(),
        work,
        origin: Origin::default(),
    }
}

/// Numbers between -2 and 2, the same for the same seed.
pub fn floats(seed: u64, count: usize) -> Tensor {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1 << 22) as f32 - 2.0
    };
    let values: Vec<f32> = (0..count).map(|_| next()).collect();
    Tensor::from_f32(&[count], &values).unwrap()
}

pub fn bools(seed: u64, count: usize) -> Tensor {
    let numbers: Vec<Number> = (0..count as u64)
        .map(|place| Number::Bool((place.wrapping_mul(seed * 2 + 7) >> 2) % 3 == 0))
        .collect();
    Tensor::from_numbers(DType::Bool, &[count], &numbers).unwrap()
}

impl Case {
    pub fn value(&self, dim: &Dim) -> i64 {
        dim.evaluate(&|name| self.bindings.get(name).copied())
            .unwrap()
    }

    pub fn compile(&self, isa: Isa) -> Option<WideFunction> {
        compile_wide(&self.kernel, isa)
    }

    /// The arguments after the kernel, its units done in pieces of `split`, the last piece first.
    pub fn run(&self, isa: Isa, split: i64) -> Vec<Tensor> {
        let function = self.compile(isa).expect("a wide form");
        self.run_function(&function, split)
    }

    /// The arguments after the same kernel made by Cranelift for the instruction set.
    pub fn run_twin(&self, isa: Isa) -> Vec<Tensor> {
        let options = Options {
            isa,
            wide: false,
            listings: false,
        };
        let compiled = compile(std::slice::from_ref(&self.kernel), &options).unwrap();
        let function = &compiled.code.functions[0];
        let range = function.offset..function.offset + function.size;
        let twin = WideFunction {
            bytes: compiled.code.bytes[range].to_vec(),
            dims: function.dims.clone(),
            units: function.units.clone(),
            unit_cost: function.unit_cost.clone(),
            scratch: function.scratch.clone(),
        };
        self.run_function(&twin, i64::MAX / 2)
    }

    /// Runs the kernel's wide form in pieces of several sizes: all results are those of its twin.
    pub fn assert_as_twin(&self, function: &WideFunction, isa: Isa, what: &str) -> Vec<Tensor> {
        let twin = self.run_twin(isa);
        for split in [1, 3, i64::MAX / 2] {
            let found = self.run_function(function, split);
            for (found, twin) in found.iter().zip(&twin) {
                assert_same(found, twin, &format!("{what} in pieces of {split}"));
            }
        }
        twin
    }

    pub fn run_function(&self, function: &WideFunction, split: i64) -> Vec<Tensor> {
        let memory = CodeMemory::new(&function.bytes).unwrap();
        let guarded: Vec<Guarded> = self
            .arguments
            .iter()
            .map(|tensor| Guarded::new(tensor.bytes()))
            .collect();
        let pointers: Vec<*mut u8> = guarded.iter().map(Guarded::pointer).collect();
        let dims: Vec<i64> = function.dims.iter().map(|dim| self.value(dim)).collect();
        let scratch = self.value(&function.scratch) as usize;
        let scratch = Guarded::new(&vec![0; scratch.next_multiple_of(64)]);
        let mut context = LaunchContext {
            arguments: pointers.as_ptr(),
            dims: dims.as_ptr(),
            scratch: scratch.pointer(),
            failure: Failure::default(),
        };
        let units = self.value(&function.units);
        let entry = memory.function(0).unwrap();
        let mut end = units;
        while end > 0 {
            let start = (end - split).max(0);
            // SAFETY: the code is a kernel's, its arguments are as long as it says.
            assert_eq!(unsafe { entry(&mut context, start, end) }, 0);
            end = start;
        }
        let results = self.arguments.iter().zip(&guarded);
        results
            .map(|(tensor, memory)| {
                Tensor::from_bytes(tensor.dtype(), tensor.shape(), &memory.bytes()).unwrap()
            })
            .collect()
    }

    /// Where an access is at a position.
    pub fn place(&self, access: &Access, position: &[i64]) -> usize {
        let strides = access.strides.iter().zip(position);
        let steps: i64 = strides
            .map(|(stride, place)| self.value(stride) * place)
            .sum();
        (self.value(&access.offset) + steps) as usize
    }
}

/// Whether two are the same bits, a NaN being a NaN.
pub fn assert_same(found: &Tensor, expected: &Tensor, what: &str) {
    assert_eq!(found.shape(), expected.shape());
    for place in 0..found.element_count() {
        let (a, b) = (found.get(place), expected.get(place));
        let same = match (a, b) {
            (Number::Float(a), Number::Float(b)) => a == b || a.is_nan() && b.is_nan(),
            _ => a == b,
        };
        assert!(same, "{what}: place {place} is {a:?}, not {b:?}");
    }
}

pub fn assert_close(found: &Tensor, expected: &Tensor, what: &str) {
    let error = found.relative_error(expected);
    assert!(error < 2e-6, "{what}: off by {error}");
}
