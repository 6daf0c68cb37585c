use crate::{DType, Number};

/// A dense tensor in row-major order, its storage aligned to eight bytes.
#[derive(Clone, PartialEq)]
pub struct Tensor {
    dtype: DType,
    shape: Vec<usize>,
    words: Vec<u64>,
    byte_count: usize,
}

/// Why a tensor could not be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TensorError {
    /// The product of the extents, or its size in bytes, does not fit in memory's address range.
    #[error("a tensor of shape {shape:?} and type {dtype} is too large")]
    TooLarge {
        /// The extents asked for.
        shape: Vec<usize>,
        /// The element type asked for.
        dtype: DType,
    },
    /// The data does not have as many bytes or elements as the shape says.
    #[error(
        "a tensor of shape {shape:?} takes {expected} elements or bytes, but {found} were given"
    )]
    WrongLength {
        /// The extents asked for.
        shape: Vec<usize>,
        /// What the shape needs.
        expected: usize,
        /// What was given.
        found: usize,
    },
}

impl Tensor {
    /// A tensor of zeros.
    ///
    /// # Errors
    /// [`TensorError::TooLarge`] where the size overflows or memory cannot be had.
    pub fn zeros(dtype: DType, shape: &[usize]) -> Result<Tensor, TensorError> {
        let too_large = || TensorError::TooLarge {
            shape: shape.to_vec(),
            dtype,
        };
        let count = shape
            .iter()
            .try_fold(1usize, |n, &extent| n.checked_mul(extent))
            .ok_or_else(too_large)?;
        let byte_count = dtype.bytes_for(count).ok_or_else(too_large)?;
        let mut words = Vec::new();
        words
            .try_reserve_exact(byte_count.div_ceil(8))
            .map_err(|_| too_large())?;
        words.resize(byte_count.div_ceil(8), 0);
        Ok(Tensor {
            dtype,
            shape: shape.to_vec(),
            words,
            byte_count,
        })
    }

    /// A tensor without axes, its one element rounded to the type.
    pub fn scalar(dtype: DType, value: Number) -> Tensor {
        let byte_count = dtype.bits().div_ceil(8);
        let mut tensor = Tensor {
            dtype,
            shape: Vec::new(),
            words: vec![0; byte_count.div_ceil(8)],
            byte_count,
        };
        tensor.set(0, value);
        tensor
    }

    /// A tensor over the given little-endian bytes.
    ///
    /// # Errors
    /// [`TensorError::WrongLength`] where the bytes do not fill the shape exactly.
    pub fn from_bytes(dtype: DType, shape: &[usize], bytes: &[u8]) -> Result<Tensor, TensorError> {
        let too_large = || TensorError::TooLarge {
            shape: shape.to_vec(),
            dtype,
        };
        let count = shape
            .iter()
            .try_fold(1usize, |n, &extent| n.checked_mul(extent))
            .ok_or_else(too_large)?;
        let expected = dtype.bytes_for(count).ok_or_else(too_large)?;
        if expected != bytes.len() {
            return Err(TensorError::WrongLength {
                shape: shape.to_vec(),
                expected,
                found: bytes.len(),
            });
        }
        let mut tensor = Tensor::zeros(dtype, shape)?;
        tensor.bytes_mut().copy_from_slice(bytes);
        Ok(tensor)
    }

    /// An f32 tensor of the given values.
    ///
    /// # Errors
    /// [`TensorError::WrongLength`] where the values do not fill the shape exactly.
    pub fn from_f32(shape: &[usize], values: &[f32]) -> Result<Tensor, TensorError> {
        Tensor::from_bytes(DType::F32, shape, bytemuck::cast_slice(values))
    }

