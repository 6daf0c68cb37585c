use eyas_tensor::Dim;

/// An axis of an iteration space with the stride of each access along it, in elements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Axis {
    pub(super) extent: Dim,
    pub(super) strides: Vec<Dim>,
}

/// The axes, outermost first, without those of one place, and neighbours as one axis where every
/// access steps through both evenly. `None` where a product overflows.
pub(super) fn coalesce(axes: impl IntoIterator<Item = Axis>) -> Option<Vec<Axis>> {
    let mut merged: Vec<Axis> = Vec::new();
    for axis in axes {
        if axis.extent.is(1) {
            continue;
        }
        if let Some(last) = merged.last_mut() {
            let mut even = true;
            for (outer, inner) in last.strides.iter().zip(&axis.strides) {
                even &= *outer == inner.mul(&axis.extent).ok()?;
            }
            if even {
                last.extent = last.extent.mul(&axis.extent).ok()?;
                last.strides = axis.strides;
                continue;
            }
        }
        merged.push(axis);
    }
    Some(merged)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(extent: &str, strides: [&str; 2]) -> Axis {
        let dim = |text: &str| text.parse::<Dim>().unwrap();
        Axis {
            extent: dim(extent),
            strides: strides.map(dim).to_vec(),
        }
    }

    #[test]
    fn axes_merge_where_every_access_steps_evenly() {
        let dense = [axis("B", ["4*S", "0"]), axis("S", ["4", "0"])];
        assert_eq!(coalesce(dense).unwrap(), [axis("B*S", ["4", "0"])]);
        let apart = [axis("B", ["4*S", "0"]), axis("S", ["4", "1"])];
        assert_eq!(coalesce(apart.clone()).unwrap(), apart);
    }

    #[test]
    fn axes_of_one_place_go() {
        let axes = [axis("1", ["7", "9"]), axis("S", ["1", "1"])];
        assert_eq!(coalesce(axes).unwrap(), [axis("S", ["1", "1"])]);
    }
}
