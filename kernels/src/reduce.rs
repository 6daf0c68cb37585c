use eyas_ir::{Body, Extreme, Reduction};
use eyas_tensor::{DType, Dim};
use serde::{Deserialize, Serialize};

use crate::{Access, Role};

/// Row by row: folds over the inner axes, one after the other, and what is made of them.
///
/// A softmax is two stages (the maximum, and the sum of exponentials less it) and an element
/// finish; a sum is one stage and a row finish.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reduce {
    /// Axes that stay: a row for each place.
    pub outer: Vec<Dim>,
    /// Axes that are folded.
    pub inner: Vec<Dim>,
    /// Strides over outer and inner axes.
    pub reads: Vec<Access>,
    /// The folds in order.
    pub stages: Vec<Stage>,
    /// What is stored once a row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row: Option<RowFinish>,
    /// What is stored at every place of a row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub element: Option<ElementFinish>,
}

/// One fold over a row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stage {
    /// From the reads and the results of the stages before, one value.
    pub body: Body,
    /// How the values are folded.
    pub fold: Fold,
    /// What the fold is kept in, which is its result's type but for [`Fold::Arg`] (i64).
    pub accumulator: DType,
}

/// How a row becomes one value. Floats are folded in sixteen lanes (place `i` in lane `i % 16`,
/// each from the fold of nothing on), the lanes then pairwise (lane `i` with lane `i + 8`, then
/// `i + 4`, `i + 2`, `i + 1`): the order hangs on nothing but the extent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fold {
    /// To the sum, product or an extreme.
    Value(Reduction),
    /// To the place (i64, row-major over the inner axes) of the first extreme.
    Arg(Extreme),
}

/// What is stored once a row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RowFinish {
    /// More inputs, strides over the outer axes.
    pub reads: Vec<Access>,
    /// From the stages' results and the reads.
    pub body: Body,
    /// Strides over the outer axes.
    pub writes: Vec<Access>,
}

/// What is stored at every place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ElementFinish {
    /// From the kernel's reads and the stages' results.
    pub body: Body,
    /// Strides over outer and inner axes.
    pub writes: Vec<Access>,
}

impl Stage {
    /// The type of the stage's result.
    pub fn result(&self) -> DType {
        match self.fold {
            Fold::Value(_) => self.accumulator,
            Fold::Arg(_) => DType::I64,
        }
    }
}

impl Reduce {
    pub(crate) fn accesses(&self) -> Vec<(&Access, Role)> {
        let row = self.row.iter();
        let reads = self.reads.iter().chain(row.clone().flat_map(|r| &r.reads));
        let row_writes = row.flat_map(|r| &r.writes);
        let writes = row_writes.chain(self.element.iter().flat_map(|e| &e.writes));
        let reads = reads.map(|access| (access, Role::Read));
        reads
            .chain(writes.map(|access| (access, Role::Write)))
            .collect()
    }

    pub(crate) fn bodies(&self) -> Vec<&Body> {
        let stages = self.stages.iter().map(|stage| &stage.body);
        let row = self.row.iter().map(|row| &row.body);
        stages
            .chain(row)
            .chain(self.element.iter().map(|e| &e.body))
            .collect()
    }

    pub(crate) fn bodies_mut(&mut self) -> Vec<&mut Body> {
        let stages = self.stages.iter_mut().map(|stage| &mut stage.body);
        let row = self.row.iter_mut().map(|row| &mut row.body);
        let element = self.element.iter_mut().map(|e| &mut e.body);
        stages.chain(row).chain(element).collect()
    }
}