    /// A tensor of any type from numbers, each rounded to the type.
    ///
    /// # Errors
    /// [`TensorError::WrongLength`] where the values do not fill the shape exactly.
    pub fn from_numbers(
        dtype: DType,
        shape: &[usize],
        values: &[Number],
    ) -> Result<Tensor, TensorError> {
        let expected = shape
            .iter()
            .try_fold(1usize, |n, &extent| n.checked_mul(extent))
            .ok_or_else(|| TensorError::TooLarge {
                shape: shape.to_vec(),
                dtype,
            })?;
        if expected != values.len() {
            return Err(TensorError::WrongLength {
                shape: shape.to_vec(),
                expected,
                found: values.len(),
            });
        }
        let mut tensor = Tensor::zeros(dtype, shape)?;
        for (index, &value) in values.iter().enumerate() {
            tensor.set(index, value);
        }
        Ok(tensor)
    }

    /// The element type.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// The extents, outermost first.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// How many elements there are.
    pub fn element_count(&self) -> usize {
        self.shape.iter().product()
    }

    /// The storage.
    pub fn bytes(&self) -> &[u8] {
        &bytemuck::cast_slice(&self.words)[..self.byte_count]
    }

    /// The storage, to be written.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        &mut bytemuck::cast_slice_mut(&mut self.words)[..self.byte_count]
    }

    /// The elements where the type is f32.
    pub fn as_f32(&self) -> Option<&[f32]> {
        (self.dtype == DType::F32).then(|| bytemuck::cast_slice(self.bytes()))
    }

    /// The elements, to be written, where the type is f32.
    pub fn as_f32_mut(&mut self) -> Option<&mut [f32]> {
        (self.dtype == DType::F32).then(|| bytemuck::cast_slice_mut(self.bytes_mut()))
    }

    /// The element at a row-major position.
    ///
    /// # Panics
    /// Where the position is out of range.
    pub fn get(&self, index: usize) -> Number {
        self.dtype.read(self.bytes(), index)
    }

    /// Sets the element at a row-major position, rounded to the type.
    ///
    /// # Panics
    /// Where the position is out of range.
    pub fn set(&mut self, index: usize, value: Number) {
        let dtype = self.dtype;
        dtype.write(self.bytes_mut(), index, value);
    }

    /// All elements, widened.
    pub fn numbers(&self) -> Vec<Number> {
        (0..self.element_count())
            .map(|index| self.get(index))
            .collect()
    }

    /// The same elements under another shape of as many.
    ///
    /// # Errors
    /// [`TensorError::WrongLength`] where the counts differ.
    pub fn reshaped(mut self, shape: &[usize]) -> Result<Tensor, TensorError> {
        let count: usize = shape.iter().product();
        if count != self.element_count() {
            let found = self.element_count();
            return Err(TensorError::WrongLength {
                shape: shape.to_vec(),
                expected: count,
                found,
            });
        }
        self.shape = shape.to_vec();
        Ok(self)
    }

    /// The error measure of the project: the greatest difference over the greatest magnitude of
    /// `expected`; infinite where shapes differ or one has a NaN or infinity the other has not.
    pub fn relative_error(&self, expected: &Tensor) -> f64 {
        if self.shape != expected.shape {
            return f64::INFINITY;
        }
        let (mut difference, mut magnitude) = (0f64, 0f64);
        for index in 0..self.element_count() {
            let (a, b) = (self.get(index).to_f64(), expected.get(index).to_f64());
            if a == b || a.is_nan() && b.is_nan() {
                magnitude = magnitude.max(if b.is_finite() { b.abs() } else { 0.0 });
                continue;
            }
            if !a.is_finite() || !b.is_finite() {
                return f64::INFINITY;
            }
            difference = difference.max((a - b).abs());
            magnitude = magnitude.max(b.abs());
        }
        if difference == 0.0 {
            0.0
        } else {
            difference / magnitude.max(f64::MIN_POSITIVE)
        }
    }
}

impl std::fmt::Debug for Tensor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{:?}[", self.dtype, self.shape)?;
        for index in 0..self.element_count().min(16) {
            let separator = if index == 0 { "" } else { ", " };
            match self.get(index) {
                Number::Float(x) => write!(f, "{separator}{x}")?,
                Number::Int(x) => write!(f, "{separator}{x}")?,
                Number::Bool(x) => write!(f, "{separator}{x}")?,
            }
        }
        f.write_str(if self.element_count() > 16 {
            ", ...]"
        } else {
            "]"
        })
    }
}
