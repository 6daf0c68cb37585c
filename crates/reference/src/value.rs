use eyas_ir::TensorType;
use eyas_tensor::{DType, Dim, Number, Tensor, TensorError};

/// The elements of a tensor in the evaluator: a shape over numbers wider than their type.
#[derive(Debug, Clone, PartialEq)]
pub struct Values {
    dtype: DType,
    shape: Vec<usize>,
    data: Data,
}

/// The elements, row-major, by the kind of their type.
#[derive(Debug, Clone, PartialEq)]
pub enum Data {
    /// Of a floating-point type.
    Floats(Vec<f64>),
    /// Of an integer type.
    Integers(Vec<i128>),
    /// Of bool.
    Bools(Vec<bool>),
}

impl Values {
    /// Values of a type, the numbers in row-major order; they are taken as they are.
    pub(crate) fn collect(
        dtype: DType,
        shape: &[usize],
        numbers: impl IntoIterator<Item = Number>,
    ) -> Values {
        let numbers = numbers.into_iter();
        let data = if dtype.is_float() {
            Data::Floats(numbers.map(Number::to_f64).collect())
        } else if dtype == DType::Bool {
            Data::Bools(numbers.map(Number::to_bool).collect())
        } else {
            Data::Integers(numbers.map(Number::to_i128).collect())
        };
        let shape = shape.to_vec();
        Values { dtype, shape, data }
    }

    /// One number without axes.
    pub(crate) fn scalar(dtype: DType, value: Number) -> Values {
        Values::collect(dtype, &[], [value])
    }

    /// The element type.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// The extents, outermost first.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The elements.
    pub fn data(&self) -> &Data {
        &self.data
    }

    /// How many elements there are.
    pub fn element_count(&self) -> usize {
        match &self.data {
            Data::Floats(data) => data.len(),
            Data::Integers(data) => data.len(),
            Data::Bools(data) => data.len(),
        }
    }

    /// One element by its place in row-major order.
    ///
    /// # Panics
    /// Where there is no such element.
    pub fn get(&self, place: usize) -> Number {
        match &self.data {
            Data::Floats(data) => Number::Float(data[place]),
            Data::Integers(data) => Number::Int(data[place]),
            Data::Bools(data) => Number::Bool(data[place]),
        }
    }

    /// All elements in row-major order.
    pub fn numbers(&self) -> impl Iterator<Item = Number> + '_ {
        (0..self.element_count()).map(|place| self.get(place))
    }

    /// All elements as f64, without rounding to the type.
    pub fn to_f64(&self) -> Vec<f64> {
        self.numbers().map(Number::to_f64).collect()
    }

    /// A tensor of the values' own type; floats of wide storage are rounded to it.
    ///
    /// # Errors
    /// [`TensorError::TooLarge`] where memory cannot be had.
    pub fn to_tensor(&self) -> Result<Tensor, TensorError> {
        self.written(self.dtype)
    }

    /// A tensor that keeps floats of any type as f64, as wide storage has them.
    ///
    /// # Errors
    /// [`TensorError::TooLarge`] where memory cannot be had.
    pub fn to_wide_tensor(&self) -> Result<Tensor, TensorError> {
        let float = self.dtype.is_float();
        self.written(if float { DType::F64 } else { self.dtype })
    }

    fn written(&self, dtype: DType) -> Result<Tensor, TensorError> {
        let mut tensor = Tensor::zeros(dtype, &self.shape)?;
        for (place, number) in self.numbers().enumerate() {
            tensor.set(place, number);
        }
        Ok(tensor)
    }

    /// The type, its extents constants.
    pub fn tensor_type(&self) -> TensorType {
        let extent = |&extent: &usize| Dim::from(i64::try_from(extent).unwrap_or(i64::MAX));
        let shape: Vec<Dim> = self.shape.iter().map(extent).collect();
        TensorType::new(self.dtype, shape)
    }

    /// The same elements under another shape of as many.
    pub(crate) fn reshaped(&self, shape: &[usize]) -> Values {
        let mut values = self.clone();
        values.shape = shape.to_vec();
        values
    }

    /// Puts the elements of values of the same type behind these; the shape stays.
    pub(crate) fn append(&mut self, other: &Values) {
        match (&mut self.data, &other.data) {
            (Data::Floats(data), Data::Floats(more)) => data.extend(more),
            (Data::Integers(data), Data::Integers(more)) => data.extend(more),
            (Data::Bools(data), Data::Bools(more)) => data.extend(more),
            _ => {}
        }
    }

    /// Takes a shape, with zeros behind the elements that there are.
    pub(crate) fn filled_up(mut self, shape: &[usize], count: usize) -> Values {
        match &mut self.data {
            Data::Floats(data) => data.resize(count, 0.0),
            Data::Integers(data) => data.resize(count, 0),
            Data::Bools(data) => data.resize(count, false),
        }
        self.shape = shape.to_vec();
        self
    }

    /// The bytes that the elements take here.
    pub(crate) fn bytes(&self) -> usize {
        Values::bytes_for(self.dtype, self.element_count()).unwrap_or(usize::MAX)
    }

    /// The elements at these places under a shape of as many.
    pub(crate) fn picked(&self, shape: &[usize], places: impl Iterator<Item = usize>) -> Values {
        Values::collect(self.dtype, shape, places.map(|place| self.get(place)))
    }

    /// The bytes that the elements of such a tensor take here.
    pub(crate) fn bytes_for(dtype: DType, count: usize) -> Option<usize> {
        let size = if dtype.is_float() {
            size_of::<f64>()
        } else if dtype == DType::Bool {
            size_of::<bool>()
        } else {
            size_of::<i128>()
        };
        count.checked_mul(size)
    }
}

impl From<&Tensor> for Values {
    fn from(tensor: &Tensor) -> Values {
        let numbers = (0..tensor.element_count()).map(|place| tensor.get(place));
        Values::collect(tensor.dtype(), tensor.shape(), numbers)
    }
}
