use crate::LiveRange;

/// Where the arena's buffers begin, for one binding of the dims.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Placement {
    /// Offset of each buffer in bytes, in the order they were given.
    pub offsets: Vec<usize>,
    /// Bytes of the arena.
    pub size: usize,
}

/// The arena would need more bytes than an address can count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlacementError;

/// Every buffer begins at a multiple of this many bytes, a cache line.
const ALIGNMENT: usize = 64;

/// Gives each buffer (bytes, live range) the lowest place that no buffer alive with it holds, the
/// largest buffers first. The same buffers get the same places.
///
/// # Errors
/// [`PlacementError`] where sizes add up to more than an address can count.
pub fn place(buffers: &[(usize, LiveRange)]) -> Result<Placement, PlacementError> {
    let mut order: Vec<usize> = (0..buffers.len()).collect();
    order.sort_by_key(|&index| (std::cmp::Reverse(buffers[index].0), buffers[index].1, index));
    let mut placement = Placement {
        offsets: vec![0; buffers.len()],
        size: 0,
    };
    let mut placed: Vec<(usize, usize, LiveRange)> = Vec::with_capacity(buffers.len());
    for index in order {
        let (size, live) = buffers[index];
        let room = size
            .checked_next_multiple_of(ALIGNMENT)
            .ok_or(PlacementError)?;
        let mut offset = 0usize;
        for &(start, end, other) in &placed {
            let fits = offset.checked_add(room).ok_or(PlacementError)? <= start;
            if other.overlaps(live) {
                if fits {
                    break;
                }
                offset = offset.max(end);
            }
        }
        let end = offset.checked_add(room).ok_or(PlacementError)?;
        placement.offsets[index] = offset;
        placement.size = placement.size.max(end);
        let position = placed.partition_point(|&(start, ..)| start <= offset);
        placed.insert(position, (offset, end, live));
    }
    Ok(placement)
}

impl Placement {
    /// Whether every buffer (bytes, live range) lies inside the arena, and no two that are alive
    /// together overlap: what [`place`] promises, looked at anew.
    pub fn is_sound(&self, buffers: &[(usize, LiveRange)]) -> bool {
        let places = self.offsets.iter().zip(buffers);
        let mut places: Vec<(usize, usize, LiveRange)> = places
            .map(|(&offset, &(size, live))| (offset, offset.saturating_add(size), live))
            .collect();
        places.sort_unstable();
        let inside = places.iter().all(|&(_, end, _)| end <= self.size);
        let apart = places.iter().enumerate().all(|(number, &(_, end, live))| {
            let mut later = places[number + 1..].iter();
            let mut overlapping = later.by_ref().take_while(|&&(start, ..)| start < end);
            overlapping
                .all(|&(start, other_end, other)| start == other_end || !live.overlaps(other))
        });
        self.offsets.len() == buffers.len() && inside && apart
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn live(first: u32, last: u32) -> LiveRange {
        LiveRange { first, last }
    }

    #[test]
    fn buffers_that_follow_each_other_share_memory() {
        let placement = place(&[(100, live(0, 1)), (100, live(2, 3)), (64, live(1, 2))]);
        let placement = placement.unwrap();
        assert_eq!(placement.offsets, [0, 0, 128]);
        assert_eq!(placement.size, 192);
    }

    #[test]
    fn no_two_buffers_alive_together_overlap() {
        let mut state = 1u64;
        let mut random = move |bound: u64| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 33) % bound
        };
        for _ in 0..200 {
            let buffers: Vec<(usize, LiveRange)> = (0..random(20))
                .map(|_| {
                    let first = random(12) as u32;
                    (random(400) as usize, live(first, first + random(5) as u32))
                })
                .collect();
            let placement = place(&buffers).unwrap();
            assert!(placement.is_sound(&buffers));
            for (a, (size, range)) in buffers.iter().enumerate() {
                let start = placement.offsets[a];
                assert!(start + size <= placement.size && start.is_multiple_of(ALIGNMENT));
                for (b, (other, other_range)) in buffers.iter().enumerate().skip(a + 1) {
                    let begin = placement.offsets[b];
                    let apart = start + size <= begin || begin + other <= start;
                    assert!(apart || !range.overlaps(*other_range));
                    // Moved onto each other, they are found.
                    if range.overlaps(*other_range) && *size > 0 && *other > 0 {
                        let mut wrong = placement.clone();
                        wrong.offsets[b] = start;
                        wrong.size += other;
                        assert!(!wrong.is_sound(&buffers));
                    }
                }
            }
        }
    }

    #[test]
    fn sizes_beyond_an_address_are_refused() {
        assert_eq!(place(&[(usize::MAX, live(0, 0))]), Err(PlacementError));
    }
}
