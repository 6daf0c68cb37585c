use eyas_tensor::{Dim, DimError};
use serde::{Deserialize, Serialize};

/// Where an element lies: `offset + sum(stride * index)` elements into an argument, the indices
/// being those of the iteration space, with an [`Indirect`] part for gathers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Access {
    /// The argument that is read or written.
    pub argument: usize,
    /// The place of the first element, in elements.
    pub offset: Dim,
    /// Elements between neighbours, an axis of the iteration space each.
    pub strides: Vec<Dim>,
    /// A part that hangs on a value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub indirect: Option<Indirect>,
}

/// `value * stride` elements more, where `value` is an integer read before; outside
/// `0..extent` the run fails.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Indirect {
    /// Where the index is read; it has no indirect part itself.
    pub index: Box<Access>,
    /// Elements between neighbours of the indexed axis.
    pub stride: Dim,
    /// Places along the indexed axis.
    pub extent: Dim,
}

impl Access {
    /// All of a dense row-major tensor whose axes are those of the iteration space.
    ///
    /// # Errors
    /// [`DimError::Overflow`].
    pub fn dense(argument: usize, extents: &[Dim]) -> Result<Access, DimError> {
        Ok(Access {
            argument,
            offset: Dim::from(0),
            strides: row_major(extents)?,
            indirect: None,
        })
    }

    /// Every access in here: this one, and where its index is read.
    pub fn parts(&self) -> impl Iterator<Item = &Access> {
        let index = self.indirect.as_ref().map(|indirect| &*indirect.index);
        std::iter::once(self).chain(index)
    }

    /// The same places seen from a space with another order of axes: axis `i` is axis `order[i]` here.
    #[must_use]
    pub fn reordered(&self, order: &[usize]) -> Access {
        Access {
            strides: order
                .iter()
                .map(|&axis| self.strides[axis].clone())
                .collect(),
            indirect: self.indirect.as_ref().map(|indirect| Indirect {
                index: Box::new(indirect.index.reordered(order)),
                ..indirect.clone()
            }),
            ..self.clone()
        }
    }
}

/// Strides of a dense row-major tensor, in elements.
///
/// # Errors
/// [`DimError::Overflow`].
pub fn row_major(extents: &[Dim]) -> Result<Vec<Dim>, DimError> {
    let mut stride = Dim::from(1);
    let mut strides = Vec::with_capacity(extents.len());
    for extent in extents.iter().rev() {
        strides.push(stride.clone());
        stride = stride.mul(extent)?;
    }
    strides.reverse();
    Ok(strides)
}
