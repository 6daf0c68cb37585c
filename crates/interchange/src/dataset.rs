use std::ops::Range;
use std::path::{Path, PathBuf};

use eyas_tensor::{DType, Number, Tensor, TensorError};

use crate::{InterchangeError, read_idx};

/// Labelled items, kept as they are stored and given out in batches of scaled f32.
#[derive(Debug, Clone)]
pub struct Dataset {
    path: PathBuf,
    items: Tensor,
    labels: Tensor,
    scale: f64,
}

/// Some items of a [`Dataset`] in order.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// The items, f32 and scaled: the count, then the extents asked for.
    pub items: Tensor,
    /// Their labels, i64.
    pub labels: Tensor,
}

impl Dataset {
    /// Items and labels along their first axis; what the values are multiplied by; where they are
    /// from, for messages.
    ///
    /// # Errors
    /// [`InterchangeError::Mismatch`] where there are not as many labels as items, or the labels
    /// are not integers.
    pub fn new(
        items: Tensor,
        labels: Tensor,
        scale: f64,
        path: &Path,
    ) -> Result<Dataset, InterchangeError> {
        let path = path.to_owned();
        let what = match (items.shape(), labels.shape()) {
            ([count, ..], [own]) if count != own => {
                Some(format!("there are {count} items, but {own} labels"))
            }
            ([_, ..], [_]) if !labels.dtype().is_integer() => {
                Some(format!("the labels are {}, not integers", labels.dtype()))
            }
            ([_, ..], [_]) => None,
            ([], _) => Some("the items have no first axis".to_owned()),
            (_, shape) => Some(format!("the labels have {} axes, not one", shape.len())),
        };
        match what {
            Some(what) => Err(InterchangeError::Mismatch { path, what }),
            None => Ok(Dataset {
                path,
                items,
                labels,
                scale,
            }),
        }
    }

    /// The IDX files `PREFIX-images-idx3-ubyte` and `PREFIX-labels-idx1-ubyte` of a folder, each
    /// compressed (`.gz`) or not.
    ///
    /// # Errors
    /// [`InterchangeError`].
    pub fn open_idx(folder: &Path, prefix: &str, scale: f64) -> Result<Dataset, InterchangeError> {
        let items = read_idx(&find(folder, &format!("{prefix}-images-idx3-ubyte"))?)?;
        let labels = read_idx(&find(folder, &format!("{prefix}-labels-idx1-ubyte"))?)?;
        Dataset::new(items, labels, scale, folder)
    }

    /// How many items there are.
    pub fn len(&self) -> usize {
        self.labels.element_count()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The extents of one item.
    pub fn item_shape(&self) -> &[usize] {
        &self.items.shape()[1..]
    }

    /// The items of a range, each reshaped to these extents, which have as many elements.
    ///
    /// # Errors
    /// [`InterchangeError::Mismatch`] where the extents do not fit or the range is not there.
    pub fn batch(&self, range: Range<usize>, extents: &[usize]) -> Result<Batch, InterchangeError> {
        let mismatch = |what: String| InterchangeError::Mismatch {
            path: self.path.clone(),
            what,
        };
        if range.start > range.end || range.end > self.len() {
            return Err(mismatch(format!(
                "there are no items {} to {}, for there are {}",
                range.start,
                range.end,
                self.len()
            )));
        }
        let size: usize = self.item_shape().iter().product();
        let wanted = extents.iter().try_fold(1usize, |n, &m| n.checked_mul(m));
        if wanted != Some(size) {
            let own = self.item_shape();
            return Err(mismatch(format!(
                "an item has the extents {own:?}, which do not reshape to {extents:?}"
            )));
        }
        let fault = |source: TensorError| InterchangeError::Tensor {
            path: self.path.clone(),
            source,
        };
        let shape: Vec<usize> = [range.len()].into_iter().chain(extents.to_vec()).collect();
        let mut items = Tensor::zeros(DType::F32, &shape).map_err(fault)?;
        if let Some(scaled) = items.as_f32_mut() {
            self.scale_into(range.start * size, scaled);
        }
        let mut labels = Tensor::zeros(DType::I64, &[range.len()]).map_err(fault)?;
        for (place, item) in range.enumerate() {
            labels.set(place, self.labels.get(item));
        }
        Ok(Batch { items, labels })
    }

    /// The elements from a place on, in f64 times the scale, rounded once.
    fn scale_into(&self, start: usize, scaled: &mut [f32]) {
        let scale = |number: f64| (number * self.scale) as f32;
        if self.items.dtype() == DType::U8 {
            let bytes = &self.items.bytes()[start..];
            for (scaled, byte) in scaled.iter_mut().zip(bytes) {
                *scaled = scale(f64::from(*byte));
            }
            return;
        }
        for (place, scaled) in (start..).zip(scaled) {
            *scaled = scale(Number::to_f64(self.items.get(place)));
        }
    }

    /// All items in batches of a size (at least 1), the last of what is left.
    pub fn batches<'a>(
        &'a self,
        size: usize,
        extents: &'a [usize],
    ) -> impl Iterator<Item = Result<Batch, InterchangeError>> + 'a {
        let (size, count) = (size.max(1), self.len());
        (0..count)
            .step_by(size)
            .map(move |start| self.batch(start..count.min(start.saturating_add(size)), extents))
    }
}

/// The file of this name or of its compressed form.
fn find(folder: &Path, name: &str) -> Result<PathBuf, InterchangeError> {
    let names = [name.to_owned(), format!("{name}.gz")];
    let found = names.iter().map(|name| folder.join(name));
    let found = found.into_iter().find(|path| path.is_file());
    found.ok_or_else(|| InterchangeError::Missing {
        path: folder.to_owned(),
        names: names.to_vec(),
    })
}
