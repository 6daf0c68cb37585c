use eyas_ir::Body;
use eyas_tensor::{DType, Dim};
use serde::{Deserialize, Serialize};

use crate::Access;

/// `write = epilogue(sum over contracted of left * right, reads)`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Contraction {
    /// Axes of both operands and the result.
    pub batch: Vec<Dim>,
    /// Axes of the left operand and the result.
    pub rows: Vec<Dim>,
    /// Axes of the right operand and the result.
    pub columns: Vec<Dim>,
    /// Axes that are summed over.
    pub contracted: Vec<Dim>,
    /// Strides over batch, rows and contracted axes.
    pub left: Access,
    /// Strides over batch, columns and contracted axes; of a packed operand its offset alone counts.
    pub right: Access,
    /// How the right operand lies in memory.
    pub right_layout: RightLayout,
    /// What the sum is kept in.
    pub accumulator: DType,
    /// From the sum and the reads, what is stored.
    pub epilogue: Body,
    /// Strides over batch, rows and columns.
    pub reads: Vec<Access>,
    /// Strides over batch, rows and columns.
    pub write: Access,
}

/// How the right operand lies in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RightLayout {
    /// As its access says.
    Strided,
    /// In panels of so many columns: all contracted places of a panel one after the other, the
    /// columns of a place side by side, the last panel filled up with zeros.
    Panels(usize),
}

impl Contraction {
    /// Batch, rows, columns, contracted.
    pub fn space(&self) -> Vec<Dim> {
        [&self.batch[..], &self.rows, &self.columns, &self.contracted].concat()
    }

    /// The outermost axis of the result.
    pub fn parallel_extent(&self) -> Dim {
        let mut axes = self.batch.iter().chain(&self.rows);
        axes.next().cloned().unwrap_or(Dim::from(1))
    }
}
