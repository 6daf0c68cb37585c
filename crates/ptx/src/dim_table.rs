use eyas_tensor::Dim;

/// The symbolic dims that an entry is called with: each has one place in the table.
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

/// The name of a dim's parameter: that of a symbol, or else the place in the table.
pub(crate) fn parameter_name(dim: &Dim, place: usize) -> String {
    let is_plain = |symbol: &&str| {
        symbol
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    match dim.as_symbol().filter(is_plain) {
        Some(symbol) => format!("dim_{symbol}"),
        None => format!("dim{place}"),
    }
}
