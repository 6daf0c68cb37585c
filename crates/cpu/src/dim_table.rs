use eyas_tensor::Dim;

/// The symbolic dims that a function reads through its context: each has one place in the table.
#[derive(Debug, Clone, Default)]
pub(crate) struct DimTable {
    dims: Vec<Dim>,
}

impl DimTable {
    /// The dim's place in the table; it is added where it is new.
    pub(crate) fn place(&mut self, dim: &Dim) -> usize {
        let known = self.dims.iter().position(|other| other == dim);
        known.unwrap_or_else(|| {
            self.dims.push(dim.clone());
            self.dims.len() - 1
        })
    }

    /// The table.
    pub(crate) fn into_dims(self) -> Vec<Dim> {
        self.dims
    }
}
