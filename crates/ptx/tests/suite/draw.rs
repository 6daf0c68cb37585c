//! Random kernels' parts.

use eyas_kernels::{Argument, Kernel, Role, Work};
use eyas_tensor::{DType, Dim, Number, Tensor};

/// Types that there is code for.
pub const DTYPES: [DType; 13] = [
    DType::F64,
    DType::F32,
    DType::F16,
    DType::BF16,
    DType::I64,
    DType::I32,
    DType::I16,
    DType::I8,
    DType::U64,
    DType::U32,
    DType::U16,
    DType::U8,
    DType::Bool,
];

/// A generator with the same numbers every time.
pub struct Draw(pub u64);

impl Draw {
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % bound.max(1) as u64) as usize
    }

    pub fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())].clone()
    }

    /// Small numbers, now and then a special one.
    pub fn number(&mut self, dtype: DType) -> Number {
        let special = self.below(16) == 0;
        if dtype.is_float() {
            let specials = [
                0.0,
                -0.0,
                f64::NAN,
                f64::INFINITY,
                f64::NEG_INFINITY,
                1e-7,
                -3e4,
            ];
            return Number::Float(match special {
                true => self.pick(&specials),
                false => self.below(4001) as f64 / 256.0 - 7.8,
            });
        }
        let (low, high) = dtype.integer_range().unwrap();
        Number::Int(match special {
            true => self.pick(&[low, high, 0, -1]),
            false => self.below(23) as i128 - 11,
        })
    }

    /// Numbers without special ones.
    pub fn plain(&mut self, dtype: DType) -> Number {
        match dtype.is_float() {
            true => Number::Float(self.below(401) as f64 / 64.0 - 3.1),
            false => Number::Int(self.below(23) as i128 - 11),
        }
    }

    pub fn tensor(&mut self, dtype: DType, length: usize) -> Tensor {
        let numbers: Vec<Number> = (0..length).map(|_| self.number(dtype)).collect();
        Tensor::from_numbers(dtype, &[length], &numbers).unwrap()
    }

    pub fn plain_tensor(&mut self, dtype: DType, length: usize) -> Tensor {
        let numbers: Vec<Number> = (0..length).map(|_| self.plain(dtype)).collect();
        Tensor::from_numbers(dtype, &[length], &numbers).unwrap()
    }
}

pub fn dims(extents: &[i64]) -> Vec<Dim> {
    extents.iter().map(|extent| Dim::from(*extent)).collect()
}

pub fn argument(dtype: DType, role: Role, length: usize) -> Argument {
    let length = Dim::from(length as i64);
    Argument {
        dtype,
        role,
        length,
    }
}

pub fn kernel(name: &str, arguments: Vec<Argument>, work: Work) -> Kernel {
    Kernel {
        name: name.to_owned(),
        arguments,
        work,
        origin: Default::default(),
    }
}
