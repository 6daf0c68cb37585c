//! Index arithmetic over row-major storage.

/// The distance in storage between neighbours along each axis of a dense shape.
pub(crate) fn strides(shape: &[usize]) -> Vec<i64> {
    let mut strides = vec![1i64; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis].saturating_mul(shape[axis] as i64);
    }
    strides
}

/// The number of elements; `None` where it leaves the range of usize.
pub(crate) fn count(shape: &[usize]) -> Option<usize> {
    if shape.contains(&0) {
        return Some(0);
    }
    shape
        .iter()
        .try_fold(1usize, |count, &extent| count.checked_mul(extent))
}

/// The places in storage of a strided view's elements, in row-major order of the view.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    shape: Vec<usize>,
    strides: Vec<i64>,
    position: Vec<usize>,
    place: i64,
    left: usize,
}

impl Places {
    /// A view of `shape` that begins at `offset` and steps by `strides`.
    pub(crate) fn new(shape: &[usize], offset: i64, strides: &[i64]) -> Places {
        Places {
            shape: shape.to_vec(),
            strides: strides.to_vec(),
            position: vec![0; shape.len()],
            place: offset,
            left: count(shape).unwrap_or(0),
        }
    }

    /// The position of the element that comes next, an index an axis.
    pub(crate) fn position(&self) -> &[usize] {
        &self.position
    }
}

impl Iterator for Places {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        self.left = self.left.checked_sub(1)?;
        let place = self.place as usize;
        for axis in (0..self.shape.len()).rev() {
            self.position[axis] += 1;
            self.place += self.strides[axis];
            if self.position[axis] < self.shape[axis] {
                break;
            }
            self.place -= self.strides[axis] * self.shape[axis] as i64;
            self.position[axis] = 0;
        }
        Some(place)
    }
}

/// The places of `shape` grouped by the axes that are reduced: where each group begins, in the
/// order of the result, and the distances of a group's members from there.
pub(crate) fn groups(shape: &[usize], axes: &[usize]) -> (Places, Vec<usize>) {
    let strides = strides(shape);
    let (mut outer, mut inner) = (shape.to_vec(), vec![1; shape.len()]);
    for &axis in axes {
        inner[axis] = shape[axis];
        outer[axis] = 1;
    }
    let members = Places::new(&inner, 0, &strides).collect();
    (Places::new(&outer, 0, &strides), members)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_steps_backwards_and_stands_still() {
        let reversed: Vec<usize> = Places::new(&[3], 2, &[-1]).collect();
        assert_eq!(reversed, [2, 1, 0]);
        let repeated: Vec<usize> = Places::new(&[2, 3], 0, &[0, 1]).collect();
        assert_eq!(repeated, [0, 1, 2, 0, 1, 2]);
        assert_eq!(Places::new(&[2, 0], 0, &[1, 1]).count(), 0);
        assert_eq!(Places::new(&[], 0, &[]).count(), 1);
    }

    #[test]
    fn groups_cover_every_place_once() {
        let (outer, inner) = groups(&[2, 3, 4], &[0, 2]);
        let mut all: Vec<usize> = outer
            .flat_map(|start| inner.iter().map(move |member| start + member))
            .collect();
        all.sort_unstable();
        assert!(all.into_iter().eq(0..24));
    }
}
