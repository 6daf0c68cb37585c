use eyas_tensor::Tensor;

/// What a run gives back, in the entry point's order.
#[derive(Debug, Clone, PartialEq)]
pub struct Outputs(pub(crate) Vec<(String, Tensor)>);

impl Outputs {
    /// The output of a name.
    pub fn get(&self, name: &str) -> Option<&Tensor> {
        let mut outputs = self.iter();
        outputs
            .find(|(known, _)| *known == name)
            .map(|(_, tensor)| tensor)
    }

    /// The output at a place.
    pub fn at(&self, place: usize) -> Option<&Tensor> {
        self.0.get(place).map(|(_, tensor)| tensor)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Names and tensors.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Tensor)> {
        self.0.iter().map(|(name, tensor)| (&**name, tensor))
    }
}

impl IntoIterator for Outputs {
    type Item = (String, Tensor);
    type IntoIter = std::vec::IntoIter<(String, Tensor)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}
